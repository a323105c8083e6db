"""ORB: FAST corners on a pyramid, each with a direction, described by 256 comparisons that turn with it.

Rublee, Rabaud, Konolige & Bradski 2011, "ORB: An Efficient Alternative to SIFT or SURF", ICCV, which the code follows:
FAST and Harris (section 3.1), the intensity centroid (3.2), steered BRIEF with chosen tests (4).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.conversions import to_uint8
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Grid, Lines, Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.features.binary_tests import REACH, TESTS
from sightline.features.brief import MARGIN, describe_bits
from sightline.features.fast import corner_map, nonzero
from sightline.features.keypoints import Features
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gradient import as_gray
from sightline.image.resize import resize

_SMOOTH = 2.0  # σ in pixels of a level, for the comparisons
_K, _WINDOW = np.float32(0.04), 3  # of Harris's response: 7×7 pixels
# Half the width of each row of a disc of radius REACH, from its middle down.
_HALF = np.floor(np.sqrt(REACH * REACH - np.arange(REACH + 1) ** 2 + 0.5)).astype(np.int64)


@method(task="keypoints", paper="Rublee et al. 2011", lesson="w3d2")
def orb(
    image: Image,
    max_features: Annotated[int, Range(1, 100000, 1)] = 500,
    *,
    threshold: Annotated[int, Range(1, 254, 1)] = 20,
    levels: Annotated[int, Range(1, 16, 1)] = 8,
    factor: Annotated[float, Range(1.05, 2, 0.05)] = 1.2,
) -> Features:
    """Return the ORB features of an image: corners at several scales, with a direction and 256 bits each.

    The tests are not those of OpenCV: descriptors of the two cannot be compared. An image without texture, or of fewer
    than 33×33 pixels, has none. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, brought to 0–255.
    max_features
        How many at most, ≥ 1, shared out among the levels by their width.
    threshold
        Of FAST, in grey levels of 0–255, 1–254.
    levels
        Of the pyramid, 1–16; those smaller than 33×33 pixels are left out.
    factor
        From the size of a level to that of the next, 1.05–2.

    Returns
    -------
    Features
        The finest level first, on each the strongest first; ``descriptors`` are N×32 uint8, ``scales`` are pixels of
        the image to a pixel of the level, ``responses`` are Harris's for brightness 0–1.

    References
    ----------
    E. Rublee, V. Rabaud, K. Konolige, G. Bradski, "ORB: An Efficient Alternative to SIFT or SURF", International
    Conference on Computer Vision, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)
    >>> found = orb(image, 20)
    >>> found.points.shape, found.descriptors.shape, found.is_binary
    ((20, 2), (20, 32), True)
    """
    gray, count, threshold, levels, factor = _checked(image, max_features, threshold, levels, factor)
    pyramid = _pyramid(gray, levels, factor)
    shares = _shares(count, len(pyramid), factor)
    return _together([_found(level, most, threshold) for level, most in zip(pyramid, shares, strict=True)], pyramid)


@orb.steps
def _steps(
    image: Image, max_features: int = 500, *, threshold: int = 20, levels: int = 8, factor: float = 1.2
) -> Iterator[Step]:
    gray, _, threshold, levels, factor = _checked(image, max_features, threshold, levels, factor)
    pyramid = _pyramid(gray, levels, factor)
    yield Step("grey", Picture(gray))
    coarse = pyramid[-1] if pyramid else gray
    note = f"{len(pyramid)} levels, each smaller by {factor:g}: the same corner is found again from farther away."
    yield Step("coarsest level", Picture(coarse), note=note)
    every = _corners(gray, threshold)
    yield Step("corners", Points(every), Picture(gray), Points(every), note=f"{len(every)} FAST corners at full size.")
    result = orb(image, max_features, threshold=threshold, levels=levels, factor=factor)
    lines = Lines(result.outlines())
    note = "From each corner towards the centre of its patch's brightness. The best by Harris's response stay."
    yield Step("directions", lines, Picture(gray), lines, note=note)
    yield Step("tests", Grid(_drawn_tests()), note="Of each of the first 64 tests: white is compared with black.")
    yield Step("features", Value(result), Picture(gray), lines, note=f"{len(result)} features of 256 bits.")


def _checked(
    image: Image, max_features: int, threshold: int, levels: int, factor: float
) -> tuple[Array, int, int, int, float]:
    return (
        to_uint8(as_gray("orb", image, finite=True)),
        integer("orb", "max_features", max_features, 1),
        integer("orb", "threshold", threshold, 1, 254),
        integer("orb", "levels", levels, 1, 16),
        number("orb", "factor", factor, 1.05, 2),
    )


def _pyramid(gray: Array, levels: int, factor: float) -> list[Array]:
    """Return the levels, finest first, each made from the one before; none that is too small for a keypoint."""
    found: list[Array] = []
    for k in range(levels):
        shape = tuple(round(side / factor**k) for side in gray.shape)
        if min(shape) <= 2 * MARGIN:
            break
        found.append(resize(found[-1], shape, antialias=False) if k else gray)
    return found


def _shares(count: int, levels: int, factor: float) -> list[int]:
    """Return how many features each level may have: in all ``count``, in proportion to the levels' widths."""
    weights = factor ** -np.arange(levels)
    ends = np.rint(np.cumsum(weights / weights.sum()) * count).astype(int) if levels else np.zeros(0, int)
    return [int(n) for n in np.diff(ends, prepend=0)]


