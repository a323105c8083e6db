"""Region growing: from each seed to all connected pixels whose colour is near the seed's.

Adams & Bischof 1994, "Seeded Region Growing", IEEE PAMI 16(6), with the fixed tolerance of a flood fill.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import array_of, as_image, contiguous, describe, number, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.layers import Heat, Picture, Value
from sightline.core.layers import Points as PointsLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Points, Range


@method(
    task="segmentation",
    paper="Adams & Bischof 1994",
    lesson="w2d3",
    example={"seeds": np.array([[0.0, 0.0]], np.float32), "tolerance": 0.1},
)
def region_grow(
    image: Image,
    seeds: Points,
    tolerance: Annotated[float, Range(0, 255, 1)],
    *,
    connectivity: Annotated[int, Range(4, 8, 4)] = 8,
    out: Array | None = None,
) -> Labels:
    """Return the label map of regions that grow from seeds.

    A region takes every connected pixel of which no channel differs from the seed by more than the tolerance. Seeds
    grow one after another and keep what they reached: a seed within an earlier region has no region of its own. NaN
    and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    seeds
        N×2 points (x, y), N ≥ 1; the pixel whose centre is nearest is meant.
    tolerance
        Greatest difference of a channel from the seed, in the image's own units, ≥ 0.
    connectivity
        Neighbours that a region grows to: 8, or 4 (those that share an edge).
    out
        H×W int32 array to write to; None makes a new one.

    Returns
    -------
    labels
        H×W int32: i + 1 where seed i came, 0 where none did.

    Raises
    ------
    InputError
        When there is no seed, or one lies outside the image.

    References
    ----------
    R. Adams, L. Bischof, "Seeded Region Growing", IEEE Transactions on Pattern Analysis and Machine Intelligence
    16(6), 1994.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 11, 90], [12, 80, 91]], np.uint8)
    >>> region_grow(image, np.array([[0, 0], [2, 0]]), 5).tolist()
    [[1, 1, 2], [1, 0, 2]]
    """
    image = as_image("region_grow", image, finite=True)
    shape = image.shape[:2]
    seeds = _as_seeds(seeds, shape)
    tolerance = number("region_grow", "tolerance", tolerance, 0, 65535)
    if isinstance(connectivity, (bool, np.ndarray)) or connectivity not in (4, 8):
        raise InputError(f"region_grow: connectivity must be 4 or 8; got {describe(connectivity)}.")
    labels = output("region_grow", out, shape, np.int32)
    labels[...] = 0
    _grow(contiguous(image).reshape(*shape, -1), seeds, np.float32(tolerance), connectivity == 8, labels)
    return labels


@region_grow.steps
def _steps(image: Image, seeds: Points, tolerance: float, *, connectivity: int = 8, out: Any = None) -> Iterator[Step]:
    picture = as_image("region_grow", image, finite=True)
    yield Step("seeds", PointsLayer(np.asarray(seeds, np.float32)), Picture(picture), PointsLayer(np.asarray(seeds)))
    for part in (1, 2):
        labels = region_grow(image, seeds, tolerance * part / 3, connectivity=connectivity)
        yield Step(f"{part}/3 of the tolerance", Heat(labels.astype(np.float32)), note="A stricter rule takes less.")
    labels = region_grow(image, seeds, tolerance, connectivity=connectivity, out=out)
    yield Step("regions", Value(labels), Heat(labels.astype(np.float32)), note="Each seed with all that is like it.")


def _as_seeds(seeds: Any, shape: tuple[int, int]) -> Array:
    points = array_of(seeds)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0 or points.dtype.kind not in "iuf":
        raise InputError(f"region_grow: seeds must be N×2 points (x, y), N ≥ 1; got {describe(seeds)}.")
    if not np.isfinite(points).all():
        raise InputError("region_grow: seeds must be finite; got NaN or infinity.")
    pixels = np.rint(points.astype(np.float64))
    outside = (pixels < 0).any(axis=1) | (pixels[:, 0] >= shape[1]) | (pixels[:, 1] >= shape[0])
    if outside.any():
        x, y = points[outside][0]
        raise InputError(f"region_grow: seeds must lie in the {shape[0]}×{shape[1]} image; got ({x:g}, {y:g}).")
    return pixels.astype(np.int64)


@kernel
def _grow(pixels, seeds, tolerance, diagonal, labels):
    """Fill runs of a row; the rows above and below are searched for new runs beneath each one."""
    height, width, channels = pixels.shape
    stack = np.empty(height * width, np.int32)
    centre, reach = np.empty(channels, np.float32), 1 if diagonal else 0
    for s in range(seeds.shape[0]):
        x, y, number = seeds[s, 0], seeds[s, 1], np.int32(s + 1)
        if labels[y, x] != 0:
            continue
        for c in range(channels):
            centre[c] = pixels[y, x, c]
        labels[y, x] = number
        stack[0] = y * width + x
        top = 1
        while top > 0:
            top -= 1
            y, x = stack[top] // width, stack[top] % width
            left, right = x, x
            while left > 0 and labels[y, left - 1] == 0 and _alike(pixels, y, left - 1, centre, tolerance, channels):
                left -= 1
                labels[y, left] = number
            while (
                right + 1 < width
                and labels[y, right + 1] == 0
                and _alike(pixels, y, right + 1, centre, tolerance, channels)
            ):
                right += 1
                labels[y, right] = number
            for row in (y - 1, y + 1):
                if row < 0 or row >= height:
                    continue
                fresh = True  # the next pixel that fits begins a run
                for near in range(max(left - reach, 0), min(right + reach + 1, width)):
                    fits = labels[row, near] == 0 and _alike(pixels, row, near, centre, tolerance, channels)
                    if fits and fresh:
                        labels[row, near] = number
                        stack[top] = row * width + near
                        top += 1
                    fresh = not fits


@kernel(inline=True)
def _alike(pixels, y, x, centre, tolerance, channels):
    same = True
    for c in range(channels):
        same &= abs(np.float32(pixels[y, x, c]) - centre[c]) <= tolerance
    return same
