"""Lanes: the road as seen from above, where its markings run upright, followed window by window.

Bertozzi & Broggi 1998, "GOLD: A Parallel Real-Time Stereo Vision System for Generic Obstacle and Lane Detection", IEEE
Transactions on Image Processing 7(1): the inverse perspective picture, and markings as bright bars on a darker road.
Aly 2008, "Real Time Detection of Lane Markers in Urban Streets", IEEE Intelligent Vehicles Symposium: the histogram of
columns, whose peaks are lanes, and a curve fitted to what lies around each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32, Float64

from sightline.core.buffers import empty
from sightline.core.canvas import Canvas, colour_of
from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, integer, number
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.kernels import over_rows
from sightline.core.layers import Boxes, Curve, Lines, Picture, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Points, Range
from sightline.image.canny import canny
from sightline.image.fit_transform import fit, project
from sightline.image.gaussian_blur import blurred_rows, gaussian_blur, reached
from sightline.image.gradient import as_gray
from sightline.image.hough_segments import hough_segments
from sightline.image.points import as_points
from sightline.image.warp_affine import warp_to_float

_VIEW = (400, 320)  # height and width of the road from above, in pixels
_WINDOWS, _REACH = 12, 28  # windows up the road, and half of their width
_NARROWEST = 40  # pixels of the view between two markings of a lane
_LEAST = 40  # pixels of marking that make a lane
_ROWS = 128  # that are smoothed together
_SIGMA = 1.4  # of that, in pixels
_NONE = np.zeros((0, 2), np.float32)


@dataclass(frozen=True, eq=False)
class Lanes:
    """The markings to the left and to the right of the car.

    Parameters
    ----------
    left, right
        N×2 float32 (x, y) in pixels of the image, from near to far; 0×2 where no marking was found.
    curvature
        1 / radius of the lane at its near end, in 1 / pixels of the view from above; positive to the right; NaN without
        lanes.
    offset
        How far the image's middle lies to the right of the lane's, as a share of the lane's width; NaN without both.
    region
        4×2 float64: the part of the road that was looked at, far left, far right, near right, near left.
    """

    left: Float32[np.ndarray, "n 2"]
    right: Float32[np.ndarray, "m 2"]
    curvature: float
    offset: float
    region: Float64[np.ndarray, "4 2"]

    def draw(self, image: Image) -> Array:
        """Return a copy of an image, H×W×3 uint8, with the markings drawn and the lane between them tinted."""
        canvas = Canvas(image)
        if len(self.left) and len(self.right):
            canvas.mask(_between(self.left, self.right, image.shape), colour_of(2))
        for k, line in enumerate((self.left, self.right)):
            if len(line):
                canvas.line(line, colour_of(k))
        return canvas.image()


@dataclass(frozen=True, eq=False)
class _Track:
    """One marking in the view from above: x = c₀ + c₁ t + c₂ t², t from 0 (near) to 1 (far)."""

    curve: Array
    boxes: Array
    reach: float


@method(task="roads", paper="Bertozzi & Broggi 1998", lesson="w2d6")
def find_lanes(
    image: Image,
    *,
    region: Points | None = None,
    contrast: Annotated[float, Range(0.5, 20, 0.5)] = 3.0,
    windows: Annotated[int, Range(3, 50, 1)] = _WINDOWS,
) -> Lanes:
    """Return the lane markings to the left and to the right of a car, from the picture of a camera that looks ahead.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3, at least 16×16; uint8, uint16 or finite float32 0–1.
    region
        4×2 (x, y) in pixels: a straight stretch of road, far left, far right, near right, near left, which is a
        rectangle on the ground. None takes a stretch below the point where the road's lines meet.
    contrast
        A marking stands out of the road to both of its sides by so many times the road's own deviation, 0.5–20.
    windows
        Steps in which a marking is followed, 3–50.

    Returns
    -------
    Lanes
        ``left`` and ``right`` as points of the image, and ``draw(image)``; a marking that is not there has no points.

    Raises
    ------
    InputError
        When the image is too small, or the region is no quadrilateral in that order.

    References
    ----------
    M. Bertozzi, A. Broggi, "GOLD: A Parallel Real-Time Stereo Vision System for Generic Obstacle and Lane Detection",
    IEEE Transactions on Image Processing 7(1), 1998.

    M. Aly, "Real Time Detection of Lane Markers in Urban Streets", IEEE Intelligent Vehicles Symposium, 2008.

    Examples
    --------
    >>> import numpy as np
    >>> find_lanes(np.zeros((60, 80), np.uint8)).left.shape
    (0, 2)
    """
    road, corners, _, mask = _seen(image, region, contrast)
    windows = integer("find_lanes", "windows", windows, 3, 50)
    tracks = _tracks(mask, _middle_of(road.shape, corners), windows)
    return _lanes(road.shape, corners, tracks)


@find_lanes.steps
def _steps(image: Image, *, region: Any = None, contrast: float = 3.0, windows: int = _WINDOWS) -> Iterator[Step]:
    road, corners, view, mask = _seen(image, region, contrast)
    sides = np.hstack([corners, np.roll(corners, -1, axis=0)]).astype(np.float32)
    yield Step("road", Picture(road), Lines(sides), note="This stretch is a rectangle on the ground.")
    yield Step("bird's eye", Picture(view), note="From above, markings run upright and are equally wide.")
    yield Step("mask", MaskLayer(mask), note="Bright bars on a darker road, white or yellow.")
    columns = np.stack([np.arange(mask.shape[1]), _histogram(mask)], axis=1)
    yield Step("histogram", Curve(columns.astype(np.float32), ("column", "marking")), note="Its peaks are markings.")
    tracks = _tracks(mask, _middle_of(road.shape, corners), windows)
    boxes = np.concatenate([track.boxes for track in tracks if track is not None] or [np.zeros((0, 4))])
    yield Step("windows", Boxes(boxes.astype(np.float32)), MaskLayer(mask), Boxes(boxes), note="Each centred anew.")
    lanes = _lanes(road.shape, corners, tracks)
    yield Step("fit", Picture(lanes.draw(road)), note="A parabola a marking, back in the picture.")
    yield Step("lanes", Value(find_lanes(image, region=region, contrast=contrast, windows=windows)))


def _seen(image: Any, region: Any, contrast: float) -> tuple[Array, Array, Array, Array]:
    """Return the image, the region's corners, the road from above as float32, and the mask of markings in it."""
    road = as_image("find_lanes", image, finite=True, most=1e12)
    if min(road.shape[:2]) < 16:
        raise InputError(f"find_lanes: image must have at least 16×16 pixels; got {describe(road)}.")
    contrast = number("find_lanes", "contrast", contrast, 0.5, 20)
    corners = _default_region(road) if region is None else _checked_region(region)
    view = warp_to_float("find_lanes", road, _to_view(corners), _VIEW)
    return road, corners, view, _markings(view, contrast)


