"""Winograd's convolution against PyTorch's in float64, its transforms in fractions, its products against NumPy's."""

from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from sightline.core.errors import InputError
from sightline.nn import torch_threads
from sightline.nn.matrix_panels import LANES, ROWS, WIDTH, multiply
from sightline.nn.winograd import WinogradConv, pays
from sightline.nn.winograd_tiles import after_products, before_products, filter_matrix


@pytest.fixture
def one_or_two_threads() -> Any:
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def layer(filters: int, channels: int, **options: Any) -> tuple[WinogradConv, torch.Tensor, torch.Tensor]:
    weight, bias = drawn(filters, channels, 3, 3) / (3 * channels**0.5), drawn(filters, seed=1)
    return WinogradConv(weight, bias, **options), weight, bias


def error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def plus(scale: Fraction, x: Fraction, y: Fraction | None) -> Fraction:
    return scale * x + (y or 0)


def test_transforms_of_a_line_are_exact_in_fractions() -> None:
    draw = np.random.default_rng(0)
    for _ in range(20):
        pixels = [Fraction(int(n), 7) for n in draw.integers(-50, 50, 6)]
        filter_ = [Fraction(int(n), 3) for n in draw.integers(-50, 50, 3)]
        spread = [sum((a * b for a, b in zip(row, filter_, strict=True)), Fraction(0)) for row in filter_matrix()]
        products = [a * b for a, b in zip(before_products(pixels, plus), spread, strict=True)]
        directly = [sum(pixels[at + k] * filter_[k] for k in range(3)) for at in range(4)]
        assert after_products(products, plus) == directly


@pytest.mark.parametrize("groups", [1, 3])
def test_panels_are_multiplied_as_by_numpy(groups: int) -> None:
    draw = np.random.default_rng(0)
    step, first = WIDTH + 5, 2 * LANES
    for rows in range(1, ROWS + 1):
        left = draw.standard_normal((rows, groups * LANES)).astype(np.float32)
        right = draw.standard_normal((groups * LANES, WIDTH)).astype(np.float32)
        panel = np.ascontiguousarray(left.reshape(rows, groups, LANES).swapaxes(0, 1)).ravel()
        out = np.full(first + rows * step, 7, np.float32)
        multiply(panel, 0, right.ravel(), 0, 0, out, first, step, rows, groups)
        found = out[first:].reshape(rows, step)
        np.testing.assert_allclose(found[:, :WIDTH], left.astype(float) @ right, atol=1e-4)
        assert (out[:first] == 7).all()
        assert (found[:, WIDTH:] == 7).all()


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize(
    ("images", "channels", "filters", "high", "wide"),
    [
        (1, 16, 16, 3, 3),
        (3, 16, 48, 7, 9),
        (1, 64, 32, 14, 14),
        (3, 128, 64, 10, 5),
        (1, 48, 256, 9, 3),
        (2, 64, 64, 56, 23),
    ],
)
def test_equals_pytorch_in_float64(
    images: int, channels: int, filters: int, high: int, wide: int, padding: int
) -> None:
    x = drawn(images, channels, high, wide, seed=2)
    ours, weight, bias = layer(filters, channels, padding=padding)
    expected = functional.conv2d(x.double(), weight.double(), bias.double(), padding=padding)
    found = ours(x.contiguous(memory_format=torch.channels_last))
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert (found - expected).norm() <= 1e-6 * expected.norm()
    assert error(found, expected) <= 5e-6
    assert error(WinogradConv(weight, None, padding)(x), expected - bias[:, None, None]) <= 5e-6
    shortcut = drawn(*expected.shape, seed=3)
    rectified = WinogradConv(weight, bias, padding, "relu")(x, shortcut)
    assert error(rectified, (expected + shortcut).relu()) <= 5e-6


@pytest.mark.parametrize("size", [(3, 64, 23, 30), (1, 128, 14, 9)])  # blocks of tiles; groups of filters
def test_bfloat16_maps_are_rounded_once(size: tuple[int, ...]) -> None:
    x, (ours, weight, bias) = drawn(*size, seed=2).bfloat16(), layer(96, size[1], activation="relu")
    shortcut = drawn(size[0], 96, *size[2:], seed=3).bfloat16()
    expected = functional.conv2d(x.double(), weight.double(), bias.double(), padding=1) + shortcut.double()
    found = ours(x, shortcut)
    assert found.dtype == torch.bfloat16
    assert found.is_contiguous(memory_format=torch.channels_last)
    nearest = expected.relu().bfloat16().double()
    assert (found != nearest).float().mean() < 1e-3  # where a sum is between two of them, nearly
    assert ((found - expected.relu()).abs() <= expected.relu() / 2**8 + 1e-5).all()
    wide = ours(x.float(), shortcut.float()).bfloat16()
    assert torch.equal(found, wide)  # of two that are as near, the same
    x[0, 5, 2, 3] = torch.nan
    assert torch.equal(ours(x, shortcut).isnan(), ours(x.float(), shortcut.float()).isnan())


