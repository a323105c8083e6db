"""Randomized smoothing: a radius within which no change whatever can change the answer, up to a stated doubt.

Cohen, Rosenfeld, Kolter 2019, "Certified Adversarial Robustness via Randomized Smoothing", ICML, section 3 (CERTIFY).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import torch
from scipy.stats import beta, norm
from torch import Tensor, nn

from sightline.attack.attempt import Attempt, attempting
from sightline.attack.certified_page import body_of, page_of
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.errors import InputError
from sightline.core.files import write_text
from sightline.core.layers import Curve, Grid, Table, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import PathLike, Range, Seed
from sightline.nn.probe import Images, Target

ABSTAINED = -1
_AT_ONCE = 500  # noisy pictures in one pass
_SHOWN = 9  # noisy pictures of the first image that are looked at
_PLACES = 100  # radii of the curve


@dataclass(frozen=True, eq=False)
class Certificates:
    """What the smoothed classifier answers, and how far around each picture it answers nothing else.

    Parameters
    ----------
    classes
        N answers of the smoothed classifier, int64; −1 where it abstains.
    radii
        N certified radii in L2, float64, in units of pixel value (0–1); 0 where it abstains.
    lower
        N lower bounds of the share of noisy copies that get the answer, float64.
    labels
        N classes that the accuracy counts as right, int64.
    sigma
        Standard deviation of the noise.
    samples
        Noisy copies that each bound was estimated from.
    alpha
        Probability that a certificate is wrong.
    """

    classes: np.ndarray
    radii: np.ndarray
    lower: np.ndarray
    labels: np.ndarray
    sigma: float
    samples: int
    alpha: float

    @property
    def abstained(self) -> float:
        """Share of the pictures that it gives no answer for."""
        return float((self.classes == ABSTAINED).mean())

    @property
    def largest(self) -> float:
        """The radius that it would certify if every noisy copy got the answer: no curve goes further."""
        return radius_of(_lower_bound(self.samples, self.samples, self.alpha), self.sigma)

    def accuracy(self, radius: float) -> float:
        """Return the certified accuracy: the share of right answers whose radius is at least this one.

        Parameters
        ----------
        radius
            ≥ 0, in L2, in units of pixel value.
        """
        return float(((self.classes == self.labels) & (self.radii >= radius)).mean())

    def body(self) -> str:
        """Return the report's section: self-contained HTML without script."""
        return body_of(self)

    def to_html(self, title: str = "Certified robustness") -> str:
        """Return one self-contained page.

        Parameters
        ----------
        title
            Its heading.
        """
        return page_of(self, title)

    def save(self, path: PathLike, title: str = "Certified robustness") -> str:
        """Write the page to ``path``; return its SHA-256."""
        return write_text(path, self.to_html(title))

    def to_json(self) -> dict[str, Any]:
        """Return answers, radii and settings as plain JSON values."""
        return {
            "classes": self.classes.tolist(),
            "radii": self.radii.tolist(),
            "labels": self.labels.tolist(),
            "sigma": self.sigma,
            "samples": self.samples,
            "alpha": self.alpha,
            "abstained": self.abstained,
        }


@method(task="attack", paper="Cohen 2019", lesson="w9d4")
def certify(
    model: nn.Module,
    images: Images,
    labels: Target = None,
    *,
    sigma: Annotated[float, Range(0, 2)] = 0.25,
    samples: Annotated[int, Range(1, 1_000_000)] = 1000,
    selection: Annotated[int, Range(1, 100_000)] = 100,
    alpha: Annotated[float, Range(0, 1)] = 0.001,
    seed: Seed = 0,
) -> Certificates:
    """Return what a classifier says of most noisy copies of a picture, and the radius that this vouches for.

    The smoothed classifier answers with the class that the model gives most copies x + N(0, σ²I). ``selection`` copies
    choose that class, ``samples`` others bound its probability p from below (Clopper and Pearson, at 1 − ``alpha``).
    Where p > 1/2, no change of L2 length under σΦ⁻¹(p) changes the answer; elsewhere it abstains. Models that were
    trained on pictures with that noise are certified far; others hardly at all. The noise leaves 0–1, as in the paper.
    NaN and infinity in the images are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        Classifier that takes B×C×H×W and returns scores B×classes; mean and deviation lie inside it.
    images
        N×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    labels
        True class, or one for each image; the model's own answers without noise when None.
    sigma
        Standard deviation of the noise, > 0, in units of pixel value (0–1).
    samples
        Noisy copies of each picture that bound the probability, ≥ 1.
    selection
        Noisy copies of each picture that choose the class, ≥ 1.
    alpha
        Probability that a certificate is wrong, between 0 and 1.
    seed
        Whole number ≥ 0 or a generator: the noise.

    Returns
    -------
    Certificates
        With ``classes``, ``radii``, ``accuracy(radius)``; ``save("certified.html")`` writes one self-contained page.

    Raises
    ------
    InputError
        When pixels lie outside 0–1, a class does not exist, or an option is out of its range.

    References
    ----------
    Cohen, Rosenfeld, Kolter, "Certified Adversarial Robustness via Randomized Smoothing", ICML 2019.

    Examples
    --------
    For a linear model the radius is the distance from the boundary, here 0.3; the bound comes near it from below:

    >>> import torch
    >>> from sightline.attack import certify
    >>> model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 2))
    >>> model[1].weight = torch.nn.Parameter(torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    >>> model[1].bias = torch.nn.Parameter(torch.tensor([-0.5, 0.0]))
    >>> found = certify(model, torch.tensor([[[0.8, 0.5]]]), samples=5000)
    >>> int(found.classes[0]), round(float(found.radii[0]), 1)
    (0, 0.3)
    """
    sigma, samples, selection, alpha = _checked(sigma, samples, selection, alpha)
    with attempting("certify", model, images, labels, None) as attempt:
        random = generator(seed)
        counts = [_counted(attempt, i, sigma, (selection, samples), random) for i in range(len(attempt.clean))]
    return _certified(counts, attempt, sigma, samples, alpha)


