"""Shi and Tomasi's corners: the smaller eigenvalue of the structure tensor, and the places where it peaks.

Shi & Tomasi 1994, "Good Features to Track", CVPR, which the code follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture, Points
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.features.structure_tensor import HARRIS, LEAST, response, window
from sightline.image.gradient import as_gray

MEASURES = ("shi_tomasi", "harris")


@method(task="corners", paper="Shi & Tomasi 1994", lesson="w3d1")
def shi_tomasi(
    image: Image,
    *,
    sigma: Annotated[float, Range(0.1, 20, 0.1)] = 1.0,
    block: Annotated[int, Range(1, 63, 2)] | None = None,
    out: Array | None = None,
) -> Float32[np.ndarray, "h w"]:
    """Return the smaller eigenvalue of the structure tensor: how much brightness changes in the poorest direction.

    Derivatives are Sobel's, for brightness 0–1 and per pixel; beyond the border the image is mirrored. NaN and
    infinity spoil the pixels within the window's reach.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, all taken as 0–1.
    sigma
        Standard deviation of the Gaussian window in pixels, > 0 and ≤ 20.
    block
        Side of a square window in pixels, odd, 1–63, in place of the Gaussian; None for the Gaussian. OpenCV's
        ``cornerMinEigenVal`` is 4 times this.
    out
        H×W float32 array to write to; None for a new one.

    Returns
    -------
    response
        H×W float32, ≥ 0 but for rounding.

    References
    ----------
    J. Shi, C. Tomasi, "Good Features to Track", CVPR, 1994.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((20, 20), np.uint8)
    >>> image[10:, 10:] = 255
    >>> found = shi_tomasi(image)
    >>> [int(i) for i in np.unravel_index(found.argmax(), found.shape)], bool(found[15, 10] < 1e-6)
    ([10, 10], True)
    """
    gray = as_gray("shi_tomasi", image)
    weights = window("shi_tomasi", sigma, block)
    return response(gray, weights, LEAST, 0.0, output("shi_tomasi", out, gray.shape, np.float32, [gray]))


@shi_tomasi.steps
def _(image: Image, *, sigma: float = 1.0, block: int | None = None, out: Array | None = None) -> Iterator[Step]:
    yield Step("grey", Picture(as_gray("shi_tomasi", image)))
    yield Step("response", Heat(shi_tomasi(image, sigma=sigma, block=block, out=out)), note="The smaller eigenvalue.")


@method(task="corners", paper="Shi & Tomasi 1994", lesson="w3d1")
def good_features(
    image: Image,
    max_corners: Annotated[int, Range(1, 100000, 1)] | None = 500,
    quality: Annotated[float, Range(0.0001, 1, 0.01)] = 0.01,
    distance: Annotated[float, Range(0, 1000, 1)] = 10.0,
    *,
    measure: Annotated[str, Choice(*MEASURES)] = "shi_tomasi",
    block: Annotated[int, Range(1, 63, 2)] = 3,
    k: Annotated[float, Range(0, 0.25, 0.005)] = 0.04,
) -> Float32[np.ndarray, "n 2"]:
    """Return the good features to track: the strongest corners of an image, no two of them close to one another.

    A corner is a peak among its eight neighbours; the one-pixel rim has none. An image without corners gives an empty
    array. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    max_corners
        At most so many, ≥ 1; None for all.
    quality
        Least response, as a share of the strongest corner's, 0.0001–1.
    distance
        Least distance between two corners in pixels, 0–1000; a stronger one suppresses what is nearer.
    measure
        ``shi_tomasi``, the smaller eigenvalue, or ``harris``.
    block
        Side of the square window in pixels, odd, 1–63.
    k
        Weight of the squared trace (``harris``), 0–0.25.

    Returns
    -------
    corners
        N×2 float32 (x, y), whole numbers, the strongest first; :func:`corner_subpixel` places them between pixels.

    References
    ----------
    J. Shi, C. Tomasi, "Good Features to Track", CVPR, 1994.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((30, 40), np.uint8)
    >>> image[10:20, 15:28] = 255
    >>> sorted(good_features(image, 4, distance=5).tolist())
    [[15.0, 10.0], [15.0, 19.0], [27.0, 10.0], [27.0, 19.0]]
    """
    strength, count, quality, distance = _measured(image, max_corners, quality, distance, measure, block, k)
    return pick_peaks(strength, quality * float(strength.max()), distance, count)


@good_features.steps
def _(
    image: Image,
    max_corners: int | None = 500,
    quality: float = 0.01,
    distance: float = 10.0,
    *,
    measure: str = "shi_tomasi",
    block: int = 3,
    k: float = 0.04,
) -> Iterator[Step]:
    gray = as_gray("good_features", image)
    strength, count, quality, distance = _measured(image, max_corners, quality, distance, measure, block, k)
    yield Step("response", Heat(np.sqrt(np.maximum(strength, 0))), note="Square root, to show the weak ones, too.")
    peaks = pick_peaks(strength, quality * float(strength.max()), 0.0, None)
    yield Step("peaks", Points(peaks), Picture(gray), Points(peaks), note="None of the eight neighbours is stronger.")
    corners = pick_peaks(strength, quality * float(strength.max()), distance, count)
    yield Step(
        "corners", Points(corners), Picture(gray), Points(corners), note="The strongest first, each at a distance."
    )


def _measured(
    image: Image, count: int | None, quality: float, distance: float, measure: str, block: int, k: float
) -> tuple[Array, int | None, float, float]:
    """Return the response of each pixel, and the checked numbers."""
    name = "good_features"
    gray = as_gray(name, image, finite=True)
    count = None if count is None else integer(name, "max_corners", count, 1)
    quality, distance = number(name, "quality", quality, 0.0001, 1), number(name, "distance", distance, 0, 1000)
    kind = (LEAST, HARRIS)[MEASURES.index(choice(name, "measure", measure, MEASURES))]
    weights = window(name, None, integer(name, "block", block, 1, 63, odd=True))
    return response(gray, weights, kind, number(name, "k", k, 0, 0.25)), count, quality, distance


def pick_peaks(strength: Array, least: float, distance: float, count: int | None) -> Array:
    """Return N×2 float32 (x, y) of the peaks above ``least`` and 0 of an H×W float32 map, the strongest first.

    Of two that are less than ``distance`` apart the weaker one is left out; of equal ones, the earlier in the map.
    """
    marked = np.zeros(strength.shape, np.bool_)
    over_rows(_mark_peaks, len(strength), strength, np.float32(max(least, 0.0)), marked)
    places = np.flatnonzero(marked)[::-1]
    order = places[np.argsort(-strength.ravel()[places], kind="stable")]
    y, x = np.divmod(order, strength.shape[1])
    points = np.stack([x, y], axis=1).astype(np.float32)
    if distance >= 1:
        most = len(points) if count is None else count
        points = points[_apart(points, distance, strength.shape[0], strength.shape[1], most)]
    return points[:count]


@kernel
def _mark_peaks(strength, least, marks, y0, y1):
    for y in range(max(y0, 1), min(y1, len(strength) - 1)):
        _mark_row(strength[y - 1], strength[y], strength[y + 1], least, marks[y, 1:])


@kernel
def _mark_row(above, row, below, least, marks):
    for x in range(row.size - 2):
        here = row[x + 1]
        beside = (here >= row[x]) & (here >= row[x + 2]) & (here > least)
        over = (here >= above[x]) & (here >= above[x + 1]) & (here >= above[x + 2])
        under = (here >= below[x]) & (here >= below[x + 1]) & (here >= below[x + 2])
        marks[x] = beside & over & under


@kernel
def _apart(points, distance, height, width, count):
    """Return the rows of the points, taken in order, that are at least ``distance`` from all taken before."""
    cell = max(np.int64(np.rint(distance)), 1)
    across, down = (width + cell - 1) // cell, (height + cell - 1) // cell
    first = np.full(
        (down, across), -1, np.int64
    )  # the last point taken in each cell, and for each point the one before
    before = np.empty(len(points), np.int64)
    kept, n = np.empty(len(points), np.int64), 0
    for i in range(len(points)):
        if n >= count:
            break
        x, y = points[i, 0], points[i, 1]
        column, row = np.int64(x) // cell, np.int64(y) // cell
        free = True
        for r in range(max(row - 1, 0), min(row + 2, down)):
            for c in range(max(column - 1, 0), min(column + 2, across)):
                j = first[r, c]
                while free and j >= 0:
                    free = (points[j, 0] - x) ** 2 + (points[j, 1] - y) ** 2 >= distance * distance
                    j = before[j]
        if free:
            before[i], first[row, column] = first[row, column], i
            kept[n] = i
            n += 1
    return kept[:n]
