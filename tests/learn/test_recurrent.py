"""Recurrent layers forward and back through time equal PyTorch's, and the differences of their own values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import GRU, LSTM, RNN, Bidirectional
from sightline.learn.grad_check import numeric_gradient
from sightline.learn.layers.recurrent import Recurrent

RANDOM = np.random.default_rng(0)
WIDE = {"dtype": "float64"}
N, T, D, H = 4, 6, 3, 5
X = RANDOM.normal(0, 1, (N, T, D))
LENGTHS = np.array([6, 4, 1, 3])
BACK = "1e-8, forward and backward, float64"
TWINS: dict[str, tuple[Any, Any, list[int]]] = {  # ours, theirs, and where our gates stand in theirs
    "RNN": (RNN, nn.RNN, [0]),
    "LSTM": (LSTM, nn.LSTM, [0, 1, 3, 2]),
    "GRU": (GRU, nn.GRU, [0, 1, 2]),
}


def at(array: np.ndarray, places: list[int]) -> torch.Tensor:
    """Return our rows in PyTorch's order of gates."""
    parts = np.split(array, len(places))
    return torch.tensor(np.concatenate([parts[places.index(k)] for k in range(len(places))]))


def copy_to(theirs: Any, layer: Recurrent, places: list[int], suffix: str) -> None:
    for array in layer.parameters.values():
        array[...] = np.random.default_rng(array.size).normal(0, 0.6, array.shape)
    w, u, b = (at(layer.parameters[name], places) for name in ("input_weight", "hidden_weight", "bias"))
    second = torch.zeros_like(b)
    if "hidden_bias" in layer.parameters:
        second[2 * H :] = torch.tensor(layer.parameters["hidden_bias"])
    for name, value in (("weight_ih", w), ("weight_hh", u), ("bias_ih", b), ("bias_hh", second)):
        getattr(theirs, f"{name}_l0{suffix}").data = value


def gradients_of(theirs: Any, layer: Recurrent, places: list[int], suffix: str) -> list[tuple[np.ndarray, Any]]:
    back = [places.index(k) for k in range(len(places))]
    pairs = []
    for name, peer in (("input_weight", "weight_ih"), ("hidden_weight", "weight_hh"), ("bias", "bias_ih")):
        slope = getattr(theirs, f"{peer}_l0{suffix}").grad.numpy()
        parts = np.split(slope, len(places))
        pairs.append((layer.gradients[name], np.concatenate([parts[back.index(k)] for k in range(len(places))])))
    if "hidden_bias" in layer.parameters:
        pairs.append((layer.gradients["hidden_bias"], getattr(theirs, f"bias_hh_l0{suffix}").grad.numpy()[2 * H :]))
    return pairs


def worst_of(pairs: list[tuple[Any, Any]]) -> float:
    found = 0.0
    for a, b in pairs:
        other = b.detach().numpy() if isinstance(b, torch.Tensor) else b
        assert np.shape(a) == other.shape
        found = max(found, float(np.abs(a - other).max() / max(1, np.abs(other).max())))
    return found


def start_of(name: str) -> tuple[Any, Any, list[torch.Tensor]]:
    """Return a state, PyTorch's form of it, and the leaves of that."""
    arrays = [np.random.default_rng(k).normal(0, 1, (N, H)) for k in range(2 if name == "LSTM" else 1)]
    leaves = [torch.tensor(array, requires_grad=True) for array in arrays]
    theirs = tuple(leaf[None] for leaf in leaves)
    return (tuple(arrays), theirs, leaves) if name == "LSTM" else (arrays[0], theirs[0], leaves)


def parts(state: Any) -> list[Any]:
    return list(state) if isinstance(state, tuple) else [state]


