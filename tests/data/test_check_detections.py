"""Checking images with boxes: each fault is found, named with its file, and costs no image."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import DataError
from sightline.data import check_detection_set, contact_sheet, open_detection_set, split_dataset, tile_detections
from sightline.data.open_detection_set import read_detection_set
from sightline.data.tile_detections import tile_places

Box = tuple[str, float, float, float, float]


def photo(seed: int, size: tuple[int, int] = (80, 100)) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize(size[::-1], Image.Resampling.BICUBIC))


def put(root: Path, name: str, boxes: list[Box], seed: int, split: str = "train", said: str = "") -> None:
    """One image of 100×80 with its VOC file, in a split's folder."""
    folder = root / split
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(photo(seed)).save(folder / f"{name}.png")
    rows = "".join(
        f"<object><name>{label}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax>"
        "</bndbox></object>"
        for label, x1, y1, x2, y2 in boxes
    )
    size = said or "<size><width>100</width><height>80</height></size>"
    (folder / f"{name}.xml").write_text(f"<annotation><filename>{name}.png</filename>{size}{rows}</annotation>")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    root = tmp_path / "set"
    for index in range(20):
        put(root, f"a{index}", [("cat", 5, 5, 40, 40), ("dog", 50, 20, 90, 70)], index)
    for index in range(4):
        put(root, f"b{index}", [("cat", 5, 5, 40, 40), ("dog", 50, 20, 90, 70)], 100 + index, "test")
    return root


def kinds(root: Path) -> dict[str, bool]:
    return {problem.kind: problem.fault for problem in check_detection_set(root).problems}


def test_a_good_set_has_nothing_to_tell(good: Path) -> None:
    report = check_detection_set(good)
    assert (report.ok, report.problems, report.images, report.boxes) == (True, (), 24, 48)
    assert report.counts == {"train": (20, 20), "test": (4, 4)}
    assert "24 images with 48 boxes in 2 classes, voc (train 20 with 40 boxes, test 4 with 8 boxes)" in str(report)
    assert json.loads(json.dumps(report.to_json()))["boxes"] == 48


@pytest.mark.parametrize(
    ("boxes", "kind", "fault"),
    [
        ([("cat", 40, 5, 5, 40)], "corners", True),
        ([("cat", 5, 5, 5, 40)], "area", True),
        ([("cat", 120, 5, 140, 40)], "outside", True),
        ([("cat", 60, 5, 140, 40)], "sticks out", False),
        ([("cat", 5, 5, 6, 40)], "tiny", False),
        ([("cat", 5, 60, 20, 95), ("cat", 5, 5, 9, 9)], "axes", True),
        ([("cat", 5, 5, 40, 40), ("cat", 5, 5, 40, 40)], "double box", True),
        ([("cat", 5, 5, 40, 40), ("cat", 5, 5, 40, 41)], "double box", False),
        ([("cat", 5, 5, 40, 40), ("dog", 5, 5, 40, 40)], "two classes", False),
        ([("Cat", 5, 5, 40, 40)], "class names", False),
    ],
)
def test_each_bad_box_is_found(good: Path, boxes: list[Box], kind: str, fault: bool) -> None:
    put(good, "bad", boxes, 77)
    report = check_detection_set(good)
    found = [problem for problem in report.problems if problem.kind == kind]
    assert [problem.fault for problem in found] == [fault]
    assert "bad" in found[0].reason or kind == "class names"
    assert report.ok == (not any(problem.fault for problem in report.problems))
    opened = open_detection_set(good)
    assert len(opened.train) == 21  # the image is there, whatever its boxes are
    cleaned = next(item for key, item in zip(opened.train.keys, opened.train.annotations, strict=True) if "bad" in key)
    assert (cleaned.boxes[:, 2:] > cleaned.boxes[:, :2]).all()
    assert (cleaned.boxes >= 0).all()
    assert (cleaned.boxes <= (100, 80, 100, 80)).all()


