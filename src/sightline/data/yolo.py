"""YOLO: one text file for each image, a line for each box: class, centre and size as shares of the image.

The form of darknet (Redmon et al. 2016, "You only look once: unified, real-time object detection", CVPR). A line of
more numbers is a polygon: class, then corners as shares.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import FormatError, SightlineError
from sightline.core.files import write_text
from sightline.data.annotation import Annotation
from sightline.data.detection_set import DetectionSet
from sightline.data.found import DIGITS, Flaw, Found, FoundImage, as_text, finite, read_lines
from sightline.data.image_size import image_size
from sightline.data.naming import entries, is_image_name, is_litter, split_of
from sightline.data.outline import Outline
from sightline.data.strict_yaml import quoted, read_yaml

NAME = "yolo"
FORM = "YOLO (images and labels, data.yaml)"
_SPLITS = ("train", "val", "valid", "validation", "test")
_TRIED = 200  # text files that are looked into to tell what a folder is


def sniff(path: Path) -> bool:
    """Tell whether a path is a data.yaml, or a folder with one, or one with ``images`` and ``labels``.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return _yaml(path) is not None or (path.is_dir() and _has_labels(path))


def _yaml(path: Path) -> Path | None:
    files = entries(path) if path.is_dir() else [path]
    for file in files:
        if file.suffix.lower() in (".yaml", ".yml") and file.is_file():
            try:
                found = read_yaml(file)
            except (FormatError, OSError):
                continue
            if "names" in found and any(name in found for name in _SPLITS):
                return file
    return None


def _has_labels(path: Path) -> bool:
    """Tell whether one of a folder's first text files holds boxes, and has an image beside it or in ``images``."""
    files = (file for file in path.rglob("*.txt") if file.is_file() and not is_litter(file.name))
    return any(_holds_boxes(file) and _image_of(file) is not None for file in itertools.islice(files, _TRIED))


def _holds_boxes(file: Path) -> bool:
    with file.open("rb") as stream:
        values = finite(stream.readline(4096).split())
    return values is not None and len(values) >= 5 and values[0].is_integer()


def _image_of(file: Path) -> Path | None:
    """Return the image that a file of labels belongs to."""
    for folder in (file.parent, _swapped(file.parent, "labels", "images")):
        if folder.is_dir():
            found = [item for item in entries(folder) if item.stem == file.stem and is_image_name(item.name)]
            if found:
                return found[0]
    return None


def _swapped(folder: Path, old: str, new: str) -> Path:
    """Return a folder's path with the last part of a name replaced."""
    parts = list(folder.parts)
    for place in range(len(parts) - 1, -1, -1):
        if parts[place] == old:
            return Path(*parts[:place], new, *parts[place + 1 :])
    return folder


def read(path: Path) -> Found:
    """Read YOLO's form. An image without a text file has nothing on it, as everywhere in this form.

    Parameters
    ----------
    path
        ``data.yaml``, its folder, or a folder of ``images`` and ``labels`` (names from ``classes.txt``, else numbers).
    """
    file = _yaml(path)
    found = Found((), [])
    if file is not None:
        table = read_yaml(file, "open_dataset")
        found.classes = _names(table["names"], file)
        places = _places(table, file, found)
    else:
        found.classes = _listed_names(path)
        folders = [item for item in (path / "images", path) if item.is_dir()]
        places = [(_split_within(image, folders[0]), image) for image in _images(folders[0])]
    numbered = not found.classes
    largest, without = -1, []
    for split, image in places:
        annotation, text = _read_image(image, 10**6 if numbered else len(found.classes), found)
        if not text:
            without.append(str(image))
        largest = max(largest, int(annotation[0].labels.max(initial=-1)))
        found.images.append(FoundImage(str(image), annotation[0], split, size=annotation[1]))
    if numbered:
        found.classes = tuple(str(number) for number in range(largest + 1))
        found.notes.append("Its classes have no names: numbers stand for them (put a classes.txt beside images).")
    if without:
        found.notes.append(f"{len(without)} images have no text file: nothing is on them.")
    return found


def _names(value: Any, file: Path) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, dict) and set(value) == {str(number) for number in range(len(value))}:
        return tuple(value[str(number)] for number in range(len(value)))
    raise FormatError(f"open_dataset: '{file}': names must be a list, or a table of the numbers 0, 1, 2 …")


def _listed_names(folder: Path) -> tuple[str, ...]:
    for file in (folder / "classes.txt", folder / "labels" / "classes.txt", folder / "obj.names"):
        if file.is_file():
            return tuple(line.strip() for line in read_lines(file) if line.strip())
    return ()


def _places(table: dict[str, Any], file: Path, found: Found) -> list[tuple[str, Path]]:
    """Return split and file of each image that a table leads to; never outside the folder above the table's."""
    root = (file.parent / str(table.get("path") or ".")).resolve()
    root = root if root.is_dir() and _is_near(root, file) else file.parent.resolve()
    places: list[tuple[str, Path]] = []
    for name in _SPLITS:
        value = table.get(name)
        for word in value if isinstance(value, list) else [value] if value else []:
            # The address may be one of another machine, or begin one folder too high.
            candidates = [root / word, file.parent / word, file.parent / word.lstrip("./")]
            place = next(
                (item.resolve() for item in candidates if item.exists() and _is_near(item.resolve(), file)), None
            )
            if place is None:
                found.flaws.append(Flaw("missing", str(file), f"names '{word}' for {name}, which is not there"))
                continue
            split = split_of(name) or name
            places += [(split, image) for image in (_images(place) if place.is_dir() else _listed(place, found))]
    return list(dict.fromkeys(places))


