"""Linear discriminants against scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import LDA

peer = pytest.importorskip("sklearn.discriminant_analysis")


def classes(count: int, width: int, kinds: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    labels = random.integers(0, kinds, count)
    middles = random.normal(size=(kinds, width)) * 2
    return middles[labels] + random.normal(size=(count, width)) @ random.normal(size=(width, width)), labels


@evidence.equals("learn.LDA", peer="scikit-learn", tolerance="1e-8 of the greatest, up to sign", data="2 to 6 classes")
def test_directions_and_classifier_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for count, width, kinds, wanted in ((90, 5, 2, None), (120, 9, 4, None), (120, 9, 6, 2), (60, 3, 5, None)):
        samples, labels = classes(count, width, kinds)
        ours = LDA(wanted).fit(samples, labels)
        theirs = peer.LinearDiscriminantAnalysis(n_components=wanted).fit(samples, labels)
        a, b = ours.transform(samples), theirs.transform(samples)
        a = a * np.sign((a * b).sum(axis=0))
        pairs = [
            (a, b),
            (ours.decision_function(samples), theirs.decision_function(samples)),
            (ours.predict_proba(samples), theirs.predict_proba(samples)),
            (ours.explained_variance_ratio_, theirs.explained_variance_ratio_),
        ]
        worst = max(worst, *(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs))
        assert (ours.predict(samples) == theirs.predict(samples)).all()
        assert ours.score(samples, labels) == theirs.score(samples, labels)
    measured(worst)
    assert worst < 1e-8


def test_words_are_labels_too_and_parameters_are_kept() -> None:
    samples, labels = classes(60, 4, 3)
    words = np.array(["ape", "bee", "cat"])[labels]
    lda = LDA(1)
    assert lda.fit_transform(samples, words).shape == (60, 1)
    assert set(lda.predict(samples)) <= {"ape", "bee", "cat"}
    assert lda.get_params() == {"n_components": 1}


def test_refuses_by_name() -> None:
    samples, labels = classes(30, 4, 3)
    with pytest.raises(InputError, match=r"LDA\.decision_function: the estimator must have been fitted"):
        LDA().predict(samples)
    with pytest.raises(InputError, match="y must be of two classes at least; got 1 class"):
        LDA().fit(samples, np.zeros(30, int))
    with pytest.raises(InputError, match="y must be 30 whole numbers or words; got 29 int64"):
        LDA().fit(samples, labels[:29])
    with pytest.raises(InputError, match="samples must be more than the 3 classes"):
        LDA().fit(samples[:3], [0, 1, 2])
    with pytest.raises(InputError, match="n_components must be a whole number in 1–2; got 3"):
        LDA(3).fit(samples, labels)
    with pytest.raises(InputError, match="samples of a class must differ"):
        LDA().fit(np.repeat(np.eye(2), 3, axis=0), [0, 0, 0, 1, 1, 1])
