"""What is said before a training: baselines, leaks, a model that suits the data."""

from __future__ import annotations

import inspect

import numpy as np

from sightline.classify.recipe import ClassifyRecipe
from sightline.cli.data import check
from sightline.data import ImageSet, Split
from sightline.train import advise


def photos(copies: int) -> ImageSet:
    """Return eight photos of two classes, easily told apart; the first ``copies`` of ``val`` are in ``train``."""
    random = np.random.default_rng(0)
    slope = np.linspace(0, 150, 72)
    noise = random.integers(0, 60, (16, 72, 72, 3)).astype(np.float64)
    pictures = noise + np.where(np.arange(16)[:, None, None, None] % 2, slope[:, None, None], slope[:, None])
    pictures = pictures.astype(np.uint8)
    labels = np.arange(16) % 2
    train = Split(pictures[:8], labels[:8], [f"t/{i}" for i in range(8)])
    held = np.concatenate([pictures[:copies], pictures[8 + copies :]])
    return ImageSet("p", ("a", "b"), {"train": train, "val": Split(held, labels[:8], train.keys)}, "p", "0" * 64)


def test_baselines_leaks_and_a_model_are_named() -> None:
    said = ClassifyRecipe.open("resnet18", photos(3), 0, {}).expectations()
    assert said[0] == "4 to 4 training images a class."
    assert "right for 50% of validation; the nearest training picture at 16×16 pixels for 100%" in said[1]
    assert said[2].startswith("3 of 8 validation images are the same picture as a training image")
    assert said[2].endswith("sightline data check FOLDER names them, and with --fix COPY writes a set without them.")
    assert "fix" in inspect.signature(check).parameters  # the command that is told of
    assert said[3].startswith(
        "A sensible choice is classify/resnet18 weights=resnet18-imagenet freeze=backbone: 8 photos"
    )
    assert said[3].endswith("Asked for is classify/resnet18.")
    assert len(ClassifyRecipe.open("resnet18", photos(0), 0, {}).expectations()) == 3


def test_advice_trains_and_writes_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = advise("classify/mlp", "digits", epochs=2, hidden=(8,), device="cpu")
    assert said.facts["time"].startswith("about ")
    assert "Asked for is classify/mlp" in str(said)
    assert said.to_json()["recipe"] == "classify/mlp"
    assert not list(tmp_path.iterdir())
