"""LabelMe: one JSON file beside each image, with rectangles, polygons, circles and masks.

Russell, Torralba, Murphy, Freeman 2008, "LabelMe: A database and web-based tool for image annotation", International
Journal of Computer Vision 77; the form is that of the labelme tool, version 5. Shapes of one class and one group are
one thing.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import FormatError, SightlineError
from sightline.core.files import write_json
from sightline.data.annotation import Annotation
from sightline.data.detection_set import DetectionSet
from sightline.data.found import Flaw, Found, FoundImage, ImageFinder, finite, size_of
from sightline.data.naming import is_litter, sort_classes, split_of
from sightline.data.outline import Outline

NAME = "labelme"
FORM = "LabelMe (a JSON file beside each image)"
_FLAT = ("line", "linestrip", "point", "points")
_LOOK = 1 << 16


def sniff(path: Path) -> bool:
    """Tell whether a folder holds LabelMe's JSON files.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return path.is_dir() and any(_is_labelme(file) for file in _files(path)[:50])


def _files(path: Path) -> list[Path]:
    return [file for file in sorted(path.rglob("*.json")) if file.is_file() and not is_litter(file.name)]


def _is_labelme(file: Path) -> bool:
    with file.open("rb") as stream:
        text = stream.read(_LOOK)
    return b'"shapes"' in text


def read(path: Path) -> Found:
    """Read a folder of LabelMe's JSON files. Folders called ``train``, ``val``, ``test`` are splits.

    Parameters
    ----------
    path
        A folder that :func:`sniff` accepts.
    """
    finder, flaws = ImageFinder(path), []
    rows: list[tuple[str, str, tuple[int, int] | None, list[dict[str, Any]]]] = []
    for file in _files(path):
        try:
            value = _load(file)
        except (FormatError, OSError) as error:
            reason = str(error).removeprefix(f"open_dataset: '{file}' ")
            flaws.append(Flaw("annotation", str(file), reason.rstrip(".")))
            continue
        name = value.get("imagePath")
        place = finder.find(name, file.parent) if isinstance(name, str) else None
        place = place or finder.find_stem(file.stem, file.parent)
        if place is None:
            flaws.append(Flaw("missing", str(file), f"names the image '{name}', which is not there"))
            continue
        known = size_of(value.get("imageHeight"), value.get("imageWidth"))
        split = next(filter(None, map(split_of, file.relative_to(path).parts[:-1])), "all")
        rows.append((place, split, known, _things(value["shapes"], file, known, flaws)))
    classes = sort_classes(thing["label"] for *_, things in rows for thing in things)
    number = {name: index for index, name in enumerate(classes)}
    images = [FoundImage(place, _annotation(things, number), split, size=size) for place, split, size, things in rows]
    named = {image.path for image in images}
    broken = {Path(flaw.file).stem for flaw in flaws}
    rest = [item for item in finder.paths if item not in named and Path(item).stem not in broken]
    flaws += [Flaw("unannotated", item, "has no JSON file") for item in rest]
    return Found(classes, images, flaws)


