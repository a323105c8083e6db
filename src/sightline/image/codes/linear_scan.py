"""Scan lines: the widths of bars and spaces along straight lines over a picture, and where they may be a code.

An edge lies where the brightness passes the middle between a local maximum and the next minimum, to a part of a pixel:
this finds narrow bars in a blurred picture, which no threshold for a whole neighbourhood does (Joseph & Pavlidis 1994,
"Bar Code Waveform Recognition Using Peak Locations", IEEE PAMI 16(6)).
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from sightline.core.gathers import fetch_two
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import prefetch
from sightline.core.vectors import LANES, load, store
from sightline.image.codes.linear_regions import ANGLES

EAN13, EAN8, CODE128, UPCE = 1, 2, 3, 4
KIND, LINE, BACKWARDS, COUNT, TIMES, HEAD = range(6)  # columns of a row of bars; the positions of its edges follow
_SEGMENT = 32  # samples whose range says how deep a bar must be at least
_ROOM = 128  # candidates of a strip of lines
_LONGEST = 600  # edges of a candidate
_STRIP = 64
_DEPTHS = np.array([0.06, 0.2], np.float32)  # shares of the range: for narrow bars in a blur, and against noise
_FLAT = np.float32(18)  # what sums of three pixels change by where there is nothing
_FEWEST = 25  # extrema of a code
_STEPS = ((0, 1), (1, 0), (1, -1), (1, 1))  # from a pixel to the one beside it, in the order of the angles


def _step_across(angle: float) -> int:
    """Return the step from a pixel to its neighbour that lies most nearly across lines of this angle."""
    aside, down = round(-math.sin(angle)), round(math.cos(angle))
    return _STEPS.index((aside, down) if (aside, down) in _STEPS else (-aside, -down))


_STEP_OF = np.array([_step_across(angle) for angle in ANGLES])


def framed(gray: UInt8[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h+3 w+3"]:
    """Return a picture with what lies at its border repeated beyond it, once before and twice behind."""
    return np.pad(gray, (1, 2), mode="edge")


def scan(
    picture: UInt8[np.ndarray, "h+3 w+3"], pieces: Float64[np.ndarray, "pieces 5"], turns: Int64[np.ndarray, " pieces"]
) -> Float32[np.ndarray, "n columns"]:
    """Return what may be a code along lines over a picture, in their order.

    Parameters
    ----------
    picture
        By :func:`framed`.
    pieces
        First point (x, y), direction (dx, dy) and length of each line.
    turns
        Of each, the place of its angle in :data:`~sightline.image.codes.linear_regions.ANGLES`; ascending.

    Returns
    -------
    rows
        Of each candidate its kind (``EAN13``, ``EAN8``, ``CODE128`` or ``UPCE``), its line, 1 when it is read
        backwards, its number of edges, how many of the depths found it, and the positions of the edges in pixels from
        the end of the line where reading begins; a bar comes first and last.
    """
    found = []
    ends = np.searchsorted(_STEP_OF[turns], range(len(_STEPS) + 1)).tolist()
    for (dx, dy), (first, end) in zip(_STEPS, pairwise(ends), strict=True):
        if first < end:
            across = abs(dy * picture.shape[1] + dx)
            lines = picture, across, pieces[first:end], first
            found += [rows for rows in over_rows(_scan_lines, end - first, *lines, _DEPTHS, strip=_STRIP) if len(rows)]
    if not found:
        return np.empty((0, HEAD), np.float32)
    longest = max(int(rows[:, COUNT].max()) for rows in found)
    return np.concatenate([rows[:, : HEAD + longest] for rows in found])


@kernel
def _scan_lines(picture, across, lines, before, depths, y0, y1):
    """Return the candidates on lines ``y0`` to ``y1``, which come after so many others."""
    found = np.empty((_ROOM, HEAD + _LONGEST), np.float32)
    count = np.int64(0)
    longest = 0
    for k in range(y0, y1):
        longest = max(longest, np.int64(lines[k, 4]) + 1)
    room = longest + LANES  # eight samples at once
    offsets, right, below = np.empty(room, np.uint32), np.empty(room, np.float32), np.empty(room, np.float32)
    ranges = np.empty(longest // _SEGMENT + 1, np.float32)
    profile, edges, back = np.empty(room, np.float32), np.empty(longest + 3), np.empty(longest + 3)
    values, least, places = np.empty(longest, np.float32), np.empty(longest, np.float32), np.empty(longest, np.int32)
    chosen = np.empty(longest, np.int32)
    for k in range(y0, y1):
        samples = _sample(picture, across, lines[k], offsets, right, below, profile)
        length = lines[k, 4]
        _ranges(profile[:samples], ranges)
        for i in range(samples):
            least[i] = max(_FLAT, depths[0] * ranges[i // _SEGMENT])
        extrema = _extrema(profile[:samples], least, places)
        known, first = 0, count
        for turn in range(depths.size):
            if extrema == known:  # the same edges
                for i in range(first, count):
                    found[i, TIMES] += 1
                continue
            if extrema < _FEWEST:
                break  # there are no more of them where they must be deeper
            known = extrema
            edge_count = _edges(profile[:samples], places[:extrema], edges)
            for i in range(edge_count):
                back[i] = length - edges[edge_count - 1 - i]
            for backwards in range(2):
                ordered = back if backwards == 1 else edges
                count = _candidates(ordered[:edge_count], before + k, backwards, found, count)
            if turn + 1 < depths.size:  # deeper ones are among these
                for i in range(extrema):
                    values[i] = profile[places[i]]
                    least[i] = max(_FLAT, depths[turn + 1] * ranges[places[i] // _SEGMENT])
                extrema = _extrema(values[:extrema], least, chosen)
                for i in range(extrema):
                    places[i] = places[chosen[i]]
    return found[:count]


@kernel
def _sample(picture, across, line, places, right, below, profile):
    """Write the brightness along a line, bilinear, of sums of three pixels; return the number of samples.

    Each pixel is summed up with those ``across`` before and behind it: noise along the bars averages out so. Eight
    samples are written at once, for which arrays have room.
    """
    count, (height, width) = np.int64(line[4]) + 1, picture.shape
    x, y = np.float32(line[0]), np.float32(line[1])
    dx, dy = np.float32(line[2]), np.float32(line[3])
    last_column, last_row, zero = np.uint32(width - 4), np.uint32(height - 4), np.float32(0)
    for i in range(count):  # where to look, and how far right of and below it, where there is anything
        px = max(x + np.float32(i) * dx, zero)
        py = max(y + np.float32(i) * dy, zero)
        column, row = np.uint32(px), np.uint32(py)
        places[i] = (row + np.uint32(1)) * np.uint32(width) + column + np.uint32(1)
        right[i] = px - np.float32(column) if column < last_column else zero
        below[i] = py - np.float32(row) if row < last_row else zero
    flat = picture.reshape(-1)
    for i in range(count):  # upright lines meet a row of their own at each sample
        prefetch(flat, places[i])
    for i in range(count, -(-count // LANES) * LANES):
        places[i] = places[0]
    for i in range(0, count, LANES):
        (a, b), (c, d) = _threes(flat, 0, across, places, i), _threes(flat, width, across, places, i)
        beside, under = load(right, i), load(below, i)
        above = a + (b - a) * beside
        store(above + (c + (d - c) * beside - above) * under, profile, i)
    return count


@kernel(inline=True)
def _threes(flat, start, across, places, i):
    """Return the sums of three pixels at eight places, and those of their neighbours on the right."""
    a, b = fetch_two(flat, start - across, places, i)
    c, d = fetch_two(flat, start, places, i)
    e, f = fetch_two(flat, start + across, places, i)
    return a + c + e, b + d + f


@kernel
def _ranges(profile, ranges):
    """Write how much the brightness varies around each segment: in it and in both neighbours."""
    n = profile.size
    count = (n - 1) // _SEGMENT + 1
    least, most = np.empty(count, np.float32), np.empty(count, np.float32)
    for k in range(count):
        a = b = profile[k * _SEGMENT]
        for i in range(k * _SEGMENT, min((k + 1) * _SEGMENT, n)):
            a, b = min(a, profile[i]), max(b, profile[i])
        least[k], most[k] = a, b
    for k in range(count):
        j, m = max(k - 1, 0), min(k + 1, count - 1)
        ranges[k] = max(most[j], max(most[k], most[m])) - min(least[j], min(least[k], least[m]))


@kernel
def _extrema(values, depths, places):
    """Write where the values have a maximum or a minimum in turn; return how many, 0 when they never change enough.

    An extremum counts when the values come back from it by the depth at a place. The last one is as far as they came.
    """
    n = values.size
    low = high = values[0]
    low_at = high_at = 0
    i, rising = 1, 0
    while i < n and rising == 0:
        value = values[i]
        if value < low:
            low, low_at = value, i
        if value > high:
            high, high_at = value, i
        if value < high - depths[i]:
            places[0], low, low_at, rising = high_at, value, i, -1
        elif value > low + depths[i]:
            places[0], high, high_at, rising = low_at, value, i, 1
        i += 1
    if rising == 0:
        return 0
    count = 1
    while i < n:
        if rising == 1:
            while i < n and values[i] >= high - depths[i]:
                if values[i] > high:
                    high, high_at = values[i], i
                i += 1
            places[count] = high_at
            low, low_at = values[min(i, n - 1)], i
        else:
            while i < n and values[i] <= low + depths[i]:
                if values[i] < low:
                    low, low_at = values[i], i
                i += 1
            places[count] = low_at
            high, high_at = values[min(i, n - 1)], i
        count += 1
        if i == n:
            return count
        rising = -rising
        i += 1
    places[count] = high_at if rising == 1 else low_at
    return count + 1


@kernel
def _edges(profile, places, edges):
    """Write where the profile passes between its extrema, into the dark first; return the number of edges.

    A bar that the picture's border cuts begins or ends there.
    """
    count, last = 0, places.size - 1
    if profile[places[0]] < profile[places[1]]:
        edges[0] = -0.5
        count = 1
    for i in range(last):
        level = (profile[places[i]] + profile[places[i + 1]]) / 2
        edges[count] = _crossing(profile, places[i], places[i + 1], level)
        count += 1
    if profile[places[last]] < profile[places[last - 1]]:
        edges[count] = profile.size - 0.5
        count += 1
    return count


@kernel
def _crossing(profile, start, stop, level):
    """Return where the profile first passes ``level`` between two samples."""
    above = profile[start] > level
    for i in range(start + 1, stop + 1):
        if (profile[i] > level) != above:
            a, b = profile[i - 1], profile[i]
            return i - 1 + (level - a) / (b - a)
    return np.float64(stop)


@kernel
def _candidates(edges, line, backwards, found, count):
    """Add the codes that may begin at an edge to ``found``; it becomes dark at the edges of even index."""
    n = edges.size
    for i in range(0, n - 24, 2):
        quiet = edges[i] - (edges[i - 1] if i > 0 else -1e3)
        if quiet < 0.5 * (edges[i + 3] - edges[i]):  # three or four modules, behind at least three that are free
            continue
        for kind in range(EAN13, UPCE + 1):
            stop = 0
            if kind == CODE128:
                stop = _code128_end(edges, i)
            elif kind == UPCE:
                stop = i + 33 if _is_retail(edges, i, 6, 0) else 0
            elif _is_retail(edges, i, 6 if kind == EAN13 else 4, 6 if kind == EAN13 else 4):
                stop = i + (59 if kind == EAN13 else 43)
            if stop == 0 or stop - i >= _LONGEST or count >= found.shape[0]:
                continue
            module = (edges[stop] - edges[i]) / (95 if kind == EAN13 else 67 if kind == EAN8 else 51)
            if kind == CODE128:
                module = (edges[stop] - edges[i]) / (11 * ((stop - i - 7) // 6) + 13)
            beyond = (edges[stop + 1] if stop + 1 < n else 1e6) - edges[stop]
            # The left half of an EAN-13 can look like a UPC-E, but no space in a code is wider than four modules.
            free = (5.0 if kind == UPCE else 2.5) * module
            if quiet > free and beyond > free:
                row = found[count]
                row[KIND], row[LINE], row[BACKWARDS], row[COUNT], row[TIMES] = kind, line, backwards, stop - i + 1, 1
                for j in range(i, stop + 1):
                    row[HEAD + j - i] = edges[j]
                count += 1
    return count


@kernel
def _is_retail(edges, i, left, right):
    """Return whether the edges from ``i`` on have the rhythm of a code with digits left and right of a middle guard.

    With none on the right it is a UPC-E, whose second guard is the last; as it is short, it must keep closer to it.
    """
    guards, middle_width, slack = (11, 5, 0.35) if right > 0 else (9, 6, 0.2)
    digits = left + right
    runs = 4 * digits + guards
    if i + runs >= edges.size:
        return False
    module = (edges[i + runs] - edges[i]) / (7 * digits + guards)
    if module < 0.7:
        return False
    at = i
    for part in range(digits + (3 if right > 0 else 2)):
        guard = part == 0 or part == left + 1 or part == digits + 2
        middle = part == left + 1
        width = middle_width if middle else 3 if guard else 4  # in runs
        modules = width if guard else 7
        if abs(edges[at + width] - edges[at] - modules * module) > (slack * modules + 0.3) * module:
            return False
        if guard:
            for j in range(at, at + width):
                if edges[j + 1] - edges[j] > 2.3 * module:
                    return False
        at += width
    return True


@kernel
def _code128_end(edges, i):
    """Return the index of the last edge of the Code 128 that begins at edge ``i``; 0 when none does."""
    n = edges.size
    if i + 25 >= n:
        return 0
    module = (edges[i + 6] - edges[i]) / 11
    # Every start character begins 2 1 1; in edges of one kind, which ink spread does not move, that is 3 and 2.
    one, two = edges[i + 2] - edges[i], edges[i + 3] - edges[i + 1]
    if module < 0.7 or abs(one - 3 * module) > 0.8 * module or abs(two - 2 * module) > 0.8 * module:
        return 0
    at, last = i, 11 * module
    while at + 7 < n:
        width = edges[at + 6] - edges[at]
        if abs(width - last) > 0.2 * last:
            return 0
        last = width
        module = width / 11
        # The stop: 2 3 3 1 1 1 2.
        a, b, c = edges[at + 2] - edges[at], edges[at + 3] - edges[at + 1], edges[at + 4] - edges[at + 2]
        d, e = edges[at + 5] - edges[at + 3], edges[at + 7] - edges[at + 5]
        off = max(max(abs(a - 5 * module), abs(b - 6 * module)), abs(c - 4 * module))
        off = max(off, max(abs(d - 2 * module), abs(e - 3 * module)))
        if off < 0.8 * module and at - i >= 18:
            return at + 7
        at += 6
    return 0
