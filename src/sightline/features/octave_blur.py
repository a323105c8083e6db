"""The levels of an octave, each a blur of the one before, made a band of rows at a time while those are in the cache.

A band of a level needs a few rows more of the level before; so each level runs a little behind the one that it is made
from. The result is that of :func:`sightline.image.gaussian_blur`, level by level, with a mirrored border.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.border import source_indices
from sightline.image.gaussian_blur import gaussian_blur

NEAR, FAR = 8, 13  # pairs of taps of a narrow Gaussian, and of the widest
_DOWN = 16  # pairs and the middle: 1 + 3 pairs in the first pass over the rows, 4 in each that follows
_BAND = 16  # rows
_SHARES = ((768, 4), (96, 2))  # from so many rows on, in so many parts: each makes some rows beyond its own again


def climb(levels: Array, sigmas: list[float]) -> None:
    """Write ``levels[1:]`` of n×H×W float32: level k is level k − 1 under a Gaussian of ``sigmas[k - 1]`` pixels."""
    _, height, width = levels.shape
    reaches = [(round(8 * sigma + 1) | 1) // 2 for sigma in sigmas]
    if max(reaches) > FAR:
        for k, sigma in enumerate(sigmas):
            gaussian_blur(levels[k], sigma, out=levels[k + 1])
        return
    plan = _planned(height, width, tuple(sigmas), tuple(reaches))
    over_rows(_blur, len(plan[0]) - 1, levels, *plan, strip=1)


@lru_cache(maxsize=32)  # a picture of the same size mostly follows, and each octave has the same weights
def _planned(height: int, width: int, sigmas: tuple[float, ...], reaches: tuple[int, ...]) -> tuple[Array, ...]:
    """Return where each strip's bands begin, the bands, the weights and reaches, and where rows and columns mirror."""
    strip = -(-height // next((parts for least, parts in _SHARES if height >= least), 1))
    bands = [_bands(reaches, height, y0, min(y0 + strip, height)) for y0 in range(0, height, strip)]
    weights = np.stack([_weights(sigma, reach) for sigma, reach in zip(sigmas, reaches, strict=True)])
    mirrored = source_indices(height, _DOWN, "reflect"), source_indices(width, FAR, "reflect")
    return np.cumsum([0, *map(len, bands)]), np.concatenate(bands), weights, np.array(reaches), *mirrored


def _bands(reaches: tuple[int, ...], height: int, y0: int, y1: int) -> list[tuple[int, int, int]]:
    """Return the bands (level, first row, end) that lead to the rows ``y0`` to ``y1`` of all levels, in order."""
    needs = [reach // 4 * 4 + 3 for reach in reaches]  # rows on either side that the passes read
    beyond = [sum(needs[k + 1 :]) for k in range(len(needs))]
    done = [max(0, y0 - more) for more in beyond]
    ends = [min(height, y1 + more) for more in beyond]
    bands = []
    while done[-1] < ends[-1]:
        for k, need in enumerate(needs):
            whole = k == 0 or done[k - 1] == ends[k - 1]
            until = min(done[k] + _BAND, ends[k] if whole else min(done[k - 1] - need, ends[k]))
            if until > done[k]:
                bands.append((k, done[k], until))
                done[k] = until
    return bands


def _weights(sigma: float, reach: int) -> Array:
    """Return the weights from the centre outwards, and zeros."""
    bell = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weights = np.zeros(_DOWN, np.float32)
    weights[: reach + 1] = bell / (bell[0] + 2 * bell[1:].sum())
    return weights


@kernel(contract=True)
def _blur(levels, starts, plan, weights, reaches, rows, columns, s0, s1):
    """Make the bands of the plan: down the columns into a line, then along it."""
    width = levels.shape[2]
    line = np.empty(width + 2 * FAR, np.float32)
    inner = line[FAR : FAR + width]
    for band in range(starts[s0], starts[s1]):
        level = plan[band, 0]
        image, w, reach = levels[level], weights[level], reaches[level]
        for y in range(plan[band, 1], plan[band, 2]):
            at, out = y + _DOWN, levels[level + 1, y]
            a, b, c = image[y], image[rows[at - 1]], image[rows[at + 1]]
            d, e, f, g = image[rows[at - 2]], image[rows[at + 2]], image[rows[at - 3]], image[rows[at + 3]]
            p, q, r, s = w[0], w[1], w[2], w[3]
            for x in range(width):
                inner[x] = p * a[x] + q * (b[x] + c[x]) + r * (d[x] + e[x]) + s * (f[x] + g[x])
            for k in range(4, reach + 1, 4):
                a, b, c = image[rows[at - k]], image[rows[at + k]], image[rows[at - k - 1]]
                d, e, f = image[rows[at + k + 1]], image[rows[at - k - 2]], image[rows[at + k + 2]]
                g, h = image[rows[at - k - 3]], image[rows[at + k + 3]]
                p, q, r, s = w[k], w[k + 1], w[k + 2], w[k + 3]
                for x in range(width):
                    inner[x] += p * (a[x] + b[x]) + q * (c[x] + d[x]) + r * (e[x] + f[x]) + s * (g[x] + h[x])
            for x in range(FAR):
                line[x], line[FAR + width + x] = inner[columns[x]], inner[columns[FAR + width + x]]
            # The compiler knows how many taps these have, and that they lie in one row: it adds them up in one pass.
            for x in range(width):
                total = w[0] * line[x + FAR]
                for k in range(1, NEAR + 1):
                    total += w[k] * (line[x + FAR - k] + line[x + FAR + k])
                out[x] = total
            if reach > NEAR:
                for x in range(width):
                    total = out[x]
                    for k in range(NEAR + 1, FAR + 1):
                        total += w[k] * (line[x + FAR - k] + line[x + FAR + k])
                    out[x] = total
