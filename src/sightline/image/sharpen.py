"""Sharpening: take the Laplacian away, which is what diffusion would have added.

Gonzalez & Woods 2018, "Digital Image Processing", 4th ed., section 3.6, "Using the second derivative for image
sharpening: the Laplacian", which the code follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, number, output
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS
from sightline.image.correlation import correlate_window, frame_around

CROSS = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float64)
SQUARE = np.array([[1, 1, 1], [1, -8, 1], [1, 1, 1]], np.float64)


@method(task="sharpening", paper="Gonzalez & Woods 2018", lesson="w1d4")
def sharpen(
    image: Image,
    amount: Annotated[float, Range(0, 10, 0.1)] = 1.0,
    *,
    neighbours: Annotated[int, Range(4, 8, 4)] = 4,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "reflect",
    out: Array | None = None,
) -> Image:
    """Return ``image - amount · Laplacian``: each pixel moves away from the mean of its neighbours.

    One weighted sum of 3×3 pixels: (0, -1, 0; -1, 5, -1; 0, -1, 0) at the defaults. NaN and infinity spoil the
    neighbours that count.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    amount
        How much is taken away, 0–10; 0 returns an equal copy.
    neighbours
        Which of them count: 4, beside and above; or 8, with the diagonal ones.
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The sharpened image, same shape and dtype; integers are rounded and clipped, float32 is not clipped.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, "Digital Image Processing", 4th ed., Pearson, 2018, section 3.6.

    Examples
    --------
    >>> import numpy as np
    >>> step = np.full((3, 6), 50, np.uint8)
    >>> step[:, 3:] = 90
    >>> sharpen(step)[1]
    array([ 50,  50,  10, 130,  90,  90], dtype=uint8)
    """
    image, window = _checked(image, amount, neighbours, border)
    result = output("sharpen", out, image.shape, image.dtype, [image])
    correlate_window(image, window, frame_around((3, 3), (1, 1), border), result)
    return result


@sharpen.steps
def _(image: Image, amount: float = 1.0, *, neighbours: int = 4, **options: Any) -> Iterator[Step]:
    _, window = _checked(image, amount, neighbours, options.get("border", "reflect"))
    yield Step("kernel", Heat(window.astype(np.float32)), note="The pixel, less the Laplacian.")
    yield Step("sharpened", Picture(sharpen(image, amount, neighbours=neighbours, **options)))


def _checked(image: Any, amount: float, neighbours: int, border: str) -> tuple[Array, Array]:
    choice("sharpen", "border", border, BORDERS)
    amount = number("sharpen", "amount", amount, 0, 10)
    if integer("sharpen", "neighbours", neighbours, 4, 8) not in (4, 8):
        raise InputError(f"sharpen: neighbours must be 4 or 8; got {neighbours}.")
    same = np.zeros((3, 3))
    same[1, 1] = 1
    window = same - amount * (CROSS if neighbours == 4 else SQUARE)
    return as_image("sharpen", image, channels=()), window
