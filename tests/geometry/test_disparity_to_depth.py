"""Depth from disparity against OpenCV's reprojection."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("geometry.disparity_to_depth", peer="opencv", tolerance="1e-5 relative", data="random disparities")
def test_depth_equals_opencv(measured: Callable[[float], None]) -> None:
    disparity = np.random.default_rng(0).uniform(1, 60, (20, 30)).astype(np.float32)
    focal, baseline, offset = 530.0, 0.12, 3.0
    q = np.array([[1, 0, 0, -15], [0, 1, 0, -10], [0, 0, 0, focal], [0, 0, 1 / baseline, offset / baseline]])
    expected = cv2.reprojectImageTo3D(disparity, q)[..., 2]
    ours = sl.geometry.disparity_to_depth(disparity, focal, baseline, offset)
    measured(float((np.abs(ours - expected) / expected).max()))
    assert (np.abs(ours - expected) <= 1e-5 * expected).all()


def test_the_unknown_and_the_infinite() -> None:
    found = sl.geometry.disparity_to_depth(np.float32([[np.nan, 0, -2, 4]]), 100, 1)
    assert np.isnan(found[0, 0])
    assert found[0, 1:].tolist() == [np.inf, np.inf, 25]


def test_refusals() -> None:
    with pytest.raises(InputError, match="H×W float32"):
        sl.geometry.disparity_to_depth(np.zeros((3, 3, 3), np.float32), 1, 1)
    with pytest.raises(InputError, match="focal"):
        sl.geometry.disparity_to_depth(np.zeros((3, 3), np.float32), 0, 1)
