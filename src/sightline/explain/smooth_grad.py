"""SmoothGrad: the gradient of one picture is noisy; that of many noisy pictures is not.

Smilkov, Thorat, Kim, Viégas, Wattenberg 2017, "SmoothGrad: removing noise by adding noise", arXiv:1706.03825.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Grid, Heat, Picture
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Range, Seed
from sightline.nn.probe import (
    Images,
    Target,
    as_batch,
    chosen,
    heat_maps,
    picture_of,
    probing,
    score_of,
    scores_of,
)

_AT_ONCE = 32  # noisy pictures in one pass


@method(task="explanation", paper="Smilkov 2017", lesson="w5d3")
def smooth_grad(
    model: nn.Module,
    images: Images,
    target: Target = None,
    *,
    noise: Annotated[float, Range(0, 1)] = 0.15,
    samples: Annotated[int, Range(1, 1000)] = 50,
    seed: Seed = 0,
) -> Float32[np.ndarray, "*b h w"]:
    """Return the size of the mean gradient over noisy copies of an image, the largest over the channels.

    The map is not rescaled: its unit is score per unit of pixel value (0–1), and it is ≥ 0, as that of ``saliency``.
    NaN and infinity in the images are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index, or one for each image; each image's best class, without noise, when None.
    noise
        Standard deviation of the Gaussian noise, as a share of each image's range from lowest to highest; in 0–1.
    samples
        Noisy copies of each image, ≥ 1.
    seed
        Of the noise.

    Returns
    -------
    B×H×W float32, H×W for a single image.

    References
    ----------
    Smilkov, Thorat, Kim, Viégas, Wattenberg, "SmoothGrad: removing noise by adding noise", arXiv:1706.03825, 2017.

    Examples
    --------
    A square's slope is twice its place: over noise of mean 0 that stays so.

    >>> import torch
    >>> from sightline.explain import smooth_grad
    >>> class Squares(torch.nn.Module):
    ...     def forward(self, images):
    ...         return images.square().flatten(1).sum(dim=1, keepdim=True)
    >>> smooth_grad(Squares(), torch.tensor([[[0.0, 1.0]]]), noise=0.01, samples=100).round(1)
    array([[0., 2.]], dtype=float32)
    """
    _, gradients, single = _gradients(model, images, target, noise, samples, seed)
    return _size(torch.stack(gradients).mean(dim=0), single)


@smooth_grad.steps
def _(
    model: nn.Module,
    images: Images,
    target: Target = None,
    *,
    noise: float = 0.15,
    samples: int = 50,
    seed: Seed = 0,
) -> Iterator[Step]:
    batch, gradients, single = _gradients(model, images, target, noise, samples, seed)
    yield Step("image", Picture(picture_of(batch)))
    found = torch.stack(gradients)
    yield Step("one gradient", Heat(_size(found[0, :1], True)), note="Of the first noisy copy alone.")
    if samples >= 8:
        some = found[: samples // 4, :1].mean(dim=0)
        yield Step("a quarter", Heat(_size(some, True)), note=f"The mean of {samples // 4} of them.")
    result = _size(found.mean(dim=0), single)
    yield Step("mean gradient", Heat(result) if single else Grid(result), note=f"Of all {samples}.")


def noisy(batch: Tensor, noise: float, seed: Seed) -> Iterator[Tensor]:
    """Yield copies of a batch with Gaussian noise, without end.

    Parameters
    ----------
    batch
        B×C×H×W.
    noise
        Standard deviation as a share of each image's range.
    seed
        Of the noise.
    """
    random = generator(seed)
    deviation = noise * (batch.amax(dim=(1, 2, 3), keepdim=True) - batch.amin(dim=(1, 2, 3), keepdim=True))
    while True:
        drawn = torch.from_numpy(random.standard_normal(tuple(batch.shape), np.float32)).to(batch.device)
        yield batch + deviation * drawn


def _gradients(
    model: nn.Module, images: Images, target: Target, noise: float, samples: int, seed: Seed
) -> tuple[Tensor, list[Tensor], bool]:
    """Return the batch, the gradient B×C×H×W at each noisy copy, and whether there was one image."""
    noise = number("smooth_grad", "noise", noise, 0, 1)
    samples = integer("smooth_grad", "samples", samples, 1, 1000)
    with probing(model):
        batch, single = as_batch("smooth_grad", model, images)
        with torch.no_grad():
            classes = chosen("smooth_grad", scores_of("smooth_grad", model, batch), target)
        copies, found = noisy(batch, noise, seed), []
        each = max(1, _AT_ONCE // len(batch))
        for first in range(0, samples, each):
            count = min(each, samples - first)
            some = torch.cat([next(copies) for _ in range(count)]).requires_grad_()  # (count · B)×C×H×W
            score = score_of(model(some), classes.repeat(count))
            (gradient,) = torch.autograd.grad(score.sum(), some)
            found += gradient.split(len(batch))
        return batch, found, single


def _size(gradient: Tensor, single: bool) -> np.ndarray:
    """Return max_c |w|, as an array."""
    return heat_maps(gradient.abs().amax(dim=1), single)
