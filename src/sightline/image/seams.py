"""Seams: the cheapest way down an image, one pixel a row, and the image without it.

Energies, like all else that belongs to a pixel, move along when a seam goes; only those beside it are computed anew.
The cheapest seam is found by dynamic programming, row by row: Avidan & Shamir 2007, "Seam carving for content-aware
image resizing", ACM Transactions on Graphics 26(3), section 3.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array


def energies(gray: Array) -> Array:
    """Return |∂/∂x| + |∂/∂y| by central differences, H×W float32."""
    energy = np.empty_like(gray)
    over_rows(_all_energies, len(gray), _framed(gray), energy)
    return energy


def accumulate(gray: Array, energy: Array, forward: bool) -> Array:
    """Return the energy of the cheapest seam from the first row to each pixel, H×W float32."""
    total = _costs(gray)
    _accumulate(_framed(gray), energy, _unbiased(gray), gray.shape[1], forward, total)
    return total[:, 1:-1]


def remove_seams(gray: Array, bias: Array | None, count: int, forward: bool) -> Array:
    """Return the columns that are left in each row when the ``count`` cheapest seams go one by one.

    Parameters
    ----------
    gray
        H×W float32.
    bias
        H×W float32, added to the energy of each pixel; None adds nothing.
    count
        Fewer than the width.
    forward
        Whether to count the edges that a removal makes, too, in place of the gradient.
    """
    height, width = gray.shape
    framed, own, added = _framed(gray), np.zeros_like(gray), _unbiased(gray) if bias is None else bias.copy()
    del gray  # nobody else may hold it any more
    if not forward:
        over_rows(_all_energies, height, framed, own)
    columns = np.tile(np.arange(width, dtype=np.uint16 if width <= 1 << 16 else np.int32), (height, 1))
    _remove(framed, own, added, columns, count, forward, _costs(own))
    return columns[:, : width - count]


def _unbiased(gray: Array) -> Array:
    """Return a bias of nothing: one row that stands for all."""
    return np.zeros((1, gray.shape[1]), np.float32)


def _framed(gray: Array) -> Array:
    """Return the image with its first and last column repeated."""
    return np.pad(gray, ((0, 0), (1, 1)), mode="edge")


def _costs(gray: Array) -> Array:
    return np.full((len(gray), gray.shape[1] + 2), np.inf, np.float32)  # beyond the sides no seam passes


@kernel
def _all_energies(gray, energy, y0, y1):
    height = len(gray)
    for y in range(y0, y1):
        above, row, below, out = gray[max(y - 1, 0)], gray[y], gray[min(y + 1, height - 1)], energy[y]
        for x in range(out.size):
            out[x] = abs(row[x + 2] - row[x]) + abs(below[x + 1] - above[x + 1])


@kernel
def _remove(gray, energy, bias, columns, count, forward, total):
    height, width = energy.shape
    seam = np.empty(height, np.int64)
    for k in range(count):
        left = width - k
        for y in range(height):
            total[y, left + 1] = np.inf
        _accumulate(gray, energy, bias, left, forward, total)
        _trace(gray, left, forward, total, seam)
        for y in range(height):
            x = seam[y]
            _close(gray[y, 1:], x, left)
            gray[y, left] = gray[y, left - 1]
            gray[y, 0] = gray[y, 1]
            _close(bias[y % len(bias)], x, left)
            _close(energy[y], x, left)
            for i in range(x, left - 1):
                columns[y, i] = columns[y, i + 1]
        if not forward:
            for y in range(height):  # the seams of the rows above and below are at most one column away
                above, row, below = gray[max(y - 1, 0)], gray[y], gray[min(y + 1, height - 1)]
                for x in range(max(seam[y] - 3, 0), min(seam[y] + 3, left - 1)):
                    energy[y, x] = abs(row[x + 2] - row[x]) + abs(below[x + 1] - above[x + 1])


@kernel
def _sum(energy, bias, left, paid):
    for x in range(left):
        paid[x] = energy[x] + bias[x]


@kernel
def _close(row, x, left):
    """Move what lies beyond ``x`` one place to the left."""
    for i in range(x, left - 1):
        row[i] = row[i + 1]


@kernel
def _accumulate(gray, energy, bias, left, forward, total):
    paid = np.empty(left, np.float32)
    _sum(energy[0], bias[0], left, total[0, 1:])
    if forward:
        for x in range(left):
            total[0, x + 1] += abs(gray[0, x + 2] - gray[0, x])
    for y in range(1, len(total)):
        _sum(energy[y], bias[y % len(bias)], left, paid)
        if forward:
            _step_forward(gray[y - 1], gray[y], total[y - 1], paid, left, total[y, 1:])
        else:
            _step(total[y - 1], paid, left, total[y, 1:])


@kernel
def _step(above, energy, left, total):
    for x in range(left):
        a, b, c = above[x], above[x + 1], above[x + 2]
        best = a if a < b else b
        total[x] = energy[x] + (best if best < c else c)


@kernel
def _step_forward(upper, row, above, energy, left, total):
    """Rubinstein's three cases: the seam came from the upper left, from above, or from the upper right."""
    for x in range(left):
        joined = abs(row[x + 2] - row[x])
        a = above[x] + abs(upper[x + 1] - row[x])
        b = above[x + 1]
        c = above[x + 2] + abs(upper[x + 1] - row[x + 2])
        best = a if a < b else b
        total[x] = energy[x] + joined + (best if best < c else c)


@kernel
def _trace(gray, left, forward, total, seam):
    """Write the column of the cheapest seam in each row; of equal ones the leftmost, from the last row up."""
    last = len(total) - 1
    best = 0
    for x in range(1, left):
        if total[last, x + 1] < total[last, best + 1]:
            best = x
    seam[last] = best
    for y in range(last, 0, -1):
        x = seam[y]
        a, b, c = total[y - 1, x], total[y - 1, x + 1], total[y - 1, x + 2]
        if forward:
            a += abs(gray[y - 1, x + 1] - gray[y, x])
            c += abs(gray[y - 1, x + 1] - gray[y, x + 2])
        step = -1 if a <= b and a <= c else 0 if b <= c else 1
        seam[y - 1] = x + step
