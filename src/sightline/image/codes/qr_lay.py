"""Grids laid by three eyes alone: where their edges lie, how many modules are between them, how well the grid fits.

ISO/IEC 18004:2015, section 11, steps c to f: the number of modules comes from the size of the eyes, and between them
the timing pattern changes its colour at each module. Most triples of eyes are no symbol and end here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.codes.binarise import Binary
from sightline.image.codes.perspective import Homography, darkness_at, fit_points
from sightline.image.codes.qr_grid import VERSIONS

PLAUSIBLE = 0.72  # share of the known modules that must be right before more work is spent
_CHANCE = 0.6  # share of them that anything reaches that has three eyes
_MOST = 9  # versions that a large symbol may have by the size of its eyes
_AGREEMENT, _VERSION, _GRID = 0, 1, 2  # of a grid; nine numbers are its homography


@dataclass(frozen=True, eq=False)
class Laid:
    """A grid laid by the eyes.

    Parameters
    ----------
    agreement
        Share of the modules of the eyes and of the timing that have the right colour, 0–1.
    version
        How large it is, 1–40.
    homography
        From grid coordinates, in modules from the symbol's outer corner, to points of the picture.
    """

    agreement: float
    version: int
    homography: Homography


def lay_grids(
    binary: Binary,
    centres: Float64[np.ndarray, "n 3 2"],
    inverted: Array,
    *,
    version: int = 0,
    least: float = PLAUSIBLE,
) -> list[list[Laid]]:
    """Return for each three eyes the plausible grids through them, the best first.

    Parameters
    ----------
    binary
        The picture.
    centres
        Points (x, y): top left, top right and bottom left of an unmirrored symbol.
    inverted
        Of each three, whether the symbol is light on dark.
    version
        1–40 where it is known, 0 where it is told by the size of the eyes.
    least
        Agreement that a grid needs.
    """
    grids = np.zeros((len(centres), _MOST, _GRID + 9))
    pictures = binary.dark, binary.gray, binary.thresholds
    over_rows(_lay, len(centres), *pictures, centres, inverted, version, grids, strip=8)
    laid: list[list[Laid]] = [[] for _ in centres]
    good = (grids[:, :, _VERSION] > 0) & (grids[:, :, _AGREEMENT] >= least)
    for index, place in zip(*(axis.tolist() for axis in np.nonzero(good)), strict=True):
        grid = grids[index, place]
        laid[index].append(Laid(float(grid[_AGREEMENT]), int(grid[_VERSION]), grid[_GRID:].reshape(3, 3)))
    for some in laid:
        some.sort(key=lambda grid: -grid.agreement)
    return laid


@kernel
def _lay(dark, gray, thresholds, centres, inverted, known, grids, y0, y1):
    """Write the grids of the likely versions, nearest to the guess first, for the threes of eyes ``y0`` to ``y1``."""
    edges = np.empty((3, 2, 2, 2))  # eye, side of the symbol, back or ahead, x or y
    points, seen, weights = np.empty((15, 2)), np.empty((15, 2)), np.ones(15)
    weights[:3] = 8
    other = np.empty(9)
    for i in range(y0, y1):
        eyes = centres[i]
        if not _find_edges(dark, eyes, inverted[i], edges):
            continue
        guess = _guess_version(dark, eyes, edges)
        if not 0 < guess < VERSIONS + 3:
            continue
        reach = 1 + np.int64(guess / 12)  # of a large symbol, the version is uncertain by as much as the eyes' size is
        nearest = min(max(np.int64(np.floor(guess + 0.5)), 1), VERSIONS)
        towards = 1 if guess > nearest else -1
        for k in range(1 if known > 0 else 2 * reach + 1):
            version = known if known > 0 else nearest + (k + 1) // 2 * (towards if k % 2 == 1 else -towards)
            if not 1 <= version <= VERSIONS:
                continue
            grid = grids[i, k]
            grid[_VERSION] = version
            h = grid[_GRID:]
            _lay_flat(eyes, version, h)
            grid[_AGREEMENT] = _agreement(gray, thresholds, h, version, inverted[i])
            if grid[_AGREEMENT] < _CHANCE:
                continue
            _match_edges(eyes, edges, version, points, seen)
            fit_points(points, seen, weights, other)
            tilted = _agreement(gray, thresholds, other, version, inverted[i])
            if tilted >= grid[_AGREEMENT]:
                grid[_AGREEMENT] = tilted
                h[:] = other


@kernel
def _find_edges(dark, eyes, inverted, edges):
    """Write where the lines through each eye along the symbol's two sides leave it; return whether all do."""
    for eye in range(3):
        for side in range(2):
            dx, dy = eyes[1 + side, 0] - eyes[0, 0], eyes[1 + side, 1] - eyes[0, 1]
            length = np.sqrt(dx * dx + dy * dy)
            for ahead in range(2):
                sign = (2.0 * ahead - 1) / length
                away = _leave_eye(dark, eyes[eye, 0], eyes[eye, 1], sign * dx, sign * dy, inverted)
                if away < 0:
                    return False
                edges[eye, side, ahead, 0] = eyes[eye, 0] + sign * dx * away
                edges[eye, side, ahead, 1] = eyes[eye, 1] + sign * dy * away
    return True


