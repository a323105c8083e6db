"""``sightline explain`` with detectors that attend: a query of DETR, the words of Grounding DINO; both hardly built."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sightline as sl
from detect.test_detr import small as detr
from detect.test_grounding_dino import small as grounding_dino
from sightline.cli.app import main
from sightline.explain import query_attention, word_attention
from sightline.image import read
from sightline.train.run import Predictor

CLASSES = ("cat", "dog", "cup", "pen", "hat")


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    monkeypatch.chdir(tmp_path)
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    Image.fromarray(image).save("photo.png")
    return image


def loads(monkeypatch: pytest.MonkeyPatch, model: Any) -> Any:
    recipe = SimpleNamespace(name="detect/some", classes=CLASSES, size=96)
    monkeypatch.setattr(sl, "load", lambda run, **form: Predictor(Path("runs/some"), recipe, model))  # type: ignore[arg-type]
    return model


def answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["explain", "runs/some", "photo.png", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_query_is_shown(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(1)
    model = loads(monkeypatch, detr())
    words = ["--method", "query_attention"]
    found = answer(words, capsys)
    assert found["output"] == "photo-query_attention.png"
    assert read(found["output"]).shape == (4 * 64, 4 * 96, 3)
    heat = query_attention(model, photo.astype(np.float32) / 255, found["query"])
    assert np.array_equal(heat, query_attention(model, photo.astype(np.float32) / 255))  # the surest
    named = answer([*words, "-t", found["class"]], capsys)
    assert named["query"] == found["query"]
    assert main(["explain", "runs/some", "photo.png", *words]) == 0
    assert f"query_attention of query {found['query']}" in capsys.readouterr().out


def test_words_are_shown(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = loads(monkeypatch, grounding_dino())
    found = answer(["--method", "word_attention", "-t", "a cat. red dogs."], capsys)
    assert [one["phrase"] for one in found["phrases"]] == ["a cat", "red dogs"]
    assert read(found["output"]).shape == (4 * 64, 2 * 4 * 96 + 4, 3)
    heat = word_attention(model, photo, "a cat. red dogs.", 1)
    row, column = np.unravel_index(int(heat.argmax()), heat.shape)
    expected = (column + 0.5) * 96 / heat.shape[1], (row + 0.5) * 64 / heat.shape[0]
    assert found["phrases"][1]["most_at"] == pytest.approx(expected, abs=0.1)


REFUSED = {
    "no words": (grounding_dino, ["word_attention"], "word_attention looks for words"),
    "no queries": (grounding_dino, ["query_attention"], "model must predict a set"),
    "no text": (detr, ["word_attention", "-t", "a cat."], "model must take words"),
    "no class": (detr, ["query_attention", "-t", "cow"], "no class is named 'cow'"),
    "no sanity": (detr, ["query_attention", "--sanity"], "explains no answer"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_such_attention_is_refused(
    case: str, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, words, said = REFUSED[case]
    loads(monkeypatch, make())
    assert main(["explain", "runs/some", "photo.png", "--method", *words]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_class_that_no_query_answers_is_refused(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loads(monkeypatch, detr())
    said = {
        name: main(["explain", "runs/some", "photo.png", "--method", "query_attention", "-t", name]) for name in CLASSES
    }
    told = " ".join(capsys.readouterr().err.split())
    assert 2 in said.values()
    assert all((f"none answers '{name}'" in told) == (code == 2) for name, code in said.items())
