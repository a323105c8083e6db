"""A template of the whole and movable templates of its parts: what a person keeps when he lifts an arm.

Felzenszwalb, Girshick, McAllester & Ramanan 2010, "Object Detection with Discriminatively Trained Part-Based Models",
IEEE Transactions on Pattern Analysis and Machine Intelligence 32(9).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.box_overlap import as_boxes
from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.layers import Boxes, Grid, Heat, Picture, Value
from sightline.core.results import Detections
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, PathLike, Range, Seed
from sightline.detect.gradient_cells import BINS
from sightline.detect.latent_svm import LatentRound, Taught, train_view
from sightline.detect.part_model import CellLevel, PartModel, Placed, cell_levels, part_boxes, place_all, root_box
from sightline.features.hog import star_strokes
from sightline.features.hog_windows import peaks

_KIND = "deformable_parts"
_FIELDS = ("root", "parts", "anchors", "deformations", "offset")
_INTERVAL = 5  # levels of an octave
_AREA = 0.2  # this share of the boxes may be smaller than the root
_MOST_CELLS = 72.0  # of a root: larger things are found in smaller pictures


class DeformableParts:
    """Finds things whose parts move: a coarse template of the whole, and parts that pay for leaving their place.

    A place scores what the root's template says, and for each part the best of what its own, finer template says
    somewhere near its anchor, less the price of the way there. Each view (from the front, from the side) is a model of
    its own, and the best one counts.

    Parameters
    ----------
    views
        The models; :meth:`train` and :meth:`load` make them.
    cell
        Side of a cell of gradients in pixels, 2–16.
    name
        What is found, as the class name of the detections.

    References
    ----------
    P. Felzenszwalb, R. Girshick, D. McAllester, D. Ramanan, "Object Detection with Discriminatively Trained Part-Based
    Models", IEEE Transactions on Pattern Analysis and Machine Intelligence 32(9), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> ground = np.random.default_rng(0).integers(0, 60, (96, 96), dtype=np.uint8)
    >>> scene = ground.copy()
    >>> scene[24:64, 40:56] = 220
    >>> posts = DeformableParts.train([scene], [np.array([[32, 16, 64, 72]])], [ground], parts=2, rounds=1, cell=4)
    >>> posts.detect(scene).boxes.shape
    (1, 4)
    """

    history: tuple[tuple[LatentRound, ...], ...] = ()  # of each view, where it was trained here

    def __init__(self, views: Sequence[PartModel], *, cell: int = 8, name: str = "person") -> None:
        if isinstance(views, (str, bytes)) or not isinstance(views, Sequence) or not views:
            raise InputError(
                f"DeformableParts: views must be one PartModel at least, as train makes them; got {views!r}."
            )
        if not all(isinstance(view, PartModel) for view in views):
            raise InputError("DeformableParts: each of views must be a PartModel, as train makes them.")
        self.views, self.cell, self.name = tuple(views), integer("DeformableParts", "cell", cell, 2, 16), name

    @classmethod
    def train(
        cls,
        pictures: Sequence[Array],
        boxes: Sequence[Array],
        backgrounds: Sequence[Array],
        *,
        parts: int = 6,
        views: int = 1,
        cell: int = 8,
        cost: float = 0.01,
        negatives: int = 1000,
        rounds: int = 3,
        name: str = "person",
        seed: Seed = 0,
        progress: Callable[[LatentRound], object] | None = None,
    ) -> DeformableParts:
        """Return a detector taught by boxes around the whole; where the parts are, it finds out.

        Parameters
        ----------
        pictures
            H×W or H×W×3 each.
        boxes
            For each picture, N×4 (x1, y1, x2, y2): everything in it that is to be found. Mirrored ones are learned too.
        backgrounds
            Pictures without any.
        parts
            Of each view, 0–12.
        views
            Boxes are divided by how wide they are for their height into as many groups, 1–6.
        cell
            Side of a cell in pixels, 2–16.
        cost
            Of a sample on the wrong side, > 0: higher ones follow the samples, lower ones keep the margin wide.
        negatives
            About so many places of the backgrounds are added in each round, ≥ 10.
        rounds
            1–10: how often the parts are placed anew.
        name
            What is taught, as the class name of the detections.
        seed
            Whole number ≥ 0 or a generator: which places of the backgrounds are drawn first.
        progress
            Called with the report of each round when it is done.
        """
        asked = "DeformableParts.train"
        parts, views = integer(asked, "parts", parts, 0, 12), integer(asked, "views", views, 1, 6)
        cell, cost = integer(asked, "cell", cell, 2, 16), number(asked, "cost", cost, above=0)
        negatives, rounds = integer(asked, "negatives", negatives, 10), integer(asked, "rounds", rounds, 1, 10)
        if len(pictures) != len(boxes):
            raise InputError(f"{asked}: there must be boxes for each picture; got {len(boxes)} for {len(pictures)}.")
        grounds = [_checked(asked, picture) for picture in backgrounds]
        singles = _singles(asked, pictures, boxes)
        if len(singles) < 2 * views or not grounds:
            raise InputError(
                f"{asked}: there must be 1 box for each view and 1 background at least;"
                f" got {len(singles) // 2} boxes for {views} views and {len(grounds)} backgrounds."
            )
        random, models, history = generator(seed), [], []
        for group in _groups(singles, views):
            root = _root_shape(asked, [box for _, box in group], cell)
            part = max(2, math.ceil(root[0] / 2)), max(2, math.ceil(root[1] * 2 * 0.6))
            part = min(part[0], 6), min(part[1], 6)
            usable = [g for g in grounds if g.shape[0] >= root[0] * cell and g.shape[1] >= root[1] * cell]
            if not usable:
                raise InputError(f"{asked}: no background is as large as the root of {root[0]}×{root[1]} cells.")
            taught = Taught([p for p, _ in group], np.stack([b for _, b in group]), usable, cell)
            model, reports = train_view(
                taught,
                root,
                parts,
                part,
                cost=cost,
                negatives=negatives,
                rounds=rounds,
                random=random,
                progress=progress,
            )
            models.append(model)
            history.append(tuple(reports))
        detector = cls(models, cell=cell, name=name)
        detector.history = tuple(history)
        return detector

    def detect(
        self,
        image: Array,
        threshold: Annotated[float, Range(-2, 2, 0.1)] = 0.0,
        overlap: Annotated[float, Range(0, 1, 0.05)] = 0.4,
    ) -> Detections:
        """Return the boxes around what is found, the surest first; of those that lie on one another, the best.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32. NaN and infinity are refused.
        threshold
            Score that a place must exceed, any number: the machine's margin is 1 on each side of 0.
        overlap
            Intersection over union, 0–1, from which two boxes are on one thing.

        Returns
        -------
        detections
            A score is 1 / (1 + exp(-2s)) for a place of score s: one half on the machine's plane.
        """
        return self.detect_parts(image, threshold, overlap)[0]

    def detect_parts(
        self, image: Array, threshold: float = 0.0, overlap: float = 0.4
    ) -> tuple[Detections, list[Array]]:
        """Return what :meth:`detect` does, and for each box the P×4 boxes of its parts.

        Parameters
        ----------
        image, threshold, overlap
            As in :meth:`detect`.
        """
        asked = "DeformableParts.detect"
        picture = _checked(asked, image)
        threshold, overlap = number(asked, "threshold", threshold), number(asked, "overlap", overlap, 0, 1)
        found: list[tuple[float, Array, Array]] = []
        for view, level, placed in self._placed(picture):
            rows, columns = np.nonzero(placed.scores > threshold)
            boxes = root_box(level, view.root.shape, rows, columns)
            for row, column, box in zip(rows, columns, boxes, strict=True):
                sure = float(placed.scores[row, column])
                found.append((sure, box, part_boxes(view, level, placed, int(row), int(column))))
        scores = np.array([sure for sure, _, _ in found], np.float64)
        every = np.array([box for _, box, _ in found], np.float32).reshape(-1, 4)
        limits = np.array([picture.shape[1], picture.shape[0]] * 2, np.float32)
        every = np.clip(every, 0, limits)
        kept = peaks(every, scores, overlap)
        sure = 1 / (1 + np.exp(-2 * scores[kept]))
        whole = Detections(every[kept], sure, np.zeros(len(kept), np.int64), (self.name,))
        return whole, [found[i][2] for i in kept]

    def _placed(self, picture: Array) -> Iterator[tuple[PartModel, CellLevel, Placed]]:
        smallest = tuple(min(view.root.shape[axis] for view in self.views) for axis in (0, 1))
        for level in cell_levels(picture, self.cell, _INTERVAL, smallest):
            for view in self.views:
                yield view, level, place_all(view, level)

    def save(self, path: PathLike) -> str:
        """Write the detector to an ``.npz`` archive; return its SHA-256."""
        arrays: dict[str, Any] = {"kind": _KIND, "cell": self.cell, "name": self.name, "views": len(self.views)}
        for index, view in enumerate(self.views):
            arrays |= {f"{field}{index}": getattr(view, field) for field in _FIELDS}
        return write_arrays(path, arrays, compress=True)

    @classmethod
    def load(cls, path: PathLike) -> DeformableParts:
        """Read an archive that :meth:`save` wrote; nothing in it is executed.

        Parameters
        ----------
        path
            The file. :class:`FormatError` is raised when it is none of this kind, or damaged.
        """
        with read_arrays("DeformableParts.load", path, "an archive of DeformableParts") as held:
            if str(held["kind"]) != _KIND:
                raise ValueError(f"it is of the kind '{held['kind']}'")
            views = []
            for index in range(int(held["views"])):
                root, parts, anchors, deformations, offset = (held[f"{field}{index}"] for field in _FIELDS)
                views.append(PartModel(root, parts, anchors, deformations, float(offset)))
            return cls(views, cell=int(held["cell"]), name=str(held["name"]))


def _checked(asked: str, image: Any) -> Array:
    return to_uint8(as_image(asked, image, finite=True))


def _singles(asked: str, pictures: Sequence[Array], boxes: Sequence[Array]) -> list[tuple[Array, Array]]:
    """Return a picture and its box for each box, and both of them mirrored."""
    found = []
    for picture, inside in zip(pictures, boxes, strict=True):
        checked = _checked(asked, picture)
        mirrored = np.ascontiguousarray(checked[:, ::-1])
        for x1, y1, x2, y2 in np.asarray(as_boxes(asked, inside), np.float64):
            if not (x2 - x1 >= 4 and y2 - y1 >= 4):
                raise InputError(f"{asked}: boxes must be 4 pixels wide and high at least; got {x1, y1, x2, y2}.")
            found.append((checked, np.array([x1, y1, x2, y2])))
            width = checked.shape[1]
            found.append((mirrored, np.array([width - x2, y1, width - x1, y2])))
    return found


def _groups(singles: list[tuple[Array, Array]], views: int) -> list[list[tuple[Array, Array]]]:
    """Divide what is to be learned by width for height into groups of about one size."""
    order = sorted(range(len(singles)), key=lambda i: _aspect(singles[i][1]))
    return [[singles[i] for i in part] for part in np.array_split(np.array(order), views)]


def _aspect(box: Array) -> float:
    return float((box[2] - box[0]) / (box[3] - box[1]))


def _root_shape(asked: str, boxes: list[Array], cell: int) -> tuple[int, int]:
    """Return the rows and columns of a root: of the boxes' usual shape, and no larger than most of them."""
    aspect = float(np.median([_aspect(box) for box in boxes]))
    area = float(np.quantile([(b[2] - b[0]) * (b[3] - b[1]) for b in boxes], _AREA)) / cell**2
    area = min(max(area, 24.0), _MOST_CELLS)
    rows, columns = round(math.sqrt(area / aspect)), round(math.sqrt(area * aspect))
    return max(rows, 2), max(columns, 2)


