"""The frame that the detectors of this folder hang in: fit the images, learn or search, bring the boxes back.

A detector says how it learns from a batch (:meth:`Framed.learn`) and what it finds in one (:meth:`Framed.search`);
the rest is here, and keeps what :class:`~sightline.detect.detector.Detector` promises to the recipe of training.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.detect.detector import Targets
from sightline.detect.fit import Fit, Fitted, check_images


@dataclass(frozen=True)
class Found:
    """What is found in one image, best first, still on the device of the model.

    Parameters
    ----------
    boxes
        N×4 xyxy, pixels.
    scores
        N probabilities in 0–1.
    labels
        N class indices from 0.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


class Framed(nn.Module, ABC):
    """A detector of images of any size.

    Parameters
    ----------
    name
        What errors call it.
    classes
        Number of classes, without a background.
    fit
        Makes the batch.
    """

    def __init__(self, name: str, classes: int, fit: Fit) -> None:
        super().__init__()
        self.name, self.classes, self.fit = name, classes, fit

    @property
    def stride(self) -> int:
        """The number of pixels that the sides of a batch are a multiple of."""
        return self.fit.multiple

    def forward(
        self, images: Tensor | Sequence[Tensor], targets: Sequence[Targets] | None = None
    ) -> dict[str, Tensor] | list[Detections]:
        """Return losses in training mode, detections in evaluation mode.

        Parameters
        ----------
        images
            B×C×H×W, or a list of C×H×W, float in 0–1.
        targets
            The true boxes of each image, in its pixels; needed for training only.
        """
        check_images(self.name, images)
        if self.training:
            fitted = self.fit(images)
            losses = self.learn(fitted, self._inward(fitted, targets))
            return {"loss": torch.stack(list(losses.values())).sum(), **losses}
        return [
            Detections(one.boxes.cpu().numpy(), one.scores.cpu().numpy(), one.labels.cpu().numpy())
            for one in self.find(images)
        ]

    @torch.no_grad()
    def find(self, images: Tensor | Sequence[Tensor]) -> list[Found]:
        """Return what is found in each image, in its own pixels, as tensors."""
        check_images(self.name, images)
        fitted = self.fit(images)
        found = self.search(fitted)
        return [Found(fitted.outward(one.boxes, i), one.scores, one.labels) for i, one in enumerate(found)]

    def normalized(self, images: Tensor) -> Tensor:
        """Return B×C×H×W images as the backbone reads them where the detector takes them as they come.

        Parameters
        ----------
        images
            In 0–1; H and W are multiples of ``stride``.
        """
        if self.fit.shorter or self.fit.exact:
            raise InputError(
                f"{self.name}: images are resized within the detector, which answers to one batch only; build it with "
                "resize=0 to have what every place answers."
            )
        return self.fit.normalize(images)

    @abstractmethod
    def learn(self, fitted: Fitted, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses of a batch by name; boxes are in its pixels."""

    @abstractmethod
    def search(self, fitted: Fitted) -> list[Found]:
        """Return what is found in each image of a batch, in its pixels."""

    def _inward(self, fitted: Fitted, targets: Sequence[Targets] | None) -> list[Targets]:
        count = len(fitted.sizes)
        if targets is None or len(targets) != count:
            got = "none" if targets is None else f"those of {len(targets)} images"
            raise InputError(f"{self.name}: targets must be the boxes and labels of all {count} images; got {got}.")
        for i, one in enumerate(targets):
            self._check(one, i)
        return [
            {
                "boxes": fitted.inward(one["boxes"].to(fitted.images), i),
                "labels": one["labels"].to(fitted.images.device),
            }
            for i, one in enumerate(targets)
        ]

    def _check(self, target: Targets, index: int) -> None:
        boxes, labels = target["boxes"], target["labels"]
        if boxes.ndim != 2 or boxes.shape[1] != 4 or labels.shape != boxes.shape[:1] or labels.is_floating_point():
            raise InputError(
                f"{self.name}: targets must hold boxes N×4 and N whole labels; image {index} has "
                f"{tuple(boxes.shape)} and {tuple(labels.shape)} {labels.dtype}. Use boxes.reshape(-1, 4) for none."
            )
        wrong = ~(boxes[:, 2:] > boxes[:, :2]).all(dim=1)  # NaN is wrong, too
        if wrong.any():
            box = boxes[wrong][0].tolist()
            raise InputError(
                f"{self.name}: boxes must be xyxy of positive width and height; image {index} has {box}. "
                "Leave it out, or find such boxes with `sightline data check`."
            )
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < self.classes:
            raise InputError(
                f"{self.name}: labels must lie in 0…{self.classes - 1}; image {index} has "
                f"{int(labels.min())}…{int(labels.max())}. The background has no label."
            )
