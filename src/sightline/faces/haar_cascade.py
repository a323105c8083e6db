"""A cascade of boosted classifiers: finds faces, or whatever it was trained for, by throwing out all else early.

Viola & Jones 2001, "Rapid Object Detection using a Boosted Cascade of Simple Features", IEEE Conference on Computer
Vision and Pattern Recognition, sections 2 to 4; Lienhart & Maydt 2002 for the turned features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number, size_2d
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.files import write_text
from sightline.core.layers import Boxes, Curve, Grid, Heat, Picture, Value
from sightline.core.results import Detections
from sightline.core.trace import Step
from sightline.core.types import Array, PathLike, Range, Seed
from sightline.faces.cascade_file import CascadeTables, cascade_text, read_cascade
from sightline.faces.cascade_training import StageReport, train_cascade
from sightline.faces.cascade_windows import Packed, search
from sightline.faces.group_boxes import group_boxes
from sightline.image.convert import convert

_FRONTAL_FACE = Path(__file__).with_name("frontal_face.xml.gz")
_SURE = 3  # windows on one thing that make a score of one half


class HaarCascade:
    """A cascade of stages: each asks a window a few questions and refuses it, or hands it on to a stricter one.

    Parameters
    ----------
    tables
        The stages as arrays; :meth:`load`, :meth:`frontal_face` and :meth:`train` make them.
    name
        What is found, as the class name of the detections.

    References
    ----------
    P. Viola, M. Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features", IEEE Conference on Computer
    Vision and Pattern Recognition, 2001.

    Examples
    --------
    >>> from sightline.data import sample
    >>> found = HaarCascade.frontal_face().detect(sample("astronaut"), neighbours=6)
    >>> len(found), found.name(0)
    (1, 'face')
    """

    history: tuple[StageReport, ...] = ()  # of the training, where it was trained here

    def __init__(self, tables: CascadeTables, name: str = "face") -> None:
        self.tables, self.name = tables, name
        self._packed = Packed.of(tables)

    @classmethod
    def load(cls, path: PathLike, name: str = "face") -> HaarCascade:
        """Read a cascade file of OpenCV, of the old or the new layout, with Haar or LBP features; ``.gz`` as well.

        Parameters
        ----------
        path
            The file. :class:`FormatError` is raised when it is none, or contradicts itself.
        name
            What it finds.
        """
        return cls(read_cascade(path), name)

    @classmethod
    def frontal_face(cls) -> HaarCascade:
        """Return the detector of frontal faces that travels with the package: R. Lienhart's, 24×24, of 25 stages."""
        return cls.load(_FRONTAL_FACE)

    @classmethod
    def train(
        cls,
        faces: Sequence[Array],
        backgrounds: Sequence[Array],
        *,
        size: tuple[int, int] = (20, 20),
        stages: int = 10,
        hit_rate: float = 0.995,
        false_alarm: float = 0.5,
        negatives: int = 1000,
        stumps: int = 60,
        features: int = 8000,
        seed: Seed = 0,
        progress: Callable[[StageReport], object] | None = None,
    ) -> HaarCascade:
        """Return a cascade taught by AdaBoost, each stage on what those before it take for faces.

        Parameters
        ----------
        faces
            Pictures of one face each, cut out alike; they are resized to the window.
        backgrounds
            Pictures without faces, of any size from the window's on.
        size
            Height and width of the window in pixels, 8–64.
        stages
            How many at most, ≥ 1; fewer where the backgrounds hold no more windows that pass.
        hit_rate
            Least share of the faces that each stage hands on, 0.5–1.
        false_alarm
            Greatest share of the other windows that a stage hands on, 0.05–0.95.
        negatives
            Windows of the backgrounds that a stage is taught with, ≥ 10.
        stumps
            At most so many in a stage, ≥ 1.
        features
            How many of all Haar features are drawn to choose from, ≥ 10.
        seed
            Whole number ≥ 0 or a generator: which features and windows are drawn.
        progress
            Called with the report of each stage when it is done.
        """
        asked = "HaarCascade.train"
        height, width = size_2d(asked, "size", size)
        if not (8 <= height <= 64 and 8 <= width <= 64):
            raise InputError(f"{asked}: size must be 8–64 pixels a side; got {size}.")
        tables, history = train_cascade(
            [_gray(asked, face) for face in faces],
            [_gray(asked, picture) for picture in backgrounds],
            (height, width),
            stages=integer(asked, "stages", stages, 1),
            hit_rate=number(asked, "hit_rate", hit_rate, 0.5, 1),
            false_alarm=number(asked, "false_alarm", false_alarm, 0.05, 0.95),
            negatives=integer(asked, "negatives", negatives, 10),
            stumps=integer(asked, "stumps", stumps, 1),
            features=integer(asked, "features", features, 10),
            seed=seed,
            progress=progress,
        )
        cascade = cls(tables)
        cascade.history = tuple(history)
        return cascade

    def detect(
        self,
        image: Array,
        scale: Annotated[float, Range(1.01, 2, 0.01)] = 1.1,
        neighbours: Annotated[int, Range(0, 50, 1)] = 3,
        *,
        min_size: int | tuple[int, int] | None = None,
        max_size: int | tuple[int, int] | None = None,
    ) -> Detections:
        """Return the boxes around what is found, the surest first.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32. NaN and infinity are refused.
        scale
            Factor from one size of the window to the next, 1.01–2.
        neighbours
            A box needs more than this many windows, ≥ 0; with 0, each window that passes is a box.
        min_size, max_size
            Least and greatest side of a box in pixels, or (height, width); the window's and the picture's when None.

        Returns
        -------
        detections
            A score is n / (n + 3) for a box that n windows agree on.
        """
        gray = _gray("HaarCascade.detect", image)
        scale = number("HaarCascade.detect", "scale", scale, 1.01, 2)
        neighbours = integer("HaarCascade.detect", "neighbours", neighbours, 0)
        low, high = _side("min_size", min_size, (1, 1)), _side("max_size", max_size, gray.shape)
        windows, _ = search(gray, self._packed, scale, low, high)
        return self._detections(windows, neighbours, gray.shape)

    def save(self, path: PathLike) -> str:
        """Write the cascade as an XML file that OpenCV reads, too; return its SHA-256.

        Parameters
        ----------
        path
            The file. Cascades of LBP features cannot be written.
        """
        if self.tables.kind != "haar":
            raise InputError("HaarCascade.save: the cascade must be of Haar features; this one is of LBP features.")
        return write_text(path, cascade_text(self.tables))

    def first(self, stages: int) -> HaarCascade:
        """Return the cascade of the first stages alone.

        Parameters
        ----------
        stages
            How many, 1 to all.
        """
        count = integer("HaarCascade.first", "stages", stages, 1, len(self))
        tables = replace(self.tables, stages=self.tables.stages[: count + 1], limits=self.tables.limits[:count])
        return HaarCascade(tables, self.name)

    def __len__(self) -> int:
        return len(self.tables.limits)

    def _detections(self, windows: Array, neighbours: int, shape: tuple[int, ...]) -> Detections:
        boxes, counts = group_boxes(windows, neighbours)
        order = np.argsort(-counts, kind="stable")
        boxes, counts = boxes[order], counts[order]
        ends = np.minimum(boxes[:, :2] + boxes[:, 2:], np.array(shape[::-1]))  # sizes are rounded: some stick out
        edges = np.concatenate([boxes[:, :2], ends], axis=1)
        return Detections(edges, counts / (counts + _SURE), np.zeros(len(boxes), np.int64), (self.name,))


