"""Mean shift against scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import MeanShift

peer = pytest.importorskip("sklearn.cluster")


def crowds(count: int = 80, width: int = 2) -> np.ndarray:
    random = np.random.default_rng(0)
    middles = random.normal(size=(4, width)) * 6
    return middles[random.integers(0, 4, count)] + random.normal(size=(count, width)) + 5


CASES: tuple[dict[str, Any], ...] = (
    {},
    {"bandwidth": 2.5},
    {"bandwidth": 2.5, "bin_seeding": True},
    {"bandwidth": 2.0, "bin_seeding": True, "min_bin_freq": 3, "cluster_all": False},
)


@evidence.equals("learn.MeanShift", peer="scikit-learn", tolerance="1e-9", data="crowds, all starts and bins")
def test_peaks_equal_those_of_scikit_learn(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for width in (1, 3):
        samples = crowds(40, width)
        for options in CASES:
            ours, theirs = MeanShift(**options).fit(samples), peer.MeanShift(**options).fit(samples)
            assert ours.cluster_centers_.shape == theirs.cluster_centers_.shape
            assert (ours.labels_ == theirs.labels_).all()
            assert (ours.predict(samples + 0.3) == theirs.predict(samples + 0.3)).all()
            worst = max(worst, float(np.abs(ours.cluster_centers_ - theirs.cluster_centers_).max()))
        worst = max(worst, abs(MeanShift().fit(samples).bandwidth_ - peer.estimate_bandwidth(samples)))
    measured(worst)
    assert worst < 1e-9


def test_steps_end_in_the_clusters() -> None:
    samples = crowds(60)
    trace = sl.trace(MeanShift, MeanShift(2.5), samples)
    assert (trace.result == MeanShift(2.5).fit_predict(samples)).all()
    assert "2.5" in trace["starts"].note


def test_refuses_by_name() -> None:
    samples = crowds(20)
    with pytest.raises(InputError, match=r"MeanShift: bandwidth must be a number > 0; got 0"):
        MeanShift(0).fit(samples)
    with pytest.raises(InputError, match=r"MeanShift: min_bin_freq must be ≤ \d+, the fullest cell's samples; got 99"):
        MeanShift(2.0, bin_seeding=True, min_bin_freq=99).fit(samples)
    with pytest.raises(InputError, match=r"MeanShift: bin_seeding must be True or False"):
        MeanShift(2.0, bin_seeding=1).fit(samples)  # pyrefly: ignore
