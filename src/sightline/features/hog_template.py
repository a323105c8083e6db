"""A window of histograms of gradients and a linear machine: what finders of faces and of people have in common.

Dalal & Triggs 2005, "Histograms of Oriented Gradients for Human Detection", IEEE Conference on Computer Vision and
Pattern Recognition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Annotated, Any, ClassVar, Self

import numpy as np

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.checks import as_image, describe, integer, number, size_2d
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.layers import Boxes, Curve, Grid, Heat, Picture, Value
from sightline.core.results import Detections
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, PathLike, Range, Seed
from sightline.features.hog import hog_picture, star_strokes
from sightline.features.hog_training import RoundReport, train_window
from sightline.features.hog_windows import BLOCK, Level, boxes_at, levels_of, peaks, score_map
from sightline.image.convert import convert

_KINDS = ("hog_window", "hog_face")  # of archives: what is written, and what versions before wrote
_OVERLAP = 0.3  # intersection over union from which two boxes are on one thing


class HogTemplate:
    """A template of edges: a window is found when its gradients, weighted and summed up, come to more than a limit.

    Parameters
    ----------
    weights
        M×N×D float32: what each of D = 4 · bins numbers of each of the window's M×N blocks of 2×2 cells counts for
        what is to be found, or against it. :meth:`train` and :meth:`load` make them.
    offset
        Added to each score.
    cell
        Side of a cell in pixels, 2–16; the window is (M + 1) · cell high and (N + 1) · cell wide. The class's own when
        None.
    name
        What is found, as the class name of the detections; the class's own when None.
    """

    SIZE: ClassVar[tuple[int, int]]  # of the window that is trained unless another is asked for
    CELL: ClassVar[int]
    NAME: ClassVar[str]
    history: tuple[RoundReport, ...] = ()  # of the training, where it was trained here

    def __init__(
        self, weights: Array, offset: float = 0.0, *, cell: int | None = None, name: str | None = None
    ) -> None:
        asked = type(self).__name__
        checked: Array = np.zeros(0, np.float32)  # refused below, as what is no array of numbers is
        with suppress(TypeError, ValueError):
            checked = np.ascontiguousarray(weights, np.float32)
        if checked.ndim != 3 or not checked.size or checked.shape[2] % 4 or not np.isfinite(checked).all():
            raise InputError(
                f"{asked}: weights must be M×N×(4 · bins) finite numbers, as train and load make them;"
                f" got {describe(weights)}."
            )
        self.weights, self.offset = checked, number(asked, "offset", offset)
        self.cell = integer(asked, "cell", self.CELL if cell is None else cell, 2, 16)
        self.name = self.NAME if name is None else name

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the window in pixels."""
        rows, columns, _ = self.weights.shape
        return (rows + BLOCK - 1) * self.cell, (columns + BLOCK - 1) * self.cell

    @property
    def bins(self) -> int:
        """Number of orientations."""
        return self.weights.shape[2] // BLOCK**2

    @classmethod
    def train(
        cls,
        cutouts: Sequence[Array],
        backgrounds: Sequence[Array],
        *,
        size: tuple[int, int] | None = None,
        cell: int | None = None,
        bins: int = 9,
        cost: float = 0.1,
        negatives: int = 2000,
        rounds: int = 3,
        name: str | None = None,
        seed: Seed = 0,
        progress: Callable[[RoundReport], object] | None = None,
    ) -> Self:
        """Return a detector taught by a linear support vector machine, and again with the windows that fooled it.

        Parameters
        ----------
        cutouts
            Pictures of one face, or person, each, cut out alike; they are resized to the window, and learned mirrored
            as well.
        backgrounds
            Pictures without any, of any size from the window's on.
        size
            Height and width of the window in pixels: whole cells, 2 at least. The class's own when None.
        cell
            Side of a cell in pixels, 2–16; the class's own when None.
        bins
            Number of orientations, 2–36.
        cost
            Of a sample on the wrong side, > 0: higher ones follow the samples, lower ones keep the margin wide.
        negatives
            About so many windows of the backgrounds are drawn at first, and at most about so many are added in each
            round, ≥ 10.
        rounds
            1–20: the first on any windows, each of the others with those that fooled the one before.
        name
            What is taught, as the class name of the detections; the class's own when None.
        seed
            Whole number ≥ 0 or a generator: which windows are drawn.
        progress
            Called with the report of each round when it is done.
        """
        asked = f"{cls.__name__}.train"
        cell = integer(asked, "cell", cls.CELL if cell is None else cell, 2, 16)
        bins = integer(asked, "bins", bins, 2, 36)
        size = cls.SIZE if size is None else size
        height, width = size_2d(asked, "size", size)
        if height % cell or width % cell or min(height, width) < BLOCK * cell:
            raise InputError(f"{asked}: size must be whole cells of {cell} pixels, {BLOCK} at least; got {size}.")
        weights, offset, history = train_window(
            asked,
            [_gray(asked, cutout) for cutout in cutouts],
            [_gray(asked, picture) for picture in backgrounds],
            (height, width),
            cell,
            bins,
            cost=number(asked, "cost", cost, above=0),
            negatives=integer(asked, "negatives", negatives, 10),
            rounds=integer(asked, "rounds", rounds, 1, 20),
            random=generator(seed),
            progress=progress,
        )
        detector = cls(weights, offset, cell=cell, name=name)
        detector.history = tuple(history)
        return detector

    def detect(
        self,
        image: Array,
        scale: Annotated[float, Range(1.01, 2, 0.01)] = 1.1,
        stride: Annotated[int, Range(1, 8, 1)] = 1,
        threshold: Annotated[float, Range(-2, 2, 0.1)] = 0.0,
        *,
        min_size: int | tuple[int, int] | None = None,
        max_size: int | tuple[int, int] | None = None,
    ) -> Detections:
        """Return the boxes around what is found, the surest first; of those that lie on one another, the best.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32. NaN and infinity are refused.
        scale
            Factor from one size of the window to the next, 1.01–2.
        stride
            Cells from one window to the next, 1–8.
        threshold
            Score that a window must exceed, any number: the machine's margin is 1 on each side of 0.
        min_size, max_size
            Least and greatest side of a box in pixels, or (height, width); the window's and the picture's when None.
            For boxes smaller than the window, the picture is enlarged, by 4 at most.

        Returns
        -------
        detections
            A score is 1 / (1 + exp(-2s)) for a window of score s: one half on the machine's plane.
        """
        gray, options = self._asked(image, scale, stride, threshold, min_size, max_size)
        parts = [self._above(level, scores, stride, threshold) for level, scores in self._scored(gray, *options)]
        boxes = np.concatenate([np.zeros((0, 4), np.float32), *(boxes for boxes, _ in parts)])
        scores = np.concatenate([np.zeros(0, np.float32), *(scores for _, scores in parts)])
        kept = peaks(boxes, scores, _OVERLAP)
        sure = 1 / (1 + np.exp(-2 * scores[kept].astype(np.float64)))
        return Detections(boxes[kept], sure, np.zeros(len(kept), np.int64), (self.name,))

    def save(self, path: PathLike) -> str:
        """Write the detector to an ``.npz`` archive; return its SHA-256."""
        arrays: dict[str, Any] = {
            "kind": _KINDS[0],
            "weights": self.weights,
            "offset": self.offset,
            "cell": self.cell,
            "name": self.name,
        }
        return write_arrays(path, arrays, compress=True)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read an archive that :meth:`save` wrote, whatever the window was taught; nothing in it is executed.

        Parameters
        ----------
        path
            The file. :class:`FormatError` is raised when it is none of this kind, or damaged.
        """
        asked = cls.__name__
        with read_arrays(f"{asked}.load", path, f"an archive of a {asked}") as held:
            if str(held["kind"]) not in _KINDS:
                raise ValueError(f"it is of the kind '{held['kind']}'")
            return cls(held["weights"], float(held["offset"]), cell=int(held["cell"]), name=str(held["name"]))

    def _asked(self, image: Any, scale: Any, stride: Any, threshold: Any, low: Any, high: Any) -> tuple[Array, Any]:
        """Check what :meth:`detect` was asked; return the picture in grey, and what :meth:`_scored` needs."""
        asked = f"{type(self).__name__}.detect"
        gray = _gray(asked, image)
        integer(asked, "stride", stride, 1, 8)
        number(asked, "threshold", threshold)
        scale = number(asked, "scale", scale, 1.01, 2)
        return gray, (scale, _side(asked, "min_size", low), _side(asked, "max_size", high))

    def _scored(self, gray: Array, scale: float, low: Any, high: Any) -> Iterator[tuple[Level, Array]]:
        for level in levels_of(gray, self.size, self.cell, self.bins, scale, low, high):
            yield level, score_map(level.blocks, self.weights, self.offset)

    def _above(self, level: Level, scores: Array, stride: int, threshold: float) -> tuple[Array, Array]:
        """Return the boxes and scores of a level's windows above the threshold."""
        chosen = scores[::stride, ::stride]
        rows, columns = np.nonzero(chosen > threshold)
        boxes = boxes_at(rows * stride, columns * stride, level, self.size, self.cell)
        return boxes, chosen[rows, columns]


