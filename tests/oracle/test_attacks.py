"""Attacks against torchattacks and the Adversarial Robustness Toolbox: the same weights, pictures and settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline.attack import cw_l2, deep_fool, fgsm, pgd, universal_perturbation
from sightline.core import evidence
from sightline.core.seeds import generator

torchattacks = pytest.importorskip("torchattacks", reason="lives in the oracle environment: make oracle")
evasion = pytest.importorskip("art.attacks.evasion", reason="lives in the oracle environment: make oracle")
estimators = pytest.importorskip("art.estimators.classification", reason="part of the Adversarial Robustness Toolbox")

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def subject() -> tuple[nn.Module, Tensor, Tensor]:
    """A small convolution network, pictures in the middle of 0–1, and its own answers; all scores are positive."""
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(2)
    layers = [nn.Conv2d(3, 8, 3, 2, 1), nn.Softplus(), nn.Conv2d(8, 8, 3, 2, 1), nn.Softplus(), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(128, 5)).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.25, generator=random)
    nn.init.constant_(model[5].bias, 20.0)
    images = 0.3 + 0.4 * torch.rand(6, 3, 16, 16, generator=random)
    with torch.no_grad():
        return model, images, model(images).argmax(1)


def toolbox(model: nn.Module) -> Any:
    return estimators.PyTorchClassifier(
        model, loss=nn.CrossEntropyLoss(), input_shape=(3, 16, 16), nb_classes=5, clip_values=(0, 1), device_type="cpu"
    )


def worst(ours: Tensor, theirs: Tensor | np.ndarray) -> float:
    return float((ours - torch.as_tensor(theirs)).abs().max())


@evidence.equals("attack.fgsm", peer="torchattacks", tolerance="1e-6", data="random weights")
def test_fgsm(subject: Any, measured: Callable[[float], None]) -> None:
    model, images, labels = subject
    error = worst(fgsm(model, images, labels, eps=0.05), torchattacks.FGSM(model, eps=0.05)(images, labels))
    measured(error)
    assert error <= 1e-6


@evidence.equals("attack.pgd", peer="torchattacks", tolerance="1e-5, without a random start", data="random weights")
def test_pgd(subject: Any, measured: Callable[[float], None]) -> None:
    model, images, labels = subject
    options = {"steps": 8, "random_start": False}
    inf = torchattacks.PGD(model, eps=0.06, alpha=0.02, **options)(images, labels)
    two = torchattacks.PGDL2(model, eps=0.9, alpha=0.3, **options)(images, labels)
    errors = [
        worst(pgd(model, images, labels, eps=0.06, step_size=0.02, **options), inf),
        worst(pgd(model, images, labels, eps=0.9, norm="l2", step_size=0.3, **options), two),
    ]
    measured(max(errors))
    assert max(errors) <= 1e-5


@evidence.equals("attack.deep_fool", peer="ART", tolerance="1e-4", data="random weights")
def test_deep_fool(subject: Any, measured: Callable[[float], None]) -> None:
    model, images, _ = subject
    theirs = evasion.DeepFool(toolbox(model), max_iter=50, epsilon=0.02, nb_grads=5, verbose=False)
    error = worst(deep_fool(model, images, overshoot=0.02), theirs.generate(images.numpy()))
    measured(error)
    assert error <= 1e-4


@evidence.equals("attack.cw_l2", peer="torchattacks", tolerance="1e-4, one constant", data="random weights")
def test_cw(subject: Any, measured: Callable[[float], None]) -> None:
    model, images, labels = subject
    errors = []
    for i in range(3):  # the peer stops by the sum of the batch's costs
        one, own = images[i : i + 1], labels[i : i + 1]
        theirs = torchattacks.CW(model, c=50.0, kappa=0, steps=20, lr=0.03)(one, own)
        assert worst(one, theirs) > 0.01
        errors.append(worst(cw_l2(model, one, own, constant=50.0, searches=1, steps=20, learning_rate=0.03), theirs))
    measured(max(errors))
    assert max(errors) <= 1e-4


@evidence.equals("attack.universal_perturbation", peer="ART", tolerance="1e-3, the same order", data="random weights")
def test_universal_perturbation(
    subject: Any, measured: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, images, _ = subject
    order = generator(3).permutation(len(images)).tolist()
    monkeypatch.setattr("random.sample", lambda population, count: order)
    options = {"max_iter": 50, "epsilon": 0.02, "nb_grads": 5, "verbose": False}
    theirs = evasion.UniversalPerturbation(
        toolbox(model), attacker="deepfool", attacker_params=options, delta=0.0, max_iter=1, eps=0.05, verbose=False
    )
    theirs.generate(images.numpy())
    ours = universal_perturbation(model, images, eps=0.05, rate=1.0, passes=1, seed=3)
    error = worst(ours.change, theirs.noise[0])
    measured(error)
    assert error <= 1e-3