def test_sizes_that_do_not_fit_are_found(good: Path) -> None:
    put(good, "turned", [("cat", 5, 5, 40, 40)], 78, said="<size><width>80</width><height>100</height></size>")
    problem = check_detection_set(good).problems[0]
    assert (problem.kind, problem.fault) == ("image size", True)
    assert "is 100×80; its annotation says 80×100. The axes are swapped." in problem.reason


def test_what_is_not_there_or_cannot_be_read_is_found(good: Path) -> None:
    put(good, "gone", [("cat", 5, 5, 40, 40)], 79)
    (good / "train" / "gone.png").unlink()
    put(good, "cut", [("cat", 5, 5, 40, 40)], 80)
    (good / "train" / "cut.png").write_bytes((good / "train" / "cut.png").read_bytes()[:200])
    put(good, "words", [("cat", 5, 5, 40, 40)], 81)
    (good / "train" / "words.xml").write_text("no XML at all")
    put(good, "bare", [], 82)
    put(good, "letters", [("cat", "one", 5, 40, 40), ("cat", 5, 5, 40, 40)], 83)  # type: ignore[list-item]
    Image.fromarray(photo(84)).save(good / "train" / "lone.png")
    report = check_detection_set(good)
    found = {problem.kind: (problem.fault, problem.reason) for problem in report.problems}
    assert set(found) == {"missing", "unreadable", "annotation", "record", "unannotated"}
    assert [found[kind][0] for kind in ("missing", "unreadable", "annotation", "record")] == [True] * 4
    assert "names the image 'gone.png', which is not there" in found["missing"][1]
    assert "line 1: the object has no four finite numbers in <bndbox>" in found["record"][1]
    assert not found["unannotated"][0]
    assert "1 images have no box: they teach what is nothing." in report.notes
    assert report.empty == {"train": 1, "test": 0}
    with pytest.raises(DataError, match=r"and 2 more like it\. 'sightline data check .*' lists all"):
        open_detection_set(good)


def test_leaks_and_copies_are_found(good: Path) -> None:
    put(good, "copy", [("cat", 5, 5, 40, 40), ("dog", 50, 20, 90, 70)], 3)
    put(good, "other", [("cat", 5, 5, 41, 40)], 5)
    put(good, "leak", [("cat", 5, 5, 40, 40)], 102)
    report = check_detection_set(good)
    found = {problem.kind: problem for problem in report.problems}
    assert set(found) == {"duplicate", "conflict", "leak"}
    assert found["leak"].fault
    assert "the same pixels are in train and test" in found["leak"].reason
    assert found["conflict"].fault
    assert not found["duplicate"].fault


def test_classes_that_nobody_sees_are_found(tmp_path: Path, good: Path) -> None:
    put(good, "bird", [("bird", 5, 5, 40, 40)], 300, "test")
    assert kinds(good) == {"unlearnt": True}
    coco = {
        "images": [{"id": 1, "file_name": "x.png", "width": 100, "height": 80}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 40]}],
        "categories": [{"id": 1, "name": "cat"}, {"id": 9, "name": "yeti"}],
    }
    (tmp_path / "coco").mkdir()
    Image.fromarray(photo(1)).save(tmp_path / "coco" / "x.png")
    (tmp_path / "coco" / "instances.json").write_text(json.dumps(coco))
    report = check_detection_set(tmp_path / "coco")
    assert {problem.kind for problem in report.problems} == {"unseen", "few"}
    assert "no box is of class 'yeti'." in [problem.reason for problem in report.problems]
    assert "It has one image: nothing can be held out of it." in report.notes


def test_real_sets_have_the_flaws_that_they_have(shared_data: Path) -> None:
    whole = read_detection_set(shared_data / "raccoon")
    names = [f"raccoon-{number}.jpg" for number in (52, 65, 74, 83, 98, 120, 1, 2, 3)]
    rows = [row for row, key in enumerate(whole.train.keys) if Path(key).name in names]
    report = check_detection_set(replace(whole, splits={"train": whole.train.subset(rows)}))
    assert sum(problem.kind == "conflict" for problem in report.problems) == 3  # one photo, marked twice
    assert not any(problem.kind in ("corners", "area", "outside", "image size") for problem in report.problems)


