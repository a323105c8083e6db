"""How often each value occurs: the counting that histograms and the thresholds made from them share.

Whole numbers are counted level by level. Floats are put into bins first, which are then counted like whole numbers.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_FEW = 1 << 13  # words: for fewer, clearing the table of pairs would cost more than counting
_SMALL = 1 << 14  # bins
_OUTSIDE = 65535


def level_counts(image: Array) -> Array:
    """Return C×256 or C×65536 int64: how often each level occurs in each channel of a uint8 or uint16 image."""
    channels = image.shape[2] if image.ndim == 3 else 1
    flat = image.reshape(-1)
    if image.dtype == np.uint8 and channels == 1:
        words = flat[: flat.size // 8 * 8].view(np.uint64)
        strips = over_rows(_count_bytes, max(words.size, 1), flat, words, strip=1 << 17)
        return np.stack(strips).sum(axis=0, dtype=np.int64)[None]
    levels = int(np.iinfo(image.dtype).max) + 1
    strips = over_rows(_count_levels, flat.size // channels, flat, channels, levels, strip=1 << 20)
    return np.stack(strips).sum(axis=0, dtype=np.int64).reshape(2, channels, levels).sum(axis=0)


def binned(image: Array, bins: Array, low: Array, high: Array) -> Array:
    """Return the bin of each value of a float32 image, as uint16; 65535 where it lies outside its channel's range.

    Parameters
    ----------
    image
        H×W or H×W×C float32.
    bins, low, high
        C numbers each: the bins of a channel, at most 65535, and the range that they share; ``high`` belongs to it.
    """
    channels = bins.size
    result = empty(image.shape, np.uint16)
    scale = bins / (high - low)
    rows = image.reshape(-1), result.reshape(-1), channels, bins.astype(np.int64), low, high, scale
    over_rows(_bin, image.size // channels, *rows, strip=1 << 16)
    return result


def levels_and_counts(gray: Array, bins: int = 256) -> tuple[Array, Array]:
    """Return the values that are counted (float64) and how often each occurs (int64).

    Parameters
    ----------
    gray
        H×W; whole numbers are counted level by level, floats in bins from the smallest to the largest value.
    bins
        Of a float image; a value stands for the centre of its bin.
    """
    if gray.dtype != np.float32:
        counts = level_counts(gray)[0]
        return np.arange(float(counts.size)), counts
    low, high = float(gray.min()), float(gray.max())
    if low == high:
        return np.full(1, low), np.full(1, gray.size)
    places = binned(gray, *(np.array([value], np.float64) for value in (bins, low, high)))
    edges = np.linspace(low, high, bins + 1)
    return (edges[:-1] + edges[1:]) / 2, level_counts(places)[0, :bins]


@kernel
def _count_bytes(flat, words, w0, w1):
    """Count bytes, eight in a word, two at a time in a table of all pairs; few of them one at a time in four tables.

    One table of single bytes would make equal neighbours wait for each other's sum.
    """
    counts = np.zeros(256, np.uint32)
    byte, pair = np.uint64(255), np.uint64(65535)
    end = min(w1, words.size)
    if end - w0 < _FEW:
        tables = np.zeros(1024, np.uint32)
        for w in range(w0, end):
            word = words[w]
            for k in range(8):
                tables[np.uint64(256 * (k & 3)) + ((word >> np.uint64(8 * k)) & byte)] += np.uint32(1)
        for i in range(1024):
            counts[i & 255] += tables[i]
    else:
        pairs = np.zeros(65536, np.uint32)
        for w in range(w0, end):
            word = words[w]
            pairs[word & pair] += np.uint32(1)
            pairs[(word >> np.uint64(16)) & pair] += np.uint32(1)
            pairs[(word >> np.uint64(32)) & pair] += np.uint32(1)
            pairs[word >> np.uint64(48)] += np.uint32(1)
        for i in range(256):
            row = pairs[256 * i : 256 * i + 256]
            total = np.uint32(0)
            for j in range(256):
                counts[j] += row[j]
                total += row[j]
            counts[i] += total
    if w1 >= words.size:
        for x in range(8 * words.size, flat.size):  # what does not fill a word
            counts[flat[x]] += np.uint32(1)
    return counts


@kernel
def _count_levels(flat, channels, levels, x0, x1):
    # Two tables a channel, for pixels at even and odd places: equal neighbours do not wait for each other.
    tables = np.zeros((2 * channels, levels), np.uint32)
    if channels == 3:
        row = flat[3 * x0 : 3 * x1]
        a, b, c = tables[0], tables[1], tables[2]
        d, e, f = tables[3], tables[4], tables[5]
        pairs = (x1 - x0) // 2
        for x in range(pairs):
            a[row[6 * x]] += np.uint32(1)
            b[row[6 * x + 1]] += np.uint32(1)
            c[row[6 * x + 2]] += np.uint32(1)
            d[row[6 * x + 3]] += np.uint32(1)
            e[row[6 * x + 4]] += np.uint32(1)
            f[row[6 * x + 5]] += np.uint32(1)
        for i in range(6 * pairs, row.size):
            tables[i - 6 * pairs, row[i]] += np.uint32(1)
    else:
        for channel in range(channels):
            a, b = tables[channel], tables[channels + channel]
            row = flat[channels * x0 + channel : channels * x1]
            for x in range(0, x1 - x0 - 1, 2):
                a[row[channels * x]] += np.uint32(1)
                b[row[channels * (x + 1)]] += np.uint32(1)
            if (x1 - x0) & 1:
                a[row[channels * (x1 - x0 - 1)]] += np.uint32(1)
    return tables


@kernel
def _bin(flat, places, channels, bins, low, high, scale, x0, x1):
    for channel in range(channels):
        here, there = flat[channels * x0 : channels * x1], places[channels * x0 : channels * x1]
        bottom, top, factor, last = low[channel], high[channel], scale[channel], bins[channel] - 1
        for x in range(x1 - x0):
            value = np.float64(here[channels * x + channel])
            inside = (value >= bottom) & (value <= top)
            place = np.int32((value - bottom) * factor if inside else np.float64(0))
            there[channels * x + channel] = np.uint16(min(place, np.int32(last)) if inside else np.int32(_OUTSIDE))


@kernel
def count_joint(flat, channels, chosen, tables, size, x0, x1):
    """Count the bins of combined channels; index 0 of the result is for what lies outside.

    Parameters
    ----------
    flat, channels
        A flat uint8 or uint16 image and its number of channels.
    chosen
        Three channels; ``tables`` is 0 for those that are not wanted.
    tables
        3×levels int32: what a level of each channel adds to the number of the bin; far below 0 outside.
    size
        Number of bins.
    x0, x1
        Pixels to count.
    """
    # Two tables, so that equal neighbours do not wait for each other; one where two would not fit the cache.
    even = np.zeros(size + 1, np.uint32)
    odd = np.zeros(size + 1, np.uint32) if size < _SMALL else even
    first, second, third = tables[0], tables[1], tables[2]
    a, b, c = flat[channels * x0 + chosen[0] :], flat[channels * x0 + chosen[1] :], flat[channels * x0 + chosen[2] :]
    one, outside = np.uint32(1), np.int32(-1)
    if channels == 3:
        for x in range((x1 - x0) // 2):
            place = first[a[6 * x]] + second[b[6 * x]] + third[c[6 * x]]
            even[np.uint32(max(place, outside) + np.int32(1))] += one
            place = first[a[6 * x + 3]] + second[b[6 * x + 3]] + third[c[6 * x + 3]]
            odd[np.uint32(max(place, outside) + np.int32(1))] += one
    start = (x1 - x0) // 2 * 2 if channels == 3 else 0
    for x in range(start, x1 - x0):
        at = channels * x
        place = first[a[at]] + second[b[at]] + third[c[at]]
        even[np.uint32(max(place, outside) + np.int32(1))] += one
    if size < _SMALL:
        for i in range(size + 1):
            even[i] += odd[i]
    return even


@kernel
def look_up_joint(flat, channels, chosen, tables, values, out, x0, x1):
    """Write ``values`` of each pixel's bin; the other arguments are those of :func:`count_joint`, 0 stands outside."""
    first, second, third = tables[0], tables[1], tables[2]
    a, b, c = flat[channels * x0 + chosen[0] :], flat[channels * x0 + chosen[1] :], flat[channels * x0 + chosen[2] :]
    there, outside = out[x0:x1], np.int32(-1)
    if channels == 3:
        for x in range(there.size):
            place = first[a[3 * x]] + second[b[3 * x]] + third[c[3 * x]]
            there[x] = values[np.uint32(max(place, outside) + np.int32(1))]
    else:
        for x in range(there.size):
            at = channels * x
            place = first[a[at]] + second[b[at]] + third[c[at]]
            there[x] = values[np.uint32(max(place, outside) + np.int32(1))]


