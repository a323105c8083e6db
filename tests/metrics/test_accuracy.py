"""Accuracy and top-k accuracy against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as peer

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import accuracy, top_k_accuracy

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 12, 500)
SCORES = RANDOM.normal(size=(500, 12)) + 2 * np.eye(12)[LABELS]


@evidence.equals("metrics.accuracy", peer="scikit-learn", tolerance="1e-12", data="500 random labels")
def test_accuracy_equals_scikit_learn(measured: Callable[[float], None]) -> None:
    error = abs(accuracy(LABELS, SCORES.argmax(axis=1)) - peer.accuracy_score(LABELS, SCORES.argmax(axis=1)))
    measured(error)
    assert error <= 1e-12


@evidence.equals("metrics.top_k_accuracy", peer="scikit-learn", tolerance="1e-12", data="500 random rows, with ties")
@pytest.mark.parametrize("k", [1, 2, 5, 11])
@pytest.mark.parametrize("ties", [False, True])
def test_top_k_equals_scikit_learn(k: int, ties: bool, measured: Callable[[float], None]) -> None:
    scores = np.round(SCORES) if ties else SCORES
    expected = peer.top_k_accuracy_score(LABELS, scores, k=k, labels=np.arange(12))
    error = abs(top_k_accuracy(LABELS, scores, k=k) - float(expected))
    measured(error)
    assert error <= 1e-12


def test_as_many_guesses_as_classes_find_every_label() -> None:
    assert top_k_accuracy(LABELS, SCORES, k=50) == 1


@pytest.mark.parametrize(
    ("labels", "predicted", "sentence"),
    [
        ([], [], "accuracy: labels must be N ≥ 1 whole class indices; got 0 float64"),
        ([0.5], [0], "accuracy: labels must be N ≥ 1 whole class indices; got 1 float64"),
        ([0, 1], [0], "accuracy: labels and predicted must be of one length; got 2 and 1"),
        ([-1], [0], "accuracy: labels must be ≥ 0; got -1–-1"),
    ],
)
def test_bad_labels_are_refused_by_name(labels: Any, predicted: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        accuracy(labels, predicted)
    assert sentence in str(caught.value)


def test_scores_must_be_finite_and_fit() -> None:
    with pytest.raises(InputError, match="top_k_accuracy: scores must be finite"):
        top_k_accuracy([0], [[0.5, np.nan]])
    with pytest.raises(InputError, match="top_k_accuracy: labels must be in 0–1; got 2–2"):
        top_k_accuracy([2], [[0.5, 0.1]])
