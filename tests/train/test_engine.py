"""What the loop does to weights, compared with plain torch."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from sightline.core.errors import DataError, InputError
from sightline.train.average import Average
from sightline.train.engine import Diverged, Engine
from sightline.train.optimizers import block_of, make_optimizer, parameter_groups, set_training_mode
from sightline.train.processes import Group
from sightline.train.progress import Silent
from sightline.train.recipe import find_recipe
from sightline.train.settings import OPTIMIZERS, Settings
from train.toy import Net, ToyRecipe


def _engine(method: str = "mlp", options: dict | None = None, **settings) -> Engine:
    kind, name = find_recipe(f"toy/{method}")
    recipe = kind.open(name, "points", 0, {"dropout": 0.0, **(options or {})})
    return Engine(
        recipe,
        Settings.from_dict({**recipe.defaults, **settings}),
        device=torch.device("cpu"),
        group=Group(),
        progress=Silent(),
        save=lambda best: None,
        stop=lambda: False,
    )


def _run(*args, **settings) -> Engine:
    engine = _engine(*args, **settings)
    engine.run()
    return engine


def _weights(engine: Engine) -> torch.Tensor:
    return torch.cat([value.reshape(-1) for value in engine.model.state_dict().values()])


def test_equals_a_plain_loop():
    engine = _engine(epochs=2, schedule="constant", clip=0.5)
    model = copy.deepcopy(engine.model)
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": 0.01},
            {"params": [p for p in model.parameters() if p.ndim == 1], "weight_decay": 0.0},
        ],
        lr=0.01,
    )
    for epoch in range(2):
        for batch in engine.training.epoch(epoch, 0):
            optimizer.zero_grad()
            F.cross_entropy(model(batch["point"]), batch["label"]).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
    engine.run()
    plain = torch.cat([value.reshape(-1) for value in model.state_dict().values()])
    torch.testing.assert_close(_weights(engine), plain, rtol=0, atol=1e-5)


def test_accumulation_equals_a_big_batch():
    settings = {"epochs": 2, "optimizer": "sgd", "learning_rate": 0.1}
    small = _run(options={"count": 32}, batch_size=4, accumulate=4, **settings)
    big = _run(options={"count": 32}, batch_size=16, **settings)
    assert small.position.step == big.position.step == 4
    torch.testing.assert_close(_weights(small), _weights(big), rtol=0, atol=1e-6)


def test_clipping_bounds_the_step():
    engine = _engine(epochs=1, optimizer="sgd", momentum=0.0, learning_rate=1.0, weight_decay=0.0, clip=1e-3,
                     schedule="constant")  # fmt: skip
    before = _weights(engine)
    engine.run()
    assert 0 < (_weights(engine) - before).norm() <= 1e-3 * engine.position.step * 1.001


def test_average_follows_the_weights():
    model = nn.Linear(3, 2)
    average, expected = Average(model, 0.9), model.weight.detach().clone()
    for step in range(30):
        with torch.no_grad():
            model.weight += 1
        average.update(model, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * model.weight.detach()
    torch.testing.assert_close(average.model.weight, expected)


def test_average_is_what_is_kept():
    engine = _run(ema=0.5)
    assert engine.evaluated is not engine.model
    kept = engine.snapshot()
    assert torch.equal(kept.weights["head.weight"], engine.average.model.head.weight)
    assert torch.equal(kept.tensors["model.head.weight"], engine.model.head.weight)


def test_frozen_parameters_stay():
    engine = _engine(freeze="stem blocks.0*")
    before = copy.deepcopy(engine.model.state_dict())
    engine.run()
    after = engine.model.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {name for name in before if not name.startswith(("stem", "blocks.0"))}
    set_training_mode(engine.model)
    assert not engine.model.stem.training
    assert engine.model.head.training


@pytest.mark.parametrize(("pattern", "sentence"), [("steam", "Did you mean 'stem"), ("*", "leaves no parameter")])
def test_freezing_nothing_or_all_is_refused(pattern, sentence):
    with pytest.raises(InputError, match=sentence):
        _engine(freeze=pattern)


def test_layer_decay_falls_towards_the_input():
    model = Net(8)
    groups = parameter_groups(model, Settings(learning_rate=1.0, layer_decay=0.5))
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    found = {name: rates[id(p)] for name, p in model.named_parameters() if name.endswith("weight")}
    assert found == {
        "head.weight": 1.0,
        "norm.weight": 0.5,
        "blocks.1.weight": 0.25,
        "blocks.0.weight": 0.125,
        "stem.weight": 0.0625,
    }
    assert block_of("encoder.layers.3.norm.weight") == "encoder.layers.3"


def test_vectors_are_not_decayed():
    for group in parameter_groups(Net(8), Settings(weight_decay=0.3)):
        assert {p.ndim > 1 for p in group["params"]} == {group["weight_decay"] == 0.3}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_steps(name):
    engine = _engine(optimizer=name, epochs=1, learning_rate=1e-3)
    before = _weights(engine)
    engine.run()
    assert torch.isfinite(_weights(engine)).all()
    assert not torch.equal(before, _weights(engine))


@pytest.mark.slow
def test_gan_lowers_two_losses_with_two_optimizers():
    engine = _engine("gan", epochs=40, options={"count": 64, "noise": 0.05}, learning_rate=0.01)
    before = copy.deepcopy(engine.model.state_dict())
    engine.run()
    assert [phase.name for phase in engine.phases] == ["critic", "generator"]
    row, first = engine.position.history[-1], engine.position.history[0]
    assert {"train_critic_loss", "train_generator_loss", "train_generator_spread", "val_distance"} <= set(row)
    assert row["val_distance"] < first["val_distance"]
    assert all(not torch.equal(before[name], value) for name, value in engine.model.state_dict().items())


def test_a_phase_changes_its_own_weights_only():
    engine = _engine("gan", epochs=1)
    engine.phases[1].optimizer.param_groups[0]["peak_lr"] = 0.0
    before = copy.deepcopy(engine.model.generator.state_dict())
    engine.run()
    assert all(torch.equal(before[name], value) for name, value in engine.model.generator.state_dict().items())


def test_early_stop():
    engine = _run(epochs=50, patience=2, learning_rate=1e-9)
    assert engine.position.epoch == 3
    assert engine.position.best_epoch == 1


def test_divergence_is_said():
    with pytest.raises(Diverged, match=r"the loss is no longer a number in epoch \d+ .* Lower learning_rate"):
        _run(optimizer="sgd", learning_rate=1e8, epochs=3)


def test_missing_metric_is_said(monkeypatch):
    monkeypatch.setattr(ToyRecipe, "measure", lambda self, model, batches: {"f1": 0.5})
    with pytest.raises(DataError, match="measures f1, but not its metric 'accuracy'"):
        _run(epochs=1)


def test_metric_that_is_not_a_number_is_no_best(monkeypatch):
    monkeypatch.setattr(ToyRecipe, "measure", lambda self, model, batches: {"accuracy": float("nan")})
    engine = _run(epochs=1)
    assert engine.position.best is None
    assert engine.position.history[0]["val_accuracy"] is None


def test_no_samples():
    with pytest.raises(DataError, match="has no training samples"):
        _engine(options={"count": 0})


def test_ten_samples_in_a_batch_of_64():
    engine = _run(options={"count": 10}, batch_size=64, epochs=2)
    assert engine.position.step == 2
    assert engine.order.share == 10


def test_optimizer_covers_the_part_it_is_given():
    model = Net(8)
    optimizer = make_optimizer(model.head, Settings())
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 2