def _gray(function: str, image: Any) -> Array:
    picture = to_uint8(as_image(function, image, finite=True))
    return picture if picture.ndim == 2 else convert(picture, "rgb", "gray")


def _side(name: str, value: Any, default: tuple[int, ...]) -> tuple[int, int]:
    if value is None:
        return default[0], default[1]
    if isinstance(value, (tuple, list)):
        return size_2d("HaarCascade.detect", name, value)
    side = integer("HaarCascade.detect", name, value, 1)
    return side, side


_listed = method(task="detection", paper="Viola & Jones 2001", lesson="w7d2")(HaarCascade)


@_listed.steps
def _steps(cascade: HaarCascade, image: Array, scale: float = 1.1, neighbours: int = 3) -> Iterator[Step]:
    gray = _gray("HaarCascade.detect", image)
    yield Step("grey", Picture(gray))
    sums = np.cumsum(np.cumsum(gray, axis=0, dtype=np.float64), axis=1)
    yield Step("integral", Heat(sums.astype(np.float32)), note="At each pixel, the sum of all above and to the left.")
    if cascade.tables.kind == "haar":
        count = int(cascade.tables.trees[cascade.tables.stages[1]])
        note = f"The {count} questions of the first stage: is it brighter in white than in black?"
        yield Step("first stage", Grid(feature_pictures(cascade.tables)[:count]), note=note)
    stages = sorted({s for s in (1, 2, 4, 8, 16) if s < len(cascade)} | {len(cascade)})
    whole = (1, 1), gray.shape
    for s in stages:
        windows, asked = search(gray, cascade.first(s)._packed, scale, *whole)
        note = f"{len(windows)} of {asked[0]} windows are left, after {s} of {len(cascade)} stages."
        yield Step(f"after stage {s}", Heat(_covered(windows, gray.shape)), note=note)
    curve = np.stack([np.arange(len(asked)), np.log10(np.maximum(asked, 1))], axis=1).astype(np.float64)
    note = "Each stage is asked about fewer windows: that is why it is quick."
    yield Step("windows", Curve(curve, ("stage", "windows, log10")), note=note)
    edges = np.concatenate([windows[:, :2], windows[:, :2] + windows[:, 2:]], axis=1).astype(np.float32)
    yield Step("passed", Picture(gray), Boxes(edges), note=f"{len(windows)} windows pass all stages.")
    found = cascade.detect(image, scale, neighbours)
    labels = tuple(f"{score:.0%}" for score in found.scores)
    note = f"Boxes that more than {neighbours} windows agree on."
    yield Step("grouped", Value(found), Picture(gray), Boxes(found.boxes, labels), note=note)


