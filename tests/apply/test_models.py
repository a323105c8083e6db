"""Runs, names of the zoo and exported files: one word loads them, and ``export`` writes and compares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sightline as sl
from sightline.classify import resnet20
from sightline.classify.public import public_recipe
from sightline.classify.recipe import ClassifyRecipe
from sightline.cli.app import main
from sightline.core.errors import InputError, MissingFileError, WeightsError
from sightline.nn import fused_network
from sightline.nn.fused_network import runs_bfloat16
from sightline.train.run import Predictor
from sightline.zoo import pretrained
from sightline.zoo.table import entry

pytest.importorskip("onnxruntime", reason="needs the extra 'export'")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a name of the zoo whose weights are drawn instead of fetched, of a network that is small."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = resnet20(1000, stem="imagenet").eval()
    monkeypatch.setattr(pretrained, "load", lambda name: model)
    return "resnet18-imagenet"


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    config = {
        "method": "resnet20",
        "classes": ["left", "right"],
        "size": [32, 32],
        "channels": 3,
        "mean": [0.5] * 3,
        "std": [0.2] * 3,
        "seed": 0,
        "options": {},
        "model": {},
    }
    recipe = ClassifyRecipe.from_config(config)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return Predictor(Path("runs/none"), recipe, recipe.model().eval())


@pytest.fixture
def photo() -> np.ndarray:
    return sl.data.sample("cat")


def test_a_public_network_is_loaded_by_its_name(public: str, photo: np.ndarray, tmp_path: Path) -> None:
    found = sl.load(public, device="cpu").predict(photo)
    assert sorted(found.labels) == sorted(entry(public).classes)
    names = [f"thing {index}" for index in range(1000)]
    file = tmp_path / "names.txt"
    file.write_text("\n".join(names), "utf-8")
    for given in (names, file):
        number = entry(public).classes.index(found.label)
        assert sl.load(public, device="cpu", classes=given).predict(photo).label == f"thing {number}"


def test_what_is_no_picture_and_what_answers_nothing_is_told(public: str, photo: np.ndarray) -> None:
    predictor = sl.load(public, device="cpu")
    with pytest.raises(InputError, match=r"predict: image must be H×W, .*use sightline\.channels_last"):
        predictor.predict(photo.transpose(2, 0, 1))
    with pytest.raises(InputError, match=r"predict: image must be finite; got NaN"):
        predictor.predict(np.full((8, 8, 3), np.nan, np.float32))
    with torch.no_grad():
        next(predictor.model.parameters()).fill_(torch.nan)
    with pytest.raises(WeightsError, match="predict: the model answers NaN"):
        predictor.predict(photo)


def test_a_public_network_sees_what_its_weights_were_evaluated_on() -> None:
    form = public_recipe("resnet18-imagenet").form
    assert (form.size, form.share) == ((224, 224), 224 / 256)
    y, x = np.mgrid[0:256, 0:320].astype(np.uint8)
    seen = form.prepare(np.dstack([y, x, x]))
    assert np.array_equal(seen[..., 0], y[16:240, :224])  # at 256 pixels of the shorter side nothing is resized
    assert np.array_equal(seen[..., 1], x[:224, 48:272])


def test_other_engines_and_bfloat16_predict_the_same(public: str, photo: np.ndarray) -> None:
    plain = dict(sl.load(public, device="cpu").predict(photo))
    fast = dict(sl.load(public, engine="onnx").predict(photo))
    assert max(abs(fast[name] - plain[name]) for name in plain) < 1e-6
    fused = sl.load(public, engine="fused").predict([photo] * 3)
    assert max(abs(dict(row)[name] - plain[name]) for row in fused for name in plain) < 1e-6
    for engine in ("torch", "fused") if runs_bfloat16() else ("torch",):
        short = dict(sl.load(public, device="cpu", engine=engine, precision="bf16").predict(photo))
        assert 0 < max(abs(short[name] - plain[name]) for name in plain) < 0.02


def test_where_the_processor_has_no_bfloat16(public: str, photo: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_network, "runs_bfloat16", lambda: False)
    plain = dict(sl.load(public, device="cpu").predict(photo))
    short = dict(sl.load(public, device="cpu", precision="bf16").predict(photo))
    assert max(abs(short[name] - plain[name]) for name in plain) < 0.02
    with pytest.raises(InputError, match="'bf16' needs a processor"):
        sl.load(public, engine="fused", precision="bf16")


def test_a_trained_run_through_merged_layers(tmp_path: Path) -> None:
    folder, pixels = tmp_path / "photos", np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 200)):
        for number in range(8):
            path = folder / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.integers(level - 50, level + 50, (32, 32, 3), np.uint8)).save(path)
    run = sl.train("classify/resnet20", str(folder), epochs=1, seed=0, out=str(tmp_path / "run"), device="cpu")
    images = sorted(folder.glob("*/*.png"))
    plain, fast = (sl.load(run.folder, device="cpu", engine=engine) for engine in ("torch", "fused"))
    for theirs, ours in zip(plain.predict(images), fast.predict(images), strict=True):
        assert max(abs(dict(theirs)[name] - dict(ours)[name]) for name in ("dark", "light")) < 1e-5
    scaled = [
        row.predict(images[0], scales=(1.0, 1.5)).scores for row in (plain, fast)
    ]  # other sizes are captured, too
    assert np.allclose(*scaled, atol=1e-5)
    assert fast.evaluate()["accuracy"] == plain.evaluate()["accuracy"]


@pytest.mark.parametrize(
    ("source", "options", "error", "sentence"),
    [
        ("resnet18-imagenet", {"classes": ["one"]}, InputError, "classes must be 1000 names"),
        ("resnet18-imagenet", {"classes": "none.txt"}, MissingFileError, r"classes 'none\.txt' does not exist"),
        ("resnet18-imagent", {}, MissingFileError, "is not a run.* Did you mean 'resnet18-imagenet'"),
        ("none.onnx", {}, MissingFileError, r"'none\.onnx' does not exist"),
        ("resnet18-imagenet", {"engine": "tensorrt"}, InputError, "engine must be"),
        ("resnet18-imagenet", {"precision": "fp8"}, InputError, "precision must be"),
        ("resnet18-imagenet", {"engine": "onnx", "precision": "bf16"}, InputError, "precision must be 'fp32'"),
    ],
)
def test_what_cannot_be_loaded_is_said(
    source: str, options: dict[str, Any], error: type[Exception], sentence: str, public: str
) -> None:
    with pytest.raises(error, match=sentence):
        sl.load(source, **options)


def test_export_writes_the_file_and_how_far_it_agrees(predictor: Predictor, photo: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    found = sl.export(predictor, path)
    assert sorted(item.name for item in tmp_path.iterdir()) == [
        "model.agreement.html",
        "model.agreement.json",
        "model.onnx",
    ]
    assert json.loads(path.with_suffix(".agreement.json").read_text("utf-8")) == found
    alone, one, together, odd = found["cases"]
    assert found["agrees"]
    assert alone["max_difference"] < 1e-5
    assert (one["batch"], together["batch"], odd["images"]) == (1, 15, 15)
    assert all(case["top1_agreement"] == 1 and case["max_difference"] < 0.02 for case in found["cases"])
    assert all(case["torch_ms"] > 0 and case["onnx_ms"] > 0 for case in found["cases"])
    page = path.with_suffix(".agreement.html").read_text("utf-8")
    assert "classify/resnet20 in ONNX" in page
    assert "the sample photos" in page
    assert page.count("<li><figure>") == 12
    assert sl.load(path).predict(photo).labels == predictor.predict(photo).labels


def test_export_in_eight_bits_compares_what_it_was_not_calibrated_on(predictor: Predictor, tmp_path: Path) -> None:
    pictures = [sl.data.sample(name) for name in ("cat", "coffee", "china", "rocket")]
    found = sl.export(predictor, tmp_path / "int8.onnx", int8=True, images=pictures)
    assert found["int8"]
    assert found["tolerance"] is None
    assert found["cases"][0]["images"] == 2
    assert 0 < found["cases"][0]["max_difference"] < 0.2


def test_exports_that_cannot_be_are_refused(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in \.onnx"):
        sl.export(predictor, tmp_path / "model.pt")
    with pytest.raises(MissingFileError, match=r"folder '.*nowhere' does not exist"):
        sl.export(predictor, tmp_path / "nowhere" / "model.onnx")
    with pytest.raises(InputError, match="images must be one or more pictures"):
        sl.export(predictor, tmp_path / "model.onnx", images=[])
    path = tmp_path / "model.onnx"
    sl.export(predictor, path, images=[sl.data.sample("cat")])
    with pytest.raises(InputError, match="is an exported file already"):
        sl.export(str(path), tmp_path / "again.onnx")


def test_the_commands_export_and_predict(public: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "cat.png"
    Image.fromarray(sl.data.sample("cat")[:100, :120]).save(photo)
    model = tmp_path / "model.onnx"
    assert main(["export", public, "-o", str(model), "--images", str(photo), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["agrees"]
    assert found["recipe"] == "classify/resnet18"
    assert main(["predict", str(model), str(photo), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["label"] == sl.load(public, device="cpu").predict(str(photo)).label
    assert main(["export", public, "--output", str(model), "--images", str(photo)]) == 0
    assert "same pixels, network alone" in capsys.readouterr().out
