"""Pixel statistics inside the model."""

from __future__ import annotations

import pytest
import torch

from sightline.core.errors import InputError
from sightline.nn import Normalize
from sightline.nn.normalize import IMAGENET_MEAN, pixel_statistics


def test_channels_are_normalised_one_by_one() -> None:
    found = Normalize((0.1, 0.2), (0.5, 0.25))(torch.full((1, 2, 1, 1), 0.6))
    torch.testing.assert_close(found.flatten(), torch.tensor([1.0, 1.6]))


def test_channels_that_come_last_give_the_same_numbers_in_the_same_order() -> None:
    module = Normalize((0.1, 0.2, 0.3), (0.5, 0.25, 0.75))
    images = torch.rand(2, 3, 5, 7)
    last = images.contiguous(memory_format=torch.channels_last).requires_grad_()
    found = module(last)
    assert torch.equal(found, module(images))
    assert found.is_contiguous(memory_format=torch.channels_last)
    found.sum().backward()
    torch.testing.assert_close(last.grad, (1 / module.std).expand(2, 3, 5, 7))


def test_statistics_stay_out_of_the_state_dict_but_follow_the_model() -> None:
    module = Normalize((0.5,), (0.5,))
    assert not module.state_dict()
    assert module.to(torch.float64).mean.dtype == torch.float64


def test_the_input_is_not_changed() -> None:
    images = torch.rand(1, 1, 2, 2)
    before = images.clone()
    Normalize((0.5,), (0.5,))(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize("images", [torch.zeros(3, 4, 4), torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 4).byte()])
def test_other_batches_are_refused(images: torch.Tensor) -> None:
    with pytest.raises(InputError, match="normalize: images must be B×3×H×W float"):
        Normalize((0.5,) * 3, (0.5,) * 3)(images)


def test_grey_for_rgb_and_rgb_for_grey_are_named() -> None:
    with pytest.raises(InputError, match=r"RGB in 0–1; got 2×1×4×4 float32\. These are grey: repeat their channel"):
        Normalize((0.5,) * 3, (0.5,) * 3)(torch.zeros(2, 1, 4, 4))
    with pytest.raises(InputError, match=r"grey in 0–1; got 1×3×4×4 float32\. These are RGB: turn them to grey"):
        Normalize((0.5,), (0.5,))(torch.zeros(1, 3, 4, 4))


@pytest.mark.parametrize(("mean", "std"), [((), ()), ((0.5,), (0.5, 0.5)), ((0.5,), (0.0,)), ((0.5,), (float("nan"),))])
def test_impossible_statistics_are_refused(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="normalize: mean and std"):
        Normalize(mean, std)


def test_defaults_follow_the_number_of_channels() -> None:
    assert pixel_statistics(3, None, None)[0] == IMAGENET_MEAN
    assert pixel_statistics(2, None, (1, 2)) == ((0.449, 0.449), (1, 2))
