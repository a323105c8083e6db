"""Layers forward and back equal PyTorch's, and the differences of their own values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.learn import BatchNorm, Conv2d, Dropout, Embedding, Linear, MaxPool2d, he, orthogonal, xavier
from sightline.learn.grad_check import numeric_gradient
from sightline.learn.layers.layer import Layer

RANDOM = np.random.default_rng(0)
WIDE = {"dtype": "float64"}
ROWS, PICTURES = RANDOM.normal(0, 2, (5, 8)), RANDOM.normal(0, 2, (3, 4, 7, 6))
learn: Any = sl.learn


def twin(layer: Layer, module: Any) -> Any:
    """Return the module with the layer's parameters, other than those it began with."""
    module = module.double()
    for name, array in layer.parameters.items():
        array[...] = np.random.default_rng(array.size).normal(0.5, 1, array.shape)
        getattr(module, name).data = torch.tensor(array)
    return module


def conv(**options: Any) -> tuple[Layer, Any, np.ndarray]:
    size = options.pop("size", 3)
    ours = Conv2d(4, 6, size, **options, **WIDE)
    return ours, twin(ours, nn.Conv2d(4, 6, size, **options)), PICTURES


def scaled(ours: Layer, theirs: Any, x: np.ndarray = PICTURES) -> tuple[Layer, Any, np.ndarray]:
    return ours, twin(ours, theirs), x


def picture_like(name: str) -> list[tuple[Layer, Any, np.ndarray]]:
    """Return layer, PyTorch's twin and input for all layers of this name."""
    sizes: list[tuple[Any, Any, Any]] = [(2, None, 0), (3, 2, 1), ((2, 3), (1, 2), (1, 0))]
    pools = [(s, {"stride": step, "padding": p}) for s, step, p in sizes]
    cases: dict[str, Callable[[], list[tuple[Layer, Any, np.ndarray]]]] = {
        "Linear": lambda: [scaled(Linear(8, 3, bias=b, **WIDE), nn.Linear(8, 3, bias=b), ROWS) for b in (True, False)],
        "Flatten": lambda: [(learn.Flatten(), nn.Flatten(), PICTURES)],
        "Conv2d": lambda: [
            conv(),
            conv(stride=2, padding=1, bias=False),
            conv(size=(2, 3), stride=(1, 2), padding=(0, 2), dilation=(2, 1)),
            conv(groups=2, padding=1, dilation=2),
            conv(size=1, stride=3),
        ],
        "MaxPool2d": lambda: [(MaxPool2d(s, **o), nn.MaxPool2d(s, **o), PICTURES) for s, o in pools],
        "MinPool2d": lambda: [
            (learn.MinPool2d(s, **o), lambda x, s=s, o=o: -functional.max_pool2d(-x, s, **o), PICTURES)
            for s, o in pools
        ],
        "AvgPool2d": lambda: [(learn.AvgPool2d(s, **o), nn.AvgPool2d(s, **o), PICTURES) for s, o in pools],
        "GlobalPool": lambda: [
            (learn.GlobalPool(), lambda x: x.mean((2, 3)), PICTURES),
            (learn.GlobalPool("max"), lambda x: x.flatten(2).max(2)[0], PICTURES),
        ],
        "BatchNorm": lambda: [
            scaled(BatchNorm(4, **WIDE), nn.BatchNorm2d(4)),
            scaled(BatchNorm(8, momentum=0.3, **WIDE), nn.BatchNorm1d(8, momentum=0.3), ROWS),
            scaled(BatchNorm(4, affine=False, **WIDE), nn.BatchNorm2d(4, affine=False)),
        ],
        "LayerNorm": lambda: [
            scaled(learn.LayerNorm(8, **WIDE), nn.LayerNorm(8), ROWS),
            scaled(learn.LayerNorm((7, 6), eps=0.1, **WIDE), nn.LayerNorm((7, 6), eps=0.1)),
        ],
        "GroupNorm": lambda: [
            scaled(learn.GroupNorm(2, 4, **WIDE), nn.GroupNorm(2, 4)),
            scaled(learn.GroupNorm(4, 8, affine=False, **WIDE), nn.GroupNorm(4, 8, affine=False), ROWS),
        ],
        "InstanceNorm": lambda: [scaled(learn.InstanceNorm(4, **WIDE), nn.InstanceNorm2d(4, affine=True))],
        "ReLU": lambda: [(learn.ReLU(), nn.ReLU(), ROWS)],
        "LeakyReLU": lambda: [(learn.LeakyReLU(0.2), nn.LeakyReLU(0.2), ROWS)],
        "ELU": lambda: [(learn.ELU(0.7), nn.ELU(0.7), ROWS)],
        "SELU": lambda: [(learn.SELU(), nn.SELU(), ROWS)],
        "GELU": lambda: [(learn.GELU(), nn.GELU(), ROWS)],
        "SiLU": lambda: [(learn.SiLU(), nn.SiLU(), ROWS)],
        "Sigmoid": lambda: [(learn.Sigmoid(), nn.Sigmoid(), ROWS)],
        "Tanh": lambda: [(learn.Tanh(), nn.Tanh(), ROWS)],
        "Softplus": lambda: [(learn.Softplus(), functional.softplus, ROWS)],
        "Softmax": lambda: [(learn.Softmax(), nn.Softmax(-1), PICTURES)],
    }
    return cases[name]()