def case(name: str, lengths: Any = None, **options: Any) -> float:
    """Return how far states, ∂L/∂x, ∂L/∂w and ∂L/∂(first state) are from PyTorch's, with all outputs in the loss."""
    kind, peer, places = TWINS[name]
    words = {"activation": "relu"} if options.pop("relu", False) else {}
    ours = kind(D, H, **words, **WIDE)
    theirs = peer(D, H, batch_first=True, **{"nonlinearity": "relu"} if words else {}).double()
    copy_to(theirs, ours, places, "")
    start, their_start, leaves = start_of(name)
    leaf = torch.tensor(X, requires_grad=True)
    given = leaf if lengths is None else pack_padded_sequence(leaf, lengths, batch_first=True, enforce_sorted=False)
    y, state = theirs(given, their_start)
    if lengths is not None:
        y, _ = pad_packed_sequence(y, batch_first=True, total_length=T)
    last = [part[0] for part in parts(state)]
    g, ends = RANDOM.normal(0, 1, y.shape), [RANDOM.normal(0, 1, (N, H)) for _ in last]
    loss = (y * torch.tensor(g)).sum() + sum((a * torch.tensor(e)).sum() for a, e in zip(last, ends, strict=True))
    loss.backward()
    found = ours.forward(X, state=start, lengths=lengths)
    dx = ours.backward(g, state=tuple(ends) if len(ends) == 2 else ends[0])
    pairs = [(found, y), (dx, leaf.grad), *gradients_of(theirs, ours, places, "")]
    pairs += zip(parts(ours.state), last, strict=True)
    pairs += [(a, b.grad) for a, b in zip(parts(ours.state_gradient), leaves, strict=True)]
    return worst_of(pairs)


@evidence.equals("learn.RNN", peer="torch", tolerance=BACK)
def test_rnn_equals_torch(measured: Callable[[float], None]) -> None:
    worst = max(case("RNN"), case("RNN", LENGTHS), case("RNN", relu=True))
    measured(worst)
    assert worst < 1e-8


@evidence.equals("learn.LSTM", peer="torch", tolerance=BACK)
def test_lstm_equals_torch(measured: Callable[[float], None]) -> None:
    worst = max(case("LSTM"), case("LSTM", LENGTHS))
    measured(worst)
    assert worst < 1e-8


@evidence.equals("learn.GRU", peer="torch", tolerance=BACK)
def test_gru_equals_torch(measured: Callable[[float], None]) -> None:
    worst = max(case("GRU"), case("GRU", LENGTHS))
    measured(worst)
    assert worst < 1e-8


@evidence.equals("learn.Bidirectional", peer="torch", tolerance=BACK)
def test_both_directions_equal_torch(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for name, (kind, peer, places) in TWINS.items():
        for lengths in (None, LENGTHS):
            ours = Bidirectional(kind(D, H, **WIDE), kind(D, H, reverse=True, **WIDE))
            theirs = peer(D, H, batch_first=True, bidirectional=True).double()
            for layer, suffix in ((ours.ahead, ""), (ours.behind, "_reverse")):
                copy_to(theirs, layer, places, suffix)
            leaf = torch.tensor(X, requires_grad=True)
            packed = pack_padded_sequence(leaf, lengths if lengths is not None else [T] * N, True, False)
            y, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True, total_length=T)
            g = RANDOM.normal(0, 1, y.shape)
            y.backward(torch.tensor(g))
            pairs = [(ours.forward(X, lengths=lengths), y), (ours.backward(g), leaf.grad)]
            for layer, suffix in ((ours.ahead, ""), (ours.behind, "_reverse")):
                pairs += gradients_of(theirs, layer, places, suffix)
            worst = max(worst, worst_of(pairs))
            assert sorted(ours.gradients) == sorted(ours.parameters), name
    measured(worst)
    assert worst < 1e-8


@pytest.mark.parametrize("name", TWINS)
def test_a_way_back_that_ends_early_equals_detached_states(name: str) -> None:
    kind, peer, places = TWINS[name]
    ours, theirs = kind(D, H, truncate=2, **WIDE), peer(D, H, batch_first=True).double()
    copy_to(theirs, ours, places, "")
    leaf, found, state = torch.tensor(X, requires_grad=True), [], None
    for t in range(0, T, 2):
        y, state = theirs(leaf[:, t : t + 2], state)
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        found.append(y)
    whole = torch.cat(found, 1)
    g = RANDOM.normal(0, 1, whole.shape)
    whole.backward(torch.tensor(g))
    pairs = [(ours.forward(X), whole), (ours.backward(g), leaf.grad), *gradients_of(theirs, ours, places, "")]
    assert worst_of(pairs) < 1e-10


@pytest.mark.parametrize("name", TWINS)
def test_the_way_back_equals_differences(name: str) -> None:
    for options in ({"last": True}, {"reverse": True}, {"reverse": True, "last": True}):
        layer = TWINS[name][0](2, 3, seed=1, **options, **WIDE)
        x, lengths = RANDOM.normal(0, 1, (3, 4, 2)), np.array([4, 2, 3])
        g = RANDOM.normal(0, 1, layer.forward(x, lengths=lengths).shape)
        ours = [layer.backward(g), *(layer.gradients[key] for key in layer.parameters)]
        run = lambda *_, layer=layer, x=x, g=g, n=lengths: float((g * layer.forward(x, lengths=n)).sum())
        tried = numeric_gradient(run, [x, *layer.parameters.values()])
        assert worst_of(list(zip(ours, tried, strict=True))) < 1e-7, options