def test_tiles_cover_everything_and_boxes_are_cut(good: Path) -> None:
    assert tile_places((80, 100), 200, 0.2) == [(0, 0, 80, 100)]
    places = tile_places((210, 330), 100, 0.2)
    covered = np.zeros((210, 330), int)
    for top, left, height, width in places:
        covered[top : top + height, left : left + width] += 1
    assert covered.min() >= 1
    lefts = sorted({left for _, left, _, _ in places})
    assert all(100 - (after - before) >= 20 for before, after in itertools.pairwise(lefts))
    whole = read_detection_set(good)
    tiles = tile_detections(whole, size=48, overlap=0.25, keep=0.4, empty=0.0)
    parts = {key.split("_")[0]: [] for key in tiles.train.keys}
    for index, key in enumerate(tiles.train.keys):
        image, item = tiles.train[index]
        name, top, left = key.removesuffix(".png").split("_")
        parts[name].append(item)
        assert image.shape[:2] == tiles.train.size(index) == (48, 48)
        source = next(
            photo for path, (photo, _) in zip(whole.train.keys, whole.train, strict=True) if Path(path).stem == name
        )
        assert (image == source[int(top) : int(top) + 48, int(left) : int(left) + 48]).all()
        for box in item.boxes + np.array([int(left), int(top)] * 2):
            kept = [(min(box[2], w[2]) - max(box[0], w[0])) * (min(box[3], w[3]) - max(box[1], w[1])) for w in WHOLE]
            assert max(kept) == (box[2] - box[0]) * (box[3] - box[1])  # a part of one of the boxes
            assert max(np.array(kept) / AREAS) >= 0.4
        if index > 8:
            break
    assert "48 pixels that overlap by 25%" in tiles.notes[-1]
    assert all(len(item) for split in tiles.splits.values() for item in split.annotations)
    bare = tile_detections(whole, size=32, overlap=0.0, keep=1.0, empty=0.5)
    counts = [len(item) for item in bare.train.annotations]
    assert sum(count == 0 for count in counts) == round(0.5 * max(1, sum(count > 0 for count in counts)))


WHOLE = np.array([[5, 5, 40, 40], [50, 20, 90, 70]], float)
AREAS = np.array([35 * 35, 40 * 50], float)


def test_a_new_split_keeps_copies_together(good: Path, tmp_path: Path) -> None:
    for index in range(6):
        put(good, f"copy{index}", [("cat", 5, 5, 40, 40), ("dog", 50, 20, 90, 70)], 3)
    done = split_dataset(good, tmp_path / "new", fractions={"train": 0.5, "test": 0.5}, to="yolo", seed=2)
    assert (done.images, done.form) == (30, "yolo")
    again = read_detection_set(tmp_path / "new")
    names = {split: [Path(key).stem for key in part.keys] for split, part in again.splits.items()}
    holder = [split for split, stems in names.items() if "copy0" in stems]
    assert all(f"copy{index}" in names[holder[0]] for index in range(6))
    assert "a3" in names[holder[0]]
    assert abs(len(names["train"]) - 15) <= 2
    with pytest.raises(ValueError, match="fractions must be positive and sum to 1"):
        split_dataset(good, tmp_path / "more", fractions={"train": 0.9, "test": 0.5}, keep_duplicates_together=False)


def test_a_contact_sheet_shows_what_is_asked_for(good: Path) -> None:
    found = read_detection_set(good)
    sheet = contact_sheet(found, count=6, columns=3, cell=100)
    assert sheet.shape == (2 * 106 + 6, 3 * 106 + 6, 3)
    assert (sheet == (230, 159, 0)).all(axis=2).any()  # the first class's colour
    assert contact_sheet(found, "test", only="dog", count=50, cell=64).shape[1] == 4 * 70 + 6
    with pytest.raises(ValueError, match=r"no class is named 'dgo'\. Did you mean 'dog'"):
        contact_sheet(found, only="dgo")
    with pytest.raises(DataError, match="has no split 'val'"):
        contact_sheet(found, "val")
