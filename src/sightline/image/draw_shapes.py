"""Drawing shapes: lines and segments, circles, ellipses, as the methods that look for them return them.

Colours are those of Okabe and Ito 2008, "Color universal design", unless one is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.types import Image, NewImage, Range
from sightline.image.draw_rows import Centred, Pen, finish, rows_of, shapes_of

PAPER = "Okabe & Ito 2008"


@method(task="drawing", paper=PAPER, lesson="w1d1", example={"lines": np.array([[1.0, 2.0, 30.0, 20.0]])})
def lines(
    image: Image,
    lines: np.ndarray,
    *,
    color: tuple[int, int, int] | None = None,
    width: Annotated[int, Range(1, 100, 1)] | None = None,
) -> NewImage:
    """Return a copy of an image with line segments, or whole lines, drawn over it.

    NaN pixels stay NaN where nothing is drawn; NaN in ``lines`` is refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    lines
        N×4 segments ``(x1, y1, x2, y2)`` in pixels, point coordinates, as ``hough_segments`` returns them; or lines
        from border to border: N×2 ``(rho, theta)`` of ``hough_lines``, with x·cos θ + y·sin θ = ρ, or N×3
        ``(a, b, c)`` of ``epipolar_lines``, with a·x + b·y + c = 0.
    color
        (red, green, blue) of 0–255, whatever the image's dtype; None gives each line the next colour.
    width
        Of the strokes, in pixels, 1–100; None takes one that suits the image's size.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> int((sl.image.draw.lines(np.zeros((3, 9), np.uint8), np.array([[1, 1, 7, 1]]))[..., 0] > 0).sum())
    7
    >>> upright = sl.image.draw.lines(np.zeros((3, 9), np.uint8), np.array([[4.0, 0.0]]), color=(255, 0, 0))
    >>> upright[1, :, 0].tolist()
    [0, 0, 0, 0, 255, 0, 0, 0, 0]
    """
    pen = Pen("lines", image, color, width)
    table = rows_of("lines", "lines", lines, 4, widths=(2, 3))
    if table.shape[1] < 4:
        table = _across(table, pen.image.shape)
    for index, (x1, y1, x2, y2) in enumerate(table):
        pen.canvas.line(np.array([(x1, y1), (x2, y2)]), pen.colour(index))
    return finish(pen.image, pen.canvas)


def _across(table: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return N×4 segments, longer than an image of this shape, on lines (rho, theta) or (a, b, c)."""
    if table.shape[1] == 2:
        normals, distances = np.stack([np.cos(table[:, 1]), np.sin(table[:, 1])], axis=1), table[:, 0]
    else:
        lengths = np.hypot(table[:, 0], table[:, 1])
        table = table[lengths > 0] / lengths[lengths > 0, None]  # what has no direction is no line
        normals, distances = table[:, :2], -table[:, 2]
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    foot = middle + (distances - normals @ middle)[:, None] * normals  # the point of the line next to the middle
    seen = np.abs(distances - normals @ middle) <= math.hypot(*shape[:2])
    along = np.stack([-normals[:, 1], normals[:, 0]], axis=1) * math.hypot(*shape[:2])
    return np.concatenate([foot - along, foot + along], axis=1)[seen]


@method(task="drawing", paper=PAPER, lesson="w1d1", example={"circles": np.array([[20.0, 16.0, 9.0]])})
def circles(
    image: Image,
    circles: np.ndarray | Centred | Sequence[Any],
    *,
    color: tuple[int, int, int] | None = None,
    width: Annotated[int, Range(1, 100, 1)] | None = None,
) -> NewImage:
    """Return a copy of an image with circles drawn over it.

    NaN pixels stay NaN where nothing is drawn; NaN in ``circles`` is refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    circles
        N×3 ``(x, y, radius)`` in pixels, as ``hough_circles`` and ``simple_blobs`` return them, or what
        ``min_enclosing_circle`` returns, one or several. Of ``blobs_log`` and the like the radius is √2 times the
        sigma.
    color
        (red, green, blue) of 0–255, whatever the image's dtype; None gives each circle the next colour.
    width
        Of the strokes, in pixels, 1–100; None takes one that suits the image's size.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> ring = sl.image.draw.circles(np.zeros((9, 9), np.uint8), np.array([[4, 4, 3]]), color=(0, 0, 255))
    >>> ring[4, :, 2].tolist()
    [0, 255, 0, 0, 0, 0, 0, 255, 0]
    """
    pen = Pen("circles", image, color, width)
    made = shapes_of(circles, ("center", "radius"), lambda one: (*one.center, one.radius))
    for index, (x, y, radius) in enumerate(rows_of("circles", "circles", made, 3)):
        pen.canvas.ring((x, y), (abs(radius), abs(radius)), 0.0, pen.colour(index))
    return finish(pen.image, pen.canvas)


@method(task="drawing", paper=PAPER, lesson="w1d1", example={"ellipses": np.array([[20.0, 16.0, 12.0, 6.0, 0.5]])})
def ellipses(
    image: Image,
    ellipses: np.ndarray | Centred | Sequence[Any],
    *,
    color: tuple[int, int, int] | None = None,
    width: Annotated[int, Range(1, 100, 1)] | None = None,
) -> NewImage:
    """Return a copy of an image with ellipses drawn over it.

    NaN pixels stay NaN where nothing is drawn; NaN in ``ellipses`` is refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32 0–1.
    ellipses
        N×5 ``(x, y, a, b, angle)`` as ``hough_ellipses`` returns them: centre and half axes in pixels, and the angle of
        the first one to the x axis, towards the y axis, in radians; or what ``fit_ellipse`` returns, one or several.
    color
        (red, green, blue) of 0–255, whatever the image's dtype; None gives each ellipse the next colour.
    width
        Of the strokes, in pixels, 1–100; None takes one that suits the image's size.

    Returns
    -------
    Image
        H×W×3, the dtype of ``image``.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> drawn = sl.image.draw.ellipses(np.zeros((9, 15), np.uint8), np.array([[7, 4, 6, 3, 0]]), color=(0, 255, 0))
    >>> drawn[4, :, 1].tolist()
    [0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0]
    """
    pen = Pen("ellipses", image, color, width)
    made = shapes_of(ellipses, ("center", "axes", "angle"), _five)
    for index, (x, y, a, b, angle) in enumerate(rows_of("ellipses", "ellipses", made, 5)):
        pen.canvas.ring((x, y), (abs(a), abs(b)), angle, pen.colour(index))
    return finish(pen.image, pen.canvas)


def _five(ellipse: Any) -> tuple[float, ...]:
    return (*ellipse.center, ellipse.axes[0] / 2, ellipse.axes[1] / 2, ellipse.angle)
