"""Whom a network is trained against: the strength of the attack, how it grows, when it becomes thorough; noise."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from sightline.attack.attempt import Attempt
from sightline.attack.ball import NORMS, Ball
from sightline.attack.pgd import Climb
from sightline.core.checks import choice, integer, number
from sightline.core.seeds import generator
from sightline.nn.probe import probing

_FAST = 1.25  # of the ball's radius: the one step of fast training (Wong 2020, section 4.1)


@dataclass(frozen=True, kw_only=True)
class Adversary:
    """The attack of adversarial training.

    Parameters
    ----------
    eps
        Radius of the ball, in 0–1, in units of pixel value.
    norm
        ``inf`` or ``l2``.
    attack_steps
        Steps of PGD, ≥ 1, each of 2.5 ε / steps.
    fast_epochs
        First epochs in which one step of 1.25 ε from a random start stands in for PGD, ≥ 0.
    eps_warmup
        Epochs over which the radius grows from nothing, ≥ 0.
    sigma
        Standard deviation of the Gaussian noise that each picture gets after the attack, ≥ 0, in units of pixel value;
        with an ``eps`` of 0, how a network learns that is to be certified (Cohen 2019, section 3.3).
    """

    eps: float = 8 / 255
    norm: str = "inf"
    attack_steps: int = 7
    fast_epochs: int = 0
    eps_warmup: float = 0.0
    sigma: float = 0.0

    def __post_init__(self) -> None:
        number("train", "eps", self.eps, 0.0, 1e6)
        choice("train", "norm", self.norm, NORMS)
        integer("train", "attack_steps", self.attack_steps, 1)
        integer("train", "fast_epochs", self.fast_epochs, 0)
        for name in ("eps_warmup", "sigma"):
            number("train", name, getattr(self, name), 0.0, 1e6)

    @classmethod
    def split(cls, given: Mapping[str, Any]) -> tuple[Adversary, dict[str, Any]]:
        """Return the adversary that some of the options describe, and the rest of them; texts are read as numbers."""
        kinds = {item.name: type(item.default) for item in dataclasses.fields(cls)}
        own = {name: _read(value, kinds[name]) for name, value in given.items() if name in kinds}
        return cls(**own), {name: value for name, value in given.items() if name not in kinds}

    def climb(self, time: float) -> Climb:
        """Return the attack at a time in epochs."""
        grown = min(1.0, time / self.eps_warmup) if self.eps_warmup else 1.0
        ball = Ball(self.norm, self.eps * grown)
        if time < self.fast_epochs:
            return Climb(ball, 1, _FAST * ball.eps, cut=False)
        return Climb.default(ball, self.attack_steps)

    def against(self, model: nn.Module, images: Tensor, labels: Tensor, climb: Climb) -> Tensor:
        """Return adversarial and noisy images: the attack sees the model in eval mode and leaves it as it was.

        Parameters
        ----------
        model
            The network that learns.
        images
            B×C×H×W in 0–1.
        labels
            B class indices.
        climb
            From :meth:`climb`.
        """
        attacked = images.detach()
        if climb.ball.eps > 0:
            random = generator(int(torch.randint(2**31, ())))  # the engine has seeded torch for this step
            with probing(model), _disable_current_modes():  # who counts the FLOPs of learning counts no attack
                attacked = climb.last(Attempt("train", model, attacked, labels, None, None, False), random).detach()
        # Not cut to 0–1: what is certified answers for all of the noise.
        return attacked + self.sigma * torch.randn_like(attacked) if self.sigma else attacked


def _read(value: Any, kind: type) -> Any:
    """Return a word of the command line as the type that is wanted; other values as they are."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or kind is str:
        return value
    try:
        return kind(value)
    except ValueError:
        return value  # the field's own check says what is expected
