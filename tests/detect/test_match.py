"""Anchors and the things that they stand for, against the rule of the paper written as loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import sightline as sl
from box_cases import random_boxes
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import anchors, iou, match


def by_the_rule(boxes: np.ndarray, truth: np.ndarray, high: float, low: float, best: str) -> list[int]:
    table = iou(boxes, truth)
    found = []
    for row in table:
        nearest = max(range(len(row)), key=lambda j: row[j])
        found.append(nearest if row[nearest] >= high else -1 if row[nearest] < low else -2)
    for j in range(len(truth)):
        top = max(table[:, j])
        if best == "ties" and top > 0:
            for i in range(len(boxes)):
                if table[i, j] == top:
                    found[i] = int(table[i].argmax())
        if best == "one" and top > 0:
            found[int(table[:, j].argmax())] = j
    return found


@evidence.equals("detect.match", peer="the paper's rule as loops", tolerance="identical", data="random boxes")
def test_it_follows_the_rule(measured: Callable[[float], None]) -> None:
    boxes, truth = random_boxes(300, 1), random_boxes(25, 2)
    wrong = 0
    for best in ("ties", "one", "none"):
        for high, low in ((0.7, 0.3), (0.5, 0.5), (0.5, 0.4)):
            ours = match(boxes, truth, high, low, best).tolist()
            wrong += sum(a != b for a, b in zip(ours, by_the_rule(boxes, truth, high, low, best), strict=True))
    measured(wrong)
    assert wrong == 0


def test_ties_and_things_that_nothing_overlaps() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [0, 50, 10, 60]])
    between = np.array([[5, 0, 25, 10]])  # overlaps the first two alike
    assert match(boxes, between).tolist() == [0, 0, -1]
    assert match(boxes, between, best="one").tolist() == [0, -1, -1]
    assert match(boxes, between, best="none").tolist() == [-1, -1, -1]
    assert match(boxes, np.array([[100, 100, 110, 110]])).tolist() == [-1, -1, -1]
    assert match(boxes, np.zeros((0, 4))).tolist() == [-1, -1, -1]
    assert match(np.zeros((0, 4)), between).tolist() == []
    assert match(np.array([[np.nan, 0, 1, 1]]), between).tolist() == [-1]


def test_its_steps_end_in_the_result() -> None:
    boxes = np.concatenate(anchors((96, 96), (32,), (40.0,)))
    truth = np.array([[10.0, 10, 50, 50], [60, 40, 90, 90]])
    trace = sl.trace(match, boxes, truth, high=0.5, low=0.2)
    np.testing.assert_array_equal(trace.result, match(boxes, truth, 0.5, 0.2))
    assert [step.name for step in trace] == ["true boxes", "overlaps", "neither", "background", "matches"]


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InputError, match=r"match: low must be ≤ high; got 0.8 and 0.5"):
        match(np.zeros((1, 4)), np.zeros((1, 4)), 0.5, 0.8)
    with pytest.raises(InputError, match=r"match: truth must be N×4 numbers, xyxy; got 2×3 float64"):
        match(np.zeros((1, 4)), np.zeros((2, 3)))
    with pytest.raises(InputError, match=r"match: best must be one of 'ties', 'one', 'none'; got 'tie'\. .*ties"):
        match(np.zeros((1, 4)), np.zeros((1, 4)), best="tie")