def _is_near(path: Path, file: Path) -> bool:
    return path.is_relative_to(file.parent.parent.resolve())


def _listed(file: Path, found: Found) -> list[Path]:
    """Return the images that a text file lists."""
    images = []
    for number, line in enumerate(read_lines(file), 1):
        if line.strip():
            image = (file.parent / line.strip()).resolve()
            if image.is_file() and image.is_relative_to(file.parent):
                images.append(image)
            else:
                found.flaws.append(Flaw("missing", str(file), f"line {number}: '{line.strip()}' is not there"))
    return images


def _images(folder: Path) -> list[Path]:
    found = []
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        found += [Path(place) / name for name in sorted(files) if is_image_name(name) and not is_litter(name)]
    return found


def _split_within(image: Path, root: Path) -> str:
    return next(filter(None, map(split_of, image.relative_to(root).parts[:-1])), "all")


def _read_image(image: Path, classes: int, found: Found) -> tuple[tuple[Annotation, tuple[int, int] | None], bool]:
    """Return what is on an image with its size, and whether it has a text file."""
    name = image.stem + ".txt"
    files = [_swapped(image.parent, "images", "labels") / name, image.parent / name]
    file = next((item for item in files if item.is_file()), None)
    if file is None:
        return (Annotation.empty(), None), False
    try:
        lines = read_lines(file)
        size = image_size(image)
    except (SightlineError, OSError) as error:
        found.flaws.append(Flaw("annotation", str(file), f"or its image cannot be read: {error}".rstrip(".")))
        return (Annotation.empty(), None), True
    rows = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            row = _parse(line, classes, size)
            if isinstance(row, str):
                found.flaws.append(Flaw("record", str(file), f"line {number}: {row}"))
            else:
                rows.append(row)
    outlines = tuple(outline for *_, outline in rows)
    labels = np.array([label for label, *_ in rows], np.int64)
    boxes = np.array([box for _, box, _ in rows]).reshape(-1, 4)
    return (Annotation(boxes, labels, outlines=outlines if any(outlines) else ()), size), True


def _parse(line: str, classes: int, size: tuple[int, int]) -> tuple[int, np.ndarray, Outline | None] | str:
    """Return label, box and outline of a line; a reason when it is none."""
    words = line.split()
    values = finite(words)
    if values is None:
        return "holds what is no finite number"
    if not values[0].is_integer() or not 0 <= values[0] < classes:
        return f"has the unknown class {words[0]}"
    shares, scale = np.array(values[1:]), np.array([size[1], size[0]], np.float64)
    if len(shares) == 4:
        corners = np.concatenate([shares[:2] - shares[2:] / 2, shares[:2] + shares[2:] / 2])
        return int(values[0]), np.round(corners * np.tile(scale, 2), DIGITS), None
    if len(shares) < 6 or len(shares) % 2:
        return f"has {len(words)} numbers; a box has 5, a polygon an odd number from 7 on"
    points = np.round(shares.reshape(-1, 2) * scale, DIGITS)
    return int(values[0]), np.concatenate([points.min(axis=0), points.max(axis=0)]), Outline((points,))


def image_folder(split: str) -> str:
    """Return where the images of a split go."""
    return f"images/{'train' if split == 'all' else split}"


def write(found: DetectionSet, folder: Path, places: dict[str, list[str]]) -> dict[str, int]:
    """Write labels and ``data.yaml``; return what the form cannot hold, and how often.

    Parameters
    ----------
    found
        The set.
    folder
        Where its images are already.
    places
        The file of each image of each split, relative to the folder.
    """
    lost = {"crowd": 0, "ignore": 0, "outline": 0, "attributes": 0}
    for split, names in places.items():
        for index, name in enumerate(names):
            annotation = found.splits[split].annotations[index]
            target = folder / _swapped(Path(name), "images", "labels").with_suffix(".txt")
            target.parent.mkdir(parents=True, exist_ok=True)
            height, width = found.splits[split].size(index)
            lines = [
                _line(annotation, row, np.array([width, height], np.float64), lost) for row in range(len(annotation))
            ]
            write_text(target, "".join(f"{line}\n" for line in lines))
            lost["crowd"] += int(annotation.crowd.sum())
            lost["ignore"] += int(annotation.ignore.sum())
            lost["attributes"] += sum(map(bool, annotation.attributes))
    rows = [f"{'train' if split == 'all' else split}: {image_folder(split)}" for split in places]
    names = [f"  {number}: {quoted(name)}" for number, name in enumerate(found.classes)]
    write_text(folder / "data.yaml", "\n".join(["path: .", *rows, f"nc: {len(names)}", "names:", *names]) + "\n")
    return lost


def _line(annotation: Annotation, row: int, scale: np.ndarray, lost: dict[str, int]) -> str:
    box, outline = annotation.boxes[row], annotation.outlines[row] if annotation.outlines else None
    parts = outline.polygons if outline is not None else ()
    # A polygon stands for its box where it is one part and reaches as far.
    if len(parts) == 1 and np.abs(np.concatenate([parts[0].min(axis=0), parts[0].max(axis=0)]) - box).max() < 1e-6:
        shares = (parts[0] / scale).ravel()
    else:
        lost["outline"] += outline is not None
        shares = np.concatenate([(box[:2] + box[2:]) / 2 / scale, (box[2:] - box[:2]) / scale])
    return " ".join([str(annotation.labels[row]), *map(as_text, shares.tolist())])
