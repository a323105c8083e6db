"""ResNeXt and Wide ResNet: the residual bottleneck with many narrow paths side by side, or with one wide one.

Xie, Girshick, Dollár, Tu and He 2017, "Aggregated Residual Transformations for Deep Neural Networks", CVPR;
Zagoruyko and Komodakis 2016, "Wide Residual Networks", BMVC. The network is in `residual`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from sightline.classify.residual import ResNet
from sightline.classify.resnet import Count, Stem, make
from sightline.core.catalogue import method
from sightline.core.checks import choice
from sightline.core.types import Choice

NEXT = ("50_32x4d", "101_32x8d", "101_64x4d")
WIDE = ("50_2", "101_2")


@method(task="classification", paper="Xie 2017", lesson="w5d1")
def resnext(
    classes: Count = 1000,
    *,
    variant: Annotated[str, Choice("50_32x4d", "101_32x8d", "101_64x4d")] = "50_32x4d",
    in_channels: Count = 3,
    stem: Stem = "imagenet",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResNet:
    """ResNeXt with fresh weights: a ResNet whose 3×3 convolutions are cut into 32 or 64 groups.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        Layers, groups and channels of a group in the first stage: ``"50_32x4d"`` (25.0 million weights),
        ``"101_32x8d"`` (88.8) or ``"101_64x4d"`` (83.5).
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
    S. Xie, R. Girshick, P. Dollár, Z. Tu, K. He, "Aggregated Residual Transformations for Deep Neural Networks",
    CVPR 2017.

    Examples
    --------
    >>> sum(p.numel() for p in resnext().parameters())
    25028904
    """
    return make(f"resnext{choice('resnext', 'variant', variant, NEXT)}", classes, in_channels, stem, mean, std)


@method(task="classification", paper="Zagoruyko 2016", lesson="w5d1")
def wide_resnet(
    classes: Count = 1000,
    *,
    variant: Annotated[str, Choice("50_2", "101_2")] = "50_2",
    in_channels: Count = 3,
    stem: Stem = "imagenet",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ResNet:
    """Wide ResNet with fresh weights: a ResNet whose 3×3 convolutions have twice the channels.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        Layers and factor: ``"50_2"`` (68.9 million weights) or ``"101_2"`` (126.9).
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
    S. Zagoruyko, N. Komodakis, "Wide Residual Networks", BMVC 2016.

    Examples
    --------
    >>> sum(p.numel() for p in wide_resnet().parameters())
    68883240
    """
    return make(f"wide_resnet{choice('wide_resnet', 'variant', variant, WIDE)}", classes, in_channels, stem, mean, std)
