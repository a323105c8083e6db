"""RandAugment: a few operations drawn from fourteen, all of one strength.

Cubuk et al. 2020, "RandAugment: Practical automated data augmentation with a reduced search space". The ranges of the
operations are those of AutoAugment (Cubuk et al. 2019, table 6), reached at magnitude 10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number
from sightline.core.seeds import generator
from sightline.core.types import Image, Range, Seed
from sightline.data.affine import linear_map
from sightline.data.colour import adjust_colour
from sightline.data.map_image import map_image
from sightline.data.move import Move, Shape
from sightline.data.tone import autocontrast, equalize, posterize, sharpen, solarize

_TURN = math.radians(30)
_SHEAR = math.atan(0.3)
_SHIFT = 150 / 331  # of a side


def _factor(strength: float) -> float:
    return 1 + 0.9 * strength


def _moving(kind: str) -> Callable[[np.ndarray, float], np.ndarray]:
    return lambda image, strength: map_image(image, (move := MOVES[kind](image.shape[:2], strength)).matrix, move.new)


def move_of(
    shape: Shape,
    angle: float = 0.0,
    shear: tuple[float, float] = (0.0, 0.0),
    shift: tuple[float, float] = (0.0, 0.0),
) -> Move:
    """Return the move about the centre by an angle (radians), tangents of shears along x and y, a shift (pixels)."""
    return Move.about_centre(shape, linear_map(angle, 1.0, *shear), shift)


# Each takes (height, width) and a strength in −1 … 1.
MOVES: dict[str, Callable[[Shape, float], Move]] = {
    "rotate": lambda shape, strength: move_of(shape, angle=strength * _TURN),
    "shear_x": lambda shape, strength: move_of(shape, shear=(math.tan(strength * _SHEAR), 0.0)),
    "shear_y": lambda shape, strength: move_of(shape, shear=(0.0, math.tan(strength * _SHEAR))),
    "shift_x": lambda shape, strength: move_of(shape, shift=(strength * _SHIFT * shape[1], 0.0)),
    "shift_y": lambda shape, strength: move_of(shape, shift=(0.0, strength * _SHIFT * shape[0])),
}

# Each takes the image and a strength in −1 … 1; those that have no sign use its size.
OPERATIONS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "identity": lambda image, _: image.copy(),
    "autocontrast": lambda image, _: autocontrast(image),
    "equalize": lambda image, _: equalize(image),
    **{name: _moving(name) for name in MOVES},
    "solarize": lambda image, strength: solarize(image, level=round(256 * (1 - abs(strength)))),
    "posterize": lambda image, strength: posterize(image, bits=8 - round(4 * abs(strength))),
    "brightness": lambda image, strength: adjust_colour(image, brightness=_factor(strength)),
    "contrast": lambda image, strength: adjust_colour(image, contrast=_factor(strength)),
    "saturation": lambda image, strength: adjust_colour(image, saturation=_factor(strength)),
    "sharpness": lambda image, strength: sharpen(image, amount=_factor(strength)),
}


@method(task="augmentation", paper="Cubuk et al. 2020", lesson="w5d2")
def rand_augment(
    image: Image,
    *,
    count: Annotated[int, Range(1, 8)] = 2,
    magnitude: Annotated[float, Range(0, 10)] = 5.0,
    seed: Seed = 0,
) -> Image:
    """Return the image after a few operations drawn at random, all of one strength.

    The fourteen: identity, autocontrast, equalize, rotate, shear and shift along x and y, solarize, posterize,
    brightness, contrast, saturation, sharpness. What has a sign gets a random one.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    count
        Number of operations, 1–8 (the paper's N).
    magnitude
        Strength, 0–10 (the paper's M).
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    References
    ----------
    E. Cubuk, B. Zoph, J. Shlens, Q. Le, "RandAugment: Practical automated data augmentation with a reduced search
    space", NeurIPS 2020.

    Examples
    --------
    >>> import numpy as np
    >>> rand_augment(np.arange(16, dtype=np.uint8).reshape(4, 4), seed=1).shape
    (4, 4)
    """
    image = as_image("rand_augment", image, dtypes=("uint8",))
    count = integer("rand_augment", "count", count, 1, 8)
    magnitude = number("rand_augment", "magnitude", magnitude, 0, 10)
    for name, strength in draw_operations(generator(seed), count, magnitude):
        image = OPERATIONS[name](image, strength)
    return image


def draw_operations(random: np.random.Generator, count: int = 2, magnitude: float = 5.0) -> list[tuple[str, float]]:
    """Return ``count`` names of :data:`OPERATIONS`, each with a strength in −1 … 1.

    Parameters
    ----------
    random
        Where the draws come from.
    count, magnitude
        As of :func:`rand_augment`.
    """
    names = tuple(OPERATIONS)
    drawn = []
    for _ in range(count):
        name = names[int(random.integers(len(names)))]
        drawn.append((name, (1 if random.random() < 0.5 else -1) * magnitude / 10))
    return drawn