def _to_view(corners: Array) -> Array:
    """Return the homography from the image to the view from above, with positive depth on the road."""
    height, width = _VIEW
    frame = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], float)
    matrix = fit("homography", corners, frame)
    return matrix * np.sign(matrix[2] @ np.append(corners.mean(axis=0), 1))


def _checked_region(region: Any) -> Array:
    corners = as_points("find_lanes", region, argument="region")
    along = np.roll(corners, -1, axis=0) - corners
    turns = along[:, 0] * np.roll(along, -1, axis=0)[:, 1] - along[:, 1] * np.roll(along, -1, axis=0)[:, 0]
    if corners.shape != (4, 2) or turns.min() <= 0:
        raise InputError(
            "find_lanes: region must be 4×2, far left, far right, near right, near left; got "
            f"{describe(region)}, which is no convex quadrilateral in that order."
        )
    return corners


def _default_region(road: Array) -> Array:
    """Return a stretch of road between two lines to the vanishing point, the lower one wider than a lane."""
    height, width = road.shape[:2]
    x, y = _vanishing_point(road)
    far, near = y + 0.13 * (height - y), height - 1 - 0.02 * height
    left, right = x - 0.85 * width, x + 0.85 * width  # where the sides reach the near edge
    share = (far - y) / (near - y)
    top = [(x + share * (side - x), far) for side in (left, right)]
    return np.array([top[0], top[1], (right, near), (left, near)])


