"""Detectors of the zoo: what their recipe says without their weights, and how a file on this machine is used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import sightline as sl
from sightline import zoo
from sightline.core.errors import InputError
from sightline.detect.public import public_recipe


def test_a_public_detector_reads_what_it_was_evaluated_on() -> None:
    recipe = public_recipe("detr-resnet50-coco")
    assert (recipe.method, recipe.size, len(recipe.classes)) == ("detr", 1344, 91)
    assert public_recipe("faster-rcnn-mobile-320-coco").size == 544
    assert public_recipe("ssd300-coco").options.std == (1 / 255,) * 3
    with pytest.raises(InputError, match="load: classes must be 91 names for 'detr-resnet50-coco'; got 2"):
        public_recipe("detr-resnet50-coco", ["cat", "dog"])


def test_a_file_on_this_machine_is_loaded_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.manual_seed(0)
    given = zoo.export_weights(zoo.build("detr-resnet50-coco"), naming="transformers")
    (tmp_path / "weights").mkdir()
    save_file(given, tmp_path / "weights" / "detr-resnet50-coco.safetensors")
    predictor = sl.load("detr-resnet50-coco", device="cpu")
    predictor.model.fit.shorter = predictor.model.fit.longer = 64  # quick: nothing is looked for
    found = predictor.predict(np.zeros((40, 60, 3), np.uint8), confidence=0.0)
    assert len(found) == 100
    assert (found.boxes <= [60, 40, 60, 40]).all()
    assert (predictor.recipe.classes[17], predictor.recipe.classes[12]) == ("cat", "12")


@pytest.mark.parametrize(("name", "first"), [("detr-resnet50-coco", 1), ("ssd300-coco", 0)])
def test_outputs_are_called_as_torchvision_and_the_annotations_number_them(name: str, first: int) -> None:
    # COCO's annotations: 1 person, 17 cat, 44 bottle, 62 chair, 72 tv, 90 toothbrush; nothing is 26 or 83
    classes = public_recipe(name).classes
    said = {number: classes[number - 1 + first] for number in (1, 17, 44, 62, 72, 90)}
    assert said == {1: "person", 17: "cat", 44: "bottle", 62: "chair", 72: "tv", 90: "toothbrush"}
    assert classes[25 + first].isdigit()
    assert classes[82 + first].isdigit()
