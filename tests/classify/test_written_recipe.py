"""Networks of sightline.learn under the engine: ours takes every step, a run goes on bit for bit, and it predicts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import sightline as sl
from sightline.classify.written import WrittenNetwork, WrittenOptimizer
from sightline.classify.written_recipe import WrittenRecipe
from sightline.core.errors import InputError
from sightline.data import ImageSet, Split
from sightline.learn import conv_net, two_layer
from sightline.train.settings import OPTIMIZERS
from sightline.train.train import Interrupted

QUICK = {"progress": False, "threads": 1, "batch_size": 16, "augment": "none"}


@pytest.fixture(scope="module")
def some_digits() -> ImageSet:
    found = sl.data.open_dataset("digits")
    splits = {
        name: Split(part.array[:120], np.array(part.labels)[:120], part.keys[:120])
        for name, part in found.splits.items()
    }
    return ImageSet("digits", found.classes, splits, "digits", "0" * 64)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_steps_are_torchs_by_any_optimizer(optimizer):
    """The engine's torch optimiser on torch's layers, and ours on ours: the same weights after ten steps."""
    from sightline.train.optimizers import make_optimizer
    from sightline.train.settings import Settings

    settings = Settings(optimizer=optimizer, learning_rate=0.01, weight_decay=0.1)
    ours = WrittenNetwork(two_layer(3, size=4, hidden=8, dropout=0.0), (0.5,), (0.5,))
    theirs = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))
    for a, b in zip(theirs.parameters(), ours.parameters(), strict=True):
        a.data = b.detach().clone()
    pair = [(ours, WrittenOptimizer(make_optimizer(ours, settings))), (theirs, make_optimizer(theirs, settings))]
    images, labels = torch.rand(10, 1, 4, 4, generator=torch.Generator().manual_seed(0)), torch.arange(10) % 3
    for _ in range(10):
        for model, stepper in pair:
            stepper.zero_grad()
            F.cross_entropy(model(images if model is ours else (images - 0.5) / 0.5), labels).backward()
            stepper.step()
    for a, b in zip(theirs.parameters(), ours.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def test_a_run_is_that_of_any_classifier_and_resumes_bit_for_bit(some_digits, tmp_path, monkeypatch):
    from sightline.train.engine import Engine

    options = {**QUICK, "width": 4, "epochs": 3, "ema": 0.9, "save_every": 0.4}
    whole = sl.train("learn/conv-net", some_digits, out=tmp_path / "whole", **options)
    plain, taken = Engine._step, []

    def step(self, batches):
        plain(self, batches)
        taken.append(1)
        if len(taken) == 17:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Engine, "_step", step)
        with pytest.raises((KeyboardInterrupt, Interrupted)):
            sl.train("learn/conv-net", some_digits, out=tmp_path / "cut", **options)
    cut = sl.train("learn/conv-net", some_digits, out=tmp_path / "cut", resume=True, progress=False)
    states = [sl.load(run.folder, weights="last").model.state_dict() for run in (whole, cut)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert [row["train_loss"] for row in cut.metrics] == [row["train_loss"] for row in whole.metrics]
    assert whole.metrics[-1]["train_loss"] < whole.metrics[0]["train_loss"]
    report = whole.report.read_text("utf-8")
    assert "learn/conv-net" in report
    assert "Grad-CAM" in report
    picture = np.array(some_digits.split("test").array[0])
    assert len(whole.predict(picture).labels) == 10
    assert whole.config["recipe"] == "learn/conv-net"


def test_it_smooths_mixes_and_weighs_as_torch_does(some_digits):
    images = torch.rand(12, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(12) % 10
    for options in ({}, {"label_smoothing": 0.1}, {"class_weights": True}):
        recipe = WrittenRecipe.open("two-layer", some_digits, 0, {**options, "dropout": 0.0})
        model = recipe.model().train()
        weight = recipe._class_weights(torch.device("cpu"))
        slopes = []
        smooth = options.get("label_smoothing", 0.0)
        for loss_of in (
            lambda m, r=recipe: r.losses(m, {"image": images, "label": labels})["loss"],
            lambda m, w=weight, e=smooth: F.cross_entropy(m(images), labels, weight=w, label_smoothing=e),
        ):
            model.zero_grad()
            loss_of(model).backward()
            slopes.append([p.grad.clone() for p in model.parameters()])
        for a, b in zip(*slopes, strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_refuses_by_name(some_digits):
    with pytest.raises(InputError, match=r"no recipe is named 'learn/conv'.*conv-net"):
        sl.train("learn/conv", some_digits)
    with pytest.raises(InputError, match=r"no setting is named 'hiden'.*hidden"):
        WrittenRecipe.open("two-layer", some_digits, 0, {"hiden": 3})
    model = WrittenNetwork(conv_net(3, size=8, width=2), (0.5,), (0.5,)).train()
    first = model(torch.rand(2, 1, 8, 8)).sum()
    model(torch.rand(2, 1, 8, 8))
    with pytest.raises(InputError, match="goes back through its last forward pass only"):
        first.backward()
    with pytest.raises(InputError, match="no hidden unit has a place"):
        _ = WrittenNetwork(two_layer(3, size=8), (0.5,), (0.5,)).cam_layer
