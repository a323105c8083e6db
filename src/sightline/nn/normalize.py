"""Normalisation inside the model: pixels 0–1 go in, so that nobody can forget the mean and the deviation.

Attacks and explanations then work in pixel space, and the numbers stay with the architecture that needs them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sightline.core.errors import InputError

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of the ImageNet training set in 0–1 RGB, as torchvision and timm use it
IMAGENET_STD = (0.229, 0.224, 0.225)


class Normalize(nn.Module):
    """Subtract a mean and divide by a deviation, channel by channel: B×C×H×W in 0–1 → B×C×H×W.

    Parameters
    ----------
    mean, std
        One number for each channel, in units of the 0–1 image; deviations are > 0.

    Notes
    -----
    The two buffers are not saved in the state dict: the checkpoints that exist have no such entries. NaN propagates.

    Examples
    --------
    >>> Normalize((0.5,), (0.25,))(torch.ones(1, 1, 1, 2))
    tensor([[[[2., 2.]]]])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        if not mean or len(mean) != len(std) or not all(deviation > 0 for deviation in std):
            raise InputError(
                "normalize: mean and std must have one number for each channel, deviations > 0; "
                f"got {tuple(mean)} and {tuple(std)}."
            )
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return (images − mean) / std."""
        channels = self.mean.shape[1]
        if images.ndim != 4 or images.shape[1] != channels or not images.is_floating_point():
            shape = "×".join(map(str, images.shape))
            dtype = str(images.dtype).removeprefix("torch.")
            raise InputError(
                f"normalize: images must be B×{channels}×H×W float, {_kind(channels)} in 0–1; got {shape} {dtype}. "
                f"{_advice(images, channels)}"
            )
        if channels > 1 and not images.is_contiguous() and images.is_contiguous(memory_format=torch.channels_last):
            return self._by_rows(images)
        return (images - self.mean) / self.std

    def _by_rows(self, images: Tensor) -> Tensor:
        # With the channels last PyTorch takes a loop of three numbers for each pixel; a row of them is one long loop.
        shape = images.shape[3], images.shape[1]
        mean, std = (value.flatten().repeat(shape[0]) for value in (self.mean, self.std))
        rows = images.permute(0, 2, 3, 1).flatten(2)  # B×H×WC
        return ((rows - mean) / std).unflatten(2, shape).permute(0, 3, 1, 2)

    def extra_repr(self) -> str:
        """Show the numbers in the printed model."""
        return f"mean={self.mean.flatten().tolist()}, std={self.std.flatten().tolist()}"


def _kind(channels: int) -> str:
    return {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")


def _advice(images: Tensor, channels: int) -> str:
    """Return the sentence that says what to do with images that do not fit."""
    if images.ndim == 4 and images.is_floating_point():
        if images.shape[1] == 1 and channels == 3:
            return "These are grey: repeat their channel, images.repeat(1, 3, 1, 1), or train with in_channels=1."
        if images.shape[1] == 3 and channels == 1:
            return 'These are RGB: turn them to grey, sightline.image.convert(image, "rgb", "gray").'
    return "Use sightline.channels_first(sightline.to_float(image)) and stack."


def pixel_statistics(
    in_channels: int, mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the mean and deviation to normalise with: the given ones, else ImageNet's for the number of channels.

    Parameters
    ----------
    in_channels
        Channels of the images: 3 takes ImageNet's numbers, any other count their average.
    mean, std
        What the caller wants instead, one number for each channel; None for the defaults.

    Examples
    --------
    >>> pixel_statistics(1, None, None)
    ((0.449,), (0.226,))
    """
    average = (round(sum(IMAGENET_MEAN) / 3, 3),) * in_channels, (round(sum(IMAGENET_STD) / 3, 3),) * in_channels
    default = (IMAGENET_MEAN, IMAGENET_STD) if in_channels == 3 else average
    chosen = tuple(default[0] if mean is None else mean), tuple(default[1] if std is None else std)
    if len(chosen[0]) != in_channels or len(chosen[1]) != in_channels:
        raise InputError(
            f"normalize: mean and std must have {in_channels} numbers each, one for each channel; "
            f"got {len(chosen[0])} and {len(chosen[1])}."
        )
    return chosen
