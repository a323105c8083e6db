"""Correlation tracking: a filter learned from the target answers with a peak where the target went.

Bolme, Beveridge, Draper & Lui 2010, "Visual Object Tracking using Adaptive Correlation Filters", CVPR (``mosse``);
Henriques, Caseiro, Martins & Batista 2015, "High-Speed Tracking with Kernelized Correlation Filters", PAMI 37(3)
(``kcf``); Li & Zhu 2014, "A Scale Adaptive Kernel Correlation Filter Tracker with Feature Integration", ECCV workshop,
for the search over sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, number
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Layer, Picture
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Choice, Range, Seed
from sightline.motion.correlation_filters import CELL, CorrelationFilter, Kcf, Mosse, peak_of
from sightline.motion.mean_shift_track import SQUARE, moving_square
from sightline.motion.single_target import TargetPath, TargetTracker, follow, steps_along
from sightline.motion.target_patch import target_patch

KINDS = ("kcf", "mosse")
_PADDING = 2.5  # window over target
_RATE = {"kcf": 0.02, "mosse": 0.125}
_LOST = {"kcf": 0.2, "mosse": 5.0}
_LARGEST, _SMALLEST = 96.0, 32.0  # pixels of a patch: the mean of its sides at most, the shorter side at least
_SAME = 1.02  # what another size must be better by


class CorrelationTracker(TargetTracker):
    """Follows a target by what it looks like, not by its colours.

    Parameters
    ----------
    kind
        ``kcf``, a kernelized filter over oriented gradients, or ``mosse``, a linear one over grey levels, which is
        quicker.
    size_step
        Factor by which ``kcf`` looks for the target larger and smaller, too, in each frame, 1–1.2; 1 keeps its size.
    threshold
        Score below which the target is lost: of ``kcf`` the height of the peak, 0–1 (0.2 when None), of ``mosse`` the
        ratio of the peak to its sidelobes (5 when None).
    seed
        Whole number ≥ 0 or a generator: turns under which ``mosse`` learns the target first.
    """

    name = "correlation_track"

    def __init__(
        self, kind: str = "kcf", *, size_step: float = 1.0, threshold: float | None = None, seed: Seed = 0
    ) -> None:
        super().__init__()
        self.kind = choice(self.name, "kind", kind, KINDS)
        self.size_step = number(self.name, "size_step", size_step, 1, 1.2)
        if kind == "mosse" and self.size_step > 1:
            raise InputError(f"{self.name}: size_step must be 1 for kind 'mosse'; got {size_step}. Use kind='kcf'.")
        self.threshold = number(self.name, "threshold", _LOST[kind] if threshold is None else threshold, 0, 1000)
        self._random = generator(seed)
        self.patch = np.zeros((1, 1), np.uint8)
        self.response = np.zeros((1, 1), np.float32)

    def _begin(self, image: Array, box: Array) -> None:
        target = np.float64(box[3] - box[1]), np.float64(box[2] - box[0])
        window = np.array(target) * _PADDING
        self._scale = max(1.0, np.sqrt(window.prod()) / _LARGEST)  # pixels of the frame in one of the patch
        self._scale = min(self._scale, window.min() / _SMALLEST)
        height, width = (max(CELL * int(np.rint(side / self._scale / CELL)), 3 * CELL) for side in window)
        inner = int(target[0] / self._scale), int(target[1] / self._scale)
        self.filter: CorrelationFilter = (
            Kcf((height, width), inner) if self.kind == "kcf" else Mosse((height, width), self._random)
        )
        self.patch = self._cut(image, box, 1.0)
        self.filter.learn(self.patch, 1.0)
        self.response = self.filter.respond(self.patch)

    def _find(self, image: Array, box: Array) -> tuple[Array, float, bool]:
        factors = (1.0,) if self.size_step == 1 else (1.0, 1 / self.size_step, self.size_step)
        best, height = 1.0, -np.inf
        for factor in factors:
            patch = self._cut(image, box, factor)
            response = self.filter.respond(patch)
            top = float(response.max()) / (1 if factor == 1 else _SAME)
            if top > height:
                best, height, self.patch, self.response = factor, top, patch, response
        score = self.filter.certainty(self.response)
        if score < self.threshold:
            return box, score, True
        shift = np.array(peak_of(self.response)) * self.filter.cell * self._scale * best
        centre, size = (box[:2] + box[2:]) / 2 + shift, (box[2:] - box[:2]) * best
        if not ((centre >= 0) & (centre <= image.shape[1::-1])).all():
            return box, score, True  # it left the frame
        self._scale *= best
        moved = np.concatenate([centre - size / 2, centre + size / 2]).astype(np.float32)
        self.filter.learn(self._cut(image, moved, 1.0), _RATE[self.kind])
        return moved, score, False

    def _cut(self, image: Array, box: Array, factor: float) -> Array:
        """Return the patch around a box, as the filter sees it; beyond the frame its edge goes on."""
        middle = (box[:2].astype(np.float64) + box[2:]) / 2 - 0.5  # in point coordinates
        return target_patch(image, middle, self._scale * factor, self.filter.shape, gray=self.filter.gray)

    def shown(self) -> tuple[Layer, ...]:
        """Return the response with no motion in its middle, and the patch that it is the answer to."""
        return Heat(np.fft.fftshift(self.response)), Picture(self.patch)


@method(
    task="tracking",
    paper="Henriques et al. 2015",
    lesson="w3d7",
    example={"frames": moving_square, "box": np.array(SQUARE)},
)
def correlation_track(
    frames: Sequence[AnyImage] | Iterable[AnyImage],
    box: Array,
    kind: Annotated[str, Choice(*KINDS)] = "kcf",
    *,
    size_step: Annotated[float, Range(1, 1.2)] = 1.0,
    threshold: Annotated[float, Range(0, 1000)] | None = None,
    seed: int = 0,
) -> TargetPath:
    """Return where a target is in each frame, by what it looks like.

    It must move less than about half its size from frame to frame. For frames that come one by one use
    :class:`CorrelationTracker`. NaN and infinity are refused.

    Parameters
    ----------
    frames
        Images of one shape, in order: a list, an N×H×W×3 array, or what ``sightline.image.frames`` gives. H×W or
        H×W×3; uint8, or uint16 and float32, which are read as 8 bits.
    box
        Around the target in the first frame: xyxy in pixels, continuous edges.
    kind
        ``kcf``, a kernelized filter over oriented gradients, or ``mosse``, a linear one over grey levels, which is
        quicker.
    size_step
        Factor by which ``kcf`` looks for the target larger and smaller, too, in each frame; 1 keeps its size.
    threshold
        Score below which the target is lost: of ``kcf`` the height of the peak, 0–1 (0.2 when None), of ``mosse`` the
        ratio of the peak to its sidelobes (5 when None). The box then stays where it was, and nothing is learned.
    seed
        Whole number ≥ 0: turns under which ``mosse`` learns the target first.

    Returns
    -------
    path
        A box and a score for each frame, and whether the target was lost.

    Raises
    ------
    InputError
        When the box has no pixel within the frame, or a frame another shape than the first.

    References
    ----------
    D. S. Bolme, J. R. Beveridge, B. A. Draper, Y. M. Lui, "Visual Object Tracking using Adaptive Correlation Filters",
    CVPR, 2010.
    J. F. Henriques, R. Caseiro, P. Martins, J. Batista, "High-Speed Tracking with Kernelized Correlation Filters", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 37(3), 2015.
    """
    tracker = CorrelationTracker(kind, size_step=size_step, threshold=threshold, seed=seed)
    return follow(tracker, frames, box)


@correlation_track.steps
def _steps(
    frames: Sequence[AnyImage] | Iterable[AnyImage],
    box: Array,
    kind: str = "kcf",
    *,
    size_step: float = 1.0,
    threshold: float | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    tracker = CorrelationTracker(kind, size_step=size_step, threshold=threshold, seed=seed)
    yield from steps_along(tracker, frames, box)
