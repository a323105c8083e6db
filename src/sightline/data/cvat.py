"""CVAT for images 1.1: one XML file for many images, with boxes, polygons and masks.

The form is described in the documentation of CVAT, the Computer Vision Annotation Tool.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import FormatError
from sightline.core.files import write_text
from sightline.core.run_length import run_lengths
from sightline.data.annotation import Annotation
from sightline.data.detection_set import DetectionSet
from sightline.data.found import Flaw, Found, FoundImage, ImageFinder, as_text, finite, size_of
from sightline.data.naming import entries, sort_classes, split_of
from sightline.data.outline import Outline
from sightline.data.strict_xml import Element, attribute, escaped, read_xml, root_tag

NAME = "cvat"
FORM = "CVAT for images 1.1 (annotations.xml)"
_FLAT = ("polyline", "points", "tag", "skeleton", "cuboid")


def sniff(path: Path) -> bool:
    """Tell whether a path is CVAT's XML, or a folder that holds one.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return bool(_files(path))


def _files(path: Path) -> list[Path]:
    files = (
        [path]
        if path.is_file()
        else [*entries(path), *(file for item in entries(path) if item.is_dir() for file in entries(item))]
    )
    return [file for file in files if file.suffix.lower() == ".xml" and root_tag(file) == "annotations"]


def read(path: Path) -> Found:
    """Read CVAT's XML. A split is an image's ``subset``.

    Parameters
    ----------
    path
        The file, or the folder that holds it and the images.
    """
    finder = ImageFinder(path if path.is_dir() else path.parent)
    flaws: list[Flaw] = []
    rows: list[tuple[Element, str, list[tuple[str, Any]]]] = []
    listed: dict[str, None] = {}
    for file in _files(path):
        try:
            root = read_xml(file, "open_dataset")
        except (FormatError, OSError) as error:
            reason = str(error).removeprefix(f"open_dataset: '{file}' ")
            flaws.append(Flaw("annotation", str(file), reason.rstrip(".")))
            continue
        listed.update(dict.fromkeys(_declared(root)))
        tracks = sum(1 for _ in root.all("track"))
        if tracks:
            flaws.append(
                Flaw("annotation", str(file), f"holds {tracks} tracks of a video; export 'CVAT for images 1.1'")
            )
        for image in root.all("image"):
            name = image.attributes.get("name", "")
            folders = (file.parent / "images" / image.attributes.get("subset", ""), file.parent / "images", file.parent)
            place = next((found for folder in folders if (found := finder.find(name, folder))), None)
            if place is None:
                flaws.append(Flaw("missing", str(file), f"line {image.line}: names '{name}', which is not there"))
            else:
                rows.append(
                    (image, place, [shape for item in image.children if (shape := _shape(item, file, image, flaws))])
                )
    used = {label for _, _, shapes in rows for label, _ in shapes}
    classes = (*listed, *sort_classes(used - set(listed)))
    number = {name: index for index, name in enumerate(classes)}
    images = [_image(image, place, shapes, number) for image, place, shapes in rows]
    named = {image.path for image in images}
    flaws += [Flaw("unannotated", item, "is in no XML file") for item in finder.paths if item not in named]
    return Found(classes, images, flaws)


def _declared(root: Element) -> list[str]:
    """Return the labels that the file's head lists, in its order."""
    meta = root.find("meta")
    for part in meta.children if meta is not None else []:
        labels = part.find("labels")
        if labels is not None:
            return [name for label in labels.all("label") if (name := label.words("name"))]
    return []


