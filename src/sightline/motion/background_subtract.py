"""Background subtraction: what moves before a camera that stands still, learned pixel by pixel.

Zivkovic 2004, "Improved Adaptive Gaussian Mixture Model for Background Subtraction", ICPR (``mog2``); Zivkovic &
van der Heijden 2006, "Efficient Adaptive Density Estimation per Image Pixel for the Task of Background Subtraction",
Pattern Recognition Letters 27(7) (``knn``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from jaxtyping import Bool

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, flag, integer, number
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.kernels import over_rows
from sightline.core.layers import Grid, Heat, Mask, Picture
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Choice, Range, Seed
from sightline.core.types import Mask as BoolMask
from sightline.motion.mixture_background import (
    FOREGROUND,
    SHADOW,
    background_of_modes,
    mixture_model,
    mixture_rows,
)
from sightline.motion.neighbour_background import (
    background_counts,
    background_of_samples,
    neighbour_model,
    neighbour_rows,
    periods,
)

MODELS = ("mog2", "knn")
_THRESHOLDS = {"mog2": 16.0, "knn": 400.0}
_STRIP = 32


class BackgroundSubtractor:
    """A model of what stands still before a camera; it learns from each frame what it answers about.

    Parameters
    ----------
    kind
        ``mog2``, a mixture of up to five Gaussians a pixel, or ``knn``, nearest neighbours among 21 values that the
        pixel had.
    history
        Frames that the model remembers, 1–1,000,000.
    threshold
        Squared distance from which a pixel is no longer background, > 0: in variances for ``mog2`` (16 when None), in
        squared grey levels for ``knn`` (400 when None).
    shadows
        Tell shadows, which are darker versions of the background, from what moves.
    seed
        Whole number ≥ 0 or a generator, for ``knn``: which values it takes up.

    Attributes
    ----------
    shadow
        H×W bool: the shadows in the last frame; None before the first.
    frames
        How many frames were seen since the last :meth:`reset`.
    """

    def __init__(
        self,
        kind: str = "mog2",
        *,
        history: int = 500,
        threshold: float | None = None,
        shadows: bool = True,
        seed: Seed = 0,
    ) -> None:
        name = "background_subtract"
        self.kind = choice(name, "kind", kind, MODELS)
        self.history = integer(name, "history", history, 1, 1_000_000)
        wanted = _THRESHOLDS[self.kind] if threshold is None else threshold
        self.threshold = number(name, "threshold", wanted, 0, 1e9, above=0)
        self.shadows = flag(name, "shadows", shadows)
        self._random = generator(seed)
        self.reset()

    def reset(self) -> None:
        """Forget all that was seen: for a new camera, a cut, or frames of another size."""
        self.frames = 0
        self.shadow: Array | None = None
        self._shape: tuple[int, ...] = ()
        self._model: tuple[Array, Array] | None = None
        self._due = np.zeros((0, 3, 0), np.uint16)
        self._turns = np.zeros(3, np.int64)

    def apply(self, frame: AnyImage, rate: float | None = None) -> BoolMask:
        """Return what moves in the next frame, H×W bool, and learn from it. Shadows do not count; see ``shadow``.

        Parameters
        ----------
        frame
            H×W or H×W×3, of the size that the first one had; uint8, or uint16 and finite float32, which are read as 8
            bits.
        rate
            Pace of learning, 0–1: 0 learns nothing, 1 begins anew. None for 1/(2n) in the n-th frame, until that is as
            slow as 1/history.
        """
        image = to_uint8(as_image("background_subtract", frame, argument="frame", finite=True))
        if self._shape and image.shape != self._shape:
            raise InputError(
                f"background_subtract: frame must have the first one's shape {'×'.join(map(str, self._shape))};"
                f" got {describe(frame)}. Resize it, or call reset() to begin anew."
            )
        pace = 1 / min(2 * (self.frames + 1), self.history)
        if rate is not None:
            pace = 1.0 if self.frames == 0 else number("background_subtract", "rate", rate, 0, 1)
        height, width = image.shape[:2]
        found = np.empty((height, width), np.uint8)
        if self._model is None:
            planes = image.size // found.size
            mixed = self.kind == "mog2"
            self._model = mixture_model(height, width, planes) if mixed else neighbour_model(height, width)
            self._shape = image.shape
        self._learn(image.reshape(height, -1), found, pace)
        self.frames += 1
        self.shadow = found == SHADOW
        return found == FOREGROUND

    def background(self) -> Array:
        """Return the picture of what stands still, in the frames' shape, uint8."""
        if self._model is None:
            raise InputError("background_subtract: there must be a frame to learn from; got none. Call apply(frame).")
        make = background_of_modes if self.kind == "mog2" else background_of_samples
        return make(*self._model, self._shape)

    def modes(self) -> Array:
        """Return how many Gaussians (``mog2``) or background samples (``knn``) each pixel has, H×W uint8."""
        if self._model is None:
            return np.zeros((0, 0), np.uint8)
        first, second = self._model
        if self.kind == "mog2":
            return second[:, : self._shape[1]].astype(np.uint8)
        return background_counts(first)

    def _learn(self, rows: Array, found: Array, pace: float) -> None:
        assert self._model is not None
        limit = np.float32(self.threshold)
        if self.kind == "mog2":
            state = *self._model, found, rows.shape[1] // found.shape[1], np.float32(pace)
            over_rows(mixture_rows, len(rows), rows, *state, limit, self.shadows, strip=_STRIP)
            return
        if len(self._due) != len(rows):
            self._due = np.zeros((len(rows), 3, found.shape[1]), np.uint16)
        turns = self._turns if pace > 0 else np.full(3, -1)
        state = *self._model, self._due, turns, found
        over_rows(neighbour_rows, len(rows), rows, *state, limit, self.shadows, strip=_STRIP)
        if pace > 0:
            self._turns += 1
            for part, period in enumerate(periods(pace)):
                if self._turns[part] >= period:
                    self._turns[part] = 0
                    self._due[:, part] = self._random.integers(0, min(period, 65535), found.shape, np.uint16)


