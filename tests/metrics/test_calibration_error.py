"""Calibration error against scikit-learn's reliability curve, weighed as in Guo 2017."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import calibration_error

RANDOM = np.random.default_rng(2)
LABELS = RANDOM.integers(0, 4, 1000)
LOGITS = RANDOM.normal(size=(1000, 4)) + 1.5 * np.eye(4)[LABELS]
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)


@evidence.equals("metrics.calibration_error", peer="scikit-learn", tolerance="1e-12", data="1,000 random softmax rows")
@pytest.mark.parametrize("bins", [1, 7, 15])
def test_bins_equal_scikit_learn(bins: int, measured: Callable[[float], None]) -> None:
    found = calibration_error(LABELS, PROBABILITIES, bins=bins)
    confidence = PROBABILITIES.max(axis=1)
    right = PROBABILITIES.argmax(axis=1) == LABELS
    share, mean = calibration_curve(right, confidence, n_bins=bins)
    full = found.counts > 0
    expected = np.sum(found.counts[full] / 1000 * np.abs(share - mean))
    error = max(
        np.abs(found.accuracy[full] - share).max(),
        np.abs(found.confidence[full] - mean).max(),
        abs(found.error - expected),
    )
    measured(float(error))
    assert found.counts.sum() == 1000
    assert error <= 1e-12


def test_a_sure_and_right_model_has_no_error() -> None:
    found = calibration_error([0, 1], [[1.0, 0.0], [0.0, 1.0]])
    assert found.error == 0
    assert found.counts[-1] == 2


def test_empty_bins_are_null_in_json() -> None:
    rows = json.loads(json.dumps(calibration_error([0], [[0.9, 0.1]], bins=2).to_json()))["bins"]
    assert rows[0]["accuracy"] is None
    assert rows[1] == {"low": 0.5, "high": 1.0, "confidence": 0.9, "accuracy": 1.0, "count": 1}


@pytest.mark.parametrize("rows", [[[2.0, -1.0]], [[0.5, 0.2]], [[np.nan, 1.0]]])
def test_logits_and_nan_are_refused(rows: list[list[float]]) -> None:
    with pytest.raises(InputError, match="calibration_error: probabilities must be"):
        calibration_error([0], rows)
