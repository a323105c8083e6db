"""The bootstrap against SciPy's; its coverage; seeds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import bootstrap_interval

RIGHT = np.random.default_rng(3).random(400) < 0.9


@evidence.equals(
    "metrics.bootstrap_interval", peer="scipy", tolerance="0.004 (two random draws)", data="400 right and wrong answers"
)
def test_interval_equals_scipys(measured: Callable[[float], None]) -> None:
    theirs = stats.bootstrap(
        (RIGHT.astype(float),), np.mean, method="percentile", n_resamples=20_000, batch=500, rng=0
    ).confidence_interval
    error = np.abs(np.subtract(bootstrap_interval(RIGHT, iterations=20_000), theirs)).max()
    measured(float(error))
    assert error <= 0.004


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    random = np.random.default_rng(4)
    inside = 0
    for trial in range(300):
        low, high = bootstrap_interval(random.random(200) < 0.8, iterations=300, seed=trial)
        inside += low <= 0.8 <= high
    assert 0.90 <= inside / 300 <= 0.99


def test_same_seed_same_interval() -> None:
    values = np.random.default_rng(5).normal(size=50)
    assert bootstrap_interval(values, seed=7) == bootstrap_interval(values, seed=7)
    assert bootstrap_interval(values, seed=7) != bootstrap_interval(values, seed=8)


def test_one_value_has_no_spread() -> None:
    assert bootstrap_interval([0.25]) == (0.25, 0.25)


@pytest.mark.parametrize("values", [[], [np.nan], [[1.0]], ["a"]])
def test_bad_values_are_refused(values: object) -> None:
    with pytest.raises(InputError, match="bootstrap_interval: values must be N ≥ 1 finite numbers"):
        bootstrap_interval(values)  # type: ignore[arg-type]


@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_an_interval_of_everything_or_nothing_is_refused(confidence: float) -> None:
    with pytest.raises(InputError, match="confidence must lie between 0 and 1"):
        bootstrap_interval([1.0], confidence=confidence)
