"""Images with boxes in memory: what a set holds, how it is divided, what is cleaned."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.core.errors import DataError, InputError
from sightline.data import Annotation, DetectionSet, DetectionSplit, open_detection_set
from sightline.data.open_detection_set import cleaned
from sightline.data.outline import Outline


def things(*boxes: tuple[float, float, float, float], labels: list[int] | None = None) -> Annotation:
    return Annotation(np.array(boxes, float).reshape(-1, 4), np.array(labels or [0] * len(boxes), np.int64))


def in_memory(annotations: list[Annotation], classes: tuple[str, ...] = ("cat", "dog")) -> DetectionSet:
    images = [np.full((20, 30, 3), index, np.uint8) for index in range(len(annotations))]
    split = DetectionSplit(images, annotations, [f"{index}.png" for index in range(len(annotations))])
    return DetectionSet("pets", classes, {"train": split}, "memory", "")


def test_a_sample_is_an_image_and_its_annotation() -> None:
    found = in_memory([things((1, 2, 11, 12), (0, 0, 5, 5), labels=[1, 0]), Annotation.empty()])
    image, annotation = found.train[0]
    assert (image.shape, len(annotation), annotation.labels.tolist()) == ((20, 30, 3), 2, [1, 0])
    assert annotation.areas.tolist() == [100.0, 25.0]
    assert len(found.train[-1][1]) == 0
    assert found.train.size(1) == (20, 30)
    assert found.train.counts(2).tolist() == [1, 1]
    with pytest.raises(ValueError, match="read-only"):
        annotation.boxes[0] = 0


def test_a_division_shares_out_the_rarest_classes_and_images_without_boxes() -> None:
    common, rare = things((1, 1, 9, 9)), things((1, 1, 9, 9), (2, 2, 8, 8), labels=[0, 1])
    found = in_memory([common] * 20 + [rare] * 10 + [Annotation.empty()] * 10)
    assert found.train.strata.tolist() == [1] * 20 + [2] * 10 + [0] * 10
    divided = found.split_off(0.2, seed=1, name="test")
    strata = divided.test.strata
    assert np.bincount(strata).tolist() == [2, 4, 2]
    image, _ = divided.test[0]
    assert divided.test.keys[0] == f"{image[0, 0, 0]}.png"
    assert sorted(divided.pool().keys) == sorted(found.train.keys)
    folds = [part.val.keys for part in found.k_fold(4)]
    assert sorted(key for keys in folds for key in keys) == sorted(found.train.keys)


def test_cleaning_keeps_every_image_and_tells_what_it_did() -> None:
    bad = things((8, 2, 1, 12), (-5, 0, 5, 5), (3, 3, 3, 9), (40, 0, 50, 9), (1, 1, 2, 2))
    found = cleaned(in_memory([bad, things((3, 3, 3, 3))]))
    assert found.train[0][1].boxes.tolist() == [[1, 2, 8, 12], [0, 0, 5, 5], [1, 1, 2, 2]]
    assert len(found.train) == 2
    assert len(found.train[1][1]) == 0
    assert [note[:8] for note in found.notes] == ["1 boxes ", "1 boxes ", "3 boxes "]


def test_what_does_not_fit_together_is_refused() -> None:
    with pytest.raises(DataError, match="labels must have 1 rows"):
        Annotation(np.array([[0, 0, 1, 1]]), np.array([0, 1]))
    with pytest.raises(DataError, match="boxes must be N×4"):
        Annotation(np.zeros((2, 3)), np.array([0, 1]))
    with pytest.raises(DataError, match="labels of 'pets' train must be in 0–0; got 0 to 1"):
        in_memory([things((0, 0, 1, 1), (0, 0, 1, 1), labels=[0, 1])], ("cat",))
    with pytest.raises(InputError, match="indices must be in 0–0"):
        in_memory([Annotation.empty()]).train.subset([1])


def test_things_are_taken_with_all_that_is_known_of_them() -> None:
    mask = np.zeros((20, 30), np.bool_)
    mask[2:5, 3:9] = True
    both = Annotation(
        np.array([[3, 2, 9, 5], [1, 1, 4, 4]]),
        np.array([1, 0]),
        crowd=np.array([True, False]),
        outlines=(Outline.of_mask(mask), None),
        attributes=({"pose": "left"}, {}),
    )
    masks = both.masks((20, 30))
    assert masks is not None
    assert (masks[0] == mask).all()
    assert masks[1].sum() == 9  # a thing without an outline is its box
    second = both.take([1])
    assert (second.labels.tolist(), second.outlines, second.attributes) == ([0], (None,), ({},))
    assert both.draw(np.zeros((20, 30, 3), np.uint8), ("cat", "dog")).any()
    assert both.on(np.zeros((20, 30, 3), np.uint8), masks=True).masks is not None


def test_real_sets_are_known_by_their_files(shared_data: Path) -> None:
    raccoons = open_detection_set(shared_data / "raccoon")
    assert {name: len(split) for name, split in raccoons.splits.items()} == {"train": 130, "test": 40}
    assert sum(len(item) for split in raccoons.splits.values() for item in split.annotations) == 184
    cells = open_detection_set(shared_data / "bccd")
    counts = sum(split.counts(3) for split in cells.splits.values())
    assert dict(zip(cells.classes, np.asarray(counts).tolist(), strict=True))["WBC"] == 114
