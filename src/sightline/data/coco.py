"""COCO: one JSON file for many images, boxes as corner and size, outlines as polygons or run lengths.

Lin et al. 2014, "Microsoft COCO: Common objects in context", ECCV.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import FormatError
from sightline.core.files import write_json
from sightline.core.run_length import runs_of_text
from sightline.data.annotation import Annotation
from sightline.data.detection_set import DetectionSet
from sightline.data.found import DIGITS, Flaw, Found, FoundImage, ImageFinder, finite, size_of
from sightline.data.naming import shorten, split_of
from sightline.data.outline import Outline

NAME = "coco"
FORM = "COCO (JSON with images, annotations, categories)"
_LOOK = 1 << 16  # bytes of a file's beginning and end that tell what it is


def sniff(path: Path) -> bool:
    """Tell whether a file is COCO's JSON, or a folder holds such files.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix.lower() == ".json" and _is_coco(path) else []
    return [file for file in sorted(path.rglob("*.json")) if file.is_file() and _is_coco(file)]


def _is_coco(file: Path) -> bool:
    with file.open("rb") as stream:
        text = stream.read(_LOOK)
        if stream.seek(0, 2) > _LOOK:
            stream.seek(max(_LOOK, stream.tell() - _LOOK))
            text += stream.read()
    return sum(word in text for word in (b'"images"', b'"annotations"', b'"categories"')) >= 2


def read(path: Path) -> Found:
    """Read COCO's JSON: one file, or one for each split, told by the file's name or its folder's.

    Parameters
    ----------
    path
        The file (its images are looked for in its folder and the one above), or a folder of such files.
    """
    every = _files(path)
    # COCO's own folder tells of the same images in further files: keypoints, captions.
    files = [file for file in every if file.name.startswith("instances")] or every
    root = path if path.is_dir() else path.parent
    if path.is_file() and root.name.lower() in ("annotations", "annotation", "labels"):
        root = root.parent
    finder = ImageFinder(root)
    found = Found((), [])
    if len(files) < len(every):
        passed = shorten(str(file) for file in every if file not in files)
        found.notes.append(
            f"{len(every) - len(files)} JSON files are not called instances and were passed over: {passed}."
        )
    known: dict[str, int] = {}  # class names and their numbers in the files
    for file in files:
        split = _split_of_file(file, root) if len(files) > 1 or path.is_dir() else "all"
        try:
            _File(file, split, finder, found, known).read()
        except (FormatError, OSError) as error:
            found.flaws.append(
                Flaw("annotation", str(file), str(error).removeprefix(f"open_dataset: '{file}' ").rstrip("."))
            )
    found.classes, found.category_ids = tuple(known), tuple(known.values())
    named = {image.path for image in found.images}
    broken = any(flaw.kind == "annotation" for flaw in found.flaws)
    rest = [] if broken else [item for item in finder.paths if item not in named]
    found.flaws += [Flaw("unannotated", item, "is in none of the JSON files") for item in rest]
    return found


def _split_of_file(file: Path, root: Path) -> str:
    """Return the split that a file's name (``instances_train2017.json``) or folder (``train/x.json``) says."""
    words = [re.sub(r"\d+", "", word) for word in re.split(r"[^A-Za-z0-9]+", file.stem)]
    words += list(file.relative_to(root).parts[-2::-1]) if file.parent != root else []
    return next(filter(None, map(split_of, words)), "all")


class _File:
    """One file, read into what was found so far."""

    def __init__(self, file: Path, split: str, finder: ImageFinder, found: Found, known: dict[str, int]) -> None:
        self.file, self.split, self.finder, self.found, self.known = file, split, finder, found, known

    def flaw(self, kind: str, reason: str) -> None:
        self.found.flaws.append(Flaw(kind, str(self.file), reason))

    def read(self) -> None:
        value = _load(self.file)
        label = self.categories(value["categories"])
        things = self.things(value["annotations"], label)
        seen: set[str] = set()
        for place, record in self.records(value["images"], "image"):
            number, name = record.get("id"), record.get("file_name")
            if not isinstance(number, int) or isinstance(number, bool) or not isinstance(name, str):
                self.flaw("record", f"image {place}: needs a whole number 'id' and a 'file_name'")
                continue
            rows = things.pop(number, [])
            image = self.finder.find(name, self.file.parent)
            if image is None:
                self.flaw("missing", f"image {place}: names '{name}', which is not there ({len(rows)} boxes)")
            elif image in seen:
                self.flaw("record", f"image {place}: names '{name}' a second time ({len(rows)} boxes)")
            else:
                seen.add(image)
                known = size_of(record.get("height"), record.get("width"))
                self.found.images.append(FoundImage(image, _annotation(rows), self.split, number, known))
        for number, rows in things.items():
            self.flaw("record", f"{len(rows)} annotations name the image {number}, which the file does not list")

    def records(self, values: Any, what: str) -> Iterator[tuple[int, dict[str, Any]]]:
        for place, record in enumerate(values):
            if isinstance(record, dict):
                yield place, record
            else:
                self.flaw("record", f"{what} {place}: is no object of JSON")

    def categories(self, values: Any) -> dict[int, int]:
        """Return the label of each category's number."""
        label: dict[int, int] = {}
        rows = [row for _, row in self.records(values, "category")]
        for row in rows:
            number, name = row.get("id"), row.get("name")
            if not isinstance(number, int) or isinstance(number, bool) or not isinstance(name, str) or not name:
                self.flaw("record", f"category {row!r:.80}: needs a whole number 'id' and a 'name'")
                continue
            self.known.setdefault(name, number)
            label[number] = list(self.known).index(name)
        return label

    def things(self, values: Any, label: dict[int, int]) -> dict[Any, list[_Thing]]:
        """Return what each image's number has."""
        things: dict[Any, list[_Thing]] = {}
        for place, row in self.records(values, "annotation"):
            name = f"annotation {row.get('id', place)}"
            box = row.get("bbox")
            corners = finite(box) if isinstance(box, list) and len(box) == 4 else None
            number, image = row.get("category_id"), row.get("image_id")
            if corners is None:
                self.flaw("record", f"{name}: 'bbox' must be four finite numbers")
            elif not isinstance(number, int) or number not in label:
                self.flaw("record", f"{name}: has the unknown category {number!r:.40}")
            elif not isinstance(image, int):
                self.flaw("record", f"{name}: 'image_id' must be a whole number")
            else:
                things.setdefault(image, []).append((label[number], corners, row, self.outline(name, row)))
        return things

    def outline(self, name: str, row: dict[str, Any]) -> Outline | None:
        value = row.get("segmentation")
        if not value:
            return None
        try:
            return _outline(value)
        except (FormatError, TypeError, ValueError, KeyError) as error:
            self.flaw("outline", f"{name}: 'segmentation' cannot be understood ({error}); its box is kept")
            return None


