"""Scan lines: the widths of bars and spaces along straight lines over a picture, and where they may be a code.

An edge lies where the brightness passes the middle between a local maximum and the next minimum, to a part of a pixel:
this finds narrow bars in a blurred picture, which no threshold for a whole neighbourhood does (Joseph & Pavlidis 1994,
"Bar Code Waveform Recognition Using Peak Locations", IEEE PAMI 16(6)).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Float64, UInt8, UInt16

from sightline.core.kernels import kernel, over_rows

EAN13, EAN8, CODE128 = 1, 2, 3
KIND, LINE, BACKWARDS, COUNT, TIMES, HEAD = range(6)  # columns of a row of bars; the positions of its edges follow
_SEGMENT = 32  # samples whose range says how deep a bar must be at least
_ROOM = 64  # candidates of a strip of lines
_LONGEST = 600  # edges of a candidate
_STRIP = 32
_DEPTHS = np.array([0.06, 0.2], np.float32)  # shares of the range: for narrow bars in a blur, and against noise
_FEWEST = 26  # edges of a code
_STEPS = ((0, 1), (1, 0), (1, 1), (1, -1))  # from a pixel to the one beside it, across lines of some direction


@lru_cache(maxsize=64)
def lines_over(shape: tuple[int, int], angle: float, spacing: float) -> Float64[np.ndarray, "lines 5"]:
    """Return parallel lines that cover a picture: first point (x, y), direction (dx, dy), length in pixels.

    Parameters
    ----------
    shape
        Height and width of the picture.
    angle
        Of the lines to the x axis, in radians.
    spacing
        Between neighbouring lines, in pixels.
    """
    height, width = shape
    dx, dy = math.cos(angle), math.sin(angle)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    reach = (abs(dy) * width + abs(dx) * height) / 2
    offsets = np.arange(-reach + spacing / 2, reach, spacing)
    base = middle + offsets[:, None] * np.array([-dy, dx])
    low, high = np.full(len(base), -np.inf), np.full(len(base), np.inf)
    for axis, (step, size) in enumerate(((dx, width), (dy, height))):
        if abs(step) > 1e-9:
            a, b = -base[:, axis] / step, (size - 1 - base[:, axis]) / step
            low, high = np.maximum(low, np.minimum(a, b)), np.minimum(high, np.maximum(a, b))
    keep = high - low > 40  # shorter than any code
    start = base + low[:, None] * np.array([dx, dy])
    direction = np.broadcast_to(np.array([dx, dy]), start.shape)
    return np.concatenate([start, direction, (high - low)[:, None]], axis=1)[keep]


def step_across(angle: float) -> tuple[int, int]:
    """Return the step (x, y) from a pixel to its neighbour that lies most nearly across lines of this angle."""
    aside, down = round(-math.sin(angle)), round(math.cos(angle))
    return (aside, down) if (aside, down) in _STEPS else (-aside, -down)


def sums_across(gray: UInt8[np.ndarray, "h w"], step: tuple[int, int]) -> UInt16[np.ndarray, "h+1 w+1"]:
    """Return the picture summed up with both neighbours of each pixel that lie at ``step`` (x, y) and opposite to it.

    Noise along the bars averages out so. There is one more row and column, so that every pixel has a right and a
    lower neighbour.
    """
    height, width = gray.shape
    sums = np.empty((height + 1, width + 1), np.uint16)
    over_rows(_sum_up, height, gray, *step, sums, strip=128)
    sums[height] = sums[height - 1]
    return sums


def scan(
    sums: UInt16[np.ndarray, "h+1 w+1"], pieces: Float64[np.ndarray, "pieces 5"]
) -> Float32[np.ndarray, "n columns"]:
    """Return what may be a code along lines over a picture, in their order.

    Parameters
    ----------
    sums
        The picture, by :func:`sums_across`.
    pieces
        First point (x, y), direction (dx, dy) and length of each line.

    Returns
    -------
    rows
        Of each candidate its kind (``EAN13``, ``EAN8`` or ``CODE128``), its line, 1 when it is read backwards, its
        number of edges, how many of the depths found it, and the positions of the edges in pixels from the end of the
        line where reading begins; a bar comes first and last.
    """
    found = over_rows(_scan_lines, len(pieces), sums, pieces, _DEPTHS, strip=_STRIP)
    return np.concatenate(found) if len(found) != 1 else found[0]


@kernel
def _sum_up(gray, dx, dy, sums, y0, y1):
    """Write the sums of the rows ``y0`` to ``y1``; beyond the border lies what lies at it."""
    height, width = gray.shape
    for y in range(y0, y1):
        before, row, after = gray[min(max(y - dy, 0), height - 1)], gray[y], gray[min(max(y + dy, 0), height - 1)]
        to = sums[y]
        inner = max(width - 2, 0)
        left, middle, right = before[1 - dx :][:inner], row[1:][:inner], after[1 + dx :][:inner]
        between = to[1:][:inner]
        for x in range(inner):
            between[x] = np.uint16(left[x]) + np.uint16(middle[x]) + np.uint16(right[x])
        for x in (0, width - 1):
            to[x] = np.uint16(before[max(x - dx, 0)]) + np.uint16(row[x]) + np.uint16(after[min(x + dx, width - 1)])
        to[width] = to[width - 1]


@kernel
def _scan_lines(sums, lines, depths, y0, y1):
    """Return the candidates on lines ``y0`` to ``y1``."""
    found = np.empty((_ROOM, HEAD + _LONGEST), np.float32)
    count = np.int64(0)
    longest = 0
    for k in range(y0, y1):
        longest = max(longest, np.int64(lines[k, 4]) + 1)
    flat, places = sums.reshape(-1), np.empty(longest, np.uint32)
    right, below = np.empty(longest, np.float32), np.empty(longest, np.float32)
    ranges = np.empty(longest // _SEGMENT + 1, np.float32)
    profile, edges, back = np.empty(longest, np.float32), np.empty(longest + 3), np.empty(longest + 3)
    for k in range(y0, y1):
        samples = _sample(flat, sums.shape[1], lines[k], places, right, below, profile)
        length = lines[k, 4]
        _ranges(profile[:samples], ranges)
        before, first = 0, count
        for depth in depths:
            edge_count = _edges(profile[:samples], ranges, depth, edges)
            if edge_count == before:  # the same edges
                for i in range(first, count):
                    found[i, TIMES] += 1
                break
            if edge_count < _FEWEST:
                break  # there are no more of them where they must be deeper
            before = edge_count
            for i in range(edge_count):
                back[i] = length - edges[edge_count - 1 - i]
            for backwards in range(2):
                ordered = back if backwards == 1 else edges
                count = _candidates(ordered[:edge_count], k, backwards, found, count)
    return found[:count]


@kernel
def _sample(flat, step, line, places, right, below, profile):
    """Write the brightness along a line, bilinear, from rows of ``step`` pixels; return the number of samples."""
    count = np.int64(line[4]) + 1
    x, y = np.float32(line[0]), np.float32(line[1])
    dx, dy = np.float32(line[2]), np.float32(line[3])
    for i in range(count):  # where to look, and how far right of and below it
        px = max(x + np.float32(i) * dx, np.float32(0))
        py = max(y + np.float32(i) * dy, np.float32(0))
        column, row = np.uint32(px), np.uint32(py)
        places[i] = row * np.uint32(step) + column
        right[i], below[i] = px - np.float32(column), py - np.float32(row)
    for i in range(count):
        at = places[i]
        a, b = np.float32(flat[at]), np.float32(flat[at + np.uint32(1)])
        c, d = np.float32(flat[at + np.uint32(step)]), np.float32(flat[at + np.uint32(step + 1)])
        above = a + (b - a) * right[i]
        profile[i] = above + (c + (d - c) * right[i] - above) * below[i]
    return count


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
def _edges(profile, ranges, share, edges):
    """Write where the profile passes between its extrema, into the dark first; return the number of edges.

    An extremum counts when it stands out by ``share`` of the range of the brightness nearby. A bar that the picture's
    border cuts begins or ends there.
    """
    n = profile.size
    count = 0
    low = high = profile[0]  # since the last extremum
    low_at = high_at = np.int64(0)
    rising = 0  # 0 until the first extremum is known
    depth = np.float32(0)
    for i in range(n):
        if i % _SEGMENT == 0:
            depth = max(np.float32(18), share * ranges[i // _SEGMENT])  # of sums of three
        value = profile[i]
        if value < low:
            low, low_at = value, i
        if value > high:
            high, high_at = value, i
        if rising >= 0 and value < high - depth:  # a maximum lies behind
            if rising == 1:
                if count == 0:
                    edges[0] = -0.5
                    count = 1
                edges[count] = _crossing(profile, low_at, high_at, (low + high) / 2)
                count += 1
            low, low_at, rising = value, i, -1
        elif rising <= 0 and value > low + depth:
            if rising == -1:
                edges[count] = _crossing(profile, high_at, low_at, (low + high) / 2)
                count += 1
            high, high_at, rising = value, i, 1
    if rising == 1:
        if count == 0:
            edges[0] = -0.5
            count = 1
        edges[count] = _crossing(profile, low_at, n - 1, (low + high) / 2)
        return count + 1
    if rising == -1:
        edges[count] = _crossing(profile, high_at, n - 1, (low + high) / 2)
        edges[count + 1] = n - 0.5
        return count + 2
    return 0


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
        for kind in range(EAN13, CODE128 + 1):
            stop = 0
            if kind == CODE128:
                stop = _code128_end(edges, i)
            elif _is_ean(edges, i, 6 if kind == EAN13 else 4):
                stop = i + (59 if kind == EAN13 else 43)
            if stop == 0 or stop - i >= _LONGEST or count >= found.shape[0]:
                continue
            module = (edges[stop] - edges[i]) / (95 if kind == EAN13 else 67)
            if kind == CODE128:
                module = (edges[stop] - edges[i]) / (11 * ((stop - i - 7) // 6) + 13)
            beyond = (edges[stop + 1] if stop + 1 < n else 1e6) - edges[stop]
            if quiet > 2.5 * module and beyond > 2.5 * module:
                row = found[count]
                row[KIND], row[LINE], row[BACKWARDS], row[COUNT], row[TIMES] = kind, line, backwards, stop - i + 1, 1
                for j in range(i, stop + 1):
                    row[HEAD + j - i] = edges[j]
                count += 1
    return count


@kernel
def _is_ean(edges, i, digits):
    """Return whether the edges from ``i`` on have the rhythm of an EAN code with two halves of ``digits`` digits."""
    runs = 8 * digits + 11
    if i + runs >= edges.size:
        return False
    module = (edges[i + runs] - edges[i]) / (14 * digits + 11)
    if module < 0.7:
        return False
    at = i
    for part in range(2 * digits + 3):
        guard = part == 0 or part == digits + 1 or part == 2 * digits + 2
        middle = part == digits + 1
        width = 5 if middle else 3 if guard else 4  # in runs
        modules = 5 if middle else 3 if guard else 7
        if abs(edges[at + width] - edges[at] - modules * module) > (0.35 * modules + 0.3) * module:
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
