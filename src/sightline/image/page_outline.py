"""The outline of a page in a photo: four corners from contours, then a straight line fitted along each of its edges.

Contours of light regions, closed edges and frames of ink are made polygons (Douglas & Peucker 1973); those of four
corners stand for election by their area and by how much of their border lies on an edge. The proportions of the page
follow from its four corners by Zhang & He 2007, "Whiteboard Scanning and Image Enhancement", Digital Signal Processing
17(2), section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sightline.core.types import Array
from sightline.core.weighted_sums import ALONE
from sightline.image.adaptive_threshold import adaptive_threshold
from sightline.image.approximate_polygon import approximate_polygon
from sightline.image.canny import canny
from sightline.image.contour_area import contour_area
from sightline.image.convex_hull import convex_hull
from sightline.image.dilate import dilate
from sightline.image.find_contours import find_contours
from sightline.image.gaussian_blur import gaussian_blur, reached
from sightline.image.opening import closing, opening
from sightline.image.otsu_threshold import otsu_threshold
from sightline.image.resize import resize
from sightline.image.sampling_borders import MARGIN
from sightline.image.warp import warp_by

_LONGEST = 500  # pixels of the small picture in which candidates are sought
_SLIM = 4.0  # times as long as wide is no page
_BLUR = 1.0  # pixels of the picture, before lines are fitted to its edges
_PART = 1 << 16  # pixels between opposite corners of a part of a line that are blurred together
_SHARPEST = math.radians(25)  # a corner of a page, however tilted


@dataclass(frozen=True, eq=False)
class Outline:
    """What was found.

    Parameters
    ----------
    corners
        4×2 float64 (x, y), with the clock from the top left; None when no page was found.
    candidates
        Quadrilaterals that stood for election.
    edges
        Bool mask of the small picture's edges.
    scale
        Pixels of the picture to a pixel of the small one.
    """

    corners: Array | None
    candidates: tuple[Array, ...]
    edges: Array
    scale: float


def outline_of(gray: Array, least_area: float) -> Outline:
    """Return the outline of the page in an H×W uint8 picture; its area is at least that share of the picture's."""
    scale = max(1.0, max(gray.shape) / _LONGEST)
    shape = (max(1, round(gray.shape[0] / scale)), max(1, round(gray.shape[1] / scale)))
    small = gray if scale == 1 else resize(gray, shape)
    edges = canny(small, 30, 90)
    found = [
        quad
        for mask in _masks(small, edges)
        for contour in find_contours(mask)
        if (quad := _quadrilateral(contour.points, least_area * small.size)) is not None
    ]
    if not found:
        return Outline(None, (), edges, scale)
    support = dilate(edges, 5)  # the sides of a page that is not quite flat are not quite straight
    scores = [_score(quad, support) for quad in found]
    best = int(np.argmax(scores))
    to_full = np.array([gray.shape[1] / shape[1], gray.shape[0] / shape[0]])
    if scores[best] <= 0:
        return Outline(None, tuple(found), edges, scale)
    corners = (found[best] + 0.5) * to_full - 0.5
    return Outline(_ordered(_on_edges(gray, corners, 3 * scale)), tuple(found), edges, scale)


