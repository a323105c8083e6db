"""Mixtures of Gaussians: clouds that overlap, and for each sample the probability that it is of each cloud.

Dempster, Laird & Rubin 1977, "Maximum Likelihood from Incomplete Data via the EM Algorithm", J. Royal Statistical
Society B 39(1); in the form of Bishop 2006, "Pattern Recognition and Machine Learning", section 9.2. All probabilities
are held as logarithms. GrabCut's mixtures, of colours and without overlap, stand in :mod:`sightline.image.grab_cut`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, Seed
from sightline.learn.estimator import Estimator, as_seen, as_table
from sightline.learn.gaussians import COVARIANCES, Gaussians
from sightline.learn.kmeans import KMeans
from sightline.learn.scatter_picture import Plane

_SHOWN = (1, 2, 4, 8, 16, 32)  # rounds that are drawn


class GaussianMixture(Estimator):
    """A mixture of K Gaussians, p(x) = Σₖ πₖ N(x | μₖ, Σₖ), fitted by expectation and maximisation.

    The E-step asks which Gaussian each sample comes from: rₙₖ = πₖ N(xₙ | μₖ, Σₖ) / p(xₙ). The M-step gives each
    Gaussian the weighted share, mean and covariance of the samples: πₖ = Σₙ rₙₖ / N, μₖ = Σₙ rₙₖ xₙ / Σₙ rₙₖ and so on.
    No round lowers the likelihood.

    Parameters
    ----------
    n_components
        K, 1 to N.
    covariance_type
        What Σₖ may be: ``"full"``, any; ``"tied"``, one for all; ``"diag"``, along the axes; ``"spherical"``, round.
    init
        ``"kmeans"``, the clusters of :class:`KMeans`; ``"random"``, random shares; or (K weights, K×D means,
        covariances in the shape of ``covariances_``).
    n_init
        How many starts are tried, ≥ 1; the likeliest is kept.
    iterations
        Rounds at most, ≥ 1.
    eps
        Stop when the mean log-likelihood of a sample rises by less, ≥ 0.
    reg_covar
        Added to every variance, ≥ 0, so that no Gaussian shrinks to a point.
    seed
        Whole number ≥ 0 or a generator: which starts.

    Attributes
    ----------
    weights_, means_
        K shares πₖ and K×D means.
    covariances_
        K×D×D (full), D×D (tied), K×D (diag) or K (spherical).
    precisions_cholesky_
        Triangular P with P Pᵀ = Σ⁻¹, in that shape.
    converged_, n_iter_
        Whether ``eps`` was reached, and in how many rounds.
    lower_bound_
        Mean log-likelihood of a sample before the last M-step.

    References
    ----------
    A. P. Dempster, N. M. Laird, D. B. Rubin, "Maximum Likelihood from Incomplete Data via the EM Algorithm", Journal of
    the Royal Statistical Society B 39(1), 1977.

    Examples
    --------
    >>> import numpy as np
    >>> mixture = GaussianMixture(2).fit([[1.0], [2.0], [3.0], [9.0], [10.0], [11.0]])
    >>> np.sort(mixture.means_.ravel()).round(2).tolist(), len(set(mixture.predict([[0.0], [1.5], [12.0]]).tolist()))
    ([2.0, 10.0], 2)
    """

    kind_of_estimator: ClassVar[str | None] = "density_estimator"
    weights_: Array
    means_: Array
    covariances_: Array
    precisions_cholesky_: Array
    converged_: bool
    n_iter_: int
    lower_bound_: float

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        init: str | tuple[Array, Array, Array] = "kmeans",
        n_init: int = 1,
        iterations: int = 100,
        eps: float = 1e-3,
        reg_covar: float = 1e-6,
        seed: Seed = 0,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.init = init
        self.n_init = n_init
        self.iterations = iterations
        self.eps = eps
        self.reg_covar = reg_covar
        self.seed = seed

    def fit(self, samples: Any, y: Any = None) -> GaussianMixture:
        """Find the Gaussians; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers, N ≥ 2.
        y
            Not looked at.
        """
        table = as_table("GaussianMixture.fit", samples, least=2)
        middle, random = table.mean(axis=0, dtype=np.float64), generator(self.seed)
        centred = table - middle
        tries = integer("GaussianMixture", "n_init", self.n_init, 1) if isinstance(self.init, str) else 1
        best: tuple[float, int, bool, Gaussians] | None = None
        for _ in range(tries):
            *_, found = self._rounds(centred, middle, random)
            best = found if best is None or found[0] > best[0] else best
        assert best is not None
        self.lower_bound_, self.n_iter_, self.converged_, self._gaussians = best
        self._middle, kind = middle, table.dtype
        self.weights_, self.means_ = (v.astype(kind) for v in (best[3].weights, best[3].means + middle))
        self.covariances_ = best[3].covariances.astype(kind)
        self.precisions_cholesky_ = best[3].roots.astype(kind)
        self.n_features_in_ = table.shape[1]
        return self

    def fit_predict(self, samples: Any, y: Any = None) -> Array:
        """Find the Gaussians of N×D samples; return the likeliest one of each, N int32."""
        return self.fit(samples).predict(samples)

    def predict(self, samples: Any) -> Array:
        """Return the likeliest Gaussian of each of N×D samples, N int32."""
        return self._scores("predict", samples).argmax(axis=1).astype(np.int32)

    def predict_proba(self, samples: Any) -> Array:
        """Return the N×K probabilities that each of N×D samples is of each Gaussian."""
        scores = self._scores("predict_proba", samples)
        return np.exp(scores - log_sum(scores)[:, None])

    def score_samples(self, samples: Any) -> Array:
        """Return the logarithms of the density at each of N×D samples."""
        return log_sum(self._scores("score_samples", samples))

    def score(self, samples: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of N×D samples."""
        return float(self.score_samples(samples).mean())

    def bic(self, samples: Any) -> float:
        """Return Schwarz's criterion of N×D samples, −2 log L + p log N: the mixture of the least is the best guess."""
        return -2 * self.score(samples) * len(samples) + self._gaussians.freedom() * float(np.log(len(samples)))

    def aic(self, samples: Any) -> float:
        """Return Akaike's criterion of N×D samples, −2 log L + 2 p."""
        return -2 * self.score(samples) * len(samples) + 2 * self._gaussians.freedom()

    def sample(self, count: int = 1, seed: Seed = 0) -> tuple[Array, Array]:
        """Draw new samples.

        Parameters
        ----------
        count
            How many, ≥ 1.
        seed
            Whole number ≥ 0 or a generator.

        Returns
        -------
        samples
            count×D float64.
        labels
            count int64: which Gaussian each comes from.
        """
        count, random = integer("GaussianMixture.sample", "count", count, 1), generator(seed)
        labels = random.choice(len(self.weights_), count, p=self._gaussians.weights)
        noise = random.normal(size=(count, self.n_features_in_))
        whole = np.linalg.cholesky(self._gaussians.matrices())
        return self._gaussians.means[labels] + self._middle + np.einsum("nij,nj->ni", whole[labels], noise), labels

    def _scores(self, name: str, samples: Any) -> Array:
        table = as_seen(self, name, samples)
        return self._gaussians.scores(table - self._middle)

    def _rounds(
        self, centred: Array, middle: Array, random: np.random.Generator
    ) -> Iterator[tuple[float, int, bool, Gaussians]]:
        """Yield the mean log-likelihood before a round, its number, whether it is the last, and its Gaussians."""
        eps = number("GaussianMixture", "eps", self.eps, 0)
        iterations = integer("GaussianMixture", "iterations", self.iterations, 1)
        gaussians, before = self._start(centred, middle, random), -np.inf
        room = number("GaussianMixture", "reg_covar", self.reg_covar, 0)
        for turn in range(1, iterations + 1):
            scores = gaussians.scores(centred)
            total = log_sum(scores)
            now = float(total.mean())
            gaussians = Gaussians.of(centred, np.exp(scores - total[:, None]), gaussians.kind, room)
            done = abs(now - before) < eps
            yield now, turn, done, gaussians
            if done:
                return
            before = now

    def _start(self, centred: Array, middle: Array, random: np.random.Generator) -> Gaussians:
        kind = choice("GaussianMixture", "covariance_type", self.covariance_type, COVARIANCES)
        k = integer("GaussianMixture", "n_components", self.n_components, 1)
        if len(centred) < k:
            raise InputError(
                f"GaussianMixture.fit: samples must be {k} at least, as n_components; got n_samples = {len(centred)}."
            )
        if not isinstance(self.init, str):
            return _given(self.init, kind, k, middle)
        if choice("GaussianMixture", "init", self.init, ("kmeans", "random")) == "kmeans":
            shares = np.eye(k)[KMeans(k, seed=random).fit(centred).labels_]
        else:
            shares = random.random((len(centred), k))
            shares /= shares.sum(axis=1, keepdims=True)
        return Gaussians.of(centred, shares, kind, self.reg_covar)


