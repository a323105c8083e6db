"""Robustness curve: accuracy against the radius of the attack, and whether the attack is to be believed.

Carlini, Athalye, Papernot, Brendel, Rauber, Tsipras, Goodfellow, Madry, Kurakin 2019, "On Evaluating Adversarial
Robustness", sections 3 and 4; Athalye, Carlini, Wagner 2018, "Obfuscated Gradients Give a False Sense of Security",
ICML, section 3.1: a defence that hides its gradient is found out by attacks in the wrong order of strength.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from torch import Tensor, nn

from sightline.attack.attempt import Attempt, attempting
from sightline.attack.ball import NORMS, Ball
from sightline.attack.pgd import Climb
from sightline.attack.robustness_page import body_of, drawn, page_of
from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.files import write_text
from sightline.core.layers import Curve, Picture, Table, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Choice, PathLike, Range, Seed
from sightline.nn.probe import Target, probing

if TYPE_CHECKING:
    from sightline.attack.certify import Certificates

_EPSILONS = tuple(level / 255 for level in (0, 1, 2, 4, 6, 8, 12, 16))
_AT_ONCE = 256  # images in one attack
_SLACK = 0.01  # share of the images by which two attacks may differ by chance
_FURTHEST = {"inf": 1.0}  # beyond this radius every picture can be reached; the diagonal of all pixels for l2


@dataclass(frozen=True)
class Check:
    """One sign of a gradient that is hidden.

    Parameters
    ----------
    name
        What must hold.
    holds
        Whether it does.
    said
        The figures.
    """

    name: str
    holds: bool
    said: str


@dataclass(frozen=True, eq=False)
class RobustnessCurve:
    """Accuracy under attacks of growing radius.

    Parameters
    ----------
    epsilons
        Radii, rising, in units of pixel value (0–1).
    accuracies
        By attack (``PGD``, ``FGSM``, ``random noise``, ``transfer``) the share of right answers at each radius.
    norm
        ``inf`` or ``l2``.
    steps
        Of PGD.
    images
        How many were attacked.
    checks
        The signs of a hidden gradient that were looked for.
    examples
        Pictures of the first images: a row of N for each radius, radii×N×H×W(×3) float32.
    """

    epsilons: tuple[float, ...]
    accuracies: dict[str, tuple[float, ...]]
    norm: str
    steps: int
    images: int
    checks: tuple[Check, ...]
    examples: np.ndarray

    @property
    def trusted(self) -> bool:
        """Whether no check speaks of a hidden gradient."""
        return all(check.holds for check in self.checks)

    def draw(self) -> np.ndarray:
        """Return the first images as the attack makes them, a row for each radius, H×W×3 uint8."""
        return drawn(self)

    def body(self) -> str:
        """Return the report's section: self-contained HTML without script."""
        return body_of(self)

    def to_html(self, title: str = "Robustness", certified: Certificates | None = None) -> str:
        """Return one self-contained page.

        Parameters
        ----------
        title
            Its heading.
        certified
            What :func:`~sightline.attack.certify` gave for the same model: a second section.
        """
        return page_of(self, title, certified)

    def save(self, path: PathLike, title: str = "Robustness", certified: Certificates | None = None) -> str:
        """Write the page to ``path``; return its SHA-256."""
        return write_text(path, self.to_html(title, certified))

    def to_json(self) -> dict[str, Any]:
        """Return radii, accuracies and checks as plain JSON values."""
        return {
            "epsilons": list(self.epsilons),
            "accuracies": {name: list(values) for name, values in self.accuracies.items()},
            "norm": self.norm,
            "steps": self.steps,
            "images": self.images,
            "trusted": self.trusted,
            "checks": [{"name": c.name, "holds": c.holds, "said": c.said} for c in self.checks],
        }


