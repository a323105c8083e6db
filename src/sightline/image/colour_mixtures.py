"""Colours of a foreground and a background as mixtures of Gaussians, as GrabCut learns them.

Rother, Kolmogorov & Blake 2004, "GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts", ACM TOG 23(3),
section 3.2: each pixel belongs to one Gaussian of its side, the likeliest.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.kmeans_segment import clusters

_STRIP, _BLOCK = 1 << 14, 512  # pixels that are shared out; those rated together


def first_models(colours: Array, trimap: Array, components: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Return the models of background and foreground (see :func:`_learn`) with a Gaussian for each cluster."""
    sides = np.empty_like(colours)
    back = _gather(colours, trimap, sides)
    models = []
    for mine in (sides[:back], sides[back:]):
        table = np.zeros((components, 10))
        _add_groups(mine, clusters(mine, components, random, 10), table)
        models.append(_learn(table))
    return models[0], models[1]


def learnt(colours: Array, trimap: Array, models: tuple[Array, Array]) -> tuple[Array, Array]:
    """Assign each pixel the likeliest Gaussian of its side, and learn background and foreground anew."""
    tables = np.sum(over_rows(_add_up, len(colours), colours, trimap, *models, strip=_STRIP), axis=0)
    return _learn(tables[0]), _learn(tables[1])


def evidence_of(models: tuple[Array, Array], levels: Array) -> Array:
    """Return how much better each pixel of rows, R×W×3, fits the foreground: the logs of the densities differ by it."""
    evidence = empty(levels.shape[:2], np.float32)
    colours = np.ascontiguousarray(levels).reshape(-1, 3)
    over_rows(_rate, len(colours), colours, *models, evidence.reshape(-1), strip=_STRIP)
    return evidence


def _learn(table: Array) -> Array:
    """Return K×11 float32 of the Gaussians: log of weight and norm, 3 means, 6 of the inverse covariance.

    Of each, ``table`` holds the number of pixels, the sums of their colours and those of their products, K×10. These
    are in the order of the inverse covariance, whose diagonal comes first (xx, yy, zz, xy, xz, yz), so that
    −½ (c − μ)ᵀ Σ⁻¹ (c − μ) is a sum of six products.
    """
    counts, sums, products = table[:, 0], table[:, 1:4], table[:, 4:]
    rows = np.zeros((len(counts), 11), np.float32)
    rows[:, 0] = -np.inf
    pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    for k in np.flatnonzero(counts):
        mean = sums[k] / counts[k]
        covariance = np.empty((3, 3))
        for (a, b), product in zip(pairs, products[k], strict=True):
            covariance[a, b] = covariance[b, a] = product / counts[k] - mean[a] * mean[b]
        if np.linalg.det(covariance) < 1e-6:
            covariance += 0.01 * np.eye(3)  # of one colour, or of colours on a line
        inverse = np.linalg.inv(covariance)
        rows[k, 0] = np.log(counts[k] / counts.sum()) - 0.5 * np.log(max(np.linalg.det(covariance), 1e-12))
        rows[k, 1:4] = mean
        rows[k, 4:] = [-0.5 * inverse[a, b] * (1 if a == b else 2) for a, b in pairs] + [0.0]
    return rows


@kernel
def _gather(colours, trimap, sides):
    """Write the colours of the background and then those of the foreground; return where these begin."""
    back = 0
    for i in range(trimap.size):
        back += 1 - (trimap[i] & 1)
    first, second = 0, back
    for i in range(trimap.size):
        front = trimap[i] & 1
        at = second if front else first
        for c in range(3):
            sides[at, c] = colours[i, c]
        first, second = first + 1 - front, second + front
    return back


@kernel(inline=True)
def _add_colour(row, r, g, b):
    row[0] += 1
    row[1], row[2], row[3] = row[1] + r, row[2] + g, row[3] + b
    row[4], row[5], row[6] = row[4] + r * r, row[5] + g * g, row[6] + b * b
    row[7], row[8], row[9] = row[7] + r * g, row[8] + r * b, row[9] + g * b


@kernel
def _add_groups(colours, groups, table):
    """Add up the colours of each group, and their products."""
    for i in range(groups.size):
        r, g, b = np.float32(colours[i, 0]), np.float32(colours[i, 1]), np.float32(colours[i, 2])
        _add_colour(table[groups[i]], r, g, b)


@kernel
def _add_up(colours, trimap, back, fore, p0, p1):
    """Return for background and foreground the colours that each Gaussian is the likeliest of, added up."""
    tables, channels = np.zeros((2, back.shape[0], 10)), np.empty((3, _BLOCK), np.float32)
    top, winner = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.int32)
    logs = np.empty((back.shape[0], _BLOCK), np.float32)
    for first in range(p0, p1, _BLOCK):
        known = trimap[first : min(first + _BLOCK, p1)]
        red, green, blue = channels[0, : known.size], channels[1, : known.size], channels[2, : known.size]
        _load(colours, first, red, green, blue)
        fronts = 0
        for i in range(known.size):
            fronts += known[i] & 1
        for side in range(2):
            if fronts == (known.size if side == 0 else 0):
                continue
            _rate_block(red, green, blue, back if side == 0 else fore, logs, winner, top)
            for i in range(known.size):
                if known[i] & 1 == side:
                    _add_colour(tables[side, winner[i]], red[i], green[i], blue[i])
    return tables


@kernel
def _rate(colours, back, fore, evidence, p0, p1):
    """Write the log of how much denser the foreground's mixture is at each colour."""
    channels, tops = np.empty((3, _BLOCK), np.float32), np.empty((2, _BLOCK), np.float32)
    logs, winner = np.empty((back.shape[0], _BLOCK), np.float32), np.empty(_BLOCK, np.int32)
    for first in range(p0, p1, _BLOCK):
        size = min(_BLOCK, p1 - first)
        red, green, blue = channels[0, :size], channels[1, :size], channels[2, :size]
        _load(colours, first, red, green, blue)
        for side in range(2):
            _rate_block(red, green, blue, back if side == 0 else fore, logs, winner, tops[side])
            _sum_densities(logs, tops[side, :size])
        for i in range(size):
            evidence[first + i] = tops[1, i] - tops[0, i]


@kernel(inline=True)
def _load(colours, first, red, green, blue):
    flat = colours.reshape(-1)[3 * first : 3 * (first + red.size)]
    for i in range(red.size):
        red[i], green[i], blue[i] = flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]


@kernel
def _rate_block(r, g, b, mixture, logs, winner, top):
    """Write the log of each Gaussian's density, the number of the greatest, and that one."""
    for k in range(mixture.shape[0]):
        m, row, number = mixture[k], logs[k], np.int32(k)
        base, mr, mg, mb = m[0], m[1], m[2], m[3]
        xx, yy, zz, xy, xz, yz = m[4], m[5], m[6], m[7], m[8], m[9]
        for i in range(r.size):
            x, y, z = r[i] - mr, g[i] - mg, b[i] - mb
            value = base + x * (xx * x + xy * y + xz * z) + y * (yy * y + yz * z) + zz * z * z
            row[i] = value
            higher = k == 0 or value > top[i]
            winner[i] = number if higher else winner[i]
            top[i] = value if higher else top[i]


@kernel
def _sum_densities(logs, top):
    """Add up the densities, the greatest of whose logs is given, and write the sum's log instead of it."""
    for i in range(top.size):
        total = np.float32(0)
        for k in range(logs.shape[0]):
            total += np.exp(logs[k, i] - top[i])
        top[i] += np.log(total)
