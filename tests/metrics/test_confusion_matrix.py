"""Confusion matrix, precision, recall and F1 against scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as peer

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import confusion_matrix, precision_recall_f1

RANDOM = np.random.default_rng(1)
LABELS = RANDOM.integers(0, 6, 400)
PREDICTED = np.where(RANDOM.random(400) < 0.6, LABELS, RANDOM.integers(0, 5, 400))  # class 5 is rarely predicted
CASES = [
    (LABELS, PREDICTED),
    (LABELS, np.zeros(400, int)),
    (np.array([0]), np.array([0])),
    (np.array([0]), np.array([2])),
]


@evidence.equals("metrics.confusion_matrix", peer="scikit-learn", tolerance="exact", data="400 random labels")
@pytest.mark.parametrize(("labels", "predicted"), CASES)
def test_counts_equal_scikit_learn(
    labels: np.ndarray, predicted: np.ndarray, measured: Callable[[float], None]
) -> None:
    found = confusion_matrix(labels, predicted, classes=8)
    expected = peer.confusion_matrix(labels, predicted, labels=np.arange(8))
    measured(float(np.abs(found - expected).max()))
    np.testing.assert_array_equal(found, expected)


@evidence.equals("metrics.precision_recall_f1", peer="scikit-learn", tolerance="1e-12", data="400 random labels")
@pytest.mark.parametrize(("labels", "predicted"), CASES)
def test_scores_equal_scikit_learn(
    labels: np.ndarray, predicted: np.ndarray, measured: Callable[[float], None]
) -> None:
    found = precision_recall_f1(labels, predicted, classes=6)
    each = peer.precision_recall_fscore_support(labels, predicted, labels=np.arange(6), zero_division=0)
    macro = peer.precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)[:3]
    ours = np.concatenate([found.precision, found.recall, found.f1, found.support])
    means = np.array([found.macro_precision, found.macro_recall, found.macro_f1])
    error = max(np.abs(ours - np.concatenate(each)).max(), np.abs(means - macro).max())
    measured(float(error))
    assert error <= 1e-12


def test_classes_default_to_one_more_than_the_largest() -> None:
    assert confusion_matrix([0, 3], [0, 1]).shape == (4, 4)


def test_scores_are_json() -> None:
    assert json.loads(json.dumps(precision_recall_f1([0, 1], [0, 0]).to_json()))["recall"] == [1.0, 0.0]


def test_a_label_above_the_classes_is_refused() -> None:
    with pytest.raises(InputError, match="confusion_matrix: predicted must be in 0–1; got 0–2"):
        confusion_matrix([0, 1], [0, 2], classes=2)
