"""Alignment by brightness: the transform under which two pictures correlate most, from coarse to fine.

Evangelidis & Psarakis 2008, "Parametric Image Alignment Using Enhanced Correlation Coefficient Maximization", IEEE PAMI
30(10), the forward additive algorithm. For every model the derivative by its numbers is the derivative by the nine
numbers of a 3×3 matrix times a small table; and of those nine, each is one of three values times x, y or 1. So a pass
over the picture sums a few products a row, and the normal equations of any model are put together from the sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.quads import mix_quads
from sightline.core.types import Array
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gaussian_pyramid import pyramid_of
from sightline.image.gradient import gradient

_SIGMA = 1.0  # pixels of a level: derivatives of noise are no derivatives
_SMALLEST = 24  # pixels along the shorter side of the coarsest level
_PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
_SUMS = 42  # a row
_ENTRIES = {"translation": (2, 5), "affine": (0, 1, 2, 3, 4, 5), "homography": (0, 1, 2, 3, 4, 5, 6, 7)}


@dataclass(frozen=True, eq=False)
class Level:
    """One level of both pictures.

    Parameters
    ----------
    fixed
        H×W float32, smoothed.
    planes
        h×w×4 float32: the moving picture, smoothed, its derivatives along x and y, and 0.
    factor
        Pixels of the pictures to a pixel of this level.
    """

    fixed: Array
    planes: Array
    factor: float


def levels_of(fixed: Array, moving: Array) -> list[Level]:
    """Return the levels of two H×W float32 pictures, the coarsest first."""
    count = 1
    while min(*fixed.shape, *moving.shape) >> count >= _SMALLEST:
        count += 1
    pairs = zip(pyramid_of(fixed, count), pyramid_of(moving, count), strict=True)
    return [_level(a, b, 2.0**k) for k, (a, b) in enumerate(pairs)][::-1]


def _level(fixed: Array, moving: Array, factor: float) -> Level:
    smooth = gaussian_blur(moving, _SIGMA)
    dx, dy = gradient(smooth)
    planes = empty((*moving.shape, 4), np.float32)
    over_rows(_gather_planes, len(moving), smooth, dx, dy, planes.reshape(len(moving), -1))
    return Level(gaussian_blur(fixed, _SIGMA), planes, factor)


@kernel
def _gather_planes(smooth, dx, dy, planes, y0, y1):
    eighth = np.float32(1 / 8)  # a Sobel sum of a ramp of 1 is 8
    for y in range(y0, y1):
        a, b, c, row = smooth[y], dx[y], dy[y], planes[y]
        for x in range(a.size):
            row[4 * x], row[4 * x + 1], row[4 * x + 2], row[4 * x + 3] = a[x], b[x] * eighth, c[x] * eighth, 0


def maximise(level: Level, model: str, matrix: Array, iterations: int, eps: float) -> tuple[Array, float, int]:
    """Return the matrix under which the level's pictures correlate most, the correlation, and the steps taken.

    Parameters
    ----------
    level
        From :func:`levels_of`.
    model
        ``translation``, ``rigid``, ``similarity``, ``affine`` or ``homography``.
    matrix
        3×3, from points of the fixed picture to points of the moving one, in pixels of the pictures; where to start.
    iterations
        Steps at most.
    eps
        A step that moves no corner by as much ends the search, in pixels of the level.
    """
    height, width = level.fixed.shape
    frame = _frame(height, width)
    shrink = np.diag([1 / level.factor, 1 / level.factor, 1.0])
    to_unit = frame @ shrink
    unit = to_unit @ matrix @ np.linalg.inv(to_unit)
    unit = unit / unit[2, 2]
    corners = np.array([[x, y, 1.0] for x in (-1, 1) for y in (-height / width, height / width)]).T
    best, highest, step = unit, -math.inf, 0
    for step in range(iterations + 1):
        hessian, image, template, norms = _sums(level, unit, frame)
        correlation = _correlation(norms)
        if correlation > highest:
            best, highest = unit, correlation
        elif step and correlation < highest - 1e-4:
            break
        if step == iterations or correlation == -math.inf:
            break
        change = _change(_table(model, unit), hessian, image, template, norms)
        if change is None:
            break
        moved = _added(model, unit, change)
        shift = _positions(moved, corners) - _positions(unit, corners)
        unit = moved
        if not np.isfinite(shift).all():
            break
        if np.abs(shift).max() * width / 2 < eps:
            final = _correlation(_sums(level, unit, frame)[3])
            best, highest = (unit, final) if final >= highest else (best, highest)
            break
    full = np.linalg.inv(to_unit) @ best @ to_unit
    return full / full[2, 2], highest, step


def correlation_of(fixed: Array, moving: Array, matrix: Array) -> float:
    """Return the correlation of two pictures where they overlap; −∞ where they do not.

    Parameters
    ----------
    fixed, moving
        H×W; float32 0–1, or uint8 or uint16, which are read as such.
    matrix
        3×3, from points of the fixed picture to points of the moving one, in pixels.
    """
    frame = _frame(*fixed.shape)
    unit = frame @ matrix @ np.linalg.inv(frame)
    tops = [np.float32(1 if p.dtype == np.float32 else np.iinfo(p.dtype).max) for p in (fixed, moving)]
    total = _summed(_row_sums_of_pictures, (fixed, moving, *tops), unit / unit[2, 2], frame, len(fixed))
    return _correlation(_norms(total))


def _frame(height: int, width: int) -> Array:
    """Return the matrix from pixels to coordinates of −1 to 1 along x: sums of their powers keep their digits."""
    scale = 2 / max(width, 2)
    return np.array([[scale, 0, -scale * (width - 1) / 2], [0, scale, -scale * (height - 1) / 2], [0, 0, 1]])


def _positions(matrix: Array, points: Array) -> Array:
    moved = matrix @ points
    return moved[:2] / moved[2]


def _sums(level: Level, unit: Array, frame: Array) -> tuple[Array, Array, Array, Array]:
    """Return the derivatives' 9×9 products, theirs with each picture, and (n, Σii, Σtt, Σit), all less the means."""
    total = _summed(_row_sums, (level.fixed, level.planes), unit, frame, len(level.fixed))
    hessian = np.empty((9, 9))
    for k, (a, b) in enumerate(_PAIRS):
        one, x, xx = (total[:, 3 * k + m] for m in range(3))
        block = np.array([[xx[0], x[1], x[0]], [x[1], one[2], one[1]], [x[0], one[1], one[0]]])
        hessian[3 * a : 3 * a + 3, 3 * b : 3 * b + 3] = block
        hessian[3 * b : 3 * b + 3, 3 * a : 3 * a + 3] = block
    image, template, plain = (_by_entry(total[:, k : k + 6]) for k in (18, 24, 30))
    n, i, t = total[0, 36:39]
    if n < 16:
        return hessian, image, template, np.zeros(4)
    hessian -= np.outer(plain, plain) / n
    return hessian, image - plain * (i / n), template - plain * (t / n), _norms(total)


