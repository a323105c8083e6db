"""A training whose convolutions go Winograd's way: the same course, the same bits twice, the same model."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.nn import trained_convolution
from sightline.nn.matrix_panels import LANES
from sightline.train.checkpoint import Snapshot
from sightline.train.engine import Engine, Stopped
from sightline.train.processes import Group
from sightline.train.progress import Silent
from sightline.train.recipe import find_recipe
from sightline.train.settings import Settings
from train.toy import ToyRecipe

SIDE = 32  # two layers of 64 tiles an image

pytestmark = pytest.mark.skipif(LANES < 8, reason="Winograd's way is taken with AVX2 or AVX-512 only")


class ConvNet(nn.Module):
    """Points to pictures, pictures to scores."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(2, 32, 3, padding=1)
        self.body = nn.Sequential(
            nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 16, 3, padding=1)
        )
        self.head = nn.Linear(16, 2)
        self.register_buffer("ramp", torch.linspace(-1, 1, SIDE))

    def forward(self, x: Tensor) -> Tensor:
        """Return scores."""
        pictures = x[:, :, None, None] * self.ramp[:, None] + self.ramp
        return self.head(self.body(self.stem(pictures)).relu().mean((2, 3)))


class ConvRecipe(ToyRecipe):
    """Learns points by convolutions."""

    def model(self) -> nn.Module:
        """Return the network."""
        return ConvNet()


def engine_of(**settings: Any) -> Engine:
    kind, _ = find_recipe("toy/mlp")
    recipe = ConvRecipe(kind.open("mlp", "points", 0, {"count": 32}).config())
    made: dict[str, Any] = {"device": torch.device("cpu"), "group": Group(), "progress": Silent()}
    chosen = Settings.from_dict({**recipe.defaults, "epochs": 2, **settings})
    return Engine(recipe, chosen, save=lambda best: None, stop=lambda: False, **made)


def weights(engine: Engine) -> Tensor:
    return torch.cat([value.double().reshape(-1) for value in engine.model.state_dict().values()])


def losses(engine: Engine) -> Tensor:
    return torch.tensor([row["train_loss"] for row in engine.position.history])


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what went Winograd's way, in order."""
    names: list[str] = []
    for name in ("answers", "input_gradient", "filter_gradient"):
        plain = getattr(trained_convolution, name)
        monkeypatch.setattr(
            trained_convolution, name, lambda *given, name=name, plain=plain: (names.append(name), plain(*given))[1]
        )
    return names


def test_course_is_that_of_pytorchs_convolutions(called: list[str]) -> None:
    fast, plain = engine_of(), engine_of()
    text = repr(fast.model)
    plain.fast_convolutions = False
    plain.run()
    assert not called
    fast.run()
    assert called.count("answers") == called.count("input_gradient") == called.count("filter_gradient")
    assert len(called) == 3 * 2 * fast.position.step
    torch.testing.assert_close(losses(fast), losses(plain), rtol=1e-4, atol=0)
    assert repr(fast.model) == text
    assert vars(fast.model.body[0]).keys() == vars(nn.Conv2d(32, 32, 3)).keys()


def test_twice_the_same_and_going_on_the_same() -> None:
    whole, again, cut, rest = (engine_of(ema=0.9, clip=1.0, accumulate=2) for _ in range(4))
    whole.run()
    again.run()
    assert torch.equal(weights(whole), weights(again))
    kept: list[Snapshot] = []
    cut.save = lambda best: kept.append(copy.deepcopy(cut.snapshot()))  # after the first epoch
    cut.stop = lambda: bool(kept)
    with pytest.raises(Stopped):
        cut.run()
    rest.restore(kept[0])
    rest.run()
    assert torch.equal(weights(rest), weights(whole))
    assert torch.equal(losses(rest), losses(whole))


def test_afterwards_convolutions_are_pytorchs_even_if_it_stopped_halfway(called: list[str]) -> None:
    engine = engine_of()

    def interrupt(*given: Any) -> Any:
        raise KeyboardInterrupt

    engine.recipe.losses = interrupt
    engine.phases = engine.recipe.phases(engine.model, lambda part: torch.optim.SGD(part.parameters(), lr=0.1))
    for group in engine.phases[0].optimizer.param_groups:
        group["peak_lr"] = 0.1
    with pytest.raises(KeyboardInterrupt):
        engine.run()
    engine.model(torch.randn(8, 2))
    assert not called


def test_bfloat16_and_other_models_are_left_alone(called: list[str]) -> None:
    engine = engine_of(precision="bf16", epochs=1)
    assert not engine.fast_convolutions
    engine.run()
    assert not called


def test_penalties_on_gradients_are_learnt_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def losses_of(self: Any, model: nn.Module, batch: dict[str, Any]) -> dict[str, Tensor]:
        points = batch["point"].requires_grad_()
        loss = functional.cross_entropy(model(points), batch["label"])
        (slope,) = torch.autograd.grad(loss, points, create_graph=True)
        return {"loss": loss + slope.square().sum()}

    monkeypatch.setattr(ConvRecipe, "losses", losses_of)
    fast, plain = engine_of(epochs=1), engine_of(epochs=1)
    plain.fast_convolutions = False
    fast.run()
    plain.run()
    torch.testing.assert_close(losses(fast), losses(plain), rtol=1e-3, atol=0)
