"""The k nearest of many samples: by products of matrices in float32, then proven in float64.

‖x - y‖² = ‖x‖² + ‖y‖² - 2 x·y, so that the work is a product of matrices, block by block. What float32 loses in it has
a bound (Higham 2002, "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 3.1). So a few more than k
candidates are kept and measured in float64; where the last one kept may hide a nearer one, the row is gone through once
more.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_BLOCK, _COLUMNS = 1 << 21, 4096  # products of a block, 8 MiB, and the most columns that it has
_PIECE = 1 << 17  # products that a strip of rows has
_PART = 128  # products of a row whose greatest is remembered
_SPARE = 5  # candidates beyond k
_UNIT = 2.0**-24  # of rounding, float32
_FAR = 1e12  # square of a sample's distance from the middle, that of the farthest in the table being 1


class NearestRows:
    """Samples among which the nearest are sought.

    Parameters
    ----------
    table
        M×D float32 or float64, finite.
    """

    def __init__(self, table: Array) -> None:
        self.table = table
        # The middle goes first: products of samples that are far from zero, and near to one another, would lose what
        # tells them apart. All lengths are at most 1 then, so that no square is too great for a float32.
        self._middle = table.mean(axis=0, dtype=np.float64)
        centred = table - self._middle
        longest = float(np.sqrt(np.einsum("ij,ij->i", centred, centred).max()))
        self._scale = 1 / longest if longest > 1e-150 else 1.0
        self._right = np.empty((len(table), table.shape[1] + 1), np.float32)
        self._right[:, :-1] = centred * self._scale
        # A column for -|y|²/2: a product is largest where the distance is smallest.
        self._right[:, -1] = -0.5 * np.einsum("ij,ij->i", self._right[:, :-1], self._right[:, :-1], dtype=np.float64)

    def nearest(self, samples: Array, k: int) -> tuple[Array, Array]:
        """Return the k nearest of each of N×D samples, the nearest first, of equally near ones that of lower index.

        Parameters
        ----------
        samples
            N×D of the table's dtype, finite.
        k
            1 to M.

        Returns
        -------
        places
            N×k int64 indices.
        distances
            N×k float64.
        """
        count = len(samples)
        places, distances = np.empty((count, k), np.int64), np.empty((count, k))
        height = max(1, _BLOCK // min(_COLUMNS, len(self.table)))
        for y in range(0, count, height):
            rows = slice(y, min(y + height, count))
            self._block(samples[rows], places[rows], distances[rows])
        return places, np.sqrt(distances, out=distances)

    def _block(self, samples: Array, places: Array, distances: Array) -> None:
        moved = (samples - self._middle) * self._scale
        squares = np.einsum("ij,ij->i", moved, moved, dtype=np.float64)
        far = squares > _FAR
        moved[far] = 0  # no product tells anything of these
        left = np.ones((len(samples), self._right.shape[1]), np.float32)
        left[:, :-1] = moved
        kept = min(places.shape[1] + _SPARE, len(self.table))
        found = np.full((len(samples), kept), -1, np.int64)
        scores = np.full((len(samples), kept), np.float32(-3e38))
        for x, alike in self._products(left):
            over_rows(best_of_rows, len(alike), alike, x, found, scores, strip=max(32, _PIECE // alike.shape[1]))
        over_rows(_measure, len(samples), samples, self.table, found, places, distances, strip=64)
        if kept == len(self.table):
            return
        # No sample that is left out scores above the last one kept, and no distance is wrong by more than the slack.
        slack = (left.shape[1] + 8) * _UNIT * (np.sqrt(squares) + 1) ** 2
        farthest = (np.sqrt(distances[:, -1]) * self._scale) ** 2
        doubted = np.flatnonzero(far | (squares - 2 * scores[:, -1].astype(np.float64) - slack <= farthest))
        if len(doubted):
            least = np.where(far, -np.inf, (squares - farthest - slack) / 2)[doubted]
            self._again(samples[doubted], left[doubted], least, places, distances, doubted)

    def _again(self, samples: Array, left: Array, least: Array, places: Array, distances: Array, rows: Array) -> None:
        """Measure everything whose product lets it be among the nearest: for rows with nearly equal distances."""
        fresh, apart = (
            np.full((len(rows), places.shape[1]), -1, np.int64),
            np.full((len(rows), places.shape[1]), np.inf),
        )
        for x, alike in self._products(left):
            over_rows(_measure_likely, len(rows), alike, x, least, samples, self.table, fresh, apart, strip=8)
        places[rows], distances[rows] = fresh, apart

    def _products(self, left: Array) -> Iterator[tuple[int, Array]]:
        """Yield the first column and the products of each block of columns, in memory that the next one takes."""
        block = np.empty((len(left), min(_COLUMNS, len(self._right))), np.float32)
        for x in range(0, len(self._right), _COLUMNS):
            part = self._right[x : x + _COLUMNS]
            alike = block.reshape(-1)[: len(left) * len(part)].reshape(-1, len(part))
            yield x, np.matmul(left, part.T, out=alike)


@kernel(fastmath=True)
def best_of_rows(alike, first, found, scores, y0, y1):
    """Merge the greatest of each row into the greatest found in the columns before; ``alike`` is spoiled."""
    lowest, width, last = np.float32(-3e38), alike.shape[1], found.shape[1] - 1
    tops = np.empty(-(-width // _PART), np.float32)
    for y in range(y0, y1):
        row, place, score = alike[y], found[y], scores[y]
        for part in range(tops.size):
            tops[part] = _greatest(row[part * _PART : min((part + 1) * _PART, width)])
        for _ in range(min(last + 1, width)):
            greatest = _greatest(tops)
            if greatest <= score[last]:
                break
            part = np.int64(0)
            while tops[part] != greatest:
                part += 1
            at = part * _PART
            while row[at] != greatest:
                at += 1
            row[at] = lowest
            tops[part] = _greatest(row[part * _PART : min((part + 1) * _PART, width)])
            slot = np.int64(last)
            while slot > 0 and greatest > score[slot - 1]:
                score[slot], place[slot] = score[slot - 1], place[slot - 1]
                slot -= 1
            score[slot], place[slot] = greatest, first + at


@kernel(fastmath=True)
def _greatest(row):
    greatest = np.float32(-3e38)
    for x in range(row.size):
        greatest = max(greatest, row[x])
    return greatest


@kernel
def _measure(samples, table, found, places, distances, y0, y1):
    """Measure the candidates by their differences; keep the nearest, squared distances."""
    for y in range(y0, y1):
        distances[y] = np.inf
        for at in found[y]:
            keep_nearest(squared_distance(samples[y], table[at]), at, places[y], distances[y])


@kernel
def _measure_likely(alike, first, least, samples, table, places, distances, y0, y1):
    for y in range(y0, y1):
        for x in range(alike.shape[1]):
            if alike[y, x] >= least[y]:
                apart = squared_distance(samples[y], table[first + x])
                keep_nearest(apart, first + x, places[y], distances[y])


@kernel(fastmath=True)
def squared_distance(a, b):
    """Return ‖a - b‖², summed in float64."""
    total = 0.0
    for d in range(a.size):
        apart = np.float64(a[d]) - np.float64(b[d])
        total += apart * apart
    return total


@kernel
def keep_nearest(apart, at, places, distances):
    """Put a sample in its place among the nearest so far; of equally near ones the lower index comes first."""
    slot = places.size - 1
    if apart > distances[slot] or (apart == distances[slot] and at > places[slot]):
        return
    while slot > 0 and (apart < distances[slot - 1] or (apart == distances[slot - 1] and at < places[slot - 1])):
        distances[slot], places[slot] = distances[slot - 1], places[slot - 1]
        slot -= 1
    distances[slot], places[slot] = apart, at
