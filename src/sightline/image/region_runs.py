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


def runs_of_regions(labels: Array, image: Array | None) -> Runs:
    """Return the runs of a contiguous H×W int32 map, with sums of a contiguous float32 image of its shape."""
    height = len(labels)
    starts = np.zeros(height + 1, np.int64)
    over_rows(_count, height, labels, starts, strip=_STRIP)
    np.cumsum(starts, out=starts)
    found, edges = np.empty((int(starts[-1]), 4), np.int32), np.empty((int(starts[-1]), 3), np.int32)
    over_rows(_find, height, labels, starts, found, strip=_STRIP)
    over_rows(_weigh, height, labels, starts, found, edges, strip=_STRIP)
    light = np.zeros((len(found), 4))
    if image is not None:
        over_rows(_add_up, height, image, starts, found, light, strip=_STRIP)
    numbers = found[:, 0]
    if len(found) and numbers.max() > labels.size:  # too sparse to count in a table
        present, keys = np.unique(numbers, return_inverse=True)
        counts = np.bincount(keys)
    else:
        counts = np.bincount(numbers)
        present = np.flatnonzero(counts)
        keys = (np.cumsum(counts > 0) - 1)[numbers]
        counts = counts[present]
    firsts = np.concatenate([[0], np.cumsum(counts)])
    bounds, sums = np.empty((len(found), 3), np.int32), np.zeros((len(counts), 3), np.int64)
    lights = np.zeros((len(counts), 5))
    lights[:, 3:] = np.inf, -np.inf
    _gather(found, keys.astype(np.int64, copy=False), firsts[:-1].copy(), edges, light, bounds, sums, lights)
    return Runs(present.astype(np.int32), bounds, firsts, sums, lights)


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
def _weigh(labels, starts, found, edges, y0, y1):
    """Count the border pixels of each run by their weight, from how they continue among the eight neighbours.

    A border pixel has a neighbour above, below, left or right of another label. ``rings`` keeps its label in three
    rows and 0 elsewhere; a neighbour on the border counts 2, one at a corner 10.
    """
    height, width = labels.shape
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
        for k in range(starts[y], starts[y + 1]):
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
def _add_up(image, starts, found, light, y0, y1):
    """Write Σ v, Σ v · (x - begin), the least and the largest value of each run."""
    for y in range(y0, y1):
        for k in range(starts[y], starts[y + 1]):
            values = image[y, found[k, 2] : found[k, 3]]
            mass, moment = 0.0, 0.0
            least, most = values[0], values[0]
            for x in range(values.size):
                v = values[x]
                mass += v
                moment += np.float64(v) * x
                least, most = min(least, v), max(most, v)
            light[k, 0], light[k, 1], light[k, 2], light[k, 3] = mass, moment, least, most


@kernel
def _gather(found, keys, places, edges, light, bounds, sums, lights):
    """Put the runs in the order of their regions and add up what they know."""
    for k in range(keys.size):
        key = keys[k]
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