def _image(image: Element, place: str, shapes: list[tuple[str, Any]], number: dict[str, int]) -> FoundImage:
    size = size_of(image.attributes.get("height"), image.attributes.get("width"))
    split = split_of(image.attributes.get("subset", "")) or "all"
    things = [thing for _, thing in shapes]
    outlines = tuple(outline for _, outline, _ in things)
    words = [dict(attributes) for *_, attributes in things]
    flags = {
        name: np.array([item.pop(name, "0") in ("1", "true") for item in words], np.bool_)
        for name in ("iscrowd", "ignore")
    }
    annotation = Annotation(
        np.array([box for box, *_ in things]).reshape(-1, 4),
        np.array([number[label] for label, _ in shapes], np.int64),
        crowd=flags["iscrowd"],
        ignore=flags["ignore"],
        outlines=outlines if any(outlines) else (),
        attributes=tuple(words) if any(words) else (),
    )
    return FoundImage(place, annotation, split, size=size)


def _shape(item: Element, file: Path, image: Element, flaws: list[Flaw]) -> tuple[str, Any] | None:
    """Return ``(label, (box, outline, attributes))``; None, with a flaw, when it is no box."""
    where = f"line {item.line}: the {item.tag}"
    if item.tag in _FLAT:
        flaws.append(Flaw("shape", str(file), f"{where} has no box"))
        return None
    found = _geometry(item, image)
    label = item.attributes.get("label", "").strip()
    if isinstance(found, str) or not label:
        flaws.append(Flaw("record", str(file), f"{where} {found if isinstance(found, str) else 'has no label'}"))
        return None
    words = {one.attributes.get("name", ""): one.text.strip() for one in item.all("attribute")}
    if item.attributes.get("occluded") == "1":
        words["occluded"] = "1"
    box, outline = found
    return label, (box, outline, words)


def _geometry(item: Element, image: Element) -> tuple[list[float], Outline | None] | str:
    """Return box and outline of an element; a reason when it has none."""
    values = item.attributes
    if item.tag == "box":
        box = finite([values.get(side) for side in ("xtl", "ytl", "xbr", "ybr")])
        turn = finite([values.get("rotation", 0)])
        if box is None or turn is None:
            return "needs the finite numbers xtl, ytl, xbr, ybr"
        return _around(_turned(box, turn[0])) if turn[0] else (box, None)
    if item.tag == "polygon":
        numbers = finite(values.get("points", "").replace(";", ",").split(","))
        if numbers is None or len(numbers) < 6 or len(numbers) % 2:
            return "needs three points or more, as x,y;x,y;x,y"
        return _around(np.array(numbers).reshape(-1, 2))
    if item.tag == "ellipse":
        numbers = finite([values.get(name) for name in ("cx", "cy", "rx", "ry")])
        if numbers is None:
            return "needs the finite numbers cx, cy, rx, ry"
        turn = np.arange(64) * (2 * math.pi / 64)
        return _around(
            np.stack([numbers[0] + numbers[2] * np.cos(turn), numbers[1] + numbers[3] * np.sin(turn)], axis=1)
        )
    return _mask(values, image) if item.tag == "mask" else "is of a kind that is not known"


def _turned(box: list[float], degrees: float) -> np.ndarray:
    """Return the corners of a box turned about its centre, as the screen's clock goes."""
    corners = np.array(box)[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2)
    centre, turn = corners.mean(axis=0), math.radians(degrees)
    matrix = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return (corners - centre) @ matrix + centre


def _around(points: np.ndarray) -> tuple[list[float], Outline]:
    return [*points.min(axis=0).tolist(), *points.max(axis=0).tolist()], Outline((points,))


def _mask(values: dict[str, str], image: Element) -> tuple[list[float], Outline] | str:
    """Return box and outline of run lengths along the rows of a rectangle."""
    place = finite([values.get(name) for name in ("left", "top", "width", "height")])
    runs = finite(values.get("rle", "").split(","))
    size = size_of(image.attributes.get("height"), image.attributes.get("width"))
    if place is None or runs is None or size is None:
        return "needs rle, left, top, width, height, and its image a size"
    left, top, width, height = map(int, place)
    counts = np.array(runs, np.int64)
    full = np.zeros(size, np.bool_)
    inside = 0 <= left <= full.shape[1] - width and 0 <= top <= full.shape[0] - height and min(width, height) > 0
    if not inside or counts.min() < 0 or counts.sum() != width * height:
        return "has run lengths that do not fill its rectangle, or lies outside the image"
    full[top : top + height, left : left + width] = np.repeat(np.arange(counts.size) % 2 == 1, counts).reshape(
        height, width
    )
    return [left, top, left + width, top + height], Outline.of_mask(full)


