"""Images of any sizes become one batch that a detector can read, and its boxes find the way back.

Ren et al. 2015, "Faster R-CNN", NIPS, section 3.3: the shorter side is brought to a fixed length, unless the longer one
would grow too long; Liu et al. 2016, "SSD", ECCV: both sides are, whatever the shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.checks import describe
from sightline.core.errors import InputError

Side = tuple[int, int]


@dataclass(frozen=True)
class Fitted:
    """A batch, and where in it each image lies.

    Parameters
    ----------
    images
        B×C×H×W, normalised; zeros right of and below what is smaller.
    sizes
        Height and width in pixels of each image within the batch.
    originals
        Height and width of each as it came.
    """

    images: Tensor
    sizes: tuple[Side, ...]
    originals: tuple[Side, ...]

    @property
    def size(self) -> Side:
        """Height and width of the batch in pixels."""
        return _size(self.images)

    @property
    def real(self) -> Tensor:
        """B×H×W bool, True where the batch shows an image and not what it is padded with."""
        real = self.images.new_zeros((len(self.sizes), *self.size), dtype=torch.bool)
        for one, (height, width) in zip(real, self.sizes, strict=True):
            one[:height, :width] = True
        return real

    def inward(self, boxes: Tensor, index: int) -> Tensor:
        """Return N×4 boxes of an image as it came, in pixels of the batch."""
        return _scaled(boxes, self.originals[index], self.sizes[index])

    def outward(self, boxes: Tensor, index: int) -> Tensor:
        """Return N×4 boxes in pixels of the batch as boxes of the image as it came."""
        return _scaled(boxes, self.sizes[index], self.originals[index])


class Fit(nn.Module):
    """Normalise, resize, lay into one batch.

    Parameters
    ----------
    normalize
        Mean and deviation of the pixels.
    shorter, longer
        What the shorter side becomes in pixels, unless the longer side would exceed ``longer``; 0 leaves it alone.
    exact
        (height, width) that every image becomes; None keeps the shape.
    multiple
        Both sides of the batch are a multiple of it.

    Examples
    --------
    >>> fit = Fit(nn.Identity(), 100, 120, multiple=32)
    >>> fitted = fit([torch.zeros(3, 50, 55), torch.zeros(3, 40, 80)])
    >>> fitted.sizes, tuple(fitted.images.shape)
    (((100, 110), (60, 120)), (2, 3, 128, 128))
    """

    def __init__(
        self, normalize: nn.Module, shorter: int, longer: int, *, exact: Side | None = None, multiple: int = 32
    ) -> None:
        super().__init__()
        self.normalize = normalize
        self.shorter, self.longer, self.exact, self.multiple = shorter, longer, exact, multiple

    def forward(self, images: Tensor | Sequence[Tensor]) -> Fitted:
        """Return the batch of B×C×H×W images, or of a list of C×H×W ones, float in 0–1."""
        originals = [_size(image) for image in images]
        fitted = [self._resized(self.normalize(image[None])) for image in images]
        sizes = [_size(image[0]) for image in fitted]
        height, width = (math.ceil(max(sides) / self.multiple) * self.multiple for sides in zip(*sizes, strict=True))
        padded = [F.pad(image, (0, width - w, 0, height - h)) for image, (h, w) in zip(fitted, sizes, strict=True)]
        return Fitted(torch.cat(padded), tuple(sizes), tuple(originals))

    def _resized(self, image: Tensor) -> Tensor:
        height, width = image.shape[-2:]
        size = self.exact
        if size is None and not self.shorter:
            size = (height, width)
        elif size is None:
            scale = min(self.shorter / min(height, width), self.longer / max(height, width))
            size = (max(1, math.floor(height * scale)), max(1, math.floor(width * scale)))
        return image if size == (height, width) else F.interpolate(image, size=size, mode="bilinear")


def longest(shorter: int) -> int:
    """Return what the longer side may become: 1333 for 800 (Lin 2017, "Feature Pyramid Networks", section 5).

    Parameters
    ----------
    shorter
        The shorter side in pixels.
    """
    return shorter * 1333 // 800


def check_images(name: str, images: Tensor | Sequence[Tensor]) -> None:
    """Refuse what is neither B×C×H×W nor a list of C×H×W tensors, float.

    Parameters
    ----------
    name
        Who asks.
    images
        What came.
    """
    batch = isinstance(images, Tensor) and images.ndim == 4
    listed = isinstance(images, (list, tuple)) and all(isinstance(one, Tensor) and one.ndim == 3 for one in images)
    if (
        not (batch or listed)
        or not len(images)
        or any(not one.is_floating_point() or not one.numel() for one in images)
    ):
        came = tuple(images.shape) if isinstance(images, Tensor) else describe(images)
        kind = f" {images.dtype}" if isinstance(images, Tensor) else ""
        raise InputError(
            f"{name}: images must be a B×C×H×W tensor or a list of C×H×W tensors, float in 0–1, at least one; "
            f"got {came}{kind}. Use sightline.channels_first(sightline.to_float(image)) and torch.from_numpy."
        )


def _size(image: Tensor) -> Side:
    return int(image.shape[-2]), int(image.shape[-1])


def _scaled(boxes: Tensor, before: Side, after: Side) -> Tensor:
    y, x = (boxes.new_tensor(new) / boxes.new_tensor(old) for new, old in zip(after, before, strict=True))
    return boxes * torch.stack([x, y, x, y])
