"""An annotation: the things in one image, as a person marked them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import describe
from sightline.core.errors import DataError
from sightline.data.labelled import LabelledImage
from sightline.data.outline import Outline


def _unsaid() -> np.ndarray:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Annotation:
    """The things in one image: row i of everything is one of them.

    Parameters
    ----------
    boxes
        N×4 xyxy in pixels, continuous edges (the top-left pixel is 0, 0, 1, 1); kept as float64, so that what a file
        says is not rounded.
    labels
        N class indices; kept as int64.
    crowd
        N bool: a box around many things of a kind (COCO's ``iscrowd``); empty takes none for one.
    ignore
        N bool: neither right nor wrong to find (VOC's ``difficult``, COCO's ``ignore``); empty ignores nothing.
    areas
        N areas in pixels, float64: of the outline where there is one; empty takes those of the boxes.
    outlines
        N outlines or None each; empty where nothing has one.
    attributes
        N mappings of further words that a format has: ``pose``, ``truncated``, ``occluded`` …; empty where there are
        none.
    """

    boxes: np.ndarray
    labels: np.ndarray
    crowd: np.ndarray = field(default_factory=_unsaid)
    ignore: np.ndarray = field(default_factory=_unsaid)
    areas: np.ndarray = field(default_factory=_unsaid)
    outlines: tuple[Outline | None, ...] = ()
    attributes: tuple[Mapping[str, Any], ...] = ()

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, np.float64)
        boxes = boxes.reshape(-1, 4) if boxes.size == 0 else boxes
        if boxes.ndim != 2 or boxes.shape[1] != 4:
            raise DataError(f"Annotation: boxes must be N×4 xyxy; got {describe(boxes)}.")
        count = len(boxes)
        labels = np.asarray(self.labels)
        if labels.size and labels.dtype.kind not in "iu":
            raise DataError(f"Annotation: labels must be {count} whole numbers; got {describe(labels)}.")
        kept = {
            "boxes": boxes,
            "labels": labels.astype(np.int64),
            "crowd": np.asarray(self.crowd, np.bool_) if len(self.crowd) else np.zeros(count, np.bool_),
            "ignore": np.asarray(self.ignore, np.bool_) if len(self.ignore) else np.zeros(count, np.bool_),
            "areas": np.asarray(self.areas, np.float64) if len(self.areas) else _areas(boxes, self.outlines),
        }
        for name, value in kept.items():
            if value.shape[:1] != (count,):
                raise DataError(f"Annotation: {name} must have {count} rows, one a box; got {describe(value)}.")
            value = value.view()
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        for name in ("outlines", "attributes"):
            values = tuple(getattr(self, name))
            if len(values) not in (0, count):
                raise DataError(f"Annotation: {name} must have {count} rows, one a box; got {len(values)}.")
            object.__setattr__(self, name, values)

    @classmethod
    def empty(cls) -> Annotation:
        """Return the annotation of an image with nothing in it."""
        return cls(np.zeros((0, 4)), np.zeros(0, np.int64))

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, chosen: np.ndarray | Sequence[int]) -> Annotation:
        """Return some of the things.

        Parameters
        ----------
        chosen
            N bool, or row numbers.
        """
        rows = np.arange(len(self))[np.asarray(chosen, None if len(chosen) else np.int64)]
        columns = {name: getattr(self, name)[rows] for name in ("boxes", "labels", "crowd", "ignore", "areas")}
        lists = {
            name: tuple(values[row] for row in rows) if values else ()
            for name, values in (("outlines", self.outlines), ("attributes", self.attributes))
        }
        return replace(self, **columns, **lists)

    def masks(self, shape: tuple[int, int]) -> np.ndarray | None:
        """Return N×H×W bool masks, the whole box where a thing has no outline; None where nothing has one.

        Parameters
        ----------
        shape
            ``(height, width)`` of the image.
        """
        if not any(self.outlines):
            return None
        masks = np.zeros((len(self), *shape), np.bool_)
        for index, outline in enumerate(self.outlines):
            if outline is not None:
                masks[index] = outline.mask(shape)
            else:
                x1, y1, x2, y2 = np.rint(np.maximum(self.boxes[index], 0)).astype(int)
                masks[index, y1:y2, x1:x2] = True
        return masks

    def on(self, image: np.ndarray, *, masks: bool = False) -> LabelledImage:
        """Return the image with its boxes and classes (and masks), ready for augmentation; ``rows`` name the things.

        Parameters
        ----------
        image
            H×W or H×W×3, uint8.
        masks
            Whether masks are drawn as well, where there are outlines.
        """
        drawn = self.masks((image.shape[0], image.shape[1])) if masks else None
        return LabelledImage(image, boxes=self.boxes, classes=self.labels, masks=drawn)

    def draw(self, image: np.ndarray, names: Sequence[str] = ()) -> np.ndarray:
        """Return a copy of an image with outlines, boxes and class names on it, H×W×3 uint8.

        Parameters
        ----------
        image
            H×W or H×W×3.
        names
            Class names by index.
        """
        canvas = Canvas(image)
        for index, label in enumerate(self.labels.tolist()):
            colour, outline = colour_of(label), self.outlines[index] if self.outlines else None
            if outline is not None:
                canvas.mask(outline.mask((image.shape[0], image.shape[1])), colour)
            words = [names[label] if 0 <= label < len(names) else str(label)]
            words += ["crowd"] * bool(self.crowd[index]) + ["ignore"] * bool(self.ignore[index])
            canvas.box(self.boxes[index], colour, ", ".join(words))
        return canvas.image()


def _areas(boxes: np.ndarray, outlines: Sequence[Outline | None]) -> np.ndarray:
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for index, outline in enumerate(outlines[: len(boxes)]):
        if outline is not None:
            areas[index] = outline.area
    return areas