def _load(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise FormatError(f"open_dataset: '{file}' is not JSON: {error}.") from error
    if not isinstance(value, dict) or not isinstance(value.get("shapes"), list):
        raise FormatError(f"open_dataset: '{file}' must hold the list shapes.")
    return value


def _things(shapes: list[Any], file: Path, size: tuple[int, int] | None, flaws: list[Flaw]) -> list[dict[str, Any]]:
    """Return label, box, outline and flags of each thing."""
    things: list[dict[str, Any]] = []
    groups: dict[tuple[str, Any], dict[str, Any]] = {}
    for place, shape in enumerate(shapes):
        kind = shape.get("shape_type", "polygon") if isinstance(shape, dict) else None
        if kind in _FLAT:
            flaws.append(Flaw("shape", str(file), f"shape {place}: a {kind} has no box"))
            continue
        found = _geometry(shape, kind, size) if isinstance(shape, dict) else "is no object of JSON"
        label = shape.get("label") if isinstance(shape, dict) else None
        if isinstance(found, str) or not isinstance(label, str) or not label:
            reason = found if isinstance(found, str) else "has no label"
            flaws.append(Flaw("record", str(file), f"shape {place}: {reason}"))
            continue
        box, outline = found
        group = shape.get("group_id")
        known = groups.get((label, group)) if isinstance(group, int) and kind == "polygon" else None
        if known is not None and known["outline"] is not None:
            known["outline"] = Outline((*known["outline"].polygons, *(outline.polygons if outline else ())))
            known["box"] = [
                *np.minimum(known["box"][:2], box[:2]).tolist(),
                *np.maximum(known["box"][2:], box[2:]).tolist(),
            ]
            continue
        flags = shape.get("flags")
        things.append(
            {"label": label, "box": box, "outline": outline, "flags": flags if isinstance(flags, dict) else {}}
        )
        if isinstance(group, int) and kind == "polygon":
            groups[(label, group)] = things[-1]
    return things


def _geometry(
    shape: dict[str, Any], kind: Any, size: tuple[int, int] | None
) -> tuple[list[float], Outline | None] | str:
    """Return box and outline of a shape; a reason when it has none."""
    value = shape.get("points")
    rows = value if isinstance(value, list) and all(isinstance(row, list) and len(row) == 2 for row in value) else []
    numbers = finite([number for row in rows for number in row])
    if not numbers:
        return "needs points of two finite numbers"
    points = np.array(numbers).reshape(-1, 2)
    box = [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()]
    if kind == "rectangle":
        return (box, None) if len(points) in (2, 4) else f"a rectangle has 2 corners; got {len(points)}"
    if kind in ("polygon", "rotation", "oriented_rectangle"):
        return (box, Outline((points,))) if len(points) >= 3 else f"a polygon has 3 corners or more; got {len(points)}"
    if kind == "circle":
        if len(points) != 2:
            return f"a circle has 2 points; got {len(points)}"
        radius, turn = math.dist(*points), np.arange(64) * (2 * math.pi / 64)
        rim = points[0] + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        return [*(points[0] - radius).tolist(), *(points[0] + radius).tolist()], Outline((rim,))
    return _mask(shape, points, size) if kind == "mask" else f"is of the unknown kind {kind!r:.40}"


def _mask(shape: dict[str, Any], points: np.ndarray, size: tuple[int, int] | None) -> tuple[list[float], Outline] | str:
    """Return box and outline of a picture of a mask; its points are the first and the last pixel."""
    from sightline.image.read import read as read_image  # only masks need a decoder

    if size is None or len(points) != 2:
        return "a mask needs two points, and its image a size"
    try:
        part = read_image(base64.b64decode(shape.get("mask") or "", validate=True), mode="gray") > 0
    except (SightlineError, binascii.Error, TypeError) as error:
        return f"its mask cannot be read: {error}"
    left, top = np.rint(points.min(axis=0)).astype(int).tolist()
    height, width = part.shape
    if not (0 <= left <= size[1] - width and 0 <= top <= size[0] - height):
        return "its mask lies outside the image"
    full = np.zeros(size, np.bool_)
    full[top : top + height, left : left + width] = part
    return [left, top, left + width, top + height], Outline.of_mask(full)


def _annotation(things: list[dict[str, Any]], number: dict[str, int]) -> Annotation:
    outlines = tuple(thing["outline"] for thing in things)
    flags = [dict(thing["flags"]) for thing in things]
    special = {
        name: np.array([bool(item.pop(name, False)) for item in flags], np.bool_) for name in ("iscrowd", "ignore")
    }
    return Annotation(
        np.array([thing["box"] for thing in things]).reshape(-1, 4),
        np.array([number[thing["label"]] for thing in things], np.int64),
        crowd=special["iscrowd"],
        ignore=special["ignore"],
        outlines=outlines if any(outlines) else (),
        attributes=tuple(flags) if any(flags) else (),
    )


def image_folder(split: str) -> str:
    """Return where the images of a split go."""
    return "." if split == "all" else split


def write(found: DetectionSet, folder: Path, places: dict[str, list[str]]) -> dict[str, int]:
    """Write a JSON file beside each image; return what the form cannot hold, and how often.

    Parameters
    ----------
    found
        The set.
    folder
        Where its images are already.
    places
        The file of each image of each split, relative to the folder.
    """
    lost = {"outline": 0}
    for split, names in places.items():
        for index, name in enumerate(names):
            annotation = found.splits[split].annotations[index]
            height, width = found.splits[split].size(index)
            shapes = [
                shape for row in range(len(annotation)) for shape in _shapes(annotation, row, found.classes, lost)
            ]
            value = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": os.path.basename(name)}  # noqa: PTH119
            value |= {"imageData": None, "imageHeight": height, "imageWidth": width}
            write_json((folder / name).with_suffix(".json"), value)
    return lost


def _shapes(annotation: Annotation, row: int, classes: tuple[str, ...], lost: dict[str, int]) -> list[dict[str, Any]]:
    words = dict(annotation.attributes[row]) if annotation.attributes else {}
    words |= {name: True for name, on in (("iscrowd", annotation.crowd[row]), ("ignore", annotation.ignore[row])) if on}
    common = {"label": classes[int(annotation.labels[row])], "group_id": None, "description": "", "flags": words}
    box, outline = annotation.boxes[row], annotation.outlines[row] if annotation.outlines else None
    parts = outline.polygons if outline is not None else ()
    points = np.concatenate(parts) if parts else np.zeros((0, 2))
    # Polygons stand for their box where they reach as far.
    if parts and np.abs(np.concatenate([points.min(axis=0), points.max(axis=0)]) - box).max() < 1e-6:
        group = {"group_id": row + 1} if len(parts) > 1 else {}
        return [common | group | {"points": part.tolist(), "shape_type": "polygon"} for part in parts]
    mask = _written_mask(outline, box) if outline is not None else None
    if mask is not None:
        corners = [box[:2].tolist(), (box[2:] - 1).tolist()]
        return [common | {"points": corners, "shape_type": "mask", "mask": mask}]
    lost["outline"] += outline is not None
    return [common | {"points": box.reshape(2, 2).tolist(), "shape_type": "rectangle"}]


def _written_mask(outline: Outline, box: np.ndarray) -> str | None:
    """Return the PNG of a mask that its box holds whole, as text; None when it does not."""
    from sightline.image.write import encode  # only masks need an encoder

    if outline.runs is None or outline.shape is None or np.abs(np.rint(box) - box).max() > 0:
        return None
    left, top, right, bottom = box.astype(int).tolist()
    part = outline.mask(outline.shape)[max(top, 0) : bottom, max(left, 0) : right]
    if part.shape != (bottom - top, right - left) or not part.size or part.sum() != outline.runs[1::2].sum():
        return None
    return base64.b64encode(encode(part.astype(np.uint8) * np.uint8(255), "PNG")).decode()
