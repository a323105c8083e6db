"""Class visualization: a picture made from noise, step by step, until the network is as sure of a class as it can be.

Simonyan, Vedaldi, Zisserman 2014, "Deep Inside Convolutional Networks: Visualising Image Classification Models and
Saliency Maps", ICLR workshop, section 2; kept smooth as in Yosinski, Clune, Nguyen, Fuchs, Lipson 2015, "Understanding
Neural Networks Through Deep Visualization", ICML workshop, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Curve, Grid, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Range, Seed
from sightline.explain.layers import blank_for
from sightline.image import gaussian_blur
from sightline.nn.probe import chosen, patterns, probing, score_of, scores_of

Progress = Callable[[np.ndarray], object]
_START = 0.1  # standard deviation of the first noise about grey
_BLUR_EVERY = 10  # steps


@method(task="made pictures", paper="Simonyan 2014", lesson="w5d8")
def class_visualization(
    model: nn.Module,
    target: int | Sequence[int],
    *,
    shape: tuple[int, int, int] | None = None,
    iterations: Annotated[int, Range(1, 10000)] = 100,
    step: Annotated[float, Range(0, 1)] = 0.04,
    decay: Annotated[float, Range(0, 1)] = 0.01,
    blur: Annotated[float, Range(0, 10)] = 0.7,
    jitter: Annotated[int, Range(0, 64)] = 16,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> Float32[np.ndarray, "*b h w c"]:
    """Return a picture that a network takes for a class: noise that climbs the gradient of the class's score.

    Each step moves the picture by ``step`` along its gradient, whose length does not matter, shifts it about so that no
    place is special, pulls it towards grey and now and then blurs it a little. What comes out is what the network
    has learnt of the class, drawn many times over. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes.
    target
        Class index, or several: one picture each.
    shape
        Channels, height and width of the picture; found by itself when None, as for ``receptive_field``.
    iterations
        Number of steps, ≥ 1.
    step
        Root mean square change of a pixel in one step, in 0–1.
    decay
        Share of a pixel's distance from grey that a step takes away, in 0–1.
    blur
        Sigma in pixels of the blur after every tenth step but the last; 0 for none.
    jitter
        Largest shift in pixels, in rows and columns, before each step.
    seed
        Of the noise and the shifts.
    progress
        Called with the picture (as it would be returned) before the first step and after each one: collect them, and
        ``sightline.image.write_frames`` makes a film.

    Returns
    -------
    H×W×C float32 in 0–1, B×H×W×C for a sequence of classes.

    Raises
    ------
    InputError
        When there is no such class, or the model takes no pictures of that shape.

    References
    ----------
    Simonyan, Vedaldi, Zisserman, "Deep Inside Convolutional Networks: Visualising Image Classification Models and
    Saliency Maps", ICLR workshop 2014.
    Yosinski, Clune, Nguyen, Fuchs, Lipson, "Understanding Neural Networks Through Deep Visualization", ICML workshop
    2015.

    Examples
    --------
    Of a model that likes its left pixel and dislikes its right one:

    >>> import torch
    >>> from sightline.explain import class_visualization
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 1))
    >>> model[1].weight = torch.nn.Parameter(torch.tensor([[1.0, -1.0]]))
    >>> class_visualization(model, 0, shape=(1, 1, 2), step=0.1, blur=0.0, jitter=0)[..., 0]
    array([[1., 0.]], dtype=float32)
    """
    single = isinstance(target, (int, np.integer))
    options = (iterations, step, decay, blur, jitter, seed)
    picture = np.empty(0, np.float32)
    for batch, _ in _climb(model, target, shape, *options):
        picture = patterns(batch, single)
        if progress is not None:
            progress(picture)
    return picture


@class_visualization.steps
def _(
    model: nn.Module,
    target: int | Sequence[int],
    *,
    shape: tuple[int, int, int] | None = None,
    iterations: int = 100,
    step: float = 0.04,
    decay: float = 0.01,
    blur: float = 0.7,
    jitter: int = 16,
    seed: Seed = 0,
) -> Iterator[Step]:
    single = isinstance(target, (int, np.integer))
    scores, picture, batch = [], np.empty(0, np.float32), torch.empty(0)
    marks = {iterations * share // 16 for share in (1, 2, 4, 8)}
    for at, (batch, score) in enumerate(_climb(model, target, shape, iterations, step, decay, blur, jitter, seed)):
        scores.append(score[0])
        if at == 0:
            yield Step("noise", shown(patterns(batch, False)), note="Where it starts: almost grey.")
        elif at in marks and at < iterations:
            yield Step(f"after {at}", shown(patterns(batch, False)))
    curve = np.stack([np.arange(len(scores)), scores], axis=1).astype(np.float32)
    yield Step("score", Curve(curve, ("step", "score")), note="Of the class, before each step.")
    picture = patterns(batch, single)
    yield Step("picture", Value(picture), shown(patterns(batch, False)), note=f"After {iterations} steps.")


def shown(pictures: np.ndarray) -> Picture | Grid:
    """Return B×H×W×C pictures as something to look at.

    Parameters
    ----------
    pictures
        float32 in 0–1.
    """
    if pictures.shape[3] != 3:
        pictures = pictures[..., 0]
    return Picture(np.ascontiguousarray(pictures[0])) if len(pictures) == 1 else Grid(pictures)


def shift(batch: Tensor, most: int, random: np.random.Generator) -> tuple[Tensor, tuple[int, int]]:
    """Return a batch rolled by up to ``most`` pixels down and across, and the roll that undoes it.

    Parameters
    ----------
    batch
        B×C×H×W.
    most
        In pixels.
    random
        Draws the shift.
    """
    down, across = (int(value) for value in random.integers(-most, most + 1, 2))
    return batch.roll((down, across), (2, 3)), (-down, -across)


def _climb(
    model: nn.Module,
    target: int | Sequence[int],
    shape: tuple[int, int, int] | None,
    iterations: int,
    step: float,
    decay: float,
    blur: float,
    jitter: int,
    seed: Seed,
) -> Iterator[tuple[Tensor, list[float]]]:
    """Yield the pictures before the first step and after each one, with their scores before it (at the end, after)."""
    name = "class_visualization"
    iterations, jitter = integer(name, "iterations", iterations, 1, 10000), integer(name, "jitter", jitter, 0, 64)
    step, decay, blur = (
        number(name, "step", step, 0, 1),
        number(name, "decay", decay, 0, 1),
        number(name, "blur", blur, 0, 10),
    )
    random = generator(seed)
    with probing(model):
        blank = blank_for(name, model, shape)
        count = 1 if isinstance(target, (int, np.integer)) else len(target)
        noise = random.standard_normal((count, *blank.shape[1:]), np.float32) * np.float32(_START)
        batch = (blank + torch.from_numpy(noise).to(blank.device)).clamp(0, 1)
        classes = chosen(name, scores_of(name, model, batch), target)
        for at in range(iterations):
            moved, back = shift(batch, jitter, random)
            moved.requires_grad_()
            score = score_of(model(moved), classes)
            (gradient,) = torch.autograd.grad(score.sum(), moved)  # ∂S_c/∂I
            yield batch, score.tolist()
            size = gradient.square().mean(dim=(1, 2, 3), keepdim=True).sqrt().clamp(min=1e-20)
            batch = (moved.detach() + step * gradient / size).roll(back, (2, 3))
            batch = (batch + decay * (0.5 - batch)).clamp(0, 1)
            if blur > 0 and at % _BLUR_EVERY == _BLUR_EVERY - 1 and at + 1 < iterations:
                batch = _blurred(batch, blur)
        with torch.no_grad():
            yield batch, score_of(model(batch), classes).tolist()


def _blurred(batch: Tensor, sigma: float) -> Tensor:
    planes = [gaussian_blur(np.ascontiguousarray(plane), sigma) for plane in batch.flatten(0, 1).cpu().numpy()]
    return torch.from_numpy(np.stack(planes)).to(batch.device).view_as(batch)
