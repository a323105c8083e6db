"""Windows that climb to where the weights are: mean shift, and CamShift, which takes size and direction from them.

Bradski 1998, "Computer Vision Face Tracking for Use in a Perceptual User Interface", Intel Technology Journal Q2;
Comaniciu & Meer 2002, "Mean Shift: A Robust Approach Toward Feature Space Analysis", PAMI 24(5).
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array

Window = tuple[int, int, int, int]  # x, y of the first pixel, width, height
_NOTHING = 2.3e-16  # sum of weights below which there are none
_MARGIN = 10  # pixels around the window in which CamShift looks how far the weights reach


def mean_shift(weights: Array, window: Window, iterations: int, eps: float) -> list[Window]:
    """Return the windows that were visited; the last one lies over the centre of its own weights.

    Parameters
    ----------
    weights
        H×W, ≥ 0.
    window
        Where to begin; it is cut to the picture.
    iterations
        Moves at most.
    eps
        A move shorter than this is the last one, in pixels.
    """
    weights = np.ascontiguousarray(weights, np.float32)
    height, width = weights.shape
    x, y, w, h = _cut(window, height, width)
    visited = [(x, y, w, h)]
    for _ in range(iterations):
        total, across, down, *_ = _moments(weights, x, y, w, h)
        if total < _NOTHING:
            break
        new_x = min(max(x + round(across / total - w * 0.5), 0), width - w)
        new_y = min(max(y + round(down / total - h * 0.5), 0), height - h)
        moved = (new_x - x) ** 2 + (new_y - y) ** 2
        x, y = new_x, new_y
        visited.append((x, y, w, h))
        if moved < round(eps * eps):
            break
    return visited


def cam_shift(weights: Array, window: Window, iterations: int, eps: float) -> tuple[list[Window], Array | None]:
    """Return the windows that were visited, the last one of a new size, and the ellipse of the weights around it.

    The ellipse is (centre x, y, length, width, angle of the length from the x axis in radians); where there is no
    weight it is None, and the last window larger.

    Parameters
    ----------
    weights, window, iterations, eps
        As in :func:`mean_shift`.
    """
    weights = np.ascontiguousarray(weights, np.float32)
    height, width = weights.shape
    visited = mean_shift(weights, window, iterations, eps)
    x, y, w, h = visited[-1]
    left, top = max(x - _MARGIN, 0), max(y - _MARGIN, 0)
    wide, high = min(w + 2 * _MARGIN, width - left), min(h + 2 * _MARGIN, height - top)
    total, *sums = _moments(weights, left, top, wide, high)
    if total < _NOTHING:  # look further around the next time
        return [*visited, (left, top, wide, high)], None
    mean_x, mean_y, square_x, product, square_y = (value / total for value in sums)
    a, b, c = square_x - mean_x**2, product - mean_x * mean_y, square_y - mean_y**2
    spread = math.hypot(2 * b, a - c)
    length, breadth = (4 * math.sqrt(max(0.0, (a + c + sign * spread) / 2)) for sign in (1, -1))
    angle = math.atan2(2 * b, a - c + spread)
    centre = round(mean_x + left), round(mean_y + top)
    window = _around(centre, length, breadth, angle, height, width)
    middle = window[0] + window[2] / 2, window[1] + window[3] / 2
    return [*visited, window], np.array([*middle, length, breadth, angle], np.float32)


@kernel
def _moments(weights, x, y, w, h):
    """Return the sums over a window of the weights v, and of v·x, v·y, v·x², v·x·y, v·y²; x and y from its corner."""
    m00, m10, m01, m20, m11, m02 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(h):
        row = weights[y + i, x : x + w]
        s0, s1, s2 = 0.0, 0.0, 0.0
        for j in range(w):
            value, place = np.float64(row[j]), np.float64(j)
            s0 += value
            s1 += value * place
            s2 += value * place * place
        m00 += s0
        m10 += s1
        m20 += s2
        m01 += i * s0
        m11 += i * s1
        m02 += i * i * s0
    return m00, m10, m01, m20, m11, m02


def _around(centre: tuple[int, int], length: float, breadth: float, angle: float, height: int, width: int) -> Window:
    """Return the window of an ellipse, a pixel wider on each side, within the picture."""
    cosine, sine = abs(math.cos(angle)), abs(math.sin(angle))
    w = min(max(round(length * cosine), round(breadth * sine)) + 2, (width - centre[0]) * 2)
    h = min(max(round(length * sine), round(breadth * cosine)) + 2, (height - centre[1]) * 2)
    x, y = max(0, centre[0] - w // 2), max(0, centre[1] - h // 2)
    return x, y, min(width - x, w), min(height - y, h)


def _cut(window: Window, height: int, width: int) -> Window:
    x, y, w, h = window
    left, top = max(x, 0), max(y, 0)
    w, h = min(x + w, width) - left, min(y + h, height) - top
    if w <= 0 or h <= 0:  # nothing of it is within
        left, top, w, h = width // 2, height // 2, 1, 1
    return left, top, w, h


def window_of(box: Array) -> Window:
    """Return the whole pixels of a box, one at least."""
    x1, y1, x2, y2 = (int(v) for v in np.rint(box))
    return x1, y1, max(x2 - x1, 1), max(y2 - y1, 1)


def box_of(window: Window) -> Array:
    """Return a window's edges, xyxy float32."""
    x, y, w, h = window
    return np.array([x, y, x + w, y + h], np.float32)
