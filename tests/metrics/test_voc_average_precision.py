"""Pascal VOC's average precision against published samples, and against its rules as loops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.detect import iou
from sightline.metrics import BoxSet, voc_average_precision


def padilla(folder: Path) -> tuple[list[BoxSet], list[BoxSet]]:
    """Return the seven images of Padilla's second sample; its sides count the last pixel."""
    sets: dict[str, list[BoxSet]] = {}
    with ZipFile(folder / "detection_metrics/padilla_samples.zip") as kept:
        for kind in ("detections", "groundtruths"):
            for i in range(1, 8):
                lines = kept.read(f"samples/sample_2/{kind}/{i:05}.txt").decode().split("\n")
                rows = np.array([line.split()[1:] for line in lines if line.strip()], float)
                x, y, width, height = rows[:, -4:].T
                edges = np.stack([x, y, x + width + 1, y + height + 1], axis=1)
                scores = rows[:, 0] if kind == "detections" else []
                sets.setdefault(kind, []).append(BoxSet(edges, np.zeros(len(rows), int), scores))
    return sets["detections"], sets["groundtruths"]


PADILLA = "7 images with 24 detections"


@evidence.reaches(
    "metrics.voc_average_precision", figure="AP of a sample, all points, %", published=24.56, source="Padilla 2020",
    data=PADILLA,
)  # fmt: skip
def test_padillas_figure_of_all_points(shared_data: Path, measured: Callable[[float], None]) -> None:
    score = 100 * float(voc_average_precision(*padilla(shared_data), threshold=0.3))
    measured(round(score, 3))
    assert int(score * 100) / 100 == 24.56  # the figure is cut off, not rounded


@evidence.reaches(
    "metrics.voc_average_precision", figure="AP of a sample, eleven points, %", published=26.84, source="Padilla 2020",
    data=PADILLA,
)  # fmt: skip
def test_padillas_figure_of_eleven_points(shared_data: Path, measured: Callable[[float], None]) -> None:
    score = 100 * float(voc_average_precision(*padilla(shared_data), threshold=0.3, points="eleven"))
    measured(round(score, 3))
    assert round(score, 2) == 26.84


def by_the_rules(found: list[sl.Detections], truth: list[BoxSet], label: int) -> tuple[float, float]:
    """Return the area and the mean of eleven points for one class, detection by detection."""
    rows = [(s, i, d) for i, f in enumerate(found) for d, s in enumerate(f.scores) if f.labels[d] == label]
    taken: set[tuple[int, int]] = set()
    things = sum(int(((t.labels == label) & ~t.ignore).sum()) for t in truth)
    right, seen, curve = 0, 0, []
    for _, i, d in sorted(rows, key=lambda row: -row[0]):
        candidates = np.flatnonzero(truth[i].labels == label)
        table = iou(found[i].boxes[d : d + 1], truth[i].boxes[candidates])[0] if len(candidates) else np.zeros(0)
        best = int(table.argmax()) if len(table) else -1
        if best >= 0 and table[best] >= 0.5:
            thing = (i, int(candidates[best]))
            if truth[i].ignore[thing[1]]:
                continue
            right += thing not in taken
            taken.add(thing)
        seen += 1
        curve.append((right / things, right / seen))
    area, last = 0.0, 0.0
    for at, (recall, _) in enumerate(curve):
        area += (recall - last) * max(p for _, p in curve[at:])
        last = recall
    eleven = [max((p for r, p in curve if r >= k / 10), default=0.0) for k in range(11)]
    return area, sum(eleven) / 11


@evidence.equals(
    "metrics.voc_average_precision", peer="the challenge's rules as loops", tolerance="1e-12", data="drawn images"
)
def test_it_follows_the_rules(measured: Callable[[float], None]) -> None:
    random = np.random.default_rng(4)
    found, truth = [], []
    for _ in range(20):
        corner = random.uniform(0, 200, (6, 2))
        boxes = np.hstack([corner, corner + random.uniform(20, 80, (6, 2))])
        truth.append(BoxSet(boxes, random.integers(0, 3, 6), ignore=random.random(6) < 0.2))
        near = boxes[random.integers(0, 6, 10)] + random.normal(0, 6, (10, 4))
        found.append(sl.Detections(near, random.random(10), random.integers(0, 3, 10)))
    worst = 0.0
    for column, points in enumerate(("all", "eleven")):
        ours = voc_average_precision(found, truth, points=points)
        for label, value in zip(ours.classes, ours.precisions, strict=True):
            worst = max(worst, abs(value - by_the_rules(found, truth, label)[column]))
    measured(worst)
    assert worst < 1e-12
    assert len(ours.classes) == 3


def test_a_thing_that_is_found_twice_counts_once() -> None:
    boxes = np.array([[0, 0, 10, 10]])
    twice = [sl.Detections(np.repeat(boxes, 2, axis=0), [0.9, 0.8], [0, 0], names=("cat",))]
    score = voc_average_precision(twice, [BoxSet(boxes, [0])])
    assert score.curves[0].tolist() == [[1, 1], [1, 0.5]]
    assert score.by_class == {"cat": 1}
    assert score.to_json() == {"map": 1, "by_class": {"cat": 1}}
    assert np.isnan(float(voc_average_precision(twice, [BoxSet(boxes, [0], ignore=[True])])))
    assert float(voc_average_precision([sl.Detections([], [], [])], [BoxSet(boxes, [0])], points="eleven")) == 0


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(InputError, match=r"voc_average_precision: points must be one of 'all', 'eleven'; got 11"):
        voc_average_precision([], [], points=11)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"voc_average_precision: found and truth must have one entry"):
        voc_average_precision([], [BoxSet([], [])])
