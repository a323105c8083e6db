"""Median blur: each pixel becomes the middle one of its neighbourhood, so that lone outliers vanish and edges stay.

Tukey 1977, "Exploratory Data Analysis". 3×3 and 5×5 by sorting columns, then rows, of which only few values can be the
median; larger ones on bytes by a histogram that slides along (Huang, Yang and Tang 1979, "A fast two-dimensional median
filtering algorithm", IEEE Transactions on Acoustics, Speech and Signal Processing 27(1)), which is the sum of one per
column, so that every size costs the same (Perreault and Hébert 2007, "Median Filtering in Constant Time", IEEE
Transactions on Image Processing 16(9)). Larger ones on wider numbers by sorting blocks (``window_rank.py``).
"""

from __future__ import annotations

from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import LANES, add_groups, count_up_to, replace_group, subtract_groups
from sightline.core.types import Array, Image, Range
from sightline.image.border import interleaved, source_indices
from sightline.image.window_rank import rank_by_sorting

# What one value adds to a cumulative histogram: group v holds 0 below v and 1 from v on. One more group holds nothing.
STEPS = np.tri(LANES + 1, LANES, -1, np.uint8)[::-1, ::-1].ravel()
_NOTHING = LANES * LANES
_TILE = 1536  # columns of which histograms are kept, 400 kB: more would fall out of the cache


