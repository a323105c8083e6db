"""Pascal VOC: one XML file for each image, boxes as corners.

Everingham et al. 2010, "The Pascal visual object classes (VOC) challenge", International Journal of Computer Vision
88(2). The challenge's own files count pixels from 1 and both corners are inside the box; the tools that write the same
form since (labelImg, CVAT) hold edges as they are. A file says which it is by its source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import FormatError
from sightline.core.files import write_text
from sightline.data.annotation import Annotation
from sightline.data.detection_set import DetectionSet
from sightline.data.found import DIGITS, Flaw, Found, FoundImage, ImageFinder, as_text, finite, size_of
from sightline.data.naming import entries, is_image_name, sort_classes, split_of
from sightline.data.strict_xml import escaped, read_xml, root_tag

NAME = "voc"
FORM = "Pascal VOC (one XML file an image)"
_CHALLENGE, _TRIED = "PASCAL VOC", 50
_TAG = re.compile(r"[A-Za-z_][\w.-]*")
_OWN = ("name", "bndbox", "difficult", "crowd", "part", "polygon", "deleted", "verified", "date", "id")


def sniff(path: Path) -> bool:
    """Tell whether a folder holds VOC's XML files, right inside or one or two folders down.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return path.is_dir() and any(root_tag(file) == "annotation" for file in _some(path))


def _some(path: Path) -> Iterator[Path]:
    """Yield the first XML files of each folder: some of them may be damaged."""
    for folder in (path, *(item for item in sorted(path.rglob("*")) if item.is_dir())):
        yield from [item for item in entries(folder) if item.suffix.lower() == ".xml"][:_TRIED]


@dataclass
class _Image:
    file: Path
    path: str
    size: tuple[int, int] | None
    names: list[str]
    boxes: list[list[float]]
    ignore: list[bool]
    crowd: list[bool]
    attributes: list[dict[str, Any]]


def read(path: Path) -> Found:
    """Read a folder of VOC's form.

    Splits are lists of names in ``ImageSets/Main`` or beside the folders: ``train.txt``, ``val.txt``, ``test.txt``
    (``test_split.txt`` too; what a lone test list does not name is ``train``); or folders of these names.

    Parameters
    ----------
    path
        A folder that :func:`sniff` accepts.
    """
    finder, flaws = ImageFinder(path), []
    images: list[_Image] = []
    for file in sorted(path.rglob("*.xml")):
        try:
            image = _read_file(file, finder, flaws)
        except (FormatError, OSError) as error:
            reason = str(error).removeprefix(f"open_dataset: '{file}' ")
            flaws.append(Flaw("annotation", str(file), reason.rstrip(".")))
            continue
        if image is not None:
            images.append(image)
    classes = sort_classes(name for image in images for name in image.names)
    number = {name: index for index, name in enumerate(classes)}
    split = _splits(path, images)
    found = [FoundImage(image.path, _annotation(image, number), split(image), size=image.size) for image in images]
    named = {image.path for image in found}
    flaws += [Flaw("unlisted", image.path, "is in none of the lists of splits") for image in found if not image.split]
    found = [image for image in found if image.split]
    broken = {Path(flaw.file).stem for flaw in flaws}
    flaws += [
        Flaw("unannotated", item, "has no XML file")
        for item in finder.paths
        if item not in named and Path(item).stem not in broken
    ]
    return Found(classes, found, flaws)


def _read_file(file: Path, finder: ImageFinder, flaws: list[Flaw]) -> _Image | None:
    root = read_xml(file, "open_dataset")
    if root.tag != "annotation":
        raise FormatError(f"open_dataset: '{file}' begins with <{root.tag}>, not with <annotation>.")
    name = root.words("filename")
    place = finder.find(name, file.parent) or finder.find_stem(file.stem, file.parent)
    if place is None:
        flaws.append(Flaw("missing", str(file), f"names the image '{name}', which is not there"))
        return None
    size = size_of(root.words("size/height"), root.words("size/width"))
    image = _Image(file, place, size, [], [], [], [], [])
    first = 1.0 if root.words("source/annotation").startswith(_CHALLENGE) else 0.0
    for thing in root.all("object"):
        corners = finite([thing.words(f"bndbox/{side}") for side in ("xmin", "ymin", "xmax", "ymax")])
        label = thing.words("name")
        if corners is None or not label:
            what = "has no name" if corners is not None else "has no four finite numbers in <bndbox>"
            flaws.append(Flaw("record", str(file), f"line {thing.line}: the object {what}"))
            continue
        image.names.append(label)
        image.boxes.append(
            [round(corners[0] - first, DIGITS), round(corners[1] - first, DIGITS), corners[2], corners[3]]
        )
        image.ignore.append(thing.words("difficult") not in ("", "0"))
        image.crowd.append(thing.words("crowd") == "1")
        words = [item for item in thing.children if item.tag not in _OWN and not item.children]
        image.attributes.append({item.tag: text for item in words if (text := item.text.strip())})
    return image


