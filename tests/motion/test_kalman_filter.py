"""The Kalman filter against filterpy: steps, control, gaps, gating, likelihood and smoothing; and its limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.motion import KalmanFilter

CASES = [(2, 1, 0), (4, 2, 1), (7, 4, 3), (1, 1, 0), (3, 3, 2)]  # numbers of a state, a measurement, a push


def covariance(random: np.random.Generator, size: int) -> np.ndarray:
    part = random.normal(size=(size, size))
    return part @ part.T + 0.1 * np.eye(size)


def twins(n: int, m: int, k: int) -> tuple[KalmanFilter, Any, np.random.Generator]:
    peer = pytest.importorskip("filterpy.kalman")
    random = np.random.default_rng(n)
    f, h = np.eye(n) + 0.1 * random.normal(size=(n, n)), random.normal(size=(m, n))
    q, r, p = covariance(random, n), covariance(random, m), covariance(random, n)
    b, x = (random.normal(size=(n, k)) if k else None), random.normal(size=n)
    theirs = peer.KalmanFilter(dim_x=n, dim_z=m, dim_u=k)
    theirs.F, theirs.H, theirs.Q, theirs.R, theirs.P, theirs.x, theirs.B = f, h, q, r, p.copy(), x[:, None].copy(), b
    return KalmanFilter(f, h, q, r, control=b, state=x, covariance=p), theirs, random


@evidence.equals("motion.KalmanFilter", peer="filterpy", tolerance="1e-10", data="five random systems, 30 steps")
def test_it_equals_filterpy(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for n, m, k in CASES:
        ours, theirs, random = twins(n, m, k)
        for t in range(30):
            push = random.normal(size=k) if k else None
            ours.predict(push)
            theirs.predict(None if push is None else push[:, None])
            z = None if t % 7 == 3 else random.normal(size=m)
            if z is not None:
                ahead = ours.gating_distance([z, z + 1])
                spread = theirs.H @ theirs.P @ theirs.H.T + theirs.R
                off = z - (theirs.H @ theirs.x)[:, 0]
                assert ahead[0] == pytest.approx(off @ np.linalg.inv(spread) @ off, rel=1e-9)
            ours.update(z)
            theirs.update(z)
            if z is not None:
                assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, rel=1e-9)
            worst = max(worst, np.abs(ours.state - theirs.x[:, 0]).max(), np.abs(ours.covariance - theirs.P).max())
    measured(worst)
    assert worst < 1e-10


def test_smoothing_equals_filterpy() -> None:
    ours, theirs, random = twins(4, 2, 0)
    series = random.normal(size=(25, 2))
    before = ours.state.copy()
    states, covariances = ours.smooth(list(series))
    means, spreads, _, _ = theirs.batch_filter(list(series[..., None]))
    expected, spread, _, _ = theirs.rts_smoother(means, spreads)
    np.testing.assert_allclose(states, expected[..., 0], atol=1e-9)
    np.testing.assert_allclose(covariances, spread, atol=1e-9)
    assert (ours.state == before).all()


def walker() -> KalmanFilter:
    return KalmanFilter([[1, 1], [0, 1]], np.eye(2), np.eye(2) * 1e-3, np.eye(2), covariance=np.eye(2) * 100)


def test_what_was_not_measured_is_left_out() -> None:
    half, whole = walker(), walker()
    narrow = KalmanFilter([[1, 1], [0, 1]], [[1, 0]], np.eye(2) * 1e-3, [[1]], covariance=np.eye(2) * 100)
    for f in (half, narrow, whole):
        f.predict()
    half.update([3.0, np.nan])
    narrow.update([3.0])
    np.testing.assert_allclose(half.state, narrow.state)
    whole.update([np.nan, np.nan])
    assert (whole.state == 0).all()
    assert whole.log_likelihood == 0


def test_the_covariance_stays_a_covariance() -> None:
    sure = KalmanFilter([[1, 1], [0, 1]], [[1, 0]], np.zeros((2, 2)), [[1e-12]], covariance=np.eye(2) * 1e12)
    for t in range(200):
        sure.predict()
        sure.update([float(t)])
    assert np.linalg.eigvalsh(sure.covariance).min() > -1e-15
    assert np.abs(sure.covariance - sure.covariance.T).max() < 1e-15
    np.testing.assert_allclose(sure.state, [199, 1], atol=1e-6)


def test_inputs_are_left_alone() -> None:
    f, p = np.eye(2), np.eye(2)
    made = KalmanFilter(f, np.eye(2), np.eye(2), np.eye(2), covariance=p)
    made.predict()
    made.update([1, 2])
    assert (f == np.eye(2)).all()
    assert (p == np.eye(2)).all()


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        ("transition must be 2×2 finite numbers; got 2×3 float64", {"transition": np.ones((2, 3))}),
        ("observation must be N×2 finite numbers; got 1×3 float64", {"observation": np.ones((1, 3))}),
        ("measurement_noise must be 1×1 finite numbers; got 2×2", {"measurement_noise": np.eye(2)}),
        ("process_noise must be a covariance", {"process_noise": [[1, 0.5], [0, 1]]}),
        ("state must be 2 finite numbers; got list", {"state": [1, np.nan]}),
        ("transition must be N×N numbers; got str 'F'", {"transition": "F"}),
    ],
)
def test_wrong_matrices_are_refused(words: str, changed: dict[str, Any]) -> None:
    right = {
        "transition": np.eye(2),
        "observation": np.eye(1, 2),
        "process_noise": np.eye(2),
        "measurement_noise": [[1]],
    }
    with pytest.raises(InputError, match=rf"KalmanFilter: {words}"):
        KalmanFilter(**{**right, **changed})


def test_wrong_steps_are_refused() -> None:
    made = walker()
    with pytest.raises(InputError, match=r"KalmanFilter.predict: control needs the filter's matrix B"):
        made.predict([1.0])
    with pytest.raises(InputError, match=r"measurement must be 2 finite numbers"):
        made.update([1.0])
    with pytest.raises(InputError, match=r"must be finite, or NaN"):
        made.update([1.0, np.inf])
    with pytest.raises(InputError, match=r"at least one entry; got none"):
        made.smooth([])
