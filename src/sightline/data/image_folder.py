"""A folder of class folders: ``photos/cat/1.jpg``, or with splits ``photos/train/cat/1.jpg``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sightline.core.errors import DataError
from sightline.data.digest import digest_of_files
from sightline.data.image_set import FileImages, ImageSet, Split
from sightline.data.naming import entries, is_image_name, is_litter, shorten, split_of

FORM = "class folders (CLASS/photo.jpg, or train/CLASS/photo.jpg and test/CLASS/photo.jpg)"

# Folders of detection and segmentation sets hold images, but their names are no classes.
_NO_CLASSES = {"images", "imgs", "jpegimages", "masks", "labels", "annotations", "annotation", "segmentationclass"}


def sniff(path: Path) -> bool:
    """Tell whether a folder has a subfolder with an image somewhere inside.

    Parameters
    ----------
    path
        Anything that exists.
    """
    if not path.is_dir():
        return False
    return any(item.is_dir() and any(is_image_name(name) for name in _files(item)) for item in entries(path))


def open(path: Path) -> ImageSet:
    """Open class folders; without split folders the set has one split, ``all``.

    Parameters
    ----------
    path
        A folder that :func:`sniff` accepts.
    """
    folders = [item for item in entries(path) if item.is_dir()]
    parts = {item: split_of(item.name) or "" for item in folders if _is_split(item)}
    if not parts:
        return _assemble(path, {"all": path})
    others = [item.name for item in folders if item not in parts]
    if others:
        raise DataError(
            f"open_dataset: '{path}' has split folders ({shorten(item.name for item in parts)}) and others beside them "
            f"({shorten(others)}). Move the others elsewhere, or into a split."
        )
    chosen: dict[str, Path] = {}
    for folder, name in parts.items():
        if name in chosen:
            raise DataError(
                f"open_dataset: '{path}' has two {name} folders, '{chosen[name].name}' and '{folder.name}'. Keep one."
            )
        chosen[name] = folder
    return _assemble(path, chosen)


def _is_split(folder: Path) -> bool:
    """A folder called ``train`` is a split when it holds folders of images; with images right inside it is a class."""
    return split_of(folder.name) is not None and sniff(folder)


def _assemble(root: Path, parts: dict[str, Path]) -> ImageSet:
    order = [name for name in ("train", "val", "test", "all") if name in parts]
    found = {name: _read_classes(parts[name]) for name in order}
    classes = _class_names(root, parts, found)
    number = {label: place for place, label in enumerate(classes)}
    splits: dict[str, Split] = {}
    paths: list[str] = []
    labels: list[int] = []
    for name, by_class in found.items():
        files = [(file, number[label]) for label in sorted(by_class) for file in by_class[label][0]]
        own = [file for file, _ in files]
        splits[name] = Split(FileImages(own), np.array([label for _, label in files], np.int64), own)
        paths += own
        labels += [label for _, label in files]
    others = [file for by_class in found.values() for _, rest in by_class.values() for file in rest]
    notes = [f"{len(others)} files have no image's name and were left out: {shorten(others)}."] if others else []
    return ImageSet(
        root.resolve().name, classes, splits, str(root), digest_of_files(paths, labels, root), notes=tuple(notes)
    )


def _class_names(
    root: Path, parts: dict[str, Path], found: dict[str, dict[str, tuple[list[str], list[str]]]]
) -> tuple[str, ...]:
    first = "train" if "train" in found else next(iter(found))
    classes = tuple(sorted(found[first]))
    for name, by_class in found.items():
        strange = sorted(set(by_class) - set(classes))
        if strange:
            raise DataError(
                f"open_dataset: class {shorten(strange)} is in '{parts[name]}' but not in '{parts[first]}': "
                f"what is never learnt cannot be recognised. Rename the folder, or add training images."
            )
    annotated = [name for name in classes if name.lower().endswith("annot") or split_of(name)]
    if all(name.lower() in _NO_CLASSES or name in annotated for name in classes):
        raise DataError(
            f"open_dataset: '{root}' has the folders {shorten(classes)}, which are no classes: this looks like a set "
            f"for detection or segmentation. Understood for classification: {FORM}."
        )
    if len(classes) < 2:
        raise DataError(
            f"open_dataset: '{root}' has one class only, {shorten(classes)}; "
            f"a classifier needs two or more class folders."
        )
    return classes


def _read_classes(folder: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Return ``{class: (image files, other files)}``; a class without images is refused by name."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    for item in entries(folder):
        if item.is_dir():
            files = list(_files(item))
            images = [file for file in files if is_image_name(file)]
            if not images and item.name.lower() in _NO_CLASSES:
                raise DataError(
                    f"open_dataset: '{item}' has no images, and its name is no class: this looks like a set for "
                    f"detection or segmentation. Understood for classification: {FORM}."
                )
            if not images:
                raise DataError(
                    f"open_dataset: class folder '{item}' has no images. Put images into it, or remove the folder."
                )
            found[item.name] = (images, [file for file in files if not is_image_name(file)])
    return found


def _files(folder: Path) -> Iterator[str]:
    """Yield the files below a folder in order of their names; links to folders are followed once."""
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else sorted(name for name in folders if not is_litter(name))
        if real in seen:
            continue
        seen.add(real)
        yield from (os.path.join(place, name) for name in sorted(files) if not is_litter(name))  # noqa: PTH118
