"""Convolutions that learn by Winograd's way, against PyTorch's in float64; their transforms in fractions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.nn import torch_threads, trained_convolution, winograd_gradient
from sightline.nn.matrix_panels import LANES, WIDTH
from sightline.nn.trained_convolution import FastConvolutions, conv2d, pays
from sightline.nn.winograd_filters import SUMMED, answers_line, gather_line, spread_line
from sightline.nn.winograd_gradient import answers, filter_gradient, input_gradient
from sightline.nn.winograd_tiles import after_products, before_products, filter_matrix

needs_vectors = pytest.mark.skipif(LANES < 8, reason="Winograd's way is taken with AVX2 or AVX-512 only")


@pytest.fixture
def one_or_two_threads() -> Any:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    found = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return found.contiguous(memory_format=torch.channels_last) if len(shape) == 4 else found


def given(images: int, channels: int, filters: int, high: int, wide: int, padding: int) -> tuple[Tensor, ...]:
    """Return maps, filters, biases and the gradient of the answers."""
    x, bias = drawn(images, channels, high, wide), drawn(filters, seed=1)
    weight = drawn(filters, channels, 3, 3, seed=2) / (3 * channels**0.5)
    return x, weight, bias, drawn(images, filters, high + 2 * padding - 2, wide + 2 * padding - 2, seed=3)


def directly(convolution: Any, x: Tensor, weight: Tensor, bias: Tensor, gradient: Tensor, padding: int) -> list[Tensor]:
    """Return the answers and the gradients of the input, the filters and the bias."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in (x, weight, bias)]
    y = convolution(*leaves, padding=padding)
    return [y.detach(), *torch.autograd.grad(y, leaves, gradient)]


def all_three(tensors: tuple[Tensor, ...]) -> list[Tensor]:
    """Return the answers and both gradients by Winograd's way, at padding 1."""
    x, weight, bias, gradient = tensors
    return [answers(x, weight, bias, 1), input_gradient(gradient, weight, 1), filter_gradient(gradient, x, 1)]


