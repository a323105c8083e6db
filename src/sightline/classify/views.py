"""Test-time augmentation: the same picture seen in several ways, for one answer.

Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks", section 4.1: the mean over
mirrored patches; Simonyan & Zisserman 2015, section 4.2: over scales; Jordan 2024, arXiv 2404.00498, section 3.5: over
small moves, the picture where it is with the greatest say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.core.checks import flag, integer, number
from sightline.core.errors import InputError


def views(images: Tensor, mirror: bool, scales: Sequence[float], shift: int = 0) -> Iterator[tuple[Tensor, float]]:
    """Yield the batch at each scale, moved and mirrored where that is asked for, with the weight of each in the answer.

    Parameters
    ----------
    images
        B×C×H×W float32.
    mirror
        Whether each one is seen from left to right, too.
    scales
        Factors of height and width, 0.25–4 each.
    shift
        Pixels, 0–64. Each one is seen moved by as many along both axes, too, up to the left and down to the right; what
        comes in at the border is mirrored at it. It counts twice where it is, once in either other place.
    """
    flag("predict", "mirror", mirror)
    shift = integer("predict", "shift", shift, 0, 64)
    for scale in [scales] if isinstance(scales, (int, float)) else scales:
        factor = number("predict", "scales", scale, 0.25, 4)
        seen = images
        if factor != 1:
            size = [max(1, round(side * factor)) for side in images.shape[-2:]]
            seen = F.interpolate(images, size, mode="bilinear", antialias=factor < 1)
        for view, weight in _moved(seen, shift):
            yield view, weight
            if mirror:
                yield view.flip(3), weight


def mean(answers: Sequence[tuple[Tensor, float]]) -> Tensor:
    """Return the weighted mean of answers of one shape.

    Parameters
    ----------
    answers
        At least one, each with its weight.
    """
    if len(answers) == 1:
        return answers[0][0]
    total = sum(weight for _, weight in answers)
    return torch.stack([answer * (weight / total) for answer, weight in answers]).sum(dim=0)


def _moved(images: Tensor, shift: int) -> Iterator[tuple[Tensor, float]]:
    if not shift:
        yield images, 1.0
        return
    height, width = images.shape[-2:]
    if shift >= min(height, width):
        raise InputError(f"predict: shift must be smaller than the images' sides, {height}×{width}; got {shift}.")
    wide = F.pad(images, (shift, shift, shift, shift), mode="reflect")
    yield images, 2.0
    for start in (2 * shift, 0):
        yield wide[..., start : start + height, start : start + width], 1.0
