"""Detection sets in every form: what is written is read back the same, and as the peers read it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sightline.core.errors import DataError, InputError
from sightline.data import Annotation, DetectionSet, DetectionSplit, convert_dataset, open_detection_set
from sightline.data.convert import WRITERS
from sightline.data.open_detection_set import find_format, read_detection_set
from sightline.data.outline import Outline

FORMS = sorted(WRITERS)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=8)
PLACES = st.integers(-5000, 60000).map(lambda value: value / 1000)  # thousandths of a pixel, outside too


@st.composite
def things_on_an_image(draw: Callable, classes: int, full: bool, size: tuple[int, int]) -> Annotation:
    count = draw(st.integers(0, 4))
    boxes, outlines, words = np.zeros((count, 4)), [], []
    for row in range(count):
        kind = draw(st.sampled_from(("box", "polygon", "mask"))) if full else "box"
        corners = np.array([[draw(PLACES), draw(PLACES)] for _ in range(3)])
        corners[2] = corners[:2].min(axis=0) if kind == "box" else corners[2]
        corners[1] += (corners[1] == corners[0]) * 0.5
        outline = Outline((corners,)) if kind == "polygon" else None
        if kind == "mask":
            mask = np.zeros(size, np.bool_)
            x, y = draw(st.integers(0, size[1] - 2)), draw(st.integers(0, size[0] - 2))
            mask[y : y + 2, x] = mask[y, x : x + 2] = True
            outline, corners = Outline.of_mask(mask), np.array([[x, y], [x + 2, y + 2]], float)
        boxes[row] = [*corners.min(axis=0), *corners.max(axis=0)]
        outlines.append(outline)
        words.append(draw(st.dictionaries(st.sampled_from(("pose", "occluded")), st.just("1"))) if full else {})
    flags = [np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool) & full for _ in range(2)]
    labels = draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count))
    return Annotation(
        boxes,
        np.array(labels, np.int64),
        crowd=flags[0],
        ignore=flags[1],
        outlines=tuple(outlines) if any(outlines) else (),
        attributes=tuple(words) if any(words) else (),
    )


@st.composite
def detection_sets(draw: Callable, full: bool) -> DetectionSet:
    classes = tuple(sorted(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))))
    size = (draw(st.integers(3, 40)), draw(st.integers(3, 40)))
    splits, number = {}, 0
    for name in draw(st.sampled_from((("all",), ("train", "test"), ("train", "val", "test")))):
        items = draw(st.lists(things_on_an_image(len(classes), full, size), min_size=1, max_size=2))
        images = [np.full((*size, 3), index, np.uint8) for index in range(len(items))]
        keys = [f"{number + index}.png" for index in range(len(items))]
        splits[name] = DetectionSplit(images, items, keys, ids=[number + index + 1 for index in range(len(items))])
        number += len(items)
    every = Annotation(np.tile([1.0, 1, 2, 2], (len(classes), 1)), np.arange(len(classes)))
    first = next(iter(splits))
    splits[first] = splits[first].with_annotations([every, *splits[first].annotations[1:]])  # every class is seen
    return DetectionSet("drawn", classes, splits, "memory", "")


def same(one: Annotation, other: Annotation, full: bool = True) -> None:
    assert one.boxes.tolist() == other.boxes.tolist()
    assert one.labels.tolist() == other.labels.tolist()
    if full:
        assert one.crowd.tolist() == other.crowd.tolist()
        assert one.ignore.tolist() == other.ignore.tolist()


def same_outlines(one: Annotation, other: Annotation) -> None:
    assert any(one.outlines) == any(other.outlines)
    for mine, its in zip(one.outlines, other.outlines, strict=True):
        assert (mine is None) == (its is None)
        assert mine is None or mine.equals(its)


def check_round_trip(found: DetectionSet, form: str, full: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        done = convert_dataset(found, Path(place) / "out", to=form)
        again = read_detection_set(Path(place) / "out")
        assert (again.form, again.classes) == (form, found.classes)
        names = {name: "train" if form == "yolo" and name == "all" else name for name in found.splits}
        assert sorted(again.splits) == sorted(names.values())
        for name, split in found.splits.items():
            back = again.splits[names[name]]
            assert [Path(key).stem for key in back.keys] == [Path(key).stem for key in split.keys]
            assert back.size(0) == split.size(0)
            for one, other in zip(split.annotations, back.annotations, strict=True):
                same(one, other, full=form != "yolo")
                if full and "outline" not in done.lost and form != "yolo":
                    same_outlines(one, other)
        if form == "coco":
            assert done.lost == {}
            assert [split.ids for split in again.splits.values()] == [split.ids for split in found.splits.values()]


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_what_is_written_is_read_back_the_same(form: str, data: st.DataObject) -> None:
    full = data.draw(st.booleans())
    check_round_trip(data.draw(detection_sets(full)), form, full)


def real_set(folder: Path) -> Path:
    """A small VOC folder: two images, three things, one of them difficult, its images under odd names."""
    (folder / "JPEGImages").mkdir(parents=True)
    (folder / "Annotations").mkdir()
    for name, things in (
        ("a.b", (("cat", 11, 21, 30, 40, 0), ("dog", 1, 1, 60, 48, 1))),
        ("é 2", (("cat", 5, 6, 7, 9, 0),)),
    ):
        Image.new("RGB", (60, 48), (90, 10, 10)).save(folder / "JPEGImages" / f"{name}.jpg")
        rows = "".join(
            f"<object><name>{label}</name><difficult>{hard}</difficult><pose>Left</pose><bndbox><xmin>{x1}</xmin>"
            f"<ymin>{y1}</ymin><xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
            for label, x1, y1, x2, y2, hard in things
        )
        head = f"<filename>{name}.jpg</filename><source><annotation>PASCAL VOC2007</annotation></source>"
        size = "<size><width>60</width><height>48</height><depth>3</depth></size>"
        (folder / "Annotations" / f"{name}.xml").write_text(f"<annotation>{head}{size}{rows}</annotation>", "utf-8")
    return folder


def test_every_form_is_reached_from_every_other(tmp_path: Path) -> None:
    start = read_detection_set(real_set(tmp_path / "voc0"))
    assert start.splits["all"].annotations[0].boxes.tolist() == [[10, 20, 30, 40], [0, 0, 60, 48]]  # counted from 1
    folder = tmp_path / "voc0"
    for number, form in enumerate(("coco", "cvat", "labelme", "voc", "coco", "labelme", "cvat", "voc")):
        before, folder = folder, tmp_path / f"{form}{number + 1}"
        convert_dataset(before, folder, to=form)
        found = read_detection_set(folder)
        assert found.form == form
        for one, other in zip(start.splits["all"].annotations, found.splits["all"].annotations, strict=True):
            same(one, other)
            assert [dict(words) for words in one.attributes] == [dict(words) for words in other.attributes]
        images = sorted(item.read_bytes() for item in folder.rglob("*.jpg"))
        assert images == sorted(item.read_bytes() for item in (tmp_path / "voc0").rglob("*.jpg"))


def test_yolo_is_what_its_formula_says(tmp_path: Path) -> None:
    done = convert_dataset(real_set(tmp_path / "voc"), tmp_path / "yolo", to="yolo")
    assert done.lost == {"ignore": 1, "attributes": 3}
    assert "1 marks of what to ignore were lost" in str(done)
    # darknet's voc_label.py: centre and size over the image's, of corners that count from 1 (here both ends inside).
    row = (tmp_path / "yolo" / "labels" / "train" / "a.b.txt").read_text().split("\n")[0].split()
    x1, y1, x2, y2, width, height = 11, 21, 30, 40, 60, 48
    expected = [
        ((x1 + x2) / 2 - 0.5) / width,
        ((y1 + y2) / 2 - 0.5) / height,
        (x2 - x1 + 1) / width,
        (y2 - y1 + 1) / height,
    ]
    assert row[0] == "0"
    assert np.abs(np.array(row[1:], float) - expected).max() < 1e-12
    assert "names:\n  0: 'cat'\n  1: 'dog'" in (tmp_path / "yolo" / "data.yaml").read_text()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the peer, on its own arrays
def test_coco_is_what_pycocotools_reads(tmp_path: Path, shared_data: Path) -> None:
    peer = pytest.importorskip("pycocotools.coco")
    file = shared_data / "detection_metrics" / "coco" / "instances_val2014_100.json"
    truth = peer.COCO(str(file))
    (tmp_path / "val").mkdir()
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val.json").write_bytes(file.read_bytes())
    for record in truth.dataset["images"]:
        Image.new("L", (1, 1)).save(tmp_path / "val" / record["file_name"])
    found = read_detection_set(tmp_path)
    split = found.val
    assert list(split.ids) == [record["id"] for record in truth.dataset["images"]]
    assert [truth.cats[number]["name"] for number in found.category_ids] == list(found.classes)
    for place, number in enumerate(split.ids):
        rows, item = truth.imgToAnns[number], split.annotations[place]
        expected = np.array([row["bbox"] for row in rows]).reshape(-1, 4)
        assert (
            np.abs(item.boxes - np.hstack([expected[:, :2], expected[:, :2] + expected[:, 2:]])).max(initial=0) < 1e-9
        )
        assert [found.category_ids[label] for label in item.labels] == [row["category_id"] for row in rows]
        assert item.crowd.tolist() == [bool(row["iscrowd"]) for row in rows]
        assert item.areas.tolist() == [row["area"] for row in rows]
    for place in (0, 1, 2):
        masks = split.annotations[place].masks(split.size(place))
        assert masks is not None
        for mask, row in zip(masks, truth.imgToAnns[split.ids[place]], strict=True):
            assert (mask == (truth.annToMask(row) == 1)).all()
    again = read_detection_set(convert_dataset(found, tmp_path / "again", to="coco").folder)
    for one, other in zip(split.annotations, again.val.annotations, strict=True):
        same(one, other)
        same_outlines(one, other)
    peer.COCO(str(tmp_path / "again" / "annotations" / "instances_val.json"))


def test_real_sets_go_round(tmp_path: Path, shared_data: Path) -> None:
    cells = read_detection_set(shared_data / "bccd")
    few = DetectionSet(
        "few", cells.classes, {name: split.subset([0, 1]) for name, split in cells.splits.items()}, "", ""
    )
    for form in FORMS:
        convert_dataset(few, tmp_path / form, to=form)
        again = read_detection_set(tmp_path / form)
        assert sorted(again.splits) == ["test", "train"]
        for name, split in few.splits.items():
            for one, other in zip(split.annotations, again.splits[name].annotations, strict=True):
                same(one, other)


def test_instance_masks_give_boxes(tmp_path: Path, shared_data: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        for file in sorted((shared_data / "penn_fudan" / folder).iterdir())[:6]:
            (tmp_path / folder / file.name).symlink_to(file)
    people = open_detection_set(tmp_path)
    assert people.form == "masks"
    assert sum(len(item) for split in people.splits.values() for item in split.annotations) == 10
    image, item = people.test[0]
    masks = item.masks((image.shape[0], image.shape[1]))
    assert masks is not None
    for mask, (x1, y1, x2, y2) in zip(masks, item.boxes.astype(int), strict=True):
        assert mask[y1:y2, x1:x2].sum() == mask.sum()
        assert all(mask[y1:y2, x1:x2].any(axis=axis)[[0, -1]].all() for axis in (0, 1))


def test_wrong_arguments_are_refused(tmp_path: Path) -> None:
    source = real_set(tmp_path / "voc")
    with pytest.raises(InputError, match=r"to must be one of .*; got 'pascal'"):
        convert_dataset(source, tmp_path / "out", to="pascal")
    with pytest.raises(DataError, match="is there already and not empty"):
        convert_dataset(source, source, to="yolo")
    with pytest.raises(DataError, match="does not exist"):
        convert_dataset(tmp_path / "nothing", tmp_path / "out", to="yolo")
    assert not (tmp_path / "out").exists()
    images = tmp_path / "plain"
    images.mkdir()
    (images / "x.json").write_text(json.dumps({"a": 1}))
    with pytest.raises(DataError, match="no annotations with boxes that are understood"):
        find_format(images)