def _scene(_: Any) -> list[Array]:
    """Return frames of a square that moves over noise, for an example."""
    random = np.random.default_rng(0)
    frames = []
    for i in range(8):
        frame = (100 + random.integers(-4, 5, (48, 64))).astype(np.uint8)
        frame[16:32, 6 * i : 6 * i + 14] = 200
        frames.append(frame)
    return frames


@method(task="background subtraction", paper="Zivkovic 2004", lesson="w3d7", example={"frames": _scene})
def background_subtract(
    frames: Sequence[AnyImage] | Iterable[AnyImage],
    kind: Annotated[str, Choice(*MODELS)] = "mog2",
    *,
    history: Annotated[int, Range(1, 1_000_000)] = 500,
    threshold: Annotated[float, Range(0.1, 10_000)] | None = None,
    shadows: bool = True,
    rate: Annotated[float, Range(0, 1)] | None = None,
    seed: int = 0,
) -> Bool[np.ndarray, "n h w"]:
    """Return what moves in each frame of a camera that stands still.

    The model learns while it answers, so the first frames are judged by little. For frames that come one by one, or too
    many masks to keep, use :class:`BackgroundSubtractor`. NaN and infinity are refused.

    Parameters
    ----------
    frames
        Images of one size, in order: a list, an N×H×W×3 array, or what ``sightline.image.frames`` gives. H×W or H×W×3;
        uint8, or uint16 and float32, which are read as 8 bits.
    kind
        ``mog2``, a mixture of up to five Gaussians a pixel, or ``knn``, nearest neighbours among 21 values that the
        pixel had.
    history
        Frames that the model remembers.
    threshold
        Squared distance from which a pixel is no longer background, > 0: in variances for ``mog2`` (16 when None), in
        squared grey levels for ``knn`` (400 when None).
    shadows
        Leave out shadows, which are darker versions of the background.
    rate
        Pace of learning, 0–1; None for 1/(2n) in the n-th frame, until that is as slow as 1/history.
    seed
        Whole number ≥ 0, for ``knn``: which values it takes up.

    Returns
    -------
    masks
        N×H×W bool, true where something moves.

    Raises
    ------
    InputError
        When there is no frame, or one has another size than the first.

    References
    ----------
    Z. Zivkovic, "Improved Adaptive Gaussian Mixture Model for Background Subtraction", ICPR, 2004.
    Z. Zivkovic, F. van der Heijden, "Efficient Adaptive Density Estimation per Image Pixel for the Task of Background
    Subtraction", Pattern Recognition Letters 27(7), 2006.

    Examples
    --------
    >>> import numpy as np
    >>> clip = np.full((6, 4, 5), 90, np.uint8)
    >>> clip[5, 1:3, 2] = 200
    >>> [int(mask.sum()) for mask in background_subtract(clip, "mog2")[1:]]
    [0, 0, 0, 0, 2]
    """
    model = BackgroundSubtractor(kind, history=history, threshold=threshold, shadows=shadows, seed=seed)
    return np.stack([model.apply(frame, rate) for frame in _listed(frames)])


@background_subtract.steps
def _steps(
    frames: Sequence[AnyImage] | Iterable[AnyImage],
    kind: str = "mog2",
    *,
    history: int = 500,
    threshold: float | None = None,
    shadows: bool = True,
    rate: float | None = None,
    seed: int = 0,
) -> Iterator[Step]:
    model = BackgroundSubtractor(kind, history=history, threshold=threshold, shadows=shadows, seed=seed)
    pictures, masks = list(_listed(frames)), []
    shown = set(np.linspace(0, len(pictures) - 1, min(len(pictures), 12)).round().astype(int).tolist())
    for i, frame in enumerate(pictures):
        masks.append(model.apply(frame, rate))
        if i in shown:
            yield Step(f"frame {i}", Picture(frame), Mask(masks[-1]), note="What moves, on the frame.")
            yield Step(f"background after {i + 1}", Picture(model.background()), note="What the model holds for still.")
    assert model.shadow is not None
    if shadows:
        yield Step("shadows", Mask(model.shadow), note="Darker versions of the background in the last frame.")
    note = {
        "mog2": "Gaussians of each pixel: many where much has happened.",
        "knn": "Background samples of each pixel.",
    }
    yield Step("modes", Heat(model.modes()), note=note[kind])
    yield Step("masks", Grid(np.stack(masks)), note="What moved in each frame.")


def _listed(frames: Any) -> Iterator[Any]:
    if isinstance(frames, (str, bytes)) or not isinstance(frames, Iterable):
        raise InputError(f"background_subtract: frames must be images in order; got {describe(frames)}.")
    none = True
    for frame in frames:
        none = False
        yield frame
    if none:
        raise InputError("background_subtract: frames must be one image at least; got none.")