def _summed(row_sums: Callable[..., Any], pictures: tuple[Any, ...], unit: Array, frame: Array, height: int) -> Array:
    """Return each row's sums, added up times 1, y and y²: 3×42."""
    pixels = np.linalg.inv(frame) @ unit @ frame
    numbers = np.append(pixels / pixels[2, 2], (pixels[2, 2], frame[0, 0]))
    rows = np.empty((height, _SUMS))
    over_rows(row_sums, height, *pictures, numbers, frame, rows, strip=32)
    y = frame[1, 1] * np.arange(height) + frame[1, 2]
    return np.stack([np.ones(height), y, y * y]) @ rows


def _norms(total: Array) -> Array:
    """Return the pixels that overlap and (Σii, Σtt, Σit) less the means; zeros where too few overlap."""
    n, i, t, ii, tt, it = total[0, 36:]
    if n < 16:
        return np.zeros(4)
    return np.array([n, ii - i * i / n, tt - t * t / n, it - i * t / n])


def _by_entry(sums: Array) -> Array:
    """Return the nine sums of three derivatives × (x, y, 1), from sums times (1, x) in columns and (1, y) in rows."""
    return np.stack([sums[0, 1::2], sums[1, 0::2], sums[0, 0::2]], axis=1).ravel()


def _correlation(norms: Array) -> float:
    n, ii, tt, it = norms
    return float(it / math.sqrt(ii * tt)) if n >= 16 and min(ii, tt) > 1e-9 * n else -math.inf


def _table(model: str, unit: Array) -> Array:
    """Return the derivatives of the nine numbers of the matrix by those of the model, 9×k."""
    if model in _ENTRIES:
        return np.eye(9)[:, list(_ENTRIES[model])]
    a, b = unit[0, 0], unit[1, 0]
    shift = np.eye(9)[:, [2, 5]]
    turn = np.array([-b, -a, 0, a, -b, 0, 0, 0, 0])
    if model == "rigid":
        return np.column_stack([turn, shift])
    return np.column_stack([[1, 0, 0, 0, 1, 0, 0, 0, 0], [0, -1, 0, 1, 0, 0, 0, 0, 0], shift])


