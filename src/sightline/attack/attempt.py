"""What every attack begins and ends with: pixels in 0–1, the class to leave or to reach, a model left as it was."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.errors import InputError
from sightline.nn.probe import Images, Target, as_batch, chosen, probing, scores_of

_ROUNDING = 1e-6  # of float32 pixels that were divided by 255 somewhere else


@dataclass(frozen=True, eq=False)
class Attempt:
    """An attack on one batch.

    Parameters
    ----------
    function
        Name of the attack, for the sentences of its errors.
    model
        In eval mode.
    clean
        B×C×H×W float32 in 0–1 on the model's device.
    labels
        B class indices that are to be left.
    target
        B class indices that are to be reached; None when any other class will do.
    array
        Shape of the array that came; None when a tensor came.
    single
        Whether one image came instead of a batch.
    """

    function: str
    model: nn.Module
    clean: Tensor
    labels: Tensor
    target: Tensor | None
    array: tuple[int, ...] | None
    single: bool

    @property
    def named(self) -> Tensor:
        """The B classes that the attack is about: the target, or the label where any other will do."""
        return self.labels if self.target is None else self.target

    def losses(self, scores: Tensor) -> Tensor:
        """Return what an attack raises, B: the label's cross-entropy, or the target's with the other sign."""
        entropy = F.cross_entropy(scores, self.named, reduction="none")
        return entropy if self.target is None else -entropy

    def gradient(self, images: Tensor) -> Tensor:
        """Return the gradient of each image's own loss at its pixels, B×C×H×W."""
        images = images.detach().requires_grad_()
        seen = images.view_as(images)  # whoever watches the model's inputs may not hook a leaf
        (gradient,) = torch.autograd.grad(self.losses(self.model(seen)).sum(), images)
        return gradient

    def scores(self, images: Tensor) -> Tensor:
        """Return B×classes scores without a graph."""
        with torch.no_grad():
            return self.model(images)

    def fooled(self, scores: Tensor) -> Tensor:
        """Return for each of B images whether the attack has what it wants."""
        best = scores.argmax(dim=1)
        return best != self.named if self.target is None else best == self.named

    def result(self, images: Tensor) -> Tensor | np.ndarray:
        """Return adversarial images in the form of those that came: a tensor, C×H×W for a single one; or an array."""
        images = images.detach()
        if self.array is None:
            return images[0] if self.single else images
        image = images[0].to("cpu", torch.float32).numpy()
        return np.ascontiguousarray(image.transpose(1, 2, 0)).reshape(self.array)


@contextlib.contextmanager
def attempting(function: str, model: nn.Module, images: Images, labels: Target, target: Target) -> Iterator[Attempt]:
    """Check what an attack is given, with the model in eval mode; afterwards the model is as it was.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        Classifier of B×C×H×W in 0–1.
    images
        Tensor B×C×H×W or C×H×W in 0–1, or one array.
    labels
        True classes; the model's own answers when None.
    target
        Classes to reach; None for any other.
    """
    with probing(model):
        batch, single = as_batch(function, model, images)
        batch = _pixels(function, batch)
        with torch.no_grad():
            scores = scores_of(function, model, batch)
        own = chosen(function, scores, labels, argument="labels")
        wanted = None if target is None else chosen(function, scores, target)
        shape = images.shape if isinstance(images, np.ndarray) else None
        yield Attempt(function, model, batch, own, wanted, shape, single)


def _pixels(function: str, batch: Tensor) -> Tensor:
    """Return the batch, or refuse what cannot be pixels: an attack's ε is a distance between pictures."""
    low, high = float(batch.min()), float(batch.max())
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise InputError(
            f"{function}: images must be pixels in 0–1; got {low:.3g} to {high:.3g}. "
            "Give the picture itself: mean and deviation belong inside the model (sightline.nn.Normalize)."
        )
    return batch.clamp_(0, 1)