def relative(a: np.ndarray, b: Any) -> float:
    other = b.detach().numpy()
    assert a.shape == other.shape
    return float(np.abs(a - other).max() / max(1, np.abs(other).max()))


def apart(ours: Layer, theirs: Any, x: np.ndarray) -> float:
    """Return how far y, ∂L/∂x and ∂L/∂w are from PyTorch's, for some g."""
    leaf = torch.tensor(x, requires_grad=True)
    before, y, expected = x.copy(), ours.forward(x, train=True), theirs(leaf)
    g = np.random.default_rng(1).normal(0, 1, y.shape)
    expected.backward(torch.from_numpy(g))
    errors = [relative(y, expected), relative(ours.backward(g), leaf.grad)]
    errors += [relative(slope, getattr(theirs, name).grad) for name, slope in ours.gradients.items()]
    assert sorted(ours.gradients) == sorted(ours.parameters)
    assert (x == before).all()
    return max(errors)


def slopes_apart(layer: Layer, x: np.ndarray) -> float:
    """Return how far ∂L/∂x and ∂L/∂w are from differences, for some g."""
    here = np.array(x[:2])
    g = np.random.default_rng(2).normal(0, 1, layer.forward(here, train=True).shape)
    ours = [layer.backward(g), *(layer.gradients[name] for name in layer.parameters)]
    arrays = [here, *layer.parameters.values()]
    tried = numeric_gradient(lambda *_: float((g * layer.forward(here, train=True)).sum()), arrays)
    return max(float(np.abs(a - b).max() / max(1, np.abs(b).max())) for a, b in zip(ours, tried, strict=True))


@evidence.equals("learn.Linear", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.Flatten", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.Conv2d", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.MaxPool2d", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.MinPool2d", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.AvgPool2d", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.GlobalPool", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.BatchNorm", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.LayerNorm", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.GroupNorm", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.InstanceNorm", peer="torch", tolerance="1e-10, forward and backward, float64")
def test_layers_equal_torch_and_differences(measured: Callable[[float], None]) -> None:
    names = ("Linear", "Flatten", "Conv2d", "MaxPool2d", "MinPool2d", "AvgPool2d", "GlobalPool")
    check((*names, "BatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm"), measured)


@evidence.equals("learn.ReLU", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.LeakyReLU", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.ELU", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.SELU", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.GELU", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.SiLU", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.Sigmoid", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.Tanh", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.Softplus", peer="torch", tolerance="1e-10, forward and backward, float64")
@evidence.equals("learn.Softmax", peer="torch", tolerance="1e-10, forward and backward, float64")
def test_activations_equal_torch_and_differences(measured: Callable[[float], None]) -> None:
    bent = ("ReLU", "LeakyReLU", "ELU", "SELU", "GELU", "SiLU", "Sigmoid", "Tanh", "Softplus", "Softmax")
    check(bent, measured)


def check(names: tuple[str, ...], measured: Callable[[float], None]) -> None:
    found = {f"{name} {i}": (apart(*case), slopes_apart(case[0], case[2])) for name in names for i, case in
             enumerate(picture_like(name))}  # fmt: skip
    measured(max(error for error, _ in found.values()))
    assert max(error for error, _ in found.values()) < 1e-10, found
    assert max(error for _, error in found.values()) < 1e-6, found


