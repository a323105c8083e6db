"""Instance masks: beside each image a picture in which the pixels of thing k have the value k, and 0 is nothing.

The form of Penn-Fudan (Wang, Shi, Song, Shen 2007, "Object detection combining recognition and segmentation", ACCV).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sightline.core.errors import SightlineError
from sightline.data.annotation import Annotation
from sightline.data.found import Flaw, Found, FoundImage, ImageFinder, read_lines
from sightline.data.naming import entries, is_image_name, split_of
from sightline.data.outline import Outline

NAME = "masks"
FORM = "instance masks (images, and masks of the same names, maybe ending in _mask)"
_IMAGES, _MASKS = ("images", "pngimages", "jpegimages"), ("masks", "pedmasks")
_ENDINGS = ("_mask", "_instances", "")


def sniff(path: Path) -> bool:
    """Tell whether a folder holds one of images and one of masks.

    Parameters
    ----------
    path
        Anything that exists.
    """
    return path.is_dir() and _folder(path, _MASKS) is not None and _folder(path, _IMAGES) is not None


def _folder(path: Path, names: tuple[str, ...]) -> Path | None:
    return next((item for item in entries(path) if item.is_dir() and item.name.lower() in names), None)


def read(path: Path) -> Found:
    """Read images and masks; all things are of one class, whose name is in ``classes.txt``, else ``object``.

    Parameters
    ----------
    path
        A folder that :func:`sniff` accepts.
    """
    from sightline.image.read import read as read_image  # other forms do without a decoder

    images, masks = _folder(path, _IMAGES), _folder(path, _MASKS)
    finder, flaws, found = ImageFinder(images or path), [], []
    names = path / "classes.txt"
    label = next(iter(read_lines(names)), "").strip() if names.is_file() else ""
    for file in sorted(masks.rglob("*")) if masks is not None else ():
        if not is_image_name(file.name):
            continue
        stems = [file.stem.removesuffix(ending) for ending in _ENDINGS if file.stem.endswith(ending)]
        place = next((image for stem in stems if (image := finder.find_stem(stem, finder.root))), None)
        if place is None:
            flaws.append(Flaw("missing", str(file), "is the mask of an image that is not there"))
            continue
        try:
            values = read_image(file, mode="unchanged")
        except (SightlineError, OSError) as error:
            flaws.append(Flaw("annotation", str(file), f"cannot be read: {error}".rstrip(".")))
            continue
        if values.ndim != 2:
            flaws.append(
                Flaw("annotation", str(file), f"must be grey, one number a pixel; it has {values.shape[2]} channels")
            )
            continue
        split = next(filter(None, map(split_of, Path(place).relative_to(finder.root).parts[:-1])), "all")
        size = (values.shape[0], values.shape[1])
        found.append(FoundImage(place, annotation_of(values), split, size=size))
    known = {image.path for image in found}
    flaws += [Flaw("unannotated", item, "has no mask") for item in finder.paths if item not in known]
    return Found((label or "object",), found, flaws)


def annotation_of(values: np.ndarray) -> Annotation:
    """Return a box and an outline around the pixels of each value but 0; a box ends where its last pixel does.

    Parameters
    ----------
    values
        H×W whole numbers.
    """
    boxes, outlines = [], []
    for value in np.unique(values)[np.unique(values) != 0]:
        mask = np.ascontiguousarray(values == value)
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        boxes.append([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
        outlines.append(Outline.of_mask(mask))
    return Annotation(np.array(boxes).reshape(-1, 4), np.zeros(len(boxes), np.int64), outlines=tuple(outlines))
