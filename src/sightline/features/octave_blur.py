"""The levels of an octave, each a blur of the one before, made a band of rows at a time while those are in the cache.

A band of a level needs a few rows more of the level before; so each level runs a little behind the one that it is made
from. The result is that of :func:`sightline.image.gaussian_blur`, level by level, with a mirrored border.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.border import source_indices
from sightline.image.gaussian_blur import gaussian_blur

NEAR, FAR = 8, 13  # pairs of taps of a narrow Gaussian, and of the widest
_DOWN = 16  # pairs and the middle: 1 + 3 pairs in the first pass over the rows, 4 in each that follows
_BAND = 32  # rows
_CHUNK = 192  # rows, at least, that one thread takes on; it makes some beyond on either side again


def climb(levels: list[Array], sigmas: list[float]) -> None:
    """Write ``levels[1:]`` (H×W float32 each): level k is level k − 1 under a Gaussian of ``sigmas[k - 1]`` pixels."""
    height, width = levels[0].shape
    reaches = [(round(8 * sigma + 1) | 1) // 2 for sigma in sigmas]
    if max(reaches) > FAR:
        for k, sigma in enumerate(sigmas):
            gaussian_blur(levels[k], sigma, out=levels[k + 1])
        return
    rows, columns = source_indices(height, _DOWN, "reflect"), source_indices(width, FAR, "reflect")
    weights = [_weights(sigma, reach) for sigma, reach in zip(sigmas, reaches, strict=True)]
    calls = [(levels[k], weights[k], reaches[k], rows, columns, levels[k + 1]) for k in range(len(sigmas))]
    needs = [reach // 4 * 4 + 3 for reach in reaches]  # rows on either side that the passes read
    over_rows(_make, height, calls, needs, height, strip=max(_CHUNK, -(-height // 4)))


def _make(calls: list[Any], needs: list[int], height: int, y0: int, y1: int) -> None:
    """Make the rows ``y0`` to ``y1`` of all levels, and what these need."""
    beyond = [sum(needs[k + 1 :]) for k in range(len(needs))]
    done = [max(0, y0 - more) for more in beyond]
    ends = [min(height, y1 + more) for more in beyond]
    while done[-1] < ends[-1]:
        for k, (level, weights, reach, rows, columns, out) in enumerate(calls):
            ready = ends[k] if k == 0 or done[k - 1] == ends[k - 1] else min(done[k - 1] - needs[k], ends[k])
            until = min(done[k] + _BAND, ready)
            if until > done[k]:
                _blur(level, weights, reach, rows, columns, out, done[k], until)
                done[k] = until


def _weights(sigma: float, reach: int) -> Array:
    """Return the weights from the centre outwards, and zeros."""
    bell = np.exp(-0.5 * (np.arange(reach + 1) / sigma) ** 2)
    weights = np.zeros(_DOWN, np.float32)
    weights[: reach + 1] = bell / (bell[0] + 2 * bell[1:].sum())
    return weights


@kernel(contract=True)
def _blur(image, weights, reach, rows, columns, out, y0, y1):
    width = image.shape[1]
    line, w = np.empty(width + 2 * FAR, np.float32), weights
    inner = line[FAR : FAR + width]
    for y in range(y0, y1):
        at = y + _DOWN
        _start(
            image[y], image[rows[at - 1]], image[rows[at + 1]], image[rows[at - 2]], image[rows[at + 2]],
            image[rows[at - 3]], image[rows[at + 3]], w, inner,
        )  # fmt: skip
        for k in range(4, reach + 1, 4):
            _add(
                image[rows[at - k]], image[rows[at + k]], image[rows[at - k - 1]], image[rows[at + k + 1]],
                image[rows[at - k - 2]], image[rows[at + k + 2]], image[rows[at - k - 3]], image[rows[at + k + 3]],
                w[k], w[k + 1], w[k + 2], w[k + 3], inner,
            )  # fmt: skip
        for x in range(FAR):
            line[x], line[FAR + width + x] = inner[columns[x]], inner[columns[FAR + width + x]]
        _near(line, weights, out[y])
        if reach > NEAR:
            _far(line, weights, out[y])


@kernel(contract=True)
def _start(m, a, b, c, d, e, f, weights, total):
    w, u, v, t = weights[0], weights[1], weights[2], weights[3]
    for x in range(total.size):
        total[x] = w * m[x] + u * (a[x] + b[x]) + v * (c[x] + d[x]) + t * (e[x] + f[x])


@kernel(contract=True)
def _add(a, b, c, d, e, f, g, h, u, v, w, t, total):
    for x in range(total.size):
        total[x] += u * (a[x] + b[x]) + v * (c[x] + d[x]) + w * (e[x] + f[x]) + t * (g[x] + h[x])


# The compiler knows how many taps these have, and that they lie in one row: it adds them up in one pass.
@kernel(contract=True)
def _near(line, weights, out):
    for x in range(out.size):
        total = weights[0] * line[x + FAR]
        for k in range(1, NEAR + 1):
            total += weights[k] * (line[x + FAR - k] + line[x + FAR + k])
        out[x] = total


@kernel(contract=True)
def _far(line, weights, out):
    for x in range(out.size):
        total = out[x]
        for k in range(NEAR + 1, FAR + 1):
            total += weights[k] * (line[x + FAR - k] + line[x + FAR + k])
        out[x] = total
