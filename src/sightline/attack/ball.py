"""Balls around a picture: how far an attack may go, by its largest pixel or by its length."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sightline.core.checks import choice, number
from sightline.core.errors import InputError

NORMS = ("inf", "l2")
_TINY = 1e-12  # no gradient is divided by less


@dataclass(frozen=True)
class Ball:
    """All pictures whose distance from a given one is at most ``eps``, pixels in 0–1.

    Parameters
    ----------
    norm
        ``inf``: the largest change of a pixel; ``l2``: the root of the sum of squared changes.
    eps
        Radius ≥ 0, in units of pixel value (0–1); at most 1 by the largest pixel.
    """

    norm: str
    eps: float

    @classmethod
    def checked(cls, function: str, norm: str, eps: float) -> Ball:
        """Return the ball, or refuse what is none."""
        norm = choice(function, "norm", norm, NORMS)
        eps = number(function, "eps", eps, 0.0, 1e6)
        if norm == "inf" and eps > 1:
            raise InputError(
                f"{function}: eps must be 0–1 in the norm 'inf', for pixels are in 0–1; got {eps:g}. For levels of 255 "
                f"give {eps:g} / 255."
            )
        return cls(norm, eps)

    def project(self, clean: Tensor, images: Tensor) -> Tensor:
        """Return the nearest pictures within the ball, then within 0–1.

        Parameters
        ----------
        clean, images
            B×C×H×W; the centres, in 0–1, and what is to be brought back.
        """
        # Cutting at 0 and 1 never leads further from the centre: that is in 0–1, too.
        return (clean + self.shorten(images - clean)).clamp_(0, 1)

    def shorten(self, changes: Tensor) -> Tensor:
        """Return B×C×H×W changes cut to the ball's size."""
        if self.norm == "inf":
            return changes.clamp(-self.eps, self.eps)
        return changes * (self.eps / lengths(changes).clamp_min(_TINY)).clamp_max(1.0)

    def direction(self, gradient: Tensor) -> Tensor:
        """Return the steepest step of length 1: the gradient's signs, or the gradient over its length."""
        return gradient.sign() if self.norm == "inf" else gradient / lengths(gradient).clamp_min(_TINY)

    def sample(self, clean: Tensor, random: np.random.Generator, *, cut: bool = True) -> Tensor:
        """Return a picture for each of B centres, drawn evenly from the ball, then cut to 0–1 where asked."""
        shape = tuple(clean.shape)
        if self.norm == "inf":
            drawn = 2 * random.random(shape, np.float32) - 1
        else:
            drawn = random.standard_normal(shape, np.float32)
            radius = random.random((len(clean), 1, 1, 1)) ** (1 / clean[0].numel())
            drawn *= (radius / np.sqrt((drawn.astype(np.float64) ** 2).sum((1, 2, 3), keepdims=True))).astype("f4")
        images = clean + self.eps * torch.from_numpy(drawn).to(clean)
        return self.project(clean, images) if cut else images


def lengths(changes: Tensor) -> Tensor:
    """Return the Euclidean length of each of B changes, B×1×1×1."""
    return changes.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