_Thing = tuple[int, list[float], dict[str, Any], Outline | None]


def _load(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:  # no JSON, no text, a number of thousands of digits, too deep
        raise FormatError(f"open_dataset: '{file}' is not JSON: {error}.") from error
    lists = isinstance(value, dict) and all(
        isinstance(value.get(name), list) for name in ("images", "annotations", "categories")
    )
    if not lists:
        raise FormatError(f"open_dataset: '{file}' must hold the lists images, annotations and categories.")
    return value


def _outline(value: Any) -> Outline:
    if isinstance(value, dict):
        height, width = size_of(*value["size"]) or (0, 0)
        counts = value["counts"]
        runs = runs_of_text(counts) if isinstance(counts, str) else np.asarray(counts)
        if runs.dtype.kind not in "iu" or runs.min(initial=0) < 0 or runs.sum() != height * width:
            raise FormatError("the run lengths do not fill the image")
        return Outline(runs=runs.astype(np.int64), shape=(height, width))
    parts = tuple(np.asarray(part, np.float64).reshape(-1, 2) for part in value)
    if not all(len(part) >= 3 and np.isfinite(part).all() for part in parts):
        raise FormatError("a polygon needs three corners of finite numbers")
    return Outline(parts)


def _annotation(rows: list[_Thing]) -> Annotation:
    if not rows:
        return Annotation.empty()
    corners = np.array([corners for _, corners, _, _ in rows])
    boxes = np.hstack([corners[:, :2], np.round(corners[:, :2] + corners[:, 2:], DIGITS)])
    records = [record for _, _, record, _ in rows]
    plain = np.round(corners[:, 2] * corners[:, 3], DIGITS)
    areas = [finite([record.get("area")]) or [float(plain[i])] for i, record in enumerate(records)]
    outlines = tuple(outline for *_, outline in rows)
    attributes = tuple(item if isinstance(item := record.get("attributes"), dict) else {} for record in records)
    return Annotation(
        boxes,
        np.array([label for label, *_ in rows], np.int64),
        crowd=np.array([bool(record.get("iscrowd")) for record in records]),
        ignore=np.array([bool(record.get("ignore")) for record in records]),
        areas=np.array(areas)[:, 0],
        outlines=outlines if any(outlines) else (),
        attributes=attributes if any(attributes) else (),
    )


def image_folder(split: str) -> str:
    """Return where the images of a split go."""
    return "images" if split == "all" else split


def write(found: DetectionSet, folder: Path, places: dict[str, list[str]]) -> dict[str, int]:
    """Write a JSON file for each split; nothing is lost.

    Parameters
    ----------
    found
        The set.
    folder
        Where its images are already.
    places
        The file of each image of each split, relative to the folder.
    """
    (folder / "annotations").mkdir(exist_ok=True)
    numbers = zip(found.category_ids, found.classes, strict=True)
    categories = [{"id": number, "name": name} for number, name in numbers]
    count = 0
    for split, names in places.items():
        part, images, annotations = found.splits[split], [], []
        for index, name in enumerate(names):
            height, width = part.size(index)
            inner = Path(name).relative_to(image_folder(split)).as_posix()
            images.append({"id": part.ids[index], "file_name": inner, "height": height, "width": width})
            for record in _records(part.annotations[index], found.category_ids):
                count += 1
                annotations.append({"id": count, "image_id": part.ids[index], **record})
        value = {"images": images, "annotations": annotations, "categories": categories}
        write_json(folder / "annotations" / f"instances{'' if split == 'all' else '_' + split}.json", value)
    return {}


def _records(annotation: Annotation, numbers: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    for row, (x1, y1, x2, y2) in enumerate(annotation.boxes.tolist()):
        outline = annotation.outlines[row] if annotation.outlines else None
        words = annotation.attributes[row] if annotation.attributes else {}
        record: dict[str, Any] = {
            "category_id": numbers[int(annotation.labels[row])],
            "bbox": [x1, y1, round(x2 - x1, DIGITS), round(y2 - y1, DIGITS)],
            "area": float(annotation.areas[row]),
            "iscrowd": int(annotation.crowd[row]),
            "segmentation": [] if outline is None else outline.to_coco(),
        }
        yield (
            record | ({"ignore": 1} if annotation.ignore[row] else {}) | ({"attributes": dict(words)} if words else {})
        )
