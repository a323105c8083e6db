"""``sightline data``: sets with boxes are checked, converted, divided, tiled, drawn; what is wrong is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.cli.app import main
from sightline.data.open_detection_set import read_detection_set


def put_set(root: Path, count: int = 8) -> Path:
    """Return a VOC folder of photos with two things on each."""
    root.mkdir()
    for index in range(count):
        small = np.random.default_rng(index).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((90, 70), Image.Resampling.BICUBIC).save(root / f"{index}.png")
        boxes = (("cat", 5, 5, 40, 40), ("dog", 50, 20, 88, 66))
        rows = "".join(
            f"<object><name>{name}</name><bndbox><xmin>{x1}</xmin><ymin>{y1}</ymin><xmax>{x2}</xmax>"
            f"<ymax>{y2}</ymax></bndbox></object>"
            for name, x1, y1, x2, y2 in boxes
        )
        (root / f"{index}.xml").write_text(f"<annotation><filename>{index}.png</filename>{rows}</annotation>")
    return root


def said(capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_set_goes_through_all_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pets = put_set(tmp_path / "pets")
    assert main(["data", "check", str(pets)]) == 0
    assert "8 images with 16 boxes in 2 classes, voc" in said(capsys)[0]
    assert main(["data", "info", str(pets), "--json"]) == 0
    told = json.loads(said(capsys)[0])
    assert (told["form"], told["images"], told["classes"]) == ("voc", 8, ["cat", "dog"])
    assert main(["data", "info", str(pets)]) == 0
    assert "16 boxes in 2 classes" in said(capsys)[0]
    assert main(["data", "convert", str(pets), str(tmp_path / "coco"), "--to", "coco"]) == 0
    assert "8 images with 16 boxes as coco." in said(capsys)[0]
    assert main(["data", "split", str(tmp_path / "coco"), str(tmp_path / "new"), "--val", "0", "--test", "0.3"]) == 0
    assert sorted(file.name for file in (tmp_path / "new" / "annotations").iterdir()) == [
        "instances_test.json",
        "instances_train.json",
    ]
    arguments = [
        "data",
        "tile",
        str(tmp_path / "new"),
        str(tmp_path / "tiles"),
        "--size",
        "48",
        "--to",
        "yolo",
        "--json",
    ]
    said(capsys)
    assert main(arguments) == 0
    told = json.loads(said(capsys)[0])
    assert told["form"] == "yolo"
    assert len(list((tmp_path / "tiles").rglob("*.png"))) == told["images"]
    assert main(["data", "view", str(tmp_path / "tiles"), "-o", str(tmp_path / "sheet.png"), "--count", "6"]) == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] == 4 * 286 + 6


def test_a_faulty_set_is_told_and_cleaned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pets = put_set(tmp_path / "pets", 3)
    (pets / "1.xml").write_text((pets / "1.xml").read_text().replace("<xmax>40<", "<xmax>2<"))
    assert main(["data", "check", str(pets), "--json"]) == 1
    told = json.loads(said(capsys)[0])
    assert [problem["kind"] for problem in told["problems"] if problem["fault"]] == ["corners"]
    assert main(["data", "convert", str(pets), str(tmp_path / "out"), "--to", "voc", "--clean"]) == 0
    said(capsys)
    assert main(["data", "check", str(tmp_path / "out")]) == 0


def test_sets_are_merged_by_the_names_of_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = put_set(tmp_path / "first", 2), put_set(tmp_path / "second", 3)
    for file in second.glob("*.xml"):
        file.write_text(file.read_text().replace("cat", "ape"))
    assert main(["data", "split", str(second), str(tmp_path / "parts"), "--val", "0", "--test", "0.3", "--fast"]) == 0
    arguments = ["data", "merge", str(first), str(tmp_path / "parts"), "-o", str(tmp_path / "both"), "--to", "coco"]
    assert main(arguments) == 0
    assert "5 images with 10 boxes as coco." in said(capsys)[0]
    both = read_detection_set(tmp_path / "both")
    assert both.classes == ("cat", "dog", "ape")
    assert {name: split.counts(3).tolist() for name, split in both.splits.items()} == {
        "train": [2, 4, 2],
        "test": [0, 1, 1],
    }
    names = sorted(Path(key).name for split in both.splits.values() for key in split.keys)
    assert names == ["0.png", "0_2.png", "1.png", "1_2.png", "2.png"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["convert", "PETS", "OUT", "--to", "pascal"], 2, "to must be one of 'voc', 'coco', 'yolo', 'cvat', 'labelme'"),
        (["convert", "PETS", "PETS", "--to", "yolo"], 1, "is there already and not empty"),
        (["convert", "PETS", "OUT"], 2, "--to"),
        (["convert", "nowhere", "OUT", "--to", "yolo"], 1, "'nowhere' does not exist"),
        (["convert", "EMPTY", "OUT", "--to", "yolo"], 1, "has no annotations with boxes that are understood"),
        (["split", "PETS", "OUT", "--train", "0.9", "--fast"], 2, "fractions must be positive and sum to 1"),
        (["split", "PETS", "OUT", "--train", "words"], 2, "words"),
        (["split", "PETS", "OUT", "--seed", "-1"], 2, "seed must be a whole number ≥ 0"),
        (["tile", "PETS", "OUT", "--size", "3"], 2, "size must be a whole number in 16–8192"),
        (["tile", "PETS", "OUT", "--overlap", "1"], 2, "overlap must be a number in 0–0.9"),
        (["tile", "PETS", "OUT", "--keep", "nan"], 2, "keep must be a number in 0–1"),
        (["tile", "PETS", "OUT", "--empty=-1"], 2, "empty must be a number in 0–100"),
        (["view", "PETS", "--only", "cta"], 2, "Did you mean 'cat'"),
        (["view", "PETS", "--split", "val"], 1, "has no split 'val'"),
        (["view", "PETS", "--count", "0"], 2, "count must be a whole number in 1–400"),
        (["view", "PETS", "-o", "sheet.xyz"], 2, "xyz"),
        (["view", "EMPTY"], 1, "has no annotations with boxes"),
        (["merge", "PETS", "-o", "OUT"], 2, "sets must be two or more; got 1"),
        (["merge", "PETS", "PETS"], 2, "--out"),
        (["check", "EMPTY"], 1, "an empty folder"),
        (["check", "PETS", "--fix", "OUT"], 2, "use sightline data convert --clean"),
        (["info", "nowhere"], 1, "nowhere"),
    ],
)
def test_wrong_arguments_get_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, words: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {
        "PETS": str(put_set(tmp_path / "pets", 2)),
        "OUT": str(tmp_path / "out"),
        "EMPTY": str(tmp_path / "empty"),
    }
    assert main(["data", *(places.get(word, word) for word in arguments)]) == code
    out, err = said(capsys)
    assert words in " ".join((out + err).split())
    assert "Traceback" not in out + err
    assert not (tmp_path / "out").exists()
