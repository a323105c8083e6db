"""The runs of equal labels in a label map, and what each region's runs add up to: all that its pixels need be read for.

He, Chao & Suzuki 2008, "A Run-Based Two-Scan Labeling Algorithm", IEEE TIP 17(5), whose runs these are; Benkrid &
Crookes 2000, "Design and FPGA Implementation of a Perimeter Estimator", IMVIP, whose weights of border pixels count.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.bits import trailing_zeros

_STRIP = 64
_AT_ONCE = 1 << 16  # runs whose sums are kept before they are added to those of their regions


@dataclass(frozen=True, eq=False)
class Runs:
    """The runs of all regions, one region after the other, and sums over each region.

    Parameters
    ----------
    labels
        K int32, the labels ≥ 1 that occur, in rising order.
    bounds
        N×3 int32: the row of a run, where it begins, and where it ends (not with it); in the order of a scan.
    firsts
        K + 1 int64: region k has the runs ``firsts[k]`` up to, not with, ``firsts[k + 1]``.
    edges
        K×3 int64: border pixels that count as 1, as √2 and as (1 + √2) / 2 in the perimeter.
    light
        K×5 float64: sums of the image's value v, of v · x and v · y, its least and largest; without an image, zeros.
    """

    labels: Array
    bounds: Array
    firsts: Array
    edges: Array
    light: Array

    def part(self, first: int, end: int) -> Runs:
        """Return regions ``first`` up to, not with, ``end``; the runs stay where they are."""
        some = slice(first, end)
        return Runs(self.labels[some], self.bounds, self.firsts[first : end + 1], self.edges[some], self.light[some])


def runs_of_regions(labels: Array, image: Array | None) -> Runs:
    """Return the runs of a contiguous H×W int32 map, with sums of a contiguous image of its shape, of any dtype."""
    height = len(labels)
    starts = np.zeros(height + 1, np.int64)
    over_rows(_count, height, labels, starts, strip=_STRIP)
    np.cumsum(starts, out=starts)
    found = np.empty((int(starts[-1]), 4), np.int32)
    over_rows(_find, height, labels, starts, found, strip=_STRIP)
    present, keys, counts = _regions_among(found, labels.size)
    firsts = np.concatenate([[0], np.cumsum(counts)])
    bounds, sums = np.empty((len(found), 3), np.int32), np.zeros((len(counts), 3), np.int64)
    lights = np.zeros((len(counts), 5))
    lights[:, 3:] = np.inf, -np.inf
    places, y0 = firsts[:-1].copy(), 0
    while y0 < height:  # what single runs add up to is put to their regions before there is much of it
        y1 = max(y0 + 1, int(np.searchsorted(starts, starts[y0] + _AT_ONCE, "right")) - 1)
        some = found[starts[y0] : starts[y1]]
        _gather(some, keys, places, *_weighed(labels, image, starts, some, y0, y1), bounds, sums, lights)
        y0 = y1
    return Runs(present, bounds, firsts, sums, lights)


def _weighed(labels: Array, image: Array | None, starts: Array, found: Array, y0: int, y1: int) -> tuple[Array, Array]:
    """Return border pixels by their weight, and sums of the image, of each of the runs in rows y0 to y1."""
    edges, light = np.empty((len(found), 3), np.int32), np.zeros((len(found), 4))
    over_rows(_weigh, y1 - y0, labels, starts, y0, found, edges, strip=_STRIP)
    if image is not None:  # whole numbers are summed up in any order, many at once
        number = np.float64 if image.dtype == np.float32 else np.int64
        over_rows(_add_up, y1 - y0, image, starts, y0, found, number, light, strip=_STRIP)
    return edges, light


def _regions_among(found: Array, most: int) -> tuple[Array, Array, Array]:
    """Return the labels of runs in rising order, the place of each by its number in ``found``, and its runs.

    Labels that are ``most`` times as many or more are replaced there by their places.
    """
    numbers = found[:, 0]
    if len(found) and numbers.max() > most:  # too sparse to count in a table
        present, numbers[:] = np.unique(numbers, return_inverse=True)
        counts = np.zeros(len(present), np.int64)
        _tally(found, counts)
        return present, np.arange(len(present), dtype=np.int32), counts
    counts = np.zeros(int(numbers.max(initial=0)) + 1, np.int64)
    _tally(found, counts)
    present = np.flatnonzero(counts)
    return present.astype(np.int32), np.cumsum(counts > 0, dtype=np.int32) - np.int32(1), counts[present]


@kernel
def _tally(found, counts):
    for k in range(len(found)):
        counts[found[k, 0]] += 1


@kernel
def _count(labels, starts, y0, y1):
    """Write how many runs of labels ≥ 1 row y has to ``starts[y + 1]``."""
    for y in range(y0, y1):
        left, here = labels[y, :-1], labels[y, 1:]
        zero, total = np.int32(0), np.int32(labels[y, 0] > 0)
        for x in range(here.size):
            total += np.int32(1) if (here[x] != left[x]) & (here[x] > zero) else zero
        starts[y + 1] = total


@kernel
def _find(labels, starts, found, y0, y1):
    """Write label, row, begin and end of each run: only where a pixel differs from the one on its left."""
    width = labels.shape[1]
    line = np.zeros(width // 8 * 8 + 8, np.uint8)
    words = line.view(np.uint64)
    for y in range(y0, y1):
        row, k, started = labels[y], starts[y], -1
        inner, left, here = line[1:width], row[:-1], row[1:]
        line[0] = 1
        for x in range(here.size):
            inner[x] = here[x] != left[x]
        for i in range(words.size):
            word = words[i]
            while word != 0:
                x = 8 * i + np.int64(trailing_zeros(word) >> np.uint64(3))
                word &= word - np.uint64(1)
                if started >= 0:
                    found[k, 3] = x
                    k += 1
                started = -1
                if row[x] > 0:
                    found[k, 0], found[k, 1], found[k, 2], started = row[x], y, x, x
        if started >= 0:
            found[k, 3] = width


@kernel
def _weigh(labels, starts, first, found, edges, y0, y1):
    """Count the border pixels of each run by their weight, from how they continue among the eight neighbours.

    Rows are those from ``first`` on, whose runs are ``found``.

    A border pixel has a neighbour above, below, left or right of another label. ``rings`` keeps its label in three
    rows and 0 elsewhere; a neighbour on the border counts 2, one at a corner 10.
    """
    height, width = labels.shape
    y0, y1, before = first + y0, first + y1, starts[first]
    rings = np.zeros((3, width + 2), np.int32)
    kinds = np.empty(width, np.uint8)
    if y0 > 0:
        _ring(labels, y0 - 1, rings[(y0 - 1) % 3])
    _ring(labels, y0, rings[y0 % 3])
    for y in range(y0, y1):
        if y + 1 < height:
            _ring(labels, y + 1, rings[(y + 1) % 3])
        else:
            rings[(y + 1) % 3, :] = 0
        _kinds(rings[(y + 2) % 3], rings[y % 3], rings[(y + 1) % 3], kinds)
        for k in range(starts[y] - before, starts[y + 1] - before):
            run = kinds[found[k, 2] : found[k, 3]]
            straight, across, between = np.int32(0), np.int32(0), np.int32(0)
            for x in range(run.size):
                straight += np.int32(run[x] == 1)
                across += np.int32(run[x] == 2)
                between += np.int32(run[x] == 3)
            edges[k, 0], edges[k, 1], edges[k, 2] = straight, across, between


@kernel
def _ring(labels, y, ring):
    """Write the labels of the border pixels of row ``y``, 0 for all other pixels."""
    height, width = labels.shape
    here, inner = labels[y], ring[1 : width + 1]
    if y == 0 or y == height - 1 or width < 3:
        inner[:] = here
        return
    above, below = labels[y - 1], labels[y + 1]
    left, middle, right = here[:-2], here[1:-1], here[2:]
    a, b, out = above[1:-1], below[1:-1], ring[2:width]
    for x in range(out.size):
        m = middle[x]
        other = (left[x] ^ m) | (right[x] ^ m) | (a[x] ^ m) | (b[x] ^ m)
        out[x] = m if other != 0 else np.int32(0)
    inner[0], inner[width - 1] = here[0], here[width - 1]


@kernel
def _kinds(above, here, below, kinds):
    """Write 1, 2 or 3 for the pixels that count as 1, √2 and (1 + √2) / 2; 0 for all others."""
    n = kinds.size
    a, b, c = above[0:n], above[1 : n + 1], above[2 : n + 2]
    d, e, f = here[0:n], here[1 : n + 1], here[2 : n + 2]
    g, h, i = below[0:n], below[1 : n + 1], below[2 : n + 2]
    one, zero = np.uint8(1), np.uint8(0)
    for x in range(n):
        m = e[x]
        sides = np.uint8(b[x] == m) + np.uint8(d[x] == m) + np.uint8(f[x] == m) + np.uint8(h[x] == m)
        corners = np.uint8(a[x] == m) + np.uint8(c[x] == m) + np.uint8(g[x] == m) + np.uint8(i[x] == m)
        code = np.uint8(np.uint8(2 * np.uint8(sides)) + np.uint8(10 * np.uint8(corners)))
        straight = (code == 4) | (code == 6) | (code == 14) | (code == 16) | (code == 24) | (code == 26)
        kind = one if straight else zero
        kind = np.uint8(2) if (code == 20) | (code == 32) else kind
        kind = np.uint8(3) if (code == 12) | (code == 22) else kind
        kinds[x] = kind if m > 0 else zero


@kernel
def _add_up(image, starts, first, found, number, light, y0, y1):
    """Write Σ v, Σ v · (x - begin), the least and the largest value of each run of the rows from ``first`` on."""
    for y in range(first + y0, first + y1):
        for k in range(starts[y] - starts[first], starts[y + 1] - starts[first]):
            values = image[y, found[k, 2] : found[k, 3]]
            mass, moment = number(0), number(0)
            least, most = values[0], values[0]
            for x in range(values.size):
                v = values[x]
                mass += number(v)
                moment += number(v) * number(x)
                least, most = min(least, v), max(most, v)
            light[k, 0], light[k, 1], light[k, 2], light[k, 3] = mass, moment, least, most


@kernel
def _gather(found, keys, places, edges, light, bounds, sums, lights):
    """Put runs to the others of their regions, whose place is in ``keys``, and add up what they know."""
    for k in range(len(found)):
        key = keys[found[k, 0]]
        to = places[key]
        places[key] += 1
        for j in range(3):
            bounds[to, j] = found[k, j + 1]
            sums[key, j] += edges[k, j]
        mass = light[k, 0]
        lights[key, 0] += mass
        lights[key, 1] += light[k, 1] + mass * found[k, 2]
        lights[key, 2] += mass * found[k, 1]
        lights[key, 3] = min(lights[key, 3], light[k, 2])
        lights[key, 4] = max(lights[key, 4], light[k, 3])
