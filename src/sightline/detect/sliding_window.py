"""Every place at which a window of one size fits: detection as the same question, asked again and again.

Papageorgiou & Poggio 2000, "A Trainable System for Object Detection", International Journal of Computer Vision 38(1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, size_2d
from sightline.core.layers import Boxes, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range

_SHOWN = 60  # boxes in a picture


@method(task="detection", paper="Papageorgiou & Poggio 2000", lesson="w7d2", example={"size": 16})
def sliding_window(
    image: Image, size: int | tuple[int, int] = 64, stride: Annotated[int, Range(1, 256, 1)] = 8
) -> Array:
    """Return the boxes of all windows of one size that lie inside an image, row by row.

    Of the image, only the size counts; NaN and infinity are no matter.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    size
        Side of the window, or (height, width), in pixels, ≥ 1.
    stride
        Pixels from one window to the next, across and down, ≥ 1.

    Returns
    -------
    N×4 float32 (x1, y1, x2, y2) of whole numbers: ``image[y1:y2, x1:x2]`` is the window. None for an image that is
    smaller than the window.

    References
    ----------
    C. Papageorgiou, T. Poggio, "A Trainable System for Object Detection", International Journal of Computer Vision
    38(1), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> sliding_window(np.zeros((3, 4), np.uint8), (2, 3), 1).astype(int).tolist()
    [[0, 0, 3, 2], [1, 0, 4, 2], [0, 1, 3, 3], [1, 1, 4, 3]]
    """
    image = as_image("sliding_window", image, channels=())
    return _windows(image.shape[:2], size, integer("sliding_window", "stride", stride, 1))


def _windows(shape: tuple[int, ...], size: int | tuple[int, int], stride: int) -> Array:
    if isinstance(size, (tuple, list)):
        height, width = size_2d("sliding_window", "size", size)
    else:
        height = width = integer("sliding_window", "size", size, 1)
    top, left = np.meshgrid(
        np.arange(0, shape[0] - height + 1, stride), np.arange(0, shape[1] - width + 1, stride), indexing="ij"
    )
    y, x = top.ravel(), left.ravel()
    return np.stack([x, y, x + width, y + height], axis=1).astype(np.float32)


@sliding_window.steps
def _(image: Image, size: int | tuple[int, int] = 64, stride: int = 8) -> Iterator[Step]:
    boxes = sliding_window(image, size, stride)
    rows = len(np.unique(boxes[:, 1]))
    yield Step("one row", Picture(image), Boxes(boxes[: len(boxes) // max(rows, 1)][:_SHOWN]))
    some = boxes[:: max(-(-len(boxes) // _SHOWN), 1)]
    note = f"{len(boxes)} windows in {rows} rows; {len(some)} of them are drawn."
    yield Step("windows", Value(boxes), Picture(image), Boxes(some), note=note)
