"""Hough ellipses: two edge pixels are taken for the ends of a long axis, the others vote for the short one.

Xie & Ji 2002, "A New Efficient Ellipse Detection Method", ICPR: with the long axis given, one number is left to vote
for, so that the accumulator is a row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import as_mask, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Lines, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Mask, Range

_STRIP = 16  # first points of pairs
_SIDES = 64  # of a drawn ellipse
_MOST_POINTS = 20000
_MOST_VOTES = 10**11  # pairs times pixels: some minutes


@method(task="shapes", paper="Xie & Ji 2002", lesson="w2d6", example={"min_size": 6.0, "max_size": 7.0})
def hough_ellipses(
    mask: Mask,
    threshold: Annotated[int, Range(1, 1000, 1)] = 30,
    *,
    min_size: Annotated[float, Range(1, 2000, 1)] = 8.0,
    max_size: float | None = None,
    min_ratio: Annotated[float, Range(0, 1, 0.01)] = 0.2,
    accuracy: Annotated[float, Range(0.25, 20, 0.25)] = 1.0,
    max_ellipses: Annotated[int, Range(1, 1000, 1)] = 20,
) -> Float32[np.ndarray, "n 5"]:
    """Return the ellipses of a mask of edges as (x, y, a, b, angle), those with most votes first.

    Each pair of edge pixels is tried as a long axis; the others vote for the short one. The best of all pairs is an
    ellipse and takes its pixels with it; then the next one has to find ``threshold`` votes among those left. The time
    grows with the cube of the number of edge pixels: use thin edges, small images, or narrow limits of the size. There
    are no floating-point pixels, so NaN cannot come in; a NaN option is refused.

    Parameters
    ----------
    mask
        H×W bool, true on edges; at most 20000 pixels.
    threshold
        Votes that an ellipse must exceed, ≥ 1.
    min_size, max_size
        Shortest and longest long axis, from end to end, in pixels; ``max_size`` None is the image's longer side.
    min_ratio
        Least length of the short axis over the long one's, 0–1.
    accuracy
        Width of a cell for the short half axis, in pixels, 0.25–20.
    max_ellipses
        Return at most so many, ≥ 1.

    Returns
    -------
    ellipses
        N×5 float32: centre, long and short half axis in pixels, and the long axis' angle to the x axis, towards the
        y axis, in radians from 0 to below π; (0, 0) is the centre of the top-left pixel.

    Raises
    ------
    InputError
        When ``min_size`` is greater than ``max_size``, or the mask has too many pixels, or too many pairs of pixels as
        far apart as that: more than 10¹¹ over the number of pixels.

    References
    ----------
    Y. Xie, Q. Ji, "A New Efficient Ellipse Detection Method", International Conference on Pattern Recognition, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> turn = np.linspace(0, 2 * np.pi, 200)
    >>> mask = np.zeros((50, 60), bool)
    >>> mask[np.rint(25 + 10 * np.sin(turn)).astype(int), np.rint(30 + 20 * np.cos(turn)).astype(int)] = True
    >>> (ellipse,) = hough_ellipses(mask, 40)
    >>> bool(np.abs(ellipse[:4] - (30, 25, 20, 10)).max() <= 1)
    True
    """
    return _ellipses(mask, threshold, min_size, max_size, min_ratio, accuracy, max_ellipses)[0]


@hough_ellipses.steps
def _steps(mask: Mask, threshold: int = 30, *, max_ellipses: int = 20, **options: Any) -> Iterator[Step]:
    mask = as_mask("hough_ellipses", mask)
    yield Step("edges", MaskLayer(mask))
    chosen: dict[str, Any] = {"min_size": 8.0, "max_size": None, "min_ratio": 0.2, "accuracy": 1.0, **options}
    low, high, ratio, accuracy = (chosen[name] for name in ("min_size", "max_size", "min_ratio", "accuracy"))
    ellipses, candidates = _ellipses(mask, threshold, low, high, ratio, accuracy, max_ellipses)
    few = candidates[:30]
    note = f"The best of {len(candidates)} pairs of pixels whose axis has more than {threshold} votes."
    yield Step("candidates", Value(few), MaskLayer(mask), Lines(ellipse_outlines(few)), note=note)
    yield Step("ellipses", Value(ellipses), MaskLayer(mask), Lines(ellipse_outlines(ellipses)), note="One a shape.")


def ellipse_outlines(ellipses: np.ndarray) -> np.ndarray:
    """Return ellipses (x, y, a, b, angle) as (64·N)×4 segments."""
    turn = np.linspace(0, 2 * math.pi, _SIDES + 1)
    x, y, a, b, angle = ellipses.astype(np.float64).T[:, :, None]
    along, across = a * np.cos(turn), b * np.sin(turn)
    c, s = np.cos(angle), np.sin(angle)
    points = np.stack([x + along * c - across * s, y + along * s + across * c], axis=2)
    return np.concatenate([points[:, :-1], points[:, 1:]], axis=2).reshape(-1, 4).astype(np.float32)


def _ellipses(
    mask: Any, threshold: int, low: float, high: float | None, ratio: float, accuracy: float, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ellipses, and the candidates that they were chosen from."""
    name = "hough_ellipses"
    mask = as_mask(name, mask)
    threshold = integer(name, "threshold", threshold, 1)
    low = number(name, "min_size", low, 1, unit="pixels")
    high = max(low, *mask.shape) if high is None else number(name, "max_size", high, 1, 1e6, unit="pixels")
    if low > high:
        raise InputError(f"{name}: min_size must be ≤ max_size; got {low:g} and {high:g}. Swap them.")
    ratio = number(name, "min_ratio", ratio, 0, 1)
    accuracy = number(name, "accuracy", accuracy, 0.25, 20, unit="pixels")
    most = integer(name, "max_ellipses", most, 1)
    points = np.stack(np.nonzero(mask)[::-1]).astype(np.float32)
    count = points.shape[1]
    if count > _MOST_POINTS:
        raise InputError(f"{name}: mask must have at most {_MOST_POINTS} true pixels; got {count}. Thin or resize it.")
    if count < 3:
        return np.zeros((0, 5), np.float32), np.zeros((0, 5), np.float32)
    lengths = np.float32(low), np.float32(high)
    pairs = count * (count - 1) // 2
    if pairs * count > _MOST_VOTES:
        pairs = sum(over_rows(_count, count, points, *lengths, strip=_STRIP))
    if pairs * count > _MOST_VOTES:
        raise InputError(
            f"{name}: mask has {pairs:,} pairs of pixels that may be an axis, which would take hours. "
            f"Thin or resize it, or bring min_size and max_size together."
        )
    scalars = *lengths, np.float32(ratio), np.float32(accuracy), threshold
    tables = np.concatenate(over_rows(_pairs, count, points, *scalars, strip=_STRIP))
    candidates = tables[np.argsort(-tables[:, 5], kind="stable")]
    return _best(points, candidates, threshold, accuracy, most), candidates[:, :5].astype(np.float32)