def _change(table: Array, hessian: Array, image: Array, template: Array, norms: Array) -> Array | None:
    """Return the step of the paper's theorem in the model's numbers; None where there is none."""
    small = table.T @ hessian @ table
    of_image, of_template = table.T @ image, table.T @ template
    even = np.sqrt(np.maximum(np.diag(small), 1e-30))
    scaled = small / np.outer(even, even)
    if not np.isfinite(scaled).all() or np.linalg.cond(scaled) > 1e12:
        return None
    solved = np.linalg.solve(scaled, np.column_stack([of_image, of_template]) / even[:, None]) / even[:, None]
    _, ii, _, it = norms
    above, below = ii - of_image @ solved[:, 0], it - of_template @ solved[:, 0]
    if below <= 0:
        return None
    return (above / below) * solved[:, 1] - solved[:, 0]


def _added(model: str, unit: Array, change: Array) -> Array:
    if model != "rigid":
        return unit + (_table(model, unit) @ change).reshape(3, 3)
    angle = math.atan2(unit[1, 0], unit[0, 0]) + change[0]
    cosine, sine = math.cos(angle), math.sin(angle)
    return np.array([[cosine, -sine, unit[0, 2] + change[1]], [sine, cosine, unit[1, 2] + change[2]], [0, 0, 1]])


@kernel
def _row_sums(fixed, planes, numbers, frame, out, y0, y1):
    """Write each row's sums: 6 products of derivatives × (1, x, x²); 3 derivatives × (1, x) × (i, t, 1); 6 more."""
    width, size = fixed.shape[1], planes.shape[:2]
    places, line, quads = np.empty(width, np.int32), np.empty((9, width), np.float32), np.empty(4 * width, np.float32)
    flat, right, down = planes.reshape(-1), 4 if size[1] > 1 else 0, 4 * size[1] if size[0] > 1 else 0
    for y in range(y0, y1):
        _place_row(size, numbers, frame, y, places, line[4], line[5], line[6], line[7], line[8])
        fx, fy = line[7], line[8]
        for x in range(width):
            mix_quads(flat, np.int64(places[x]), right, down, fx[x], fy[x], quads, 4 * x)
        _part_row(quads, numbers, frame, y, line[6], line[0], line[1], line[2], line[3], line[4], line[5])
        _sum_row(line[0], line[1], line[2], line[3], line[4], fixed[y], line[5], out[y])


@kernel
def _row_sums_of_pictures(fixed, moving, fixed_top, moving_top, numbers, frame, out, y0, y1):
    """Write the sums of a moving picture of which no derivatives are known: what is made of these is worth nothing."""
    width, size = fixed.shape[1], moving.shape
    places, line, quads = np.empty(width, np.int32), np.empty((9, width), np.float32), np.zeros(4 * width, np.float32)
    flat, right, down = moving.reshape(-1), 1 if size[1] > 1 else 0, size[1] if size[0] > 1 else 0
    bright = np.empty(width, np.float32)
    for y in range(y0, y1):
        _place_row(size, numbers, frame, y, places, line[4], line[5], line[6], line[7], line[8])
        _mix_row(flat, moving_top, places, right, down, line[7], line[8], quads)
        _part_row(quads, numbers, frame, y, line[6], line[0], line[1], line[2], line[3], line[4], line[5])
        row = fixed[y]
        for x in range(width):
            bright[x] = np.float32(row[x]) / fixed_top
        _sum_row(line[0], line[1], line[2], line[3], line[4], bright, line[5], out[y])


@kernel(contract=True)
def _mix_row(flat, top, places, right, down, fx, fy, quads):
    """Write the brightness between four pixels each to the first number of a group; places are those of groups."""
    for x in range(places.size):
        at = np.int64(places[x] >> 2)
        a, b = np.float32(flat[at]) / top, np.float32(flat[at + right]) / top
        c, d = np.float32(flat[at + down]) / top, np.float32(flat[at + down + right]) / top
        upper, lower = a + fx[x] * (b - a), c + fx[x] * (d - c)
        quads[4 * x] = upper + fy[x] * (lower - upper)


