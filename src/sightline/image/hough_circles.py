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

from sightline.core.buffers import release
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Lines, Picture, Points, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Image, Range
from sightline.image.canny import STRONGEST, canny
from sightline.image.circles_apart import apart
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gradient import as_gray
from sightline.image.hough_lines import MOST_CELLS
from sightline.image.runs import listed_runs

_LARGE = 1 << 22  # pixels from which on votes take far longer than new memory
_BINS = 10  # of radii per pixel of the accumulator
_STRIP = 8  # centres; each one asks thousands of points
_CELLS = 1 << 18  # of a strip of the accumulator, which a processor's cache holds
_STRIPS = 2  # at least: threads share them
_LEAST_ROWS = 32  # of a strip: each one passes all points near to it


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
    options = threshold, min_radius, max_radius, min_distance, high, sigma, resolution, max_circles
    return _stages(image, *options)[-1]


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
    gray, edges, accumulator, centres, circles = _stages(image, *options, traced=True)
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
    *,
    traced: bool = False,
) -> tuple[Any, ...]:
    """Return the grey image, its edges, the accumulator (both if ``traced``), the centres (in cells), and the circles.

    Edges and accumulator are more than the picture: a strip of the accumulator is given up when its centres are found.
    """
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
    shape = tuple(math.ceil(side / resolution) for side in gray.shape)
    if math.prod(shape) > MOST_CELLS:
        raise InputError(f"{name}: image must have at most {MOST_CELLS} pixels; got {gray.size}. Resize it.")
    edges = canny(gray, high / 2, high, sigma=0, norm="l1", out=np.empty(gray.shape, np.bool_))  # freed when listed
    runs = listed_runs(edges)
    shown = edges if traced else None
    del edges
    if gray.size > _LARGE:
        release()  # what the edges were found in would wait beside all that is known of them
    directions, starts = _directions(gray, runs, resolution)
    rays = *runs, directions, starts, resolution, low_radius, min(high_radius, sum(gray.shape))
    strip = max(_LEAST_ROWS, min(-(-shape[0] // _STRIPS), _CELLS // shape[1]))
    rows = [(y, min(y + strip, shape[0])) for y in range(0, shape[0], strip)] if traced else []
    sheets = [_vote(*rays, shape, *ends)[1:-1, 1:-1] for ends in rows]
    found = np.concatenate(over_rows(_vote_and_choose, shape[0], *rays, shape, threshold, strip=strip), axis=1)
    centres = found[:2, np.argsort(-found[2], kind="stable")].T  # the strongest first
    circles = np.empty((len(centres), 4), np.float32)  # x, y, radius, and how many pixels support it
    bins = max(1, round((high_radius - low_radius) / resolution * _BINS))
    radii = float(low_radius), float(high_radius), resolution, bins
    if len(centres):
        over_rows(_radii, len(centres), *runs, centres, *radii, circles, strip=_STRIP)
    circles = apart(circles[circles[:, 3] > threshold], distance, most)
    return gray, shown, np.concatenate(sheets) if traced else None, centres, circles


def _directions(gray: np.ndarray, runs: tuple[Any, ...], resolution: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the directions of all edge pixels, in 1/1024 of a cell for each pixel of length, and each row's first."""
    bounds, firsts = runs
    starts = np.zeros(len(firsts), np.int64)
    _count(bounds, firsts, starts)
    directions = np.empty((2, int(starts[-1])), np.int16)
    over_rows(_directions_of_rows, len(gray), gray, bounds, firsts, 1024 / resolution, directions, starts)
    return directions, starts


@kernel
def _count(bounds, firsts, starts):
    """Write how many pixels of runs lie above each row."""
    for y in range(starts.size - 1):
        count = starts[y]
        for run in range(firsts[y], firsts[y + 1]):
            count += np.int64(bounds[2 * run + 1]) - np.int64(bounds[2 * run])
        starts[y + 1] = count


@kernel
def _directions_of_rows(gray, bounds, firsts, scale, directions, starts, y0, y1):
    """Write vectors of one length along the gradient; zero where it is. The border is repeated."""
    height, width = gray.shape
    number = np.float32
    for y in range(y0, y1):
        above, here, below, i = gray[max(y - 1, 0)], gray[y], gray[min(y + 1, height - 1)], np.uint64(starts[y])
        for run in range(firsts[y], firsts[y + 1]):
            for x in range(bounds[2 * run], bounds[2 * run + 1]):
                west, east = max(x - 1, 0), min(x + 1, width - 1)
                nw, n, ne = number(above[west]), number(above[x]), number(above[east])
                sw, s, se = number(below[west]), number(below[x]), number(below[east])
                across = number(here[east]) - number(here[west])
                dx, dy = ne - nw + se - sw + 2 * across, sw - nw + se - ne + 2 * (s - n)
                length = np.sqrt(dx * dx + dy * dy)
                directions[0, i] = np.int16(np.rint(scale * (dx / length))) if length > 0 else np.int16(0)
                directions[1, i] = np.int16(np.rint(scale * (dy / length))) if length > 0 else np.int16(0)
                i += np.uint64(1)


@kernel
def _vote_and_choose(bounds, firsts, directions, starts, resolution, low, high, shape, threshold, s0, s1):
    """Return the centres of a strip of the accumulator's rows, in three rows: x, y and votes."""
    sheet = _vote(bounds, firsts, directions, starts, resolution, low, high, shape, s0, s1)
    found = np.empty((3, _peaks(sheet, s0, threshold, np.empty((3, 0), np.int32))), np.int32)
    _peaks(sheet, s0, threshold, found)
    return found


@kernel
def _vote(bounds, firsts, directions, starts, resolution, low, high, shape, s0, s1):
    """Return how many votes the cells of rows ``s0`` to ``s1`` get, and those of the row before and the one after.

    Edge pixels vote along their directions, pixel by pixel, to both sides; there is a column of zeros at either end.
    """
    rows, columns, pitch = shape[0], shape[1], shape[1] + 2
    sheet = np.empty((s1 - s0 + 2, pitch), np.int32)
    cells, zero = sheet.reshape(-1), np.int32(0)
    for i in range(cells.size):
        cells[i] = zero
    top, bottom = max(s0 - 1, 0) << 10, min(s1 + 1, rows) << 10
    origin = (1 - s0) * pitch + 1  # of the cell at (0, 0)
    way = high * (1 + resolution / 1024) + 2 * resolution + 2  # how far a vote goes at most, and roundings
    y0, y1 = max(0, int((s0 - 1) * resolution - way)), min(firsts.size - 1, int((s1 + 1) * resolution + way) + 1)
    for y in range(y0, y1):
        start_y, i = np.int64(np.rint(1024 / resolution * y)), np.uint64(starts[y])
        for run in range(firsts[y], firsts[y + 1]):
            for x in range(bounds[2 * run], bounds[2 * run + 1]):
                dx, dy = np.int64(directions[0, i]), np.int64(directions[1, i])
                i += np.uint64(1)
                if dx == 0 and dy == 0:
                    continue
                # In 1/1024 of a cell: whole numbers are added up along the way.
                start_x = np.int64(np.rint(1024 / resolution * x))
                for _side in range(2):
                    u, v = start_x + low * dx, start_y + low * dy
                    steps = _steps_inside(v, dy, rows << 10, _steps_inside(u, dx, columns << 10, high + 1 - low))
                    first, last = _steps_between(v, dy, top, bottom, steps)
                    u, v = u + first * dx, v + first * dy
                    for _radius in range(first, last):
                        cells[np.uint64((v >> 10) * pitch + (u >> 10) + origin)] += np.int32(1)
                        u += dx
                        v += dy
                    dx, dy = -dx, -dy
    return sheet


@kernel
def _steps_inside(place, step, end, most):
    """Return how many of place, place + step … lie in 0 … end - 1 before one that does not, at most ``most``."""
    if not 0 <= place < end or most <= 0:
        return 0
    if 0 <= place + (most - 1) * step < end:
        return most
    return (_whole(end - 1 - place, step) if step > 0 else _whole(place, -step)) + 1


@kernel
def _steps_between(place, step, top, bottom, most):
    """Return which of the first ``most`` of place, place + step … lie in top … bottom - 1, from and up to."""
    if most <= 0:
        return 0, 0
    if step < 0:  # mirrored
        place, step, top, bottom = -place, -step, 1 - bottom, 1 - top
    final = place + (most - 1) * step
    if place >= bottom or final < top:
        return 0, 0
    first = 0 if place >= top else _whole(top - 1 - place, step) + 1
    return first, most if final < bottom else _whole(bottom - 1 - place, step) + 1


@kernel(inline=True)
def _whole(way, step):
    """Return way // step; floats divide sooner than whole numbers and are exact here."""
    return np.int64(np.float64(way) / np.float64(step))


@kernel
def _peaks(sheet, s0, threshold, found):
    """List the cells with more than ``threshold`` votes that no neighbour exceeds, as long as there is room; count."""
    count = 0
    for y in range(1, sheet.shape[0] - 1):
        above, row, below, most = sheet[y - 1], sheet[y], sheet[y + 1], np.int32(0)
        for x in range(row.size):
            most = max(most, row[x])
        if most <= threshold:
            continue
        for x in range(1, row.size - 1):
            votes = row[x]
            if votes > threshold and votes > max(row[x - 1], above[x]) and votes >= max(row[x + 1], below[x]):
                if count < found.shape[1]:
                    found[0, count], found[1, count], found[2, count] = x - 1, s0 + y - 1, votes
                count += 1
    return count


@kernel
def _radii(bounds, firsts, centres, low, high, resolution, bins, circles, c0, c1):
    """Find the radius with most points for its length, for the centres ``c0`` to ``c1``."""
    least, most, scale = np.float32(low * low), np.float32(high * high), np.float32(_BINS / resolution)
    histogram, last, height = np.empty(bins, np.int64), bins - 1, firsts.size - 1
    for c in range(c0, c1):
        x, y = np.float32((centres[c, 0] + 0.5) * resolution), np.float32((centres[c, 1] + 0.5) * resolution)
        histogram[:] = 0
        for row in range(max(0, int(y - high)), min(height, int(y + high) + 2)):
            v = np.float32(row) - y
            if v < -np.float32(high) or v > np.float32(high):
                continue
            half = math.sqrt(high * high - v * v) + 2  # of what may lie within, and roundings
            for run in range(_first_run(bounds, firsts[row], firsts[row + 1], x - half), firsts[row + 1]):
                if bounds[2 * run] > x + half:
                    break
                for at in range(bounds[2 * run], bounds[2 * run + 1]):
                    u = np.float32(at) - x
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


@kernel
def _first_run(bounds, first, end, x):
    """Return the first of the runs ``first`` to ``end`` of a row that does not end before ``x``."""
    while first < end:
        middle = (first + end) // 2
        if bounds[2 * middle + 1] < x:
            first = middle + 1
        else:
            end = middle
    return first
