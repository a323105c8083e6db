"""The character model takes PyTorch's steps, writes what it learnt, and comes back from its file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.learn import CharacterModel
from sightline.learn.character_model import drawn

TEXT = "the cat sat on the mat, and the dog sat on the log. " * 6
SHORT = TEXT[:130]


@pytest.fixture
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # products this small lose more by waiting for one another
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("_one_thread")
@evidence.equals("learn.CharacterModel", peer="torch", tolerance="1e-8 after each epoch and of each weight, float64")
def test_training_takes_the_steps_of_torch(measured: Callable[[float], None]) -> None:
    options = {"batch_size": 4, "length": 10, "learning_rate": 0.01, "clip": 1e6}
    start = CharacterModel(8, cell="gru", layers=2, seed=1, dtype="float64")
    start._build("".join(sorted(set(SHORT))))
    assert start.network is not None
    w = {name: torch.tensor(array) for name, array in start.network.parameters.items()}
    table, first, second = nn.Embedding(*w["0.weight"].shape), nn.GRU(4, 8), nn.GRU(8, 8)
    last = nn.Linear(8, len(start.alphabet))
    modules = nn.ModuleList([table, first, second, last]).double()
    table.weight.data, last.weight.data, last.bias.data = w["0.weight"], w["3.weight"], w["3.bias"]
    for number, cell in ((1, first), (2, second)):
        cell.batch_first = True
        cell.weight_ih_l0.data, cell.weight_hh_l0.data = w[f"{number}.input_weight"], w[f"{number}.hidden_weight"]
        cell.bias_ih_l0.data = w[f"{number}.bias"]
        cell.bias_hh_l0.data = torch.zeros(24, dtype=torch.float64)
        cell.bias_hh_l0.register_hook(lambda slope: slope * torch.cat([torch.zeros(16), torch.ones(8)]))
    step = torch.optim.Adam(modules.parameters(), 0.01)
    codes = torch.tensor([start.alphabet.index(c) for c in SHORT])
    each = (len(codes) - 1) // 4
    x, y = (part[: 4 * each].reshape(4, each) for part in (codes, codes[1:]))
    expected = []
    for _ in range(2):
        a = b = None
        total = 0.0
        for begin in range(0, each, 10):
            value, a = first(table(x[:, begin : begin + 10]), a)
            value, b = second(value, b)
            a, b = a.detach(), b.detach()
            loss = functional.cross_entropy(last(value).flatten(0, 1), y[:, begin : begin + 10].flatten())
            step.zero_grad()
            loss.backward()
            step.step()
            total += loss.item() * value.shape[1]
        expected.append(total / each / math.log(2))
    ours = CharacterModel(8, cell="gru", layers=2, seed=1, dtype="float64")
    rows = ours.fit(SHORT, epochs=2, **options)
    assert ours.network is not None
    worst = max(abs(row["loss"] - loss) for row, loss in zip(rows, expected, strict=True))
    for name, theirs in (("0.weight", table.weight), ("2.hidden_weight", second.weight_hh_l0), ("3.bias", last.bias)):
        worst = max(worst, float(np.abs(ours.network.parameters[name] - theirs.detach().numpy()).max()))
    measured(worst)
    assert worst < 1e-8


def test_it_learns_writes_and_comes_back(tmp_path: Path) -> None:
    model = CharacterModel(32, seed=1)
    shown: list[dict[str, float]] = []
    rows = model.fit(TEXT, epochs=15, length=20, batch_size=4, learning_rate=0.02, validation=TEXT[:60],
                     schedule=lambda share: 1 - 0.5 * share, progress=shown.append)  # fmt: skip
    assert shown == rows
    assert rows[0]["loss"] > 2.5 > 0.6 > rows[-1]["loss"]
    assert model.bits(TEXT) == pytest.approx(np.mean([model.bits(TEXT[:200])]), abs=0.2)
    written = model.sample(40, start="the cat ", temperature=0)
    assert written.startswith("sat on the ")
    assert model.sample(40, seed=3) == model.sample(40, seed=3) != model.sample(40, seed=4)
    model.save(tmp_path / "model.npz")
    again = CharacterModel.load(tmp_path / "model.npz")
    assert again.bits(TEXT) == model.bits(TEXT)
    assert again.sample(40, temperature=0.7) == model.sample(40, temperature=0.7)
    trace = model.trace("the cat sat")
    assert [step.name for step in trace][:4] == ["input gate", "forget gate", "output gate", "news"]
    assert trace.result == model.bits("the cat sat")
    assert np.allclose(trace["expected"].value.sum(axis=0), 1, atol=1e-5)


def test_many_chunks_are_measured_as_one() -> None:
    model = CharacterModel(4, dropout=0.5, dtype="float64")
    model.fit(TEXT, epochs=1, batch_size=2)
    long = TEXT * 8
    assert len(long) > 2048
    codes = model._codes("test", long)
    scores, _ = model._forward(codes[None, :-1], None)
    shifted = scores[0] - scores[0].max(axis=1, keepdims=True)
    p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    assert model.bits(long) == pytest.approx(-np.log2(p[np.arange(len(codes) - 1), codes[1:]]).mean(), abs=1e-12)


def test_draws_follow_the_probabilities() -> None:
    random, scores = np.random.default_rng(0), np.log(np.array([0.1, 0.6, 0.3]))
    for temperature, shares in ((1.0, (0.1, 0.6, 0.3)), (0.5, (0.01 / 0.46, 0.36 / 0.46, 0.09 / 0.46))):
        counts = np.bincount([drawn(scores, temperature, random) for _ in range(4000)], minlength=3) / 4000
        assert np.abs(counts - shares).max() < 0.03
    assert drawn(scores, 0, random) == 1


def test_refuses_by_name(tmp_path: Path) -> None:
    model = CharacterModel(4)
    with pytest.raises(InputError, match=r"CharacterModel\.bits: the model must have read a text\. Call fit\(text\)"):
        model.bits("abc")
    with pytest.raises(InputError, match=r"CharacterModel\.fit: text must be a str of more than 32 characters"):
        model.fit("abc")
    model.fit("abcabcabc", epochs=1, batch_size=2)
    with pytest.raises(InputError, match=r"text must be of the characters that fit saw; got 'xy'"):
        model.bits("axby")
    with pytest.raises(InputError, match=r"CharacterModel\.sample: temperature must be"):
        model.sample(5, temperature=-1)
    with pytest.raises(InputError, match="CharacterModel: cell must be one of"):
        CharacterModel(4, cell="elman")
    with pytest.raises(MissingFileError, match=r"CharacterModel\.load"):
        CharacterModel.load(tmp_path / "none.npz")
    (tmp_path / "bad.npz").write_bytes(b"PK no archive")
    with pytest.raises(FormatError, match="is not a character model"):
        CharacterModel.load(tmp_path / "bad.npz")
