"""Occlusion: cover a part of the picture and see how far the score falls.

Zeiler, Fergus 2014, "Visualizing and Understanding Convolutional Networks", ECCV.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.types import Range
from sightline.nn.probe import Images, Target, as_batch, chosen, heat_maps, probing, score_of, scores_of

_AT_ONCE = 64  # covered copies in one forward pass


@method(task="explanation", paper="Zeiler 2014", lesson="w5d3")
def occlusion(
    model: nn.Module,
    images: Images,
    target: Target = None,
    *,
    size: Annotated[int | None, Range(1, 256)] = None,
    stride: Annotated[int | None, Range(1, 256)] = None,
    value: Annotated[float, Range(0, 1)] = 0.5,
) -> Float32[np.ndarray, "*b h w"]:
    """Return how far the score falls when a pixel is covered, the mean over all patches that cover it.

    The map is not rescaled: its unit is that of the score. Positive pixels speak for the class, negative ones against
    it. NaN and infinity in the images are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index, or one for each image; each image's best class when None.
    size
        Side of the square patch in pixels; a quarter of the image's shorter side when None.
    stride
        Step between patches in pixels, at most ``size``; half of ``size`` when None.
    value
        What the patch is filled with, 0 (black) to 1 (white).

    Returns
    -------
    B×H×W float32, H×W for a single image.

    References
    ----------
    Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014.

    Examples
    --------
    The model adds up its pixels, so that covering one with black costs its value:

    >>> import torch
    >>> from sightline.explain import occlusion
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 1, bias=False))
    >>> model[1].weight = torch.nn.Parameter(torch.ones(1, 4))
    >>> occlusion(model, torch.tensor([[[1.0, 0.5], [0.25, 0.0]]]), size=1, stride=1, value=0.0)
    array([[1.  , 0.5 ],
           [0.25, 0.  ]], dtype=float32)
    """
    with probing(model), torch.no_grad():
        batch, single = as_batch("occlusion", model, images)
        height, width = batch.shape[2:]
        shorter = min(height, width)
        size = integer("occlusion", "size", max(1, shorter // 4) if size is None else size, 1, shorter)
        stride = integer("occlusion", "stride", max(1, size // 2) if stride is None else stride, 1, size)
        value = number("occlusion", "value", value, 0, 1)
        scores = scores_of("occlusion", model, batch)
        classes = chosen("occlusion", scores, target)
        before = score_of(scores, classes)
        total = torch.zeros(len(batch), height, width, dtype=torch.float64, device=batch.device)
        covers = torch.zeros(height, width, dtype=torch.float64, device=batch.device)
        windows = [(y, x) for y in _starts(height, size, stride) for x in _starts(width, size, stride)]
        for y, x in windows:
            covers[y : y + size, x : x + size] += 1
        each = max(1, _AT_ONCE // len(batch))
        for first in range(0, len(windows), each):
            some = windows[first : first + each]
            covered = batch.repeat(len(some), 1, 1, 1)  # (windows · B)×C×H×W
            for i, (y, x) in enumerate(some):
                covered[i * len(batch) : (i + 1) * len(batch), :, y : y + size, x : x + size] = value
            drops = before.repeat(len(some)) - score_of(model(covered), classes.repeat(len(some)))
            for (y, x), drop in zip(some, drops.split(len(batch)), strict=True):
                total[:, y : y + size, x : x + size] += drop[:, None, None]
        return heat_maps(total / covers, single)


def _starts(length: int, size: int, stride: int) -> range:
    """Return where patches begin: every ``stride`` pixels, the last one cut by the edge, until all is covered."""
    count = -(-(length - size) // stride) + 1
    return range(0, count * stride, stride)