def _masks(small: Array, edges: Array) -> Iterator[Array]:
    """Yield what may be the page: what is lighter than several levels, what closed edges surround, what is darker."""
    level = otsu_threshold(small)
    for value in {int(level), int(level + 0.35 * (255 - level)), int(0.65 * level)}:
        yield opening(small > value, 7)
    yield dilate(edges, 3)
    yield dilate(edges, 7)
    yield opening(small < level, 7)
    size = max(3, min(small.shape) // 12 | 1)
    frames = adaptive_threshold(small, size, 5.0, kind="binary_inverse") > 0
    yield frames
    yield closing(frames, 3)
    wide = min(1023, max(3, max(small.shape) // 2 | 1))
    yield opening(adaptive_threshold(small, wide, -4.0) > 0, 5)


def _quadrilateral(points: Array, least: float) -> Array | None:
    """Return the four corners of a contour, 4×2 float64; None when it is small or has another number of corners."""
    if len(points) < max(8, 2 * math.sqrt(least)):  # no side of its box is longer than half of its points
        return None
    if len(hull := convex_hull(points)) < 4 or contour_area(hull) < least:
        return None
    ring = np.abs(np.diff(np.vstack([hull, hull[:1]]).astype(np.float64), axis=0))
    length = np.hypot(ring[:, 0], ring[:, 1]).sum()
    for share in (0.01, 0.015, 0.02, 0.03, 0.04, 0.05):
        corners = approximate_polygon(hull, share * length).astype(np.float64)
        if len(corners) == 4:
            break
        if len(corners) < 4:
            return None
    else:
        return None
    sharp = _angles(corners).min() < _SHARPEST
    return None if sharp or contour_area(corners) < least else corners


def _angles(corners: Array) -> Array:
    """Return the inner angles of a polygon, in radians."""
    a, b = np.roll(corners, 1, axis=0) - corners, np.roll(corners, -1, axis=0) - corners
    cosine = (a * b).sum(axis=1) / np.maximum(np.hypot(*a.T) * np.hypot(*b.T), 1e-9)
    return np.arccos(np.clip(cosine, -1, 1))


def _score(corners: Array, support: Array) -> float:
    """Return area × the square of the share of the border that lies on an edge; the picture's own frame is no page."""
    height, width = support.shape
    steps = np.linspace(0.05, 0.95, 60)[:, None]
    shares, frames = [], 0
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        line = a + steps * (b - a)
        x, y = np.clip(np.rint(line[:, 0]), 0, width - 1).astype(int), np.clip(np.rint(line[:, 1]), 0, height - 1)
        at_frame = (line < 2.5).any(axis=1) | (line > (width - 3.5, height - 3.5)).any(axis=1)
        frames += at_frame.mean() > 0.5
        shares.append((support[y.astype(int), x] & ~at_frame).mean())
    if frames > 1 or np.sort(shares)[frames] < 0.6:
        return 0.0
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    slim = max(sides[0] + sides[2], sides[1] + sides[3]) > _SLIM * min(sides[0] + sides[2], sides[1] + sides[3])
    return 0.0 if slim else float(contour_area(corners) * np.mean(shares) ** 2)


def _on_edges(gray: Array, corners: Array, reach: float) -> Array:
    """Return the corners between straight lines that lie on the strongest brightness changes near each side."""
    for closer in (reach, max(2.0, reach / 3)):
        lines = []
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            lines.append(_line_along(gray, a, b, closer))
        moved = np.array([_crossing(lines[i - 1], lines[i]) for i in range(4)])
        if not np.isfinite(moved).all() or np.abs(moved - corners).max() > 4 * reach:
            break
        corners = moved
    return corners


def _line_along(gray: Array, a: Array, b: Array, reach: float) -> tuple[Array, Array]:
    """Return a point and the direction of the line that fits the edge between two corners."""
    along = (b - a) / max(np.hypot(*(b - a)), 1e-9)
    across = np.array([-along[1], along[0]])
    places = np.linspace(0.06, 0.94, 120)[:, None] * (b - a) + a
    offsets = np.arange(-math.ceil(2 * reach), math.ceil(2 * reach) + 1) / 2
    field = places[:, None] + offsets[:, None] * across
    values = _blurred_at(gray, field.astype(np.float32))
    slope = np.abs(values[:, 2:] - values[:, :-2])
    slope *= np.exp(-0.5 * (offsets[1:-1] / reach) ** 2)
    peak = slope.argmax(axis=1)
    rows = np.arange(len(slope))
    inner = np.clip(peak, 1, slope.shape[1] - 2)
    left, middle, right = slope[rows, inner - 1], slope[rows, inner], slope[rows, inner + 1]
    bend = left + right - 2 * middle
    shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1), 0)
    points = places + ((offsets[1:-1][inner] + 0.5 * np.clip(shift, -1, 1))[:, None]) * across
    return _robust_line(points, slope[rows, peak])


def _blurred_at(gray: Array, field: Array) -> Array:
    """Return a blurred picture at the places along a line, h×w float32: only what lies around them is blurred."""
    # To places the whole picture's margin would be added: they are rounded as there.
    field = (field + np.float32(MARGIN)) - np.float32(MARGIN)
    parts = max(1, math.ceil(math.sqrt(np.prod(np.ptp(field[:, 0].astype(np.float64), axis=0)) / _PART)))
    return np.concatenate([_blurred_around(gray, part) for part in np.array_split(field, min(parts, len(field)))])


def _blurred_around(gray: Array, field: Array) -> Array:
    """Return a blurred picture at places, h×w float32."""
    spans = []
    for size, places in zip(gray.shape, (field[..., 1], field[..., 0]), strict=True):
        first, last = (min(max(math.floor(end), 0), size - 1) for end in (places.min(), places.max()))
        start, end = reached(_BLUR, first, min(last + 2, size), size)
        start = max(0, min(start, size - ALONE))  # narrow pictures are blurred by another kernel
        spans.append(slice(start, min(size, max(end, start + ALONE))))
    blurred = gaussian_blur(gray[spans[0], spans[1]].astype(np.float32), _BLUR)
    places = field - np.array([spans[1].start, spans[0].start], np.float32)
    return warp_by("scan_document", blurred, places, "bilinear", "edge", 0.0)


def _robust_line(points: Array, strength: Array) -> tuple[Array, Array]:
    """Return the line with the least weighted squares; weights fall with the distance, from round to round."""
    weights = strength / max(strength.max(), 1e-9)
    centre, direction = points.mean(axis=0), np.array([1.0, 0.0])
    for spread in (4.0, 2.0, 1.0, 0.7, 0.5, 0.5):
        centre = (weights[:, None] * points).sum(axis=0) / max(weights.sum(), 1e-12)
        away = points - centre
        _, vectors = np.linalg.eigh((weights[:, None] * away).T @ away)
        direction = vectors[:, 1]
        distance = away @ vectors[:, 0]
        weights = strength / (1 + (distance / spread) ** 2) ** 2
    return centre, direction


def _crossing(first: tuple[Array, Array], second: tuple[Array, Array]) -> Array:
    (p, u), (q, v) = first, second
    det = u[0] * v[1] - u[1] * v[0]
    if abs(det) < 1e-6:
        return np.full(2, np.nan)
    return p + u * (((q - p)[0] * v[1] - (q - p)[1] * v[0]) / det)


def _ordered(corners: Array) -> Array:
    """Return the corners with the clock (y down) from the one nearest to the top left."""
    middle = corners.mean(axis=0)
    around = np.argsort(np.arctan2(*(corners - middle).T[::-1]), kind="stable")
    turned = corners[around]
    return np.roll(turned, -int(turned.sum(axis=1).argmin()), axis=0)


def page_shape(corners: Array, shape: tuple[int, ...]) -> tuple[float, float]:
    """Return (height, width) of the page in pixels: as large as in the photo, in its own proportions.

    The photo's middle is taken for the point that the camera looks at. Where no camera fits (a page that is seen
    straight on has no vanishing points), the proportions are those of the mean sides.
    """
    sides = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    width, height = max(sides[0], sides[2]), max(sides[1], sides[3])
    mean = (sides[0] + sides[2]) / max(sides[1] + sides[3], 1e-9)
    ratio = _proportions(corners - ((shape[1] - 1) / 2, (shape[0] - 1) / 2), max(shape)) or mean
    if not mean / 2.5 < ratio < mean * 2.5:
        ratio = mean
    return (height, height * ratio) if height * ratio >= width else (width / ratio, width)


def _proportions(corners: Array, size: float) -> float | None:
    """Return width / height of a rectangle from its image, 4×2 with the clock about the principal point."""
    m1, m2, m4, m3 = (np.append(c / size, 1.0) for c in corners)  # top left, top right, bottom right, bottom left
    k2 = np.cross(m1, m4) @ m3 / (np.cross(m2, m4) @ m3)
    k3 = np.cross(m1, m4) @ m2 / (np.cross(m3, m4) @ m2)
    n2, n3 = k2 * m2 - m1, k3 * m3 - m1
    if min(abs(n2[2]), abs(n3[2])) < 0.02:  # sides that are parallel in the photo, too: the focal length is open
        return None
    square = -(n2[0] * n3[0] + n2[1] * n3[1]) / (n2[2] * n3[2])
    if not 0.15 < square < 30:  # of the focal length, in units of the longer side
        return None
    first, second = (n[0] ** 2 + n[1] ** 2 + square * n[2] ** 2 for n in (n2, n3))
    return math.sqrt(first / second)
