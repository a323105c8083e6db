"""Style transfer: a picture with the things of one photo, painted as another.

Gatys, Ecker, Bethge 2016, "Image Style Transfer Using Convolutional Neural Networks", CVPR: content is the maps of a
layer, style what their channels do together, whatever the place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.layers import Curve, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Choice, Range, Seed
from sightline.explain.class_visualization import shown
from sightline.explain.style_loss import StyleTarget, style_layers_of
from sightline.nn.probe import Images, as_single, patterns, picture_of, probing
from sightline.nn.total_variation import total_variation

_START = 0.1  # standard deviation of the noise about grey
_RATE = 0.03  # of Adam, in pixel values; it falls to 0 along half a cosine

Layers = Sequence[str | nn.Module]


@method(task="made pictures", paper="Gatys 2016", lesson="w5d8")
def style_transfer(
    model: nn.Module,
    content: Images,
    style: Images,
    *,
    style_weight: Annotated[float, Range(0, 10000)] = 10.0,
    smoothness: Annotated[float, Range(0, 1000)] = 1.0,
    iterations: Annotated[int, Range(1, 10000)] = 200,
    content_layer: str | nn.Module | None = None,
    style_layers: Layers | None = None,
    start: Annotated[str, Choice("content", "noise")] = "content",
    seed: Seed = 0,
    progress: Callable[[np.ndarray], object] | None = None,
) -> Float32[np.ndarray, "h w c"]:
    """Return a picture whose maps are those of a photo and whose Gram matrices are those of a painting.

    Minimised is the distance from the content + ``style_weight`` · that from the style + ``smoothness`` · the total
    variation. Both distances are relative (0 at the target, 1 for a layer that answers nothing), so that the weights
    mean the same for any network; the paper's carry the sizes of its maps. NaN and infinity in the images are refused.
    The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Any network that takes B×C×H×W in 0–1; one that was trained on photos.
    content
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    style
        Likewise, of any size; its strokes come over in their size in pixels.
    style_weight
        Weight of the style against the content's 1, ≥ 0.
    smoothness
        Weight of the total variation (``sightline.nn.total_variation``), ≥ 0.
    iterations
        Steps of Adam, ≥ 1.
    content_layer
        Name of a layer or the module itself; of those with places the one at a quarter of the way when None.
    style_layers
        Several of them; five from the first to the one at two thirds of the way when None.
    start
        Where it begins: ``"content"``, the photo itself, or ``"noise"``, as the paper does.
    seed
        Of the noise.
    progress
        Called with the picture before the first step and after each one: collect them, and
        ``sightline.image.write_frames`` makes a film.

    Returns
    -------
    H×W×C float32 in 0–1, of the content's size.

    Raises
    ------
    InputError
        When the model has no layers with places or none of that name.

    References
    ----------
    Gatys, Ecker, Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.

    Examples
    --------
    Where a layer sees single pixels, style is the mean square of their values:

    >>> import torch
    >>> from sightline.explain import style_transfer
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1, bias=False), torch.nn.Flatten())
    >>> content, style = torch.tensor([[[0.1, 0.3]]]), torch.full((1, 1, 3), 0.6)
    >>> made = style_transfer(model, content, style, style_weight=1000.0, smoothness=0.0)
    >>> round(float((made**2).mean()) ** 0.5, 2)
    0.6
    """
    picture = np.empty(0, np.float32)
    options = (style_weight, smoothness, iterations, content_layer, style_layers, start, seed)
    for batch, _ in _paint(model, content, style, *options):
        picture = patterns(batch, True)
        if progress is not None:
            progress(picture)
    return picture


@style_transfer.steps
def _(
    model: nn.Module,
    content: Images,
    style: Images,
    *,
    style_weight: float = 10.0,
    smoothness: float = 1.0,
    iterations: int = 200,
    content_layer: str | nn.Module | None = None,
    style_layers: Layers | None = None,
    start: str = "content",
    seed: Seed = 0,
) -> Iterator[Step]:
    yield Step("content", Picture(picture_of(as_single("style_transfer", model, content))))
    yield Step("style", Picture(picture_of(as_single("style_transfer", model, style))))
    losses, batch = [], torch.empty(0)
    marks = {iterations * share // 16 for share in (1, 4)}
    options = (style_weight, smoothness, iterations, content_layer, style_layers, start, seed)
    for at, (batch, distances) in enumerate(_paint(model, content, style, *options)):
        losses.append(distances)
        if at in marks and 0 < at < iterations:
            yield Step(f"after {at}", shown(patterns(batch, False)))
    for name, row in zip(("content", "style"), np.array(losses, np.float32).T, strict=True):
        curve = np.stack([np.arange(len(row), dtype=np.float32), row], axis=1)
        yield Step(f"distance from the {name}", Curve(curve, ("step", f"distance from the {name}")))
    result = patterns(batch, True)
    yield Step("picture", Value(result), shown(result[None]))


def _paint(
    model: nn.Module,
    content: Images,
    style: Images,
    style_weight: float,
    smoothness: float,
    iterations: int,
    content_layer: str | nn.Module | None,
    style_layers: Layers | None,
    start: str,
    seed: Seed,
) -> Iterator[tuple[Tensor, tuple[float, float]]]:
    """Yield the picture before the first step and after each one, with its distances from content and style."""
    name = "style_transfer"
    style_weight = number(name, "style_weight", style_weight, 0, 10000)
    smoothness = number(name, "smoothness", smoothness, 0, 1000)
    iterations = integer(name, "iterations", iterations, 1, 10000)
    start, random = choice(name, "start", start, ("content", "noise")), generator(seed)
    with probing(model):
        photo, painting = as_single(name, model, content), as_single(name, model, style)
        target = StyleTarget(name, model, painting, style_layers_of(name, model, photo, content_layer, style_layers))
        wanted = target.content_of(photo)
        x = photo.clone()
        if start == "noise":
            noise = random.standard_normal(tuple(photo.shape), np.float32) * np.float32(_START)
            x = (0.5 + torch.from_numpy(noise).to(photo.device)).clamp(0, 1)
        x.requires_grad_()
        adam = torch.optim.Adam([x], lr=_RATE)
        falling = torch.optim.lr_scheduler.CosineAnnealingLR(adam, iterations)
        for _ in range(iterations):
            far, foreign = target.distances(x, wanted)
            yield x.detach().clone(), (far.item(), foreign.item())
            loss = far + style_weight * foreign + smoothness * total_variation(x)
            (x.grad,) = torch.autograd.grad(loss.sum(), x)
            adam.step()
            falling.step()
            x.data.clamp_(0, 1)
        with torch.no_grad():
            far, foreign = target.distances(x, wanted)
        yield x.detach().clone(), (far.item(), foreign.item())
