"""Integrated gradients: share the score out among the pixels, along the way from a blank picture to this one.

Sundararajan, Taly, Yan 2017, "Axiomatic Attribution for Deep Networks", ICML, section 3.
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
from sightline.core.layers import Curve, Grid, Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Range
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

_AT_ONCE = 32  # pictures on the way in one pass


@method(task="explanation", paper="Sundararajan 2017", lesson="w5d3")
def integrated_gradients(
    model: nn.Module,
    images: Images,
    target: Target = None,
    *,
    baseline: Annotated[float, Range(0, 1)] = 0.0,
    points: Annotated[int, Range(1, 1000)] = 50,
) -> Float32[np.ndarray, "*b h w"]:
    """Return how much each pixel adds to the score on the straight way from a blank picture to the image.

    The map adds up to the score of the image minus that of the blank picture (completeness), but for the error of the
    sum that stands for the integral; positive pixels speak for the class, negative ones against it. The contributions
    of a pixel's channels are added. NaN and infinity in the images are refused. The model is left as it was: mode,
    gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    target
        Class index, or one for each image; each image's best class when None.
    baseline
        Value of the blank picture's pixels, 0 (black) to 1 (white). Pixels of that very value get 0.
    points
        Points of the Gauss-Legendre rule on the way, ≥ 1; each costs one forward and backward pass.

    Returns
    -------
    B×H×W float32, H×W for a single image; in units of the score.

    References
    ----------
    Sundararajan, Taly, Yan, "Axiomatic Attribution for Deep Networks", ICML 2017.

    Examples
    --------
    The score is the product of two pixels: each gets a half of it.

    >>> import torch
    >>> from sightline.explain import integrated_gradients
    >>> class Product(torch.nn.Module):
    ...     def forward(self, images):
    ...         return images.flatten(1).prod(dim=1, keepdim=True)
    >>> integrated_gradients(Product(), torch.tensor([[[1.0, 0.5]]]), points=4).round(4)
    array([[0.25, 0.25]], dtype=float32)
    """
    batch, baseline, shares, single = _shares(model, images, target, baseline, points)
    return heat_maps(_attribution(batch, baseline, shares.sum(dim=0)), single)


@integrated_gradients.steps
def _(
    model: nn.Module, images: Images, target: Target = None, *, baseline: float = 0.0, points: int = 50
) -> Iterator[Step]:
    batch, baseline, shares, single = _shares(model, images, target, baseline, points)
    result = heat_maps(_attribution(batch, baseline, shares.sum(dim=0)), single)
    at, _ = _rule(points)
    way = torch.stack([baseline + float(a) * (batch[0] - baseline) for a in at[:: max(1, points // 8)]])
    tiles = way.permute(0, 2, 3, 1).cpu().numpy() if len(batch[0]) == 3 else way[:, 0].cpu().numpy()
    yield Step("image", Picture(picture_of(batch)))
    yield Step("the way", Grid(np.ascontiguousarray(tiles)), note="From the blank picture; each is stretched to show.")
    gained = torch.stack([_attribution(batch[:1], baseline, share[:1]).sum() for share in shares]).cumsum(0)
    curve = np.stack([at, gained.cpu().numpy()], axis=1).astype(np.float32)
    yield Step("score", Curve(curve, ("share of the way", "score gained")), note="Where it rises the pixels earn most.")
    yield Step("attribution", Heat(result) if single else Grid(result), note="The curve's end, shared out.")


def _rule(points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return places in 0–1 and weights of the Gauss-Legendre rule, which is exact to degree 2·points − 1."""
    at, weights = np.polynomial.legendre.leggauss(points)
    return (at + 1) / 2, weights / 2


def _shares(
    model: nn.Module, images: Images, target: Target, baseline: float, points: int
) -> tuple[Tensor, float, Tensor, bool]:
    """Return the batch, the baseline, each point's weighted gradient (points×B×C×H×W), and whether it was one image."""
    baseline = number("integrated_gradients", "baseline", baseline, 0, 1)
    at, weights = _rule(integer("integrated_gradients", "points", points, 1, 1000))
    with probing(model):
        batch, single = as_batch("integrated_gradients", model, images)
        with torch.no_grad():
            classes = chosen("integrated_gradients", scores_of("integrated_gradients", model, batch), target)
        shares = []
        each = max(1, _AT_ONCE // len(batch))
        for first in range(0, len(at), each):
            some = torch.as_tensor(at[first : first + each], dtype=batch.dtype, device=batch.device)
            way = baseline + some[:, None, None, None, None] * (batch - baseline)  # x' + α (x − x'): n×B×C×H×W
            way = way.flatten(0, 1).requires_grad_()
            score = score_of(model(way), classes.repeat(len(some)))
            (gradient,) = torch.autograd.grad(score.sum(), way)
            weighed = torch.as_tensor(weights[first : first + each], dtype=batch.dtype, device=batch.device)
            shares.append(gradient.unflatten(0, (len(some), -1)) * weighed[:, None, None, None, None])
        return batch, baseline, torch.cat(shares), single


def _attribution(batch: Tensor, baseline: float, gradient: Tensor) -> Tensor:
    """Return (x − x') ∫ ∂S/∂x dα, the channels of a pixel added: B×H×W."""
    return ((batch - baseline) * gradient).sum(dim=1)
