"""Results: small frozen records that index, filter, draw themselves, and convert to JSON and COCO."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import describe
from sightline.core.errors import InputError, WeightsError


@dataclass(frozen=True)
class Classification:
    """What is in an image: labels with scores, best first.

    Parameters
    ----------
    labels
        Class names, in order of falling score.
    scores
        Probabilities in 0–1, of the same length.
    """

    labels: tuple[str, ...]
    scores: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.scores) or not self.labels:
            raise InputError(
                "Classification: labels and scores must be of one length ≥ 1; "
                f"got {len(self.labels)} and {len(self.scores)}."
            )

    @classmethod
    def ranked(cls, classes: Sequence[str], probabilities: np.ndarray) -> Classification:
        """Return one image's probabilities with the names of the classes, best first.

        Parameters
        ----------
        classes
            K names.
        probabilities
            K numbers, kept until somebody looks at them; of equal ones the first stays first.

        Raises
        ------
        InputError
            When names and numbers are not of one length, or there are none.
        WeightsError
            When one is NaN, as the answers of a model are whose weights hold NaN or infinity.
        """
        if math.isnan(probabilities.sum()):  # one NaN is enough; a fraction of the time of looking at each
            raise WeightsError("predict: the model answers NaN instead of probabilities: its weights are damaged.")
        if len(classes) != len(probabilities) or not len(classes):
            return cls(tuple(classes), tuple(probabilities.tolist()))  # refused in a sentence
        found = cls.__new__(cls)
        object.__setattr__(found, "_unranked", (classes, probabilities))
        return found

    if not TYPE_CHECKING:  # where any other name is an error

        def __getattr__(self, name):
            # A thousand names take longer to line up than a small network to answer: it is done when somebody looks.
            if name not in ("labels", "scores") or "_unranked" not in self.__dict__:
                raise AttributeError(f"'Classification' object has no attribute '{name}'", name=name, obj=self)
            classes, probabilities = self._unranked
            if name == "labels":  # by plain numbers: NumPy's take three times as long
                order = np.argsort(-probabilities, kind="stable").tolist()
                value = tuple([classes[place] for place in order])
            else:
                value = tuple(np.sort(probabilities)[::-1].tolist())
            object.__setattr__(self, name, value)
            return value

    @property
    def label(self) -> str:
        """The best label."""
        return self.labels[0]

    @property
    def score(self) -> float:
        """The best label's probability."""
        return self.scores[0]

    def top(self, count: int) -> Classification:
        """Return the ``count`` best only."""
        return Classification(self.labels[:count], self.scores[:count])

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return zip(self.labels, self.scores, strict=True)

    def draw(self, image: np.ndarray) -> np.ndarray:
        """Return a copy of ``image`` (H×W or H×W×3) with the best labels written in its corner."""
        canvas = Canvas(image)
        lines = [f"{label} {score:.0%}" for label, score in self.top(3)]
        canvas.text("\n".join(lines), (2, 2), colour_of(0))
        return canvas.image()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"label": self.label, "score": self.score, "top": [{"label": n, "score": s} for n, s in self]}


@dataclass(frozen=True)
class Detections:
    """Boxes around things, with scores and labels.

    Parameters
    ----------
    boxes
        N×4 xyxy, absolute, continuous edges (the top-left pixel is 0, 0, 1, 1).
    scores
        N confidences in 0–1.
    labels
        N class indices.
    names
        Class names by index; may be empty.
    masks
        N×H×W bool, or None.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray
    names: tuple[str, ...] = ()
    masks: np.ndarray | None = None

    def __post_init__(self) -> None:
        boxes = np.asarray(self.boxes, np.float32).reshape(-1, 4)
        object.__setattr__(self, "boxes", boxes)
        object.__setattr__(self, "scores", np.asarray(self.scores, np.float32))
        object.__setattr__(self, "labels", np.asarray(self.labels, np.int64))
        if not len(boxes) == len(self.scores) == len(self.labels):
            raise InputError(
                "Detections: boxes, scores and labels must be of one length; "
                f"got {len(boxes)}, {len(self.scores)} and {len(self.labels)}."
            )

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: Any) -> Detections:
        """Select by slice, index array or bool mask: ``found[found.scores > 0.5]``."""
        chosen = np.arange(len(self))[index]
        rows = np.atleast_1d(chosen)
        masks = None if self.masks is None else self.masks[rows]
        return Detections(self.boxes[rows], self.scores[rows], self.labels[rows], self.names, masks)

    def name(self, index: int) -> str:
        """Return the class name of detection ``index``."""
        label = int(self.labels[index])
        return self.names[label] if label < len(self.names) else str(label)

    def draw(self, image: np.ndarray) -> np.ndarray:
        """Return a copy of ``image`` (H×W or H×W×3) with boxes, masks and labels on it."""
        canvas = Canvas(image)
        for i in range(len(self)):
            colour = colour_of(int(self.labels[i]))
            if self.masks is not None:
                canvas.mask(self.masks[i], colour)
            canvas.box(self.boxes[i], colour, f"{self.name(i)} {self.scores[i]:.0%}")
        return canvas.image()

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record a detection."""
        return [
            {
                "box": [float(v) for v in self.boxes[i]],
                "score": float(self.scores[i]),
                "label": int(self.labels[i]),
                "name": self.name(i),
            }
            for i in range(len(self))
        ]

    def to_coco(self, image_id: int, categories: Sequence[int] | None = None) -> list[dict[str, Any]]:
        """Return COCO result records (``bbox`` is x, y, width, height).

        Parameters
        ----------
        image_id
            The image's id in the COCO file.
        categories
            COCO category id by class index; the index itself when None.
        """
        return [
            {
                "image_id": image_id,
                "category_id": int(label if categories is None else categories[int(label)]),
                "bbox": [float(x1), float(y1), float(x2 - x1), float(y2 - y1)],
                "score": float(score),
            }
            for (x1, y1, x2, y2), score, label in zip(self.boxes, self.scores, self.labels, strict=True)
        ]


@dataclass(frozen=True)
class Segmentation:
    """A class for every pixel.

    Parameters
    ----------
    labels
        H×W int32 class indices.
    names
        Class names by index; may be empty.
    """

    labels: np.ndarray
    names: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if self.labels.ndim != 2 or self.labels.dtype != np.int32:
            raise InputError(f"Segmentation: labels must be H×W int32; got {describe(self.labels)}.")

    def mask(self, label: int | str) -> np.ndarray:
        """Return the bool H×W mask of one class, by index or name."""
        index = self.names.index(label) if isinstance(label, str) else label
        return self.labels == index

    def draw(self, image: np.ndarray) -> np.ndarray:
        """Return a copy of ``image`` with every class but 0 tinted in its colour."""
        canvas = Canvas(image)
        for label in np.unique(self.labels):
            if label != 0:
                canvas.mask(self.labels == label, colour_of(int(label)))
        return canvas.image()

    def to_json(self) -> dict[str, Any]:
        """Return the share of the image that each class covers."""
        values, counts = np.unique(self.labels, return_counts=True)
        named = [self.names[v] if v < len(self.names) else str(v) for v in values]
        return {"shares": {name: float(c / self.labels.size) for name, c in zip(named, counts, strict=True)}}


def dumps(value: Any) -> str:
    """Return JSON text of a result, or of a list or dict of results."""
    return json.dumps(value, default=lambda item: item.to_json(), ensure_ascii=False)
