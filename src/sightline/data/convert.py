"""Convert a detection set from one form to another: the images as they are, every box again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from sightline.core.checks import choice
from sightline.core.errors import DataError
from sightline.core.files import write_bytes
from sightline.core.types import PathLike
from sightline.data import coco, cvat, labelme, voc, yolo
from sightline.data.detection_set import DetectionSet, DetectionSplit
from sightline.data.open_detection_set import read_detection_set

WRITERS: dict[str, ModuleType] = {form.NAME: form for form in (voc, coco, yolo, cvat, labelme)}
_LOST = {
    "crowd": "marks of crowds",
    "ignore": "marks of what to ignore",
    "outline": "outlines",
    "attributes": "things' further words",
}


@dataclass(frozen=True)
class Conversion:
    """What was written.

    Parameters
    ----------
    folder
        Where.
    form
        ``voc coco yolo cvat labelme``.
    images, boxes
        How many.
    lost
        What the form cannot hold, and how often; empty when all is there.
    """

    folder: str
    form: str
    images: int
    boxes: int
    lost: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return dict(self.__dict__)

    def __str__(self) -> str:
        lines = [f"{self.folder}: {self.images} images with {self.boxes} boxes as {self.form}."]
        lines += [
            f"{count} {_LOST[name]} were lost: {self.form} cannot hold them." for name, count in self.lost.items()
        ]
        return "\n".join(lines)


def convert_dataset(
    source: PathLike | DetectionSet,
    destination: PathLike,
    *,
    to: str,
    progress: Callable[[int, int], None] | None = None,
) -> Conversion:
    """Write a detection set in another form; images are copied byte for byte, the source is never changed.

    Boxes are written as they are, those outside an image too; splits are kept. What the new form cannot hold is
    counted, never dropped in silence.

    Parameters
    ----------
    source
        A folder or file as :func:`open_detection_set` takes it, or an opened set.
    destination
        Folder to write to: it must not exist, or be empty.
    to
        ``voc``, ``coco``, ``yolo``, ``cvat`` or ``labelme``.
    progress
        Called with ``(images done, images in all)``.

    Returns
    -------
    Conversion

    Raises
    ------
    DataError
        When the destination is not empty, or the source has faults: ``sightline data check`` lists them.
    """
    writer = WRITERS[choice("convert_dataset", "to", to, tuple(WRITERS))]
    found = source if isinstance(source, DetectionSet) else read_detection_set(source)
    return write_detection_set(found, destination, writer, "convert_dataset", progress)


def write_detection_set(
    found: DetectionSet,
    destination: PathLike,
    writer: ModuleType,
    function: str,
    progress: Callable[[int, int], None] | None = None,
) -> Conversion:
    """Write a set in a form to a new folder.

    Parameters
    ----------
    found
        The set.
    destination
        Folder to write to: it must not exist, or be empty.
    writer
        One of ``WRITERS``.
    function
        Name for the error's sentence.
    progress
        Called with ``(images done, images in all)``.
    """
    folder = Path(destination)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{function}: '{folder}' is there already and not empty. Name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    places: dict[str, list[str]] = {}
    taken: set[str] = set()
    total, done = sum(map(len, found.splits.values())), 0
    for name, split in found.splits.items():
        places[name] = []
        inside = writer.image_folder(name)
        (folder / inside).mkdir(parents=True, exist_ok=True)
        for index in range(len(split)):
            place = (Path(inside) / _free_name(split, index, taken)).as_posix()
            copy_image(split, index, folder / place)
            places[name].append(place)
            done += 1
            if progress is not None:
                progress(done, total)
    lost = writer.write(found, folder, places)
    boxes = sum(len(item) for split in found.splits.values() for item in split.annotations)
    return Conversion(str(folder), writer.NAME, total, boxes, {name: count for name, count in lost.items() if count})


def _free_name(split: DetectionSplit, index: int, taken: set[str]) -> str:
    """Return a file name whose stem no image has yet: annotations are named after it."""
    path = split.path(index)
    original = (
        Path(path) if path is not None else Path(Path(split.keys[index].replace("\\", "/")).name).with_suffix(".png")
    )
    stem, number = original.stem, 1
    while stem.lower() in taken:
        number += 1
        stem = f"{original.stem}_{number}"
    taken.add(stem.lower())
    return f"{stem}{original.suffix}"


def copy_image(split: DetectionSplit, index: int, target: Path) -> None:
    """Copy the file of a sample byte for byte; write it where the set lives in memory.

    Parameters
    ----------
    split
        The split.
    index
        Whole number in 0 … len − 1.
    target
        The new file.
    """
    source = split.path(index)
    if source is not None:
        write_bytes(target, Path(source).read_bytes())
        return
    from sightline.image.write import write  # sets on disk do without an encoder

    write(target, split[index][0])
