"""What recognisers of faces share: pictures of one size with names, the nearest one, and when nobody is near enough."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.canvas import Canvas, colour_of
from sightline.core.checks import as_image, describe, number
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError
from sightline.core.types import Array, PathLike
from sightline.image.convert import convert
from sightline.image.resize import resize

_ROOM = 1.25  # how much farther than the farthest photo of the same person one may be, where nobody else is known


@dataclass(frozen=True)
class Recognition:
    """Who it is.

    Parameters
    ----------
    label
        The name or number that was given with the photos; None for somebody unknown.
    distance
        To the nearest photo, in the recogniser's own unit: smaller is surer.
    nearest
        Whose photo that is, near enough or not.
    """

    label: str | int | None
    distance: float
    nearest: str | int

    def draw(self, image: Array) -> Array:
        """Return a copy of ``image`` (H×W or H×W×3) with the name and the distance in its corner."""
        canvas = Canvas(image)
        name = "unknown" if self.label is None else self.label
        canvas.text(f"{name} {self.distance:.4g}", (2, 2), colour_of(0))
        return canvas.image()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; an unknown person's label is null."""
        return {"label": self.label, "distance": self.distance, "nearest": self.nearest}


class Recognizer(ABC):
    """The nearest photo tells who it is; each kind of recogniser says what near means.

    Parameters
    ----------
    threshold
        Distance beyond which a face is somebody unknown, > 0; None knows nobody as unknown.
    """

    kind: ClassVar[str] = ""

    def __init__(self, threshold: float | None = None) -> None:
        name = type(self).__name__
        self.threshold = None if threshold is None else number(name, "threshold", threshold, above=0)
        self.labels: Array = np.zeros(0, np.int64)
        self.size: tuple[int, int] = (0, 0)
        self.vectors: Array = np.zeros((0, 0))

    # --- what each kind says for itself ---

    @abstractmethod
    def _learn(self, faces: Array, labels: Array) -> None:
        """Learn from N×H×W uint8 faces, and set ``vectors``."""

    @abstractmethod
    def _describe(self, faces: Array) -> Array:
        """Return N×D numbers of N×H×W uint8 faces."""

    @abstractmethod
    def _state(self) -> dict[str, Array]:
        """Return the arrays that a file holds besides those of all kinds."""

    @abstractmethod
    def _restore(self, arrays: dict[str, Array]) -> None:
        """Take over what :meth:`_state` returned."""

    def _apart(self, vector: Array) -> Array:
        """Return the distance of a face to each photo, N."""
        return np.sqrt(((self.vectors - vector) ** 2).sum(axis=1))

    # --- what all do ---

    def fit(self, images: Sequence[Array], labels: Sequence[Any]) -> Self:
        """Learn who is who; return the recogniser itself.

        Parameters
        ----------
        images
            Faces, cut out alike: H×W or H×W×3; uint8, uint16 or float32. Those of another size than the first are
            resized to it.
        labels
            A name or a whole number for each.
        """
        asked = f"{type(self).__name__}.fit"
        names = self._names(asked, images, labels)
        self.size = _gray(asked, images[0]).shape[:2]
        self.labels = names
        self._learn(self._faces(asked, images), names)
        return self

    def predict(self, image: Array) -> Recognition:
        """Return who it is; with a label of None when nobody is within the threshold.

        Parameters
        ----------
        image
            A face, cut out as those that it learned from.
        """
        asked = f"{type(self).__name__}.predict"
        self._fitted("predict")
        distances = self._apart(self._describe(self._faces(asked, [image]))[0])
        best = int(np.argmin(distances))
        distance, nearest = float(distances[best]), self.labels[best].item()
        known = self.threshold is None or distance <= self.threshold
        return Recognition(nearest if known else None, distance, nearest)

    def suggest_threshold(self, accepted: float = 0.05) -> float:
        """Return the distance within which only few photos have somebody else's photo; see ``threshold``.

        Parameters
        ----------
        accepted
            Share of the photos that may be taken for somebody else, 0–1. Where one person only is known, the answer is
            a quarter more than the farthest that any photo is from the others, and infinity for a single photo.
        """
        self._fitted("suggest_threshold")
        share = number(f"{type(self).__name__}.suggest_threshold", "accepted", accepted, 0, 1)
        others, own = [], []
        for i, vector in enumerate(self.vectors):
            distances = self._apart(vector)
            same = self.labels == self.labels[i]
            if not same.all():
                others.append(distances[~same].min())
            same[i] = False
            if same.any():
                own.append(distances[same].min())
        if others:
            return float(np.quantile(others, share))
        return _ROOM * float(max(own)) if own else float("inf")

    def save(self, path: PathLike) -> str:
        """Write all that was learned to an ``.npz`` archive; return its SHA-256."""
        self._fitted("save")
        arrays: dict[str, Any] = {
            "kind": np.array(self.kind),
            "size": np.array(self.size),
            "labels": self.labels,
            "vectors": self.vectors,
            "threshold": np.array(np.nan if self.threshold is None else self.threshold),
            **self._state(),
        }
        return write_arrays(path, arrays, compress=True)

    @classmethod
    def load(cls, path: PathLike) -> Self:
        """Read an archive that :meth:`save` wrote; nothing in it is executed.

        Parameters
        ----------
        path
            The file. :class:`FormatError` is raised when it is none of this kind, or damaged.
        """
        with read_arrays(f"{cls.__name__}.load", path, "an archive of a recogniser") as held:
            kind = str(held["kind"])
            if kind != cls.kind:
                raise ValueError(f"it holds a recogniser of the kind '{kind}'")
            made = cls.__new__(cls)
            threshold = float(held["threshold"])
            Recognizer.__init__(made, None if np.isnan(threshold) else threshold)
            height, width = held["size"].tolist()
            made.size, made.labels, made.vectors = (height, width), held["labels"], held["vectors"]
            if len(made.labels) != len(made.vectors) or not len(made.labels):
                raise ValueError("its labels are not those of its photos")
            made._restore(held)
        return made

    def __len__(self) -> int:
        return len(self.labels)

    def _names(self, asked: str, images: Sequence[Array], labels: Sequence[Any]) -> Array:
        names = np.asarray(labels)
        if names.dtype.kind == "i" or names.dtype.kind == "u":
            names = names.astype(np.int64)
        fits = names.ndim == 1 and len(names) == len(images) and len(images) > 0 and names.dtype.kind in "iU"
        if not fits:
            raise InputError(
                f"{asked}: labels must be a name or a whole number for each of the images, of which there is one at"
                f" least; got {len(images)} images and {describe(names)}."
            )
        return names

    def _faces(self, asked: str, images: Sequence[Array]) -> Array:
        grays = (_gray(asked, image) for image in images)
        return np.stack([gray if gray.shape == self.size else resize(gray, self.size) for gray in grays])

    def _fitted(self, name: str) -> None:
        if not len(self.labels):
            raise InputError(f"{type(self).__name__}.{name}: faces must have been learned. Call fit(images, labels).")


def _gray(asked: str, image: Any) -> Array:
    picture = to_uint8(as_image(asked, image, finite=True))
    return picture if picture.ndim == 2 else convert(picture, "rgb", "gray")