_listed = method(task="detection", paper="Felzenszwalb et al. 2010", lesson="w7d2")(DeformableParts)


@_listed.steps
def _steps(detector: DeformableParts, image: Array, threshold: float = 0.0, overlap: float = 0.4) -> Iterator[Step]:
    picture = _checked("DeformableParts.detect", image)
    yield Step("image", Picture(picture))
    view = detector.views[0]
    yield Step("root", Picture(_strokes(view.root)), note="Edges that speak for it, at the coarse level.")
    if len(view.parts):
        strokes = np.stack([_strokes(part) for part in view.parts])
        yield Step("parts", Grid(strokes), note="Edges of the parts, at twice the resolution.")
    best = max(detector._placed(picture), key=lambda item: float(item[2].scores.max(initial=-np.inf)), default=None)
    if best is not None and best[2].scores.size:
        side = best[0].root.shape[0] * best[1].steps[0]
        note = f"Root and parts together, for things {side:.0f} pixels high: the size of the best one."
        yield Step("scores", Heat(best[2].scores), note=note)
    found, parts = detector.detect_parts(picture, threshold, overlap)
    every = np.concatenate([np.zeros((0, 4), np.float32), *parts])
    yield Step("placed", Picture(picture), Boxes(every), note="Each part where it scores best for its root.")
    labels = tuple(f"{score:.0%}" for score in found.scores)
    note = f"Of boxes that overlap by more than {overlap:.0%}, the best."
    yield Step("best", Value(found), Picture(picture), Boxes(found.boxes, labels), note=note)


def _strokes(weights: Array) -> Array:
    unsigned = weights[..., :BINS] + weights[..., BINS : 2 * BINS] + weights[..., 2 * BINS : 3 * BINS]
    return star_strokes(np.maximum(unsigned, 0), 24)
