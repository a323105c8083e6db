import numpy as np
import pytest

from sightline.core.results import Detections
from sightline.detect.evaluate import Examination, best_place, curve, match, summarise
from sightline.detect.search import merge, tiles
from sightline.detect.sections import confusions
from sightline.metrics.box_set import BoxSet


def _truth(*boxes, labels=None, ignore=None):
    labels = np.zeros(len(boxes), int) if labels is None else labels
    return BoxSet(np.array(boxes, float).reshape(-1, 4), labels, ignore=ignore if ignore is not None else ())


def _found(*rows, labels=None):
    boxes = np.array([row[:4] for row in rows], float).reshape(-1, 4)
    return Detections(boxes, [row[4] for row in rows], labels or [0] * len(rows))


def test_each_thing_is_found_once_and_the_ignored_count_for_nothing():
    truth = _truth([0, 0, 10, 10], [20, 20, 30, 30], [50, 50, 60, 60], ignore=[False, False, True])
    found = _found((0, 0, 10, 10, 0.9), (0, 0, 10, 9, 0.8), (50, 50, 60, 60, 0.7), (70, 70, 80, 80, 0.6))
    assert match(found, truth, 0.5).tolist() == [0, -1, -2, -1]


def test_a_curve_and_its_best_place_by_hand():
    truth = _truth([0, 0, 10, 10], [20, 0, 30, 10])
    found = _found((0, 0, 10, 10, 0.9), (50, 0, 60, 10, 0.8), (20, 0, 30, 10, 0.7))
    line = curve([found], [truth], 0, 0.5)
    assert line.recall.tolist() == [0.5, 0.5, 1.0]
    assert line.precision.tolist() == pytest.approx([1.0, 0.5, 2 / 3])
    assert best_place(line) == 2  # F1: ⅔, ½, ⅘
    found = summarise(Examination([found], [truth], ["a"], "test"), ["cat"])
    # Precision 1 up to a recall of ½, then ⅔; 51 of the 101 recalls lie at or below ½.
    assert found["map50"] == pytest.approx((51 * 1 + 50 * 2 / 3) / 101)


def test_a_class_that_is_never_seen_is_not_known():
    seen = Examination([_found((0, 0, 10, 10, 0.9))], [_truth([0, 0, 10, 10])], ["a"], "test")
    found = summarise(seen, ["cat", "dog"])
    assert found["map50"] == pytest.approx(1.0)
    assert found["per_class"][1]["ap50"] is None
    assert found["map_small"] == pytest.approx(1.0)
    assert found["map_large"] is None


def test_confusions_have_a_row_and_a_column_for_nothing():
    truth = _truth([0, 0, 10, 10], [20, 0, 30, 10], labels=[0, 1])
    found = _found((0, 0, 10, 10, 0.9), (50, 0, 60, 10, 0.8), labels=[1, 0])
    counts = confusions(Examination([found], [truth], ["a"], "test"), 2)
    assert counts.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_tiles_cover_every_pixel():
    covered = np.zeros((130, 250), bool)
    for top, left, height, width in tiles((130, 250), 100, 0.2):
        covered[top : top + height, left : left + width] = True
        assert (height, width) == (100, 100)
    assert covered.all()
    assert tiles((90, 100), 100, 0.2) == []


def test_what_two_looks_find_is_one_thing():
    merged = merge([_found((0, 0, 10, 10, 0.6)), _found((0, 0, 10, 11, 0.9), (40, 0, 50, 10, 0.3))])
    assert merged.scores.tolist() == pytest.approx([0.9, 0.3])
