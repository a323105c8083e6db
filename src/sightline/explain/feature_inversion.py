"""Feature inversion: what does a layer still know of a picture? Find another picture that it cannot tell from it.

Mahendran, Vedaldi 2015, "Understanding Deep Image Representations by Inverting Them", CVPR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Curve, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Range, Seed
from sightline.explain.class_visualization import shown
from sightline.explain.layers import layer_at, maps_of
from sightline.nn.probe import Images, as_single, numbers_of, patterns, picture_of, probing
from sightline.nn.total_variation import total_variation

_START = 0.1  # standard deviation of the first noise about grey
_RATE = 0.05  # of Adam, in pixel values; it falls to 0 along half a cosine


@method(task="made pictures", paper="Mahendran 2015", lesson="w5d8")
def feature_inversion(
    model: nn.Module,
    image: Images,
    *,
    layer: str | nn.Module | None = None,
    iterations: Annotated[int, Range(1, 10000)] = 200,
    smoothness: Annotated[float, Range(0, 1000)] = 2.0,
    seed: Seed = 0,
    progress: Callable[[np.ndarray], object] | None = None,
) -> Float32[np.ndarray, "h w c"]:
    """Return a picture, made from noise, whose maps in one layer are those of the image.

    Minimised is ‖Φ(x) − Φ(x₀)‖² / ‖Φ(x₀)‖² + ``smoothness`` · V(x), V the total variation. What the picture lacks, the
    layer has forgotten: after the first layers next to nothing, after the last the places and colours of things. NaN
    and infinity in the image are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Any network that takes B×C×H×W in 0–1.
    image
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    layer
        Name of the layer or the module itself; of the layers with places the one in the middle when None.
    iterations
        Steps of Adam, ≥ 1.
    smoothness
        Weight λ of the total variation (``sightline.nn.total_variation``), ≥ 0.
    seed
        Of the noise that it starts from.
    progress
        Called with the picture before the first step and after each one: collect them, and
        ``sightline.image.write_frames`` makes a film.

    Returns
    -------
    H×W×C float32 in 0–1, of the image's size.

    Raises
    ------
    InputError
        When the model has no layer with places or none of that name.

    References
    ----------
    Mahendran, Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015.

    Examples
    --------
    A layer of one kernel that looks at single pixels has forgotten nothing:

    >>> import torch
    >>> from sightline.explain import feature_inversion
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.Flatten())
    >>> model[0].weight = torch.nn.Parameter(torch.ones(1, 1, 1, 1))
    >>> feature_inversion(model, torch.tensor([[[0.2, 0.9]]]), layer="0", smoothness=0.0)[..., 0].round(2)
    array([[0.2, 0.9]], dtype=float32)
    """
    picture = np.empty(0, np.float32)
    for batch, _ in _invert(model, image, layer, iterations, smoothness, seed):
        picture = patterns(batch, True)
        if progress is not None:
            progress(picture)
    return picture


@feature_inversion.steps
def _(
    model: nn.Module,
    image: Images,
    *,
    layer: str | nn.Module | None = None,
    iterations: int = 200,
    smoothness: float = 2.0,
    seed: Seed = 0,
) -> Iterator[Step]:
    yield Step("image", Picture(picture_of(as_single("feature_inversion", model, image))))
    losses, batch = [], torch.empty(0)
    marks = {iterations * share // 16 for share in (1, 4)}
    for at, (batch, loss) in enumerate(_invert(model, image, layer, iterations, smoothness, seed)):
        losses.append(loss)
        if at in marks and 0 < at < iterations:
            yield Step(f"after {at}", shown(patterns(batch, False)))
    curve = np.stack([np.arange(len(losses)), losses], axis=1).astype(np.float32)
    yield Step("distance", Curve(curve, ("step", "distance of the maps")), note="‖Φ(x) − Φ(x₀)‖² / ‖Φ(x₀)‖².")
    result = patterns(batch, True)
    yield Step("picture", Value(result), shown(result[None]), note="What the layer knows of the image.")


def _invert(
    model: nn.Module,
    image: Images,
    layer: str | nn.Module | None,
    iterations: int,
    smoothness: float,
    seed: Seed,
) -> Iterator[tuple[Tensor, float]]:
    """Yield the picture before the first step and after each one, with its maps' relative distance."""
    iterations = integer("feature_inversion", "iterations", iterations, 1, 10000)
    smoothness = number("feature_inversion", "smoothness", smoothness, 0, 1000)
    random = generator(seed)
    with probing(model):
        given = as_single("feature_inversion", model, image)
        known = layer_at("feature_inversion", model, given, layer, 1 / 2)
        with torch.no_grad():
            (wanted,) = maps_of(model, given, (known,))  # Φ(x₀)
        numbers_of("feature_inversion", model, wanted)
        whole = wanted.square().sum().clamp(min=1e-20)
        noise = random.standard_normal(tuple(given.shape), np.float32) * np.float32(_START)
        x = (0.5 + torch.from_numpy(noise).to(given.device)).clamp(0, 1).requires_grad_()
        adam = torch.optim.Adam([x], lr=_RATE)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, iterations)
        for _ in range(iterations):
            (maps,) = maps_of(model, x, (known,))
            distance = (maps - wanted).square().sum() / whole
            yield x.detach().clone(), distance.item()
            loss = distance + smoothness * total_variation(x).sum()
            (x.grad,) = torch.autograd.grad(loss, x)
            adam.step()
            falling.step()
            x.data.clamp_(0, 1)
        with torch.no_grad():
            (maps,) = maps_of(model, x, (known,))
        yield x.detach().clone(), ((maps - wanted).square().sum() / whole).item()
