"""Kernels of Farnebäck's flow: neighbourhoods as quadratic polynomials, and the displacement between two of them.

Farnebäck 2003, "Two-Frame Motion Estimation Based on Polynomial Expansion", SCIA, equations 2 to 16. A polynomial is
b₁·x + b₂·y + a₁₁·x² + a₂₂·y² + a₁₂·xy: five float32 numbers, eight places apart.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.vectors import load, store

PLACES = 8  # numbers from one pixel's polynomial to the next: one load of a vector
MARGIN = 64  # pixels beside a row: more than any neighbourhood reaches


@kernel(contract=True)
def expand(image, weights, inverse, out, y0, y1):
    """Write the polynomial of each pixel's neighbourhood; beyond the border, the outermost pixel repeats.

    ``weights`` are 3×(n+1): a bell, the bell times k, and times k²; ``inverse`` what undoes their correlation.
    """
    width = image.shape[1]
    lines, sums = np.empty((3, width + 2 * MARGIN), np.float32), np.empty((6, width), np.float32)
    for y in range(y0, y1):
        _down(image, weights, y, lines[0], lines[1], lines[2])
        _across(lines[0], lines[1], lines[2], weights, sums)
        row = out[y]
        by_slope, to_square, square, mixed = inverse[0], inverse[1], inverse[2], inverse[3]
        for x in range(width):
            k = x * PLACES
            row[k], row[k + 1] = sums[1, x] * by_slope, sums[2, x] * by_slope
            row[k + 2] = sums[0, x] * to_square + sums[3, x] * square
            row[k + 3] = sums[0, x] * to_square + sums[4, x] * square
            row[k + 4] = sums[5, x] * mixed


@kernel(contract=True)
def _down(image, weights, y, even, odd, square):
    """Write a column's sums with each of the three weights, and repeat the ends of the row."""
    height, width = image.shape
    e, o, s, middle = even[MARGIN : MARGIN + width], odd[MARGIN:], square[MARGIN:], image[y]
    first = weights[0, 0]
    for x in range(width):
        e[x], o[x], s[x] = first * middle[x], np.float32(0), np.float32(0)
    for k in range(1, weights.shape[1]):
        above, below = image[max(0, y - k)], image[min(height - 1, y + k)]
        bell, slope, curve = weights[0, k], weights[1, k], weights[2, k]
        for x in range(width):
            both = above[x] + below[x]
            e[x] += bell * both
            s[x] += curve * both
        for x in range(width):
            o[x] += slope * (below[x] - above[x])
    for x in range(MARGIN):
        even[x], odd[x], square[x] = e[0], o[0], s[0]
        even[MARGIN + width + x], odd[MARGIN + width + x] = e[width - 1], o[width - 1]
        square[MARGIN + width + x] = s[width - 1]


@kernel(contract=True)
def _across(even, odd, square, weights, sums):
    """Write a row's sums: 1, x, y, x², y² and xy, each times the bell."""
    width = sums.shape[1]
    one, along, down, along_2, down_2, both = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    e, o, s, first = even[MARGIN:], odd[MARGIN:], square[MARGIN:], weights[0, 0]
    for x in range(width):
        one[x], down[x], down_2[x] = first * e[x], first * o[x], first * s[x]
        along[x], along_2[x], both[x] = np.float32(0), np.float32(0), np.float32(0)
    for k in range(1, weights.shape[1]):
        bell, slope, curve = weights[0, k], weights[1, k], weights[2, k]
        left, right = even[MARGIN - k :], even[MARGIN + k :]
        for x in range(width):
            total = left[x] + right[x]
            one[x] += bell * total
            along_2[x] += curve * total
            along[x] += slope * (right[x] - left[x])
        left, right = odd[MARGIN - k :], odd[MARGIN + k :]
        for x in range(width):
            down[x] += bell * (left[x] + right[x])
            both[x] += slope * (right[x] - left[x])
        left, right = square[MARGIN - k :], square[MARGIN + k :]
        for x in range(width):
            down_2[x] += bell * (left[x] + right[x])


@kernel(contract=True)
def equations(first, second, flow, fading, out, y0, y1):
    """Write what each pixel says of its displacement, five numbers: the products g₁₁, g₁₂, g₂₂, h₁, h₂.

    ``second`` is flat; ``flow`` (H×W×2) says where the pixel is sought so far; ``fading`` is what an equation is worth
    near the border.
    """
    height, width = flow.shape[0], flow.shape[1]
    there, rim = np.empty((width + 1) * PLACES, np.float32), fading.size
    for y in range(y0, y1):
        _sample(second, flow, y, there)
        here, moves, rows = first[y], flow[y], out[y]
        weight_y = _fade(y, height, fading)
        for x in range(width):
            k = x * PLACES
            dx, dy = moves[x, 0], moves[x, 1]
            inside = there[k + 5] > 0
            half, quarter = np.float32(0.5), np.float32(0.25)
            xx = (here[k + 2] + there[k + 2]) * half if inside else here[k + 2]
            yy = (here[k + 3] + there[k + 3]) * half if inside else here[k + 3]
            xy = (here[k + 4] + there[k + 4]) * quarter if inside else here[k + 4] * half
            bx = (here[k] - there[k]) * half + xx * dx + xy * dy
            by = (here[k + 1] - there[k + 1]) * half + xy * dx + yy * dy
            if x < rim or x >= width - rim or weight_y != np.float32(1):
                weight = weight_y * _fade(x, width, fading)
                bx, by, xx, xy, yy = bx * weight, by * weight, xx * weight, xy * weight, yy * weight
            rows[0, x], rows[1, x], rows[2, x] = xx * xx + xy * xy, (xx + yy) * xy, yy * yy + xy * xy
            rows[3, x], rows[4, x] = xx * bx + xy * by, xy * bx + yy * by


