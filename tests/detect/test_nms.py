"""Greedy suppression against OpenCV's and against its own definition."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from box_cases import random_boxes
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import iou, nms


def opencv(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    sides = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(float)
    return np.asarray(cv2.dnn.NMSBoxes(sides.tolist(), scores.tolist(), 0.0, threshold)).reshape(-1)


@evidence.equals("detect.nms", peer="opencv", tolerance="identical", data="random boxes")
def test_the_same_boxes_stay_as_with_opencv(measured: Callable[[float], None]) -> None:
    wrong = 0
    for count, threshold in ((1, 0.5), (300, 0.3), (300, 0.5), (1000, 0.7)):
        boxes = random_boxes(count, count)
        scores = np.random.default_rng(count).random(count).astype(np.float32)
        wrong += not np.array_equal(nms(boxes, scores, threshold), opencv(boxes, scores, threshold))
    measured(wrong)
    assert wrong == 0


def test_none_that_stay_overlap_and_each_that_goes_is_overlapped_by_a_better_one() -> None:
    boxes, scores = random_boxes(200, 3).round(), np.random.default_rng(3).integers(0, 20, 200) / 20
    kept = nms(boxes, scores, 0.4)
    table = iou(boxes, boxes)
    assert (np.diff(scores[kept]) <= 0).all()
    assert (table[np.ix_(kept, kept)][~np.eye(len(kept), dtype=bool)] <= 0.4).all()
    for i in np.setdiff1d(np.arange(200), kept):
        better = kept[(scores[kept] > scores[i]) | ((scores[kept] == scores[i]) & (kept < i))]
        assert (table[better, i] > 0.4).any()


def test_the_border_is_kept_and_ties_go_to_the_first() -> None:
    boxes = np.array([[0, 0, 2, 1], [1, 0, 2, 1], [0, 0, 2, 1]])  # overlap one half, and whole
    assert nms(boxes, np.array([0.5, 0.5, 0.5]), 0.5).tolist() == [0, 1]
    assert nms(boxes, np.array([0.5, 0.5, 0.5]), 0.49).tolist() == [0]
    assert nms(boxes, np.array([0.5, 0.5, 0.5]), 1.0).tolist() == [0, 1, 2]
    assert nms(np.zeros((0, 4)), np.zeros(0)).tolist() == []
    assert nms(np.array([[np.nan, 0, 4, 4], [1, 1, 1, 1], [0, 0, 4, 4]]), np.array([3.0, 2.0, 1.0])).tolist() == [
        0,
        1,
        2,
    ]


def test_its_rounds_end_in_what_stays() -> None:
    boxes, scores = random_boxes(40, 5), np.random.default_rng(5).random(40)
    trace = sl.trace(nms, boxes, scores, threshold=0.3)
    np.testing.assert_array_equal(trace.result, nms(boxes, scores, 0.3))
    assert trace[0].name == "candidates"
    assert trace["round 1"].picture() is not None
    assert len({step.name for step in trace}) == len(trace) > 3


@pytest.mark.parametrize(
    ("boxes", "scores", "threshold", "told"),
    [
        (np.zeros((2, 4)), np.zeros(3), 0.5, r"scores must be 2 numbers, one for each box; got 3 float64"),
        (np.zeros((2, 4)), np.array([0.5, np.nan]), 0.5, r"scores must be numbers; got 1 NaN\. Drop"),
        (np.zeros((2, 4)), np.zeros(2), 1.5, r"threshold must be a number in 0–1; got 1.5"),
        (np.zeros((2, 5)), np.zeros(2), 0.5, r"boxes must be N×4 numbers, xyxy; got 2×5 float64"),
    ],
)
def test_wrong_arguments_are_named(boxes: np.ndarray, scores: np.ndarray, threshold: float, told: str) -> None:
    with pytest.raises(InputError, match=f"nms: {told}"):
        nms(boxes, scores, threshold)
