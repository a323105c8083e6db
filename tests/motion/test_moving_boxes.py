"""Boxes of moving parts against OpenCV's components, and what is too small or too near."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.motion import moving_boxes


@evidence.equals("motion.moving_boxes", peer="opencv", tolerance="identical", data="random parts")
def test_boxes_equal_opencv(measured: Callable[[float], None]) -> None:
    random, worst = np.random.default_rng(1), 0
    for _ in range(10):
        mask = np.zeros((120, 160), bool)
        for x, y, w, h in random.integers([0, 0, 5, 5], [150, 110, 40, 40], (6, 4)):
            mask[y : y + h, x : x + w] = True
        mask ^= random.random(mask.shape) < 0.002
        clean = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(clean, connectivity=8)
        expected = sorted((x, y, x + w, y + h) for x, y, w, h, area in stats[1:] if area >= 0.002 * mask.size)
        found = sorted(map(tuple, moving_boxes(mask, gap=0).boxes.astype(int).tolist()))
        worst += int(found != expected)
    measured(worst)
    assert worst == 0


def test_near_parts_are_one_and_specks_are_none() -> None:
    mask = np.zeros((100, 200), bool)
    mask[20:40, 20:40] = mask[20:40, 46:70] = mask[60:90, 150:180] = True
    mask[5, 5] = mask[80, 20] = True
    found = moving_boxes(mask)
    assert found.boxes.tolist() == [[20, 20, 70, 40], [150, 60, 180, 90]]
    np.testing.assert_allclose(found.scores, [0.88, 1])
    assert found.name(0) == "moving"
    assert len(moving_boxes(mask, gap=0)) == 3
    assert len(moving_boxes(mask, 0.04)) == 2
    assert len(moving_boxes(np.zeros((9, 9), bool))) == 0


def test_what_is_no_mask_is_refused() -> None:
    with pytest.raises(InputError, match=r"moving_boxes: mask must be H×W bool; got 4×4 uint8. Compare first"):
        moving_boxes(np.zeros((4, 4), np.uint8))  # pyrefly: ignore
    with pytest.raises(InputError, match=r"moving_boxes: least must be a number in 0–1; got 2"):
        moving_boxes(np.zeros((4, 4), bool), 2)