@kernel(contract=True)
def _place_row(size, numbers, frame, y, places, weight, xs, away, fx, fy):
    """Write where the pixels of a row lie: the group at the upper left, what the others weigh, whether they overlap.

    Further x in the unit frame, and 1 / depth.
    """
    rows, columns = size
    a, b, c = numbers[0], numbers[3], numbers[6]
    a0, b0 = numbers[1] * y + numbers[2], numbers[4] * y + numbers[5]
    c0 = numbers[7] * y + numbers[8]
    scale, shift = frame[0, 0], frame[0, 2]
    right, bottom = columns - 1.0, rows - 1.0
    last_x, last_y, step = max(columns - 2.0, 0.0), max(rows - 2.0, 0.0), 4.0 * columns
    for x in range(places.size):
        column = np.float64(np.int32(x))
        depth = c * column + c0
        per = 1 / depth
        u, v = (a * column + a0) * per, (b * column + b0) * per
        inside = (depth > 1e-6) & (u >= 0) & (v >= 0) & (u <= right) & (v <= bottom)
        u, v = u if inside else 0.0, v if inside else 0.0
        left, top = np.floor(u), np.floor(v)  # whole numbers as floats: integers of 32 bits would be widened to 64
        left, top = left if left < last_x else last_x, top if top < last_y else last_y
        fx[x], fy[x] = np.float32(u - left), np.float32(v - top)
        places[x] = np.int32(top * step + 4.0 * left)
        weight[x], away[x] = np.float32(1 if inside else 0), np.float32(per if inside else 0)
        xs[x] = np.float32(scale * column + shift)


@kernel(contract=True)
def _part_row(quads, numbers, frame, y, away, value, p, q, r, weight, xs):
    """Deal out brightness and derivatives by the three rows of the matrix, all 0 where there is no overlap."""
    a, b = np.float32(numbers[0]), np.float32(numbers[3])
    a0, b0 = np.float32(numbers[1] * y + numbers[2]), np.float32(numbers[4] * y + numbers[5])
    scale = np.float32(frame[0, 0])
    shift_x, shift_y = np.float32(frame[0, 2]), np.float32(frame[1, 2])
    per_depth = np.float32(1 / (frame[0, 0] * numbers[9]))
    for x in range(value.size):
        column, near = np.float32(np.int32(x)), away[x]
        u, v = (a * column + a0) * near, (b * column + b0) * near
        gx, gy = quads[4 * x + 1] * (near * per_depth), quads[4 * x + 2] * (near * per_depth)
        value[x] = quads[4 * x] * weight[x]
        p[x], q[x] = gx, gy
        r[x] = -(gx * (scale * u + shift_x) + gy * (scale * v + shift_y))


@kernel(fastmath=True)
def _sum_row(i, p, q, r, weight, fixed, xs, out):
    zero = np.float32(0)
    for k in range(3):
        a = p if k < 2 else q
        b = p if k == 0 else q
        c = r
        s0, s1, s2, t0, t1, t2 = zero, zero, zero, zero, zero, zero
        for x in range(i.size):
            # In turn: pp and pr, pq and qr, qq and rr.
            first = a[x] * b[x]
            second = (p[x] if k == 0 else q[x] if k == 1 else c[x]) * c[x]
            z = xs[x]
            s0 += first
            s1 += first * z
            s2 += first * z * z
            t0 += second
            t1 += second * z
            t2 += second * z * z
        one, other = (0, 2) if k == 0 else (1, 4) if k == 1 else (3, 5)
        out[3 * one], out[3 * one + 1], out[3 * one + 2] = s0, s1, s2
        out[3 * other], out[3 * other + 1], out[3 * other + 2] = t0, t1, t2
    for k in range(3):
        g = p if k == 0 else q if k == 1 else r
        s0, s1, t0, t1, u0, u1 = zero, zero, zero, zero, zero, zero
        for x in range(i.size):
            z, value = xs[x], g[x]
            s0 += value * i[x]
            s1 += value * i[x] * z
            t0 += value * fixed[x]
            t1 += value * fixed[x] * z
            u0 += value
            u1 += value * z
        out[18 + 2 * k], out[19 + 2 * k] = s0, s1
        out[24 + 2 * k], out[25 + 2 * k] = t0, t1
        out[30 + 2 * k], out[31 + 2 * k] = u0, u1
    n, si, st, ii, tt, it = zero, zero, zero, zero, zero, zero
    for x in range(i.size):
        t = fixed[x] * weight[x]
        n += weight[x]
        si += i[x]
        st += t
        ii += i[x] * i[x]
        tt += t * t
        it += i[x] * t
    out[36], out[37], out[38], out[39], out[40], out[41] = n, si, st, ii, tt, it