@evidence.equals("learn.Embedding", peer="torch", tolerance="1e-12, forward and backward, float64")
def test_embedding_equals_torch(measured: Callable[[float], None]) -> None:
    ours, numbers = Embedding(6, 3, **WIDE), np.array([[1, 2, 2], [5, 0, 2]])
    theirs = twin(ours, nn.Embedding(6, 3))
    g = RANDOM.normal(0, 1, (2, 3, 3))
    expected = theirs(torch.from_numpy(numbers))
    expected.backward(torch.from_numpy(g))
    error = relative(ours.forward(numbers), expected)
    assert ours.backward(g).shape == (2, 3)
    measured(max(error, relative(ours.gradients["weight"], theirs.weight.grad)))
    assert max(error, relative(ours.gradients["weight"], theirs.weight.grad)) < 1e-12


@evidence.equals("learn.Dropout", peer="torch", tolerance="1e-12 with the same values left out; shares within 1 %")
def test_dropout_equals_torch_with_the_same_mask(measured: Callable[[float], None]) -> None:
    layer, x = Dropout(0.3, seed=3), torch.tensor(RANDOM.normal(5, 1, (200, 300)), requires_grad=True)
    y = layer.forward(x.detach().numpy(), train=True)
    expected = x * torch.from_numpy(y != 0) / 0.7
    expected.sum().backward()
    error = max(relative(y, expected), relative(layer.backward(np.ones_like(y)), x.grad))
    measured(error)
    assert error < 1e-12
    assert abs((y == 0).mean() - 0.3) < 0.01
    assert (layer.forward(y) == y).all()
    assert (layer.backward(y) == y).all()
    again = Dropout(0.3, seed=3).forward(x.detach().numpy(), train=True)
    assert (again == y).all()


@evidence.equals("learn.xavier", peer="torch", tolerance="deviation within 1 % of torch.nn.init's")
@evidence.equals("learn.he", peer="torch", tolerance="deviation within 1 % of torch.nn.init's")
def test_first_weights_spread_as_torchs(measured: Callable[[float], None]) -> None:
    torch.manual_seed(0)
    worst = 0.0
    for kind, name in (("uniform", "uniform"), ("normal", "normal")):
        for ours, theirs in (
            (xavier, getattr(nn.init, f"xavier_{name}_")),
            (he, lambda w, name=name: getattr(nn.init, f"kaiming_{name}_")(w, nonlinearity="relu")),
        ):
            shape = (96, 64, 5, 5)
            a, b = ours(shape, kind=kind, seed=4), theirs(torch.empty(shape)).numpy()
            worst = max(worst, abs(float(a.std() / b.std()) - 1), abs(float(a.mean())) / float(b.std()))
            assert abs(float(np.abs(a).max() / np.abs(b).max()) - 1) < (0.01 if kind == "uniform" else 0.3)
    measured(worst)
    assert worst < 0.01


@evidence.equals("learn.orthogonal", peer="numpy", tolerance="1e-12 from the identity")
def test_orthogonal_weights_are_at_right_angles(measured: Callable[[float], None]) -> None:
    worst = 0.0
    for shape in ((5, 5), (3, 9), (9, 3), (4, 2, 3, 3)):
        w = orthogonal(shape, gain=2.0).reshape(shape[0], -1)
        square = w @ w.T if len(w) <= w.shape[1] else w.T @ w
        worst = max(worst, float(np.abs(square - 4 * np.eye(len(square))).max()))
    measured(worst)
    assert worst < 1e-12


def test_batch_norm_uses_the_running_means_of_torch() -> None:
    ours, theirs = BatchNorm(4, **WIDE), nn.BatchNorm2d(4).double()
    for scale in (1, 3):
        ours.forward(PICTURES * scale, train=True)
        theirs(torch.tensor(PICTURES * scale))
    theirs.eval()
    assert relative(ours.buffers["variance"], theirs.running_var) < 1e-12
    x = torch.tensor(PICTURES, requires_grad=True)
    expected = theirs(x)
    (expected**2).sum().backward()
    y = ours.forward(PICTURES)
    assert relative(y, expected) < 1e-12
    assert relative(ours.backward(2 * y), x.grad) < 1e-10


