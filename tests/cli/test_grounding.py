"""``sightline detect grounding_dino``: what is found, drawn and told; refusals in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import save_file

from detect.test_grounding_dino import PIECES, small
from sightline import detect, load
from sightline.cli.app import main
from sightline.image import read
from sightline.nn.wordpiece import WordPiece
from sightline.zoo import export_weights


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with pictures, weights of a small model and its vocabulary."""

    def built(variant: str, *, vocabulary: Path) -> Any:
        assert WordPiece.read(vocabulary).pieces == tuple(PIECES)
        assert variant == "tiny"
        return small()

    monkeypatch.setattr(detect, "grounding_dino", built)
    monkeypatch.chdir(tmp_path)
    save_file(export_weights(small(), naming="transformers"), "model.safetensors")
    Path("vocab.txt").write_text("\n".join(PIECES), "utf-8")
    for name in ("one", "two"):
        Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)).save(f"{name}.png")
    return tmp_path


def test_boxes_from_words_are_told_drawn_and_written(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["detect", "grounding_dino", "one.png", "two.png", "--text", "a cat. red dogs.", "--weights"]
    asked = [*words, "model.safetensors", "--box-threshold", "0", "-o", "drawn", "--csv", "found.csv"]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["source"] for row in told] == ["one.png", "two.png"]
    assert len(told[0]["detections"]) == 10
    assert set(told[0]["detections"][0]) == {"box", "score", "label", "name"}
    assert {word for item in told[0]["detections"] for word in item["name"].split()} >= {"a", "red"}
    assert read(files / "drawn" / "two.png").shape == (64, 96, 3)
    assert len((files / "found.csv").read_text("utf-8").splitlines()) == 21
    assert main(asked) == 0
    assert "one.png" in capsys.readouterr().out


def test_the_zoo_names_the_model(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (files / "weights").mkdir()
    Path("model.safetensors").rename("weights/grounding-dino-tiny.safetensors")
    Path("vocab.txt").rename("weights/grounding-dino-tiny.vocab.txt")
    monkeypatch.setenv("SIGHTLINE_DATA", str(files))
    found = load("grounding-dino-tiny").predict("one.png", text="a cat.", box_threshold=0.0)
    assert len(found) == 10
    assert main(["predict", "grounding-dino-tiny", "two.png", "--text", "a cat.", "--csv", "found.csv"]) == 0
    assert main(["predict", "grounding-dino-tiny", "two.png"]) == 2


def test_what_cannot_be_asked_is_told_in_one_sentence(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["detect", "grounding_dino", "one.png", "--weights", "model.safetensors", "--text"]
    assert main([*words, ""]) == 2
    assert "text must name what to look for" in capsys.readouterr().err
    assert main([*words, ("a cat. " * 1500)[:10_000]]) == 2
    assert "text must be at most 256 word pieces long; got" in capsys.readouterr().err
    assert main([*words[:-2], "none.safetensors", "--text", "cat."]) == 1
    assert "weights 'none.safetensors' does not exist" in capsys.readouterr().err
    Path("vocab.txt").unlink()
    assert main([*words, "cat."]) == 1
    assert "vocabulary must lie beside 'model.safetensors'" in capsys.readouterr().err
    monkeypatch.setenv("SIGHTLINE_DATA", str(files))
    monkeypatch.setenv("XDG_CACHE_HOME", str(files))
    assert main(["detect", "grounding_dino", "one.png", "--text", "cat."]) == 1
    told = capsys.readouterr().err
    assert "'grounding-dino-tiny.safetensors' is not on this machine" in told
    assert "its digest is not known. Put it there from https://huggingface.co/IDEA-Research/grounding-dino-tiny" in told