@method(task="attack", paper="Carlini 2019", lesson="w9d4")
def robustness_curve(
    model: nn.Module,
    images: Tensor,
    labels: Target,
    *,
    epsilons: Sequence[float] = _EPSILONS,
    norm: Annotated[str, Choice(*NORMS)] = "inf",
    steps: Annotated[int, Range(1, 1000)] = 20,
    substitute: nn.Module | None = None,
    seed: Seed = 0,
) -> RobustnessCurve:
    """Return the accuracy under PGD, FGSM and random noise of growing radius, and what speaks of a hidden gradient.

    An accuracy is an upper bound: a stronger attack may find more. Five checks say whether the attack is to be
    believed: PGD is as strong as FGSM; at a radius without bound nothing is right any more; more steps never help the
    model; noise is weaker than PGD; and, with a ``substitute``, pictures made against another model are weaker than
    those made against this one. NaN and infinity in the images are refused. The model is left as it was.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W in 0–1 and returns scores B×classes; mean and deviation lie inside it.
    images
        N×C×H×W float32 tensor in 0–1.
    labels
        True class of each image.
    epsilons
        Radii, ≥ 0 and rising, in units of pixel value (0–1).
    norm
        ``inf`` bounds the change of each pixel by the radius, ``l2`` the root of the sum of all squared changes.
    steps
        Of PGD, ≥ 1, each of 2.5 ε / steps from a random start.
    substitute
        Another classifier of the same classes, to attack in its place.
    seed
        Whole number ≥ 0: the noise and the random starts.

    Returns
    -------
    RobustnessCurve
        With ``epsilons``, ``accuracies``, ``checks``; ``save("robustness.html")`` writes one self-contained page.

    Raises
    ------
    InputError
        When pixels lie outside 0–1, a class does not exist, or the radii do not rise.

    References
    ----------
    Carlini et al., "On Evaluating Adversarial Robustness", 2019.

    Athalye, Carlini, Wagner, "Obfuscated Gradients Give a False Sense of Security", ICML 2018.

    Examples
    --------
    >>> import torch
    >>> from sightline.attack import robustness_curve
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2, bias=False))
    >>> model[1].weight = torch.nn.Parameter(torch.eye(2))
    >>> images = torch.tensor([[[[0.7, 0.5]]], [[[0.4, 0.8]]]])
    >>> found = robustness_curve(model, images, [0, 1], epsilons=(0.0, 0.15, 0.3))
    >>> found.accuracies["PGD"], found.trusted
    ((1.0, 0.5, 0.0), True)
    """
    radii = _radii(epsilons)
    ball = Ball(choice("robustness_curve", "norm", norm, NORMS), radii[-1])
    steps = integer("robustness_curve", "steps", steps, 1, 100_000)
    with attempting("robustness_curve", model, images, labels, None) as attempt:
        measure = _Measure(attempt, seed, substitute)
        kinds = {"PGD": measure.pgd, "FGSM": measure.fgsm, "random noise": measure.noise}
        if substitute is not None:
            kinds["transfer"] = measure.transferred
        found = {
            name: tuple(attack(replace(ball, eps=radius), steps) for radius in radii) for name, attack in kinds.items()
        }
        checks = tuple(measure.checks(ball, radii, steps, found))
        examples = measure.examples([replace(ball, eps=radius) for radius in radii], steps)
    return RobustnessCurve(radii, found, norm, steps, len(attempt.clean), checks, examples)


@robustness_curve.steps
def _(
    model: nn.Module,
    images: Tensor,
    labels: Target,
    *,
    epsilons: Sequence[float] = _EPSILONS,
    norm: str = "inf",
    steps: int = 20,
    substitute: nn.Module | None = None,
    seed: Seed = 0,
) -> Iterator[Step]:
    found = robustness_curve(
        model, images, labels, epsilons=epsilons, norm=norm, steps=steps, substitute=substitute, seed=seed
    )
    columns = ("radius", *found.accuracies)
    rows = np.array([found.epsilons, *found.accuracies.values()], np.float32).T
    for name, values in found.accuracies.items():
        points = np.array([found.epsilons, values], np.float32).T
        yield Step(name, Curve(points, ("radius", "accuracy")), note=f"Of {found.images} pictures.")
    yield Step("table", Table(rows, columns))
    for check in found.checks:
        yield Step(check.name, Value("holds" if check.holds else "does not hold"), note=check.said)
    yield Step("pictures", Value(found), Picture(found.draw()), note="A row for each radius.")


