"""COCO's average precision against its own tools, against the figures that come with them, and counted by hand."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.metrics import AveragePrecision, BoxSet, box_sets_of_coco, mean_average_precision

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the peer, on its own arrays
DATA = "COCO's 100 images with made-up results"


def pycocotools(truth: dict[str, Any], results: list[dict[str, Any]], kind: str) -> Any:
    coco = pytest.importorskip("pycocotools.coco")
    evaluation = pytest.importorskip("pycocotools.cocoeval")
    with contextlib.redirect_stdout(io.StringIO()):
        made = coco.COCO()
        made.dataset = json.loads(json.dumps(truth))
        made.createIndex()
        judged = evaluation.COCOeval(made, made.loadRes(json.loads(json.dumps(results))), kind)
        judged.evaluate()
        judged.accumulate()
        judged.summarize()
    return judged


def difference(ours: AveragePrecision, peer: Any) -> float:
    """Return the largest difference of the twelve numbers, and of all curves."""
    numbers = np.nan_to_num(np.array(list(ours.twelve.values())), nan=-1.0)
    known = ours.classes
    precision = np.nan_to_num(ours.precision, nan=-1.0) - peer.eval["precision"][:, :, known]
    recall = np.nan_to_num(ours.recall, nan=-1.0) - peer.eval["recall"][:, known]
    rest = np.delete(peer.eval["precision"], known, axis=2)
    assert (rest == -1).all(), "a class is missing"
    return float(max(np.abs(numbers - peer.stats).max(), np.abs(precision).max(), np.abs(recall).max()))


@evidence.equals(
    "metrics.mean_average_precision", peer="pycocotools", tolerance="1e-6, twelve numbers, curves", data=DATA
)
@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_all_numbers_equal_pycocotools(kind: str, shared_data: Path, measured: Callable[[float], None]) -> None:
    truth, results = coco_files(shared_data, kind)
    found, true = box_sets_of_coco(truth, results, masks=kind == "segm")
    ours = mean_average_precision(found, true, of="masks" if kind == "segm" else "boxes")
    worst = difference(ours, pycocotools(truth, results, kind))
    measured(worst)
    assert worst < 1e-6


@evidence.reaches(
    "metrics.mean_average_precision", figure="AP of the made-up boxes", published=0.505, source="COCO API", data=DATA
)
def test_the_published_figure(shared_data: Path, measured: Callable[[float], None]) -> None:
    printed = (shared_data / "detection_metrics/coco/val2014_fake_eval_res.txt").read_text("utf-8")
    parts = {name: part for part in printed.split("type=")[1:] for name in [part.split()[0]]}
    for kind in ("bbox", "segm"):
        published = [float(line.split("=")[-1]) for line in parts[kind].splitlines() if "@[" in line]
        found, true = box_sets_of_coco(*coco_files(shared_data, kind), masks=kind == "segm")
        ours = mean_average_precision(found, true, of="masks" if kind == "segm" else "boxes")
        assert [round(value, 3) for value in ours.twelve.values()] == published
        if kind == "bbox":
            measured(round(float(ours), 3))


def coco_files(folder: Path, kind: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    folder = folder / "detection_metrics/coco"
    truth = json.loads((folder / "instances_val2014_100.json").read_text("utf-8"))
    return truth, json.loads((folder / f"instances_val2014_fake{kind}100_results.json").read_text("utf-8"))


@evidence.equals(
    "metrics.mean_average_precision", peer="pycocotools", tolerance="1e-6, twelve numbers, curves",
    data="drawn images with crowds, ties, many boxes and every size",
)  # fmt: skip
def test_crowds_ties_sizes_and_many_detections(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for seed in range(3):
        truth, results = drawn(seed)
        ours = mean_average_precision(*box_sets_of_coco(truth, results))
        worst = max(worst, difference(ours, pycocotools(truth, results, "bbox")))
    measured(worst)
    assert worst < 1e-6


def drawn(seed: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return annotations and results: 12 images, 4 classes of which one is never true, 150 boxes of one in an image."""
    random = np.random.default_rng(seed)
    truth: dict[str, Any] = {
        "info": {},
        "images": [{"id": int(i), "height": 600, "width": 600} for i in random.permutation(12) + 5],
        "categories": [{"id": i, "name": str(i)} for i in (3, 7, 8, 20)],
        "annotations": [],
    }
    results: list[dict[str, Any]] = []
    for image in truth["images"]:
        for category in (3, 7, 8, 20):
            boxes = np.hstack([random.uniform(0, 300, (5, 2)), random.choice([8.0, 50.0, 200.0], (5, 2))]).round(1)
            crowded = random.random(5) < 0.2
            for box, crowd in zip(boxes if category != 20 else [], crowded, strict=False):
                row = {"image_id": image["id"], "category_id": category, "iscrowd": int(crowd), "bbox": box.tolist()}
                area = float(box[2] * box[3] * random.uniform(0.5, 1))
                truth["annotations"].append(row | {"area": area, "id": len(truth["annotations"]) + 1})
            count = 150 if (image["id"], category) == (6, 7) else 6
            near = boxes[random.integers(0, 5, count)] * random.choice([1.0, 0.98, 0.8], (count, 4))
            scores = random.integers(0, 10, count) / 10  # many ties
            results += [
                {"image_id": image["id"], "category_id": category, "bbox": box.tolist(), "score": float(score)}
                for box, score in zip(near, scores, strict=True)
            ]
    order = random.permutation(len(results))
    return truth, [results[i] for i in order]


