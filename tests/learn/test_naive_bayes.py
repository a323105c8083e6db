"""Naive Bayes against scikit-learn's three."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import NaiveBayes

peer = pytest.importorskip("sklearn.naive_bayes")
PEERS = {"gaussian": peer.GaussianNB, "multinomial": peer.MultinomialNB, "bernoulli": peer.BernoulliNB}


def counts(kinds: int = 4, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = random.integers(0, kinds, 120)
    return random.poisson(random.gamma(1.0, 2.0, (kinds, 15))[y]).astype(np.float64), y


@evidence.equals("learn.NaiveBayes", peer="scikit-learn", tolerance="1e-10 of the logarithms", data="counts, 4 classes")
@pytest.mark.parametrize("kind", list(PEERS))
def test_likelihoods_equal_those_of_scikit_learn(kind: str, measured: Callable[[float], None]) -> None:
    samples, y = counts()
    worst = 0.0
    for smoothing in (None, 0.3):
        told = {} if smoothing is None else {"var_smoothing" if kind == "gaussian" else "alpha": smoothing}
        ours = NaiveBayes(kind, smoothing=smoothing).fit(samples, y)
        theirs = PEERS[kind](**told).fit(samples, y)
        a, b = ours.joint_log_likelihood(samples), theirs.predict_joint_log_proba(samples)
        worst = max(worst, float(np.abs(a - b).max() / np.abs(b).max()))
        assert np.abs(ours.predict_proba(samples) - theirs.predict_proba(samples)).max() < 1e-9
        assert (ours.predict(samples) == theirs.predict(samples)).all()
    measured(worst)
    assert worst < 1e-10


def test_threshold_is_where_presence_begins() -> None:
    samples, y = counts()
    ours = NaiveBayes("bernoulli", threshold=2).fit(samples, y)
    assert (ours.predict(samples) == NaiveBayes("bernoulli").fit(samples > 2, y).predict(samples > 2)).all()


def test_refuses_by_name() -> None:
    samples, y = counts()
    with pytest.raises(InputError, match=r"NaiveBayes\.fit: Negative values in data: counts must be ≥ 0; got -1"):
        NaiveBayes("multinomial").fit(np.where(samples == 0, -1, samples), y)
    with pytest.raises(InputError, match="kind must be one of 'gaussian', 'multinomial', 'bernoulli'; got 'normal'"):
        NaiveBayes("normal").fit(samples, y)
    with pytest.raises(InputError, match="must differ in each number; got variance 0"):
        NaiveBayes(smoothing=0).fit(np.zeros((4, 2)), [0, 1, 0, 1])
