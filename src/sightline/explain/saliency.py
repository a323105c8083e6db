"""Saliency: how much would the score move if a pixel moved a little?

Simonyan, Vedaldi, Zisserman 2014, "Deep Inside Convolutional Networks: Visualising Image Classification Models and
Saliency Maps", ICLR workshop.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from sightline.core.catalogue import method
from sightline.nn.probe import Images, Target, as_batch, chosen, heat_maps, probing, score_of, scores_of


@method(task="explanation", paper="Simonyan 2014", lesson="w5d3")
def saliency(model: nn.Module, images: Images, target: Target = None) -> Float32[np.ndarray, "*b h w"]:
    """Return the size of the score's gradient at every pixel, the largest over the channels.

    The map is not rescaled: its unit is score per unit of pixel value (0–1), and it is ≥ 0. Divide it by its maximum
    to draw it. NaN and infinity in the images are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index, or one for each image; each image's best class when None.

    Returns
    -------
    B×H×W float32, H×W for a single image.

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks: Visualising Image Classification Models and
    Saliency Maps", ICLR workshop 2014.

    Examples
    --------
    A linear model's gradient is its weight:

    >>> import torch
    >>> from sightline.explain import saliency
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
    >>> weight = torch.tensor([[1.0, -2.0, 3.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    >>> model[1].weight = torch.nn.Parameter(weight)
    >>> saliency(model, torch.zeros(1, 2, 2), target=0)
    array([[1., 2.],
           [3., 0.]], dtype=float32)
    """
    with probing(model):
        batch, single = as_batch("saliency", model, images)
        batch.requires_grad_()
        scores = scores_of("saliency", model, batch)
        score = score_of(scores, chosen("saliency", scores, target))  # S_c(I), one an image
        (gradient,) = torch.autograd.grad(score.sum(), batch)  # w = ∂S_c/∂I, B×C×H×W
        return heat_maps(gradient.abs().amax(dim=1), single)  # M = max_c |w|