def feature_pictures(tables: CascadeTables) -> Array:
    """Return N×height×width float32 pictures of the nodes' Haar features: white counts for, black against."""
    height, width = tables.size
    y, x = np.mgrid[0:height, 0:width] + 0.5
    pictures = np.zeros((len(tables.features), height, width), np.float32)
    for picture, feature in zip(pictures, tables.features, strict=True):
        for (left, top, w, h), weight in zip(tables.rects[feature], tables.weights[feature], strict=True):
            across, down = x - left, y - top
            if tables.tilted[feature]:
                across, down = (across + down) / 2, (down - across) / 2
                w, h = float(w), float(h)
            picture += weight * ((across >= 0) & (across < w) & (down >= 0) & (down < h))
    return (np.sign(pictures) + 1) / 2


def _covered(windows: Array, shape: tuple[int, ...]) -> Array:
    """Return how many windows lie on each pixel, as H×W float32."""
    marks = np.zeros((shape[0] + 1, shape[1] + 1))
    x, y = windows[:, 0], windows[:, 1]
    right, bottom = np.minimum(x + windows[:, 2], shape[1]), np.minimum(y + windows[:, 3], shape[0])
    for rows, columns, sign in ((y, x, 1), (y, right, -1), (bottom, x, -1), (bottom, right, 1)):
        np.add.at(marks, (rows, columns), sign)
    return np.cumsum(np.cumsum(marks, axis=0), axis=1)[:-1, :-1].astype(np.float32)