def test_float32_stays_and_many_pictures_are_taken_in_parts() -> None:
    x = RANDOM.normal(0, 1, (40, 8, 24, 24)).astype(np.float32)
    layer = Conv2d(8, 16, 3, padding=1)
    y = layer.forward(x)
    dx = layer.backward(y)
    assert {y.dtype, dx.dtype, *(slope.dtype for slope in layer.gradients.values())} == {np.dtype(np.float32)}
    weight, bias = (torch.tensor(array, requires_grad=True) for array in layer.parameters.values())
    leaf = torch.tensor(x, requires_grad=True)
    expected = functional.conv2d(leaf, weight, bias, padding=1)
    expected.backward(torch.tensor(y))
    for mine, other in ((y, expected), (dx, leaf.grad), (layer.gradients["weight"], weight.grad)):
        assert relative(mine, other) < 1e-5
    for name in ("ReLU", "ELU", "SELU", "GELU", "SiLU", "Softplus", "LeakyReLU", "Softmax", "Sigmoid", "Tanh"):
        bent = getattr(learn, name)()
        assert bent.forward(x).dtype == np.float32, name
        assert bent.backward(x).dtype == np.float32, name
    for norm in (BatchNorm(8), learn.GroupNorm(2, 8), learn.LayerNorm((24, 24)), Dropout(), learn.AvgPool2d(2)):
        y = norm.forward(x, train=True)
        assert y.dtype == norm.backward(y).dtype == np.float32, norm


def test_infinity_and_nan_go_where_the_arithmetic_takes_them() -> None:
    large = np.array([[-1e4, 0.0, 1e4]])
    for name in ("ReLU", "ELU", "SELU", "GELU", "SiLU", "Softplus", "Softmax", "Sigmoid", "Tanh"):
        layer = getattr(learn, name)()
        with np.errstate(over="raise", invalid="raise"):
            assert np.isfinite(layer.forward(large)).all(), name
            assert np.isfinite(layer.backward(np.ones_like(large))).all(), name
    x = np.zeros((1, 1, 2, 2))
    x[0, 0, 0, 1] = np.nan
    assert np.isnan(MaxPool2d(2).forward(x)).all()


def test_refuses_by_name() -> None:
    with pytest.raises(InputError, match=r"Linear: x must be N×C numbers with C = 3; got 2×4 float64"):
        Linear(3, 2).forward(np.ones((2, 4)))
    with pytest.raises(InputError, match=r"Linear\.backward: there must have been a forward pass"):
        Linear(3, 2).backward(np.ones((2, 2)))
    with pytest.raises(InputError, match="Linear: dtype must be one of"):
        Linear(3, 2, dtype="float16")
    with pytest.raises(InputError, match="Linear: initial must be one of"):
        Linear(3, 2, initial="zero")
    with pytest.raises(InputError, match="Conv2d: groups must divide inputs and outputs; got 3 for 4 and 6"):
        Conv2d(4, 6, 3, groups=3)
    with pytest.raises(InputError, match=r"Conv2d: x must be at least as large as the window; got 2×9"):
        Conv2d(1, 1, 3).forward(np.ones((1, 1, 2, 9)))
    with pytest.raises(InputError, match=r"Conv2d: x must be N×C×H×W numbers with C = 1; got 5×5 float64"):
        Conv2d(1, 1, 3).forward(np.ones((5, 5)))
    with pytest.raises(InputError, match="MaxPool2d: padding must be half of size at most"):
        MaxPool2d(2, padding=2)
    with pytest.raises(InputError, match="GroupNorm: groups must divide channels; got 3 for 4"):
        learn.GroupNorm(3, 4)
    with pytest.raises(InputError, match="BatchNorm: x must have two values a channel"):
        BatchNorm(4).forward(np.ones((1, 4)), train=True)
    with pytest.raises(InputError, match=r"LayerNorm: x must end in axes of \(3,\)"):
        learn.LayerNorm(3).forward(np.ones((2, 4)))
    with pytest.raises(InputError, match="Dropout: rate must be below 1"):
        Dropout(1)
    with pytest.raises(InputError, match="Embedding: x must be whole numbers in 0–3"):
        Embedding(4, 2).forward([4])
    with pytest.raises(InputError, match="he: shape must be"):
        he((3,))
