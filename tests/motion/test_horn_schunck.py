"""Horn and Schunck's flow against its equations written out, and beside OpenCV's methods."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy import ndimage

import sightline as sl
from motion.flow_scenes import ONE_AT_ONCE, scene, waves
from sightline.core import evidence
from sightline.core.errors import InputError

MEAN = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12


@evidence.equals("motion.horn_schunck", peer="scipy", tolerance="1e-4 pixels, equation 20 written out", data="waves")
def test_the_iteration_is_that_of_1981(measured: Callable[[float], None]) -> None:
    a, b, _ = waves(45, 61, 0.4, -0.3)
    ours = sl.motion.horn_schunck(a, b, 15.0, 43, levels=0, warps=1, sigma=0)
    first, second = (picture.astype(float) * 255 for picture in (a, b))
    slope = np.array([1, -8, 0, 8, -1]) / 12
    dx, dy = (ndimage.correlate1d(second, slope, axis=axis, mode="nearest") for axis in (1, 0))
    u, v = np.zeros_like(first), np.zeros_like(first)
    for _ in range(43):
        mean_u, mean_v = (ndimage.correlate(part, MEAN, mode="nearest") for part in (u, v))
        share = (second - first + dx * mean_u + dy * mean_v) / (15.0**2 + dx**2 + dy**2)
        u, v = mean_u - dx * share, mean_v - dy * share
    apart = float(np.abs(ours - np.dstack([u, v])).max())
    measured(apart)
    assert apart < 1e-4


@pytest.mark.parametrize("name", ONE_AT_ONCE)
@evidence.equals(
    "motion.horn_schunck",
    peer="opencv",
    tolerance="a mean endpoint error at most that of OpenCV's Farnebäck",
    data="Middlebury flow, 3 pairs",
)
def test_the_error_beside_opencv(name: str, shared_data: Path, measured: Callable[[float], None]) -> None:
    a, b, truth = scene(shared_data, name)
    theirs = cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    ours = sl.motion.horn_schunck(a, b)
    ratio = sl.metrics.endpoint_error(ours, truth) / sl.metrics.endpoint_error(theirs, truth)
    measured(ratio)
    assert ratio <= 1


def test_strips_do_not_show() -> None:
    a, b, truth = waves(130, 40, 3.2, -2.4)  # several strips, more than a pixel
    flow = sl.motion.horn_schunck(a, b, 5.0)
    assert np.abs(flow - truth)[20:-20, 12:-12].max() < 0.1
    assert sl.metrics.endpoint_error(flow, truth) < 0.3


def test_bad_options_are_refused() -> None:
    a = np.zeros((20, 30), np.uint8)
    with pytest.raises(InputError, match=r"alpha must be a number in 0\.1–1000 grey levels per pixel; got 0"):
        sl.motion.horn_schunck(a, a, 0)
    with pytest.raises(InputError, match="b must have the height and width of a"):
        sl.motion.horn_schunck(a, a[1:])
