"""Hough circles: edge pixels vote along their gradient for centres; each centre then asks for its radius.

Yuen, Princen, Illingworth & Kittler 1990, "Comparative study of Hough transform methods for circle finding", Image and
Vision Computing 8(1): the method in two stages.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Lines, Picture, Points, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Image, Range
from sightline.image.canny import STRONGEST, canny
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gradient import as_gray
from sightline.image.hough_lines import MOST_CELLS

_BINS = 10  # of radii per pixel of the accumulator
_STRIP = 32
_FEW = 2048  # points that vote alone


@method(task="shapes", paper="Yuen et al. 1990", lesson="w2d6")
def hough_circles(
    image: Image,
    threshold: Annotated[int, Range(1, 1000, 1)] = 50,
    *,
    min_radius: Annotated[int, Range(0, 1000, 1)] = 5,
    max_radius: int | None = None,
    min_distance: Annotated[float, Range(1, 1000, 1)] = 20.0,
    high: Annotated[float, Range(1, STRONGEST, 1)] = 100.0,
    sigma: Annotated[float, Range(0, 20, 0.1)] = 0.0,
    resolution: Annotated[float, Range(1, 10, 0.1)] = 1.0,
    max_circles: int | None = None,
) -> Float32[np.ndarray, "n 3"]:
    """Return the circles of an image as (x, y, radius), the best supported first.

    Each pixel of an edge votes for all centres on the line along its gradient, at distances from ``min_radius`` to
    ``max_radius`` to both sides. Cells with more than ``threshold`` votes that no neighbour exceeds are centres; the
    radius is the distance at which most edge pixels lie, for its length. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32. Smooth noisy ones by ``sigma``.
    threshold
        Votes that a centre must exceed, and edge pixels that its circle must.
    min_radius, max_radius
        Smallest and largest radius, in pixels; ``max_radius`` None is half of the image's longer side.
    min_distance
        Least distance between two centres, in pixels, ≥ 1: of nearer ones the better supported stays.
    high
        Upper threshold of the edges (see :func:`sightline.image.canny`), in grey levels; the lower one is its half.
    sigma
        Standard deviation of the smoothing before, in pixels; 0–20; 0 does not smooth.
    resolution
        Pixels in a cell's side, 1–10: larger cells forgive circles that are not quite round.
    max_circles
        Return at most so many; None returns all.

    Returns
    -------
    circles
        N×3 float32, in pixels; (0, 0) is the centre of the top-left pixel.

    Raises
    ------
    InputError
        When ``min_radius`` is greater than ``max_radius``, or an argument is out of its range.

    References
    ----------
    H. K. Yuen, J. Princen, J. Illingworth, J. Kittler, "Comparative study of Hough transform methods for circle
    finding", Image and Vision Computing 8(1), 1990.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:60, 0:80]
    >>> image = ((x - 40) ** 2 + (y - 30) ** 2 <= 15**2).astype(np.uint8) * np.uint8(200)
    >>> circles = hough_circles(image, 10)
    >>> bool(np.abs(circles - (40, 30, 15)).max() <= 1)
    True
    """
    return _stages(image, threshold, min_radius, max_radius, min_distance, high, sigma, resolution, max_circles)[-1]


@hough_circles.steps
def _steps(
    image: Image,
    threshold: int = 50,
    *,
    min_radius: int = 5,
    max_radius: int | None = None,
    min_distance: float = 20.0,
    high: float = 100.0,
    sigma: float = 0.0,
    resolution: float = 1.0,
    max_circles: int | None = None,
) -> Iterator[Step]:
    options = threshold, min_radius, max_radius, min_distance, high, sigma, resolution, max_circles
    gray, edges, accumulator, centres, circles = _stages(image, *options)
    yield Step("grey", Picture(gray))
    yield Step("edges", MaskLayer(edges), note="They vote for centres along their gradient.")
    heat = Heat(accumulator.astype(np.float32))
    yield Step("accumulator", heat, note="Where many gradients meet.")
    points = Points(((centres + 0.5) * resolution).astype(np.float32))
    yield Step("centres", points, Picture(gray), points, note=f"Local maxima above {threshold} votes.")
    yield Step("circles", Value(circles), Picture(gray), Lines(outlines(circles)), note="With their radii.")


def outlines(circles: np.ndarray, sides: int = 48) -> np.ndarray:
    """Return circles (x, y, radius) as (N·sides)×4 segments."""
    turn = np.linspace(0, 2 * math.pi, sides + 1)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points = circles[:, None, :2] + circles[:, None, 2:] * ring
    return np.concatenate([points[:, :-1], points[:, 1:]], axis=2).reshape(-1, 4).astype(np.float32)


def _stages(
    image: Any,
    threshold: int,
    min_radius: int,
    max_radius: int | None,
    min_distance: float,
    high: float,
    sigma: float,
    resolution: float,
    max_circles: int | None,
) -> tuple[np.ndarray, ...]:
    """Return the grey image, its edges, the accumulator, the centres (in cells), and the circles."""
    name = "hough_circles"
    gray = as_gray(name, image, finite=True)
    threshold = integer(name, "threshold", threshold, 1)
    low_radius = integer(name, "min_radius", min_radius, 0)
    high_radius = max(gray.shape) // 2 if max_radius is None else integer(name, "max_radius", max_radius, 1)
    if max_radius is None:
        high_radius = max(high_radius, low_radius)
    if low_radius > high_radius:
        raise InputError(f"{name}: min_radius must be ≤ max_radius; got {low_radius} and {high_radius}. Swap them.")
    distance = number(name, "min_distance", min_distance, 1, unit="pixels")
    high = number(name, "high", high, 1, STRONGEST, unit="grey levels")
    sigma = number(name, "sigma", sigma, 0, 20, unit="pixels")
    resolution = number(name, "resolution", resolution, 1, 10, unit="pixels")
    most = None if max_circles is None else integer(name, "max_circles", max_circles, 1)
    gray = gaussian_blur(gray, sigma) if sigma > 0 else gray
    edges = canny(gray, high / 2, high, sigma=0, norm="l1")
    shape = tuple(math.ceil(side / resolution) + 2 for side in gray.shape)  # with a frame of zeros
    if math.prod(shape) > MOST_CELLS:
        raise InputError(f"{name}: image must have at most {MOST_CELLS} pixels; got {gray.size}. Resize it.")
    y, x = np.divmod(np.flatnonzero(edges).astype(np.uint32), np.uint32(gray.shape[1]))
    points = np.stack([x, y]).astype(np.float32)
    directions = np.empty_like(points)
    _directions(gray.astype(np.float32), points, directions)
    share = max(_FEW, -(-points.shape[1] // 2))
    sheets = empty((2 if share < points.shape[1] else 1, *shape), np.int32)  # two halves of the points vote at once
    sheets.fill(0)  # in memory that is warm: fresh zeros cost three times as much
    rays = points, directions, resolution, low_radius, min(high_radius, sum(gray.shape))
    over_rows(_vote, points.shape[1], *rays, sheets, share, strip=share)
    accumulator = sheets[0] if len(sheets) == 1 else np.add(sheets[0], sheets[1], out=sheets[0])
    centres = _centres(accumulator, threshold)
    circles = np.empty((len(centres), 4), np.float32)  # x, y, radius, and how many pixels support it
    bins = max(1, round((high_radius - low_radius) / resolution * _BINS))
    radii = float(low_radius), float(high_radius), resolution, bins
    if len(centres):
        over_rows(_radii, len(centres), points, (centres + 0.5) * resolution, *radii, circles, strip=_STRIP)
    circles = circles[circles[:, 3] > threshold]
    return gray, edges, accumulator[1:-1, 1:-1], centres, _apart(circles, distance)[:most]


@kernel
def _directions(gray, points, directions):
    """Write the unit vectors along the gradient at points; zero where there is none. The border is repeated."""
    height, width = gray.shape
    for i in range(points.shape[1]):
        x, y = int(points[0, i]), int(points[1, i])
        above, here, below = gray[max(y - 1, 0)], gray[y], gray[min(y + 1, height - 1)]
        west, east = max(x - 1, 0), min(x + 1, width - 1)
        nw, n, ne, w, e = above[west], above[x], above[east], here[west], here[east]
        sw, s, se = below[west], below[x], below[east]
        dx, dy = ne - nw + se - sw + 2 * (e - w), sw - nw + se - ne + 2 * (s - n)
        length = np.sqrt(dx * dx + dy * dy)
        directions[0, i] = dx / length if length > 0 else 0
        directions[1, i] = dy / length if length > 0 else 0


@kernel
def _vote(points, directions, resolution, low, high, sheets, share, first, last):
    """Let a share of the points vote along their directions, pixel by pixel, to both sides, on a sheet of its own."""
    inner = sheets[first // share, 1:-1, 1:-1]
    rows, columns = np.uint64(inner.shape[0]), np.uint64(inner.shape[1])
    for i in range(first, last):
        if directions[0, i] == 0 and directions[1, i] == 0:
            continue
        # In 1/1024 of a cell: whole numbers are added up along the way.
        dx = np.int64(np.rint(1024 / resolution * directions[0, i]))
        dy = np.int64(np.rint(1024 / resolution * directions[1, i]))
        start_x = np.int64(np.rint(1024 / resolution * points[0, i]))
        start_y = np.int64(np.rint(1024 / resolution * points[1, i]))
        for _side in range(2):
            x, y = start_x + low * dx, start_y + low * dy
            for _radius in range(low, high + 1):
                cell_x, cell_y = np.uint64(x >> 10), np.uint64(y >> 10)
                if (cell_x >= columns) | (cell_y >= rows):  # negative ones are large
                    break
                inner[cell_y, cell_x] += np.int32(1)
                x += dx
                y += dy
            dx, dy = -dx, -dy


def _centres(accumulator: np.ndarray, threshold: int) -> np.ndarray:
    """Return the cells (x, y) with more than ``threshold`` votes that no neighbour exceeds, the strongest first."""
    y, x = np.divmod(np.flatnonzero(accumulator > threshold), accumulator.shape[1])  # never in the frame
    votes = accumulator[y, x]
    before, after = (
        np.maximum(accumulator[y, x - 1], accumulator[y - 1, x]),
        np.maximum(accumulator[y, x + 1], accumulator[y + 1, x]),
    )
    kept = np.flatnonzero((votes > before) & (votes >= after))
    kept = kept[np.argsort(-votes[kept], kind="stable")]
    return np.stack([x[kept], y[kept]], axis=1) - 1


@kernel
def _radii(points, centres, low, high, resolution, bins, circles, c0, c1):
    """Find the radius with most points for its length, for the centres ``c0`` to ``c1``."""
    least, most, scale = np.float32(low * low), np.float32(high * high), np.float32(_BINS / resolution)
    histogram, last = np.empty(bins, np.int64), bins - 1
    for c in range(c0, c1):
        x, y = np.float32(centres[c, 0]), np.float32(centres[c, 1])
        histogram[:] = 0
        first, end = (
            np.searchsorted(points[1], y - np.float32(high)),
            np.searchsorted(points[1], y + np.float32(high + 1)),
        )
        for i in range(first, end):  # points come row by row
            u, v = points[0, i] - x, points[1, i] - y
            square = u * u + v * v
            if least <= square <= most:
                place = np.rint((np.sqrt(square) - np.float32(low)) * scale)
                histogram[max(0, min(last, int(place)))] += 1
        radius, support, j = 0.0, 0, last
        while j > 0:
            if histogram[j]:
                upper, count = j, 0
                while j > upper - _BINS and j >= 0:
                    count += histogram[j]
                    j -= 1
                middle = 0.5 * (upper + j) / _BINS * resolution + low
                if count * radius >= support * middle or (radius == 0 and count >= support):
                    radius, support = middle, count
            j -= 1
        circles[c, 0], circles[c, 1], circles[c, 2] = x, y, np.float32(radius)
        circles[c, 3] = np.float32(support)


def _apart(circles: np.ndarray, distance: float) -> np.ndarray:
    """Return the circles (x, y, radius), the best supported first, without those near to a better one."""
    circles = circles[np.lexsort((circles[:, 1], circles[:, 0], -circles[:, 2], -circles[:, 3]))]
    alive, kept = np.ones(len(circles), np.bool_), []
    for i in range(len(circles)):
        if alive[i]:
            kept.append(i)
            alive &= ((circles[:, :2] - circles[i, :2]) ** 2).sum(axis=1) >= distance * distance
    return circles[kept, :3].copy()
