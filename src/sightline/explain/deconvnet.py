"""Deconvnet: run the network backwards from one unit, and see which pattern of the picture made it answer.

Zeiler, Fergus 2014, "Visualizing and Understanding Convolutional Networks", ECCV, section 2.1: unpool by the switches
of the maxima, rectify what comes down, filter with the transposed kernels.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.errors import InputError
from sightline.core.layers import Grid, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.explain.layers import layer_named, layers_of, watching
from sightline.explain.rectifying import Rectifying
from sightline.nn.probe import Images, Target, as_batch, chosen, patterns, picture_of, probing, score_of, scores_of


@method(task="explanation", paper="Zeiler 2014", lesson="w5d6")
def deconvnet(
    model: nn.Module, images: Images, target: Target = None, *, layer: str | nn.Module | None = None
) -> Float32[np.ndarray, "*b h w c"]:
    """Return the pattern in pixel space that speaks for a class, or for a map of a layer, by projecting it down.

    It is the gradient, except that every rectifier on the way lets through what is positive of the signal that comes
    down instead of what was positive when the image went up. The values keep their sign and scale. NaN and infinity in
    the images are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier of B×C×H×W in 0–1 with ReLU units.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index, or one for each image; each image's best class when None. With ``layer``, index of one of its maps,
        and the map of the largest value when None.
    layer
        Name of a layer or the module itself, to project its map's largest value instead of a class score.

    Returns
    -------
    B×H×W×C float32, H×W×C for a single image.

    Raises
    ------
    InputError
        When the model has no ReLU: its deconvnet would be its gradient; use ``saliency``.

    References
    ----------
    Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014.

    Examples
    --------
    The gradient of a unit that is off is zero; its deconvnet still shows the pattern that it waits for:

    >>> import torch
    >>> from sightline.explain import deconvnet
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 1), torch.nn.ReLU())
    >>> model[1].weight = torch.nn.Parameter(torch.tensor([[1.0, -2.0]]))
    >>> model[1].bias = torch.nn.Parameter(torch.tensor([-5.0]))
    >>> deconvnet(model, torch.ones(1, 1, 2), 0)[..., 0]
    array([[ 1., -2.]], dtype=float32)
    """
    with probing(model):
        batch, single = as_batch("deconvnet", model, images)
        batch.requires_grad_()
        with Rectifying() as mode:
            score = _score(model, batch, target, layer)
        if not mode.count:
            raise InputError("deconvnet: model must have ReLU units; got none. Use saliency(model, images) instead.")
        (signal,) = torch.autograd.grad(score.sum(), batch)
    return patterns(signal, single)


@deconvnet.steps
def _(
    model: nn.Module, images: Images, target: Target = None, *, layer: str | nn.Module | None = None
) -> Iterator[Step]:
    batch, _ = as_batch("deconvnet", model, images)
    yield Step("image", Picture(picture_of(batch)))
    found = deconvnet(model, images, target, layer=layer)
    pattern = found if found.ndim == 4 else found[None]
    strength = np.abs(pattern[0]).max(axis=2)
    yield Step("strength", Heat(strength), note="The largest over the channels, without the sign.")
    shown = [Grid(pattern)] if pattern.shape[3] == 3 else [Grid(pattern.max(axis=3))]
    yield Step("pattern", Value(found), *shown, note="From its lowest to its highest; what lies between is nothing.")


def _score(model: nn.Module, batch: Tensor, target: Target, layer: str | nn.Module | None) -> Tensor:
    """Return what is projected down, one number an image."""
    if layer is None:
        scores = scores_of("deconvnet", model, batch)
        return score_of(scores, chosen("deconvnet", scores, target))
    known = layer_named("deconvnet", layers_of(model, batch), layer, model)
    seen: list[Tensor] = []
    with watching([model.get_submodule(known.name)], lambda _, output: seen.append(output.clone())):
        model(batch)
    strongest = known.maps(seen[-1]).flatten(2).amax(dim=2)  # B×K: the largest value of every map
    return score_of(strongest, chosen("deconvnet", strongest, target))