def test_in_one_go_or_in_two_it_is_the_same() -> None:
    for kind in (RNN, LSTM, GRU):
        layer = kind(D, H, **WIDE)
        whole, end = layer.forward(X), layer.state
        first = layer.forward(X[:, :2])
        second = layer.forward(X[:, 2:], state=layer.state)
        assert np.allclose(np.concatenate([first, second], axis=1), whole, rtol=0, atol=1e-14)
        assert all(np.allclose(a, b, rtol=0, atol=1e-14) for a, b in zip(parts(layer.state), parts(end), strict=True))
        assert (kind(D, H, last=True, **WIDE).forward(X) == kind(D, H, **WIDE).forward(X)[:, -1]).all()
        padded = np.concatenate([X, np.full((N, 3, D), np.nan)], axis=1)
        assert not np.isnan(layer.forward(padded, lengths=np.full(N, T))).any()


def test_outputs_are_nobody_elses_memory() -> None:
    for kind in (RNN, LSTM, GRU):
        layer = kind(D, H)
        y = layer.forward(X[:1])
        assert y.dtype == np.float32
        before = layer.backward(np.ones_like(y))
        layer.forward(X[:1])[...] = 9
        assert (layer.backward(np.ones_like(y)) == before).all()
        assert before.dtype == layer.gradients["bias"].dtype == np.float32


def test_slopes_vanish_in_the_plain_layer_and_pass_an_open_gate() -> None:
    x = np.zeros((1, 60, 2))
    plain, gated = RNN(2, 16, seed=0, **WIDE), LSTM(2, 16, seed=0, **WIDE)
    plain.parameters["hidden_weight"] *= 0.5
    gated.parameters["hidden_weight"][...] = 0
    gated.parameters["bias"][16:32] = 50  # the forget gate is open
    lost, kept = (layer.gradient_through_time(x) for layer in (plain, gated))
    assert lost[-1] == pytest.approx(4.0)
    assert lost[0] / lost[-1] == pytest.approx(0.5**59, rel=1e-9)
    assert kept[0] / kept[-2] == pytest.approx(1.0)


def test_the_steps_end_in_what_is_returned() -> None:
    for kind, count in ((RNN, 3), (LSTM, 8), (GRU, 6)):
        for reverse in (False, True):
            layer = kind(D, H, reverse=reverse, seed=3)
            trace = layer.trace(X[0])
            assert len(trace) == count
            assert (trace.result == layer.forward(X[:1])[0].T).all()
            assert [step.name for step in sl.trace(kind, layer, X[0])] == [step.name for step in trace]
    assert trace["update gate"].value.min() >= 0


def test_refuses_by_name() -> None:
    layer = LSTM(3, 4)
    with pytest.raises(InputError, match=r"LSTM: x must be N×T×3 numbers with T ≥ 1; got 2×5×4 float64"):
        layer.forward(np.ones((2, 5, 4)))
    with pytest.raises(InputError, match=r"LSTM: lengths must be 2 whole numbers in 1–5"):
        layer.forward(np.ones((2, 5, 3)), lengths=[5, 0])
    with pytest.raises(InputError, match=r"LSTM: state must be a pair of 2×4; got 2×4 float64"):
        layer.forward(np.ones((2, 5, 3)), state=np.ones((2, 4)))
    with pytest.raises(InputError, match=r"GRU: state must be 2×4 float numbers; got 2×5 float64"):
        GRU(3, 4).forward(np.ones((2, 5, 3)), state=np.ones((2, 5)))
    with pytest.raises(InputError, match=r"LSTM\.backward: there must have been a forward pass"):
        layer.backward(np.ones((2, 5, 4)))
    with pytest.raises(InputError, match="RNN: activation must be one of"):
        RNN(3, 4, activation="sine")
    with pytest.raises(InputError, match="RNN: truncate must be"):
        RNN(3, 4, truncate=0)
    with pytest.raises(InputError, match="Bidirectional: behind must read in reverse"):
        Bidirectional(GRU(3, 4), GRU(3, 4))
    with pytest.raises(InputError, match="Bidirectional: ahead must be a recurrent layer; got "):
        Bidirectional(sl.learn.ReLU(), GRU(3, 4))  # type: ignore[arg-type]