def test_many_channels_err_little_more_than_directly() -> None:
    x = drawn(2, 256, 14, 14, seed=2).relu()
    ours, weight, bias = layer(256, 256)
    expected = functional.conv2d(x.double(), weight.double(), bias.double(), padding=1)
    assert (ours(x) - expected).norm() <= 2e-6 * expected.norm()


@pytest.mark.parametrize("size", [(4, 32, 23, 30), (1, 32, 9, 9)])  # blocks of tiles; groups of filters
def test_same_bits_at_any_number_of_threads_and_on_any(
    size: tuple[int, ...], monkeypatch: pytest.MonkeyPatch, one_or_two_threads: Any
) -> None:
    x, (ours, _, _) = drawn(*size, seed=2), layer(128, 32)
    one_or_two_threads(1)
    alone = ours(x)
    one_or_two_threads(2)
    assert torch.equal(ours(x), alone)
    monkeypatch.setattr(torch_threads, "_openmp", lambda: None)
    assert torch.equal(ours(x), alone)


def test_many_may_call_at_once() -> None:
    ours, _, _ = layer(48, 32)
    given = [drawn(1 + k % 3, 32, 11 + k, 9, seed=k) for k in range(8)]
    expected = [ours(x) for x in given]
    with ThreadPoolExecutor(8) as pool:
        for found, wanted in zip(pool.map(ours, given * 4), expected * 4, strict=True):
            assert torch.equal(found, wanted)


def test_memory_orders_strides_and_copies_do_not_matter() -> None:
    ours, _, _ = layer(32, 16)
    wide = drawn(2, 16, 9, 24, seed=2)
    x, shortcut = wide[..., ::2], drawn(2, 32, 9, 12, seed=3)
    kept = wide.clone()
    expected = ours(x.contiguous(memory_format=torch.channels_last), shortcut)
    assert torch.equal(ours(x, shortcut), expected)
    assert torch.equal(wide, kept)
    assert torch.equal(copy.deepcopy(ours).double()(x, shortcut), expected)  # other types of a module are not its own
    with torch.inference_mode():
        assert torch.equal(ours(x.clone(), shortcut), expected)
    assert ours(x[:0]).shape == (0, 32, 9, 12)


def test_nan_stays_and_reaches_no_other_image() -> None:
    ours, weight, _ = layer(16, 16, activation="relu")
    x = drawn(2, 16, 12, 12, seed=2)
    x[0, 3, 5, 6] = torch.nan
    found, clean = ours(x), ours(x.nan_to_num())
    reached = functional.conv2d(x, weight, padding=1).isnan()
    assert found[reached].isnan().all()
    assert torch.equal(found[1], clean[1])
    assert torch.equal(found[0, :, 8:], clean[0, :, 8:])


def test_what_pays() -> None:
    assert pays((1, 64, 56, 56), 64)
    assert pays((16, 512, 7, 7), 512)
    assert pays((1, 256, 14, 14), 256)
    assert not pays((1, 256, 14, 14), 256, dtype=torch.bfloat16)  # which is multiplied twice as fast directly
    assert pays((1, 128, 28, 28), 128, dtype=torch.bfloat16)
    assert not pays((1, 512, 7, 7), 512)  # filters are read for four tiles only
    assert not pays((16, 256, 5, 5), 256)  # most of its tiles is border
    assert not pays((1, 24, 56, 56), 64)
    assert not pays((1, 64, 56, 56), 64, padding=2)
    assert not pays((1, 64, 2, 9), 64, padding=0)


def test_refuses_in_one_sentence() -> None:
    weight = drawn(16, 16, 3, 3)
    for wrong in (drawn(16, 16, 5, 5), drawn(8, 16, 3, 3), drawn(16, 24, 3, 3), drawn(16, 16)):
        with pytest.raises(InputError, match="weight must be out×in×3×3"):
            WinogradConv(wrong)
    with pytest.raises(InputError, match="bias must have 16 numbers"):
        WinogradConv(weight, drawn(3))
    with pytest.raises(InputError, match="padding must be 0 or 1; got 2"):
        WinogradConv(weight, padding=2)
    with pytest.raises(InputError, match="activation must be 'none' or 'relu'; got 'gelu'"):
        WinogradConv(weight, activation="gelu")
    ours = WinogradConv(weight, padding=0)
    for wrong in (drawn(1, 8, 5, 5), drawn(1, 16, 2, 5), drawn(16, 5, 5), drawn(1, 16, 5, 5).double()):
        with pytest.raises(InputError, match="x must be B×16×H×W float32 or bfloat16, H and W at least 3"):
            ours(wrong)
    with pytest.raises(InputError, match="memory of the CPU; got meta"):
        ours(torch.empty(1, 16, 5, 5, device="meta"))
    with pytest.raises(InputError, match="must not ask for a gradient"):
        ours(drawn(1, 16, 5, 5).requires_grad_())
    with pytest.raises(InputError, match="shortcut must be"):
        ours(drawn(1, 16, 5, 5), drawn(1, 16, 5, 5))