def error(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def plus(scale: Fraction, x: Fraction, y: Fraction | None) -> Fraction:
    return scale * x + (y or 0)


def times(matrix: list[list[Fraction]], numbers: list[Fraction]) -> list[Fraction]:
    return [sum((a * b for a, b in zip(row, numbers, strict=True)), Fraction(0)) for row in matrix]


def transposed(line: Any, size: int, numbers: list[Fraction]) -> list[Fraction]:
    """Return the transposed map of a line, by its matrix."""
    columns = [line([Fraction(int(at == k)) for at in range(size)], plus) for k in range(size)]
    return times(columns, numbers)


def test_transforms_of_filters_are_exact_in_fractions() -> None:
    draw = np.random.default_rng(0)
    for _ in range(20):
        filter_, products, line = ([Fraction(int(n), 7) for n in draw.integers(-50, 50, size)] for size in (3, 6, 4))
        assert spread_line(filter_, plus) == times(filter_matrix(), filter_)
        assert gather_line(products, plus) == transposed(spread_line, 3, products)
        assert answers_line(line, plus) == transposed(after_products, 6, line)


def test_gradient_of_a_line_is_exact_in_fractions() -> None:
    draw = np.random.default_rng(1)
    pixels, gradient = ([Fraction(int(n), 3) for n in draw.integers(-50, 50, size)] for size in (6, 4))
    products = zip(before_products(pixels, plus), answers_line(gradient, plus), strict=True)
    found = gather_line([a * b for a, b in products], plus)
    assert found == [sum((gradient[at] * pixels[at + tap] for at in range(4)), Fraction(0)) for tap in range(3)]


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(
    ("images", "channels", "filters", "high", "wide"),
    [
        (1, 16, 16, 3, 3),
        (3, 16, 48, 7, 9),
        (1, 80, 32, 14, 14),
        (5, 128, 64, 4, 5),
        (2, 48, 144, 33, 9),
        (16, 64, 64, 24, 23),  # tiles of several chunks
    ],
)
def test_equals_pytorch_in_float64(
    images: int, channels: int, filters: int, high: int, wide: int, padding: int
) -> None:
    x, weight, bias, gradient = given(images, channels, filters, high, wide, padding)
    doubles = [tensor.double() for tensor in (x, weight, bias, gradient)]
    expected = directly(functional.conv2d, *doubles, padding)
    found = [
        answers(x, weight, bias, padding),
        input_gradient(gradient, weight, padding),
        filter_gradient(gradient, x, padding),
    ]
    for ours, wanted in zip(found, expected, strict=False):
        assert ours.shape == wanted.shape
        assert ours.is_contiguous(memory_format=torch.channels_last)
        assert error(ours, wanted) <= 1.5e-6


def test_many_tiles_err_little_more_than_directly() -> None:
    x, weight, bias, gradient = given(4, 32, 32, 112, 112, 1)
    expected = directly(functional.conv2d, *(tensor.double() for tensor in (x, weight, bias, gradient)), 1)[2]
    direct = directly(functional.conv2d, x, weight, bias, gradient, 1)[2]
    found = error(filter_gradient(gradient, x, 1), expected)
    assert found <= max(1.5e-6, 2 * error(direct, expected))


@needs_vectors
@pytest.mark.parametrize("size", [(2, 32, 64, 16, 16, 1), (2, 64, 48, 18, 17, 0), (16, 256, 256, 4, 4, 1)])
def test_autograd_gives_all_gradients(size: tuple[int, ...]) -> None:
    tensors = given(*size)
    expected = directly(functional.conv2d, *(tensor.double() for tensor in tensors), size[-1])
    for ours, wanted in zip(directly(conv2d, *tensors, size[-1]), expected, strict=True):
        assert error(ours, wanted) <= 2e-6
        assert ours.dtype == torch.float32


@needs_vectors
def test_gradients_that_nobody_asks_for_are_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, _, gradient = given(2, 32, 64, 16, 16, 1)
    for name, leaf in (("input_gradient", weight), ("filter_gradient", x)):
        with monkeypatch.context() as patch:
            patch.setattr(trained_convolution, name, None)  # would fail if it were called
            leaf = leaf.clone().requires_grad_()
            other = x if leaf.shape == weight.shape else weight
            y = conv2d(other, leaf, padding=1) if other is x else conv2d(leaf, other, padding=1)
            assert type(y.grad_fn).__name__ == "_ConvolutionBackward"
            y.backward(gradient)
            assert leaf.grad is not None


@needs_vectors
def test_gradients_can_be_derived_again() -> None:
    x, weight, bias, _ = given(2, 32, 64, 16, 16, 1)

    def penalty(convolution: Any, kind: torch.dtype) -> list[Tensor]:
        leaves = [tensor.to(kind).clone().requires_grad_() for tensor in (x, weight, bias)]
        y = convolution(*leaves, padding=1).square().sum()
        (slope,) = torch.autograd.grad(y, leaves[0], create_graph=True)
        return list(torch.autograd.grad(slope.square().sum(), leaves[:2]))

    for ours, wanted in zip(penalty(conv2d, torch.float32), penalty(functional.conv2d, torch.float64), strict=True):
        assert error(ours, wanted) <= 3e-6


@needs_vectors
def test_same_bits_at_any_number_of_threads_and_on_any(
    monkeypatch: pytest.MonkeyPatch, one_or_two_threads: Any
) -> None:
    tensors = given(6, 64, 96, 30, 30, 1)
    one_or_two_threads(1)
    alone = directly(conv2d, *tensors, 1)[:3]
    one_or_two_threads(2)
    for found, wanted in zip(directly(conv2d, *tensors, 1), alone, strict=False):
        assert torch.equal(found, wanted)
    monkeypatch.setattr(torch_threads, "_openmp", lambda: None)
    for found, wanted in zip(directly(conv2d, *tensors, 1), alone, strict=False):
        assert torch.equal(found, wanted)


def test_work_is_cut_for_many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = given(4, 64, 64, 16, 16, 1), given(6, 32, 80, 30, 30, 1)

    expected = all_three(few) + all_three(many)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 16)
    monkeypatch.setattr(torch_threads, "_openmp", lambda: None)
    assert all(map(torch.equal, all_three(few) + all_three(many), expected))


def test_many_may_call_at_once() -> None:
    sizes = [given(1 + k % 3, 32, 16 + 16 * (k % 4), 9 + k, 12, 1) for k in range(8)]

    expected = [all_three(tensors) for tensors in sizes]
    with ThreadPoolExecutor(8) as pool:
        for found, wanted in zip(pool.map(all_three, sizes * 3), expected * 3, strict=True):
            assert all(map(torch.equal, found, wanted))


