"""Detectors as one ONNX file: what goes in, what comes out, and how far it is what the network finds."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import sightline as sl
from sightline.apply.box_agreement import compare_boxes
from sightline.cli.app import main
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError
from sightline.detect.answers import FusedDetector, OnnxDetector
from sightline.detect.darknet import read_darknet
from sightline.detect.export import export
from sightline.detect.exported import ExportedDetector
from sightline.detect.faster_rcnn import faster_rcnn
from sightline.detect.fcos import fcos
from sightline.detect.prepare import colour, frame_of
from sightline.detect.recipe import DetectRecipe
from sightline.detect.retinanet import retinanet
from sightline.detect.search import Search
from sightline.detect.yolo import yolo
from sightline.detect.yolo_v1 import yolo_v1
from sightline.train.run import Predictor


def _recipe(method, classes, size, model=None):
    return DetectRecipe(
        {"method": method, "classes": list(classes), "size": size, "options": {}, "model": model or {}, "seed": 0}
    )


def _lively(model, side):
    """Give fresh weights answers that are far apart: the first one's statistics, and outputs of some size."""
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = None
    torch.manual_seed(0)
    outputs = [*getattr(model.head, "logits", []), getattr(model.head, "classes", None)]
    for output in outputs:
        if isinstance(output, torch.nn.Conv2d):
            torch.nn.init.normal_(output.weight, std=0.3)
            torch.nn.init.constant_(output.bias, -2.0)
    pixels = frame_of((480, 480), side, square=True).image(sl.data.sample("astronaut"))
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
    targets = [{"boxes": torch.tensor([[8.0, 8, 40, 50]]), "labels": torch.tensor([0])}] * 2
    with torch.no_grad():
        model.train()(images.repeat(2, 1, 1, 1), targets)
    return model.eval()


@pytest.fixture(scope="module")
def fastest(shared_data, tmp_path_factory):
    """Yolo-Fastest 1.1 with its authors' weights, and its file."""
    folder = shared_data / "weights"
    names = (folder / "coco.names").read_text("utf-8").splitlines()
    cfg = (folder / "yolo-fastest-1.1.cfg").read_text("utf-8")
    recipe = _recipe("darknet", names, 320, {"cfg": cfg})
    model = read_darknet(folder / "yolo-fastest-1.1.cfg", folder / "yolo-fastest-1.1.weights")
    path = export(recipe, model, tmp_path_factory.mktemp("export") / "fastest.onnx")
    return Predictor(path.parent, recipe, model), ExportedDetector(path, threads=1)


@pytest.fixture(scope="module")
def street(shared_data):
    return [sl.data.sample("cat"), sl.read(shared_data / "opencv_samples/messi5.jpg"), sl.data.sample("coffee")]


@evidence.equals("detect.yolo_v3", peer="onnxruntime", tolerance="0.05 pixels", data="three photos, Yolo-Fastest 1.1")
def test_the_file_finds_what_the_network_finds(fastest, street, measured):
    predictor, exported = fastest
    found = compare_boxes(predictor, exported, street)
    alone, one, together, odd, nothing = found["cases"]
    measured(alone["max_box_difference"])
    assert found["agrees"]
    assert alone["boxes"] >= 6
    assert (one["batch"], together["batch"]) == (1, 3)
    assert all(case["paired"] == 1 and case["max_difference"] < 0.02 for case in found["cases"])
    assert all(case["max_box_difference"] < 3 for case in found["cases"])
    assert odd["boxes"] > 0
    assert nothing["boxes"] == 0


def test_batches_empty_ones_and_odd_sizes(fastest, street):
    predictor, exported = fastest
    plain = np.full((37, 91, 3), 90, np.uint8)
    assert [len(found) for found in exported.predict([plain] * 3)] == [0, 0, 0]
    assert exported.predict(plain).names == predictor.recipe.classes
    cat, man, _ = street
    mixed = exported.predict([man, plain, man, cat, plain[:1], man[:, ::-1]])
    assert len(mixed[0]) > 0
    for one, same in ((mixed[0], mixed[2]), (mixed[3], exported.predict(cat))):
        assert np.allclose(one.boxes, same.boxes, atol=1e-3)
        assert np.allclose(one.scores, same.scores, atol=1e-5)
    assert [len(mixed[1]), len(mixed[4])] == [0, 0]
    assert (np.diff(mixed[0].scores) <= 0).all()
    assert (exported.predict(man, confidence=0.5).scores >= 0.5).all()
    grey = exported.predict(man[..., 0])
    assert len(grey) == len(predictor.predict(man[..., 0]))