@kernel
def _count(points, low, high, p0, p1):
    """Return how many pairs are as far apart as a long axis, of those whose first point is ``p0`` to ``p1``."""
    px, py = points[0], points[1]
    count = 0
    for p in range(p0, p1):
        for q in range(p):
            dx, dy = px[p] - px[q], py[p] - py[q]
            axis = dx * dx + dy * dy
            count += (axis >= low * low) & (axis <= high * high)
    return count


@kernel
def _pairs(points, low, high, ratio, accuracy, threshold, p0, p1):
    """Return (x, y, a, b, angle, votes) of the pairs whose first point is ``p0`` to ``p1``."""
    px, py = points[0], points[1]
    found, count = np.empty((64, 6), np.float64), 0
    cells = int(high / (2 * accuracy)) + 3
    votes, minor = np.zeros(cells, np.int32), np.empty(px.size, np.float32)
    none = np.float32(-1)
    for p in range(p0, p1):
        for q in range(p):
            dx, dy = px[p] - px[q], py[p] - py[q]
            axis = dx * dx + dy * dy
            if axis < low * low or axis > high * high:
                continue
            a2 = axis * np.float32(0.25)
            a = np.sqrt(a2)
            x, y = np.float32(0.5) * (px[p] + px[q]), np.float32(0.5) * (py[p] + py[q])
            first, last = np.searchsorted(py, y - a), np.searchsorted(py, y + a)  # points come row by row
            if last - first <= threshold:
                continue
            c, s, least = dx / (2 * a), dy / (2 * a), ratio * a
            xs, ys = px[first:last], py[first:last]
            for i in range(xs.size):
                u, v = xs[i] - x, ys[i] - y
                along, across = u * c + v * s, u * s - v * c
                rest = a2 - along * along  # (along / a)² + (across / b)² = 1
                b2 = a2 * across * across / rest
                minor[i] = b2 if (rest > np.float32(0.01) * a2) & (b2 <= a2 * np.float32(1.02)) else none
            votes[:] = 0
            for i in range(xs.size):
                if minor[i] >= 0:
                    b = np.sqrt(minor[i])
                    if b >= least:
                        votes[int(b / accuracy + np.float32(0.5))] += 1
            best = np.argmax(votes)
            if votes[best] > threshold:
                if count == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                angle = math.atan2(dy, dx)
                found[count, 0], found[count, 1], found[count, 2], found[count, 3] = x, y, a, best * accuracy
                found[count, 4], found[count, 5] = angle % math.pi, votes[best]
                count += 1
    return found[:count].copy()


def _best(points: np.ndarray, candidates: np.ndarray, threshold: int, accuracy: float, most: int) -> np.ndarray:
    """Return the candidates that still have their votes when better ones have taken their pixels."""
    chosen: list[np.ndarray] = []
    free = np.ones(points.shape[1], np.bool_)
    for x, y, a, b, angle, votes in candidates:
        if len(chosen) == most:
            break
        c, s = math.cos(angle), math.sin(angle)
        u, v = points[0] - x, points[1] - y
        along, across = u * c + v * s, v * c - u * s
        level = np.sqrt((along / a) ** 2 + (across / max(b, accuracy)) ** 2)
        # How far a point lies from the ellipse, to the first order: the level over its slope.
        slope = np.hypot(along / a**2, across / max(b, accuracy) ** 2) / np.maximum(level, 1e-9)
        near = np.abs(level - 1) <= 2 * accuracy * np.maximum(slope, 1e-9)
        if np.count_nonzero(near & free) > max(threshold, votes / 2):
            chosen.append(np.array([x, y, a, b, angle], np.float32))
            free &= ~near
    return np.stack(chosen) if chosen else np.zeros((0, 5), np.float32)
