"""Test-time augmentation: the same picture seen in several ways, for one answer.

Krizhevsky et al. 2012, "ImageNet classification with deep convolutional neural networks", section 4.1: the mean over
mirrored patches; Simonyan & Zisserman 2015, section 4.2: over scales.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor
from torch.nn import functional as F

from sightline.core.checks import flag, number


def views(images: Tensor, mirror: bool, scales: Sequence[float]) -> Iterator[Tensor]:
    """Yield the batch at each scale, and mirrored where that is asked for.

    Parameters
    ----------
    images
        B×C×H×W float32.
    mirror
        Whether each one is seen from left to right, too.
    scales
        Factors of height and width, 0.25–4 each.
    """
    flag("predict", "mirror", mirror)
    for scale in [scales] if isinstance(scales, (int, float)) else scales:
        factor = number("predict", "scales", scale, 0.25, 4)
        seen = images
        if factor != 1:
            size = [max(1, round(side * factor)) for side in images.shape[-2:]]
            seen = F.interpolate(images, size, mode="bilinear", antialias=factor < 1)
        yield seen
        if mirror:
            yield seen.flip(3)
