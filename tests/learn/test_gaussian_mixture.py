"""Mixtures of Gaussians against scikit-learn's, from the same start."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import GaussianMixture

peer = pytest.importorskip("sklearn.mixture")
K = 4
STARTS = {"full": np.stack([np.eye(3)] * K), "tied": np.eye(3), "diag": np.ones((K, 3)), "spherical": np.ones(K)}


def clouds() -> np.ndarray:
    random = np.random.default_rng(0)
    middles = np.array([(0, 0, 1), (5, 1, 0), (2, 6, 0), (8, 7, 3)])
    return np.concatenate([random.normal(m, 1, (90, 3)) @ random.normal(size=(3, 3)) for m in middles]) + 30


@evidence.equals("learn.GaussianMixture", peer="scikit-learn", tolerance="1e-9", data="4 clouds, 4 kinds of covariance")
@pytest.mark.parametrize("kind", list(STARTS))
def test_equals_that_of_scikit_learn_from_the_same_start(kind: str, measured: Callable[[float], None]) -> None:
    samples, weights = clouds(), np.array([0.1, 0.2, 0.3, 0.4])
    means = samples[[1, 120, 210, 300]]
    ours = GaussianMixture(K, covariance_type=kind, init=(weights, means, STARTS[kind]), eps=1e-6).fit(samples)
    given = {"weights_init": weights, "means_init": means, "precisions_init": STARTS[kind], "tol": 1e-6}
    theirs = peer.GaussianMixture(K, covariance_type=kind, **given).fit(samples)
    assert (ours.n_iter_, ours.converged_) == (theirs.n_iter_, theirs.converged_)
    assert (ours.predict(samples) == theirs.predict(samples)).all()
    names = ("weights_", "means_", "covariances_", "precisions_cholesky_", "lower_bound_")
    pairs = [(getattr(ours, name), getattr(theirs, name)) for name in names]
    calls = ("predict_proba", "score_samples", "score", "bic", "aic")
    pairs += [(getattr(ours, name)(samples), getattr(theirs, name)(samples)) for name in calls]
    worst = max(float(np.abs(np.asarray(a) - b).max() / np.abs(b).max()) for a, b in pairs)
    measured(worst)
    assert worst < 1e-9


def test_its_own_starts_end_as_high_as_those_of_scikit_learn() -> None:
    samples = clouds()
    ours = GaussianMixture(K, n_init=3).fit(samples)
    assert ours.score(samples) > peer.GaussianMixture(K, random_state=0).fit(samples).score(samples) - 0.01
    assert GaussianMixture(K, init="random", n_init=2, iterations=200).fit(samples).score(samples) > -9


def test_the_criterion_counts_the_clouds_and_samples_come_from_them() -> None:
    random = np.random.default_rng(3)
    samples = np.concatenate([random.normal(m, 1, (150, 2)) for m in ((0, 0), (8, 0), (0, 9))])
    bics = [GaussianMixture(k, covariance_type="spherical").fit(samples).bic(samples) for k in range(1, 6)]
    assert int(np.argmin(bics)) + 1 == 3
    mixture = GaussianMixture(3).fit(samples)
    drawn, labels = mixture.sample(4000, seed=1)
    assert np.abs(drawn.mean(axis=0) - samples.mean(axis=0)).max() < 0.3
    assert (mixture.predict(drawn) == labels).mean() > 0.99
    assert (mixture.sample(5, seed=2)[0] == mixture.sample(5, seed=2)[0]).all()


def test_probabilities_are_exact_far_from_everything() -> None:
    mixture = GaussianMixture(2).fit([[0.0], [1.0], [2.0], [50.0], [51.0], [52.0]])
    shares = mixture.predict_proba([[-1e4], [1e4]])
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.isfinite(mixture.score_samples([[1e6]])).all()


def test_no_round_lowers_the_likelihood_and_steps_end_in_the_clusters() -> None:
    samples, mixture = clouds(), GaussianMixture(K, init="random", iterations=40)
    trace = sl.trace(GaussianMixture, mixture, samples)
    assert (np.diff(trace["log-likelihood"].value[:, 1]) > -1e-5).all()
    assert (trace.result == mixture.fit_predict(samples)).all()


def test_refuses_by_name() -> None:
    samples = clouds()
    with pytest.raises(InputError, match=r"GaussianMixture: covariance_type must be one of .*; got 'diagonal'"):
        GaussianMixture(2, covariance_type="diagonal").fit(samples)
    with pytest.raises(InputError, match=r"init must be 'kmeans', 'random' or arrays of 2, 2×3, 2×3×3; got 2 float64"):
        GaussianMixture(2, init=(np.ones(2), np.ones((2, 2)), np.ones(2))).fit(samples)
    with pytest.raises(InputError, match=r"samples must spread in every direction within a cluster"):
        GaussianMixture(2, reg_covar=0).fit(np.ones((9, 2)))