class _Measure:
    """Accuracies of one model on one batch under attacks."""

    def __init__(self, attempt: Attempt, seed: Seed, substitute: nn.Module | None) -> None:
        self.attempt, self.seed, self.substitute = attempt, seed, substitute
        starts = range(0, len(attempt.clean), _AT_ONCE)
        self.parts = [
            replace(attempt, clean=attempt.clean[i : i + _AT_ONCE], labels=attempt.labels[i : i + _AT_ONCE])
            for i in starts
        ]

    def pgd(self, ball: Ball, steps: int) -> float:
        """Return the accuracy under PGD."""
        return self._accuracy(lambda part, random: Climb.default(ball, steps).last(part, random))

    def fgsm(self, ball: Ball, steps: int) -> float:
        """Return the accuracy under one step of the ball's radius."""
        return self._accuracy(lambda part, random: Climb(ball, 1, ball.eps, False).last(part, random))

    def noise(self, ball: Ball, steps: int) -> float:
        """Return the accuracy under noise drawn from the ball."""
        return self._accuracy(lambda part, random: ball.sample(part.clean, random))

    def transferred(self, ball: Ball, steps: int) -> float:
        """Return the accuracy on pictures that PGD makes against the substitute."""
        other = self.substitute
        if other is None:
            raise InputError("robustness_curve: substitute must be a model; got None.")

        def attack(part: Attempt, random: np.random.Generator) -> Tensor:
            with probing(other):
                return Climb.default(ball, steps).last(replace(part, model=other), random)

        return self._accuracy(attack)

    def _accuracy(self, attack: Callable[[Attempt, np.random.Generator], Tensor]) -> float:
        random = generator(self.seed)
        wrong = sum(int(part.fooled(part.scores(attack(part, random))).sum()) for part in self.parts)
        return 1 - wrong / len(self.attempt.clean)

    def examples(self, balls: list[Ball], steps: int, count: int = 8) -> np.ndarray:
        """Return the first pictures under PGD, a row for each radius."""
        first = replace(self.attempt, clean=self.attempt.clean[:count], labels=self.attempt.labels[:count])
        rows = [Climb.default(ball, steps).last(first, generator(self.seed)) for ball in balls]
        tiles = np.stack([row.to("cpu").numpy() for row in rows]).transpose(0, 1, 3, 4, 2)
        return np.ascontiguousarray(tiles if tiles.shape[4] == 3 else tiles[..., 0])

    def checks(
        self, ball: Ball, radii: tuple[float, ...], steps: int, found: dict[str, tuple[float, ...]]
    ) -> Iterator[Check]:
        """Yield the signs of a hidden gradient."""
        chance = max(_SLACK, 1 / len(self.attempt.clean))
        steep = int(np.argmin(np.abs(np.array(found["PGD"]) - found["PGD"][0] / 2)))  # where the curve falls
        middle = replace(ball, eps=radii[steep])
        for name, text in (("FGSM", "PGD is at least as strong as FGSM"), ("random noise", "Noise is weaker than PGD")):
            worst = max(p - other for p, other in zip(found["PGD"], found[name], strict=True))
            said = f"largest lead of {name}: {max(0.0, 100 * worst):.1f} points"
            yield Check(text, worst <= chance, said)
        furthest = _FURTHEST.get(ball.norm, float(np.sqrt(self.attempt.clean[0].numel())))
        least = self.pgd(replace(ball, eps=furthest), 2 * steps)
        yield Check("Without a bound nothing is right", least <= chance, f"accuracy at ε = {furthest:.3g}: {least:.1%}")
        one, more = found["PGD"][steep], self.pgd(middle, 3 * steps)
        said = f"at ε = {middle.eps:.3g}: {one:.1%} after {steps}, {more:.1%} after {3 * steps}"
        yield Check("More steps never help the model", more <= one + chance, said)
        if "transfer" in found:
            worst = max(white - black for white, black in zip(found["PGD"], found["transfer"], strict=True))
            said = f"largest lead of the substitute's pictures: {max(0.0, 100 * worst):.1f} points"
            yield Check("Another model's pictures are weaker than its own", worst <= chance, said)


def _radii(epsilons: Sequence[float]) -> tuple[float, ...]:
    try:
        radii = tuple(number("robustness_curve", "epsilons", value, 0.0, 1e6) for value in epsilons)
    except TypeError as error:
        raise InputError(f"robustness_curve: epsilons must be numbers; got {epsilons!r}.") from error
    if not radii or any(b <= a for a, b in itertools.pairwise(radii)):
        raise InputError(f"robustness_curve: epsilons must be one or more, and rise; got {list(radii)}.")
    return radii