@kernel
def _leave_eye(dark, x, y, dx, dy, inverted):
    """Return how far away from the middle of an eye its dark ring ends, −1 when it has none."""
    height, width = dark.shape
    changes, before = 0, True
    for i in range(4 * max(height, width)):
        px, py = np.int64(np.floor(x + 0.25 * i * dx + 0.5)), np.int64(np.floor(y + 0.25 * i * dy + 0.5))
        if not (0 <= px < width and 0 <= py < height):
            return 0.25 * i if changes == 2 else -1.0  # the eye ends with the picture
        now = (dark[py, px] == 1) != inverted
        if now != before:
            changes += 1
            before = now
            if changes == 3:
                return 0.25 * i - 0.125
    return -1.0


@kernel
def _guess_version(dark, eyes, edges):
    """Return the version by the size of the eyes, 0 where no timing pattern runs between them."""
    modules = np.zeros(2)
    inwards = np.empty((2, 2, 2))  # of the timing along each side: from, to
    for side in range(2):
        size = 0.0
        for end in range(2):
            eye = 0 if end == 0 else 1 + side
            along = edges[eye, side, 1] - edges[eye, side, 0]
            size += np.sqrt(along[0] ** 2 + along[1] ** 2) / 14
            # Three modules inwards of the middles of two eyes.
            inwards[side, end] = eyes[eye] + 3 / 7 * (edges[eye, 1 - side, 1] - edges[eye, 1 - side, 0])
        whole = eyes[1 + side] - eyes[0]
        modules[side] = np.sqrt(whole[0] ** 2 + whole[1] ** 2) / max(size, 1e-9)
    for side in range(2):
        expected = modules[side] - 6
        changes = _count_changes(dark, inwards[side, 0], inwards[side, 1])
        if not 0.55 * expected - 2 < changes < 1.4 * expected + 4:
            return 0.0
    return ((modules[0] + modules[1]) / 2 + 7 - 17) / 4


@kernel
def _count_changes(dark, start, end):
    """Return how often the colour changes on the way from one point to another."""
    height, width = dark.shape
    away = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    count, before = 0, -1
    for i in range(np.int64(away) + 1):
        share = i / max(away, 1.0)
        x = np.int64(np.floor(start[0] + share * (end[0] - start[0]) + 0.5))
        y = np.int64(np.floor(start[1] + share * (end[1] - start[1]) + 0.5))
        if 0 <= x < width and 0 <= y < height:
            now = np.int64(dark[y, x])
            count += before >= 0 and now != before
            before = now
    return count


@kernel
def _lay_flat(eyes, version, h):
    """Write the grid without perspective through the middles of the eyes."""
    n = 17 + 4 * version
    for axis in range(2):
        across, along = (eyes[1, axis] - eyes[0, axis]) / (n - 7), (eyes[2, axis] - eyes[0, axis]) / (n - 7)
        h[3 * axis], h[3 * axis + 1] = across, along
        h[3 * axis + 2] = eyes[0, axis] - 3.5 * (across + along)
    h[6], h[7], h[8] = 0.0, 0.0, 1.0


@kernel
def _match_edges(eyes, edges, version, points, seen):
    """Write the middles and the edges of the eyes as points of the grid and as they are seen."""
    n = 17 + 4 * version
    count = 3
    for eye in range(3):
        points[eye, 0], points[eye, 1] = n - 3.5 if eye == 1 else 3.5, n - 3.5 if eye == 2 else 3.5
        seen[eye] = eyes[eye]
        for side in range(2):
            for ahead in range(2):
                points[count] = points[eye]
                points[count, side] += 7.0 * ahead - 3.5
                seen[count] = edges[eye, side, ahead]
                count += 1


@kernel
def _agreement(gray, thresholds, h, version, inverted):
    """Return the share of the modules of the eyes and of the timing that have the right colour."""
    n = 17 + 4 * version
    count = 192 + 2 * (n - 16)
    right = outside = 0
    for eye in range(3):
        left, top = n - 8 if eye == 1 else 0, n - 8 if eye == 2 else 0
        x, y = n - 4 if eye == 1 else 3, n - 4 if eye == 2 else 3
        for v in range(top, top + 8):
            for u in range(left, left + 8):
                ring = max(abs(u - x), abs(v - y))
                value, out = darkness_at(gray, thresholds, h, u + 0.5, v + 0.5)
                right += (value > 0 if not inverted else value < 0) == (ring != 2 and ring != 4)
                outside += out
    for i in range(8, n - 8):
        for side in range(2):
            u, v = (i, 6) if side == 0 else (6, i)
            value, out = darkness_at(gray, thresholds, h, u + 0.5, v + 0.5)
            right += (value > 0 if not inverted else value < 0) == (i % 2 == 0)
            outside += out
    return right / count if outside <= 0.2 * count else 0.0
