"""Guided backpropagation: the gradient, of which every ReLU lets through only what speaks for the class both ways.

Springenberg, Dosovitskiy, Brox, Riedmiller 2015, "Striving for Simplicity: The All Convolutional Net", ICLR workshop,
section 3.4.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from sightline.core.catalogue import method
from sightline.core.errors import InputError
from sightline.core.layers import Grid, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.explain.rectifying import Rectifying
from sightline.nn.probe import (
    Images,
    Target,
    as_batch,
    chosen,
    patterns,
    picture_of,
    probing,
    score_of,
    scores_of,
)


@method(task="explanation", paper="Springenberg 2015", lesson="w5d3")
def guided_backprop(model: nn.Module, images: Images, target: Target = None) -> Float32[np.ndarray, "*b h w c"]:
    """Return the pattern of pixels that speaks for a class: a gradient that no ReLU has let through against it.

    A ReLU passes the signal down where it was on, as the gradient does, and where the signal itself is positive, as a
    deconvnet does. The values keep their sign and scale. The picture is sharp because it redraws the edges that were
    there; it says little about the class, which ``sanity_check`` shows. NaN and infinity in the images are refused.
    The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier of B×C×H×W in 0–1 with ReLU units.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index, or one for each image; each image's best class when None.

    Returns
    -------
    B×H×W×C float32, H×W×C for a single image.

    Raises
    ------
    InputError
        When the model has no ReLU: nothing would be guided; use ``saliency``.

    References
    ----------
    Springenberg, Dosovitskiy, Brox, Riedmiller, "Striving for Simplicity: The All Convolutional Net", ICLR workshop
    2015.

    Examples
    --------
    Of two units, the one that speaks against the class is left out:

    >>> import torch
    >>> from sightline.explain import guided_backprop
    >>> linear = torch.nn.Linear
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), linear(2, 2), torch.nn.ReLU(), linear(2, 1))
    >>> model[1].weight = torch.nn.Parameter(torch.eye(2))
    >>> model[3].weight = torch.nn.Parameter(torch.tensor([[1.0, -1.0]]))
    >>> guided_backprop(model, torch.ones(1, 1, 2), 0)[..., 0]
    array([[1., 0.]], dtype=float32)
    """
    with probing(model):
        batch, single = as_batch("guided_backprop", model, images)
        batch.requires_grad_()
        with Rectifying(guided=True) as mode:
            scores = scores_of("guided_backprop", model, batch)
        if not mode.count:
            raise InputError(
                "guided_backprop: model must have ReLU units; got none. Use saliency(model, images) instead."
            )
        score = score_of(scores, chosen("guided_backprop", scores, target))
        (signal,) = torch.autograd.grad(score.sum(), batch)
    return patterns(signal, single)


@guided_backprop.steps
def _(model: nn.Module, images: Images, target: Target = None) -> Iterator[Step]:
    batch, _ = as_batch("guided_backprop", model, images)
    yield Step("image", Picture(picture_of(batch)))
    found = guided_backprop(model, images, target)
    pattern = found if found.ndim == 4 else found[None]
    yield Step(
        "strength", Heat(np.abs(pattern[0]).max(axis=2)), note="The largest over the channels, without the sign."
    )
    shown = Grid(pattern) if pattern.shape[3] == 3 else Grid(pattern.max(axis=3))
    yield Step("pattern", Value(found), shown, note="From its lowest to its highest; what lies between is nothing.")
