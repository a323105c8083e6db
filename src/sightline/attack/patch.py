"""Adversarial patch: a sticker that is taken for one class, wherever it lies in whichever picture.

Brown, Mané, Roy, Abadi, Gilmer 2017, "Adversarial Patch", NIPS workshop, section 2: the expectation over pictures,
places, turns and sizes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.attack.attempt import Attempt, attempting
from sightline.attack.showing import begin
from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Grid, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Choice, Range, Seed
from sightline.nn.probe import picture_of

SHAPES = ("disc", "square")


@dataclass(frozen=True, eq=False)
class AdversarialPatch:
    """A sticker.

    Parameters
    ----------
    pattern
        C×S×S float32 in 0–1, on the CPU.
    shape
        ``disc`` or ``square``.
    target
        The class that it is made for.
    sizes
        Least and largest diameter, as shares of a picture's shorter side.
    turn
        Largest turn to either side, in radians.
    losses
        Mean cross-entropy of the target at each step of its making.
    """

    pattern: Tensor
    shape: str
    target: int
    sizes: tuple[float, float]
    turn: float
    losses: tuple[float, ...] = ()

    def apply(self, images: Tensor, *, seed: Seed = 0) -> Tensor:
        """Return B×C×H×W or C×H×W images with the patch at a random place, size and turn in each.

        Parameters
        ----------
        images
            Float tensor in 0–1.
        seed
            Whole number ≥ 0 or a generator: the places.
        """
        batch = images[None] if images.ndim == 3 else images
        pose = _poses(len(batch), batch.shape[2:], self.sizes, self.turn, generator(seed))
        stuck = stick(batch, self.pattern.to(batch), self.shape, pose)
        return stuck[0] if images.ndim == 3 else stuck


@method(task="attack", paper="Brown 2017", lesson="w9d4")
def patch(
    model: nn.Module,
    images: Tensor,
    *,
    target: int,
    shape: Annotated[str, Choice(*SHAPES)] = "disc",
    sizes: tuple[float, float] = (0.3, 0.5),
    turn: Annotated[float, Range(0, math.pi)] = 0.4,
    steps: Annotated[int, Range(1, 10_000)] = 200,
    learning_rate: Annotated[float, Range(1e-4, 10)] = 0.1,
    batch_size: Annotated[int, Range(1, 1024)] = 16,
    seed: Seed = 0,
) -> AdversarialPatch:
    """Return a patch that makes the model see a class wherever it lies, made by Adam over random pictures and places.

    NaN and infinity in the images are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; mean and deviation lie inside it.
    images
        N×C×H×W float32 tensor in 0–1 to learn from.
    target
        Class to be taken for.
    shape
        ``disc`` or ``square``.
    sizes
        Least and largest diameter, as shares of the picture's shorter side, in 0–1.
    turn
        Largest turn to either side, in radians, ≥ 0.
    steps
        Steps of Adam, ≥ 1.
    learning_rate
        Of Adam, > 0, in units of pixel value (0–1).
    batch_size
        Pictures in each step.
    seed
        Whole number ≥ 0 or a generator: pictures, places, sizes and turns.

    Returns
    -------
    AdversarialPatch
        With ``pattern`` (C×S×S, S the shorter side of the pictures) and ``apply(images)``.

    Raises
    ------
    InputError
        When pixels lie outside 0–1, the class does not exist, or an option is out of its range.

    References
    ----------
    Brown, Mané, Roy, Abadi, Gilmer, "Adversarial Patch", NIPS workshop 2017.

    Examples
    --------
    The second score grows with all pixels, so that the best patch is white:

    >>> import torch
    >>> from sightline.attack import patch
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 2, bias=False))
    >>> model[1].weight = torch.nn.Parameter(torch.stack([torch.zeros(64), torch.ones(64)]))
    >>> found = patch(model, torch.zeros(2, 1, 8, 8), target=1, steps=20)
    >>> round(float(found.pattern[0, 4, 4]), 2)
    1.0
    """
    making = _checked(shape, sizes, turn, steps, learning_rate, batch_size)
    with attempting("patch", model, images, None, target) as attempt:
        *_, last = making.patterns(attempt, generator(seed))
        return making.told(attempt, last)


@patch.steps
def _(
    model: nn.Module,
    images: Tensor,
    *,
    target: int,
    shape: str = "disc",
    sizes: tuple[float, float] = (0.3, 0.5),
    turn: float = 0.4,
    steps: int = 200,
    learning_rate: float = 0.1,
    batch_size: int = 16,
    seed: Seed = 0,
) -> Iterator[Step]:
    making = _checked(shape, sizes, turn, steps, learning_rate, batch_size)
    with attempting("patch", model, images, None, target) as attempt:
        yield begin(attempt)
        made = list(making.patterns(attempt, generator(seed)))
        shown = [made[i] for i in sorted({0, len(made) // 16, len(made) // 4, len(made) - 1})]
        tiles = np.stack([picture_of(m.pattern[None].detach()) for m in shown])
        yield Step("pattern", Grid(tiles), note="On its way: after no step, a sixteenth, a quarter and all of them.")
        found = making.told(attempt, made[-1])
        points = np.array(list(enumerate(found.losses)), np.float32)
        yield Step("loss", Curve(points, ("step", "cross-entropy of the target")))
        stuck = found.apply(attempt.clean[:1], seed=seed)
        said = f"Taken for class {int(attempt.scores(stuck).argmax())}."
        yield Step("in a picture", Picture(picture_of(stuck)), note=said)
        yield Step("patch", Value(found), Picture(picture_of(found.pattern[None])), note=f"Made for class {target}.")


class _Pose(NamedTuple):
    x: Tensor  # B, centres in pixels from the left edge
    y: Tensor
    size: Tensor  # diameters in pixels
    angle: Tensor  # radians


class _Made(NamedTuple):
    pattern: Tensor
    losses: tuple[float, ...]


class _Making(NamedTuple):
    shape: str
    sizes: tuple[float, float]
    turn: float
    steps: int
    learning_rate: float
    batch_size: int

    def patterns(self, attempt: Attempt, random: np.random.Generator) -> Iterator[_Made]:
        """Yield the grey pattern of the beginning and what each step makes of it."""
        clean, wanted = attempt.clean, attempt.named
        side = min(clean.shape[2:])
        pattern = torch.full((clean.shape[1], side, side), 0.5, device=clean.device, requires_grad=True)
        adam = torch.optim.Adam([pattern], lr=self.learning_rate)
        losses: list[float] = []
        yield _Made(pattern.detach().clone(), ())
        for _ in range(self.steps):
            rows = random.integers(len(clean), size=min(self.batch_size, len(clean)))
            pose = _poses(len(rows), clean.shape[2:], self.sizes, self.turn, random)
            stuck = stick(clean[torch.from_numpy(rows)], pattern, self.shape, pose)
            loss = F.cross_entropy(attempt.model(stuck), wanted[rows])  # −log P(target)
            (pattern.grad,) = torch.autograd.grad(loss, pattern)
            adam.step()
            with torch.no_grad():
                pattern.clamp_(0, 1)
            losses.append(float(loss.detach()))
            yield _Made(pattern.detach().clone(), tuple(losses))

    def told(self, attempt: Attempt, last: _Made) -> AdversarialPatch:
        """Return what was made."""
        wanted = int(attempt.named[0])
        return AdversarialPatch(last.pattern.cpu(), self.shape, wanted, self.sizes, self.turn, last.losses)


def stick(images: Tensor, pattern: Tensor, shape: str, pose: _Pose) -> Tensor:
    """Return the pictures with the pattern laid over them, differentiable in the pattern.

    Parameters
    ----------
    images
        B×C×H×W.
    pattern
        C×S×S.
    shape
        One of :data:`SHAPES`.
    pose
        Where, how large and how turned it lies in each.
    """
    height, width = images.shape[2:]
    across = torch.arange(width, device=images.device) + 0.5 - pose.x.to(images.device)[:, None, None]
    down = torch.arange(height, device=images.device)[:, None] + 0.5 - pose.y.to(images.device)[:, None, None]
    half = pose.size.to(images.device)[:, None, None] / 2
    cos, sin = (f(pose.angle).to(images.device)[:, None, None] for f in (torch.cos, torch.sin))
    u = (cos * across + sin * down) / half  # each pixel in the patch's own axes, −1 to 1 from edge to edge
    v = (cos * down - sin * across) / half
    inside = (u**2 + v**2 <= 1) if shape == "disc" else torch.maximum(u.abs(), v.abs()) <= 1
    grid = torch.stack([u, v], dim=3).to(pattern.dtype)
    tiles = pattern.expand(len(images), *pattern.shape)
    drawn = F.grid_sample(tiles, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return torch.where(inside[:, None], drawn, images)


def _poses(
    count: int, size: tuple[int, ...], sizes: tuple[float, float], turn: float, random: np.random.Generator
) -> _Pose:
    """Draw where ``count`` patches lie, each wholly within its picture while it is not turned."""
    height, width = size
    diameter = random.uniform(*sizes, count) * min(height, width)
    x = diameter / 2 + random.random(count) * (width - diameter)
    y = diameter / 2 + random.random(count) * (height - diameter)
    angle = random.uniform(-turn, turn, count)
    return _Pose(*(torch.from_numpy(values.astype(np.float32)) for values in (x, y, diameter, angle)))


def _checked(
    shape: str, sizes: tuple[float, float], turn: float, steps: int, learning_rate: float, batch_size: int
) -> _Making:
    low, high = sizes if isinstance(sizes, (tuple, list)) and len(sizes) == 2 else (math.nan, math.nan)
    low = number("patch", "sizes[0]", low, above=0.0, high=1.0)
    high = number("patch", "sizes[1]", high, above=0.0, high=1.0)
    if low > high:
        raise InputError(f"patch: sizes must be the least and the largest diameter; got {low:g} and {high:g}.")
    return _Making(
        choice("patch", "shape", shape, SHAPES),
        (low, high),
        number("patch", "turn", turn, 0.0, math.pi),
        integer("patch", "steps", steps, 1, 1_000_000),
        number("patch", "learning_rate", learning_rate, above=0.0, high=1e6),
        integer("patch", "batch_size", batch_size, 1),
    )
