"""t-SNE: a map in the plane on which near samples stay near.

van der Maaten & Hinton 2008, "Visualizing Data using t-SNE", JMLR 9; by a tree as van der Maaten 2014, "Accelerating
t-SNE using Tree-Based Algorithms", JMLR 15. The first places and the learning rate are those of Kobak & Berens 2019,
"The Art of Using t-SNE for Single-Cell Transcriptomics", Nature Communications 10, and Belkina et al. 2019, ibid.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, Seed
from sightline.learn.affinities import dense_affinities, sparse_affinities
from sightline.learn.estimator import Estimator, as_table
from sightline.learn.pca import PCA
from sightline.learn.quad_tree import repulsion
from sightline.learn.scatter_picture import Plane

_EARLY = 250  # iterations with exaggerated probabilities
_CHECK = 50  # iterations between two looks at the divergence
_PATIENCE = 300  # iterations without a lesser one
_STILL = 1e-7  # length of a gradient that moves nothing any more


class TSNE(Estimator):
    """t-distributed stochastic neighbour embedding: a map on which neighbours stay neighbours.

    pᵢⱼ says how likely two samples are neighbours, qᵢⱼ ∝ 1 / (1 + ‖yᵢ − yⱼ‖²) the same of their places on the map. The
    places slide down the slope of KL = Σ pᵢⱼ log pᵢⱼ / qᵢⱼ,

        ∂KL/∂yᵢ = 4 Σⱼ (pᵢⱼ − qᵢⱼ) (yᵢ − yⱼ) / (1 + ‖yᵢ − yⱼ‖²).

    Distances between far groups and the sizes of groups on the map mean little.

    Parameters
    ----------
    n_components
        Dimensions of the map, 1–3; at most 2 with ``"barnes_hut"``.
    perplexity
        How many neighbours a sample has, ≥ 1 and less than N.
    method
        ``"barnes_hut"``, neighbours only and far groups as one, in O(N log N); or ``"exact"``, all pairs.
    angle
        How coarse the tree is, 0–1: a cell counts as one point when it is seen under a smaller angle than this.
    early_exaggeration
        What pᵢⱼ are multiplied by in the first 250 iterations, ≥ 1, so that groups form.
    learning_rate
        > 0; None takes N / ``early_exaggeration`` / 4, 50 at least.
    iterations
        At most, ≥ 1.
    init
        First places: ``"pca"``, ``"random"`` or N×``n_components`` numbers.
    seed
        Whole number ≥ 0 or a generator: which random places.

    Attributes
    ----------
    embedding_
        N×``n_components`` float32: the map.
    kl_divergence_
        KL at its end.
    n_iter_, learning_rate_
        How many iterations there were, and what the rate was.

    References
    ----------
    L. van der Maaten, G. Hinton, "Visualizing Data using t-SNE", Journal of Machine Learning Research 9, 2008.

    L. van der Maaten, "Accelerating t-SNE using Tree-Based Algorithms", Journal of Machine Learning Research 15, 2014.

    Examples
    --------
    >>> import numpy as np
    >>> two = np.repeat([[0.0] * 5, [9.0] * 5], 20, axis=0) + np.random.default_rng(0).normal(size=(40, 5))
    >>> places = TSNE(perplexity=10).fit_transform(two)
    >>> nearest = (np.linalg.norm(places[:, None] - places, axis=2) + np.diag([np.inf] * 40)).argmin(axis=1)
    >>> bool(((nearest < 20) == (np.arange(40) < 20)).all()), places.shape
    (True, (40, 2))
    """

    embedding_: Array
    kl_divergence_: float
    n_iter_: int
    learning_rate_: float

    def __init__(
        self,
        n_components: int = 2,
        *,
        perplexity: float = 30.0,
        method: str = "barnes_hut",
        angle: float = 0.5,
        early_exaggeration: float = 12.0,
        learning_rate: float | None = None,
        iterations: int = 1000,
        init: str | Array = "pca",
        seed: Seed = 0,
    ) -> None:
        self.n_components = n_components
        self.perplexity = perplexity
        self.method = method
        self.angle = angle
        self.early_exaggeration = early_exaggeration
        self.learning_rate = learning_rate
        self.iterations = iterations
        self.init = init
        self.seed = seed

    def fit(self, samples: Any, y: Any = None) -> TSNE:
        """Lay the samples out; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers, N ≥ 2.
        y
            Not looked at.
        """
        *_, (self.n_iter_, places, self.kl_divergence_) = self.descent(samples)
        self.embedding_ = np.ascontiguousarray(places.T, np.float32)
        return self

    def fit_transform(self, samples: Any, y: Any = None) -> Array:
        """Return the N×``n_components`` float32 places of N×D samples on the map."""
        return self.fit(samples).embedding_

    def descent(self, samples: Any) -> Iterator[tuple[int, Array, float]]:
        """Lay the samples out as :meth:`fit` does, watched at the start, after every 50 iterations, and at the end.

        Parameters
        ----------
        samples
            N×D numbers, N ≥ 2.

        Yields
        ------
        iteration, places, divergence
            How far it is, ``n_components``×N places, and their KL.
        """
        table = as_table("TSNE.fit", samples, least=2)
        self.n_features_in_ = table.shape[1]
        slope, places, rate, exaggeration, most = self._prepared(table)
        self.learning_rate_ = rate
        yield 0, places, slope.at(places, 1.0, divergence=True)[1]
        turn, early = 0, min(_EARLY, most)
        for last, momentum, factor in ((early, 0.5, exaggeration), (most, 0.8, 1.0)):
            moved, gains = np.zeros_like(places), np.ones_like(places)
            best, best_turn = np.inf, turn
            while turn < last:
                look = (turn + 1) % _CHECK == 0 or turn + 1 == last
                gradient, divergence = slope.at(places, factor, divergence=look)
                gains = np.where(moved * gradient < 0, gains + 0.2, gains * 0.8)
                np.maximum(gains, 0.01, out=gains)
                gradient *= gains
                moved = momentum * moved - rate * gradient
                places = places + moved
                turn += 1
                if not look:
                    continue
                if turn < most:
                    yield turn, places, divergence
                best, best_turn = (divergence, turn) if divergence < best else (best, best_turn)
                if turn - best_turn > _PATIENCE or float(np.linalg.norm(gradient)) <= _STILL:
                    break
        yield turn, places, slope.at(places, 1.0, divergence=True)[1]

    def _prepared(self, table: Array) -> tuple[Slope, Array, float, float, int]:
        count = len(table)
        dims = integer("TSNE", "n_components", self.n_components, 1, 3)
        perplexity = number("TSNE", "perplexity", self.perplexity, 1)
        if perplexity >= count:
            raise InputError(
                f"TSNE: perplexity must be less than n_samples = {count}; got {perplexity:g}. Use {max(1, count // 4)}."
            )
        exact = choice("TSNE", "method", self.method, ("barnes_hut", "exact")) == "exact"
        if not exact and dims > 2:
            raise InputError(
                f"TSNE: n_components must be 1 or 2 with method='barnes_hut'; got {dims}. Use method='exact'."
            )
        angle = number("TSNE", "angle", self.angle, 0, 1)
        exaggeration = number("TSNE", "early_exaggeration", self.early_exaggeration, 1)
        rate = max(count / exaggeration / 4, 50.0)
        if self.learning_rate is not None:
            rate = number("TSNE", "learning_rate", self.learning_rate, above=0)
        most = integer("TSNE", "iterations", self.iterations, 1)
        places = self._start(table, dims)
        slope: Slope = AllPairs(dense_affinities(table, perplexity)) if exact else ByTree(table, perplexity, angle)
        return slope, places.astype(slope.kind), rate, exaggeration, most

    def _start(self, table: Array, dims: int) -> Array:
        """Return the n_components×N first places."""
        if isinstance(self.init, str):
            if choice("TSNE", "init", self.init, ("pca", "random")) == "random":
                return 1e-4 * generator(self.seed).normal(size=(len(table), dims)).T
            kept = min(dims, *table.shape)
            found = np.zeros((dims, len(table)))
            found[:kept] = PCA(kept).fit_transform(table).T
            return found / max(float(found[0].std()), 1e-30) * 1e-4
        given = np.asarray(self.init)
        if given.shape != (len(table), dims) or given.dtype.kind not in "iuf" or not np.isfinite(given).all():
            raise InputError(
                f"TSNE: init must be 'pca', 'random' or {len(table)}×{dims} finite numbers; got {describe(given)}."
            )
        return np.ascontiguousarray(given.T, np.float64)


class Slope(ABC):
    """The slope of the divergence at places on a map."""

    kind: type[Any] = np.float64

    @abstractmethod
    def at(self, places: Array, factor: float, *, divergence: bool = False) -> tuple[Array, float]:
        """Return ∂KL/∂y at D×N places with probabilities times ``factor``, and the plain KL where asked, else NaN."""


class AllPairs(Slope):
    """The exact slope, from N×N probabilities."""

    def __init__(self, affinities: Array) -> None:
        self.affinities = affinities

    def at(self, places: Array, factor: float, *, divergence: bool = False) -> tuple[Array, float]:
        """Return the slope at D×N float64 places, and the divergence; see :class:`Slope`."""
        count = places.shape[1]
        pull, push, sums = np.empty_like(places), np.empty_like(places), np.empty((count, 3))
        over_rows(_all_pairs, count, self.affinities, places, pull, push, sums, divergence, strip=32)
        total, near, own = sums.sum(axis=0)
        slope = 4 * (factor * pull - push / total)
        return slope, float(own + near * np.log(total)) if divergence else np.nan


class ByTree(Slope):
    """The slope from the probabilities of neighbours, and a tree."""

    kind: type[Any] = np.float32

    def __init__(self, table: Array, perplexity: float, angle: float) -> None:
        self.affinities = sparse_affinities(table, perplexity)
        self.shares = self.affinities.data.astype(np.float32)
        self.angle = angle

    def at(self, places: Array, factor: float, *, divergence: bool = False) -> tuple[Array, float]:
        """Return the slope at 2×N or 1×N float32 places, and the divergence; see :class:`Slope`."""
        dims, count = places.shape
        if dims == 1:  # a line in the plane
            places = np.concatenate([places, np.zeros_like(places)])
        push, total = repulsion(places, self.angle)
        pull, sums, links = np.empty_like(places), np.empty(count), self.affinities
        given = links.indptr, links.indices, self.shares, places, pull, sums, divergence
        over_rows(_neighbours, count, *given, strip=256)
        slope = np.float32(4) * (np.float32(factor) * pull - push / np.float32(total))
        return slope[:dims], float(sums.sum()) + float(np.log(total)) if divergence else np.nan


@kernel
def _all_pairs(affinities, places, pull, push, sums, divergence, y0, y1):
    """Write Σ p q (yᵢ - yⱼ) and Σ q² (yᵢ - yⱼ), and the sums of q, p and p log p / q, of rows ``y0`` to ``y1``."""
    dims, count = places.shape
    for i in range(y0, y1):
        pull[:, i], push[:, i], sums[i] = 0.0, 0.0, 0.0
        for j in range(count):
            if i == j:
                continue
            square, p = 0.0, affinities[i, j]
            for d in range(dims):
                square += (places[d, i] - places[d, j]) * (places[d, i] - places[d, j])
            q = 1 / (1 + square)
            sums[i, 0] += q
            sums[i, 1] += p
            if divergence and p > 0:
                sums[i, 2] += p * np.log(p * (1 + square))
            for d in range(dims):
                pull[d, i] += p * q * (places[d, i] - places[d, j])
                push[d, i] += q * q * (places[d, i] - places[d, j])


@kernel(fastmath=True)
def _neighbours(starts, links, shares, places, pull, sums, divergence, y0, y1):
    """Write Σ p q (yᵢ - yⱼ) over the neighbours of rows ``y0`` to ``y1``, and Σ p log p / q where asked."""
    xs, ys = np.empty(4096, np.float32), np.empty(4096, np.float32)
    one = np.float32(1)
    for i in range(y0, y1):
        x, y, px, py, own = places[0, i], places[1, i], np.float32(0), np.float32(0), 0.0
        for first in range(starts[i], starts[i + 1], 4096):
            near, p = links[first : starts[i + 1]][:4096], shares[first : starts[i + 1]][:4096]
            for j in range(near.size):
                xs[j], ys[j] = places[0, near[j]], places[1, near[j]]
            for j in range(near.size):
                dx, dy = x - xs[j], y - ys[j]
                pq = p[j] / (one + (dx * dx + dy * dy))
                px += pq * dx
                py += pq * dy
            if divergence:
                for j in range(near.size):
                    square = np.float64(x - xs[j]) ** 2 + np.float64(y - ys[j]) ** 2
                    own += p[j] * np.log(max(np.float64(p[j]), 1e-30) * (1 + square))
        pull[0, i], pull[1, i], sums[i] = px, py, own


_listed = method(task="reduction", paper="van der Maaten & Hinton 2008", lesson="w4d7")(TSNE)


@_listed.steps
def _steps(tsne: TSNE, samples: Any, y: Any = None) -> Iterator[Step]:
    table = as_table("TSNE.fit", samples, least=2)
    groups = None if y is None else np.unique(np.asarray(y), return_inverse=True)[1]
    yield Step("widest directions", Picture(Plane(table).picture(groups)), note="All that a straight look can tell.")
    course, places = [], np.zeros((2, 1))
    for turn, places, divergence in tsne.descent(table):
        course.append((turn, divergence))
        shown = turn in (0, 50, 100, 250, 300, 500)
        if shown:
            note = "Groups are pulled together first." if turn == 50 else ""
            yield Step(f"iteration {turn}", Picture(Plane(places.T).picture(groups)), note=note)
    curve = Curve(np.array(course[1:], np.float64), ("iteration", "divergence"))
    yield Step("divergence", curve, note="The pull is exaggerated until iteration 250.")
    found = np.ascontiguousarray(places.T, np.float32)
    yield Step("map", Value(found), Picture(Plane(found).picture(groups)), note=f"After {course[-1][0]} iterations.")