@certify.steps
def _(
    model: nn.Module,
    images: Images,
    labels: Target = None,
    *,
    sigma: float = 0.25,
    samples: int = 1000,
    selection: int = 100,
    alpha: float = 0.001,
    seed: Seed = 0,
) -> Iterator[Step]:
    sigma, samples, selection, alpha = _checked(sigma, samples, selection, alpha)
    with attempting("certify", model, images, labels, None) as attempt:
        noisy = _noisy(attempt.clean[0], sigma, _SHOWN, generator(0)).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
        note = f"Copies of the first picture with noise of deviation {sigma:g}; the model sees beyond black and white."
        yield Step("noisy copies", Grid(noisy if noisy.shape[3] == 3 else noisy[..., 0]), note=note)
        random = generator(seed)
        counts = [_counted(attempt, i, sigma, (selection, samples), random) for i in range(len(attempt.clean))]
    first = counts[0][1]
    rows = np.stack([np.arange(len(first)), first], axis=1).astype(np.float32)
    yield Step("votes", Table(rows, ("class", "copies")), note=f"Of {samples} copies of the first picture.")
    found = _certified(counts, attempt, sigma, samples, alpha)
    radii = np.linspace(0, found.largest, _PLACES)
    curve = np.array([radii, [found.accuracy(radius) for radius in radii]], np.float32).T
    yield Step("certified accuracy", Curve(curve, ("radius", "certified accuracy")))
    yield Step("certificates", Value(found), note=f"It abstains on {found.abstained:.0%} of {len(found.classes)}.")


def radius_of(lower: float, sigma: float) -> float:
    """Return the certified radius σΦ⁻¹(p) of a lower bound p > 1/2; 0 of one that vouches for nothing.

    Parameters
    ----------
    lower
        Lower bound of the answer's probability, in 0–1.
    sigma
        Standard deviation of the noise.
    """
    return float(sigma * norm.ppf(lower)) if lower > 0.5 else 0.0


def _lower_bound(count: int, of: int, alpha: float) -> float:
    """Return the one-sided lower bound of a probability of which ``count`` of ``of`` came true (Clopper, Pearson)."""
    return float(beta.ppf(alpha, count, of - count + 1)) if count else 0.0


def _counted(
    attempt: Attempt, index: int, sigma: float, numbers: tuple[int, int], random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the votes of two lots of noisy copies of one picture, int64 by class: SAMPLEUNDERNOISE, twice."""
    lots = []
    for number_of in numbers:
        votes = np.zeros(attempt.scores(attempt.clean[:1]).shape[1], np.int64)
        for start in range(0, number_of, _AT_ONCE):
            noisy = _noisy(attempt.clean[index], sigma, min(_AT_ONCE, number_of - start), random)
            votes += np.bincount(attempt.scores(noisy).argmax(dim=1).cpu().numpy(), minlength=len(votes))
        lots.append(votes)
    return lots[0], lots[1]


def _noisy(image: Tensor, sigma: float, count: int, random: np.random.Generator) -> Tensor:
    """Return count×C×H×W copies of a picture, each with noise of its own."""
    noise = random.standard_normal((count, *image.shape), np.float32)
    return image + sigma * torch.from_numpy(noise).to(image)


def _certified(
    counts: list[tuple[np.ndarray, np.ndarray]], attempt: Attempt, sigma: float, samples: int, alpha: float
) -> Certificates:
    """Return the certificates that votes give: CERTIFY."""
    chosen = [int(first.argmax()) for first, _ in counts]
    lower = [_lower_bound(int(votes[k]), samples, alpha) for k, (_, votes) in zip(chosen, counts, strict=True)]
    classes = np.array([k if p > 0.5 else ABSTAINED for k, p in zip(chosen, lower, strict=True)], np.int64)
    radii = np.array([radius_of(p, sigma) for p in lower])
    labels = attempt.labels.cpu().numpy().astype(np.int64)
    return Certificates(classes, radii, np.array(lower), labels, sigma, samples, alpha)


def _checked(sigma: float, samples: int, selection: int, alpha: float) -> tuple[float, int, int, float]:
    sigma, alpha = number("certify", "sigma", sigma, 0.0, 1e6), number("certify", "alpha", alpha, 0.0, 1.0)
    if sigma == 0 or alpha in (0, 1):
        raise InputError(f"certify: sigma must be > 0, and alpha between 0 and 1; got {sigma:g} and {alpha:g}.")
    most = 10**8
    return (
        sigma,
        integer("certify", "samples", samples, 1, most),
        integer("certify", "selection", selection, 1, most),
        alpha,
    )
