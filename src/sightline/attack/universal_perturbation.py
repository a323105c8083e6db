"""Universal perturbation: one change that fools the model on most pictures, also on those that it was not made from.

Moosavi-Dezfooli, Fawzi, Fawzi, Frossard 2017, "Universal Adversarial Perturbations", CVPR, algorithm 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from sightline.attack.attempt import Attempt, attempting
from sightline.attack.ball import NORMS, Ball
from sightline.attack.deep_fool import beyond, walk
from sightline.attack.showing import begin, values
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Curve, Heat, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Choice, Range, Seed
from sightline.nn.probe import Target, picture_of


@dataclass(frozen=True, eq=False)
class UniversalPerturbation:
    """One change for all pictures.

    Parameters
    ----------
    change
        C×H×W float32, on the CPU.
    eps
        Bound of the change.
    norm
        ``inf`` or ``l2``.
    fooled
        Share of the pictures that it was made from on which it works, 0–1.
    passes
        How often the pictures were gone through.
    """

    change: Tensor
    eps: float
    norm: str
    fooled: float
    passes: int

    def apply(self, images: Tensor) -> Tensor:
        """Return B×C×H×W or C×H×W images in 0–1 with the change added, within 0–1."""
        return (images + self.change.to(images)).clamp(0, 1)


@method(task="attack", paper="Moosavi-Dezfooli 2017", lesson="w9d4")
def universal_perturbation(
    model: nn.Module,
    images: Tensor,
    labels: Target = None,
    *,
    eps: Annotated[float, Range(0, 1)] = 10 / 255,
    norm: Annotated[str, Choice(*NORMS)] = "inf",
    rate: Annotated[float, Range(0, 1)] = 0.8,
    passes: Annotated[int, Range(1, 100)] = 10,
    overshoot: Annotated[float, Range(0, 1)] = 0.02,
    steps: Annotated[int, Range(1, 1000)] = 50,
    classes: Annotated[int, Range(2, 1000)] = 10,
    seed: Seed = 0,
) -> UniversalPerturbation:
    """Return one perturbation that fools the model on most of many pictures.

    Goes through the pictures in a random order; where the perturbation does not work yet, the shortest further change
    that does (by DeepFool) is added, and the sum is brought back into the ball. NaN and infinity in the images are
    refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; mean and deviation lie inside it.
    images
        N×C×H×W float32 tensor in 0–1.
    labels
        True class of each image; the model's own answers when None.
    eps
        Bound of the perturbation, ≥ 0, in units of pixel value (0–1).
    norm
        ``inf`` bounds the change of each pixel by ``eps``, ``l2`` the root of the sum of all squared changes.
    rate
        Share of the pictures on which it must work before it is done, 0–1.
    passes
        Most passes over the pictures, ≥ 1.
    overshoot, steps, classes
        Of each DeepFool.
    seed
        Whole number ≥ 0 or a generator: the order of the pictures.

    Returns
    -------
    UniversalPerturbation
        With ``change`` (C×H×W), the share ``fooled``, and ``apply(images)`` for further pictures.

    Raises
    ------
    InputError
        When pixels lie outside 0–1, a class does not exist, or an option is out of its range.

    References
    ----------
    Moosavi-Dezfooli, Fawzi, Fawzi, Frossard, "Universal Adversarial Perturbations", CVPR 2017.

    Examples
    --------
    >>> import torch
    >>> from sightline.attack import universal_perturbation
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> model[1].weight = torch.nn.Parameter(torch.eye(2))
    >>> found = universal_perturbation(model, torch.tensor([[[[0.6, 0.4]]], [[[0.55, 0.5]]]]), eps=0.2)
    >>> found.fooled, bool(found.change[0, 0, 0] < 0 < found.change[0, 0, 1])
    (1.0, True)
    """
    search = _checked(eps, norm, rate, passes, overshoot, steps, classes)
    with attempting("universal_perturbation", model, images, labels, None) as attempt:
        *_, last = search.rounds(attempt, generator(seed))
        return search.told(last)


@universal_perturbation.steps
def _(
    model: nn.Module,
    images: Tensor,
    labels: Target = None,
    *,
    eps: float = 10 / 255,
    norm: str = "inf",
    rate: float = 0.8,
    passes: int = 10,
    overshoot: float = 0.02,
    steps: int = 50,
    classes: int = 10,
    seed: Seed = 0,
) -> Iterator[Step]:
    search = _checked(eps, norm, rate, passes, overshoot, steps, classes)
    with attempting("universal_perturbation", model, images, labels, None) as attempt:
        yield begin(attempt)
        rounds = list(search.rounds(attempt, generator(seed)))
        points = np.array([(i, r.fooled) for i, r in enumerate(rounds)], np.float32)
        note = f"Of {len(attempt.clean)} pictures, after each pass."
        yield Step("share fooled", Curve(points, ("pass", "share fooled")), note=note)
        found = search.told(rounds[-1])
        yield Step("perturbed", Picture(picture_of(found.apply(attempt.clean[:1]))), note="The first of the pictures.")
        yield Step("perturbation", Value(found), Heat(values(found.change[None])), note="One for all pictures.")


class _Round(NamedTuple):
    change: Tensor  # v, 1×C×H×W
    fooled: float
    passes: int


class _Search(NamedTuple):
    ball: Ball
    rate: float
    passes: int
    overshoot: float
    steps: int
    classes: int

    def rounds(self, attempt: Attempt, random: np.random.Generator) -> Iterator[_Round]:
        """Yield the perturbation before the first pass and after each."""
        v = torch.zeros_like(attempt.clean[:1])
        fooled = self._share(attempt, v)
        yield _Round(v, fooled, 0)
        for number_of_pass in range(1, self.passes + 1):
            if fooled >= self.rate:
                return
            for i in random.permutation(len(attempt.clean)).tolist():
                v = self._further(attempt, v, i)
            fooled = self._share(attempt, v)
            yield _Round(v, fooled, number_of_pass)

    def _further(self, attempt: Attempt, v: Tensor, i: int) -> Tensor:
        """Return v ← Π(v + Δv), with the least Δv that fools the model on picture ``i``; v where it does already."""
        x = (attempt.clean[i : i + 1] + v).clamp_(0, 1)
        one = replace(attempt, clean=x, labels=attempt.labels[i : i + 1])
        if bool(one.fooled(one.scores(x))):
            return v
        moved = x
        for moved in walk(one, self.classes, self.steps):  # noqa: B007 - the last one is wanted
            pass
        moved = beyond(x, moved, self.overshoot)
        if not bool(one.fooled(one.scores(moved))):
            return v
        return self.ball.shorten(v + moved - x)

    def _share(self, attempt: Attempt, v: Tensor) -> float:
        return float(attempt.fooled(attempt.scores((attempt.clean + v).clamp(0, 1))).float().mean())

    def told(self, last: _Round) -> UniversalPerturbation:
        """Return what was found."""
        change = last.change[0].detach().cpu()
        return UniversalPerturbation(change, self.ball.eps, self.ball.norm, last.fooled, last.passes)


def _checked(eps: float, norm: str, rate: float, passes: int, overshoot: float, steps: int, classes: int) -> _Search:
    name = "universal_perturbation"
    return _Search(
        Ball.checked(name, norm, eps),
        number(name, "rate", rate, 0.0, 1.0),
        integer(name, "passes", passes, 1, 100_000),
        number(name, "overshoot", overshoot, 0.0, 1e6),
        integer(name, "steps", steps, 1, 100_000),
        integer(name, "classes", classes, 2),
    )
