"""FGSM: one step of the same size in every pixel, each in the direction that hurts.

Goodfellow, Shlens, Szegedy 2015, "Explaining and Harnessing Adversarial Examples", ICLR, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeVar

import numpy as np
from torch import Tensor, nn

from sightline.attack.attempt import Attempt, attempting
from sightline.attack.ball import Ball
from sightline.attack.showing import answers, begin, end, values
from sightline.core.catalogue import method
from sightline.core.layers import Heat
from sightline.core.trace import Step
from sightline.core.types import Range
from sightline.nn.probe import Target

Pictures = TypeVar("Pictures", Tensor, np.ndarray)


@method(task="attack", paper="Goodfellow 2015", lesson="w9d4")
def fgsm(
    model: nn.Module,
    images: Pictures,
    labels: Target = None,
    *,
    eps: Annotated[float, Range(0, 1)] = 8 / 255,
    target: Target = None,
) -> Pictures:
    """Return pictures in which every pixel moved by ``eps`` along the sign of the loss's gradient.

    NaN and infinity in the images are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; mean and deviation lie inside it.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    labels
        True class, or one for each image; the model's own answers when None.
    eps
        Change of each pixel, ≥ 0, in units of pixel value (0–1).
    target
        Class to be taken for, or one for each image; any other than ``labels`` when None.

    Returns
    -------
    Tensor or array
        Of the shape of ``images``, float32 in 0–1, no pixel further than ``eps`` from where it was.

    Raises
    ------
    InputError
        When pixels lie outside 0–1, a class does not exist, or ``eps`` is negative.

    References
    ----------
    Goodfellow, Shlens, Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015.

    Examples
    --------
    The first score falls with the first pixel and rises with the second:

    >>> import torch
    >>> from sightline.attack import fgsm
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> model[1].weight = torch.nn.Parameter(torch.tensor([[-1.0, 2.0], [0.0, 0.0]]))
    >>> fgsm(model, torch.tensor([[[0.5, 0.5]]]), 0, eps=0.25)
    tensor([[[0.7500, 0.2500]]])
    """
    ball = Ball.checked("fgsm", "inf", eps)
    with attempting("fgsm", model, images, labels, target) as attempt:
        return attempt.result(_stepped(attempt, ball, attempt.gradient(attempt.clean)))  # pyrefly: ignore


@fgsm.steps
def _(
    model: nn.Module, images: Pictures, labels: Target = None, *, eps: float = 8 / 255, target: Target = None
) -> Iterator[Step]:
    ball = Ball.checked("fgsm", "inf", eps)
    with attempting("fgsm", model, images, labels, target) as attempt:
        yield begin(attempt)
        gradient = attempt.gradient(attempt.clean)
        yield Step("gradient", Heat(values(gradient)), note="How the loss grows with each pixel.")
        yield Step("sign", Heat(values(gradient.sign())), note="Of the gradient only its direction is kept.")
        stepped = _stepped(attempt, ball, gradient)
        yield answers(attempt, [attempt.clean, stepped])
        yield from end(attempt, stepped)


def _stepped(attempt: Attempt, ball: Ball, gradient: Tensor) -> Tensor:
    """Return x + ε sign(∇J), within 0–1."""
    return ball.project(attempt.clean, attempt.clean + ball.eps * gradient.sign())
