"""Drawing what has many parts: skeletons, tracks, contours, label maps, and flow as colours.

Colours of flow follow Baker, Scharstein, Lewis, Roth, Black, Szeliski 2011, "A database and evaluation methodology for
optical flow", IJCV 92(1); all others Okabe and Ito 2008.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of, label_colours
from sightline.core.catalogue import method
from sightline.core.checks import array_of, as_image, describe, flag, integer, number
from sightline.core.errors import InputError
from sightline.core.types import Flow, Image, Labels, NewImage, Range
from sightline.image.draw_rows import Pen, finish, links_of, list_of, rows_of

PAPER = "Okabe & Ito 2008"
# Hues between red, yellow, green, cyan, blue and magenta on the wheel: more where the eye tells more apart.
_HUES = (15, 6, 4, 11, 13, 6)
_CORNERS = np.array([(255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (0, 0, 255), (255, 0, 255)], np.float64)


@method(
    task="drawing",
    paper=PAPER,
    lesson="w1d1",
    example={"keypoints": np.array([[[5.0, 5.0], [20.0, 9.0], [12.0, 30.0]]]), "links": [(0, 1), (0, 2)]},
)
def skeletons(
    image: Image, keypoints: np.ndarray, links: Sequence[tuple[int, int]], *, least: Annotated[float, Range(0, 1)] = 0.3
) -> NewImage:
    """Return a copy of an image with the skeletons of people, hands or animals drawn over it.

    NaN pixels stay NaN where nothing is drawn; a keypoint with NaN is one that was not found and is left out with its
    links.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    keypoints
        N×K×2 ``(x, y)`` in pixels, or N×K×3 with a score 0–1; each of the N skeletons has a colour of its own.
    links
        Pairs of keypoint numbers that are bones.
    least
        Score below which a keypoint is left out, 0–1.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> arm = np.array([[[2, 2], [8, 2]]])
    >>> drawn = sl.image.draw.skeletons(np.zeros((5, 11), np.uint8), arm, [(0, 1)])
    >>> (drawn[2, :, 0] > 0).tolist()
    [True, True, True, True, True, True, True, True, True, True, True]
    """
    image = as_image("skeletons", image)
    least = number("skeletons", "least", least, 0, 1)
    people = array_of(keypoints)
    if people.ndim != 3 or people.shape[2] not in (2, 3) or people.dtype.kind not in "iuf":
        raise InputError(f"skeletons: keypoints must be N×K×2 or N×K×3 numbers; got {describe(keypoints)}.")
    pairs = links_of("skeletons", links, people.shape[1])
    canvas = Canvas(image)
    for number_, person in enumerate(people.astype(np.float64)):
        points = np.clip(person[:, :2], -1e6, 1e6)
        found = np.asarray(np.isfinite(points).all(axis=1))
        if person.shape[1] == 3:
            found &= person[:, 2] >= least
        for pair in pairs:
            if found[pair].all():
                canvas.line(points[pair], colour_of(number_))
        canvas.dots(points[found], colour_of(number_))
    return finish(image, canvas)


@method(
    task="drawing", paper=PAPER, lesson="w1d1", example={"paths": [np.array([[3.0, 4.0], [9.0, 8.0], [20.0, 30.0]])]}
)
def tracks(image: Image, paths: Sequence[np.ndarray], ids: Sequence[int] = ()) -> NewImage:
    """Return a copy of an image with the paths of what moved, a dot at the end of each.

    NaN pixels stay NaN where nothing is drawn; a point with NaN is a frame in which it was not seen: a gap.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    paths
        For each track N×2 ``(x, y)`` in pixels, the oldest first.
    ids
        A whole number for each track, written at its end; the same id has the same colour in every picture. None
        numbers the colours in order and writes nothing.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> drawn = sl.image.draw.tracks(np.zeros((9, 30), np.uint8), [np.array([[2, 4], [20, 4]])])
    >>> int((drawn[4, :, 0] > 0).sum())
    21
    """
    image = as_image("tracks", image)
    several = list_of("tracks", "paths", paths, "N×2 points each")
    rows = [rows_of("tracks", f"paths[{index}]", path, 2, finite=False) for index, path in enumerate(several)]
    ids = list_of("tracks", "ids", ids, "a whole number for each track, or none")
    if len(ids) not in (0, len(rows)):
        raise InputError(f"tracks: ids must be one for each of the {len(rows)} paths, or none; got {len(ids)}.")
    canvas = Canvas(image)
    for index, path in enumerate(rows):
        number_ = integer("tracks", f"ids[{index}]", ids[index], 0) if len(ids) else index
        seen = np.asarray(np.isfinite(path).all(axis=1))
        for part in np.split(np.arange(len(path)), np.flatnonzero(np.diff(seen.astype(np.int8))) + 1):
            if len(part) > 1 and seen[part[0]]:
                canvas.line(path[part], colour_of(number_))
        if seen.any():
            end = path[seen][-1]
            canvas.dots(end[None], colour_of(number_))
            if len(ids):
                canvas.text(str(number_), (float(end[0]) + 4, float(end[1]) + 4), colour_of(number_))
    return finish(image, canvas)


@method(
    task="drawing", paper=PAPER, lesson="w1d1", example={"contours": [np.array([[2.0, 2.0], [20.0, 3.0], [9.0, 30.0]])]}
)
def contours(
    image: Image,
    contours: Sequence[Any],
    *,
    closed: bool = True,
    color: tuple[int, int, int] | None = None,
    width: Annotated[int, Range(1, 100, 1)] | None = None,
) -> NewImage:
    """Return a copy of an image with outlines drawn over it, each in the next colour.

    NaN pixels stay NaN where nothing is drawn; NaN in ``contours`` is refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    contours
        N×2 ``(x, y)`` points each, or what ``find_contours`` returns.
    closed
        Whether the last point is joined with the first one.
    color
        (red, green, blue) of 0–255 for all, whatever the image's dtype; None gives each outline the next colour.
    width
        Of the strokes, in pixels, 1–100; None takes one that suits the image's size.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> square = np.array([[1, 1], [5, 1], [5, 5], [1, 5]])
    >>> int((sl.image.draw.contours(np.zeros((7, 7), np.uint8), [square])[..., 0] > 0).sum())
    16
    """
    closed = flag("contours", "closed", closed)
    pen = Pen("contours", image, color, width)
    for index, contour in enumerate(list_of("contours", "contours", contours, "a list of N×2 points")):
        points = rows_of("contours", f"contours[{index}]", getattr(contour, "points", contour), 2)
        if len(points) > 1:
            pen.canvas.line(points, pen.colour(index), closed=closed)
        else:
            pen.canvas.dots(points, pen.colour(index), 0.5)
    return finish(pen.image, pen.canvas)


def _halves(image: np.ndarray) -> np.ndarray:
    found = np.zeros(image.shape[:2], np.int32)
    found[:, image.shape[1] // 2 :] = 2
    return found


@method(task="drawing", paper=PAPER, lesson="w1d1", example={"labels": _halves})
def labels(image: Image, labels: Labels, *, opacity: Annotated[float, Range(0, 1)] = 0.5) -> NewImage:
    """Return a copy of an image with a label map tinted over it; label 0 is left as it is.

    NaN pixels under a label are drawn as black; elsewhere they stay NaN.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    labels
        H×W int32; near labels have far colours.
    opacity
        Share of the colour in the mix, 0–1.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> gray = np.full((1, 2), 80, np.uint8)
    >>> sl.image.draw.labels(gray, np.array([[0, 1]], np.int32))[0, 0].tolist()
    [80, 80, 80]
    """
    image = as_image("labels", image)
    opacity = number("labels", "opacity", opacity, 0, 1)
    if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.shape != image.shape[:2]:
        wanted = "×".join(map(str, image.shape[:2]))
        raise InputError(f"labels: labels must be {wanted} whole numbers like the image; got {describe(labels)}.")
    canvas = Canvas(image)
    picture = canvas.image().astype(np.float32)
    tinted = picture + np.float32(opacity) * (label_colours(labels) - picture)
    drawn = np.where((labels == 0)[..., None], picture, tinted)
    return finish(image, Canvas(np.rint(drawn).astype(np.uint8)))


@method(task="drawing", paper="Baker 2011", lesson="w1d1", example={"flow": np.ones((5, 7, 2), np.float32)})
def flow(flow: Flow, *, largest: Annotated[float, Range(0, 1000)] | None = None) -> NewImage:
    """Return optical flow as colours: the hue says where to, the saturation how fast.

    NaN and infinity are unknown flow: black.

    Parameters
    ----------
    flow
        H×W×2 float32 ``(dx, dy)`` in pixels.
    largest
        Length in pixels that has the full colour; longer ones are darker. None takes the longest in the picture.

    Returns
    -------
    Image
        H×W×3 uint8; flow to the right is red, down yellow-green, left cyan, up violet-blue; none is white.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> sl.image.draw.flow(np.array([[[1, 0], [0, 0]]], np.float32))[0].tolist()
    [[255, 0, 0], [255, 255, 255]]
    """
    if not isinstance(flow, np.ndarray) or flow.ndim != 3 or flow.shape[2] != 2 or flow.dtype.kind != "f":
        raise InputError(f"flow: flow must be H×W×2 floats; got {describe(flow)}.")
    if 0 in flow.shape:
        raise InputError(f"flow: flow must hold at least one pixel; got {describe(flow)}.")
    known = np.asarray(np.isfinite(flow).all(axis=2))
    dx, dy = np.moveaxis(np.where(known[..., None], flow, 0).astype(np.float64), 2, 0)
    length = np.hypot(dx, dy)
    full = float(length.max()) if largest is None else number("flow", "largest", largest, 0, above=0, unit="pixels")
    length /= max(full, np.finfo(np.float64).tiny)
    wheel = _wheel()
    position = (np.arctan2(-dy, -dx) / np.pi + 1) / 2 * (len(wheel) - 1)
    low = np.floor(position).astype(np.int64)
    share = (position - low)[..., None]
    hue = wheel[low % len(wheel)] * (1 - share) + wheel[(low + 1) % len(wheel)] * share
    near = 1 - length[..., None] * (1 - hue)
    colours = np.where(length[..., None] <= 1, near, 0.75 * hue)
    return np.where(known[..., None], np.floor(255 * colours), 0).astype(np.uint8)


@lru_cache(maxsize=1)
def _wheel() -> np.ndarray:
    """Return the hues of the colour wheel, N×3, 0–1."""
    parts = []
    for index, count in enumerate(_HUES):
        share = np.floor(255 * np.arange(count) / count)[:, None] / 255
        first, second = _CORNERS[index], _CORNERS[(index + 1) % len(_CORNERS)]
        parts.append(first * (1 - share) + second * share)
    return np.concatenate(parts) / 255
