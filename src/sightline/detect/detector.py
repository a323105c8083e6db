"""What a detector is to the recipe that trains it: images and boxes in, losses out; images in, boxes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypedDict, runtime_checkable

from torch import Tensor

from sightline.core.results import Detections


class Targets(TypedDict):
    """The true boxes of one image.

    Parameters
    ----------
    boxes
        N×4 float32 xyxy in pixels of the model's input, continuous edges; N may be 0.
    labels
        N int64 class indices in 0…classes − 1 (there is no class for the background).
    """

    boxes: Tensor
    labels: Tensor


@runtime_checkable
class Detector(Protocol):
    """A module from B×C×H×W float32 images in 0–1 to boxes; the mean and the deviation of the pixels are inside.

    In training mode, ``model(images, targets)`` returns named scalar losses; ``"loss"`` is their sum, which is lowered.
    In evaluation mode, ``model(images)`` returns one :class:`~sightline.core.results.Detections` for each image, in
    pixels of the images that went in, best first, after suppression. An image without a thing has none.

    ``stride``, where a detector has one, is the number of pixels that its input's sides are a multiple of.
    """

    training: bool

    def __call__(
        self, images: Tensor, targets: Sequence[Targets] | None = None
    ) -> dict[str, Tensor] | list[Detections]:
        """Return losses in training mode, detections in evaluation mode."""
        ...
