"""Random crops: what matters may stand elsewhere, larger or smaller."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, number, size_2d
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Choice, Image, Range, Seed

_TRIES = 10


@method(task="augmentation", paper="He et al. 2016", lesson="w5d2")
def random_crop(
    image: Image,
    *,
    padding: Annotated[int, Range(0, 256)] = 4,
    border: Annotated[str, Choice("zero", "edge", "reflect")] = "zero",
    seed: Seed = 0,
) -> Image:
    """Return the image shifted at random: padded on all sides, then cut to its own size.

    Values are moved, never computed with: NaN stays NaN.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    padding
        Pixels on each side, 0–256; the image moves by at most as many.
    border
        What comes in at the side: ``zero``, the ``edge`` pixel again, or the image mirrored (``reflect``, the edge
        pixel once).
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Deep residual learning for image recognition", CVPR 2016, section 4.2.

    Examples
    --------
    >>> import numpy as np
    >>> random_crop(np.array([[1, 2, 3]], np.uint8), padding=1, border="edge", seed=3)
    array([[1, 1, 2]], dtype=uint8)
    """
    image = as_image("random_crop", image)
    padding = integer("random_crop", "padding", padding, 0, 256)
    choice("random_crop", "border", border, ("zero", "edge", "reflect"))
    down, right = draw_shift(padding, generator(seed))
    if border == "zero":
        return shift_over_zeros(image, down, right)
    rows = inside(np.arange(image.shape[0]) + down, image.shape[0], border)
    columns = inside(np.arange(image.shape[1]) + right, image.shape[1], border)
    return image[rows[:, None], columns]


def draw_shift(padding: int, random: np.random.Generator) -> tuple[int, int]:
    """Return ``(down, right)``, each a whole number in −padding … padding.

    Parameters
    ----------
    padding
        Pixels, ≥ 0.
    random
        Where the draws come from.
    """
    span = 2 * padding + 1
    return _below(span, random) - padding, _below(span, random) - padding


def _below(count: int, random: np.random.Generator) -> int:
    """Return a whole number in 0 … count − 1: scaled floats cost an eighth of `integers`, and are as even."""
    return int(random.random() * count)


def shift_over_zeros(image: np.ndarray, down: int, right: int) -> np.ndarray:
    """Return the image cut from itself with black around it, ``down`` and ``right`` of its own place.

    Parameters
    ----------
    image
        H×W or H×W×3, any dtype.
    down, right
        Pixels.
    """
    height, width = image.shape[:2]
    out = np.zeros_like(image)
    if abs(down) < height and abs(right) < width:
        target = out[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
        target[...] = image[max(down, 0) : height - max(-down, 0), max(right, 0) : width - max(-right, 0)]
    return out


def inside(index: np.ndarray, size: int, border: str) -> np.ndarray:
    """Return indices folded back into 0 … size − 1.

    Parameters
    ----------
    index
        Whole numbers.
    size
        ≥ 1.
    border
        ``edge`` or ``reflect``.
    """
    if border == "edge" or size == 1:
        return np.clip(index, 0, size - 1)
    period = 2 * (size - 1)
    folded = np.abs(index) % period
    return np.minimum(folded, period - folded)


@method(task="augmentation", paper="Szegedy et al. 2015", lesson="w5d2")
def random_resized_crop(
    image: Image,
    *,
    shape: tuple[int, int] | None = None,
    smallest: Annotated[float, Range(0.01, 1)] = 0.08,
    stretch: Annotated[float, Range(1, 4)] = 4 / 3,
    seed: Seed = 0,
) -> Image:
    """Return a random rectangle of the image, resized to one shape.

    The rectangle covers a share of the area between ``smallest`` and 1, with a side ratio between 1/``stretch`` and
    ``stretch``. Where none of ten draws fits, the largest centred rectangle within that ratio is taken.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    shape
        ``(height, width)`` of the result in pixels; None keeps the image's own.
    smallest
        Smallest share of the area, in 0.01–1.
    stretch
        Largest ratio of the longer to the shorter side, 1–4.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the given shape, the same dtype.

    References
    ----------
    C. Szegedy et al., "Going deeper with convolutions", CVPR 2015, section 6.

    Examples
    --------
    >>> import numpy as np
    >>> random_resized_crop(np.zeros((60, 80, 3), np.uint8), shape=(32, 32)).shape
    (32, 32, 3)
    """
    image = as_image("random_resized_crop", image, dtypes=("uint8",))
    target = image.shape[:2] if shape is None else size_2d("random_resized_crop", "shape", shape)
    smallest = number("random_resized_crop", "smallest", smallest, 0.01, 1)
    stretch = number("random_resized_crop", "stretch", stretch, 1, 4)
    from sightline.image.resize import resize  # compiles kernels; the other crops do without

    top, left, height, width = draw_rectangle(image.shape[0], image.shape[1], smallest, stretch, seed)
    part = image[top : top + height, left : left + width].copy(order="C")
    return part if part.shape[:2] == target else resize(part, target)


def draw_rectangle(
    height: int, width: int, smallest: float, stretch: float, seed: Seed = 0
) -> tuple[int, int, int, int]:
    """Return ``(top, left, height, width)`` of a random rectangle inside an image.

    Parameters
    ----------
    height, width
        The image's sides in pixels, ≥ 1.
    smallest
        Smallest share of the area, in 0–1.
    stretch
        Largest ratio of the sides, ≥ 1.
    seed
        Whole number ≥ 0 or a generator.
    """
    if height < 1 or width < 1:
        raise InputError(f"draw_rectangle: height and width must be ≥ 1; got {height} and {width}.")
    random = generator(seed)
    for _ in range(_TRIES):
        area = height * width * (smallest + (1 - smallest) * random.random())
        ratio = stretch ** (2 * random.random() - 1)
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 1 <= w <= width and 1 <= h <= height:
            return _below(height - h + 1, random), _below(width - w + 1, random), h, w
    w, h = min(width, max(1, round(height * stretch))), min(height, max(1, round(width * stretch)))
    return (height - h) // 2, (width - w) // 2, h, w
