"""K-means: K centres that stand for all samples, each sample with the nearest one.

Lloyd 1982, "Least squares quantization in PCM", IEEE Trans. Information Theory 28(2), started as Arthur & Vassilvitskii
2007, "k-means++: The Advantages of Careful Seeding", SODA, say; in small batches as Sculley 2010, "Web-Scale K-Means
Clustering", WWW.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, Seed
from sightline.learn.clusterer import Clusterer
from sightline.learn.estimator import as_seen, as_table
from sightline.learn.lloyd import nearest, own_squares, plus_plus, rounds, row_squares
from sightline.learn.scatter_picture import Plane

_PATIENCE = 10  # batches without a better mean distance, after which small batches end
_SHOWN = (1, 2, 3, 5, 10, 20)  # rounds that are drawn


class KMeans(Clusterer):
    """K-means: clusters as K centres, so that the squared distances of samples to their centre have a small sum.

    Each round gives every sample to the nearest centre, and moves every centre to the mean of its samples: neither can
    raise the sum J = Σᵢ ‖xᵢ − c(xᵢ)‖². Where it ends depends on where it starts.

    Parameters
    ----------
    n_clusters
        K, 1 to N.
    init
        ``"k-means++"``, samples far from one another; ``"random"``, any samples; or K×D centres.
    n_init
        How many starts are tried, ≥ 1; the one of the least sum is kept. Given centres are tried once.
    iterations
        Rounds at most, ≥ 1.
    eps
        Stop when the centres' squared moves have a sum no greater than this share of the mean variance of a column,
        ≥ 0; 0 goes on until no sample changes its cluster.
    batch_size
        None looks at all samples in a round; or at so many drawn ones, ≥ 1, which is quicker and a little worse.
    seed
        Whole number ≥ 0 or a generator: which starts, which batches.

    Attributes
    ----------
    cluster_centers_
        K×D.
    labels_
        N int32.
    inertia_
        J of the samples of fit.
    n_iter_
        Rounds of the start that was kept.

    References
    ----------
    S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28(2), 1982.

    D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding", ACM-SIAM Symposium on Discrete
    Algorithms, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> kmeans = KMeans(2, init=np.array([[0.0], [10.0]])).fit([[1.0], [2.0], [9.0], [11.0]])
    >>> kmeans.cluster_centers_.tolist(), kmeans.labels_.tolist(), kmeans.predict([[7.0]]).tolist()
    ([[1.5], [10.0]], [0, 0, 1, 1], [1])
    """

    cluster_centers_: Array
    inertia_: float
    n_iter_: int

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: str | Array = "k-means++",
        n_init: int = 1,
        iterations: int = 300,
        eps: float = 1e-4,
        batch_size: int | None = None,
        seed: Seed = 0,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.iterations = iterations
        self.eps = eps
        self.batch_size = batch_size
        self.seed = seed

    def fit(self, samples: Any, y: Any = None) -> KMeans:
        """Find the centres; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers, N ≥ K.
        y
            Not looked at.
        """
        table = as_table("KMeans.fit", samples)
        mean, centred, random = table.mean(axis=0, dtype=np.float64), np.empty_like(table), generator(self.seed)
        np.subtract(table, mean, out=centred, casting="same_kind")
        starts = self._starts(centred, mean, random)
        limit = number("KMeans", "eps", self.eps, 0) * (float(row_squares(centred.T).mean()) / len(centred))
        if self.batch_size is None:
            ends = (_last(self._rounds(centred, start, limit)) for start in starts)
        else:
            ends = (self._batches(centred, start, random) for start in starts)
        found = min(ends, key=lambda end: end.inertia)
        self.cluster_centers_ = (found.centres + mean).astype(table.dtype)
        self.labels_, self.inertia_, self.n_iter_ = found.labels, found.inertia, found.turn
        self.n_features_in_ = table.shape[1]
        return self

    def predict(self, samples: Any) -> Array:
        """Return the cluster of each of N×D samples, N int32: that of the nearest centre."""
        table = as_seen(self, "predict", samples)
        return self._nearest(table)[0]

    def transform(self, samples: Any) -> Array:
        """Return the N×K distances of N×D samples to the centres."""
        table = as_seen(self, "transform", samples)
        centres = self.cluster_centers_.astype(table.dtype)
        middle = centres.mean(axis=0)
        table, centres = table - middle, centres - middle
        squares = row_squares(table)[:, None] - 2 * (table @ centres.T) + row_squares(centres)
        return np.sqrt(np.maximum(squares, 0))

    def fit_transform(self, samples: Any, y: Any = None) -> Array:
        """Find the centres of N×D samples; return the N×K distances to them."""
        return self.fit(samples).transform(samples)

    def score(self, samples: Any, y: Any = None) -> float:
        """Return −J of N×D samples: the greater, the better."""
        table = as_seen(self, "score", samples)
        return -float(self._nearest(table)[1].sum())

    def _nearest(self, table: Array) -> tuple[Array, Array]:
        middle = self.cluster_centers_.mean(axis=0, dtype=np.float64)
        return nearest((table - middle).astype(table.dtype), self.cluster_centers_ - middle)

    def _starts(self, centred: Array, mean: Array, random: np.random.Generator) -> Iterator[Array]:
        """Return the first centres of each start, from which the mean was taken."""
        k = integer("KMeans", "n_clusters", self.n_clusters, 1)
        if len(centred) < k:
            raise InputError(
                f"KMeans.fit: samples must be {k} at least, as n_clusters; got n_samples = {len(centred)}."
            )
        count = integer("KMeans", "n_init", self.n_init, 1)
        integer("KMeans", "iterations", self.iterations, 1)
        if not isinstance(self.init, str):
            given = np.asarray(self.init)
            shape = (k, centred.shape[1])
            if given.shape != shape or given.dtype.kind not in "iuf" or not np.isfinite(given).all():
                raise InputError(
                    f"KMeans: init must be {shape[0]}×{shape[1]} finite numbers, or 'k-means++' or 'random';"
                    f" got {describe(given)}."
                )
            return iter([given.astype(np.float64) - mean])
        far = choice("KMeans", "init", self.init, ("k-means++", "random")) == "k-means++"
        return (
            centred[plus_plus(centred, k, random) if far else random.choice(len(centred), k, replace=False)]
            for _ in range(count)
        )

    def _rounds(self, centred: Array, start: Array, limit: float) -> Iterator[_End]:
        """Yield where each round ends; the last one is exact."""
        labels = np.empty(0, np.int32)
        centres, turn, rest = np.asarray(start, np.float64), 0, False
        for turn, now in enumerate(rounds(centred, centres, self.iterations), 1):
            labels, centres = now.labels, now.moved
            rest = now.changed == 0
            if rest or float(((now.moved - now.centres) ** 2).sum()) <= limit:
                break
            yield _End(labels, centres, turn, np.nan)
        if not rest:
            labels, squares = nearest(centred, centres)
        else:
            squares = own_squares(centred, centres, labels)
        yield _End(labels, centres, turn, float(squares.sum()))

    def _batches(self, centred: Array, start: Array, random: np.random.Generator) -> _End:
        """Move each centre to the mean of all samples that it was given in any batch so far."""
        size = min(integer("KMeans", "batch_size", self.batch_size, 1), len(centred))
        centres, seen = np.array(start, np.float64), np.zeros(len(start))
        turns = self.iterations * -(-len(centred) // size)
        smooth, best, since, turn = np.nan, np.inf, 0, 0
        share = min(1.0, 2 * size / (len(centred) + 1))
        for turn in range(1, turns + 1):
            batch = centred[random.integers(0, len(centred), size)]
            labels, squares = nearest(batch, centres)
            counts = np.bincount(labels, minlength=len(centres))
            sums = np.zeros_like(centres)
            np.add.at(sums, labels, batch)
            seen += counts
            hit = counts > 0
            centres[hit] += (sums[hit] - counts[hit, None] * centres[hit]) / seen[hit, None]
            poor = np.flatnonzero(seen < 0.01 * seen.max()) if turn % _PATIENCE == 0 else []
            for cluster, row in zip(poor, np.argsort(-squares), strict=False):  # it stands where nobody is
                centres[cluster], seen[cluster] = batch[row], seen[seen > 0].min()
            now = float(squares.mean())
            smooth = now if turn <= 2 else (1 - share) * smooth + share * now
            since = 0 if smooth < best else since + 1
            best = min(best, smooth)
            if since >= _PATIENCE:
                break
        labels, squares = nearest(centred, centres)
        return _End(labels, centres, turn, float(squares.sum()))


@dataclass(frozen=True, eq=False)
class _End:
    labels: Array
    centres: Array
    turn: int
    inertia: float


def _last(ends: Iterator[_End]) -> _End:
    *_, last = ends
    return last


_listed = method(task="clustering", paper="Lloyd 1982", lesson="w4d7")(KMeans)


@_listed.steps
def _steps(kmeans: KMeans, samples: Any) -> Iterator[Step]:
    table = as_table("KMeans.fit", samples)
    plane, mean, sums = Plane(table), table.mean(axis=0, dtype=np.float64), []
    yield Step("samples", Picture(plane.picture()), note=f"{len(table)} samples of {table.shape[1]} numbers.")
    centred = (table - mean).astype(table.dtype)
    start = next(kmeans._starts(centred, mean, generator(kmeans.seed)))
    labels, squares = nearest(centred, start)
    sums.append((0, float(squares.sum())))
    yield Step("start", Picture(plane.picture(labels, start + mean)), note="Each sample goes to the nearest centre.")
    ways = [start + mean]
    for now in rounds(centred, start, kmeans.iterations):
        turn = len(ways)
        ways.append(now.moved + mean)
        sums.append((turn, float(own_squares(centred, now.moved, now.labels).sum())))
        if turn in _SHOWN and now.changed:
            drawn = plane.picture(now.labels, ways[-1], lines=list(np.stack(ways, axis=1)))
            yield Step(f"round {turn}", Picture(drawn), note=f"{now.changed} changed, then the centres moved.")
        if not now.changed:
            break
    yield Step("sum of squares", Curve(np.array(sums, np.float64), ("round", "J")), note="It falls in every round.")
    found = kmeans.fit_predict(table)
    yield Step("clusters", Value(found), Picture(plane.picture(found, kmeans.cluster_centers_)))
