"""A detector of one stage: every place of its maps answers, and of the answers the surest are kept, of each thing one.

Liu et al. 2016, "SSD: Single Shot MultiBox Detector", ECCV, section 2, names what these have in common: no proposals,
one network, suppression at the end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

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

    def take(self, whole: nn.Module) -> None:
        """Copy from a trained network of the same kind; outputs for other classes have other shapes and stay fresh.

        Parameters
        ----------
        whole
            With the same names of parameters.
        """
        theirs = whole.state_dict()
        own = self.state_dict()
        self.load_state_dict({n: theirs[n] if theirs[n].shape == t.shape else t for n, t in own.items()})

    def check(self, images: Tensor) -> None:
        """Refuse what is no batch, or has sides that are no multiples of the stride."""
        if images.ndim != 4 or any(side % self.stride for side in images.shape[-2:]):
            shape = "×".join(map(str, images.shape))
            raise InputError(
                f"{self.name}: images must be B×3×H×W with sides that are multiples of {self.stride}; got {shape}. "
                "Use sightline.data.letterbox, or a run's predict, which does."
            )