def _annotation(image: _Image, number: dict[str, int]) -> Annotation:
    labels = np.array([number[name] for name in image.names], np.int64)
    attributes = tuple(image.attributes) if any(image.attributes) else ()
    flags = {"ignore": np.array(image.ignore, np.bool_), "crowd": np.array(image.crowd, np.bool_)}
    return Annotation(np.array(image.boxes).reshape(-1, 4), labels, **flags, attributes=attributes)


def _splits(root: Path, images: list[_Image]) -> Any:
    """Return the function that names an image's split."""
    lists = _lists(root)
    if lists:
        rest = "train" if "train" not in lists else ""
        place = {name: split for split, names in lists.items() for name in names}
        return lambda image: place.get(image.file.stem, place.get(Path(image.path).stem, rest))
    parts = {split_of(part) for image in images for part in image.file.relative_to(root).parts[:-1]} - {None}
    if not parts:
        return lambda image: "all"
    return lambda image: next(filter(None, map(split_of, image.file.relative_to(root).parts[:-1])), "train")


def _lists(root: Path) -> dict[str, list[str]]:
    """Return the names of each split that a text file lists."""
    found: dict[str, list[str]] = {}
    for folder in (*root.rglob("ImageSets/Main"), root):
        for file in entries(folder) if folder.is_dir() else ():
            split = split_of(file.stem.removesuffix("_split"))
            if file.suffix.lower() == ".txt" and split is not None and split not in found:
                # VOC's lists for one class say 1 or -1 after the name; a name alone counts here.
                lines = file.read_text("utf-8", "replace").splitlines()
                found[split] = [_stem(line.split()[0]) for line in lines if line.strip()]
    return found


def _stem(name: str) -> str:
    return Path(name).stem if is_image_name(name) or name.lower().endswith(".xml") else Path(name).name


def image_folder(split: str) -> str:
    """Return where the images of a split go."""
    return "JPEGImages"


def write(found: DetectionSet, folder: Path, places: dict[str, list[str]]) -> dict[str, int]:
    """Write an XML file for each image, and the lists of the splits; return what the form cannot hold, and how often.

    Pixels are counted from 1, as the challenge did, and the files say so.

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
    (folder / "Annotations").mkdir()
    for split, names in places.items():
        part = found.splits[split]
        for index, name in enumerate(names):
            lost["outline"] += sum(map(bool, part.annotations[index].outlines))
            text = _document(Path(name).name, part.size(index), part.annotations[index], found.classes)
            write_text(folder / "Annotations" / f"{Path(name).stem}.xml", text)
        if split != "all":
            (folder / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
            stems = "".join(f"{Path(name).stem}\n" for name in names)
            write_text(folder / "ImageSets" / "Main" / f"{split}.txt", stems)
    return lost


def _document(name: str, size: tuple[int, int], annotation: Annotation, classes: tuple[str, ...]) -> str:
    lines = ["<annotation>", f"  <filename>{escaped(name)}</filename>"]
    lines += [f"  <source><annotation>{_CHALLENGE}</annotation></source>"]
    lines += [f"  <size><width>{size[1]}</width><height>{size[0]}</height><depth>3</depth></size>"]
    for row, box in enumerate(annotation.boxes.tolist()):
        words = annotation.attributes[row] if annotation.attributes else {}
        further = {word: str(value) for word, value in words.items() if _TAG.fullmatch(word) and word not in _OWN}
        further |= {"difficult": str(int(annotation.ignore[row]))} | ({"crowd": "1"} if annotation.crowd[row] else {})
        sides = zip(("xmin", "ymin", "xmax", "ymax"), (box[0] + 1, box[1] + 1, box[2], box[3]), strict=True)
        corners = "".join(f"<{side}>{as_text(round(value, DIGITS))}</{side}>" for side, value in sides)
        rest = "".join(f"<{word}>{escaped(value)}</{word}>" for word, value in further.items())
        label = escaped(classes[int(annotation.labels[row])])
        lines += [f"  <object><name>{label}</name>{rest}<bndbox>{corners}</bndbox></object>"]
    return "\n".join([*lines, "</annotation>"]) + "\n"
