"""Simple blobs: regions that stay in place while the threshold rises, filtered by what they look like.

The detector of OpenCV (SimpleBlobDetector) step by step: many thresholds, the borders of each (Suzuki & Abe 1985,
"Topological Structural Analysis of Digitized Binary Images by Border Following", CVGIP 30(1)), groups of near centres.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Lines, Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Choice, Image, Range
from sightline.image.borders_of_size import borders_of_size
from sightline.image.convex_hull import convex_hull
from sightline.image.gradient import as_gray
from sightline.image.hough_circles import outlines

_LEVELS = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}  # one grey level in the image's own units


@method(task="blobs", paper="Suzuki & Abe 1985", lesson="w2d5")
def simple_blobs(
    image: Image,
    *,
    thresholds: tuple[float, float, float] = (50.0, 220.0, 10.0),
    color: Annotated[str, Choice("dark", "bright", "any")] = "dark",
    area: tuple[float, float] = (25.0, 5000.0),
    circularity: Annotated[float, Range(0, 1, 0.05)] = 0.0,
    inertia: Annotated[float, Range(0, 1, 0.05)] = 0.1,
    convexity: Annotated[float, Range(0, 1, 0.05)] = 0.95,
    min_distance: Annotated[float, Range(0, 1000, 1)] = 10.0,
    repeatability: Annotated[int, Range(1, 50, 1)] = 2,
) -> Float32[np.ndarray, "n 3"]:
    """Return blobs as (x, y, radius): regions that are found at several thresholds in about one place.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    thresholds
        First one, the one before which to stop, and the step, in grey levels of 0–255 for every dtype.
    color
        Keep regions whose centre is ``dark`` (not above the threshold), ``bright`` (above it), or ``any``.
    area
        Smallest area, and the one below which it must lie, in pixels.
    circularity
        Least 4π·area/perimeter², 0–1; 0 keeps all.
    inertia
        Least ratio of the second moments about the two main axes, 0–1: 0 for a line, 1 for a disc; 0 keeps all.
    convexity
        Least share of the area in that of the convex hull, 0–1; 0 keeps all.
    min_distance
        Centres that are nearer than this, in pixels, or than a radius, are one blob.
    repeatability
        Thresholds at which a blob must be found, ≥ 1.

    Returns
    -------
    blobs
        N×3 float32 (x, y, radius) in pixels; places are means weighed by the roundness at each threshold.

    References
    ----------
    S. Suzuki, K. Abe, "Topological Structural Analysis of Digitized Binary Images by Border Following", Computer
    Vision, Graphics, and Image Processing 30(1), 1985.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:90, 0:120]
    >>> image = np.where((x - 40) ** 2 + (y - 30) ** 2 <= 100, 20, 240).astype(np.uint8)
    >>> simple_blobs(image)[:, :2].tolist()
    [[40.0, 30.0]]
    """
    groups = _groups(image, thresholds, color, area, circularity, inertia, convexity, min_distance)
    times = integer("simple_blobs", "repeatability", repeatability, 1)
    rows = []
    for group in groups:
        if len(group) >= times:
            x, y, radius, weight = np.array(group).T
            rows.append((np.average(x, weights=weight), np.average(y, weights=weight), radius[len(group) // 2]))
    return np.array(rows, np.float32).reshape(-1, 3)


@simple_blobs.steps
def _steps(image: Image, *, repeatability: int = 2, **options: Any) -> Iterator[Step]:
    gray = as_gray("simple_blobs", image, finite=True)
    yield Step("grey", Picture(gray))
    blobs = simple_blobs(image, repeatability=repeatability, **options)
    every = simple_blobs(image, repeatability=1, **options)
    points = Points(every[:, :2])
    yield Step("centres", points, Picture(gray), points, note="Of regions at any threshold.")
    note = f"Found at {repeatability} thresholds at least."
    yield Step("blobs", Value(blobs), Picture(gray), Lines(outlines(blobs)), note=note)


def _groups(
    image: Any,
    thresholds: Any,
    color: str,
    area: Any,
    circularity: float,
    inertia: float,
    convexity: float,
    min_distance: float,
) -> list[list[tuple[float, ...]]]:
    """Return, for each blob, (x, y, radius, weight) at each threshold where it was found, sorted by radius."""
    name = "simple_blobs"
    gray = as_gray(name, as_image(name, image, finite=True))
    low, high, step = _numbers("thresholds", thresholds, 3)
    smallest, largest = _numbers("area", area, 2)
    if not (low < high and step >= 1 and smallest <= largest):
        raise InputError(
            f"{name}: thresholds must be (first, last, step ≥ 1) with first < last and area (least, most); "
            f"got {thresholds!r} and {area!r}."
        )
    wanted = {"dark": False, "bright": True, "any": None}[choice(name, "color", color, ("dark", "bright", "any"))]
    shares = number(name, "circularity", circularity, 0, 1), number(name, "inertia", inertia, 0, 1)
    shares = (*shares, number(name, "convexity", convexity, 0, 1))
    distance = number(name, "min_distance", min_distance, 0, unit="pixels")
    groups = _Groups(distance, max(distance, math.sqrt(min(largest, gray.size) / math.pi), 1.0))
    for level in np.arange(low, high, step):
        bound = _not_above(level * _LEVELS[gray.dtype.name], gray.dtype)
        fresh = []
        for points in borders_of_size(gray, bound, smallest, largest):
            blob = _blob(points.astype(np.float64), gray, bound, wanted, (smallest, largest), shares)
            if blob is not None and not groups.join(blob):
                fresh.append(blob)
        for blob in fresh:
            groups.found(blob)
    return groups.blobs


def _not_above(level: float, dtype: np.dtype) -> Any:
    """Return the greatest number of a type that is not above a level ≥ 0: the same pixels exceed it."""
    if dtype.kind == "u":
        return dtype.type(min(math.floor(level), np.iinfo(dtype).max))
    nearest = np.float32(level)
    return nearest if float(nearest) <= level else np.nextafter(nearest, np.float32(0))


def _numbers(argument: str, values: Any, count: int) -> list[float]:
    if not isinstance(values, (tuple, list)) or len(values) != count:
        raise InputError(f"simple_blobs: {argument} must be {count} numbers; got {values!r}.")
    return [number("simple_blobs", argument, value, 0, 1e12) for value in values]


def _blob(
    points: np.ndarray,
    gray: np.ndarray,
    bound: Any,
    wanted: bool | None,
    limits: tuple[float, float],
    shares: tuple[float, ...],
) -> tuple[float, ...] | None:
    """Return (x, y, radius, weight) of what a border encloses, None when a filter stops it."""
    origin = points[0].copy()
    x, y = (points - origin).T
    u, v = np.roll(x, -1), np.roll(y, -1)
    cross = x * v - u * y
    m00 = cross.sum() / 2
    if m00 == 0 or not limits[0] <= abs(m00) < limits[1]:
        return None
    cx, cy = ((x + u) * cross).sum() / (6 * m00), ((y + v) * cross).sum() / (6 * m00)
    mu20 = ((x * x + x * u + u * u) * cross).sum() / (12 * m00) - cx * cx
    mu02 = ((y * y + y * v + v * v) * cross).sum() / (12 * m00) - cy * cy
    mu11 = ((2 * x * y + x * v + u * y + 2 * u * v) * cross).sum() / (24 * m00) - cx * cy
    spread = math.hypot(2 * mu11, mu20 - mu02)
    ratio = (mu20 + mu02 - spread) / (mu20 + mu02 + spread)
    if ratio < shares[1] or 4 * math.pi * abs(m00) < shares[0] * np.hypot(u - x, v - y).sum() ** 2:
        return None
    if shares[2] > 0:
        hull = convex_hull(points).astype(np.float64)
        after = np.roll(hull, -1, axis=0)
        if abs(m00) < shares[2] * abs((hull[:, 0] * after[:, 1] - after[:, 0] * hull[:, 1]).sum() / 2):
            return None
    row, column = round(cy + origin[1]), round(cx + origin[0])
    if wanted is not None and (gray[row, column] > bound) != wanted:
        return None
    radius = float(np.median(np.hypot(x - cx, y - cy)))
    return cx + origin[0], cy + origin[1], radius, max(ratio, 1e-9) ** 2


class _Groups:
    """The blobs of each place, sorted by radius, with the places in the cells of a grid.

    Parameters
    ----------
    distance
        Pixels between middles that are nearer than two places.
    side
        Of a cell, in pixels: about as far as most blobs reach.
    """

    def __init__(self, distance: float, side: float) -> None:
        self.blobs: list[list[tuple[float, ...]]] = []
        self._distance, self._side, self._widest = distance, side, 0.0
        self._cells: dict[tuple[int, int], set[int]] = {}

    def found(self, blob: tuple[float, ...]) -> None:
        """Make a blob the first one of its place."""
        self._enter(len(self.blobs), blob)
        self.blobs.append([blob])

    def join(self, blob: tuple[float, ...]) -> bool:
        """Put a blob into the first group that it lies near to; return whether there is one."""
        for index in sorted(self._near(blob)):
            group = self.blobs[index]
            middle = group[len(group) // 2]
            if math.hypot(middle[0] - blob[0], middle[1] - blob[1]) < max(self._distance, middle[2], blob[2]):
                group.append(blob)
                group.sort(key=lambda entry: entry[2])
                self._cells[self._cell(*middle[:2])].remove(index)
                self._enter(index, group[len(group) // 2])
                return True
        return False

    def _enter(self, index: int, middle: tuple[float, ...]) -> None:
        self._cells.setdefault(self._cell(*middle[:2]), set()).add(index)
        self._widest = max(self._widest, middle[2])

    def _near(self, blob: tuple[float, ...]) -> set[int]:
        """Return the groups in cells that a middle near enough may lie in."""
        reach = max(self._distance, self._widest, blob[2])
        left, top = self._cell(blob[0] - reach, blob[1] - reach)
        right, bottom = self._cell(blob[0] + reach, blob[1] + reach)
        cells = (self._cells.get((x, y)) for x in range(left, right + 1) for y in range(top, bottom + 1))
        return set().union(*(cell for cell in cells if cell))

    def _cell(self, x: float, y: float) -> tuple[int, int]:
        return int(x // self._side), int(y // self._side)
