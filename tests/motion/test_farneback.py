"""Farnebäck's flow against OpenCV's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from motion.flow_scenes import ONE_AT_ONCE, scene, waves
from sightline.core import evidence
from sightline.core.errors import InputError


@pytest.mark.parametrize("kind", ["box", "gaussian"])
@evidence.equals(
    "motion.farneback",
    peer="opencv",
    tolerance="99 % of the pixels within 0.001 pixels, all within 0.01",
    data="RubberWhale, Venus",
)
def test_the_flow_equals_opencv(kind: str, shared_data: Path, measured: Callable[[float], None]) -> None:
    worst = 0.0
    for name in ("RubberWhale", "Venus"):
        a, b, _ = scene(shared_data, name)
        flags = cv2.OPTFLOW_FARNEBACK_GAUSSIAN if kind == "gaussian" else 0
        theirs = cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, flags)
        apart = np.abs(sl.motion.farneback(a, b, size=11, kind=kind) - theirs).max(axis=2)
        assert (apart < 0.001).mean() > 0.99
        worst = max(worst, float(apart.max()))
    measured(worst)
    assert worst < 0.01


@pytest.mark.parametrize("options", [(0, 9, 1, 7, 1.5), (5, 21, 2, 5, 1.1)])
def test_other_sizes_equal_opencv(options: tuple[int, int, int, int, float]) -> None:
    levels, window, iterations, size, sigma = options
    a, b, _ = waves(97, 131)
    a, b = (np.uint8(picture * 255) for picture in (a, b))
    theirs = cv2.calcOpticalFlowFarneback(a, b, None, 0.5, levels, window, iterations, size, sigma, 0)
    ours = sl.motion.farneback(
        a, b, levels=levels, window=window, iterations=iterations, size=2 * size + 1, sigma=sigma
    )
    assert np.percentile(np.abs(ours - theirs), 99) < 0.01


@pytest.mark.parametrize("name", ONE_AT_ONCE)
@evidence.equals(
    "motion.farneback",
    peer="opencv",
    tolerance="a mean endpoint error at most OpenCV's",
    data="Middlebury flow, 3 pairs",
)
def test_the_error_is_at_most_opencvs(name: str, shared_data: Path, measured: Callable[[float], None]) -> None:
    a, b, truth = scene(shared_data, name)
    theirs = cv2.calcOpticalFlowFarneback(a, b, None, 0.5, 3, 15, 3, 5, 1.2, 0)
    ours = sl.motion.farneback(a, b)
    ratio = sl.metrics.endpoint_error(ours, truth) / sl.metrics.endpoint_error(theirs, truth)
    measured(ratio)
    assert ratio <= 1


def test_known_motion_is_found_in_floats_and_colour() -> None:
    a, b, truth = waves()
    inner = (slice(20, -20), slice(20, -20))
    assert np.abs(sl.motion.farneback(a, b) - truth)[inner].max() < 0.1
    colour = [np.repeat(np.uint16(picture * 65535)[..., None], 3, axis=2) for picture in (a, b)]
    assert np.abs(sl.motion.farneback(*colour) - truth)[inner].max() < 0.1


def test_bad_options_are_refused() -> None:
    a = np.zeros((20, 30), np.uint8)
    with pytest.raises(InputError, match="window must be an odd whole number in 3–101; got 4"):
        sl.motion.farneback(a, a, window=4)
    assert not sl.motion.farneback(a, a).any()
