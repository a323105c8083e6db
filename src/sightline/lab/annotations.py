"""Boxes that a person draws on the pictures of a folder, kept beside them as a COCO file: a set to train on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sightline.core.errors import DataError, InputError, MissingFileError
from sightline.core.files import sha256_of
from sightline.core.types import Array
from sightline.data import coco
from sightline.data.annotation import Annotation
from sightline.data.convert import WRITERS
from sightline.data.detection_set import DetectionSet, DetectionSplit
from sightline.data.found import Found
from sightline.data.image_set import FileImages
from sightline.data.image_size import image_size
from sightline.data.naming import entries, is_image_name
from sightline.data.open_detection_set import find_format
from sightline.lab.places import under
from sightline.serve.failures import RequestError

FILE = "annotations/instances.json"  # what sightline.data.coco calls the file of a set without splits
MOST = 2000  # pictures of a folder that are offered
_ALL = "all"  # the name of a set's only split
_LONGEST = 60  # letters of a class's name

Row = Sequence[float]  # x1, y1, x2, y2 in pixels, continuous edges, and the class's number


@dataclass(frozen=True)
class Annotated:
    """The pictures of a folder and what is drawn on them.

    Parameters
    ----------
    root
        The lab's root.
    folder
        ``file:yard``: a folder of pictures under it.
    """

    root: Path
    folder: str

    @property
    def place(self) -> Path:
        """The folder; raises :class:`MissingFileError` when there is none."""
        place = under(self.root, self.folder.removeprefix("file:"))
        if not place.is_dir():
            raise MissingFileError(f"annotations: '{self.folder}' is no folder under the lab's root.")
        return place

    @property
    def version(self) -> str:
        """Changes whenever the file is written; empty before it is."""
        path = self.place / FILE
        return sha256_of(path)[:16] if path.is_file() else ""

    def told(self) -> dict[str, Any]:
        """Return classes, pictures and their boxes (None where nobody has looked yet), and another form's name."""
        found, form = self._found()
        known = {} if found is None else {Path(image.path).resolve(): image.annotation for image in found.images}
        pictures = []
        for path in self._pictures(list(known)):
            height, width = image_size(path)
            name = path.relative_to(self.place.resolve()).as_posix()
            ref = f"file:{path.relative_to(self.root).as_posix()}"
            rows = _rows(known[path]) if path in known else None
            pictures.append({"name": name, "ref": ref, "width": width, "height": height, "boxes": rows})
        classes = () if found is None else found.classes
        return {"classes": list(classes), "pictures": pictures, "form": form, "version": self.version}

    def save(self, version: str, classes: Sequence[str], pictures: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
        """Write what is drawn, all or nothing; return the new version and how much it is.

        Raises :class:`RequestError` 409 when the file is no longer the one that ``version`` names.

        Parameters
        ----------
        version
            Of what was opened.
        classes
            Names of the classes.
        pictures
            Boxes by the picture's name, none where nothing is on it; pictures that are left out are no part of the set.
        """
        found, form = self._found()
        if form:
            raise DataError(
                f"annotations: '{self.place.name}' is annotated as {form} already. To change its boxes here, write it "
                f"anew: sightline data convert {self.place.name} {self.place.name}-coco --to coco."
            )
        if version != self.version:
            raise RequestError(409, f"annotations: '{FILE}' was changed elsewhere. Open the folder again.")
        names = _checked(classes)
        before = {} if found is None else {Path(image.path).resolve(): image.annotation for image in found.images}
        known = {path.relative_to(self.place.resolve()).as_posix(): path for path in self._pictures(list(before))}
        missing = next((name for name in pictures if name not in known), None)
        if missing is not None:
            raise InputError(f"annotations: '{self.place.name}' has no picture '{missing}'.")
        chosen = [known[name] for name in pictures]
        sizes = np.array([image_size(path) for path in chosen]).reshape(-1, 2)
        drawn = [
            _annotation(name, rows, size, len(names), before.get(known[name]))
            for (name, rows), size in zip(pictures.items(), sizes, strict=True)
        ]
        keys = [str(path) for path in chosen]
        split = DetectionSplit(FileImages(keys), drawn, keys, sizes=sizes)
        made = DetectionSet(self.place.name, names, {_ALL: split}, str(self.place), "", form=coco.NAME)
        coco.write(made, self.place, {_ALL: [f"{coco.image_folder(_ALL)}/{name}" for name in pictures]})
        return {"version": self.version, "pictures": len(drawn), "boxes": sum(map(len, drawn))}

    def _found(self) -> tuple[Found | None, str]:
        """Return what is annotated, and in which form when it is not this file."""
        if (self.place / FILE).is_file():
            return coco.read(self.place / FILE), ""
        try:
            form: ModuleType | Any = find_format(self.place)
        except DataError:  # nothing is annotated yet
            return None, ""
        return form.read(self.place), form.NAME if form.NAME in WRITERS else form.FORM

    def _pictures(self, annotated: list[Path]) -> list[Path]:
        """Return the pictures of the folder itself, and those that are annotated wherever below they lie."""
        own = [path.resolve() for path in entries(self.place) if path.is_file() and is_image_name(path.name)]
        return list(dict.fromkeys([*own, *annotated]))[:MOST]


def _rows(annotation: Annotation) -> list[list[float]]:
    return np.column_stack([annotation.boxes, annotation.labels]).tolist()


def _checked(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the names of classes, or refuse what is none."""
    names = tuple(name.strip() for name in classes)
    wrong = next((name for name in names if not name or not name.isprintable() or len(name) > _LONGEST), None)
    if wrong is not None:
        raise InputError(f"annotations: classes must have names of 1 to {_LONGEST} letters; got {wrong!r}.")
    if len(set(names)) < len(names):
        raise InputError(f"annotations: classes must differ; got {', '.join(names)}.")
    return names


def _annotation(name: str, rows: Sequence[Row], size: Array, classes: int, before: Annotation | None) -> Annotation:
    """Return the boxes of one picture: as they were, outlines and all, where they were not touched."""
    table = np.array(rows, np.float64).reshape(len(rows), 5) if len(rows) else np.zeros((0, 5))
    if before is not None and np.array_equal(table, _rows(before) if len(before) else table[:0]):
        return before
    height, width = size
    boxes, labels = table[:, :4], table[:, 4]
    inside = (boxes >= -1e-6).all() and (boxes <= (width + 1e-6, height + 1e-6) * 2).all()
    if not (inside and (boxes[:, 2:] > boxes[:, :2]).all()):
        raise InputError(f"annotations: boxes of '{name}' must be x1 < x2, y1 < y2 within {width}×{height} pixels.")
    if not ((labels >= 0) & (labels < classes) & (labels == np.round(labels))).all():
        raise InputError(f"annotations: boxes of '{name}' must have a class in 0–{classes - 1}.")
    return Annotation(boxes, labels.astype(np.int64))
