"""DIoU against its formula, written once more from the paper."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from box_cases import random_boxes, worst_difference
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import diou, iou


@evidence.equals("detect.diou", peer="the paper's formula", tolerance="1e-12", data="random boxes")
def test_it_equals_the_formula(measured: Callable[[float], None]) -> None:
    boxes, others = random_boxes(30, 1), random_boxes(40, 2)
    worst = worst_difference("diou", diou(boxes, others), boxes, others)
    measured(worst)
    assert worst < 1e-12
    assert (iou(boxes, others) == 0).any(), "some boxes must lie apart"


def test_a_box_is_like_itself_and_far_ones_are_told_apart() -> None:
    box = np.array([[0, 0, 4, 4]])
    near, far = diou(box, np.array([[5, 0, 9, 4]]))[0, 0], diou(box, np.array([[50, 0, 54, 4]]))[0, 0]
    assert diou(box, box)[0, 0] == 1
    assert -1 <= far < near < 0
    assert diou(np.zeros((0, 4)), box).shape == (0, 1)


def test_boxes_without_area_give_numbers_and_nan_stays_nan() -> None:
    boxes = np.array([[2, 2, 2, 2], [np.nan, 0, 4, 4], [0, 0, 4, 4]], np.float32)
    table = diou(boxes, boxes)
    assert np.isnan(table[1]).all()
    assert table[0, 0] == 0
    assert np.isfinite(table[[0, 2]][:, [0, 2]]).all()


def test_what_is_no_box_is_refused() -> None:
    with pytest.raises(InputError, match=r"diou: boxes must be N×4 numbers, xyxy; got list .* Use np.asarray"):
        diou([[0, 0, 1, 1]], np.zeros((1, 4)))
    with pytest.raises(InputError, match=r"diou: others must be N×4 numbers, xyxy; got 3×2 float64"):
        diou(np.zeros((1, 4)), np.zeros((3, 2)))
