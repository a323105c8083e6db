"""Contact sheet: many images of a detection set on one page, with their boxes."""

from __future__ import annotations

import numpy as np

from sightline.core.canvas import Canvas
from sightline.core.checks import integer
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError, suggest
from sightline.data.annotation import Annotation
from sightline.data.detection_set import DetectionSet
from sightline.data.letterbox import centred

_GAP, _PAPER = 6, 40  # pixels between images, grey level


def contact_sheet(
    found: DetectionSet,
    split: str | None = None,
    *,
    only: str | None = None,
    count: int = 24,
    columns: int = 4,
    cell: int = 280,
) -> np.ndarray:
    """Return images spread evenly over a set, side by side, each with its boxes, classes and number.

    Parameters
    ----------
    found
        The set.
    split
        One of its splits; None takes all.
    only
        A class: images that show it, and no others; None takes all images.
    count
        Number of images at most, 1–400.
    columns
        Images in a row, 1–20.
    cell
        Side of the square that each one fits into, 64–1024 pixels.

    Returns
    -------
    numpy.ndarray
        H×W×3 uint8.
    """
    count, columns = (
        integer("contact_sheet", "count", count, 1, 400),
        integer("contact_sheet", "columns", columns, 1, 20),
    )
    cell = integer("contact_sheet", "cell", cell, 64, 1024)
    part = found.pool() if split is None else found.split(split)
    rows = np.arange(len(part))
    if only is not None:
        if only not in found.classes:
            known = ", ".join(found.classes)
            raise InputError(
                f"contact_sheet: no class is named '{only}'.{suggest(only, found.classes)} Known: {known}."
            )
        label = found.classes.index(only)
        rows = np.array([row for row in rows if (part.annotations[row].labels == label).any()], np.int64)
    if not rows.size:
        raise InputError(f"contact_sheet: no image of '{found.name}' shows '{only}'; leave the class out.")
    chosen = rows[np.unique(np.linspace(0, rows.size - 1, min(count, rows.size)).round().astype(int))]
    columns = min(columns, chosen.size)
    step = cell + _GAP
    sheet = np.full((-(-chosen.size // columns) * step + _GAP, columns * step + _GAP, 3), _PAPER, np.uint8)
    for place, row in enumerate(chosen.tolist()):
        down, right = divmod(place, columns)
        inside = (slice(down * step + _GAP, (down + 1) * step), slice(right * step + _GAP, (right + 1) * step))
        sheet[inside] = _cell(*part[row], found.classes, cell, part.keys[row])
    return sheet


def _cell(image: np.ndarray, item: Annotation, names: tuple[str, ...], cell: int, key: str) -> np.ndarray:
    image = to_uint8(image)
    image = np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
    placement = centred((image.shape[0], image.shape[1]), (cell, cell), enlarge=False, fill=_PAPER)
    boxes = placement.boxes(item.boxes)[0]
    seen = Annotation(boxes, item.labels, crowd=item.crowd, ignore=item.ignore)
    drawn = seen.draw(placement.image(image), names)
    canvas = Canvas(drawn)
    canvas.text(f"{key.replace(chr(92), '/').rsplit('/', 1)[-1]}: {len(item)}", (0, cell), (0, 0, 0))
    return canvas.image()
