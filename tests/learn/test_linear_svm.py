"""Linear support vector machines against scikit-learn's, which are LIBLINEAR's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import LinearSVM

peer = pytest.importorskip("sklearn.svm")


def clouds(count: int, width: int, kinds: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    y = np.arange(count) % kinds
    return random.normal(size=(kinds, width))[y] + random.normal(size=(count, width)), y


@evidence.equals("learn.LinearSVM", peer="scikit-learn", tolerance="1e-6 of the greatest weight", data="2 and 4 clouds")
@pytest.mark.parametrize("loss", ["squared_hinge", "hinge"])
def test_planes_equal_those_of_scikit_learn(loss: str, measured: Callable[[float], None]) -> None:
    worst = 0.0
    for kinds, cost in ((2, 1.0), (4, 0.1)):
        samples, y = clouds(200, 8, kinds)
        ours = LinearSVM(cost, loss=loss, tolerance=1e-8, iterations=200_000).fit(samples, y)
        theirs = peer.LinearSVC(C=cost, loss=loss, tol=1e-9, max_iter=1_000_000, dual=True).fit(samples, y)
        assert ours.coef_.shape == theirs.coef_.shape
        scale = np.abs(theirs.coef_).max()
        worst = max(
            worst,
            float(np.abs(ours.coef_ - theirs.coef_).max() / scale),
            float(np.abs(ours.intercept_ - theirs.intercept_).max() / scale),
        )
        assert (ours.predict(samples) == theirs.predict(samples)).all()
        assert np.allclose(ours.decision_function(samples), theirs.decision_function(samples), atol=1e-5)
    measured(worst)
    assert worst < 1e-6


def test_the_same_seed_gives_the_same_bits_at_any_number_of_threads() -> None:
    from sightline.core.kernels import set_threads, threads

    samples, y = clouds(300, 6, 5)
    before, found = threads(), []
    for count in (1, 3):
        set_threads(count)
        found.append(LinearSVM(seed=4).fit(samples, y).coef_)
    set_threads(before)
    assert (found[0] == found[1]).all()


def test_float32_stays_float32() -> None:
    samples, y = clouds(200, 6, 2)
    single = LinearSVM(tolerance=1e-3).fit(samples.astype(np.float32), y)
    assert single.coef_.dtype == single.intercept_.dtype == np.float32
    assert np.abs(single.coef_ - LinearSVM(tolerance=1e-6).fit(samples, y).coef_).max() < 1e-3


def test_refuses_by_name_and_warns() -> None:
    samples, y = clouds(60, 3, 2)
    with pytest.raises(InputError, match="loss must be one of 'squared_hinge', 'hinge'; got 'hing'"):
        LinearSVM(loss="hing").fit(samples, y)
    with pytest.warns(UserWarning, match=r"LinearSVM\.fit: the planes must come to rest; .* after 2 passes"):
        LinearSVM(iterations=2, tolerance=1e-9).fit(samples, y)
