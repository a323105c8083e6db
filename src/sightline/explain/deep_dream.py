"""DeepDream: whatever a layer finds in a picture, make more of it.

Mordvintsev, Olah, Tyka 2015, "Inceptionism: Going Deeper into Neural Networks", Google Research blog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Range, Seed
from sightline.explain.class_visualization import shift, shown
from sightline.explain.layers import Layer, layer_at, layer_named, layers_of, maps_of
from sightline.nn.probe import Images, as_single, numbers_of, patterns, picture_of, probing

_SCALE = 1.4  # from one octave to the next
_SMALLEST = 32  # pixels that a side of an octave must have


@method(task="made pictures", paper="Mordvintsev 2015", lesson="w5d8")
def deep_dream(
    model: nn.Module,
    image: Images,
    *,
    layer: str | nn.Module | None = None,
    channel: Annotated[int, Range(0, 100000)] | None = None,
    octaves: Annotated[int, Range(1, 12)] = 4,
    iterations: Annotated[int, Range(1, 1000)] = 10,
    step: Annotated[float, Range(0, 1)] = 0.01,
    jitter: Annotated[int, Range(0, 64)] = 16,
    seed: Seed = 0,
    progress: Callable[[np.ndarray], object] | None = None,
) -> Float32[np.ndarray, "h w c"]:
    """Return the picture after it has climbed the gradient of what a layer answers to it, from coarse to fine.

    What grows is half the mean square of the layer's maps, or the mean of one of them. The picture is made small first;
    what was added to it there is enlarged and laid over the next size. NaN and infinity in the image are refused. The
    model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Any network that takes B×C×H×W in 0–1. One that takes a single size of pictures dreams with ``octaves=1``.
    image
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    layer
        Name of the layer or the module itself; of the layers with places the one at two thirds of the way when None.
        Early layers give strokes, late ones parts of things.
    channel
        One of the layer's maps, to make more of that alone; all of them when None.
    octaves
        Number of sizes, each 1.4 times the one before; those with a side under 32 pixels are left out.
    iterations
        Steps in each size, ≥ 1.
    step
        Mean change of a pixel in one step, in 0–1.
    jitter
        Largest shift in pixels, in rows and columns, before each step.
    seed
        Of the shifts.
    progress
        Called with the picture, at its full size, before the first step and after each one: collect them, and
        ``sightline.image.write_frames`` makes a film.

    Returns
    -------
    H×W×C float32 in 0–1, of the image's size.

    Raises
    ------
    InputError
        When the model has no layer with places or none of that name, or the layer no such channel.

    References
    ----------
    Mordvintsev, Olah, Tyka, "Inceptionism: Going Deeper into Neural Networks", Google Research blog, 17 June 2015.

    Examples
    --------
    >>> import torch
    >>> from sightline.explain import deep_dream
    >>> model = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Conv2d(2, 4, 3))
    >>> deep_dream(model, torch.rand(1, 12, 16), iterations=2).shape
    (12, 16, 1)
    """
    picture = np.empty(0, np.float32)
    for batch, _ in _dream(model, image, layer, channel, octaves, iterations, step, jitter, seed):
        picture = patterns(batch, True)
        if progress is not None:
            progress(picture)
    return picture


@deep_dream.steps
def _(
    model: nn.Module,
    image: Images,
    *,
    layer: str | nn.Module | None = None,
    channel: int | None = None,
    octaves: int = 4,
    iterations: int = 10,
    step: float = 0.01,
    jitter: int = 16,
    seed: Seed = 0,
) -> Iterator[Step]:
    yield Step("image", Picture(picture_of(as_single("deep_dream", model, image))))
    made = list(_dream(model, image, layer, channel, octaves, iterations, step, jitter, seed))
    for at, (batch, (height, width)) in enumerate(made[iterations:-1:iterations]):
        yield Step(f"octave {at + 1}", shown(patterns(batch, False)), note=f"At {width}×{height} pixels, enlarged.")
    result = patterns(made[-1][0], True)
    yield Step("dream", Value(result), shown(result[None]))


def _dream(
    model: nn.Module,
    image: Images,
    layer: str | nn.Module | None,
    channel: int | None,
    octaves: int,
    iterations: int,
    step: float,
    jitter: int,
    seed: Seed,
) -> Iterator[tuple[Tensor, tuple[int, int]]]:
    """Yield the picture at its full size before the first step and after each one, and the size that it was at."""
    name = "deep_dream"
    octaves, iterations = integer(name, "octaves", octaves, 1, 12), integer(name, "iterations", iterations, 1, 1000)
    step, jitter = number(name, "step", step, 0, 1), integer(name, "jitter", jitter, 0, 64)
    random = generator(seed)
    with probing(model):
        whole = as_single(name, model, image)
        known = layer_at(name, model, whole, layer, 2 / 3)
        if channel is not None:
            channel = integer(name, "channel", channel, 0, known.shape[-1 if len(known.shape) == 2 else 0] - 1)
        full = (whole.shape[2], whole.shape[3])
        yield whole, full
        detail = torch.zeros_like(whole)
        for size in _sizes(full, octaves, _patch(full, known)):
            base = _resized(whole, size)
            batch = (base + _resized(detail, size)).clamp(0, 1)
            here = known if size == full else layer_named(name, layers_of(model, batch), known.name, model)
            for _ in range(iterations):
                batch = _step(model, batch, here, channel, step, jitter, random)
                yield (_resized(batch - base, full) + whole).clamp(0, 1), size
            detail = batch - base


def _step(
    model: nn.Module,
    batch: Tensor,
    layer: Layer,
    channel: int | None,
    step: float,
    jitter: int,
    random: np.random.Generator,
) -> Tensor:
    """Return the picture after one step along the gradient, divided by its mean magnitude."""
    moved, back = shift(batch, jitter, random)
    moved.requires_grad_()
    (maps,) = maps_of(model, moved, (layer,))
    numbers_of("deep_dream", model, maps)
    goal = maps.square().mean() / 2 if channel is None else maps[:, channel].mean()
    (gradient,) = torch.autograd.grad(goal, moved)
    size = gradient.abs().mean().clamp(min=1e-20)
    return (moved.detach() + step * gradient / size).roll(back, (2, 3)).clamp(0, 1)


def _patch(full: tuple[int, int], layer: Layer) -> tuple[int, int]:
    """Return the pixels down and across that a size must be whole multiples of: a token's, 1 where there are none."""
    tokens = len(layer.shape) == 2
    return (full[0] // layer.grid[0], full[1] // layer.grid[1]) if tokens else (1, 1)


def _sizes(full: tuple[int, int], octaves: int, patch: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the sizes from coarse to fine, each once; the last one is the picture's own."""
    sizes = {full: None}
    for k in range(1, octaves):
        height, width = (round(side / _SCALE**k / unit) * unit for side, unit in zip(full, patch, strict=True))
        if min(height, width) >= _SMALLEST:
            sizes[height, width] = None
    return list(sizes)[::-1]


def _resized(batch: Tensor, size: tuple[int, int]) -> Tensor:
    if batch.shape[2:] == size:
        return batch
    return F.interpolate(batch, size, mode="bilinear", align_corners=False, antialias=True)
