"""Open images with boxes, whatever form they lie in."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from sightline.core.checks import describe, flag, integer
from sightline.core.errors import DataError, InputError
from sightline.core.types import PathLike
from sightline.data import coco, cvat, instance_masks, labelme, voc, yolo
from sightline.data.detection_set import DetectionSet, DetectionSplit
from sightline.data.found import Flaw, Found
from sightline.data.image_set import FileImages
from sightline.data.naming import shorten

TEST_SHARE = 0.2
_ORDER = ("train", "val", "test", "all")
_TELLS_ONLY = ("unannotated", "unlisted", "outline", "shape")  # nothing that was marked is lost by these


class DetectionFormat(Protocol):
    """A way in which images with boxes lie on disk: a module with these names, listed in ``FORMATS``."""

    @property
    def NAME(self) -> str:  # noqa: N802 - a constant of the module
        """What the command line calls it."""
        ...

    @property
    def FORM(self) -> str:  # noqa: N802
        """What it is called in a message."""
        ...

    def sniff(self, path: Path) -> bool:
        """Tell whether a path is of this form."""
        ...

    def read(self, path: Path) -> Found:
        """Read all of it."""
        ...


# The first one that knows the path reads it: special forms before those that any folder may look like.
FORMATS: tuple[DetectionFormat, ...] = (coco, cvat, voc, labelme, yolo, instance_masks)


def open_detection_set(source: PathLike | DetectionSet, *, seed: int = 0, clean: bool = True) -> DetectionSet:
    """Open images with boxes: the form is found by looking at the folder or file.

    A set that comes without splits is split 80 % train and 20 % test, by the rarest class on each image and by
    ``seed``; its ``notes`` say so. Images on disk are read when they are asked for. No image is left out because
    something is wrong with its boxes.

    Parameters
    ----------
    source
        A folder of Pascal VOC, COCO, YOLO, CVAT or LabelMe annotations with their images, or of images and masks that
        number the things; COCO's JSON, CVAT's XML or YOLO's data.yaml. An opened set comes back as it is.
    seed
        Whole number ≥ 0; the same seed splits the same way.
    clean
        Turn corners that are swapped, cut off what sticks out of the image, and leave out boxes without an area, each
        told in ``notes``; False keeps every box as the file says.

    Returns
    -------
    DetectionSet

    Raises
    ------
    DataError
        When nothing is there, when the form is not understood, when an annotation names an image that is not there, or
        a box cannot be understood at all. ``sightline data check`` lists every such place.
    """
    integer("open_detection_set", "seed", seed, 0)
    flag("open_detection_set", "clean", clean)
    if isinstance(source, DetectionSet):
        return source
    opened = read_detection_set(source)
    return divide(cleaned(opened) if clean else opened, seed)


def read_detection_set(source: PathLike) -> DetectionSet:
    """Return a set as its files say: nothing cleaned, no split made; raises as :func:`open_detection_set` does.

    Parameters
    ----------
    source
        A folder or file.
    """
    path = as_folder(source)
    found = find_format(path).read(path)
    faults = [flaw for flaw in found.flaws if flaw.kind not in _TELLS_ONLY]
    if faults:
        more = f" and {len(faults) - 1} more like it" if len(faults) > 1 else ""
        raise DataError(f"open_dataset: {faults[0]}{more}. 'sightline data check {source}' lists all.")
    return assemble(path, found)


def as_folder(source: object) -> Path:
    """Return a path that exists; refuse anything else by name.

    Parameters
    ----------
    source
        A path.
    """
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"open_dataset: source must be a folder or a file; got {describe(source)}.")
    path = Path(os.fsdecode(source)).expanduser()
    if not path.exists():
        raise DataError(f"open_dataset: '{path}' does not exist.")
    return path


def find_format(path: Path) -> DetectionFormat:
    """Return the form that a path has; refuse one that has none.

    Parameters
    ----------
    path
        A folder or file.
    """
    for form in FORMATS:
        if form.sniff(path):
            return form
    understood = "; ".join(form.FORM for form in FORMATS)
    raise DataError(
        f"open_dataset: '{path}' has no annotations with boxes that are understood. Understood: {understood}."
    )


def assemble(path: Path, found: Found) -> DetectionSet:
    """Return what a reader found as a set, as it is: nothing cleaned, no split made.

    Parameters
    ----------
    path
        What was read.
    found
        What the reader gave.
    """
    if not found.images:
        why = f" {found.flaws[0]}." if found.flaws else ""
        raise DataError(f"open_dataset: '{path}' has no image with an annotation.{why}")
    if not found.classes:
        raise DataError(f"open_dataset: '{path}' has {len(found.images)} images and no box at all.")
    splits = {}
    for name in [*_ORDER, *sorted({image.split for image in found.images} - set(_ORDER))]:
        own = [image for image in found.images if image.split == name]
        if own:
            paths = [image.path for image in own]
            numbers = [image.number for image in own]
            ids = None if None in numbers else [number for number in numbers if number is not None]
            sizes = np.array([image.size or (0, 0) for image in own])
            annotations = [image.annotation for image in own]
            splits[name] = DetectionSplit(FileImages(paths), annotations, paths, ids=ids, sizes=sizes)
    notes = [*found.notes, *_told(found.flaws)]
    name = (path if path.is_dir() else path.parent).resolve().name
    form = find_format(path).NAME
    digest = _digest(splits, path if path.is_dir() else path.parent)
    return DetectionSet(
        name, found.classes, splits, str(path), digest, tuple(notes), form=form, category_ids=found.category_ids
    )


def _told(flaws: list[Flaw]) -> list[str]:
    words = {
        "unannotated": "images have no annotation and were left out",
        "unlisted": "images are in no list of a split and were left out",
        "shape": "marks (points, lines) have no box and were left out",
        "outline": "outlines cannot be understood; their boxes are kept",
    }
    kinds = {kind: [flaw.file for flaw in flaws if flaw.kind == kind] for kind in words}
    return [f"{len(files)} {words[kind]}: {shorten(files)}." for kind, files in kinds.items() if files]


def _digest(splits: dict[str, DetectionSplit], root: Path) -> str:
    digest = hashlib.sha256()
    for name, split in splits.items():
        for key, annotation in zip(split.keys, split.annotations, strict=True):
            file = Path(key)
            inside = file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name
            digest.update(f"{name}\0{inside}\0{file.stat().st_size}\n".encode("utf-8", "surrogateescape"))
            digest.update(annotation.boxes.tobytes() + annotation.labels.tobytes())
    return digest.hexdigest()


def cleaned(found: DetectionSet) -> DetectionSet:
    """Return the set fit for training: corners in order, nothing outside the images, no box without an area.

    Parameters
    ----------
    found
        A set; it is not changed.
    """
    splits, turned, cut, empty = {}, [], [], []
    for name, split in found.splits.items():
        annotations = []
        for index, annotation in enumerate(split.annotations):
            boxes = annotation.boxes
            ordered = np.hstack([np.minimum(boxes[:, :2], boxes[:, 2:]), np.maximum(boxes[:, :2], boxes[:, 2:])])
            height, width = split.size(index) if len(boxes) else (0, 0)
            inside = np.clip(ordered, 0, (width, height, width, height))
            kept = np.all(inside[:, 2:] > inside[:, :2], axis=1)
            turned += [split.keys[index]] * int((ordered != boxes).any(axis=1).sum())
            cut += [split.keys[index]] * int(((inside != ordered).any(axis=1) & kept).sum())
            empty += [split.keys[index]] * int((~kept).sum())
            same = kept.all() and bool((inside == boxes).all())
            areas = (
                annotation.areas if annotation.outlines else annotation.areas[:0]
            )  # empty: of the boxes as they are now
            annotations.append(
                annotation if same else replace(annotation, boxes=inside, areas=areas).take(np.asarray(kept))
            )
        splits[name] = split.with_annotations(annotations)
    words = (
        (turned, "boxes had swapped corners, which were put in order"),
        (cut, "boxes stick out of their images and were cut"),
        (empty, "boxes have no area inside their images and were left out"),
    )
    notes = [f"{len(keys)} {text}: {shorten(dict.fromkeys(keys))}." for keys, text in words if keys]
    return replace(found, splits=splits, notes=(*found.notes, *notes))


def divide(found: DetectionSet, seed: int) -> DetectionSet:
    """Return a set with splits: one that came without is split by class and seed.

    Parameters
    ----------
    found
        A set; its only split may be called ``all``.
    seed
        Whole number ≥ 0.
    """
    if not set(found.splits) <= {"all", "train"}:
        if "train" in found.splits:
            return found
        return replace(found, notes=(*found.notes, "It has no train split: it can be evaluated on, not learnt from."))
    whole = next(iter(found.splits.values()))
    if len(whole) < 2:
        note = "It has one image: nothing can be held out of it."
        return replace(found, splits={"train": whole}, notes=(*found.notes, note))
    divided = replace(found, splits={"train": whole}).split_off(TEST_SHARE, seed=seed, name="test")
    note = f"It came without a test split: {TEST_SHARE:.0%} of the images became test, by seed {seed}."
    return replace(divided, notes=(*found.notes, note))
