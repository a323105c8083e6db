"""Folds and cross-validation against scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import KNN, NaiveBayes, cross_validate, k_fold

peer = pytest.importorskip("sklearn.model_selection")


def mixed(count: int = 103, kinds: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, kinds, count) ** 2 % 5


@evidence.equals("learn.k_fold", peer="scikit-learn", tolerance="identical", data="labels of unequal classes")
def test_folds_in_order_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    differences = 0
    for folds in (2, 5, 7):
        y = mixed()
        for splitter, stratified in ((peer.StratifiedKFold, True), (peer.KFold, False)):
            expected = np.empty(len(y), int)
            for k, (_, tested) in enumerate(splitter(folds).split(y[:, None], y)):
                expected[tested] = k
            differences += int((k_fold(y, folds, stratified=stratified) != expected).sum())
    measured(differences)
    assert differences == 0


def test_seeded_folds_keep_the_shares() -> None:
    y = mixed(200)
    places = k_fold(y, 4, seed=3)
    assert (places == k_fold(y, 4, seed=3)).all()
    assert (places != k_fold(y, 4, seed=4)).any()
    for label in np.unique(y):
        share = np.bincount(places[y == label], minlength=4)
        assert share.max() - share.min() <= 1
    assert np.bincount(k_fold(y, 3, stratified=False, seed=1)).tolist() == [67, 67, 66]


@evidence.equals("learn.cross_validate", peer="scikit-learn", tolerance="identical", data="two overlapping clouds")
def test_scores_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    neighbours = pytest.importorskip("sklearn.neighbors")
    random = np.random.default_rng(1)
    y = np.arange(90) % 2
    samples = random.normal(size=(90, 3)) + y[:, None]
    ours = cross_validate(KNN(5), samples, y, folds=5, seed=None)
    theirs = peer.cross_val_score(neighbours.KNeighborsClassifier(5), samples, y, cv=peer.StratifiedKFold(5))
    measured(float(np.abs(ours.scores - theirs).max()))
    assert (ours.scores == theirs).all()
    assert ours.mean == pytest.approx((ours.predicted == y).mean())
    assert ours.spread == pytest.approx(np.std(theirs, ddof=1))
    assert not hasattr(NaiveBayes(), "n_features_in_")


def test_the_estimator_is_not_fitted_itself() -> None:
    told = NaiveBayes()
    cross_validate(told, np.random.default_rng(0).normal(size=(20, 2)), ["a", "b"] * 10, folds=2)
    assert not hasattr(told, "classes_")


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match="folds must be at most the 3 samples; got 5"):
        k_fold([0, 1, 0])
    with pytest.raises(InputError, match="folds must be at most the samples of the greatest class; got 5"):
        k_fold([0, 1, 2, 0, 1, 2])
    with pytest.raises(InputError, match="estimator must be a classifier of sightline"):
        cross_validate("knn", [[0.0], [1.0]], [0, 1])  # ty: ignore