def _corners(level: Array, threshold: int) -> Array:
    """Return the FAST corners of a level that have room around them, N×2 float32, the strongest first."""
    scores = corner_map(level, threshold, True)
    places = nonzero(scores)
    y, x = np.divmod(places.astype(np.int32), np.int32(level.shape[1]))
    height, width = level.shape
    kept = (x >= MARGIN) & (x < width - MARGIN) & (y >= MARGIN) & (y < height - MARGIN)
    order = np.flatnonzero(kept)
    order = order[np.argsort(-scores.reshape(-1)[places[order]].astype(np.int16), kind="stable")]
    return np.stack([x[order], y[order]], axis=1).astype(np.float32)


def _found(level: Array, most: int, threshold: int) -> tuple[Array, Array, Array, Array]:
    """Return points, angles, codes and responses of the ``most`` strongest corners of a level."""
    points = _corners(level, threshold)[: 2 * most]  # the paper's: twice as many by FAST, the better half by Harris
    responses = np.empty(len(points), np.float32)
    over_rows(_respond, len(points), level, points, responses, strip=256)
    best = np.argsort(-responses, kind="stable")[:most]
    points, angles = points[best], np.empty(len(best), np.float32)
    over_rows(_direct, len(points), level, points, _HALF, angles, strip=128)
    codes = describe_bits(gaussian_blur(level, _SMOOTH), points, angles) if len(points) else np.empty((0, 32), "u1")
    return points, angles, codes, responses[best]


def _together(found: list[tuple[Array, Array, Array, Array]], pyramid: list[Array]) -> Features:
    if not found:
        none = np.zeros(0, np.float32)
        return Features(np.zeros((0, 2)), none, none, np.zeros((0, len(TESTS) // 8), np.uint8), none)
    points, scales = [], []
    for (places, *_), level in zip(found, pyramid, strict=True):
        ratio = np.array(pyramid[0].shape[::-1]) / level.shape[::-1]
        points.append((places + 0.5) * ratio - 0.5)  # the centres of the first pixels do not coincide
        scales.append(np.full(len(places), ratio.mean(), np.float32))
    _, angles, codes, responses = (np.concatenate(part) for part in zip(*found, strict=True))
    return Features(np.concatenate(points), np.concatenate(scales), angles, codes, responses)


@kernel
def _respond(image, points, responses, y0, y1):
    """Write Harris's response under a window of 7×7, from Sobel's derivatives of brightness 0–1."""
    scale = np.float32(1 / (8 * 255)) ** 2 / np.float32((2 * _WINDOW + 1) ** 2)
    for i in range(y0, y1):
        px, py = np.int64(points[i, 0]), np.int64(points[i, 1])
        xx, xy, yy = np.int32(0), np.int32(0), np.int32(0)
        for y in range(py - _WINDOW, py + _WINDOW + 1):
            above, row, below = image[y - 1], image[y], image[y + 1]
            for x in range(px - _WINDOW, px + _WINDOW + 1):
                nw, n, ne = np.int32(above[x - 1]), np.int32(above[x]), np.int32(above[x + 1])
                w, e = np.int32(row[x - 1]), np.int32(row[x + 1])
                sw, s, se = np.int32(below[x - 1]), np.int32(below[x]), np.int32(below[x + 1])
                u, v = (ne - nw) + (se - sw) + 2 * (e - w), (sw - nw) + (se - ne) + 2 * (s - n)
                xx, xy, yy = np.int32(xx + u * u), np.int32(xy + u * v), np.int32(yy + v * v)
        a, b, c = np.float32(xx) * scale, np.float32(xy) * scale, np.float32(yy) * scale
        responses[i] = a * c - b * b - _K * (a + c) * (a + c)


@kernel
def _direct(image, points, half, angles, y0, y1):
    """Write the angle from each point to the centroid of the brightness in a disc around it, 0 to 2π."""
    reach = half.size - 1
    for i in range(y0, y1):
        px, py = np.int64(points[i, 0]), np.int64(points[i, 1])
        across, down = np.int32(0), np.int32(0)
        for dy in range(-reach, reach + 1):
            wide = half[abs(dy)]
            row = image[py + dy, px - wide : px + wide + 1]
            total, moment = np.int32(0), np.int32(0)
            for k in range(row.size):
                value = np.int32(row[k])
                total += value
                moment += value * np.int32(k)
            across += moment - np.int32(wide) * total
            down += np.int32(dy) * total
        angle = np.arctan2(np.float64(down), np.float64(across))
        angles[i] = angle if angle >= 0 else angle + 2 * np.pi


def _drawn_tests() -> Array:
    side = 2 * REACH + 1
    tiles = np.full((64, side, side), 0.5, np.float32)
    for tile, (x, y, u, v) in zip(tiles, TESTS[:64].astype(int) + REACH, strict=True):
        tile[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = 1
        tile[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2] = 0
    return tiles