@kernel
def _fade(index, size, fading):
    weight = np.float32(1)
    if index < fading.size:
        weight = fading[index]
    if size - 1 - index < fading.size:
        weight *= fading[size - 1 - index]
    return weight


@kernel(contract=True)
def _sample(second, flow, y, out):
    """Write a row of polynomials from where the flow leads, between four; the sixth number: whether inside."""
    height, width = flow.shape[0], flow.shape[1]
    line, moves = (width + 1) * PLACES, flow[y]
    for x in range(width):
        px, py = np.float32(x) + moves[x, 0], np.float32(y) + moves[x, 1]
        inside = px >= 0 and px < width - 1 and py >= 0 and py < height - 1
        left, top = (int(px), int(py)) if inside else (0, 0)
        at = top * line + left * PLACES
        if inside:
            fx, fy = px - np.float32(left), py - np.float32(top)
            upper, lower = load(second, at), load(second, at + line)
            upper = upper + (load(second, at + PLACES) - upper) * fx
            lower = lower + (load(second, at + line + PLACES) - lower) * fx
            store(upper + (lower - upper) * fy, out, x * PLACES)
        else:
            for k in range(5):
                out[x * PLACES + k] = np.float32(0)
        out[x * PLACES + 5] = np.float32(1) if inside else np.float32(0)


@kernel(contract=True)
def solve(products, weights, box, flow, y0, y1):
    """Write the displacement that the equations around each pixel agree on, beyond the border as if it repeated.

    ``weights`` say how much those k rows or columns away count, from 0 on; with ``box`` all count the same.
    """
    channels, width = products.shape[1], products.shape[2]
    reach = weights.size - 1
    column, spare = np.empty(width + 2 * MARGIN, np.float32), np.empty(width + 2 * MARGIN, np.float32)
    running, means = np.empty((channels, width), np.float32), np.empty((channels, width), np.float32)
    for y in range(y0, y1):
        for k in range(channels):
            _sum_down(products, k, y, y == y0, weights, box, running[k], column)
            _sum_across(column, spare, weights, box, reach, means[k])
        row, scale = flow[y], weights[0] * weights[0] if box else np.float32(1)
        g11, g12, g22, h1, h2 = means[0], means[1], means[2], means[3], means[4]
        for x in range(width):
            a, b, c, p, q = g11[x] * scale, g12[x] * scale, g22[x] * scale, h1[x] * scale, h2[x] * scale
            inverse = np.float32(1) / (a * c - b * b + np.float32(1e-3))
            row[x, 0], row[x, 1] = (c * p - b * q) * inverse, (a * q - b * p) * inverse


@kernel(contract=True)
def _sum_down(products, k, y, anew, weights, box, running, column):
    height, width, reach = products.shape[0], products.shape[2], weights.size - 1
    if anew or not box:
        first = products[y, k]
        start = np.float32(1) if box else weights[0]
        for x in range(width):
            running[x] = start * first[x]
        for r in range(1, reach + 1):
            above, below = products[max(0, y - r), k], products[min(height - 1, y + r), k]
            weight = np.float32(1) if box else weights[r]
            for x in range(width):
                running[x] += weight * (above[x] + below[x])
    else:
        gained, lost = products[min(height - 1, y + reach), k], products[max(0, y - reach - 1), k]
        for x in range(width):
            running[x] += gained[x] - lost[x]
    middle = column[MARGIN : MARGIN + width]
    for x in range(width):
        middle[x] = running[x]
    for x in range(MARGIN):
        column[x], column[MARGIN + width + x] = middle[0], middle[width - 1]


@kernel(contract=True)
def _sum_across(column, spare, weights, box, reach, out):
    """Sum up a window of each row: with equal weights by sums of 1, 2, 4 … neighbours."""
    width = out.size
    if not box:
        first = column[MARGIN:]
        for x in range(width):
            out[x] = weights[0] * first[x]
        for r in range(1, reach + 1):
            left, right, weight = column[MARGIN - r :], column[MARGIN + r :], weights[r]
            for x in range(width):
                out[x] += weight * (left[x] + right[x])
        return
    count, span, done, first = 2 * reach + 1, 1, 0, True
    end = width + 2 * MARGIN
    while span <= count:
        if count & span:  # these many neighbours are a part of the window
            part = column[MARGIN - reach + done :]
            if first:
                for x in range(width):
                    out[x] = part[x]
            else:
                for x in range(width):
                    out[x] += part[x]
            done, first = done + span, False
        end -= span
        other = column[span:]
        for x in range(end):
            spare[x] = column[x] + other[x]
        for x in range(end):
            column[x] = spare[x]
        span *= 2
