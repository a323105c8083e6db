"""Kernels of Horn and Schunck's and of the TV-L1 flow: many steps at once on a strip of rows.

Each strip is read with as many rows more on either side as there are steps: what is wrong at its rim moves inwards by a
row a step, and is dropped. So strips need nothing of each other, and a result does not depend on them.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.vectors import LANES, load, store
from sightline.core.widened import eight_of, greater, lesser, roots
from sightline.motion.flow_fields import MARGIN

AT_ONCE = 10  # steps on a strip before the next one


@kernel
def horn_schunck_steps(data, u, width, alpha, steps, out, y0, y1):
    """Write ``u`` after some steps of Jacobi's: each pixel's neighbours' mean, and then as the brightness says.

    ``data`` are three planes: how the brightness changes is data[0] + data[1]·u + data[2]·v; ``alpha`` is squared.
    """
    height, pitch = u.shape[1], u.shape[2]
    first, last = max(0, y0 - steps), min(height, y1 + steps)
    now = np.zeros((2, last - first + 2, pitch), np.float32)  # a row more above and below, for the neighbours
    then = np.zeros((2, last - first + 2, pitch), np.float32)
    _copy_rows(u, first, now, 1, last - first)
    for _ in range(steps):
        for k in range(2):
            _repeat_rim(now[k], width, first == 0, last == height)
        for y in range(first, last):
            r = y - first + 1
            _relax(data, y, now, r, alpha, width, then)
        now, then = then, now
    _copy_rows(now, y0 - first + 1, out, y0, y1 - y0)


@kernel
def _copy_rows(planes, start, out, to, count):
    for k in range(out.shape[0]):
        for r in range(count):
            row, twin = planes[k, start + r], out[k, to + r]
            for x in range(row.size):
                twin[x] = row[x]


@kernel
def _repeat_rim(plane, width, top, bottom):
    """Repeat the outermost pixels beside them, and above and below where the picture ends."""
    rows = plane.shape[0]
    for x in range(plane.shape[1]):
        if top:
            plane[0, x] = plane[1, x]
        if bottom:
            plane[rows - 1, x] = plane[rows - 2, x]
    for r in range(plane.shape[0]):
        plane[r, MARGIN - 1], plane[r, MARGIN + width] = plane[r, MARGIN], plane[r, MARGIN + width - 1]


@kernel(contract=True)
def _relax(data, y, now, r, alpha, width, then):
    rest, slope_x, slope_y = data[0, y], data[1, y], data[2, y]
    u_above, u, u_below = now[0, r - 1], now[0, r], now[0, r + 1]
    v_above, v, v_below = now[1, r - 1], now[1, r], now[1, r + 1]
    new_u, new_v = then[0, r], then[1, r]
    for k in range(MARGIN, MARGIN + width, LANES):
        mean_u, mean_v = _mean(u_above, u, u_below, k), _mean(v_above, v, v_below, k)
        a, b = load(slope_x, k), load(slope_y, k)
        share = (load(rest, k) + a * mean_u + b * mean_v) / (a * a + b * b + alpha)
        store(mean_u - a * share, new_u, k)
        store(mean_v - b * share, new_v, k)


@kernel(contract=True)
def _mean(above, row, below, k):
    """Return the mean of eight neighbours, those at the side twice as much: Horn and Schunck's weights."""
    beside = (load(row, k - 1) + load(row, k + 1)) + (load(above, k) + load(below, k))
    aslant = (load(above, k - 1) + load(above, k + 1)) + (load(below, k - 1) + load(below, k + 1))
    return beside * np.float32(1 / 6) + aslant * np.float32(1 / 12)


@kernel
def tv_l1_steps(data, state, width, bound, theta, step, steps, out, y0, y1):
    """Write the ``state`` after some steps of Chambolle's: six planes, the flow u and v and the dual of their slopes.

    ``data`` are four planes: those of :func:`horn_schunck_steps`, and 1 over the squared slope. A step changes the flow
    by at most ``bound`` slopes on behalf of the brightness.
    """
    height, pitch = state.shape[1], state.shape[2]
    first, last = max(0, y0 - steps), min(height, y1 + steps)
    now = np.zeros((6, last - first + 1, pitch), np.float32)  # a row of zeros above
    above = 1 if first > 0 else 0
    _copy_rows(state, first - above, now, 1 - above, last - first + above)
    for _ in range(steps):
        for y in range(first, last + 1):  # the dual of a row waits for the flow of the row below
            r = y - first + 1
            if y < last:
                _move(data, y, now, r, bound, theta, width)
                for k in range(2):
                    now[k, r, MARGIN + width] = now[k, r, MARGIN + width - 1]
            if y > first:
                _pull(now, 0, r - 1, y < last, step, width)
                _pull(now, 1, r - 1, y < last, step, width)
    _copy_rows(now, y0 - first + 1, out, y0, y1 - y0)


@kernel(contract=True)
def _move(data, y, now, r, bound, theta, width):
    """Change the flow of a row: first as the brightness says, then towards what the duals say."""
    rest, slope_x, slope_y, inverse = data[0, y], data[1, y], data[2, y], data[3, y]
    u, v = now[0, r], now[1, r]
    ux, uy, vx, vy = now[2, r], now[3, r], now[4, r], now[5, r]
    uy_above, vy_above = now[3, r - 1], now[5, r - 1]
    most, least = eight_of(bound), eight_of(-bound)
    for k in range(MARGIN, MARGIN + width, LANES):
        a, b, old_u, old_v = load(slope_x, k), load(slope_y, k), load(u, k), load(v, k)
        off = (load(rest, k) + a * old_u + b * old_v) * load(inverse, k)
        share = greater(lesser(off, most), least)
        divergence_u = (load(ux, k) - load(ux, k - 1)) + (load(uy, k) - load(uy_above, k))
        divergence_v = (load(vx, k) - load(vx, k - 1)) + (load(vy, k) - load(vy_above, k))
        store(old_u - a * share + divergence_u * theta, u, k)
        store(old_v - b * share + divergence_v * theta, v, k)


@kernel(contract=True)
def _pull(now, which, r, below, step, width):
    """Change the dual of one part of the flow, where it slopes; it stays within the unit circle."""
    u, under = now[which, r], now[which, r + 1 if below else r]
    px, py = now[2 + 2 * which, r], now[3 + 2 * which, r]
    one = eight_of(np.float32(1))
    for k in range(MARGIN, MARGIN + width, LANES):
        here = load(u, k)
        across, down = load(u, k + 1) - here, load(under, k) - here
        size = one + roots(across * across + down * down) * step
        store((load(px, k) + across * step) / size, px, k)
        store((load(py, k) + down * step) / size, py, k)
