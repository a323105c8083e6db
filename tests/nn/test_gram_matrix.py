"""Gram matrices against the plain sum of the paper's equation 3."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.nn import gram_matrix


@evidence.equals("nn.gram_matrix", peer="torch.einsum", tolerance="1e-6 relative", data="random maps")
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 5, 7, 3), (3, 64, 4, 9)])
def test_equals_the_sum_over_places(shape: tuple[int, ...], measured: Callable[[float], None]) -> None:
    maps = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    expected = torch.einsum("bihw,bjhw->bij", maps, maps) / (shape[2] * shape[3])
    error = ((gram_matrix(maps) - expected).abs().max() / expected.abs().max()).item()
    measured(error)
    assert error <= 1e-6


def test_places_may_be_shuffled_and_tiled() -> None:
    maps = torch.randn(1, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    order = torch.randperm(9, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(gram_matrix(maps.flatten(2)[..., order].reshape(maps.shape)), gram_matrix(maps))
    torch.testing.assert_close(gram_matrix(maps.repeat(1, 1, 2, 3)), gram_matrix(maps))


def test_nan_propagates_and_other_shapes_are_refused() -> None:
    assert gram_matrix(torch.full((1, 2, 1, 1), torch.nan)).isnan().all()
    for wrong in (torch.zeros(2, 3, 4), torch.zeros(1, 2, 0, 3), [1.0]):
        with pytest.raises(InputError, match="gram_matrix: features must be a B×C×H×W tensor"):
            gram_matrix(wrong)
