"""Mean shift: from many places, climb to where samples crowd; those that arrive at one place are a cluster.

Fukunaga & Hostetler 1975, "The Estimation of the Gradient of a Density Function, with Applications in Pattern
Recognition", IEEE Trans. Information Theory 21(1); Comaniciu & Meer 2002, "Mean Shift: A Robust Approach Toward Feature
Space Analysis", PAMI 24(5). Of pictures, :func:`sightline.image.mean_shift_segment` looks at windows only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.learn.clusterer import Clusterer
from sightline.learn.estimator import as_seen, as_table
from sightline.learn.lloyd import nearest, row_squares
from sightline.learn.scatter_picture import Plane

_QUANTILE = 0.3  # of the samples, that lie within the bandwidth when none is given
_BLOCK = 1 << 22  # distances that are held at once
_REST = 1e-3  # of the bandwidth: who moves less has arrived


class MeanShift(Clusterer):
    """Mean shift with a flat kernel: clusters are the peaks of the samples' density, however many there are.

    A ball of radius h moves to the mean of the samples in it, until it rests. Of peaks within h of one another the one
    with the most samples stays.

    Parameters
    ----------
    bandwidth
        h > 0, in units of the samples; None takes the mean distance from a sample to the one that is farther away than
        30 % of all.
    bin_seeding
        Start from the cells of a grid of width h that hold samples, which is quicker, and not from every sample.
    min_bin_freq
        Fewest samples of such a cell, ≥ 1.
    cluster_all
        Give samples farther than h from every peak to the nearest one; else they are labelled −1.
    iterations
        Moves at most, ≥ 1.

    Attributes
    ----------
    cluster_centers_
        K×D peaks, the fullest first.
    labels_
        N int32.
    bandwidth_
        h.

    References
    ----------
    D. Comaniciu, P. Meer, "Mean Shift: A Robust Approach Toward Feature Space Analysis", IEEE Transactions on Pattern
    Analysis and Machine Intelligence 24(5), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> shift = MeanShift(2.0).fit([[1.0], [2.0], [3.0], [9.0], [10.0]])
    >>> shift.cluster_centers_.tolist(), shift.labels_.tolist()
    ([[2.0], [9.5]], [0, 0, 0, 1, 1])
    """

    cluster_centers_: Array
    bandwidth_: float

    def __init__(
        self,
        bandwidth: float | None = None,
        *,
        bin_seeding: bool = False,
        min_bin_freq: int = 1,
        cluster_all: bool = True,
        iterations: int = 300,
    ) -> None:
        self.bandwidth = bandwidth
        self.bin_seeding = bin_seeding
        self.min_bin_freq = min_bin_freq
        self.cluster_all = cluster_all
        self.iterations = iterations

    def fit(self, samples: Any, y: Any = None) -> MeanShift:
        """Find the peaks; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers.
        y
            Not looked at.
        """
        table = as_table("MeanShift.fit", samples)
        iterations = integer("MeanShift", "iterations", self.iterations, 1)
        self.bandwidth_ = self._bandwidth(table)
        places, counts = climb(table, self._seeds(table), self.bandwidth_, iterations)
        self.cluster_centers_ = peaks(places, counts, self.bandwidth_).astype(table.dtype)
        self.n_features_in_ = table.shape[1]
        labels, squares = self._nearest(table)
        if not flag("MeanShift", "cluster_all", self.cluster_all):
            labels[squares > self.bandwidth_**2] = -1
        self.labels_ = labels
        return self

    def predict(self, samples: Any) -> Array:
        """Return the cluster of each of N×D samples, N int32: that of the nearest peak."""
        return self._nearest(as_seen(self, "predict", samples))[0]

    def _nearest(self, table: Array) -> tuple[Array, Array]:
        middle = self.cluster_centers_.mean(axis=0, dtype=np.float64)
        return nearest((table - middle).astype(table.dtype), self.cluster_centers_ - middle)

    def _bandwidth(self, table: Array) -> float:
        if self.bandwidth is not None:
            return number("MeanShift", "bandwidth", self.bandwidth, above=0)
        near = max(1, int(_QUANTILE * len(table))) - 1
        return max(bandwidth_of(table, table, near), 1e-9)

    def _seeds(self, table: Array) -> Array:
        freq = integer("MeanShift", "min_bin_freq", self.min_bin_freq, 1)
        if not flag("MeanShift", "bin_seeding", self.bin_seeding):
            return table
        cells, counts = np.unique(np.rint(table / self.bandwidth_), axis=0, return_counts=True)
        if not (counts >= freq).any():
            raise InputError(
                f"MeanShift: min_bin_freq must be ≤ {counts.max()}, the fullest cell's samples; got {freq}."
            )
        return cells[counts >= freq] * self.bandwidth_


def bandwidth_of(some: Array, table: Array, near: int) -> float:
    """Return the mean distance of each of M×D points to its ``near``-th nearest of N×D others, itself being the 0th."""
    middle, total = table.mean(axis=0), 0.0
    some, table = some - middle, table - middle
    squares, step = row_squares(table), max(1, _BLOCK // len(table))
    for first in range(0, len(some), step):
        part = some[first : first + step]
        apart = row_squares(part)[:, None] - 2 * (part @ table.T) + squares
        total += float(np.sqrt(np.maximum(np.partition(apart, near, axis=1)[:, near], 0)).sum(dtype=np.float64))
    return total / len(some)


def climb(table: Array, starts: Array, bandwidth: float, iterations: int) -> tuple[Array, Array]:
    """Move each of M×D starts to the mean of the samples within ``bandwidth``, until it rests.

    Parameters
    ----------
    table, starts
        N×D samples and M×D.
    bandwidth
        Radius, > 0.
    iterations
        Moves at most.

    Returns
    -------
    places
        M×D float64.
    counts
        M int64: samples around the last place but one; 0 where there are none.
    """
    places, counts = np.array(starts, np.float64), np.zeros(len(starts), np.int64)
    table = np.ascontiguousarray(table, np.float64)
    rest = _REST * bandwidth
    over_rows(_climb, len(places), table, places, counts, bandwidth**2, rest**2, iterations, strip=16)
    return places, counts


def peaks(places: Array, counts: Array, bandwidth: float) -> Array:
    """Return of M×D places those with samples and without a fuller one within ``bandwidth``, the fullest first."""
    kept: list[int] = []
    for i in np.lexsort((*(-places.T[::-1]), -counts)):
        apart = ((places[kept] - places[i]) ** 2).sum(axis=1) if kept else np.full(1, np.inf)
        if counts[i] > 0 and not (apart <= bandwidth**2).any():
            kept.append(int(i))
    return places[kept]


@kernel(fastmath=True)
def _climb(table, places, counts, square, rest, iterations, y0, y1):
    width = table.shape[1]
    mean = np.empty(width)
    for y in range(y0, y1):
        for _ in range(iterations):
            mean[:], count = 0.0, 0
            for i in range(len(table)):
                total = 0.0
                for d in range(width):
                    total += (table[i, d] - places[y, d]) * (table[i, d] - places[y, d])
                if total <= square:
                    count += 1
                    for d in range(width):
                        mean[d] += table[i, d]
            counts[y] = count
            if count == 0:
                break
            moved = 0.0
            for d in range(width):
                mean[d] /= count
                moved += (mean[d] - places[y, d]) * (mean[d] - places[y, d])
                places[y, d] = mean[d]
            if moved <= rest:
                break


_listed = method(task="clustering", paper="Comaniciu & Meer 2002", lesson="w4d7")(MeanShift)


@_listed.steps
def _steps(shift: MeanShift, samples: Any) -> Iterator[Step]:
    table = as_table("MeanShift.fit", samples)
    plane, bandwidth = Plane(table), shift._bandwidth(table)
    starts = shift._seeds(table)
    shown = starts[:: max(1, len(starts) // 60)].astype(np.float64)
    note = f"{len(starts)} starts; samples within {bandwidth:.3g} count."
    yield Step("starts", Picture(plane.picture(centres=shown)), note=note)
    ways = [shown]
    for moves in (1, 2, 4, 8):
        ways.append(climb(table, shown, bandwidth, moves)[0])
        drawn = plane.picture(centres=ways[-1], lines=list(np.stack(ways, axis=1)))
        yield Step(
            f"after {moves} moves", Picture(drawn), note="Each to the mean of what is near." if moves == 1 else ""
        )
    labels = shift.fit_predict(table)
    drawn = plane.picture(labels, shift.cluster_centers_.astype(np.float64))
    yield Step("clusters", Value(labels), Picture(drawn), note=f"{len(shift.cluster_centers_)} peaks.")
