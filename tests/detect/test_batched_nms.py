"""Suppression by class against one suppression for each class."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from box_cases import random_boxes
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import batched_nms, nms


@evidence.equals("detect.batched_nms", peer="opencv", tolerance="identical", data="random boxes of 5 classes")
def test_the_same_boxes_stay_as_with_opencv(measured: Callable[[float], None]) -> None:
    random = np.random.default_rng(1)
    boxes, scores, labels = random_boxes(400, 1), random.random(400).astype(np.float32), random.integers(0, 5, 400)
    sides = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]]).astype(float)
    peer = np.asarray(cv2.dnn.NMSBoxesBatched(sides.tolist(), scores.tolist(), labels.tolist(), 0.0, 0.4)).reshape(-1)
    ours = batched_nms(boxes, scores, labels, 0.4)
    measured(len(np.setxor1d(ours, peer)))
    assert set(ours) == set(peer.tolist())
    assert (np.diff(scores[ours]) <= 0).all()


def test_each_class_by_itself() -> None:
    random = np.random.default_rng(2)
    boxes, scores, labels = random_boxes(150, 2), random.integers(0, 9, 150) / 9, random.integers(-2, 3, 150)
    parts = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    expected = np.concatenate([part[nms(boxes[part], scores[part], 0.3)] for part in parts])
    expected = expected[np.lexsort((expected, -scores[expected]))]
    np.testing.assert_array_equal(batched_nms(boxes, scores, labels, 0.3), expected)
    one = np.zeros(150, np.int64)
    np.testing.assert_array_equal(batched_nms(boxes, scores, one, 0.3), nms(boxes, scores, 0.3))
    assert batched_nms(boxes[:0], scores[:0], labels[:0]).tolist() == []


def test_labels_are_whole_numbers() -> None:
    with pytest.raises(
        InputError, match=r"batched_nms: labels must be 2 whole numbers, one for each box; got 2 float64"
    ):
        batched_nms(np.zeros((2, 4)), np.zeros(2), np.zeros(2))
