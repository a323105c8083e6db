"""Total variation against the plain sum, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.nn import total_variation


@evidence.equals("nn.total_variation", peer="numpy, pixel by pixel", tolerance="1e-6", data="random images")
@pytest.mark.parametrize("power", [1.0, 2.0, 3.0])
def test_equals_the_sum_over_pixels(power: float, measured: Callable[[float], None]) -> None:
    images = np.random.default_rng(0).random((2, 3, 5, 4))
    expected = np.zeros(2)
    for b, c, y, x in np.ndindex(images.shape):
        down = images[b, c, y + 1, x] - images[b, c, y, x] if y + 1 < 5 else 0.0
        right = images[b, c, y, x + 1] - images[b, c, y, x] if x + 1 < 4 else 0.0
        expected[b] += (down**2 + right**2) ** (power / 2) / 60
    error = float(np.abs(total_variation(torch.from_numpy(images), power=power).numpy() - expected).max())
    measured(error)
    assert error <= 1e-6


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_flat_image_costs_nothing_and_has_no_slope(power: float) -> None:
    flat = torch.full((1, 1, 4, 4), 0.3, requires_grad=True)
    price = total_variation(flat, power=power)
    price.sum().backward()
    assert price.item() == 0
    assert not flat.grad.any()


def test_nan_propagates_and_other_shapes_are_refused() -> None:
    assert total_variation(torch.full((1, 1, 2, 2), torch.nan)).isnan().all()
    with pytest.raises(InputError, match="total_variation: images must be a B×C×H×W tensor"):
        total_variation(torch.zeros(3, 4))
    with pytest.raises(InputError, match="total_variation: power"):
        total_variation(torch.zeros(1, 1, 2, 2), power=0.5)
