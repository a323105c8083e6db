"""Errors of optical flow against their definitions written out, and the published figure of no motion."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

RANDOM = np.random.default_rng(1)
TRUTH = RANDOM.normal(0, 3, (9, 11, 2)).astype(np.float32)
FLOW = TRUTH + RANDOM.normal(0, 1, TRUTH.shape).astype(np.float32)


@evidence.equals("metrics.endpoint_error", peer="numpy", tolerance="1e-12", data="random")
def test_endpoint_error_is_the_mean_distance(measured: Callable[[float], None]) -> None:
    pairs = zip(FLOW.reshape(-1, 2).astype(float), TRUTH.reshape(-1, 2), strict=True)
    expected = np.mean([np.hypot(*(a - b)) for a, b in pairs])
    ours = sl.metrics.endpoint_error(FLOW, TRUTH)
    measured(abs(ours - expected))
    assert ours == pytest.approx(expected, abs=1e-12)


@evidence.equals("metrics.angular_error", peer="numpy", tolerance="1e-6, the arccosine of Barron 1994", data="random")
def test_angular_error_is_the_angle_in_space_and_time(measured: Callable[[float], None]) -> None:
    (u, v), (p, q) = (np.moveaxis(field.astype(float), 2, 0) for field in (FLOW, TRUTH))
    cosine = (1 + u * p + v * q) / np.sqrt((1 + u * u + v * v) * (1 + p * p + q * q))
    expected = np.arccos(np.clip(cosine, -1, 1)).mean()
    ours = sl.metrics.angular_error(FLOW, TRUTH)
    measured(abs(ours - expected))
    assert ours == pytest.approx(expected, abs=1e-6)
    assert sl.metrics.angular_error(TRUTH, TRUTH) == pytest.approx(0, abs=1e-9)


def test_what_is_not_known_does_not_count() -> None:
    truth, flow = np.zeros((2, 2, 2), np.float32), np.zeros((2, 2, 2), np.float32)
    truth[0, 0], flow[0, 0] = np.nan, 50
    flow[1, 1] = (3, 4)
    assert sl.metrics.endpoint_error(flow, truth) == pytest.approx(5 / 3)
    assert sl.metrics.endpoint_error(flow, truth, np.array([[True, True], [False, False]])) == 0
    truth[1, 1], flow[1, 1] = (3, 4), np.nan  # not found: no motion
    assert sl.metrics.endpoint_error(flow, truth) == pytest.approx(5 / 3)
    assert np.isnan(sl.metrics.endpoint_error(flow, np.full_like(truth, np.nan)))
    assert np.isnan(sl.metrics.angular_error(flow, np.full_like(truth, np.nan)))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="flow must have the shape of truth, 9×11×2; got 9×10×2 float32"):
        sl.metrics.endpoint_error(FLOW[:, 1:], TRUTH)
    with pytest.raises(InputError, match="angular_error: truth must be H×W×2"):
        sl.metrics.angular_error(FLOW, TRUTH[..., 0])
