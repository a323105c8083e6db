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
from sightline.image.runs import listed_runs

_BINS = 10  # of radii per pixel of the accumulator
_STRIP = 8  # centres; each one asks thousands of points
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
    bounds, firsts = listed_runs(edges)
    points = np.empty((2, int(bounds[1::2].sum() - bounds[::2].sum())), np.float32)
    directions = np.empty_like(points)
    _directions(gray, bounds, firsts, points, directions)
    rays = points, directions, resolution, low_radius, min(high_radius, sum(gray.shape))
    accumulator = _voted(rays, shape)
    centres = _centres(accumulator, threshold)
    circles = np.empty((len(centres), 4), np.float32)  # x, y, radius, and how many pixels support it
    bins = max(1, round((high_radius - low_radius) / resolution * _BINS))
    radii = float(low_radius), float(high_radius), resolution, bins
    if len(centres):
        over_rows(_radii, len(centres), points, (centres + 0.5) * resolution, *radii, circles, strip=_STRIP)
    circles = circles[circles[:, 3] > threshold]
    return gray, edges, accumulator[1:-1, 1:-1], centres, _apart(circles, distance)[:most]


@kernel
def _directions(gray, bounds, firsts, points, directions):
    """List the pixels of runs, and unit vectors along the gradient there; zero where it is. The border is repeated."""
    height, width = gray.shape
    i, number = np.uint64(0), np.float32
    for y in range(height):
        above, here, below = gray[max(y - 1, 0)], gray[y], gray[min(y + 1, height - 1)]
        for run in range(firsts[y], firsts[y + 1]):
            for x in range(bounds[2 * run], bounds[2 * run + 1]):
                west, east = max(x - 1, 0), min(x + 1, width - 1)
                nw, n, ne = number(above[west]), number(above[x]), number(above[east])
                sw, s, se = number(below[west]), number(below[x]), number(below[east])
                across = number(here[east]) - number(here[west])
                dx, dy = ne - nw + se - sw + 2 * across, sw - nw + se - ne + 2 * (s - n)
                length = np.sqrt(dx * dx + dy * dy)
                points[0, i], points[1, i] = x, y
                directions[0, i] = dx / length if length > 0 else 0
                directions[1, i] = dy / length if length > 0 else 0
                i += np.uint64(1)


def _voted(rays: tuple[Any, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Return how many votes each cell gets; ``shape`` has a frame of zeros."""
    count = rays[0].shape[1]
    many = count * (rays[-1] - rays[-2]) > 4 * math.prod(shape)  # enough that two halves of the points vote at once
    share = max(_FEW, -(-count // 2)) if many else max(1, count)
    sheets = empty((2 if share < count else 1, *shape), np.int32)
    sheets.fill(0)  # in memory that is warm: fresh zeros cost three times as much
    over_rows(_vote, count, *rays, sheets, share, strip=share)
    return sheets[0] if len(sheets) == 1 else np.add(sheets[0], sheets[1], out=sheets[0])


@kernel
def _vote(points, directions, resolution, low, high, sheets, share, first, last):
    """Let a share of the points vote along their directions, pixel by pixel, to both sides, on a sheet of its own."""
    sheet = sheets[first // share]
    rows, columns, pitch = sheet.shape[0] - 2, sheet.shape[1] - 2, sheet.shape[1]
    cells = sheet.reshape(-1)[pitch + 1 :]
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
            steps = _steps_inside(y, dy, rows << 10, _steps_inside(x, dx, columns << 10, high + 1 - low))
            for _radius in range(steps):
                cells[np.uint64((y >> 10) * pitch + (x >> 10))] += np.int32(1)
                x += dx
                y += dy
            dx, dy = -dx, -dy


@kernel
def _steps_inside(place, step, end, most):
    """Return how many of place, place + step … lie in 0 … end - 1 before one that does not, at most ``most``."""
    if not 0 <= place < end or most <= 0:
        return 0
    if 0 <= place + (most - 1) * step < end:
        return most
    return ((end - 1 - place) // step if step > 0 else place // -step) + 1


def _centres(accumulator: np.ndarray, threshold: int) -> np.ndarray:
    """Return the cells (x, y) with more than ``threshold`` votes that no neighbour exceeds, the strongest first."""
    found = np.empty((3, 0), np.int64)
    while (count := _peaks(accumulator, threshold, found)) > found.shape[1]:
        found = np.empty((3, count), np.int64)  # x, y and votes
    return found[:2, np.argsort(-found[2], kind="stable")].T


@kernel
def _peaks(accumulator, threshold, found):
    """List the cells with more than ``threshold`` votes that no neighbour exceeds, as long as there is room; count."""
    count = 0
    for y in range(1, accumulator.shape[0] - 1):
        above, row, below, most = accumulator[y - 1], accumulator[y], accumulator[y + 1], np.int32(0)
        for x in range(row.size):
            most = max(most, row[x])
        if most <= threshold:
            continue
        for x in range(1, row.size - 1):
            votes = row[x]
            if votes > threshold and votes > max(row[x - 1], above[x]) and votes >= max(row[x + 1], below[x]):
                if count < found.shape[1]:
                    found[0, count], found[1, count], found[2, count] = x - 1, y - 1, votes
                count += 1
    return count


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
