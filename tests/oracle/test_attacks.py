"""Attacks against torchattacks and the Adversarial Robustness Toolbox: the same weights, pictures and settings."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sightline.attack import cw_l2, deep_fool, fgsm, patch, pgd, universal_perturbation
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


def toolbox(model: nn.Module, shape: tuple[int, int, int] = (3, 16, 16)) -> Any:
    return estimators.PyTorchClassifier(
        model, loss=nn.CrossEntropyLoss(), input_shape=shape, nb_classes=5, clip_values=(0, 1), device_type="cpu"
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


class WholePixels(np.random.Generator):
    """Draws all pictures in their order, places a whole number of pixels apart, and quarter turns; remembers them."""

    def __init__(self) -> None:
        super().__init__(np.random.PCG64(5))
        self.places: list[np.ndarray] = []  # x and y in turns, as shares of the room
        self.turns: list[np.ndarray] = []  # sizes and turns in turns

    def integers(self, low: Any, *_: Any, size: Any = None, **__: Any) -> Any:
        return np.arange(size)

    def random(self, size: Any = None, *_: Any, **__: Any) -> Any:
        self.places.append(super().integers(0, 9, size) / 8)
        return self.places[-1]

    def uniform(self, low: Any = 0.0, high: Any = 1.0, size: Any = None) -> Any:
        self.turns.append(high * super().integers(-1, 2, size) if low < high else np.full(size, high))
        return self.turns[-1]


@evidence.equals(
    "attack.patch", peer="ART", tolerance="1e-3, moved by pixels, turned by quarters", data="random weights"
)
def test_patch(subject: Any, measured: Callable[[float], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A square of a picture's full side, for the peer shrinks by the nearest pixel; it never clears its gradient."""
    model, images, _ = subject
    model = nn.Sequential(*model[:4], nn.AdaptiveAvgPool2d(4), *model[4:]).eval()  # 16×24: room to move
    wide = torch.cat([images, images.flip(3)[..., :8]], dim=3)
    drawn, count, steps = WholePixels(), len(wide), 12
    options = {"sizes": (1.0, 1.0), "turn": np.pi / 2, "batch_size": count}
    ours = patch(model, wide, target=2, shape="square", steps=steps, learning_rate=0.05, seed=drawn, **options)

    places = zip(np.ravel(drawn.places[::2]), np.ravel(drawn.turns[1::2]), strict=True)
    draws = itertools.chain.from_iterable((1.0, 8 * x - 4, 0.0, np.degrees(turn)) for x, turn in places)
    monkeypatch.setattr("numpy.random.uniform", lambda *_, **__: next(draws))
    theirs = evasion.AdversarialPatchPyTorch(
        toolbox(model, (3, 16, 24)),
        learning_rate=0.05,
        max_iter=steps,
        batch_size=count,
        patch_shape=(3, 16, 16),
        patch_type="square",
        verbose=False,
    )
    theirs._optimizer.register_step_post_hook(lambda adam, *_: adam.zero_grad())
    pattern, _ = theirs.generate(wide.numpy(), np.eye(5)[[2] * count], shuffle=False)
    error = worst(ours.pattern, pattern)
    measured(error)
    assert error <= 1e-3
    assert next(draws, None) is None
    assert float((ours.pattern - 0.5).abs().max()) > 0.3
