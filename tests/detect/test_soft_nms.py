"""Soft suppression against OpenCV's."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from box_cases import random_boxes
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import soft_nms

KINDS = {"linear": cv2.dnn.SoftNMSMethod_SOFTNMS_LINEAR, "gaussian": cv2.dnn.SoftNMSMethod_SOFTNMS_GAUSSIAN}


@evidence.equals("detect.soft_nms", peer="opencv", tolerance="1e-6, the same order", data="random boxes, both kinds")
def test_scores_and_order_equal_opencv(measured: Callable[[float], None]) -> None:
    boxes = random_boxes(200, 4, 250.0).round()  # OpenCV takes whole pixels only
    scores = np.random.default_rng(4).random(200).astype(np.float32)
    sides = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(int)
    worst = 0.0
    for kind, word in KINDS.items():
        theirs, order = cv2.dnn.softNMSBoxes(sides.tolist(), scores.tolist(), 0.01, 0.3, 0, 0.5, word)
        kept, left = soft_nms(boxes, scores, 0.3, 0.5, kind, floor=0.01)
        np.testing.assert_array_equal(kept, np.asarray(order).reshape(-1))
        worst = max(worst, np.abs(left - np.asarray(theirs).reshape(-1)).max())
    measured(worst)
    assert worst < 1e-6


def test_what_overlaps_nothing_keeps_its_score() -> None:
    boxes, scores = np.array([[0, 0, 4, 4], [8, 0, 12, 4], [1, 0, 5, 4]]), np.array([0.5, 0.9, 0.4])
    kept, left = soft_nms(boxes, scores, kind="linear")
    assert kept.tolist() == [1, 0, 2]
    np.testing.assert_allclose(left, [0.9, 0.5, 0.4 * (1 - 12 / 20)])
    assert soft_nms(boxes, scores, kind="linear", threshold=0.7)[1].tolist() == [0.9, 0.5, 0.4]
    assert soft_nms(boxes, scores, floor=0.45)[0].tolist() == [1, 0]
    assert scores.tolist() == [0.5, 0.9, 0.4]
    assert soft_nms(np.zeros((0, 4)), np.zeros(0))[0].tolist() == []


def test_its_steps_end_in_the_result() -> None:
    boxes, scores = random_boxes(20, 6), np.random.default_rng(6).random(20)
    trace = sl.trace(soft_nms, boxes, scores)
    for step, result in zip(trace.result, soft_nms(boxes, scores), strict=True):
        np.testing.assert_array_equal(step, result)


def test_wrong_options_are_named() -> None:
    with pytest.raises(InputError, match=r"soft_nms: kind must be one of 'gaussian', 'linear'; got 'cubic'"):
        soft_nms(np.zeros((1, 4)), np.zeros(1), kind="cubic")
    with pytest.raises(InputError, match=r"soft_nms: sigma must be a number > 0; got 0"):
        soft_nms(np.zeros((1, 4)), np.zeros(1), sigma=0)