def replaced(image: Array, table: Array, out: Array) -> Array:
    """Write to ``out`` what ``table``, C×levels in the image's dtype, has for each value of a whole-number image."""
    flat, target, channels = image.reshape(-1), out.reshape(-1), len(table)
    if image.dtype == np.uint8 and channels == 1 and flat.size > _FEW:
        # Two bytes at a time: a table of all pairs is soon written, and halves the looking up.
        even = flat.size // 2 * 2
        pairs = (table[0].astype(np.uint16)[:, None] << 8) | table[0]
        over_rows(
            _look_up,
            even // 2,
            flat[:even].view(np.uint16),
            1,
            pairs.reshape(1, -1),
            target[:even].view(np.uint16),
            strip=1 << 17,
        )
        target[even:] = table[0][flat[even:]]
        return out
    over_rows(_look_up, flat.size // channels, flat, channels, table, target, strip=1 << 17)
    return out


@kernel
def _look_up(flat, channels, table, out, x0, x1):
    here, there = flat[channels * x0 : channels * x1], out[channels * x0 : channels * x1]
    if channels == 1:
        a = table[0]
        for x in range(here.size):
            there[x] = a[here[x]]
    elif channels == 3:
        a, b, c = table[0], table[1], table[2]
        for x in range(here.size // 3):
            there[3 * x] = a[here[3 * x]]
            there[3 * x + 1] = b[here[3 * x + 1]]
            there[3 * x + 2] = c[here[3 * x + 2]]
    else:
        for x in range(here.size):
            there[x] = table[x % channels, here[x]]
