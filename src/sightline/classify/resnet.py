"""The residual networks of the paper's Table 1, and its ResNet-20 for small images; the network is in `residual`.

He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", CVPR.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from sightline.classify.residual import VARIANTS, ResNet, build
from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.types import Choice, Range

Stem = Annotated[str, Choice("imagenet", "small")]
Count = Annotated[int, Range(1, 10**6)]


@method(task="classification", paper="He 2016", lesson="w5d1")
def resnet18(
    classes: Count = 1000,
    *,
    in_channels: Count = 3,
    stem: Stem = "imagenet",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResNet:
    """ResNet-18 with fresh weights: eight blocks of two 3×3 convolutions.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` starts with a quarter of the resolution; ``"small"`` keeps it, for images of 8 to 64 pixels.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    ResNet
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> model = resnet18(10, in_channels=1, stem="small")
    >>> model(torch.zeros(2, 1, 8, 8)).shape
    torch.Size([2, 10])
    """
    return make("resnet18", classes, in_channels, stem, mean, std)


@method(task="classification", paper="He 2016", lesson="w5d1")
def resnet34(
    classes: Count = 1000,
    *,
    in_channels: Count = 3,
    stem: Stem = "imagenet",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResNet:
    """ResNet-34 with fresh weights: sixteen blocks of two 3×3 convolutions.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` starts with a quarter of the resolution; ``"small"`` keeps it, for images of 8 to 64 pixels.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    ResNet
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> sum(p.numel() for p in resnet34().parameters())
    21797672
    """
    return make("resnet34", classes, in_channels, stem, mean, std)


@method(task="classification", paper="He 2016", lesson="w5d1")
def resnet50(
    classes: Count = 1000,
    *,
    in_channels: Count = 3,
    stem: Stem = "imagenet",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResNet:
    """ResNet-50 with fresh weights: sixteen bottleneck blocks.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` starts with a quarter of the resolution; ``"small"`` keeps it, for images of 8 to 64 pixels.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    ResNet
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> sum(p.numel() for p in resnet50().parameters())
    25557032
    """
    return make("resnet50", classes, in_channels, stem, mean, std)


@method(task="classification", paper="He 2016", lesson="w5d1")
def resnet101(
    classes: Count = 1000,
    *,
    in_channels: Count = 3,
    stem: Stem = "imagenet",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResNet:
    """ResNet-101 with fresh weights: thirty-three bottleneck blocks.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` starts with a quarter of the resolution; ``"small"`` keeps it, for images of 8 to 64 pixels.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    ResNet
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> [len(stage) for stage in resnet101(10).stages]
    [3, 4, 23, 3]
    """
    return make("resnet101", classes, in_channels, stem, mean, std)


@method(task="classification", paper="He 2016", lesson="w5d1")
def resnet152(
    classes: Count = 1000,
    *,
    in_channels: Count = 3,
    stem: Stem = "imagenet",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResNet:
    """ResNet-152 with fresh weights: fifty bottleneck blocks.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` starts with a quarter of the resolution; ``"small"`` keeps it, for images of 8 to 64 pixels.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    ResNet
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> [len(stage) for stage in resnet152(10).stages]
    [3, 8, 36, 3]
    """
    return make("resnet152", classes, in_channels, stem, mean, std)


@method(task="classification", paper="He 2016", lesson="w5d1")
def resnet20(
    classes: Count = 10,
    *,
    in_channels: Count = 3,
    stem: Stem = "small",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResNet:
    """ResNet-20 for images of 32×32 with fresh weights: nine narrow blocks, shortcuts without parameters.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` starts with a quarter of the resolution; ``"small"`` keeps it, for images of 8 to 64 pixels.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    ResNet
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> sum(p.numel() for p in resnet20().parameters())
    269722
    """
    return make("resnet20", classes, in_channels, stem, mean, std)


def make(
    name: str,
    classes: int,
    in_channels: int,
    stem: str,
    mean: Sequence[float] | None,
    std: Sequence[float] | None,
) -> ResNet:
    """Return the network of a line of ``residual.VARIANTS``, its arguments checked.

    Parameters
    ----------
    name
        The line, and what errors call it.
    classes, in_channels, stem, mean, std
        As :func:`resnet18` takes them.
    """
    config = replace(
        VARIANTS[name],
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        stem=choice(name, "stem", stem, ("imagenet", "small")),
        mean=None if mean is None else tuple(mean),
        std=None if std is None else tuple(std),
    )
    return build(config)
