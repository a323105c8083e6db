"""Annotation files that are damaged or meant to harm: a sentence with the file, never a crash, nothing lost unsaid."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.core.errors import DataError, FormatError, SightlineError
from sightline.data import (
    Annotation,
    DetectionSet,
    DetectionSplit,
    check_detection_set,
    convert_dataset,
    open_detection_set,
)
from sightline.data.check_detections import is_detection_set
from sightline.data.convert import WRITERS
from sightline.data.outline import Outline
from sightline.data.strict_xml import read_xml
from sightline.data.strict_yaml import read_yaml

CORNERS = "<xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax>"
GOOD = f"<annotation><filename>a.png</filename><object><name>x</name><bndbox>{CORNERS}</bndbox></object></annotation>"
LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
XML = {
    "laughs": f'<?xml version="1.0"?><!DOCTYPE annotation [<!ENTITY l0 "ha">{LAUGHS}]><annotation>&l9;</annotation>',
    "file": '<!DOCTYPE annotation [<!ENTITY f SYSTEM "file:///etc/passwd">]><annotation><filename>&f;</filename></annotation>',
    "address": '<!DOCTYPE annotation SYSTEM "http://localhost:1/x.dtd"><annotation/>',
    "parameter": '<!DOCTYPE annotation [<!ENTITY % p SYSTEM "http://localhost:1/x">%p;]><annotation/>',
    "undefined entity": "<annotation>&what;</annotation>",
    "cut off": GOOD[:90],
    "two roots": GOOD + GOOD,
    "nothing": "",
    "zeros": "\0" * 100,
    "encoding": '<?xml version="1.0" encoding="x-unknown"?><annotation/>',
    "deep": "<annotation>" + "<a>" * 5000,
    "attribute twice": '<annotation a="1" a="2"/>',
}


def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (20, 16), (9, 90, 9)).save(tmp_path / "a.png")
    Image.new("RGB", (20, 16), (90, 9, 9)).save(tmp_path / "b.png")
    return tmp_path


@pytest.mark.parametrize("name", XML)
def test_hostile_xml_is_refused_at_once(tmp_path: Path, name: str) -> None:
    file = folder(tmp_path) / "a.xml"
    file.write_bytes(XML[name].encode())
    began = time.process_time()
    with pytest.raises(FormatError, match=r"a\.xml'"):
        read_xml(file)
    assert time.process_time() - began < 5  # entities that multiply would take minutes, and all memory
    (tmp_path / "b.xml").write_text(GOOD.replace("a.png", "b.png"))
    report = check_detection_set(tmp_path)
    faults = [problem for problem in report.problems if problem.kind == "annotation"]
    assert [Path(problem.files[0]).name for problem in faults] == ["a.xml"]
    assert report.images == 1
    with pytest.raises(DataError, match=r"a\.xml"):
        open_detection_set(tmp_path)


def test_xml_that_is_odd_but_sound_is_read(tmp_path: Path) -> None:
    file = folder(tmp_path) / "a.xml"
    file.write_bytes(("\ufeff" + GOOD.replace("<name>x", "<name> &lt;x&#233; ")).encode())
    assert open_detection_set(tmp_path).classes == ("<xé",)
    file.write_bytes(('<?xml version="1.0" encoding="utf-16"?>' + GOOD).encode("utf-16"))
    assert open_detection_set(tmp_path).classes == ("x",)


def coco(**changes: object) -> str:
    value = {
        "images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 16}],
        "annotations": [{"id": 7, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]}],
        "categories": [{"id": 3, "name": "x"}],
    }
    return json.dumps(value | changes)


def thing(**changes: object) -> list[dict[str, object]]:
    return [{"id": 7, "image_id": 1, "category_id": 3, "bbox": [1, 2, 3, 4]} | changes]


JSON = {
    "cut off": (coco()[:120] + '"annotations"', "annotation"),
    "deep": ('{"images": [], "annotations": ' + "[" * 100_000, "annotation"),
    "digits": (coco()[:-1] + ', "n": ' + "9" * 5000 + "}", "annotation"),
    "no lists": ('{"images": 3, "annotations": {}, "categories": null}', "annotation"),
    "a list": ('["images", "annotations", "categories"]', "annotation"),
    "bbox of words": (coco(annotations=thing(bbox=["a", 1, 2, 3])), "record"),
    "bbox of three": (coco(annotations=thing(bbox=[1, 2, 3])), "record"),
    "bbox of NaN": (coco(annotations=thing(bbox=[1, float("nan"), 3, 4])), "record"),
    "bbox too large": (coco(annotations=thing(bbox=[1, 1e300, 3, 4])), "record"),
    "bbox of truth": (coco(annotations=thing(bbox=[1, True, 3, 4])), "record"),
    "unknown category": (coco(annotations=thing(category_id=4)), "record"),
    "category in words": (coco(annotations=thing(category_id="x")), "record"),
    "unknown image": (coco(annotations=thing(image_id=2)), "record"),
    "no image": (coco(annotations=thing(image_id=None)), "record"),
    "an annotation is a number": (coco(annotations=[5]), "record"),
    "an image without a name": (coco(images=[{"id": 1}]), "record"),
    "an image is there twice": (coco(images=[{"id": n, "file_name": "a.png"} for n in (1, 2)]), "record"),
    "a category without a name": (coco(categories=[{"id": 3}]), "record"),
    "a missing image": (coco(images=[{"id": 1, "file_name": "gone.png"}]), "missing"),
    "a path to elsewhere": (coco(images=[{"id": 1, "file_name": "/etc/passwd"}]), "missing"),
    "an odd polygon": (coco(annotations=thing(segmentation=[[1, 2, 3]])), "outline"),
    "short runs": (coco(annotations=thing(segmentation={"size": [4, 4], "counts": [3, 4]})), "outline"),
    "runs of a huge image": (
        coco(annotations=thing(segmentation={"size": [10**9, 10**9], "counts": [10**18]})),
        "outline",
    ),
    "runs of words": (coco(annotations=thing(segmentation={"size": [4, 4], "counts": "\u00ff"})), "outline"),
}


@pytest.mark.parametrize("name", JSON)
def test_damaged_json_is_told_record_by_record(tmp_path: Path, name: str) -> None:
    text, kind = JSON[name]
    file = folder(tmp_path) / "instances.json"
    file.write_text(text)
    problems = check_detection_set(tmp_path).problems
    assert kind in {problem.kind for problem in problems}
    assert any("instances.json" in problem.reason for problem in problems)
    if kind == "outline":
        assert len(open_detection_set(tmp_path).train[0][1]) == 1  # its box is kept
    else:
        with pytest.raises(DataError, match=r"instances\.json"):
            open_detection_set(tmp_path)


ROWS = {
    "words": "cat 0.5 0.5 0.2 0.2",
    "four numbers": "0 0.5 0.5 0.2",
    "a score": "0 0.5 0.5 0.2 0.2 0.9",
    "unknown class": "7 0.5 0.5 0.2 0.2",
    "negative class": "-1 0.5 0.5 0.2 0.2",
    "half a class": "0.5 0.5 0.5 0.2 0.2",
    "NaN": "0 nan 0.5 0.2 0.2",
    "infinity": "0 inf 0.5 0.2 0.2",
}


@pytest.mark.parametrize("name", ROWS)
def test_damaged_rows_of_yolo_are_told_with_their_line(tmp_path: Path, name: str) -> None:
    for place in ("images", "labels"):
        (tmp_path / place).mkdir()
    folder(tmp_path / "images")
    (tmp_path / "data.yaml").write_text("train: images\nnames: [x, y]\ndownload: |\n  import os\n  os.system('no')\n")
    (tmp_path / "labels" / "a.txt").write_text(f"0 0.5 0.5 0.2 0.2\n{ROWS[name]}\n1 0.5 0.5 0.4 0.4\n")
    report = check_detection_set(tmp_path)
    assert [problem.kind for problem in report.problems if problem.fault] == ["record"]
    assert "a.txt' line 2: " in report.problems[0].reason
    assert (report.images, report.boxes) == (2, 2)  # both images, both sound boxes
    with pytest.raises(DataError, match="line 2"):
        open_detection_set(tmp_path)


def test_yolo_reads_what_the_world_writes(tmp_path: Path) -> None:
    for place in ("train/images", "train/labels", "valid/images", "valid/labels"):
        (tmp_path / place).mkdir(parents=True)
    folder(tmp_path / "train" / "images")
    folder(tmp_path / "valid" / "images")
    (tmp_path / "train" / "labels" / "a.txt").write_text("1 0.1 0.1 0.9 0.1 0.9 0.5\n")
    (tmp_path / "data.yaml").write_text(
        "# made elsewhere\ntrain: ../train/images\nval: ../valid/images\n\nnc: 2\nnames: ['cat, big', \"dog\"]  # two\n"
    )
    found = open_detection_set(tmp_path / "data.yaml")
    assert {name: len(split) for name, split in found.splits.items()} == {"train": 2, "val": 2}
    assert found.classes == ("cat, big", "dog")
    item = found.train.annotations[0]
    assert item.boxes.tolist() == [[2.0, 1.6, 18.0, 8.0]]
    assert item.outlines[0] is not None
    assert "3 images have no text file: nothing is on them." in found.notes


def test_class_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (folder(tmp_path) / "a.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    (tmp_path / "classes.txt").write_bytes(b"caf\xe9\n")
    with pytest.raises(FormatError, match=r"classes\.txt' is not text in UTF-8"):
        open_detection_set(tmp_path)
    assert not check_detection_set(tmp_path).ok


def test_captions_are_no_boxes(tmp_path: Path) -> None:
    (folder(tmp_path) / "a.txt").write_text("5 cats and 4 dogs on 1 sofa\n")
    assert not is_detection_set(tmp_path)
    (tmp_path / "b.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    assert is_detection_set(tmp_path)


def test_one_name_in_two_subsets_is_two_images(tmp_path: Path) -> None:
    lines = []
    for subset, x in (("Train", 1), ("Test", 2)):
        (tmp_path / "images" / subset).mkdir(parents=True)
        Image.new("RGB", (20, 16), (9, 90, 9 * x)).save(tmp_path / "images" / subset / "a.png")
        box = f'<box label="x" xtl="{x}" ytl="1" xbr="9" ybr="9"/>'
        lines.append(f'<image name="a.png" subset="{subset}" width="20" height="16">{box}</image>')
    (tmp_path / "annotations.xml").write_text(f"<annotations>{''.join(lines)}</annotations>")
    found = open_detection_set(tmp_path)
    for split, x in (("train", 1), ("test", 2)):
        image, item = found.split(split)[0]
        assert (image[0, 0, 2], item.boxes[0, 0]) == (9 * x, x)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("names:\n  0: a\n  1: 'it''s'\n", {"names": {"0": "a", "1": "it's"}}),
        ("names:\n- a\n- b # c\n", {"names": ["a", "b"]}),
        ("names: [a,\n  b]\n", {"names": ["a", "b"]}),
        ("names: {0: a, 1: b}\n", {"names": {"0": "a", "1": "b"}}),
        ("path: C:\\data\nx: 'a # b'\n", {"path": "C:\\data", "x": "a # b"}),
        ("---\na: 1\nb: |\n  a: [\n  c\nd: ''\n", {"a": "1", "b": "|", "d": ""}),
    ],
)
def test_yaml_is_data(tmp_path: Path, text: str, value: object) -> None:
    peer = pytest.importorskip("yaml")
    (tmp_path / "x.yaml").write_text(text)
    found = read_yaml(tmp_path / "x.yaml")
    assert found == value

    def words(item: object) -> object:
        if isinstance(item, dict):
            return {str(key): words(inner) for key, inner in item.items()}
        return [words(inner) for inner in item] if isinstance(item, list) else str(item)

    read = words(peer.safe_load(text))
    assert isinstance(read, dict)
    assert {key: item for key, item in read.items() if key != "b"} == {key: v for key, v in found.items() if key != "b"}


@pytest.mark.parametrize("text", ["a: 1\n  what is this\n", "!!python/object/apply:os.system ['x']\n", "? a\n", "\x80"])
def test_yaml_that_is_more_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(SightlineError, match=r"x\.yaml'"):
        read_yaml(tmp_path / "x.yaml")


HUGE = 'width="999999999" height="999999999"'
FOUR = 'width="4" height="4"'
CVAT = {
    "a track": ('<track id="0" label="x"/>', "annotation"),
    "a missing image": ('<image id="0" name="gone.png" width="20" height="16"/>', "missing"),
    "a box of words": ('<image name="a.png"><box label="x" xtl="a" ytl="1" xbr="2" ybr="3"/></image>', "record"),
    "no label": ('<image name="a.png"><box xtl="1" ytl="1" xbr="2" ybr="3"/></image>', "record"),
    "two points": ('<image name="a.png"><polygon label="x" points="1,2;3,4"/></image>', "record"),
    "runs": (
        f'<image name="a.png" width="9" height="9"><mask label="x" rle="1" left="0" top="0" {FOUR}/></image>',
        "record",
    ),
    "a line": ('<image name="a.png"><polyline label="x" points="1,2;3,4"/></image>', "shape"),
    "a mask of a huge image": (
        f'<image name="a.png" {HUGE}><mask label="x" rle="1" left="0" top="0" {FOUR}/></image>',
        "record",
    ),
    "a circle of its own": ('<image name="a.png"><blob label="x"/></image>', "record"),
}


@pytest.mark.parametrize("name", CVAT)
def test_damaged_cvat_is_told(tmp_path: Path, name: str) -> None:
    inner, kind = CVAT[name]
    good = '<image name="b.png" width="20" height="16"><box label="x" xtl="1" ytl="1" xbr="9" ybr="9"/></image>'
    (folder(tmp_path) / "annotations.xml").write_text(f"<annotations>{inner}{good}</annotations>")
    report = check_detection_set(tmp_path)
    assert kind in {problem.kind for problem in report.problems}
    assert report.boxes == 1


LABELME = {
    "a point": ({"shape_type": "point", "points": [[1, 2]]}, "shape"),
    "one corner": ({"shape_type": "rectangle", "points": [[1, 2]]}, "record"),
    "two corners": ({"shape_type": "polygon", "points": [[1, 2], [3, 4]]}, "record"),
    "words": ({"shape_type": "polygon", "points": "here"}, "record"),
    "a mask of words": ({"shape_type": "mask", "points": [[1, 2], [3, 4]], "mask": "%%%"}, "record"),
    "a bomb": ({"shape_type": "mask", "points": [[1, 2], [3, 4]], "mask": "aGVsbG8="}, "record"),
    "no label": ({"shape_type": "rectangle", "points": [[1, 2], [3, 4]], "label": 5}, "record"),
    "unknown": ({"shape_type": "cloud", "points": [[1, 2], [3, 4]]}, "record"),
}


@pytest.mark.parametrize("name", LABELME)
def test_damaged_labelme_is_told(tmp_path: Path, name: str) -> None:
    shape, kind = LABELME[name]
    good = {"label": "x", "shape_type": "circle", "points": [[8, 8], [8, 12]]}
    value = {
        "shapes": [{"label": "x"} | shape, good],
        "imagePath": "..\\elsewhere\\a.png",
        "imageHeight": 16,
        "imageWidth": 20,
    }
    (folder(tmp_path) / "a.json").write_text(json.dumps(value))
    report = check_detection_set(tmp_path)
    assert kind in {problem.kind for problem in report.problems}
    assert (report.images, report.boxes) == (1, 1)


@pytest.mark.slow
@pytest.mark.parametrize("form", sorted(WRITERS))
def test_damaged_files_of_every_form_are_refused_or_told(tmp_path: Path, form: str) -> None:
    mask = np.zeros((16, 20), np.bool_)
    mask[3:6, 4:9] = True
    things = Annotation(
        np.array([[1, 2, 9.5, 8], [4, 3, 9, 6], [0, 0, 20, 16]]),
        np.array([0, 1, 1]),
        crowd=np.array([False, True, False]),
        outlines=(Outline((np.array([[1.0, 2], [9.5, 8], [1, 8]]),)), Outline.of_mask(mask), None),
        attributes=({"pose": "left"}, {}, {}),
    )
    images = [np.full((16, 20, 3), 90 * index, np.uint8) for index in range(2)]
    split = DetectionSplit(images, [things, Annotation.empty()], ["a.png", "b.png"])
    convert_dataset(DetectionSet("pets", ("cat", "dog"), {"train": split}, "", ""), tmp_path / "set", to=form)
    files = sorted(file for file in (tmp_path / "set").rglob("*") if file.suffix in (".xml", ".json", ".txt", ".yaml"))
    random = np.random.default_rng(8)
    told = 0
    for _ in range(100):
        file = files[int(random.integers(len(files)))]
        whole = file.read_bytes()
        file.write_bytes(damaged(whole, random))
        told += not check_detection_set(tmp_path / "set").ok
        try:
            assert sum(map(len, open_detection_set(tmp_path / "set").splits.values())) >= 1
        except SightlineError as error:
            assert len(str(error)) > 20
        file.write_bytes(whole)
    assert told > 20
    assert check_detection_set(tmp_path / "set").boxes == 3


def damaged(data: bytes, random: np.random.Generator) -> bytes:
    """Return a file with a byte changed, a piece taken out, cut off, or something odd put in."""
    place = int(random.integers(len(data) + 1))
    odd = (b"-", b"nan", b"1e999", b"[", b"}", b'"', b"null", b"\0", b"<a>", b"9" * 30, b"\n", b",", b"true", b"\xff")
    kind = int(random.integers(4))
    if kind == 0:
        return data[:place] + bytes([int(random.integers(256))]) + data[place + 1 :]
    if kind == 1:
        return data[:place] + data[place + int(random.integers(1, 30)) :]
    return data[:place] if kind == 2 else data[:place] + odd[int(random.integers(len(odd)))] + data[place:]
