"""A gallery of people: faces are found, cut out alike, and compared with those that were enrolled.

The detector is that of :class:`HaarCascade`, what is compared are the histograms of :class:`LBPHRecognizer`, to which
people can be added at any time, with a single photo, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import as_image
from sightline.core.conversions import to_uint8
from sightline.core.errors import DataError, InputError
from sightline.core.results import Detections
from sightline.core.types import Array, PathLike
from sightline.faces.haar_cascade import HaarCascade
from sightline.faces.lbph import LBPHRecognizer
from sightline.faces.recognizer import Recognition
from sightline.image.convert import convert
from sightline.image.equalize import equalize
from sightline.image.resize import resize

UNKNOWN = "unknown"
_SMALL = 60  # pixels of a face's side below which little is left to compare
_WEAK = 0.75  # score of a face that fewer than nine windows agree on
_SIDE = 96  # pixels of a face that is cut out
_FARTHEST = 100.0  # chi-squared: of two strangers in press photos, one pair in twenty is nearer
_ACCEPTED = 0.05


@dataclass(frozen=True)
class NamedFaces:
    """The faces of a picture, and whose they are.

    Parameters
    ----------
    boxes
        N×4 xyxy float32, absolute.
    found
        Who each is; a label of None is somebody unknown.
    """

    boxes: Array
    found: tuple[Recognition, ...]

    def __len__(self) -> int:
        return len(self.found)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each face, ``unknown`` for somebody unknown."""
        return tuple(UNKNOWN if one.label is None else str(one.label) for one in self.found)

    def draw(self, image: Array) -> Array:
        """Return a copy of ``image`` (H×W or H×W×3) with a named box around each face."""
        canvas = Canvas(image)
        for box, name in zip(self.boxes, self.names, strict=True):
            canvas.box(box, colour_of(7 if name == UNKNOWN else 2), name)
        return canvas.image()

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain JSON values, one record a face."""
        return [
            {"box": [float(v) for v in box], "name": name, "distance": round(one.distance, 3)}
            for box, name, one in zip(self.boxes, self.names, self.found, strict=True)
        ]


@dataclass(frozen=True)
class Enrolment:
    """What became of the photos of a person.

    Parameters
    ----------
    added
        How many photos were added.
    without
        The numbers, from 0, of those in which no face was found.
    doubts
        Number of the photo and a sentence, for each thing that makes an added photo poor, with what helps.
    """

    added: int
    without: tuple[int, ...]
    doubts: tuple[tuple[int, str], ...]


class FaceGallery:
    """The people whom one knows.

    Parameters
    ----------
    recognizer
        Their faces; an empty one when None.
    detector
        What finds faces; the frontal face detector that travels with the package when None.
    """

    def __init__(self, recognizer: LBPHRecognizer | None = None, detector: HaarCascade | None = None) -> None:
        self.recognizer = recognizer or LBPHRecognizer()
        self.detector = detector or HaarCascade.frontal_face()
        self._choose_threshold()

    @classmethod
    def load(cls, path: PathLike) -> FaceGallery:
        """Read what :meth:`save` wrote."""
        return cls(LBPHRecognizer.load(path))

    def save(self, path: PathLike) -> str:
        """Write the people to an ``.npz`` archive, whole or not at all; return its SHA-256."""
        return self.recognizer.save(path)

    @property
    def people(self) -> dict[str, int]:
        """How many photos there are of each person."""
        names, counts = np.unique(self.recognizer.labels, return_counts=True)
        return {str(name): int(count) for name, count in zip(names, counts, strict=True)}

    def enrol(self, name: str, images: Iterable[Array]) -> Enrolment:
        """Add photos of a person; of several faces in a photo, the largest is taken.

        Parameters
        ----------
        name
            Whose they are; not empty, and not ``unknown``.
        images
            H×W or H×W×3; uint8, uint16 or float32.

        Returns
        -------
        Enrolment
            What was added, what held no face, and what is poor.
        """
        if not isinstance(name, str) or not name.strip() or name == UNKNOWN:
            raise InputError(f"FaceGallery.enrol: name must be a word other than '{UNKNOWN}'; got {name!r}.")
        cut: list[Array] = []
        without: list[int] = []
        doubts: list[tuple[int, str]] = []
        for number, image in enumerate(images):
            found = self._found(image)
            if not len(found):
                without.append(number)
                continue
            cut.append(_cut_out(image, found.boxes[_largest(found.boxes)]))
            doubts += [(number, sentence) for sentence in _doubts(found)]
        if not cut:
            raise DataError(
                f"FaceGallery.enrol: no face was found in the {len(without)} photos of '{name}'. The detector finds"
                " upright faces that look at the camera."
            )
        self.recognizer.update(cut, [name] * len(cut))
        self._choose_threshold()
        return Enrolment(len(cut), tuple(without), tuple(doubts))

    def detect(self, image: Array) -> Array:
        """Return the boxes of the faces in a picture, N×4 float32."""
        return self._found(image).boxes

    def _found(self, image: Array) -> Detections:
        checked = as_image("FaceGallery", image, finite=True)
        return self.detector.detect(checked, neighbours=4, min_size=30)

    def recognise(self, image: Array) -> NamedFaces:
        """Return the faces of a picture, and whose they are; each name at most once, for the nearest one.

        Parameters
        ----------
        image
            H×W or H×W×3; uint8, uint16 or float32.
        """
        if not len(self.recognizer):
            raise InputError("FaceGallery.recognise: somebody must be known. Call enrol(name, images).")
        boxes = self.detect(image)
        found = [self.recognizer.predict(_cut_out(image, box)) for box in boxes]
        taken: set[Any] = set()
        for i in sorted(range(len(found)), key=lambda i: found[i].distance):
            if found[i].label in taken:  # one person is not there twice
                found[i] = replace(found[i], label=None)
            elif found[i].label is not None:
                taken.add(found[i].label)
        return NamedFaces(boxes, tuple(found))

    def _choose_threshold(self) -> None:
        if len(self.recognizer):
            self.recognizer.threshold = min(_FARTHEST, self.recognizer.suggest_threshold(_ACCEPTED))


def _doubts(found: Detections) -> list[str]:
    """Return a sentence for each thing that makes a photo with these faces poor to enrol, with what helps."""
    said, which = [], _largest(found.boxes)
    if len(found) > 1:
        said.append(f"{len(found)} faces are in it and the largest was taken: crop the photo to the one meant.")
    side = float(found.boxes[which, 3] - found.boxes[which, 1])
    if side < _SMALL:
        said.append(f"the face is only {side:.0f} pixels high: take a photo in which it has {_SMALL} or more.")
    if found.scores[which] < _WEAK:
        said.append("the face was hardly found: take one that is upright, evenly lit and looks at the camera.")
    return said


def _largest(boxes: Array) -> int:
    return int(np.argmax((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])))


def _cut_out(image: Array, box: Array) -> Array:
    """Return the face in a box as 96×96 uint8 grey of even contrast."""
    x1, y1, x2, y2 = (int(v) for v in box)
    part = np.ascontiguousarray(image[y1:y2, x1:x2])
    gray = part if part.ndim == 2 else convert(part, "rgb", "gray")
    return equalize(to_uint8(resize(gray, (_SIDE, _SIDE), "area" if min(part.shape[:2]) > _SIDE else "bilinear")))
