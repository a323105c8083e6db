"""Support vector machines with kernels against scikit-learn's, which are LIBSVM's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import KernelSVM
from sightline.learn.kernel_products import KernelProducts
from sightline.learn.smo import PairwiseDescent

peer = pytest.importorskip("sklearn.svm")


def clouds(count: int, width: int, kinds: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = np.arange(count) % kinds
    return random.normal(size=(kinds, width))[y] * 1.5 + random.normal(size=(count, width)), y


@evidence.equals("learn.KernelSVM", peer="scikit-learn", tolerance="1e-4, the same support vectors", data="clouds")
def test_decisions_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for kernel, kinds, cost, shift in (
        ("rbf", 2, 2.0, 0.0),
        ("rbf", 4, 20.0, 0.0),
        ("poly", 3, 1.0, 1.0),
        ("linear", 2, 0.5, 0.0),
    ):
        samples, y = clouds(240, 5, kinds)
        ours = KernelSVM(kernel, cost=cost, shift=shift, tolerance=1e-6).fit(samples, y)
        theirs = peer.SVC(kernel=kernel, C=cost, coef0=shift, tol=1e-6, break_ties=True).fit(samples, y)
        theirs.decision_function_shape = "ovo"
        expected = theirs.decision_function(samples)
        expected = (
            expected[:, None] if kinds == 2 else -expected
        )  # of two classes, theirs speaks for the second one, too
        worst = max(worst, float(np.abs(ours.pairwise(samples) - expected).max()))
        assert set(ours.support_) == set(theirs.support_)
        theirs.decision_function_shape = "ovr"
        assert (ours.predict(samples) == theirs.predict(samples)).all()
        assert ours.decision_function(samples).shape == ((240,) if kinds == 2 else (240, kinds))
    measured(worst)
    assert worst < 1e-4


def test_conditions_of_the_optimum_hold() -> None:
    samples, y = clouds(150, 3, 2)
    ours = KernelSVM(cost=3.0, gamma=0.5, tolerance=1e-5).fit(samples, y)
    alphas = np.abs(ours.dual_coef_[0])
    margins = np.where(y == 1, 1, -1)[ours.support_] * ours.decision_function(samples)[ours.support_]
    assert abs(ours.dual_coef_.sum()) < 1e-9
    assert alphas.max() <= 3
    assert np.abs(margins[alphas < 3 - 1e-9] - 1).max() < 1e-4  # on the edge of the street
    assert (margins[alphas >= 3 - 1e-9] < 1 + 1e-4).all()  # in it, or beyond


def test_rows_that_made_room_for_others_are_made_again() -> None:
    samples, y = clouds(700, 4, 2)
    signs = np.where(y == 1, 1.0, -1.0)
    found = []
    for memory in (1, 10**9):  # 256 rows, and all
        descent = PairwiseDescent(KernelProducts(samples, "rbf", 1.0, 3, 0.0), signs, 100.0, 1e-4, memory)
        assert descent.run(10**6)
        found.append(descent.state().alphas)
        held = descent.slots >= 0
        assert (descent.owners[descent.slots[held]] == np.flatnonzero(held)).all()
    assert (found[0] > 0).sum() > 256
    assert np.abs(found[0] - found[1]).max() < 1e-6


def test_float32_says_the_same() -> None:
    samples, y = clouds(200, 6, 3)
    double, single = (KernelSVM(cost=5).fit(samples.astype(kind), y) for kind in (np.float64, np.float32))
    assert single.support_vectors_.dtype == single.dual_coef_.dtype == np.float32
    assert (double.predict(samples) == single.predict(samples)).mean() > 0.98


def test_steps_end_in_the_classes() -> None:
    samples, y = clouds(60, 2, 2)
    trace = sl.trace(KernelSVM, KernelSVM(cost=10), samples, y)
    assert (trace.result == KernelSVM(cost=10).fit(samples, y).predict(samples)).all()
    assert trace["gap"].value[-1, 1] < 1e-3 < trace["gap"].value[0, 1]
    assert trace["1 pairs"].picture().shape == (360, 360, 3)


def test_refuses_by_name_and_warns() -> None:
    samples, y = clouds(40, 3, 3)
    with pytest.raises(InputError, match=r"kernel must be one of 'linear', 'poly', 'rbf'; got 'rfb'.*Did you mean"):
        KernelSVM("rfb").fit(samples, y)
    with pytest.raises(InputError, match=r"cost must be a number .* got 0"):
        KernelSVM(cost=0).fit(samples, y)
    with pytest.raises(InputError, match="gamma must be one of 'scale'; got 'auto'"):
        KernelSVM(gamma="auto").fit(samples, y)
    with pytest.warns(UserWarning, match=r"KernelSVM\.fit: the gap must close; .* is left after 1 steps"):
        KernelSVM(iterations=1).fit(samples, y)
    with pytest.raises(InputError, match="y must be of two classes to be watched; got 3"):
        sl.trace(KernelSVM, KernelSVM(), samples[:, :2], y)
