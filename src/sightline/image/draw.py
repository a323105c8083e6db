"""Drawing on a copy of an image: boxes, masks, keypoints, text, heat maps, matches, and what has many parts.

Colours are those of Okabe and Ito 2008, "Color universal design", which every kind of colour vision tells apart.
What is not drawn on keeps its value bit for bit, in the image's own dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from jaxtyping import Float

from sightline.core.canvas import Canvas, colour_of
from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.types import AnyImage, Boxes, Image, NewImage, Points, Range
from sightline.image.draw_motion import contours, flow, labels, skeletons, tracks
from sightline.image.draw_rows import Pen, as_colour, finish, links_of, list_of, rows_of
from sightline.image.draw_shapes import circles, ellipses, lines

__all__ = [
    "boxes",
    "circles",
    "contours",
    "ellipses",
    "flow",
    "heat_map",
    "keypoints",
    "labels",
    "lines",
    "masks",
    "matches",
    "skeletons",
    "text",
    "tracks",
]

PAPER = "Okabe & Ito 2008"


@method(task="drawing", paper=PAPER, lesson="w1d1", example={"boxes": np.array([[2.0, 3.0, 30.0, 25.0]])})
def boxes(
    image: Image,
    boxes: Boxes,
    labels: Sequence[str] = (),
    *,
    color: tuple[int, int, int] | None = None,
    width: Annotated[int, Range(1, 100, 1)] | None = None,
) -> NewImage:
    """Return a copy of an image with boxes outlined, each label in a colour of its own.

    NaN pixels stay NaN where nothing is drawn; NaN in ``boxes`` is refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    boxes
        N×4 ``(x1, y1, x2, y2)`` in pixels, continuous edges; parts outside of the image are cut off.
    labels
        N texts, or none. Boxes of one label share a colour; without labels each box has the next colour.
    color
        (red, green, blue) of 0–255 for all, whatever the image's dtype; None chooses as said.
    width
        Of the strokes, which grow inwards, in pixels, 1–100; None takes one that suits the image's size.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> picture = sl.image.draw.boxes(np.zeros((4, 6), np.uint8), np.array([[1, 1, 5, 3]]))
    >>> picture[:, :, 0]
    array([[  0,   0,   0,   0,   0,   0],
           [  0, 230, 230, 230, 230,   0],
           [  0, 230, 230, 230, 230,   0],
           [  0,   0,   0,   0,   0,   0]], dtype=uint8)
    """
    pen = Pen("boxes", image, color, width)
    rows = rows_of("boxes", "boxes", boxes, 4)
    texts = _texts("boxes", labels, len(rows))
    if (rows[:, 2:] < rows[:, :2]).any():
        bad = rows[(rows[:, 2:] < rows[:, :2]).any(axis=1)][0].tolist()
        raise InputError(f"boxes: boxes must have x1 ≤ x2 and y1 ≤ y2; got {bad}.")
    for box, text, colour in zip(rows, texts, _colours(texts), strict=True):
        pen.canvas.box(box, pen.colour(colour), text)
    return finish(pen.image, pen.canvas)


def _middle(image: np.ndarray) -> np.ndarray:
    found = np.zeros(image.shape[:2], bool)
    found[image.shape[0] // 4 : 1 + image.shape[0] // 2, image.shape[1] // 4 : 1 + image.shape[1] // 2] = True
    return found


@method(task="drawing", paper=PAPER, lesson="w1d1", example={"masks": _middle})
def masks(
    image: Image,
    masks: np.ndarray | Sequence[np.ndarray],
    *,
    opacity: Annotated[float, Range(0, 1)] = 0.45,
    color: tuple[int, int, int] | None = None,
) -> NewImage:
    """Return a copy of an image with masks tinted over it, each in the next colour.

    NaN pixels under a mask are drawn as black; elsewhere they stay NaN.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    masks
        One bool H×W mask, or N of them (N×H×W or a sequence); later ones lie on top.
    opacity
        Share of the colour in the mix, 0–1.
    color
        (red, green, blue) of 0–255 for all, whatever the image's dtype; None gives each mask the next colour.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> gray = np.full((1, 3), 100, np.uint8)
    >>> sl.image.draw.masks(gray, gray[:, ::-1] > 200, opacity=1).shape
    (1, 3, 3)
    """
    image = as_image("masks", image)
    opacity = number("masks", "opacity", opacity, 0, 1)
    one = isinstance(masks, np.ndarray) and masks.ndim == 2
    several = [masks] if one else list_of("masks", "masks", masks, "H×W bool, or several of them")
    pen = Pen("masks", image, color, None)
    for index, mask in enumerate(several):
        mask = as_mask("masks", mask, argument="masks", shape=image.shape[:2])
        pen.canvas.mask(mask, pen.colour(index), opacity)
    return finish(image, pen.canvas)


@method(task="drawing", paper=PAPER, lesson="w1d1", example={"points": np.array([[10.0, 12.0], [3.5, 4.0]])})
def keypoints(
    image: Image,
    points: Points,
    *,
    links: Sequence[tuple[int, int]] = (),
    color: tuple[int, int, int] | None = None,
    radius: Annotated[float, Range(0.5, 500, 0.5)] | None = None,
) -> NewImage:
    """Return a copy of an image with a dot at each point and a line for each link.

    NaN pixels stay NaN where nothing is drawn; a point with NaN is one that was not found and is left out with its
    links.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    points
        N×2 ``(x, y)`` in pixels; the centre of the top-left pixel is (0, 0).
    links
        Pairs of point indices to connect, such as the bones of a skeleton.
    color
        (red, green, blue) of 0–255 for all, whatever the image's dtype; None takes one colour for the dots and the
        next ones for the links.
    radius
        Of the dots, in pixels, 0.5–500; None takes one that suits the image's size.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> dotted = sl.image.draw.keypoints(np.zeros((7, 7), np.uint8), np.array([[3, 3]]))
    >>> (dotted[3, :, 0] > 0).tolist()
    [False, True, True, True, True, True, False]
    """
    pen = Pen("keypoints", image, color, None)
    radius = None if radius is None else number("keypoints", "radius", radius, 0.5, 500, unit="pixels")
    rows = rows_of("keypoints", "points", points, 2, finite=False)
    found = np.asarray(np.isfinite(rows).all(axis=1))
    for index, ends in enumerate(links_of("keypoints", links, len(rows))):
        if found[ends].all():
            pen.canvas.line(rows[ends], pen.colour(index + 1))
    pen.canvas.dots(rows[found], pen.colour(0), radius)
    return finish(pen.image, pen.canvas)


@method(task="drawing", paper=PAPER, lesson="w1d1", example={"text": "Sightline"})
def text(
    image: Image,
    text: str,
    at: tuple[float, float] = (2.0, 2.0),
    *,
    color: tuple[int, int, int] | None = None,
    size: Annotated[int, Range(4, 1000, 1)] | None = None,
) -> NewImage:
    """Return a copy of an image with text on a coloured patch, in black or white by contrast.

    NaN pixels stay NaN where nothing is drawn.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    text
        What to write; newlines start new lines.
    at
        ``(x, y)`` of the patch's top-left corner, in pixels; moved as far as needed to keep the patch inside.
    color
        (red, green, blue) of the patch, 0–255, whatever the image's dtype; None takes the palette's first.
    size
        Of the letters, in pixels, 4–1000; None takes one that suits the image's size.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> sl.image.draw.text(np.zeros((40, 90), np.uint8), "hello").shape
    (40, 90, 3)
    """
    image = as_image("text", image)
    if not isinstance(text, str):
        raise InputError(f"text: text must be a str; got {describe(text)}.")
    if not isinstance(at, (tuple, list)) or len(at) != 2:
        raise InputError(f"text: at must be (x, y); got {describe(at)}.")
    x, y = (number("text", "at", value, -1e6, 1e6) for value in at)
    canvas = Canvas(image)
    if size is not None:
        canvas.letters(integer("text", "size", size, 4, 1000))
    canvas.text(text, (x, y), colour_of(0) if color is None else as_colour("text", color))
    return finish(image, canvas)


@method(
    task="drawing",
    paper="van der Walt & Smith 2015",
    lesson="w1d1",
    example={"values": np.array([[0.0, 0.4], [0.7, 1.0]])},
)
def heat_map(
    image: Image, values: Float[np.ndarray, "rows columns"], *, opacity: Annotated[float, Range(0, 1)] = 0.5
) -> NewImage:
    """Return a copy of an image with a heat map blended over it, dark violet for 0 to pale yellow for 1.

    NaN values are drawn grey; values beyond 0–1 take the colours of the ends.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    values
        2-D floats 0–1 of any size, stretched over the image bilinearly.
    opacity
        Share of the heat map in the mix, 0–1.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> sl.image.draw.heat_map(np.zeros((1, 2), np.uint8), np.array([[0.0, 1.0]]), opacity=1)[0].tolist()
    [[0, 0, 4], [252, 255, 164]]
    """
    image = as_image("heat_map", image)
    opacity = number("heat_map", "opacity", opacity, 0, 1)
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind != "f" or 0 in values.shape:
        raise InputError(f"heat_map: values must be 2-D floats 0–1; got {describe(values)}.")
    canvas = Canvas(image)
    canvas.heat(values.astype(np.float32, copy=False), opacity)
    return finish(image, canvas)


@method(
    task="drawing",
    paper=PAPER,
    lesson="w1d1",
    example={"second": lambda first: first[:, ::-1].copy(), "matches": np.array([[2.0, 3.0, 9.0, 4.0]])},
)
def matches(
    first: Image, second: AnyImage, matches: np.ndarray, *, most: Annotated[int, Range(1, 1000)] = 100
) -> NewImage:
    """Return two images side by side with a line between the points that correspond.

    NaN pixels are drawn as black; NaN in ``matches`` is refused.

    Parameters
    ----------
    first, second
        H×W or H×W×3; uint8, uint16 or float32 0–1. They may differ in size and dtype.
    matches
        N×4 ``(x, y)`` in the first image and ``(x, y)`` in the second, in pixels.
    most
        How many lines are drawn at most; of more matches, every k-th one.

    Returns
    -------
    Image
        H×W×3, the dtype of ``first``: as high as the higher one, as wide as both together.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> gray = np.zeros((20, 30), np.uint8)
    >>> sl.image.draw.matches(gray, gray[:10], np.array([[5, 5, 20, 5]])).shape
    (20, 60, 3)
    """
    pictures = [
        Canvas(as_image("matches", image, argument=argument)).image()
        for image, argument in ((first, "first"), (second, "second"))
    ]
    rows = rows_of("matches", "matches", matches, 4)
    rows = rows[:: -(-len(rows) // integer("matches", "most", most, 1))] if len(rows) else rows
    height, left = max(len(picture) for picture in pictures), pictures[0].shape[1]
    first = as_image("matches", first, argument="first")
    sheet = np.zeros((height, left + pictures[1].shape[1], 3), np.uint8)
    sheet[: len(pictures[0]), :left] = pictures[0]
    sheet[: len(pictures[1]), left:] = pictures[1]
    canvas = Canvas(sheet)
    ends = rows.reshape(-1, 2, 2) + np.array([[0, 0], [left, 0]])
    for index, line in enumerate(ends):
        canvas.line(line, colour_of(index))
        canvas.dots(line, colour_of(index))
    drawn = canvas.finished()
    if first.dtype == np.float32:
        return drawn.astype(np.float32) / np.float32(255)
    return drawn.astype(first.dtype) * np.asarray(257 if first.dtype == np.uint16 else 1, first.dtype)


def _texts(function: str, labels: Sequence[str], count: int) -> list[str]:
    wanted = f"one for each of the {count} boxes, or none"
    texts = [labels] if isinstance(labels, str) else [str(t) for t in list_of(function, "labels", labels, wanted)]
    if len(texts) not in (0, count):
        raise InputError(f"{function}: labels must be {wanted}; got {len(texts)}.")
    return texts or [""] * count


def _colours(texts: list[str]) -> list[int]:
    if not any(texts):
        return list(range(len(texts)))
    order = {text: index for index, text in enumerate(dict.fromkeys(texts))}
    return [order[text] for text in texts]
