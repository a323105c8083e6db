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
from sightline.features.keypoints import Features
from sightline.features.orb_levels import Levels, pyramid, seek
from sightline.features.orb_patches import describe
from sightline.image.gradient import as_gray

_K, _WINDOW = np.float32(0.04), 3  # of Harris's response: its window reaches so far, 7×7 pixels


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
    than 37×37 pixels, has none. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, brought to 0–255.
    max_features
        How many at most, ≥ 1, shared out among the levels by their width.
    threshold
        Of FAST, in grey levels of 0–255, 1–254.
    levels
        Of the pyramid, 1–16; those smaller than 37×37 pixels are left out.
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
    >>> image = np.random.default_rng(0).integers(0, 256, (160, 160), dtype=np.uint8)
    >>> found = orb(image, 20)
    >>> found.points.shape, found.descriptors.shape, found.is_binary
    ((20, 2), (20, 32), True)
    """
    gray, count, threshold, levels, factor = _checked(image, max_features, threshold, levels, factor)
    found = pyramid(gray, levels, factor)
    shares = _shares(count, len(found), factor)
    # The paper's: twice as many by FAST, the better half of them by Harris.
    corners = seek(found, threshold, 2 * shares)
    widths, responses = found.shapes[corners[:, 0], 1], np.empty(len(corners), np.float32)
    places = found.starts[corners[:, 0]] + corners[:, 1] * widths + corners[:, 2]
    over_rows(_respond, len(corners), found.pixels, places, widths, _WINDOW, responses, strip=256)
    order = np.lexsort((-responses, corners[:, 0]))
    order = order[_first(corners[order, 0], shares)]
    angles, codes = describe(found.pixels, places[order], widths[order])
    return _in_image(corners[order], found, angles, codes, responses[order])


@orb.steps
def _steps(
    image: Image, max_features: int = 500, *, threshold: int = 20, levels: int = 8, factor: float = 1.2
) -> Iterator[Step]:
    gray, _, threshold, levels, factor = _checked(image, max_features, threshold, levels, factor)
    found = pyramid(gray, levels, factor)
    yield Step("grey", Picture(gray))
    coarse = found.level(len(found) - 1) if len(found) else gray
    note = f"{len(found)} levels, each smaller by {factor:g}: the same corner is found again from farther away."
    yield Step("coarsest level", Picture(coarse), note=note)
    corners = seek(found, threshold)
    every = corners[corners[:, 0] == 0][:, :0:-1].astype(np.float32)
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


def _shares(count: int, levels: int, factor: float) -> Array:
    """Return how many features each level may have: in all ``count``, in proportion to the levels' widths."""
    weights = [factor**-k for k in range(levels)]
    ends = [round(count * sum(weights[:k]) / sum(weights)) for k in range(levels + 1)] if levels else [0]
    return np.diff(ends)


def _first(groups: Array, most: Array) -> Array:
    """Return which of N rows are among the first ``most[g]`` of their group g; groups rise along the rows."""
    ranks = np.arange(len(groups)) - np.searchsorted(groups, np.arange(len(most)))[groups]
    return ranks < most[groups]


def _in_image(corners: Array, levels: Levels, angles: Array, codes: Array, responses: Array) -> Features:
    ratios, level = (levels.shapes[:1] / levels.shapes)[:, ::-1], corners[:, 0]
    points = (corners[:, :0:-1] + 0.5) * ratios[level] - 0.5  # the centres of the first pixels do not coincide
    return Features(points, ratios.mean(axis=1)[level], angles, codes, responses)


@kernel
def _respond(flat, places, widths, reach, responses, y0, y1):
    """Write Harris's response under a window, from Sobel's derivatives of brightness 0–1."""
    scale = np.float32(1 / (8 * 255)) ** 2 / np.float32((2 * reach + 1) ** 2)
    for i in range(y0, y1):
        wide, xx, xy, yy = widths[i], 0, 0, 0
        for dy in range(-reach, reach + 1):
            middle = places[i] + dy * wide
            for at in range(middle - reach, middle + reach + 1):
                nw, n, ne = np.int64(flat[at - wide - 1]), np.int64(flat[at - wide]), np.int64(flat[at - wide + 1])
                w, e = np.int64(flat[at - 1]), np.int64(flat[at + 1])
                sw, s, se = np.int64(flat[at + wide - 1]), np.int64(flat[at + wide]), np.int64(flat[at + wide + 1])
                u, v = (ne - nw) + (se - sw) + 2 * (e - w), (sw - nw) + (se - ne) + 2 * (s - n)
                xx, xy, yy = xx + u * u, xy + u * v, yy + v * v
        a, b, c = np.float32(xx) * scale, np.float32(xy) * scale, np.float32(yy) * scale
        responses[i] = a * c - b * b - _K * (a + c) * (a + c)


def _drawn_tests() -> Array:
    side = 2 * REACH + 1
    tiles = np.full((64, side, side), 0.5, np.float32)
    for tile, (x, y, u, v) in zip(tiles, TESTS[:64].astype(int) + REACH, strict=True):
        tile[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] = 1
        tile[max(v - 1, 0) : v + 2, max(u - 1, 0) : u + 2] = 0
    return tiles