def test_counted_by_hand() -> None:
    things = [sl.Detections([[0, 0, 40, 40], [100, 0, 140, 40]], [1, 1], [2, 2], names=("a", "b", "cat"))]
    seen = [sl.Detections([[0, 0, 40, 40], [50, 50, 90, 90], [100, 0, 140, 40]], [0.9, 0.8, 0.7], [2, 2, 2])]
    score = mean_average_precision(seen, things)
    expected = (51 * 1 + 50 * 2 / 3) / 101  # precision 1 up to a recall of a half, then two of three
    assert float(score) == pytest.approx(expected)
    assert score.by_class == {"2": pytest.approx(expected)}
    assert score.twelve["ar_1"] == 0.5
    assert score.twelve["ar_100"] == 1
    assert score.twelve["ap_medium"] == pytest.approx(expected)
    assert np.isnan(score.twelve["ap_small"])
    assert score.to_json()["ap_small"] is None
    assert score.curve(2)[50:52, 1].tolist() == pytest.approx([1, 2 / 3])
    assert "AP, medium" in str(score)


def test_what_is_ignored_is_neither_right_nor_wrong() -> None:
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10]])
    seen = [sl.Detections(boxes, [0.9, 0.8], [0, 0])]
    assert float(mean_average_precision(seen, [BoxSet(boxes, [0, 0], ignore=[True, False])])) == pytest.approx(1)
    crowd = BoxSet(np.array([[0, 0, 100, 100], [20, 0, 30, 10]]), [0, 0], crowd=[True, False])
    many = [BoxSet([*np.repeat(boxes[:1] + 1, 9, axis=0).tolist(), [20, 0, 30, 10]], [0] * 10, np.arange(10, 0, -1))]
    assert float(mean_average_precision(many, [crowd])) == pytest.approx(1)


def test_nothing_found_nothing_there_and_a_class_that_is_never_true() -> None:
    none, one = sl.Detections([], [], []), sl.Detections([[0, 0, 4, 4]], [0.5], [3])
    assert float(mean_average_precision([none], [one])) == 0
    assert np.isnan(float(mean_average_precision([one], [none])))
    assert np.isnan(float(mean_average_precision([], [])))
    both = mean_average_precision([one, none], [sl.Detections([[0, 0, 4, 4]], [1], [1]), one])
    assert both.classes.tolist() == [1, 3]
    assert float(both) == 0
    spoiled = sl.Detections([[np.nan, 0, 4, 4], [0, 0, 4, 4]], [0.9, 0.8], [3, 3])
    assert mean_average_precision([spoiled], [one]).ap50 == pytest.approx(0.5)


def test_masks_of_detections() -> None:
    mask = np.zeros((2, 20, 20), bool)
    mask[0, 2:8, 2:8] = mask[1, 10:18, 4:9] = True
    boxes = [[2, 2, 8, 8], [4, 10, 9, 18]]
    things = sl.Detections(boxes, [1, 1], [0, 0], masks=mask)
    assert float(mean_average_precision([things], [things], of="masks")) == pytest.approx(1)
    half = mask.copy()
    half[:, :, 6:] = False  # 24 of 36, and 16 of 40 pixels
    score = mean_average_precision([sl.Detections(boxes, [0.9, 0.8], [0, 0], masks=half)], [things], of="masks")
    assert score.recall[:, 0, 0, -1].tolist() == [0.5] * 4 + [0] * 6


def test_its_steps_end_in_the_result() -> None:
    random = np.random.default_rng(1)
    boxes = np.hstack([random.uniform(0, 90, (8, 2)), random.uniform(100, 190, (8, 2))])
    things, seen = sl.Detections(boxes, np.ones(8), [1] * 8), sl.Detections(boxes + 9, random.random(8), [1] * 8)
    trace = sl.trace(mean_average_precision, [seen], [things])
    assert trace.result.twelve == pytest.approx(mean_average_precision([seen], [things]).twelve, nan_ok=True)
    assert [step.name for step in trace] == ["verdicts", "curve", "envelope", "score"]
    assert trace["verdicts"].value.shape == (8, 4)


@pytest.mark.parametrize(
    ("found", "truth", "options", "told"),
    [
        ([], [sl.Detections([], [], [])], {}, "found and truth must have one entry for each image; got 0 and 1"),
        (3, [], {}, "found must be a list, one entry an image; got int 3"),
        ([7], [7], {}, r"found\[0\] must be Detections, a BoxSet or an annotation with boxes and labels; got int 7"),
        ([], [], {"of": "box"}, "of must be one of 'boxes', 'masks'; got 'box'"),
        ([], [], {"thresholds": ()}, "thresholds and most must have an entry; got 0 and 3"),
        ([], [], {"most": (0,)}, "most must be a whole number ≥ 1; got 0"),
        ([BoxSet([[0, 0, 1, 1]], [0])], [BoxSet([], [])], {}, r"found\[0\] must have a score for each box; got 0"),
        (
            [BoxSet([[0, 0, 1, 1]], [0], [0.5])],
            [BoxSet([], [])],
            {"of": "masks"},
            r"found\[0\] must have masks; got 1 boxes alone",
        ),
        (
            [BoxSet([[0, 0, 1, 1]], [0], [np.nan])],
            [BoxSet([], [])],
            {},
            "found must have scores that are numbers; got 1",
        ),
    ],
)
def test_wrong_arguments_are_named(found: Any, truth: Any, options: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=f"mean_average_precision: {told}"):
        mean_average_precision(found, truth, **options)


def test_wrong_sets_are_named() -> None:
    with pytest.raises(InputError, match=r"BoxSet: labels must have 1 rows, one a box; got 2"):
        BoxSet([[0, 0, 1, 1]], [0, 1])
    truth = {"images": [], "annotations": [], "categories": []}
    with pytest.raises(InputError, match=r"box_sets_of_coco: results must name images of the truth; got image_id 5"):
        box_sets_of_coco(truth, [{"image_id": 5, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}])
