"""Anchors against what the paper says of each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import anchors


@evidence.equals(
    "detect.anchors", peer="areas, ratios and centres", tolerance="1e-3 pixels", data="a five-level pyramid"
)
def test_areas_ratios_and_centres(measured: Callable[[float], None]) -> None:
    strides, sizes, ratios = (4, 8, 16, 32, 64), (32.0, 64.0, 128.0, 256.0, 512.0), (0.5, 1.0, 2.0)
    worst = 0.0
    for level, stride, size in zip(anchors((200, 301), strides), strides, sizes, strict=True):
        rows, columns = -(-200 // stride), -(-301 // stride)
        grid = level.reshape(rows, columns, 3, 4).astype(np.float64)
        sides, centres = grid[..., 2:] - grid[..., :2], (grid[..., 2:] + grid[..., :2]) / 2
        errors = (
            np.sqrt(sides.prod(axis=-1)) - size,
            sides[..., 1] / sides[..., 0] - ratios,
            centres[..., 0] - (np.arange(columns)[:, None] + 0.5) * stride,
            centres[..., 1] - (np.arange(rows)[:, None, None] + 0.5) * stride,
        )
        worst = max(worst, *(float(np.abs(error).max()) for error in errors))
    measured(worst)
    assert worst < 1e-3


def test_several_sizes_at_a_corner_in_whole_pixels() -> None:
    (level,) = anchors((8, 8), strides=(8,), sizes=((8, 16),), ratios=(0.5, 1.0), offset=0, whole=True)
    assert level.tolist() == [[-6, -3, 6, 3], [-11, -6, 11, 6], [-4, -4, 4, 4], [-8, -8, 8, 8]]
    assert level.dtype == np.float32


def test_its_steps_end_in_the_result() -> None:
    trace = sl.trace(anchors, (64, 96), strides=(16, 32), sizes=(24.0, 48.0))
    for step, level in zip(trace.result, anchors((64, 96), (16, 32), (24.0, 48.0)), strict=True):
        np.testing.assert_array_equal(step, level)
    assert [step.name for step in trace] == ["level 1", "level 2", "anchors"]


@pytest.mark.parametrize(
    ("shape", "options", "told"),
    [
        ((0, 5), {}, r"shape\[0\] \(height\) must be a whole number ≥ 1; got 0"),
        ("big", {}, r"shape must be \(height, width\); got str"),
        ((64, 64), {"strides": (8,)}, r"sizes must have an entry for each of 1 strides; got 5"),
        ((64, 64), {"strides": ()}, r"strides must be a tuple of at least one number; got tuple \(\)"),
        ((64, 64), {"ratios": (0.0,)}, r"ratios must be a number > 0; got 0"),
        ((60000, 60000), {}, r"shape and strides must give ≤ 50,000,000 boxes a level; got 675,000,000"),
    ],
)
def test_wrong_arguments_are_named(shape: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=f"anchors: {told}"):
        anchors(shape, **options)
