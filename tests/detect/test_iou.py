"""Overlaps of boxes against areas that are counted on a grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import iou


@evidence.equals("detect.iou", peer="pixel counts", tolerance="1e-12", data="random boxes on a grid")
def test_overlaps_equal_counted_pixels(measured: Callable[[float], None]) -> None:
    ends = np.random.default_rng(5).integers(0, 24, (2, 20, 2, 2))
    a, b = (np.sort(part, axis=1).reshape(-1, 4).astype(float) for part in ends)  # rows x1 y1 x2 y2, some without area

    def painted(box: np.ndarray) -> np.ndarray:
        grid = np.zeros((24, 24), bool)
        x1, y1, x2, y2 = box.astype(int)
        grid[y1:y2, x1:x2] = True
        return grid

    expected = np.array([[(p & q).sum() / max((p | q).sum(), 1) for q in map(painted, b)] for p in map(painted, a)])
    worst = np.abs(iou(a, b) - expected).max()
    measured(worst)
    assert worst < 1e-12
    assert (expected > 0).sum() > 20


def test_edges_are_continuous() -> None:
    half = iou(np.array([[0.0, 0, 1, 1]]), np.array([[0.5, 0, 1.5, 1], [1, 0, 2, 1], [0, 0, 1, 1]]))
    np.testing.assert_allclose(half, [[1 / 3, 0, 1]])
    assert iou(np.zeros((0, 4)), np.zeros((3, 4))).shape == (0, 3)


def test_nan_and_turned_boxes_overlap_nothing() -> None:
    boxes = np.array([[np.nan, 0, 4, 4], [4, 4, 0, 0], [0, 0, 4, 4]], np.float32)
    assert iou(boxes, boxes).tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 1]]


def test_what_is_no_box_is_refused() -> None:
    with pytest.raises(InputError, match=r"iou: others must be N×4 numbers, xyxy; got 3×2 float64"):
        iou(np.zeros((1, 4)), np.zeros((3, 2)))
