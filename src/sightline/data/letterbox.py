"""Letterbox: an image made to fit a frame without changing its form, grey bars at two sides."""

from __future__ import annotations

import numpy as np

from sightline.core.checks import as_image, flag, integer, size_2d
from sightline.data.move import Shape
from sightline.data.placement import GREY, Placement


def letterbox(
    image: np.ndarray, shape: Shape, *, enlarge: bool = True, fill: int = GREY
) -> tuple[np.ndarray, Placement]:
    """Return an image in the middle of a frame, as large as it fits, and its placement.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    shape
        ``(height, width)`` of the frame in pixels.
    enlarge
        Whether an image smaller than the frame is made larger.
    fill
        Grey level of the bars, 0–255.

    Returns
    -------
    image
        A new array of the frame's shape, uint8.
    placement
        ``placement.boxes(boxes)`` moves boxes into the frame, ``placement.back(boxes)`` out of it.

    Examples
    --------
    >>> frame, placement = letterbox(np.zeros((20, 40, 3), np.uint8), (80, 80))
    >>> frame.shape, frame[0, 0].tolist(), placement.back(np.array([[0, 20, 80, 60]])).tolist()
    ((80, 80, 3), [114, 114, 114], [[0.0, 0.0, 40.0, 20.0]])
    """
    image = as_image("letterbox", image, dtypes=("uint8",))
    shape = size_2d("letterbox", "shape", shape)
    fill = integer("letterbox", "fill", fill, 0, 255)
    placement = centred(
        (image.shape[0], image.shape[1]), shape, enlarge=flag("letterbox", "enlarge", enlarge), fill=fill
    )
    return placement.image(image), placement


def centred(old: Shape, new: Shape, *, enlarge: bool = True, fill: int = GREY) -> Placement:
    """Return the placement of an image in the middle of a frame, as large as it fits.

    Parameters
    ----------
    old, new
        ``(height, width)`` of the image and the frame.
    enlarge
        Whether an image smaller than the frame is made larger.
    fill
        Grey level of the bars.
    """
    scale = min(new[0] / old[0], new[1] / old[1])
    scale = scale if enlarge else min(scale, 1.0)
    size = (max(1, round(old[0] * scale)), max(1, round(old[1] * scale)))
    corner = ((new[0] - size[0]) // 2, (new[1] - size[1]) // 2)
    return Placement.of(old, size, corner, new, fill)
