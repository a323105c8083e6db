"""``sightline faces``: people are enrolled, recognised in photos and frames, and strangers are unknown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import sightline as sl
from sightline.cli.app import main
from sightline.faces import Enrolment, FaceGallery, HogFace

ANN = str(sl.data.SAMPLES["astronaut"].path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["faces", "enrol", "Ann", ANN]) == 0
    return tmp_path


def test_a_person_is_enrolled_and_recognised(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["faces", "recognise", ANN, "-o", "ann.png", "--lines", "ann.csv", "--json"]
    capsys.readouterr()
    assert main(command) == 0
    (row,) = json.loads(capsys.readouterr().out)["pictures"]
    assert [face["name"] for face in row["faces"]] == ["Ann"]
    assert sl.read("ann.png").shape == sl.read(ANN).shape
    assert Path("ann.csv").read_text().splitlines()[1].split(",")[1] == "Ann"
    assert FaceGallery.load("faces.npz").people == {"Ann": 1}


def test_frames_are_annotated_and_a_stranger_is_unknown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = sl.read(ANN)[20:200, 120:300]
    noise = np.random.default_rng(0).normal(0, 60, photo.shape)
    stranger = np.clip(photo[:, ::-1].astype(float) * 0.7 + noise, 0, 255).astype(np.uint8)
    assert len(FaceGallery.load("faces.npz").detect(stranger)) == 1
    sl.image.write_frames("clip.gif", [photo, stranger], fps=5)
    capsys.readouterr()
    assert main(["faces", "recognise", "clip.gif", "-o", "out.gif", "--lines", "out.jsonl", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["pictures"]
    assert [[face["name"] for face in row["faces"]] for row in rows] == [["Ann"], ["unknown"]]
    assert len(list(sl.image.frames("out.gif"))) == 2
    assert [json.loads(line)["picture"] for line in Path("out.jsonl").read_text().splitlines()] == [0, 1]


def test_a_folder_is_gone_through_whatever_lies_in_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("photos").mkdir()
    sl.image.write("photos/ann.png", sl.read(ANN)[20:200, 120:300])
    Path("photos/bad.png").write_bytes(b"no picture")
    capsys.readouterr()
    assert main(["faces", "detect", "photos", "-o", "boxes", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["pictures"]
    assert [len(row["faces"]) for row in rows] == [1, 0]
    assert "bad.png" in rows[1]["error"]
    assert [item.name for item in Path("boxes").iterdir()] == ["ann.png"]


def test_a_window_of_gradients_finds_what_it_was_taught(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ground = np.random.default_rng(0).integers(0, 90, (64, 96), dtype=np.uint8)
    ring = np.pad(np.full((12, 12), 220, np.uint8), 6)
    HogFace.train([ring], [ground], size=(24, 24), cell=4, name="ring").save("ring.npz")
    ground[16:40, 24:48] = ring
    sl.image.write("scene.png", ground)
    capsys.readouterr()
    assert main(["faces", "detect", "scene.png", "--detector", "hog:ring.npz", "--threshold", "0.5", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["pictures"]
    assert [(face["name"], face["box"]) for face in row["faces"]] == [("ring", [24, 16, 48, 40])]


def test_what_cannot_be_done_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sl.image.write("flat.png", np.zeros((40, 40), np.uint8))
    before = Path("faces.npz").read_bytes()
    said = {
        "no face was found in the 1 photos of 'Bob'": ["enrol", "Bob", "flat.png"],
        "a photo of 'Bob' must be named": ["enrol", "Bob"],
        "name must be a word other than 'unknown'": ["enrol", "unknown", ANN],
        "gallery 'none.npz' does not exist": ["recognise", ANN, "--gallery", "none.npz"],
        "--lines must be a .csv or .jsonl file": ["detect", ANN, "--lines", "a.txt"],
        "faces: the output must not be the source; got 'flat.png'": ["detect", "flat.png", "-o", "flat.png"],
        "is not a cascade file": ["detect", ANN, "--detector", "cascade:flat.png"],
        "is not an archive of a HogFace": ["detect", ANN, "--detector", "hog:flat.png"],
        "--detector must be cascade, cascade:FILE.xml or hog:WINDOW.npz; got 'hog:'": [
            "detect",
            ANN,
            "--detector",
            "hog:",
        ],
        "--neighbours must be left out with --detector hog": [
            "detect",
            ANN,
            "--detector",
            "hog:flat.png",
            "--neighbours",
            "2",
        ],
        "--threshold must be left out with --detector cascade": ["detect", ANN, "--threshold", "1"],
    }
    for sentence, words in said.items():
        assert main(["faces", *words]) != 0
        assert sentence in " ".join(capsys.readouterr().err.split())
    assert Path("faces.npz").read_bytes() == before


def test_a_poor_photo_is_enrolled_with_a_word_of_warning(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    face = sl.read(ANN)[20:200, 120:300]
    small = sl.image.resize(face, (80, 80), "area")
    sl.image.write("two.png", np.concatenate([face, np.pad(small, ((0, 100), (0, 0), (0, 0)))], axis=1))
    sl.image.write("small.png", small)
    capsys.readouterr()
    assert main(["faces", "enrol", "Bea", "two.png", "small.png", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["doubts"]
    assert any(s.startswith("two.png: 2 faces are in it") and "crop the photo" in s for s in said)
    assert any(s.startswith("small.png: the face is only") and "60 or more" in s for s in said)
    assert main(["faces", "enrol", "Cleo", "small.png"]) == 0
    assert "the face is only" in capsys.readouterr().out
    assert FaceGallery().enrol("Dora", [face, face[:8, :8]]) == Enrolment(1, (1,), ())
