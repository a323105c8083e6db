"""Networks train as PyTorch's do, step for step; they stop, are kept, and go on bit for bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import nn

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.seeds import generator
from sightline.learn import (
    SGD,
    Adam,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Solver,
)

RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(0, 1, (50, 2, 6, 6)), RANDOM.integers(0, 3, 50)


def small_net(dtype: str = "float64") -> Sequential:
    return Sequential(
        Conv2d(2, 4, 3, padding=1, seed=1, dtype=dtype),
        BatchNorm(4, dtype=dtype),
        ReLU(),
        MaxPool2d(2),
        Flatten(),
        Sequential(Linear(36, 3, seed=2, dtype=dtype)),
    )


def torchs() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Sequential(nn.Linear(36, 3)),
    ).double()


@evidence.equals("learn.Sequential", peer="torch", tolerance="1e-8 in every weight after 3 epochs, float64")
@evidence.equals("learn.Solver", peer="torch", tolerance="1e-8 in every weight after 3 epochs, float64")
def test_training_equals_torchs_step_for_step(measured: Callable[[float], None]) -> None:
    ours, theirs = small_net(), torchs()
    named = dict(theirs.named_parameters())
    assert sorted(named) == sorted(ours.parameters)
    for name, array in ours.parameters.items():
        named[name].data = torch.tensor(array)
    peer = torch.optim.SGD(theirs.parameters(), 0.05, momentum=0.9)
    solver = Solver(ours, SoftmaxCrossEntropy(), SGD(0.05, momentum=0.9), batch_size=16, seed=5)
    rows = solver.fit(X, Y, epochs=3)
    for epoch in range(3):
        total = 0.0
        for chosen in np.split(generator(5, epoch).permutation(50), [16, 32, 48]):
            peer.zero_grad()
            loss = nn.functional.cross_entropy(theirs(torch.tensor(X[chosen])), torch.tensor(Y[chosen]))
            loss.backward()
            peer.step()
            total += loss.item() * len(chosen) / 50
        assert rows[epoch]["loss"] == pytest.approx(total, abs=1e-8)
    worst = max(float(np.abs(a - named[name].detach().numpy()).max()) for name, a in ours.parameters.items())
    theirs.eval()
    error = np.abs(solver.predict(X) - theirs(torch.tensor(X)).detach().numpy()).max()
    measured(max(worst, float(error)))
    assert max(worst, float(error)) < 1e-8


def make(seed: int = 0, **options: Any) -> Solver:
    layers = (Linear(5, 16, seed=seed), ReLU(), Dropout(0.2, seed=seed), Linear(16, 3, seed=seed))
    return Solver(Sequential(*layers), SoftmaxCrossEntropy(), Adam(0.01), batch_size=8, **options)


TABLE, KINDS = RANDOM.normal(0, 1, (60, 5)), RANDOM.integers(0, 3, 60)


def test_a_training_goes_on_from_a_checkpoint_bit_for_bit(tmp_path: Path) -> None:
    schedule = lambda share: 0.5 * (1 + math.cos(math.pi * share))
    validation = TABLE[:20], KINDS[:20]
    whole = make(schedule=schedule)
    whole.progress = lambda row: whole.save(tmp_path / f"{row['epoch']:.0f}.npz")
    whole.fit(TABLE, KINDS, epochs=6, validation=validation)
    again = make(schedule=schedule)
    again.load(tmp_path / "3.npz")
    assert len(again.history) == 3
    again.fit(TABLE, KINDS, epochs=6, validation=validation)
    assert again.history == whole.history
    assert all((a == b).all() for a, b in zip(*(s.network.state().values() for s in (whole, again)), strict=True))
    assert whole.history[-1]["learning_rate"] < 0.001 < whole.history[0]["learning_rate"]
    assert whole.history[-1]["val_loss"] < whole.history[0]["val_loss"]


def test_it_stops_early_and_leaves_the_best_network(tmp_path: Path) -> None:
    shown: list[dict[str, float]] = []
    solver = make(patience=2, progress=shown.append)
    validation = RANDOM.normal(0, 1, (30, 5)), RANDOM.integers(0, 3, 30)  # noise: nothing can be learnt
    rows = solver.fit(TABLE, KINDS, epochs=200, validation=validation)
    losses = [row["val_loss"] for row in rows]
    assert len(rows) == int(np.argmin(losses)) + 3 < 200
    assert shown == rows
    assert solver.measure(*validation)["val_loss"] == min(losses)
    solver.save(tmp_path / "best.npz")
    other = make(seed=9, patience=2)
    other.load(tmp_path / "best.npz")
    assert (other.predict(TABLE) == solver.predict(TABLE)).all()
    assert other.history == rows
    assert len(other.fit(TABLE, KINDS, epochs=200, validation=validation)) == len(rows)


def test_refuses_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Sequential: layers must be layers of sightline\.learn; got int 3"):
        Sequential(3)  # type: ignore[arg-type]
    layer = ReLU()
    with pytest.raises(InputError, match="each one once"):
        Sequential(layer, layer)
    with pytest.raises(InputError, match=r"Solver: loss must be a Loss of sightline\.learn"):
        Solver(Sequential(ReLU()), None, SGD())  # type: ignore[arg-type]
    solver = make()
    with pytest.raises(InputError, match=r"Solver\.fit: targets must be one a sample"):
        solver.fit(TABLE, KINDS[:3])
    with pytest.raises(InputError, match=r"loss must stay a number; got nan in epoch 1"):
        make().fit(TABLE * np.nan, KINDS)
    with pytest.raises(InputError, match=r"Solver\.predict: x must be one sample at least"):
        solver.predict(TABLE[:0])
    with pytest.raises(MissingFileError, match=r"Solver\.load: '.*none\.npz' does not exist"):
        solver.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK no archive")
    with pytest.raises(FormatError, match="is not a checkpoint of a Solver"):
        solver.load(tmp_path / "bad.npz")
    solver.save(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"Sequential\.restore: state must be that of a network of these layers"):
        Solver(small_net(), SoftmaxCrossEntropy(), SGD()).load(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"SGD\.restore: state must be what state\(\) returned"):
        SGD().restore({})


def digits() -> tuple[np.ndarray, ...]:
    found = sl.data.open_dataset("digits")
    train, test = found.split("train"), found.split("test")
    x, tx = ((part.array.astype(np.float32) / part.array.max())[:, None] for part in (train, test))
    return x, np.array(train.labels), tx, np.array(test.labels)


@pytest.mark.slow
def test_digits_are_read_by_two_layers_and_by_a_small_convnet() -> None:
    x, y, tx, ty = digits()
    cosine = lambda share: 0.5 * (1 + math.cos(math.pi * share))
    two = Sequential(Flatten(), Linear(64, 512, seed=1), ReLU(), Dropout(0.5), Linear(512, 10, seed=2))
    convnet = Sequential(
        *(Conv2d(1, 16, 3, padding=1, seed=1), BatchNorm(16), ReLU()),
        *(Conv2d(16, 32, 3, padding=1, seed=2), BatchNorm(32), ReLU()),
        *(MaxPool2d(2), Dropout(0.25, seed=3)),
        *(Conv2d(32, 32, 3, padding=1, seed=5), BatchNorm(32), ReLU()),
        *(Flatten(), Dropout(0.5, seed=6), Linear(512, 10, seed=4)),
    )
    for network, rate, epochs, least in ((two, 2e-3, 40, 0.97), (convnet, 3e-3, 15, 0.985)):
        solver = Solver(network, SoftmaxCrossEntropy(), Adam(rate), batch_size=32, schedule=cosine)
        with threadpool_limits(1):  # products this small lose more by waiting for one another
            solver.fit(x, y, epochs=epochs)
        right = solver.measure(tx, ty)["val_accuracy"]
        print(f"{len(network.layers)} layers: {right:.2%} of {len(ty)} digits that it never saw")
        assert right >= least