def _vanishing_point(road: Array) -> tuple[float, float]:
    """Return where most of the lines in the lower half meet; somewhat above the middle when none do.

    Each pair of segments, one leaning to the left and one to the right, votes for its crossing by their lengths.
    """
    height, width = road.shape[:2]
    fallback = (width - 1) / 2, 0.45 * height
    top = height * 45 // 100
    edges = _edges(road[top:])
    segments = hough_segments(edges, max(10, height // 16), min_length=height / 14, max_gap=4, max_segments=80)
    a, b = segments[:, :2] + (0, top), segments[:, 2:] + (0, top)
    step = np.where((b - a)[:, 1:] < 0, a - b, b - a)  # all of them downwards
    steep = np.abs(step[:, 1]) > 0.25 * np.abs(step[:, 0])
    lean = step[:, 0] / np.maximum(step[:, 1], 1e-6)
    first, second = np.flatnonzero(steep & (lean < -0.2)), np.flatnonzero(steep & (lean > 0.2))
    if len(first) == 0 or len(second) == 0:
        return fallback
    i, j = (k.ravel() for k in np.meshgrid(first, second, indexing="ij"))
    y = (a[j, 0] - lean[j] * a[j, 1] - a[i, 0] + lean[i] * a[i, 1]) / (lean[i] - lean[j])
    x = a[i, 0] + lean[i] * (y - a[i, 1])
    weights = np.hypot(*step[i].T) * np.hypot(*step[j].T)
    good = (y > 0.25 * height) & (y < 0.65 * height) & (np.abs(x - fallback[0]) < 0.3 * width)
    if not good.any():
        return fallback
    x, y, weights = x[good], y[good], weights[good]
    near = np.hypot(x[:, None] - x[None], y[:, None] - y[None]) < 0.04 * width
    best = near[int((near @ weights).argmax())]
    share = weights[best] / weights[best].sum()
    return float(x[best] @ share), float(y[best] @ share)


def _edges(image: Array) -> Array:
    """Return the edges of a picture in grey, mixed of colours and smoothed as float32, some rows at a time."""
    height, smoothed = len(image), empty(image.shape[:2], np.float32)

    def smooth(y0: int, y1: int) -> None:
        first, last = reached(_SIGMA, y0, y1, height)
        gray = as_gray("find_lanes", to_float(image[first:last]))
        blurred_rows(gray, first, _SIGMA, y0, y1, height, smoothed[y0:y1])

    over_rows(smooth, height, strip=_ROWS)
    return canny(smoothed, 30, 90, sigma=0)


def _markings(view: Array, contrast: float) -> Array:
    """Return where the road from above is brighter than at both sides: bars in grey, or in yellow."""
    planes = [view] if view.ndim == 2 else [as_gray("find_lanes", view), view[..., :2].mean(axis=2) - view[..., 2]]
    mask = np.zeros(view.shape[:2], bool)
    for plane in planes:
        smooth = gaussian_blur(np.ascontiguousarray(plane), 1.5)
        bar = np.zeros_like(smooth)
        for reach in (8, 12):  # wider than a marking is
            sides = np.maximum(np.roll(smooth, reach, axis=1), np.roll(smooth, -reach, axis=1))
            bar = np.maximum(bar, smooth - sides)
        bar[:, :12] = bar[:, -12:] = 0
        spread = 1.4826 * np.median(np.abs(smooth - np.roll(smooth, 8, axis=1)))
        mask |= bar > max(contrast * float(spread), 0.02)
    return mask


def _histogram(mask: Array) -> Array:
    """Return how much marking each column has, smoothed over the width of one; what is near counts twice."""
    counts = mask.sum(axis=0) + mask[len(mask) // 2 :].sum(axis=0)
    return gaussian_blur(counts.astype(np.float32)[None], 5.0)[0]


def _middle_of(shape: tuple[int, ...], corners: Array) -> float:
    """Return the column of the view from above that the image's middle comes to, at its near end."""
    near = corners[2:, 1].mean()
    return float(project(_to_view(corners), np.array([[(shape[1] - 1) / 2, near]]))[0, 0])


def _tracks(mask: Array, middle: float, windows: int) -> tuple[_Track | None, _Track | None]:
    """Return the nearest marking on each side of the middle; None where there is none."""
    columns = _histogram(mask)
    peaks = np.flatnonzero((columns[1:-1] >= columns[:-2]) & (columns[1:-1] > columns[2:])) + 1
    floor = max(0.25 * float(columns.max()), 4.0)
    strong = peaks[columns[peaks] > floor]
    sides = strong[strong < middle - 8][::-1], strong[strong > middle + 8]
    left, right = ([t for x in side.tolist() if (t := _follow(mask, x, windows)) is not None] for side in sides)
    pairs = [(a, b) for a in left for b in right if _are_apart(a, b)]
    if pairs:
        return min(pairs, key=lambda pair: float(pair[1].curve[0] - pair[0].curve[0]))
    one, two = left[0] if left else None, right[0] if right else None
    if one is not None and two is not None:  # both followed one marking
        return (one, None) if middle - one.curve[0] < two.curve[0] - middle else (None, two)
    return one, two


def _are_apart(left: _Track, right: _Track) -> bool:
    """Return whether there is room for a lane between two markings, near and far."""
    t = np.array([0, min(left.reach, right.reach)])
    a, b = (np.polynomial.polynomial.polyval(t, track.curve) for track in (left, right))
    return bool((b - a).min() > _NARROWEST)


def _follow(mask: Array, start: int, windows: int) -> _Track | None:
    """Return the marking that starts at a column, followed upwards: each window is centred on what the last held."""
    height, width = mask.shape
    rows = np.linspace(height, 0, windows + 1).round().astype(int)
    centre, drift, boxes = float(start), 0.0, []
    xs, ys = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    seen: list[int] = []
    for k in range(windows):
        y0, y1 = int(rows[k + 1]), int(rows[k])
        x0, x1 = max(0, round(centre) - _REACH), min(width, round(centre) + _REACH)
        if x1 <= x0:
            break
        y, x = np.nonzero(mask[y0:y1, x0:x1])
        boxes.append((x0, y0, x1, y1))
        if len(x) >= 6:
            moved = float(np.median(x)) + x0
            drift = 0.5 * drift + 0.5 * (moved - centre) if seen else 0.0
            centre = moved
            xs.append(x + x0)
            ys.append(y + y0)
            seen.append(k)
        centre += drift
    x, y = np.concatenate(xs), np.concatenate(ys)
    if len(x) < _LEAST or len(seen) < max(2, windows // 4):
        return None
    last = min(windows, seen[-1] + 1)
    reach = 1 - rows[last] / height
    return _Track(_parabola(x, 1 - y / (height - 1), 2 if reach > 0.5 else 1), np.array(boxes, float), float(reach))


def _parabola(x: Array, t: Array, degree: int) -> Array:
    """Return c₀, c₁, c₂ of the curve with the least squares; what lies far off counts less from round to round."""
    powers = np.stack([t**k for k in range(degree + 1)], axis=1)
    weights, curve = np.ones(len(x)), np.zeros(degree + 1)
    calm = np.diag([0.0, 0.0, 1e-3 * len(x)][: degree + 1])  # few rows tell little about the bend
    for _ in range(6):
        curve = np.linalg.solve(
            (powers.T * weights) @ powers + calm + 1e-9 * np.eye(degree + 1), (powers.T * weights) @ x
        )
        weights = 1 / (1 + ((x - powers @ curve) / 4) ** 2) ** 2
    return np.pad(curve, (0, 2 - degree))


def _lanes(shape: tuple[int, ...], corners: Array, tracks: tuple[_Track | None, _Track | None]) -> Lanes:
    back = np.linalg.inv(_to_view(corners))
    left, right = (_NONE if track is None else _in_image(track, back, shape) for track in tracks)
    known = [track for track in tracks if track is not None]
    offset, curvature = math.nan, math.nan
    if known:
        bends = [_bend(track) for track in known]
        curvature = float(np.mean(bends))
    if tracks[0] is not None and tracks[1] is not None:
        a, b = float(tracks[0].curve[0]), float(tracks[1].curve[0])
        offset = (_middle_of(shape, corners) - (a + b) / 2) / max(b - a, 1.0)
    return Lanes(left, right, curvature, offset, corners)


def _bend(track: _Track) -> float:
    """Return the curvature at the near end, in 1 / pixels of the view from above."""
    per = 1 / (_VIEW[0] - 1)
    slope, second = track.curve[1] * per, 2 * track.curve[2] * per * per
    return float(second / (1 + slope * slope) ** 1.5)


def _in_image(track: _Track, back: Array, shape: tuple[int, ...]) -> Array:
    t = np.linspace(0, track.reach, 50)
    above = np.stack([np.polynomial.polynomial.polyval(t, track.curve), (1 - t) * (_VIEW[0] - 1)], axis=1)
    points = project(back, above)
    inside = np.all((points >= -0.5) & (points <= (shape[1] - 0.5, shape[0] - 0.5)), axis=1)
    return points[inside].astype(np.float32)


def _between(left: Array, right: Array, shape: tuple[int, ...]) -> Array:
    """Return the mask of the rows that both markings reach, between them."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    a, b = (np.interp(y[:, 0], line[::-1, 1], line[::-1, 0]) for line in (left, right))
    reached = (y[:, 0] >= max(left[:, 1].min(), right[:, 1].min())) & (
        y[:, 0] <= min(left[:, 1].max(), right[:, 1].max())
    )
    return reached[:, None] & (x > a[:, None]) & (x < b[:, None])
