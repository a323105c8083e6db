"""The particle filter against the exact answer, and systematic resampling against filterpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.motion import KalmanFilter, ParticleFilter, systematic_resample


@evidence.equals("motion.systematic_resample", peer="filterpy", tolerance="identical", data="random weights")
def test_resampling_equals_filterpy(measured: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> None:
    peer = pytest.importorskip("filterpy.monte_carlo.resampling")
    wrong = 0
    for seed in range(40):
        weights = np.random.default_rng(seed).random(50) ** 4
        weights /= weights.sum()
        first = np.random.default_rng(seed).random()
        monkeypatch.setattr(peer, "random", lambda first=first: first)
        theirs = peer.systematic_resample(weights)
        wrong += int((systematic_resample(weights, np.random.default_rng(seed)) != theirs).sum())
    measured(wrong)
    assert wrong == 0


@pytest.mark.parametrize("seed", range(5))
def test_each_is_drawn_as_often_as_its_weight_says(seed: int) -> None:
    weights = np.random.default_rng(seed).random(30)
    count = np.bincount(systematic_resample(weights, seed), minlength=30)
    assert np.abs(count - 30 * weights / weights.sum()).max() < 1
    assert systematic_resample(np.array([0.0, 2.0, 0.0]), seed).tolist() == [1, 1, 1]


@evidence.equals(
    "motion.ParticleFilter", peer="filterpy", tolerance="0.05 of the spread", data="a linear walk, 20 steps"
)
def test_it_comes_to_the_exact_answer(measured: Callable[[float], None]) -> None:
    peer = pytest.importorskip("filterpy.kalman")
    random = np.random.default_rng(3)
    exact = peer.KalmanFilter(dim_x=1, dim_z=1)
    exact.F, exact.H, exact.Q, exact.R, exact.P = np.eye(1), np.eye(1), np.eye(1) * 0.04, np.eye(1) * 0.25, np.eye(1)
    ours = ParticleFilter(
        random.normal(0, 1, (40_000, 1)),
        lambda at, noise: at + noise.normal(0, 0.2, at.shape),
        lambda at, z: np.exp(-0.5 * ((at[:, 0] - z) / 0.5) ** 2),
        seed=1,
    )
    worst = 0.0
    for z in np.cumsum(random.normal(0, 0.2, 20)):
        exact.predict()
        exact.update(z)
        ours.predict()
        mean = ours.update(z)
        worst = max(worst, abs(float(mean[0] - exact.x[0, 0])) / float(np.sqrt(exact.P[0, 0])))
    measured(worst)
    assert worst < 0.05
    assert abs(float(ours.covariance[0, 0]) / float(exact.P[0, 0]) - 1) < 0.1


def test_it_holds_two_places_at_once() -> None:
    start = np.random.default_rng(0).uniform(-5, 5, (2000, 1))
    ring = ParticleFilter(start, lambda at, _: at, lambda at, z: np.exp(-(((np.abs(at[:, 0]) - z) / 0.2) ** 2)))
    ring.update(3.0)
    left, right = (ring.particles[:, 0] < -2).mean(), (ring.particles[:, 0] > 2).mean()
    assert min(left, right) > 0.4
    gauss = KalmanFilter(np.eye(1), np.eye(1), np.eye(1), np.eye(1))
    assert gauss.state.shape == ring.state.shape


def test_the_same_seed_gives_the_same_crowd() -> None:
    def run(seed: int) -> np.ndarray:
        made = ParticleFilter(
            np.zeros((50, 2)),
            lambda at, noise: at + noise.normal(size=at.shape),
            lambda at, z: at[:, 0] ** 2,
            seed=seed,
        )
        made.predict()
        made.update(None)
        made.update(1)
        return made.particles

    assert (run(4) == run(4)).all()
    assert (run(4) != run(5)).any()


def test_what_cannot_be_is_refused() -> None:
    nowhere = ParticleFilter(np.zeros((5, 1)), lambda at, _: at, lambda at, _: np.zeros(len(at)))
    with pytest.raises(InputError, match=r"ParticleFilter.update: weights must not all be 0: no particle explains"):
        nowhere.update(1)
    with pytest.raises(InputError, match=r"ParticleFilter: particles must be N×D finite numbers; got 0×1 float64"):
        ParticleFilter(np.zeros((0, 1)), nowhere._motion, nowhere._likelihood)
    with pytest.raises(InputError, match=r"ParticleFilter: motion must be a function; got int 3"):
        ParticleFilter(np.zeros((3, 1)), 3, nowhere._likelihood)  # pyrefly: ignore
    with pytest.raises(InputError, match=r"ParticleFilter.predict: motion must return 5×1 float64; got 1×1"):
        ParticleFilter(np.zeros((5, 1)), lambda at, _: at[:1], nowhere._likelihood).predict()
    with pytest.raises(InputError, match=r"likelihood must return 5 numbers; got 2 float64"):
        ParticleFilter(np.zeros((5, 1)), lambda at, _: at, lambda at, _: np.ones(2)).update(0)
    with pytest.raises(InputError, match=r"systematic_resample: weights must be N finite numbers ≥ 0"):
        systematic_resample(np.array([0.5, np.nan]))