def test_sums_of_more_tiles_than_one_chunk_are_those_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    x, _, _, gradient = given(3, 48, 80, 21, 13, 1)
    whole = filter_gradient(gradient, x, 1)
    monkeypatch.setattr(winograd_gradient, "_CHUNK", 1)
    winograd_gradient._gradient_plan.cache_clear()
    try:
        assert error(filter_gradient(gradient, x, 1), whole.double()) <= 1e-6
    finally:
        winograd_gradient._gradient_plan.cache_clear()


@needs_vectors
def test_what_pays() -> None:
    assert pays((16, 64, 32, 32), 64)
    assert pays((1, 256, 4, 4), 256)
    assert not pays((64, 256, 5, 5), 256)  # most of its tiles is border
    assert not pays((16, 24, 32, 32), 64)
    assert not pays((1, 16, 16, 16), 16)  # done before it is called
    assert not pays((16, 64, 2, 32), 64, padding=0)


@needs_vectors
def test_others_are_pytorchs_own() -> None:
    x, weight, bias, _ = given(2, 32, 64, 16, 16, 1)
    for options in (
        {"stride": 2},
        {"padding": 2},
        {"padding": (0, 1)},
        {"dilation": 2, "padding": 1},
        {"padding": 1, "weight": weight[:, :16].contiguous(memory_format=torch.channels_last), "groups": 2},
        {"padding": 1, "input": x.contiguous(), "weight": weight.contiguous()},
        {"padding": 1, "weight": weight.double(), "input": x.double(), "bias": bias.double()},
    ):
        whole = {"input": x, "weight": weight, "bias": bias, **options}
        assert torch.equal(conv2d(**whole), torch.conv2d(**whole))
    with torch.autocast("cpu", torch.bfloat16):
        assert conv2d(x, weight, padding=1).dtype == torch.bfloat16
    with pytest.raises(RuntimeError, match="expected input"):
        conv2d(x, drawn(64, 16, 3, 3), padding=1)
    expected = functional.conv2d(x.double(), weight.double(), padding=1)
    wide = drawn(128, seed=1)[::2]
    assert error(conv2d(x, weight, wide, padding=1), expected + wide[:, None, None]) <= 2e-6
    for padding in ("same", [1, 1], (1, 1), 1):
        found = conv2d(x, weight, None, (1, 1), padding)
        assert not torch.equal(found, torch.conv2d(x, weight, None, (1, 1), padding))
        assert error(found, expected) <= 2e-6


@needs_vectors
def test_within_the_block_models_are_faster_and_stay_what_they_are() -> None:
    model = nn.Sequential(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()).to(memory_format=torch.channels_last)
    x = drawn(2, 32, 16, 16)
    before, text = model(x), repr(model)
    with FastConvolutions():
        found = model(x)
        assert repr(model) == text
    assert not torch.equal(found, before)
    assert error(found.detach(), before.detach()) <= 2e-6
    assert torch.equal(model(x), before)
    with pytest.raises(KeyboardInterrupt), FastConvolutions():
        raise KeyboardInterrupt
    assert torch.equal(model(x), before)
    assert torch.equal(torch.func.functional_call(model, dict(model.named_parameters()), x), before)


@needs_vectors
def test_transformed_functions_are_pytorchs_own() -> None:
    x, weight, _, _ = given(2, 32, 64, 16, 16, 1)

    def loss(weight: Tensor) -> Tensor:
        return functional.conv2d(x, weight, padding=1).square().sum()

    expected = torch.func.grad(loss)(weight)
    with FastConvolutions():
        found = torch.func.grad(loss)(weight)
    assert error(found, expected.double()) <= 2e-6


def test_which_modules_suit() -> None:
    assert FastConvolutions.suit(nn.Conv2d(16, 32, 3, padding=1))
    for other in (
        nn.Conv2d(3, 32, 3),
        nn.Conv2d(16, 32, 3, stride=2),
        nn.Conv2d(16, 32, 1),
        nn.Conv2d(16, 32, 3, groups=16),
        nn.Conv2d(16, 32, 3, dilation=2),
        nn.Linear(16, 32),
    ):
        assert not FastConvolutions.suit(other)


def test_registers_hold_whole_vectors() -> None:
    assert LANES % SUMMED == 0
    assert WIDTH == 2 * LANES
