"""PGD: many small steps uphill, each brought back into the ball of what may not be noticed.

Madry, Makelov, Schmidt, Tsipras, Vladu 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR,
section 2.1 (L∞) and appendix (L2).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sightline.attack.attempt import Attempt, attempting
from sightline.attack.ball import NORMS, Ball
from sightline.attack.fgsm import Pictures
from sightline.attack.showing import answers, begin, end
from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Choice, Range, Seed
from sightline.nn.probe import Target

_STRIDE = 2.5  # of the ball's radius over the steps: far enough to reach the rim and to turn there (Madry 2018, B)


@method(task="attack", paper="Madry 2018", lesson="w9d4")
def pgd(
    model: nn.Module,
    images: Pictures,
    labels: Target = None,
    *,
    eps: Annotated[float, Range(0, 1)] = 8 / 255,
    norm: Annotated[str, Choice(*NORMS)] = "inf",
    steps: Annotated[int, Range(1, 1000)] = 10,
    step_size: Annotated[float | None, Range(0, 1)] = None,
    random_start: bool = True,
    restarts: Annotated[int, Range(1, 100)] = 1,
    target: Target = None,
    seed: Seed = 0,
) -> Pictures:
    """Return the pictures that projected gradient ascent on the loss finds within a ball around each.

    The last iterate is taken, of several restarts the one of the largest loss. NaN and infinity in the images are
    refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; mean and deviation lie inside it.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    labels
        True class, or one for each image; the model's own answers when None.
    eps
        Radius of the ball, ≥ 0, in units of pixel value (0–1).
    norm
        ``inf`` bounds the change of each pixel by ``eps``, ``l2`` the root of the sum of all squared changes.
    steps
        Gradient steps, ≥ 1.
    step_size
        Length of a step by the same norm; 2.5 ``eps`` / ``steps`` when None.
    random_start
        Begin at a random point of the ball rather than at the picture.
    restarts
        How often to begin anew, ≥ 1; more than one needs ``random_start``.
    target
        Class to be taken for, or one for each image; any other than ``labels`` when None.
    seed
        Whole number ≥ 0 or a generator: where it starts.

    Returns
    -------
    Tensor or array
        Of the shape of ``images``, float32 in 0–1, within the ball.

    Raises
    ------
    InputError
        When pixels lie outside 0–1, a class does not exist, or an option is out of its range.

    References
    ----------
    Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018.

    Examples
    --------
    The best point of the ball around (0.5, 0.5) for a linear model lies along its weight:

    >>> import torch
    >>> from sightline.attack import pgd
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> model[1].weight = torch.nn.Parameter(torch.tensor([[3.0, -4.0], [0.0, 0.0]]))
    >>> found = pgd(model, torch.tensor([[[0.5, 0.5]]]), 0, eps=0.1, norm="l2")
    >>> [round(pixel, 2) for pixel in found.flatten().tolist()]
    [0.44, 0.58]
    """
    climb = _checked(eps, norm, steps, step_size, random_start, restarts)
    with attempting("pgd", model, images, labels, target) as attempt:
        random = generator(seed)
        found = climb.last(attempt, random)
        if restarts == 1:
            return attempt.result(found)  # pyrefly: ignore
        worst = attempt.losses(attempt.scores(found))
        for _ in range(restarts - 1):
            other = climb.last(attempt, random)
            losses = attempt.losses(attempt.scores(other))
            found = torch.where((losses > worst).view(-1, 1, 1, 1), other, found)
            worst = torch.maximum(losses, worst)
        return attempt.result(found)  # pyrefly: ignore


@pgd.steps
def _(
    model: nn.Module,
    images: Pictures,
    labels: Target = None,
    *,
    eps: float = 8 / 255,
    norm: str = "inf",
    steps: int = 10,
    step_size: float | None = None,
    random_start: bool = True,
    restarts: int = 1,
    target: Target = None,
    seed: Seed = 0,
) -> Iterator[Step]:
    climb = _checked(eps, norm, steps, step_size, random_start, restarts)
    with attempting("pgd", model, images, labels, target) as attempt:
        yield begin(attempt)
        random = generator(seed)
        best: list[Tensor] = []
        for _ in range(restarts):  # the first picture's best climb is the one that is shown
            climbed = [attempt.clean, *climb.iterates(attempt, random)]
            if not best:
                best = climbed
                continue
            better = attempt.losses(attempt.scores(climbed[-1])) > attempt.losses(attempt.scores(best[-1]))
            best = [torch.where(better.view(-1, 1, 1, 1), new, old) for new, old in zip(climbed, best, strict=True)]
        yield answers(attempt, best)
        yield from end(attempt, best[-1])


class Climb(NamedTuple):
    """Projected gradient ascent within a ball.

    Parameters
    ----------
    ball
        Where to stay.
    steps
        How many steps.
    step_size
        How long each is.
    random_start
        Whether to begin at a random point.
    cut
        Whether that point is cut to 0–1; where all is black or white, cutting moves half of the pixels back.
    """

    ball: Ball
    steps: int
    step_size: float
    random_start: bool = True
    cut: bool = True

    @classmethod
    def default(cls, ball: Ball, steps: int, *, random_start: bool = True) -> Climb:
        """Return a climb whose steps are of the usual size: 2.5 ε / steps."""
        return cls(ball, steps, _STRIDE * ball.eps / steps, random_start)

    def iterates(self, attempt: Attempt, random: np.random.Generator) -> Iterator[Tensor]:
        """Yield the start, where it is random, and every step's batch."""
        x = attempt.clean
        if self.random_start:
            x = self.ball.sample(attempt.clean, random, cut=self.cut)
            yield x
        for _ in range(self.steps):
            # x ← Π(x + α · direction of ∇J)
            x = self.ball.project(attempt.clean, x + self.step_size * self.ball.direction(attempt.gradient(x)))
            yield x

    def last(self, attempt: Attempt, random: np.random.Generator) -> Tensor:
        """Return the batch after the last step."""
        x = attempt.clean
        for x in self.iterates(attempt, random):  # noqa: B007 - the last one is wanted
            pass
        return x


def _checked(eps: float, norm: str, steps: int, step_size: float | None, random_start: bool, restarts: int) -> Climb:
    ball = Ball.checked("pgd", norm, eps)
    steps = integer("pgd", "steps", steps, 1, 100_000)
    start = flag("pgd", "random_start", random_start)
    integer("pgd", "restarts", restarts, 1, 10_000 if start else 1)
    climb = Climb.default(ball, steps, random_start=start)
    return climb if step_size is None else climb._replace(step_size=number("pgd", "step_size", step_size, 0.0, 1e6))
