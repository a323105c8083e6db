"""Histograms of gradients in few numbers: signed and unsigned orientations, made free of contrast in four ways at once.

Felzenszwalb, Girshick, McAllester & Ramanan 2010, "Object Detection with Discriminatively Trained Part-Based Models",
IEEE Transactions on Pattern Analysis and Machine Intelligence 32(9), section 6: what is left of the 4 · 27 numbers of
a cell when they are added up over the four norms, and the four sums over the orientations.
"""

from __future__ import annotations

import math

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

BINS = 9  # unsigned orientations
DEPTH = 3 * BINS + 4  # numbers of a cell
_CUT = 0.2  # no orientation counts for more than this share of its surroundings
_TEXTURE = 1 / math.sqrt(2 * BINS)  # so that the four sums weigh about as much as one orientation


def gradient_cells(image: Array, cell: int = 8) -> Array:
    """Return rows×columns×31 float32: 18 signed orientations, 9 unsigned ones and 4 sums for each whole cell.

    Parameters
    ----------
    image
        H×W or H×W×3 uint8; of three channels, each pixel takes the one that changes most.
    cell
        Side of a cell in pixels, ≥ 2.
    """
    planes = np.ascontiguousarray(np.moveaxis(np.atleast_3d(image), 2, 0))
    height, width = planes.shape[1:]
    rows, columns = height // cell, width // cell
    if not rows * columns:
        return np.zeros((rows, columns, DEPTH), np.float32)
    angles = np.arange(BINS) * (np.pi / BINS)
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    bins, lengths = np.zeros((height, width), np.int32), np.zeros((height, width), np.float32)
    over_rows(_snap, height, planes, ways, bins, lengths, strip=max(1, 32768 // width))
    votes = np.zeros((rows, columns, 2 * BINS), np.float32)
    over_rows(_share, rows, bins, lengths, cell, votes, strip=max(1, 8192 // (cell * width)))
    return _normalised(votes)


def _normalised(votes: Array) -> Array:
    """Return the numbers of each cell: cut off under each of four norms, then added up over norms or orientations."""
    unsigned = votes[..., :BINS] + votes[..., BINS:]
    energy = np.pad((unsigned**2).sum(axis=2), 1, mode="edge")
    pairs = energy[:-1] + energy[1:]
    squares = pairs[:, :-1] + pairs[:, 1:]  # of each 2×2 cells
    norms = 1 / np.sqrt(
        np.stack([squares[i : i + len(votes), j : j + votes.shape[1]] for i in (0, 1) for j in (0, 1)]) + 1e-4
    )
    out = np.zeros((*votes.shape[:2], DEPTH), np.float32)
    for number, norm in enumerate(norms):
        cut = np.minimum(votes * norm[..., None], _CUT)
        out[..., : 2 * BINS] += cut / 2
        out[..., 2 * BINS : 3 * BINS] += np.minimum(unsigned * norm[..., None], _CUT) / 2
        out[..., 3 * BINS + number] = cut.sum(axis=2) * _TEXTURE
    return out


@kernel
def _snap(planes, ways, bins, lengths, y0, y1):
    """Write each pixel's signed orientation, one of 18, and the length of its gradient; 0 along the border."""
    channels, height, width = planes.shape
    for y in range(max(y0, 1), min(y1, height - 1)):
        for x in range(1, width - 1):
            u, v, most = np.float32(0), np.float32(0), np.float32(-1)
            for c in range(channels):
                dx = np.float32(planes[c, y, x + 1]) - np.float32(planes[c, y, x - 1])
                dy = np.float32(planes[c, y + 1, x]) - np.float32(planes[c, y - 1, x])
                size = dx * dx + dy * dy
                if size > most:
                    u, v, most = dx, dy, size
            best, which = np.float32(-1), 0
            for k in range(len(ways)):
                along = u * ways[k, 0] + v * ways[k, 1]
                if abs(along) > best:
                    best = abs(along)
                    which = k if along >= 0 else k + len(ways)
            bins[y, x] = which
            lengths[y, x] = np.sqrt(most)


@kernel
def _share(bins, lengths, cell, votes, r0, r1):
    """Add each pixel's length to the four cells whose middles are next to it, the more the nearer."""
    height, width = bins.shape
    columns = votes.shape[1]
    for row in range(r0, r1):
        first, last = max(row * cell - cell // 2, 0), min((row + 1) * cell + (cell + 1) // 2, height)
        for y in range(first, last):
            down = 1 - abs((y + np.float32(0.5)) / cell - np.float32(0.5) - row)
            if down <= 0:
                continue
            for x in range(width):
                across = (x + np.float32(0.5)) / cell - np.float32(0.5)
                left = int(np.floor(across))
                share = np.float32(across - left)
                length = lengths[y, x] * down
                if 0 <= left < columns:
                    votes[row, left, bins[y, x]] += length * (1 - share)
                if left + 1 < columns:
                    votes[row, left + 1, bins[y, x]] += length * share
