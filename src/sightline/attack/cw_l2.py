"""Carlini–Wagner: the smallest change that works, by an optimiser that pays for length and for not being fooled.

Carlini, Wagner 2017, "Towards Evaluating the Robustness of Neural Networks", IEEE S&P, sections V and VI.A.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

import torch
from torch import Tensor, nn

from sightline.attack.attempt import Attempt, attempting
from sightline.attack.fgsm import Pictures
from sightline.attack.showing import answers, begin, end
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Curve
from sightline.core.trace import Step
from sightline.core.types import Range
from sightline.nn.probe import Target

_INSIDE = 1 - 1e-6  # the hyperbolic tangent reaches black and white at infinity only
_TENFOLD = 10.0  # the constant's growth until a first success


@method(task="attack", paper="Carlini 2017", lesson="w9d4")
def cw_l2(
    model: nn.Module,
    images: Pictures,
    labels: Target = None,
    *,
    confidence: Annotated[float, Range(0, 100)] = 0.0,
    constant: Annotated[float, Range(1e-3, 1000)] = 1.0,
    searches: Annotated[int, Range(1, 20)] = 6,
    steps: Annotated[int, Range(1, 10_000)] = 200,
    learning_rate: Annotated[float, Range(1e-4, 1)] = 0.01,
    target: Target = None,
) -> Pictures:
    """Return the pictures of the smallest Euclidean change that Adam finds to fool the model.

    Lowers ‖δ‖² + c · max(Z_label − max Z_other, −κ) in a variable whose hyperbolic tangent is the picture, so that
    pixels stay in 0–1, and looks for the smallest c that works by bisection. A picture for which nothing worked comes
    back as it is. NaN and infinity in the images are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; mean and deviation lie inside it.
    images
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    labels
        True class, or one for each image; the model's own answers when None.
    confidence
        κ ≥ 0: by how much the wrong class must lead, in units of the score.
    constant
        c > 0 of the first search; it grows tenfold until the attack works, then it is bisected.
    searches
        How many values of c are tried, ≥ 1.
    steps
        Steps of Adam for each, ≥ 1.
    learning_rate
        Of Adam, > 0.
    target
        Class to be taken for, or one for each image; any other than ``labels`` when None.

    Returns
    -------
    Tensor or array
        Of the shape of ``images``, float32 in 0–1.

    Raises
    ------
    InputError
        When pixels lie outside 0–1, a class does not exist, or an option is out of its range.

    References
    ----------
    Carlini, Wagner, "Towards Evaluating the Robustness of Neural Networks", IEEE Symposium on Security and
    Privacy 2017.

    Examples
    --------
    The boundary of this model lies where the pixels are equal:

    >>> import torch
    >>> from sightline.attack import cw_l2
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> model[1].weight = torch.nn.Parameter(torch.eye(2))
    >>> found = cw_l2(model, torch.tensor([[[0.6, 0.4]]]))
    >>> [round(pixel, 2) for pixel in found.flatten().tolist()]
    [0.5, 0.5]
    """
    search = _checked(confidence, constant, searches, steps, learning_rate)
    with attempting("cw_l2", model, images, labels, target) as attempt:
        *_, last = search.rounds(attempt)
        return attempt.result(last.best)  # pyrefly: ignore


@cw_l2.steps
def _(
    model: nn.Module,
    images: Pictures,
    labels: Target = None,
    *,
    confidence: float = 0.0,
    constant: float = 1.0,
    searches: int = 6,
    steps: int = 200,
    learning_rate: float = 0.01,
    target: Target = None,
) -> Iterator[Step]:
    search = _checked(confidence, constant, searches, steps, learning_rate)
    with attempting("cw_l2", model, images, labels, target) as attempt:
        yield begin(attempt)
        rounds = list(search.rounds(attempt))
        tried = torch.tensor([(float(r.constant[0]), float(r.squared[0]) ** 0.5) for r in rounds])
        worked = tried[tried[:, 1].isfinite()]
        if len(worked):
            note = "Each search's constant, and the length of the smallest change so far."
            yield Step("constants", Curve(worked.numpy(), ("c", "‖δ‖")), note=note)
        yield answers(attempt, [attempt.clean, *(r.best for r in rounds)])
        yield from end(attempt, rounds[-1].best)


class _Round(NamedTuple):
    constant: Tensor  # c of each image, B
    best: Tensor  # the nearest adversarial images so far, B×C×H×W
    squared: Tensor  # their ‖δ‖², B; infinite where nothing worked


class _Search(NamedTuple):
    confidence: float
    constant: float
    searches: int
    steps: int
    learning_rate: float

    def rounds(self, attempt: Attempt) -> Iterator[_Round]:
        """Yield what each value of the constant added."""
        clean = attempt.clean
        c = torch.full((len(clean),), self.constant, device=clean.device)
        low, high = torch.zeros_like(c), torch.full_like(c, torch.inf)
        best, squared = clean.clone(), torch.full_like(c, torch.inf)
        for _ in range(self.searches):
            found, length = self._minimise(attempt, c)
            nearer = length < squared
            best = torch.where(nearer.view(-1, 1, 1, 1), found, best)
            squared = torch.where(nearer, length, squared)
            yield _Round(c, best, squared)
            worked = length.isfinite()
            high, low = (
                torch.where(worked, torch.minimum(high, c), high),
                torch.where(worked, low, torch.maximum(low, c)),
            )
            c = torch.where(high.isfinite(), (low + high) / 2, c * _TENFOLD)

    def _minimise(self, attempt: Attempt, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return the nearest adversarial images on the optimiser's way, and their ‖δ‖²; infinite where none was."""
        clean = attempt.clean
        w = torch.atanh((2 * clean - 1).clamp(-_INSIDE, _INSIDE)).requires_grad_()
        adam = torch.optim.Adam([w], lr=self.learning_rate)
        best, shortest = clean.clone(), torch.full_like(c, torch.inf)
        for _ in range(self.steps):
            x = (torch.tanh(w) + 1) / 2
            squared = ((x - clean) ** 2).sum(dim=(1, 2, 3))
            scores = attempt.model(x)
            lead = _lead(attempt, scores)
            loss = squared + c * (-lead).clamp_min(-self.confidence)  # ‖δ‖² + c · f(x)
            (w.grad,) = torch.autograd.grad(loss.sum(), w)
            adam.step()
            works = attempt.fooled(scores) & (lead >= self.confidence) & (squared < shortest)
            best = torch.where(works.view(-1, 1, 1, 1), x.detach(), best)
            shortest = torch.where(works, squared.detach(), shortest)
        return best, shortest


def _lead(attempt: Attempt, scores: Tensor) -> Tensor:
    """Return by how much the wanted class leads: the target before all others, or any other before the label."""
    named = attempt.named[:, None]
    lead = scores.gather(1, named)[:, 0] - scores.scatter(1, named, -torch.inf).amax(dim=1)
    return -lead if attempt.target is None else lead


def _checked(confidence: float, constant: float, searches: int, steps: int, learning_rate: float) -> _Search:
    return _Search(
        number("cw_l2", "confidence", confidence, 0.0, 1e6),
        number("cw_l2", "constant", constant, above=0.0, high=1e12),
        integer("cw_l2", "searches", searches, 1, 1000),
        integer("cw_l2", "steps", steps, 1, 1_000_000),
        number("cw_l2", "learning_rate", learning_rate, above=0.0, high=1e6),
    )