def _gray(function: str, image: Any) -> Array:
    picture = to_uint8(as_image(function, image, finite=True))
    return picture if picture.ndim == 2 else convert(picture, "rgb", "gray")


def _side(asked: str, name: str, value: Any) -> tuple[int, int] | None:
    if value is None:
        return None
    if isinstance(value, (tuple, list)):
        return size_2d(asked, name, value)
    side = integer(asked, name, value, 1)
    return side, side


def template_steps(detector: HogTemplate, image: Array, scale: float, stride: int, threshold: float) -> Iterator[Step]:
    """Yield what a detector does to a picture: gradients, template, scores, and the boxes that it keeps."""
    gray, options = detector._asked(image, scale, stride, threshold, None, None)
    yield Step("grey", Picture(gray))
    yield Step("gradients", Picture(hog_picture(gray, detector.cell, detector.bins)), note="A star in each cell.")
    note = "Edges that speak for it, and edges that speak against it."
    yield Step("template", Grid(template_pictures(detector)), note=note)
    scored = list(detector._scored(gray, *options))
    tops = [float(scores.max()) if scores.size else -np.inf for _, scores in scored]
    if scored:
        best = int(np.argmax(tops))
        level, scores = scored[best]
        side = detector.size[0] * level.factors[0]
        yield Step("scores", Heat(scores), note=f"Of each window {side:.0f} pixels high: the size of the best one.")
        curve = np.array([(detector.size[0] * lv.factors[0], top) for (lv, _), top in zip(scored, tops, strict=True)])
        yield Step("sizes", Curve(curve, ("height of the window", "best score"), side), note="The best of each size.")
    parts = [detector._above(level, scores, stride, threshold)[0] for level, scores in scored]
    passed = np.concatenate([np.zeros((0, 4), np.float32), *parts])
    yield Step("passed", Picture(gray), Boxes(passed), note=f"{len(passed)} windows are above {threshold:g}.")
    found = detector.detect(image, scale, stride, threshold)
    labels = tuple(f"{score:.0%}" for score in found.scores)
    note = f"Of windows that overlap by more than {_OVERLAP:.0%}, the best."
    yield Step("best", Value(found), Picture(gray), Boxes(found.boxes, labels), note=note)


def template_pictures(detector: HogTemplate) -> Array:
    """Return 2×H×W float32 pictures of strokes: the edges that count for what is found, and those against it."""
    rows, columns, _ = detector.weights.shape
    shared = detector.weights.reshape(rows, columns, BLOCK, BLOCK, detector.bins)
    cells = np.zeros((rows + BLOCK - 1, columns + BLOCK - 1, detector.bins), np.float32)
    for i in range(BLOCK):
        for j in range(BLOCK):
            cells[i : i + rows, j : j + columns] += shared[:, :, i, j]
    return np.stack([star_strokes(np.maximum(sign * cells, 0), 4 * detector.cell) for sign in (1, -1)])