@method(task="smoothing", paper="Huang 1979", lesson="w1d4")
def median_blur(image: Image, size: Annotated[int, Range(1, 51, 2)] = 3, *, out: Array | None = None) -> Image:
    """Return the median of each pixel's ``size × size`` neighbourhood, every channel by itself.

    Beyond the border the outermost pixel repeats. NaN has no rank, so that an image with NaN or infinity is refused.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or finite float32.
    size
        Side of the neighbourhood in pixels, odd, 1–255; 1 returns an equal copy.
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The filtered image, same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> speck = np.array([[1, 2, 3], [4, 255, 6], [7, 8, 9]], np.uint8)
    >>> sl.image.median_blur(speck)
    array([[2, 3, 3],
           [4, 6, 6],
           [7, 8, 9]], dtype=uint8)

    References
    ----------
    T. S. Huang, G. J. Yang, G. Y. Tang, "A fast two-dimensional median filtering algorithm", IEEE Transactions on
    Acoustics, Speech and Signal Processing 27(1), 1979.

    S. Perreault, P. Hébert, "Median Filtering in Constant Time", IEEE Transactions on Image Processing 16(9), 2007.
    """
    image = as_image("median_blur", image, channels=(), finite=True)
    size = integer("median_blur", "size", size, 1, 255, odd=True)
    result = output("median_blur", out, image.shape, image.dtype, [image])
    if size == 1:
        np.copyto(result, image)
        return result
    height, width = image.shape[:2]
    channels = image.shape[2] if image.ndim == 3 else 1
    flat = image.reshape(height, -1), result.reshape(height, -1)
    if size == 3:
        over_rows(_median_3, height, *flat, channels, strip=192)  # quick: fewer rows would cost less than their start
    elif size == 5:
        over_rows(_median_5, height, *flat, channels)
    else:
        rows, columns = source_indices(height, size // 2, "edge"), source_indices(width, size // 2, "edge")
        middle = size * size // 2
        if image.dtype == np.uint8:
            columns = interleaved(columns, channels)
            over_rows(rank_by_histogram, height, *flat, rows, columns, STEPS, channels, size, middle, strip=128)
        else:
            rank_by_sorting(image, rows, columns, np.ones((size, size), np.bool_), middle, result)
    return result


# --- sorting networks ---


@kernel(inline=True)
def _sorted_3(a, b, c):
    low, high = min(a, b), max(a, b)
    middle = max(low, c)
    return min(low, c), min(middle, high), max(middle, high)


@kernel(inline=True)
def _middle(a, b, c):
    return max(min(a, b), min(max(a, b), c))


@kernel
def _sorted_5(a, b, c, d, e):
    # Nine comparators; those whose results nobody uses, the compiler leaves out. Inlined by LLVM: quicker to compile.
    a, b = min(a, b), max(a, b)
    d, e = min(d, e), max(d, e)
    c, e = min(c, e), max(c, e)
    c, d = min(c, d), max(c, d)
    b, e = min(b, e), max(b, e)
    a, d = min(a, d), max(a, d)
    a, c = min(a, c), max(a, c)
    b, d = min(b, d), max(b, d)
    return a, min(b, c), max(b, c), d, e


@kernel
def _repeat_ends(line, margin, channels):
    for i in range(margin):
        line[i] = line[margin + i % channels]
        line[line.size - margin + i] = line[line.size - margin - channels + i % channels]


@kernel
def _median_3(image, result, channels, y0, y1):
    """Columns sorted, the median of nine is the middle of: highest low, middle middle, lowest high."""
    height, width = image.shape
    first = np.empty(width + 2 * channels, image.dtype)
    second, third = np.empty_like(first), np.empty_like(first)
    low, mid = first[channels : channels + width], second[channels : channels + width]
    high = third[channels : channels + width]
    low_l, low_r = first[:width], first[2 * channels : 2 * channels + width]
    mid_l, mid_r = second[:width], second[2 * channels : 2 * channels + width]
    high_l, high_r = third[:width], third[2 * channels : 2 * channels + width]
    for y in range(y0, y1):
        a, b, c = image[max(y - 1, 0)], image[y], image[min(y + 1, height - 1)]
        for x in range(width):
            low[x], mid[x], high[x] = _sorted_3(a[x], b[x], c[x])
        _repeat_ends(first, channels, channels)
        _repeat_ends(second, channels, channels)
        _repeat_ends(third, channels, channels)
        row = result[y]
        for x in range(width):
            highest_low = max(max(low_l[x], low[x]), low_r[x])
            lowest_high = min(min(high_l[x], high[x]), high_r[x])
            row[x] = _middle(highest_low, _middle(mid_l[x], mid[x], mid_r[x]), lowest_high)


@kernel
def _median_5(image, result, channels, y0, y1):
    """Sort the columns, then the rows: a 5×5 matrix that grows to the right and downwards.

    Of such a matrix, the median is the middle of three: the highest of the four values just above the diagonal from
    bottom left to top right, the median of the diagonal, and the lowest of the four values just below it.
    """
    height, width = image.shape
    margin = 2 * channels
    columns = np.empty((5, width + 2 * margin), image.dtype)
    t0, t1, t2 = columns[0, margin:], columns[1, margin:], columns[2, margin:]
    t3, t4 = columns[3, margin:], columns[4, margin:]
    # The sorted columns as they lie two and one to the left, here, one and two to the right.
    i, j, k, m = channels, 2 * channels, 3 * channels, 4 * channels
    a0, b0, c0, d0, e0 = columns[0, 0:], columns[0, i:], columns[0, j:], columns[0, k:], columns[0, m:]
    a1, b1, c1, d1, e1 = columns[1, 0:], columns[1, i:], columns[1, j:], columns[1, k:], columns[1, m:]
    a2, b2, c2, d2, e2 = columns[2, 0:], columns[2, i:], columns[2, j:], columns[2, k:], columns[2, m:]
    a3, b3, c3, d3, e3 = columns[3, 0:], columns[3, i:], columns[3, j:], columns[3, k:], columns[3, m:]
    a4, b4, c4, d4, e4 = columns[4, 0:], columns[4, i:], columns[4, j:], columns[4, k:], columns[4, m:]
    for y in range(y0, y1):
        a, b, c = image[max(y - 2, 0)], image[max(y - 1, 0)], image[y]
        d, e = image[min(y + 1, height - 1)], image[min(y + 2, height - 1)]
        for x in range(width):
            t0[x], t1[x], t2[x], t3[x], t4[x] = _sorted_5(a[x], b[x], c[x], d[x], e[x])
        for line in range(5):
            _repeat_ends(columns[line], margin, channels)
        row = result[y]
        for x in range(width):
            _, _, _, above, p0 = _sorted_5(a0[x], b0[x], c0[x], d0[x], e0[x])
            _, _, value, p1, below = _sorted_5(a1[x], b1[x], c1[x], d1[x], e1[x])
            above = max(above, value)
            _, value, p2, other, _ = _sorted_5(a2[x], b2[x], c2[x], d2[x], e2[x])
            above, below = max(above, value), min(below, other)
            value, p3, other, _, _ = _sorted_5(a3[x], b3[x], c3[x], d3[x], e3[x])
            above, below = max(above, value), min(below, other)
            p4, other, _, _, _ = _sorted_5(a4[x], b4[x], c4[x], d4[x], e4[x])
            below = min(below, other)
            _, _, diagonal, _, _ = _sorted_5(p0, p1, p2, p3, p4)
            row[x] = _middle(above, diagonal, below)


# --- larger neighbourhoods ---


@kernel
def rank_by_histogram(image, result, rows, columns, steps, channels, size, half, y0, y1):
    """Find values of rank ``half``, of some columns after the others."""
    margin, width = (size - 1) * channels, image.shape[1]
    count = max(1, round(width / max(_TILE, 8 * margin)))  # tiles of about one size, wide beside what they share
    for k in range(count):
        first, end = width // channels * k // count * channels, width // channels * (k + 1) // count * channels
        _rank_columns(image, result, rows, columns[first : end + margin], steps, channels, size, half, first, y0, y1)


@kernel
def _rank_columns(image, result, rows, columns, steps, channels, size, half, first, y0, y1):
    """Find the upper four bits of the value of rank ``half`` in a histogram of 16 bins, the lower four in one of 16.

    All histograms are cumulative and kept per column: ``coarse[x]`` and ``fine[bin][x]``, a group of 16 counts each.
    The window's are their sums, which slide along the row; a fine one only once the median falls into its bin.
    """
    plane, pixel = LANES * columns.size, LANES * channels  # offsets from a bin to the next, from a pixel to the next
    coarse, fine = np.zeros(plane, np.uint8), np.zeros(LANES * plane, np.uint8)
    window, whole = np.zeros((LANES + 1) * LANES, np.uint16), LANES * LANES  # the 16 fine ones, then the coarse one
    seen = np.empty(LANES, np.int64)  # the place in the row that a fine one was brought up to
    line, old = np.empty(columns.size, np.uint8), np.empty(columns.size, np.uint8)
    for i in range(y0, y0 + size):
        _pad(image[rows[i]], columns, line)
        _count_in(line, coarse, fine, plane, steps)
    for y in range(y0, y1):
        if y > y0:
            _pad(image[rows[y + size - 1]], columns, line)
            _pad(image[rows[y - 1]], columns, old)
            _exchange(line, old, coarse, fine, plane, steps)
        row = result[y, first : first + columns.size - (size - 1) * channels]
        for channel in range(channels):
            seen[:] = -size
            window[whole:] = 0
            add_groups(window, whole, coarse, LANES * channel, size - 1, pixel)
            for place in range(row.size // channels):
                x = place * channels + channel
                here = LANES * x
                add_groups(window, whole, coarse, here + (size - 1) * pixel, 1, pixel)
                bin_ = count_up_to(window, whole, half)
                rank = half - (np.int64(window[whole + bin_ - 1]) if bin_ > 0 else 0)
                behind, values = min(place - seen[bin_], size), bin_ * LANES
                source = bin_ * plane + here
                if 2 * behind > size:
                    window[values : values + LANES] = 0
                    add_groups(window, values, fine, source, size, pixel)
                else:
                    add_groups(window, values, fine, source + (size - behind) * pixel, behind, pixel)
                    subtract_groups(window, values, fine, source - behind * pixel, behind, pixel)
                seen[bin_] = place
                row[x] = values + count_up_to(window, values, rank)
                subtract_groups(window, whole, coarse, here, 1, pixel)


@kernel
def _pad(row, columns, line):
    for x in range(columns.size):
        line[x] = row[columns[x]]


@kernel
def _count_in(line, coarse, fine, plane, steps):
    for x in range(line.size):
        bin_, value, here = np.int64(line[x] >> 4), np.int64(line[x] & 15), LANES * x
        replace_group(coarse, here, steps, LANES * bin_, _NOTHING)
        replace_group(fine, bin_ * plane + here, steps, LANES * value, _NOTHING)


@kernel
def _exchange(line, old, coarse, fine, plane, steps):
    for x in range(line.size):
        bin_, value, here = np.int64(line[x] >> 4), np.int64(line[x] & 15), LANES * x
        old_bin, old_value = np.int64(old[x] >> 4), np.int64(old[x] & 15)
        replace_group(coarse, here, steps, LANES * bin_, LANES * old_bin)
        replace_group(fine, bin_ * plane + here, steps, LANES * value, _NOTHING)
        replace_group(fine, old_bin * plane + here, steps, _NOTHING, LANES * old_value)