def _given(init: Any, kind: str, k: int, middle: Array) -> Gaussians:
    width = len(middle)
    wanted = {"full": (k, width, width), "tied": (width, width), "diag": (k, width), "spherical": (k,)}[kind]
    parts = [np.asarray(part, np.float64) for part in init] if isinstance(init, (tuple, list)) else []
    shapes = [(k,), (k, width), wanted]
    if [part.shape for part in parts] != shapes or not all(np.isfinite(part).all() for part in parts):
        got = ", ".join(describe(part) for part in parts) or describe(init)
        told = ", ".join("×".join(map(str, shape)) for shape in shapes)
        raise InputError(f"GaussianMixture: init must be 'kmeans', 'random' or arrays of {told}; got {got}.")
    return Gaussians(parts[0], parts[1] - middle, parts[2], kind)


def log_sum(scores: Array) -> Array:
    """Return log Σₖ exp(scoresₙₖ) of each row; the greatest goes first, so that nothing overflows."""
    top = scores.max(axis=1)
    return top + np.log(np.exp(scores - top[:, None]).sum(axis=1))


_listed = method(task="clustering", paper="Dempster, Laird & Rubin 1977", lesson="w4d7")(GaussianMixture)


@_listed.steps
def _steps(mixture: GaussianMixture, samples: Any) -> Iterator[Step]:
    table = as_table("GaussianMixture.fit", samples, least=2)
    plane, middle = Plane(table), table.mean(axis=0, dtype=np.float64)
    yield Step("samples", Picture(plane.picture()), note=f"{len(table)} samples of {table.shape[1]} numbers.")
    likely = []
    for now, turn, _, gaussians in mixture._rounds(table - middle, middle, generator(mixture.seed)):
        likely.append((turn, now))
        if turn in _SHOWN:
            best = gaussians.scores(table - middle).argmax(axis=1)
            drawn = plane.picture(best, gaussians.means + middle, covariances=gaussians.matrices())
            note = "Ellipses of two standard deviations." if turn == 1 else ""
            yield Step(f"round {turn}", Picture(drawn), note=note)
    curve = Curve(np.array(likely), ("round", "mean log-likelihood"))
    yield Step("log-likelihood", curve, note="No round lowers it.")
    labels = mixture.fit_predict(table)
    matrices = mixture._gaussians.matrices()
    drawn = plane.picture(labels, mixture.means_.astype(np.float64), covariances=matrices)
    yield Step("clusters", Value(labels), Picture(drawn), note=f"After {mixture.n_iter_} rounds.")
