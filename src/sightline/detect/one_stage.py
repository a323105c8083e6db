"""A detector of one stage: every place of its maps answers, and of the answers the surest are kept, of each thing one.

Liu et al. 2016, "SSD: Single Shot MultiBox Detector", ECCV, section 2, names what these have in common: no proposals,
one network, suppression at the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from sightline.core.errors import InputError
from sightline.core.results import Detections
from sightline.detect.detector import Targets
from sightline.detect.select import LIMITS, select


class OneStage(nn.Module, ABC):
    """A :class:`~sightline.detect.detector.Detector` whose places all answer at once.

    A detector of this kind says what its places answer (:meth:`answer`) and, where it can be trained, how it learns
    (:meth:`learn`). ``name`` is what errors call it, ``stride`` the number of pixels that its input's sides are a
    multiple of, ``limits`` say what is kept of the answers, ``square`` says whether it reads squares only.
    """

    name: ClassVar[str]
    stride: ClassVar[int] = 32
    square: ClassVar[bool] = False
    limits = LIMITS

    def forward(self, images: Tensor, targets: Sequence[Targets] | None = None) -> dict[str, Tensor] | list[Detections]:
        """Return losses in training mode, one :class:`Detections` for each image in evaluation mode.

        Parameters
        ----------
        images
            B×3×H×W in 0–1, RGB; H and W are multiples of ``stride``.
        targets
            The true boxes; asked for in training mode.
        """
        self.check(images)
        if not self.training:
            return [select(*pair, self.limits) for pair in zip(*self.answer(images), strict=True)]
        if targets is None:
            raise InputError(f"{self.name}: targets must be given in training mode; got None. Call model.eval() first.")
        return self.learn(images, targets)

    @abstractmethod
    def answer(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return what every place says of B×3×H×W images: boxes B×A×4 xyxy in pixels, scores B×A×K in 0–1."""

    @abstractmethod
    def learn(self, images: Tensor, targets: Sequence[Targets]) -> dict[str, Tensor]:
        """Return the losses of a batch by name; ``"loss"`` is what is lowered."""

    @torch.no_grad()
    def take(self, whole: OneStage, like: Sequence[int] = ()) -> None:
        """Copy from a trained network of the same kind; where it has more or fewer classes, their outputs stay fresh.

        Yosinski et al. 2014, "How transferable are features in deep neural networks?", NIPS: what is alike in two tasks
        is worth keeping up to the last layer.

        Parameters
        ----------
        whole
            With the same names of parameters.
        like
            Of each class of ours, the number of the class of ``whole`` whose outputs it begins with, −1 for none; empty
            for none at all. As many classes are taken to be the same ones.
        """
        theirs = whole.state_dict()
        for name, tensor in self.state_dict().items():
            if tensor.shape == theirs[name].shape:
                tensor.copy_(theirs[name])
                continue
            (classes, others), (known, rest) = self.divided(tensor), whole.divided(theirs[name])
            others.copy_(rest)
            for own, number in enumerate(like):
                if number >= 0:
                    classes[:, own] = known[:, number]

    def divided(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return views of an output's weights or biases: a×K×… of the classes, a×n×… of all else that it says.

        Parameters
        ----------
        rows
            Of an output that is another one for other classes.
        """
        return rows[None], rows[None, :0]

    def check(self, images: Tensor) -> None:
        """Refuse what is no batch, or has sides that are no multiples of the stride."""
        if images.ndim != 4 or any(side % self.stride for side in images.shape[-2:]):
            shape = "×".join(map(str, images.shape))
            raise InputError(
                f"{self.name}: images must be B×3×H×W with sides that are multiples of {self.stride}; got {shape}. "
                "Use sightline.data.letterbox, or a run's predict, which does."
            )
