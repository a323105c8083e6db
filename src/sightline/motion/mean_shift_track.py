"""Mean-shift tracking: a window climbs to where the target's colours are densest.

Comaniciu, Ramesh & Meer 2003, "Kernel-Based Object Tracking", PAMI 25(5), with a flat kernel; Bradski 1998, "Computer
Vision Face Tracking for Use in a Perceptual User Interface", Intel Technology Journal Q2, for the window over a
back-projection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Boxes, Heat, Layer
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Range
from sightline.motion.colour_model import ColourModel
from sightline.motion.single_target import TargetPath, TargetTracker, follow, steps_along
from sightline.motion.window_shift import Window, box_of, mean_shift, window_of

EPS = 1.0  # pixels


class MeanShiftTracker(TargetTracker):
    """Follows a target of fixed size by its colours.

    Parameters
    ----------
    iterations
        Moves of the window in a frame at most, 1–100.
    threshold
        Likeness of the colours, 0–1, below which the target is lost.
    """

    name = "mean_shift_track"

    def __init__(self, *, iterations: int = 10, threshold: float = 0.4) -> None:
        super().__init__()
        self.iterations = integer(self.name, "iterations", iterations, 1, 100)
        self.threshold = number(self.name, "threshold", threshold, 0, 1)
        self.weights = np.zeros((0, 0), np.float32)
        self.visited: list[Window] = []

    def _begin(self, image: Array, box: Array) -> None:
        self.model = ColourModel(image, window_of(box))
        self.weights, self.visited = self.model.weights(image, window_of(box)), [window_of(box)]

    def _find(self, image: Array, box: Array) -> tuple[Array, float, bool]:
        window = window_of(box)
        self.weights = self.model.weights(image, window)
        self.visited = mean_shift(self.weights, window, self.iterations, EPS)
        counts = self.model.counts_in(image, self.visited[-1])
        score = self.model.likeness(counts)
        if score < self.threshold:
            return box, score, True
        self.model.look_around(image, self.visited[-1], counts)
        return box_of(self.visited[-1]), score, False

    def shown(self) -> tuple[Layer, ...]:
        """Return the back-projection and the windows on their way."""
        windows = np.array([box_of(window) for window in self.visited])
        return Heat(self.weights), Boxes(windows)


def moving_square(_: Any) -> list[Array]:
    """Return frames of a coloured square with a pattern that moves over noise, for an example: it starts at (8, 20)."""
    random = np.random.default_rng(2)
    ground = random.integers(60, 140, (64, 96, 3))
    pattern = random.integers(0, 40, (16, 16, 3)) + np.array([200, 60, 30])
    frames = []
    for i in range(6):
        frame = ground + random.integers(-5, 6, ground.shape)
        frame[20 + i : 36 + i, 8 + 4 * i : 24 + 4 * i] = pattern
        frames.append(frame.clip(0, 255).astype(np.uint8))
    return frames


SQUARE = (8.0, 20.0, 24.0, 36.0)


@method(
    task="tracking",
    paper="Comaniciu, Ramesh & Meer 2003",
    lesson="w3d7",
    example={"frames": moving_square, "box": np.array(SQUARE)},
)
def mean_shift_track(
    frames: Sequence[AnyImage] | Iterable[AnyImage],
    box: Array,
    *,
    iterations: Annotated[int, Range(1, 100)] = 10,
    threshold: Annotated[float, Range(0, 1)] = 0.4,
) -> TargetPath:
    """Return where a target of fixed size is in each frame, by its colours alone.

    It may turn and bend as it likes, but must have other colours than what it passes. For frames that come one by one
    use :class:`MeanShiftTracker`. NaN and infinity are refused.

    Parameters
    ----------
    frames
        Images of one shape, in order: a list, an N×H×W×3 array, or what ``sightline.image.frames`` gives. H×W or
        H×W×3; uint8, or uint16 and float32, which are read as 8 bits.
    box
        Around the target in the first frame: xyxy in pixels, continuous edges.
    iterations
        Moves of the window in a frame at most.
    threshold
        Likeness of the colours (Bhattacharyya's coefficient, 0–1) below which the target is lost: the box then stays
        where it was.

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
    D. Comaniciu, V. Ramesh, P. Meer, "Kernel-Based Object Tracking", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 25(5), 2003.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.zeros((3, 40, 60), np.uint8)
    >>> for i in range(3):
    ...     clip[i, 10:20, 5 + 3 * i : 15 + 3 * i] = 200
    >>> mean_shift_track(clip, np.array([5, 10, 15, 20])).boxes[-1].tolist()
    [9.0, 10.0, 19.0, 20.0]
    """
    return follow(MeanShiftTracker(iterations=iterations, threshold=threshold), frames, box)


@mean_shift_track.steps
def _steps(
    frames: Sequence[AnyImage] | Iterable[AnyImage], box: Array, *, iterations: int = 10, threshold: float = 0.4
) -> Iterator[Step]:
    yield from steps_along(MeanShiftTracker(iterations=iterations, threshold=threshold), frames, box)