def image_folder(split: str) -> str:
    """Return where the images of a split go."""
    return "images" if split == "all" else f"images/{split}"


def write(found: DetectionSet, folder: Path, places: dict[str, list[str]]) -> dict[str, int]:
    """Write ``annotations.xml``; return what the form cannot hold, and how often.

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
    labels = "".join(f"<label><name>{escaped(name)}</name></label>" for name in found.classes)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>"]
    lines += [f"  <meta><task><labels>{labels}</labels></task></meta>"]
    number = 0
    for split, names in places.items():
        subset = "" if split == "all" else f" subset={attribute(split)}"
        for index, name in enumerate(names):
            height, width = found.splits[split].size(index)
            annotation = found.splits[split].annotations[index]
            inner = Path(name).relative_to("images").as_posix()
            lines += [f'  <image id="{number}" name={attribute(inner)}{subset} width="{width}" height="{height}">']
            lines += [_element(annotation, row, found.classes, lost) for row in range(len(annotation))]
            lines += ["  </image>"]
            number += 1
    write_text(folder / "annotations.xml", "\n".join([*lines, "</annotations>"]) + "\n")
    return lost


def _element(annotation: Annotation, row: int, classes: tuple[str, ...], lost: dict[str, int]) -> str:
    words = dict(annotation.attributes[row]) if annotation.attributes else {}
    flags = {"iscrowd": annotation.crowd[row], "ignore": annotation.ignore[row]}
    occluded = str(words.get("occluded", "0")) not in ("0", "False", "")
    words = {name: value for name, value in words.items() if name != "occluded"} | {
        name: "1" for name, on in flags.items() if on
    }
    inner = "".join(
        f"<attribute name={attribute(name)}>{escaped(str(value))}</attribute>" for name, value in words.items()
    )
    head = f'label={attribute(classes[int(annotation.labels[row])])} occluded="{int(occluded)}"'
    box, outline = annotation.boxes[row], annotation.outlines[row] if annotation.outlines else None
    if outline is not None:
        found = _written_outline(outline, box)
        if found:
            tag, values = found
            return f"    <{tag} {head} {values}>{inner}</{tag}>"
        lost["outline"] += 1
    sides = " ".join(
        f'{side}="{as_text(value)}"' for side, value in zip(("xtl", "ytl", "xbr", "ybr"), box.tolist(), strict=True)
    )
    return f"    <box {head} {sides}>{inner}</box>"


def _written_outline(outline: Outline, box: np.ndarray) -> tuple[str, str] | None:
    """Return tag and values of an outline that reaches as far as its box; None when it does not."""
    if len(outline.polygons) == 1:
        points = outline.polygons[0]
        if np.abs(np.concatenate([points.min(axis=0), points.max(axis=0)]) - box).max() > 1e-6:
            return None
        return "polygon", 'points="' + ";".join(f"{as_text(x)},{as_text(y)}" for x, y in points.tolist()) + '"'
    left, top, right, bottom = np.rint(box).astype(int).tolist()
    if outline.runs is None or outline.shape is None or np.abs(np.rint(box) - box).max() > 0:
        return None
    part = outline.mask(outline.shape)[max(top, 0) : bottom, max(left, 0) : right]
    if part.shape != (bottom - top, right - left) or not part.size or part.sum() != outline.runs[1::2].sum():
        return None
    counts = ",".join(map(str, run_lengths(np.ascontiguousarray(part.T)).tolist()))  # CVAT's runs go along rows
    return "mask", f'rle="{counts}" left="{left}" top="{top}" width="{right - left}" height="{bottom - top}"'
