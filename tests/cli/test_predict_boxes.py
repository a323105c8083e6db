"""``sightline predict`` with a detector: every form of answer, videos, and what is refused."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sightline as sl
from sightline.cli.app import main
from sightline.core.results import Classification, Detections
from sightline.train.run import Predictor


class _Bright:
    """Finds the one bright square; nothing in a dark picture."""

    folder = Path("runs/bright")

    def predict(self, images: Any, **options: Any) -> Any:
        self.options = options
        many = images if isinstance(images, list) else [images]
        found = [self._one(image) for image in many]
        return found if isinstance(images, list) else found[0]

    def _one(self, image: np.ndarray) -> Detections:
        rows, columns = np.nonzero(image[..., 0] > 150)
        if not len(rows):
            return Detections(np.zeros((0, 4)), np.zeros(0), np.zeros(0), ("square",))
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        return Detections([box], [0.75], [0], ("square",))


@pytest.fixture
def bright(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    model = _Bright()
    monkeypatch.setattr(sl, "load", lambda run, **form: model)
    photos = tmp_path / "photos"
    photos.mkdir()
    image = np.zeros((40, 80, 3), np.uint8)
    sl.write(photos / "b-dark.png", image)
    image[10:30, 20:60] = 255
    sl.write(photos / "a-square.png", image)
    return model


def test_every_form(bright, capsys):
    words = [
        "--coco",
        "r.json",
        "--yolo",
        "txt",
        "--csv",
        "r.csv",
        "--lines",
        "r.jsonl",
        "--crops",
        "cut",
        "-o",
        "drawn",
    ]
    assert main(["predict", "run", "photos", *words, "--confidence", "0.5", "--tile", "32", "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert bright.options == {"confidence": 0.5, "tile": 32}
    assert first["detections"][0]["box"] == [20.0, 10.0, 60.0, 30.0]
    assert (first["height"], first["width"], second["detections"]) == (40, 80, [])
    (row,) = json.loads(Path("r.json").read_text("utf-8"))
    assert (row["image_id"], row["category_id"], row["bbox"]) == (1, 1, [20.0, 10.0, 40.0, 20.0])
    assert Path("txt/a-square.txt").read_text("utf-8") == "0 0.500000 0.500000 0.500000 0.500000 0.7500\n"
    assert Path("txt/b-dark.txt").read_text("utf-8") == ""
    (line,) = csv.DictReader(Path("r.csv").read_text("utf-8").splitlines())
    assert (line["x2"], line["score"], line["name"]) == ("60.00", "0.75", "square")
    assert [len(json.loads(text)["detections"]) for text in Path("r.jsonl").read_text("utf-8").splitlines()] == [1, 0]
    assert sl.read("cut/square/a-square-1.png").shape == (20, 40, 3)
    assert sl.read("drawn/a-square.png").shape == (40, 80, 3)


def test_for_people(bright, capsys):
    assert main(["predict", "run", "photos"]) == 0
    text = capsys.readouterr().out
    assert "square 75%" in text
    assert "nothing" in text


def test_a_video(bright, capsys):
    clip = np.zeros((3, 48, 64, 3), np.uint8)
    clip[:, 8:40, 16:48] = 255
    sl.image.write_frames("clip.mp4", clip, fps=5)
    assert main(["predict", "run", "clip.mp4", "-o", "found.mp4", "--lines", "r.jsonl", "--limit", "2", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["frames"], value["boxes"]) == (2, 2)
    rows = [json.loads(line) for line in Path("r.jsonl").read_text("utf-8").splitlines()]
    assert [row["frame"] for row in rows] == [1, 2]
    with sl.image.frames("found.mp4") as written:
        assert len(list(written)) == 2


def test_refusals(bright, monkeypatch, capsys):
    assert main(["predict", "run", "photos", "--coco", "nowhere/r.json"]) == 2
    assert "folder 'nowhere' must exist" in capsys.readouterr().err
    monkeypatch.setattr(bright, "predict", lambda images, **options: [Classification(("a",), (1.0,)) for _ in images])
    assert main(["predict", "run", "photos", "--csv", "r.csv"]) == 2
    assert "are for detectors" in capsys.readouterr().err


def test_python_takes_folders_patterns_and_videos(bright):
    predictor = Predictor(Path("run"), _Recipe(), None)  # pyrefly: ignore
    assert predictor.predict("photos") == [(40, 80), (40, 80)]
    assert predictor.predict("photos/a-*.png") == [(40, 80)]
    assert predictor.predict(Path("photos/a-square.png")) == (40, 80)
    sl.image.write_frames("clip.mp4", np.zeros((2, 48, 64, 3), np.uint8), fps=5)
    frames = predictor.predict("clip.mp4")
    assert next(frames) == (48, 64)
    assert list(frames) == [(48, 64)]


class _Recipe:
    name = "toy/shape"

    def predict(self, model: Any, images: list[np.ndarray]) -> list[tuple[int, ...]]:
        return [image.shape[:2] for image in images]
