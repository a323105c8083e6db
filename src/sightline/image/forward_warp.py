"""Forward warp: every old pixel is sent to its new place and shared among the four pixels around it.

Wolberg 1990, "Digital Image Warping", IEEE Computer Society Press, section 3.1.1 (forward mapping, accumulator arrays):
what several pixels send to one place is averaged by weight, and where nothing arrives, a hole is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, NewImage
from sightline.core.vectors import LANES, load_pairs, store
from sightline.core.widened import eight_of, greater, lesser
from sightline.image.correlation import finish
from sightline.image.sampling import border_colours, sampled
from sightline.image.warp import as_field

Coverage = Float32[np.ndarray, "new_h new_w"]

_SUMS, _BANDS = 1 << 19, 8  # rows of the result are summed that many numbers at a time, in so many bands at most
_TALL, _WIDE = 8, 64  # rows and columns whose pixels are left out together where they do not reach a band


def _spread(image: Any) -> Array:
    """Return places further apart than the pixels, for an example: holes appear."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([1.3 * x - 0.2 * y, 1.2 * y + 0.1 * x], axis=2).astype(np.float32)


@method(task="sampling", paper="Wolberg 1990", lesson="w2d7", example={"coordinates": _spread})
def forward_warp(
    image: Image,
    coordinates: Float[np.ndarray, "h w 2"],
    shape: tuple[int, int] | None = None,
    *,
    weights: Float[np.ndarray, "h w"] | None = None,
    value: float | Sequence[float] = 0.0,
) -> tuple[NewImage, Coverage]:
    """Return the image with every pixel sent to a given place, and how much arrived at each.

    A pixel is shared among the four around its place by distance (splatting); what arrives is averaged. Pixels sent
    outside, or to NaN or infinity, are lost; NaN and infinity in the image spread to where they are sent.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    coordinates
        H×W×2 float32, ``(x, y)`` in the result to which each pixel goes, in pixels.
    shape
        ``(height, width)`` of the result in pixels; None for the image's own.
    weights
        H×W, finite and ≥ 0: how much each pixel counts where several meet, for example the nearer one more; None for 1.
    value
        What holes show, in the image's units: a number, or one for each channel.

    Returns
    -------
    image, coverage
        The result, same dtype, and the sum of weights that arrived at each pixel, h×w float32; 0 in holes.

    Raises
    ------
    InputError
        When the coordinates or weights are not of the image's shape.

    References
    ----------
    G. Wolberg, "Digital Image Warping", IEEE Computer Society Press, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 20, 30]], np.uint8)
    >>> places = np.array([[[0, 0], [2, 0], [2, 0]]], np.float32)
    >>> forward_warp(image, places)[0]
    array([[10,  0, 25]], dtype=uint8)
    """
    image = as_image("forward_warp", image, channels=())
    field = as_field("forward_warp", coordinates, image.shape[:2])
    result = sampled("forward_warp", image, shape, None)
    colours = border_colours("forward_warp", image, value)
    counts = _as_weights(weights, image.shape[:2])
    height, width = result.shape[:2]
    coverage = np.zeros((height, width), np.float32)
    rows = -(-height // min(_BANDS, -(-result.size // _SUMS)))
    reach = _reach(field) if rows < height else np.empty((0, 0, 2), np.float32)

    def band(y0: int, y1: int) -> None:
        total = empty(result[y0:y1].shape, np.float32)
        total.fill(0)
        _splat(image, field, counts, reach, total, coverage[y0:y1], y0)
        _average(total.reshape(y1 - y0, width, -1), coverage[y0:y1], colours.astype(np.float32))
        finish(total, result[y0:y1])

    over_rows(band, height, strip=rows)
    return result, coverage


@forward_warp.steps
def _steps(image: Image, coordinates: Array, shape: Any = None, **options: Any) -> Iterator[Step]:
    yield Step("image", Picture(as_image("forward_warp", image, channels=())))
    result, coverage = forward_warp(image, coordinates, shape, **options)
    yield Step("coverage", Heat(coverage), note="How much arrived at each pixel.")
    yield Step("holes", MaskLayer(coverage == 0), note="Where nothing did.")
    yield Step("warped", Value((result, coverage)), Picture(result))


def _as_weights(weights: Any, shape: tuple[int, ...]) -> Array:
    """Return a weight for each pixel, or one for all."""
    if weights is None:
        return np.ones((1, 1), np.float32)
    if not isinstance(weights, np.ndarray) or weights.shape != shape or weights.dtype.kind != "f":
        raise InputError(
            f"forward_warp: weights must be {shape[0]}×{shape[1]} float32, as the image; got {describe(weights)}."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise InputError("forward_warp: weights must be finite and ≥ 0; got others. Clip them.")
    return np.ascontiguousarray(weights, np.float32)


def _reach(field: Array) -> Array:
    """Return between which y the pixels of each part of some rows are sent: rows × parts × 2, float32."""
    height, width = field.shape[:2]
    reach = np.empty((-(-height // _TALL), -(-width // _WIDE), 2), np.float32)
    over_rows(_find_reach, len(reach), field, reach, strip=4)
    return reach


@kernel
def _find_reach(field, reach, y0, y1):
    (height, width, _), places = field.shape, field.reshape(-1)
    lanes = np.empty((2, LANES), np.float32)
    lowest, highest = lanes[0], lanes[1]
    for part in range(y0, y1):
        for k in range(reach.shape[1]):
            x0, x1 = _WIDE * k, min(_WIDE * k + _WIDE, width)
            eights = x0 + (x1 - x0) // LANES * LANES
            low, high = np.float32(np.inf), np.float32(-np.inf)
            lows, highs = eight_of(low), eight_of(high)
            for y in range(_TALL * part, min(_TALL * part + _TALL, height)):
                for x in range(x0, eights, LANES):
                    _, v = load_pairs(places, 2 * (y * width + x))
                    lows, highs = lesser(v, lows), greater(v, highs)  # NaN is neither
                for x in range(eights, x1):
                    v = field[y, x, 1]
                    low, high = v if v < low else low, v if v > high else high
            store(lows, lowest, 0)
            store(highs, highest, 0)
            for lane in range(LANES):
                low, high = min(low, lowest[lane]), max(high, highest[lane])
            reach[part, k, 0], reach[part, k, 1] = low, high


@kernel
def _splat(image, field, weights, reach, total, coverage, top):
    """Add to rows from ``top`` on what is sent there, in the order of the image's pixels."""
    (rows, across), width = coverage.shape, image.shape[1]
    above, below, wide = np.float32(max(top - 1, -1)), np.float32(top + rows), _WIDE if reach.size else width
    reaching = np.empty(wide, np.int64)
    for y in range(image.shape[0]):
        for x0 in range(0, width, wide):
            part, k = y // _TALL, x0 // _WIDE
            if reach.size and (reach[part, k, 0] >= below or reach[part, k, 1] <= above):
                continue
            count = min(wide, width - x0)
            sift = reach.size > 0 and (reach[part, k, 0] <= above or reach[part, k, 1] >= below)
            if sift:  # no processor foresees which of them reach the rows
                count = 0
                for x in range(x0, min(x0 + wide, width)):
                    reaching[np.uint64(count)] = x
                    count += (field[y, x, 1] > above) & (field[y, x, 1] < below)  # not NaN
            for i in range(count):
                x = reaching[i] if sift else x0 + i
                u, v, weight = field[y, x, 0], field[y, x, 1], weights[y, x] if weights.size > 1 else weights[0, 0]
                if not (v > above and v < below and u > np.float32(-1) and u < np.float32(across)):
                    continue  # NaN too
                left, row = int(np.floor(u)), int(np.floor(v))
                right_share, lower_share = u - np.float32(left), v - np.float32(row)
                near, far = weight * (np.float32(1) - right_share), weight * right_share
                for down in range(2):
                    at = row + down - top
                    if at < 0 or at >= rows:
                        continue
                    share_down = lower_share if down else np.float32(1) - lower_share
                    for right in range(2):
                        share, column = (far if right else near) * share_down, left + right
                        if not (share > 0 and column >= 0 and column < across):
                            continue
                        coverage[at, column] += share
                        if image.ndim == 2:  # a kernel of its own
                            total[at, column] += share * np.float32(image[y, x])
                        else:
                            for c in range(image.shape[2]):
                                total[at, column, c] += share * np.float32(image[y, x, c])


@kernel
def _average(total, coverage, colours):
    """Divide sums by how much arrived, in their place."""
    for y in range(total.shape[0]):
        for x in range(total.shape[1]):
            for c in range(total.shape[2]):
                hole = coverage[y, x] == 0
                total[y, x, c] = colours[c % colours.size] if hole else total[y, x, c] / coverage[y, x]
