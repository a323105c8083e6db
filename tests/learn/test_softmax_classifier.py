"""The softmax classifier against scikit-learn's logistic regression, and its slope against differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.learn import SoftmaxClassifier
from sightline.learn.softmax_classifier import _loss_and_slope

peer = pytest.importorskip("sklearn.linear_model")


def clouds(count: int, width: int, kinds: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = np.arange(count) % kinds
    return random.normal(size=(kinds, width))[y] + random.normal(size=(count, width)), y


@evidence.equals(
    "learn.SoftmaxClassifier", peer="scikit-learn", tolerance="1e-6 of the greatest weight", data="2 to 5 clouds"
)
def test_weights_and_probabilities_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for kinds, cost in ((2, 1.0), (3, 10.0), (5, 0.1)):
        samples, y = clouds(300, 7, kinds)
        ours = SoftmaxClassifier(cost, tolerance=1e-9).fit(samples, y)
        theirs = peer.LogisticRegression(C=cost, tol=1e-10, solver="newton-cg", max_iter=1000).fit(samples, y)
        assert ours.coef_.shape == theirs.coef_.shape
        # Only differences of offsets matter to the loss.
        a, b = (np.append(0, m.intercept_) if kinds == 2 else m.intercept_ - m.intercept_[0] for m in (ours, theirs))
        scale = np.abs(theirs.coef_).max()
        worst = max(worst, float(np.abs(ours.coef_ - theirs.coef_).max() / scale), float(np.abs(a - b).max() / scale))
        assert np.abs(ours.predict_proba(samples) - theirs.predict_proba(samples)).max() < 1e-6
        assert (ours.predict(samples) == theirs.predict(samples)).all()
        assert (np.diff(ours.losses_) <= 0).all()
    measured(worst)
    assert worst < 1e-6


@pytest.mark.parametrize("kinds", [2, 4])
def test_slope_equals_differences(kinds: int) -> None:
    samples, y = clouds(30, 3, kinds)
    weights = np.random.default_rng(1).normal(size=(1 if kinds == 2 else kinds, 4))
    _, slope = _loss_and_slope(weights, samples, y, 2.0)
    for i in range(weights.size):
        step = np.zeros(weights.size)
        step[i] = 1e-6
        low, high = (
            _loss_and_slope(weights + sign * step.reshape(weights.shape), samples, y, 2.0)[0] for sign in (-1, 1)
        )
        assert abs((high - low) / 2e-6 - slope[i]) < 1e-7


def test_float32_stays_float32_and_a_short_descent_is_told() -> None:
    samples, y = clouds(200, 4, 3)
    single = SoftmaxClassifier(tolerance=1e-4).fit(samples.astype(np.float32), y)
    assert single.coef_.dtype == np.float32
    assert single.predict_proba(samples.astype(np.float32)).dtype == np.float32
    with pytest.warns(UserWarning, match=r"SoftmaxClassifier\.fit: the loss must become flat; .* after 2 steps"):
        SoftmaxClassifier(iterations=2).fit(samples, y)


def test_steps_end_in_the_classes() -> None:
    samples, y = clouds(60, 2, 3)
    trace = sl.trace(SoftmaxClassifier, SoftmaxClassifier(), samples, y)
    assert (trace.result == SoftmaxClassifier().fit(samples, y).predict(samples)).all()
    assert (np.diff(trace["loss"].value[:, 1]) <= 0).all()