@pytest.mark.parametrize(
    ("build", "options", "square"),
    [
        (yolo, {}, False),
        pytest.param(yolo_v1, {"size": "fast", "cells": 2}, True, marks=pytest.mark.slow),
        pytest.param(retinanet, {"backbone": "resnet18", "resize": 0}, False, marks=pytest.mark.slow),
        pytest.param(fcos, {"backbone": "resnet18", "resize": 0}, False, marks=pytest.mark.slow),
    ],
)
def test_other_detectors_of_one_stage(build, options, square, tmp_path):
    torch.manual_seed(3)  # fresh weights differ; some of them make a last bit count
    model = build(1, **options)  # so few that no limit of candidates is met
    model = _lively(model, 64) if hasattr(model, "head") else model.eval()
    side = 128 if square else 64
    recipe = SimpleNamespace(name=f"detect/{build.__name__}", classes=("a",), size=side, square=square)
    exported = ExportedDetector(export(recipe, model, tmp_path / "m.onnx"), threads=1)
    search = Search(model, recipe.classes, side, square=square)
    for name in ("astronaut", "cat"):
        photo = sl.data.sample(name)
        pixels = frame_of(photo.shape[:2], side, square).image(colour(photo))
        (theirs,), (ours,) = search.find([pixels], confidence=0.1), [exported.predict(pixels, confidence=0.1)]
        assert len(theirs) == len(ours)
        if build is not yolo_v1:
            assert len(theirs) > 5
        assert np.allclose(np.sort(theirs.scores), np.sort(ours.scores), atol=1e-4)
        overlaps = sl.detect.iou(theirs.boxes, ours.boxes) if len(theirs) else np.ones((1, 1))
        assert (overlaps.max(axis=1) > 0.98).all()


@pytest.mark.parametrize("engine", [OnnxDetector, FusedDetector])
def test_other_engines_within_search(engine, fastest, street):
    predictor, _ = fastest
    fast = Search(engine(predictor.model, 320), predictor.recipe.classes, 320)
    for theirs, ours in zip(predictor.predict(street), fast.find(street), strict=True):
        assert np.allclose(theirs.boxes, ours.boxes, atol=0.05)
        assert theirs.labels.tolist() == ours.labels.tolist()
    assert len(fast.find([street[1]], tile=160)[0]) > 0


@pytest.mark.slow  # the commands are those of classifiers, which tests/apply/test_models.py gives
def test_the_commands_export_and_predict(fastest, street, tmp_path, capsys):
    predictor, _ = fastest
    path, photo = tmp_path / "model.onnx", tmp_path / "man.png"
    found = sl.export(predictor, path, images=street[:2])
    assert json.loads(path.with_suffix(".agreement.json").read_text("utf-8")) == found
    page = path.with_suffix(".agreement.html").read_text("utf-8")
    assert "detect/darknet in ONNX" in page
    assert page.count("<li><figure>") == 2
    sl.image.write(photo, street[1])
    assert main(["predict", str(path), str(photo), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["detections"][0]["name"] == "person"
    assert main(["predict", str(path), str(photo), "--tile", "100"]) != 0
    assert "has no option 'tile'" in capsys.readouterr().err
    opened = sl.load(path)
    assert isinstance(opened, ExportedDetector)
    assert opened.predict(str(photo)).to_json()[0]["name"] == "person"


def test_what_cannot_be_is_refused(fastest, tmp_path):
    predictor, exported = fastest
    model = faster_rcnn(2, backbone="resnet18", resize=0)
    with pytest.raises(InputError, match="asks twice, or answers as a set"):
        export(_recipe("faster_rcnn", "ab", 128), model.eval(), tmp_path / "a.onnx")
    with pytest.raises(InputError, match="build it with resize=0"):
        export(_recipe("fcos", "ab", 128), fcos(2, backbone="resnet18").eval(), tmp_path / "a.onnx")
    with pytest.raises(InputError, match="int8 is for classifiers"):
        sl.export(predictor, tmp_path / "a.onnx", int8=True, images=[np.zeros((40, 40, 3), np.uint8)])
    with pytest.raises(InputError, match="evaluate the run"):
        exported.evaluate("raccoons")
    with pytest.raises(InputError, match="confidence"):
        exported.predict(np.zeros((9, 9, 3), np.uint8), confidence=2)
    (tmp_path / "b.onnx").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="not an ONNX model"):
        sl.load(tmp_path / "b.onnx")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["b.onnx"]
