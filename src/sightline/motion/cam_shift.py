"""CamShift: mean shift whose window takes the size and the direction of what it follows.

Bradski 1998, "Computer Vision Face Tracking for Use in a Perceptual User Interface", Intel Technology Journal Q2.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Boxes, Heat, Layer, Lines
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Range
from sightline.motion.colour_model import ColourModel
from sightline.motion.mean_shift_track import EPS, SQUARE, moving_square
from sightline.motion.single_target import TargetPath, TargetTracker, follow, steps_along
from sightline.motion.window_shift import Window, box_of, window_of
from sightline.motion.window_shift import cam_shift as shift_and_fit


class CamShiftTracker(TargetTracker):
    """Follows a target of changing size and direction by its colours.

    Parameters
    ----------
    iterations
        Moves of the window in a frame at most, 1–100.
    threshold
        Likeness of the colours, 0–1, below which the target is lost.
    """

    name = "cam_shift"

    def __init__(self, *, iterations: int = 10, threshold: float = 0.4) -> None:
        super().__init__()
        self.iterations = integer(self.name, "iterations", iterations, 1, 100)
        self.threshold = number(self.name, "threshold", threshold, 0, 1)
        self.weights = np.zeros((0, 0), np.float32)
        self.visited: list[Window] = []

    def _begin(self, image: Array, box: Array) -> None:
        window = window_of(box)
        self.model = ColourModel(image, window)
        self.weights, self.visited = self.model.weights(image, window), [window]
        x, y, w, h = window
        upright = (h, w, math.pi / 2) if h > w else (w, h, 0.0)
        self.ellipse = np.array([x + w / 2, y + h / 2, *upright], np.float32)

    def _find(self, image: Array, box: Array) -> tuple[Array, float, bool]:
        self.weights = self.model.weights(image, self.visited[-1])
        self.visited, ellipse = shift_and_fit(self.weights, self.visited[-1], self.iterations, EPS)
        if ellipse is None:
            return box, 0.0, True
        counts = self.model.counts_in(image, self.visited[-1])
        score = self.model.likeness(counts)
        if score < self.threshold:
            return box, score, True
        self.ellipse = ellipse
        self.model.look_around(image, self.visited[-1], counts)
        return box_of(self.visited[-1]), score, False

    def shown(self) -> tuple[Layer, ...]:
        """Return the back-projection, the windows on their way, and the axes of the ellipse."""
        assert self.ellipse is not None
        x, y, length, width, angle = self.ellipse.astype(np.float64)
        along, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
        centre = np.array([x, y]) - 0.5
        axes = [
            (centre - axis * size / 2, centre + axis * size / 2) for axis, size in ((along, length), (across, width))
        ]
        windows = np.array([box_of(window) for window in self.visited])
        return Heat(self.weights), Boxes(windows), Lines(np.array(axes).reshape(2, 4))


@method(
    task="tracking",
    paper="Bradski 1998",
    lesson="w3d7",
    example={"frames": moving_square, "box": np.array(SQUARE)},
)
def cam_shift(
    frames: Sequence[AnyImage] | Iterable[AnyImage],
    box: Array,
    *,
    iterations: Annotated[int, Range(1, 100)] = 10,
    threshold: Annotated[float, Range(0, 1)] = 0.4,
) -> TargetPath:
    """Return where a target is in each frame, how large and which way it lies, by its colours alone.

    While nothing has the target's colours, the search goes on in a window that grows. For frames that come one by one
    use :class:`CamShiftTracker`. NaN and infinity are refused.

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
        A box, an ellipse and a score for each frame, and whether the target was lost.

    Raises
    ------
    InputError
        When the box has no pixel within the frame, or a frame another shape than the first.

    References
    ----------
    G. R. Bradski, "Computer Vision Face Tracking for Use in a Perceptual User Interface", Intel Technology Journal Q2,
    1998.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.zeros((3, 40, 60), np.uint8)
    >>> for i in range(3):
    ...     clip[i, 10:20, 5 : 15 + 8 * i] = 200
    >>> cam_shift(clip, np.array([5, 10, 15, 20])).ellipses[-1].round(1).tolist()
    [18.0, 14.5, 30.0, 11.5, 0.0]
    """
    return follow(CamShiftTracker(iterations=iterations, threshold=threshold), frames, box)


@cam_shift.steps
def _steps(
    frames: Sequence[AnyImage] | Iterable[AnyImage], box: Array, *, iterations: int = 10, threshold: float = 0.4
) -> Iterator[Step]:
    yield from steps_along(CamShiftTracker(iterations=iterations, threshold=threshold), frames, box)
