"""TrivialAugment: one operation drawn from fourteen, of a strength drawn at random. There is nothing to tune.

Müller & Hutter 2021, "TrivialAugment: Tuning-free yet state-of-the-art data augmentation"; operations and ranges are
those of its wide space (table 5), reached at strength 30 of 30.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image
from sightline.core.seeds import generator
from sightline.core.types import Image, Seed
from sightline.data.colour import adjust_colour
from sightline.data.map_image import map_image
from sightline.data.move import Move, Shape
from sightline.data.rand_augment import move_of
from sightline.data.tone import autocontrast, equalize, posterize, sharpen, solarize

LEVELS = 31
_TURN, _SHEAR, _SHIFT, _FACTOR = math.radians(135), 0.99, 32.0, 0.99

# Each takes (height, width) and a strength in −1 … 1.
WIDE_MOVES: dict[str, Callable[[Shape, float], Move]] = {
    "rotate": lambda shape, strength: move_of(shape, angle=strength * _TURN),
    "shear_x": lambda shape, strength: move_of(shape, shear=(strength * _SHEAR, 0.0)),
    "shear_y": lambda shape, strength: move_of(shape, shear=(0.0, strength * _SHEAR)),
    "shift_x": lambda shape, strength: move_of(shape, shift=(strength * _SHIFT, 0.0)),
    "shift_y": lambda shape, strength: move_of(shape, shift=(0.0, strength * _SHIFT)),
}

# Each takes the image and a strength in −1 … 1; those that have no sign use its size.
WIDE_TONES: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "identity": lambda image, _: image.copy(),
    "autocontrast": lambda image, _: autocontrast(image),
    "equalize": lambda image, _: equalize(image),
    "solarize": lambda image, strength: solarize(image, level=round(256 * (1 - abs(strength)))),
    "posterize": lambda image, strength: posterize(image, bits=8 - round(6 * abs(strength))),
    "brightness": lambda image, strength: adjust_colour(image, brightness=1 + _FACTOR * strength),
    "contrast": lambda image, strength: adjust_colour(image, contrast=1 + _FACTOR * strength),
    "saturation": lambda image, strength: adjust_colour(image, saturation=1 + _FACTOR * strength),
    "sharpness": lambda image, strength: sharpen(image, amount=1 + _FACTOR * strength),
}


@method(task="augmentation", paper="Müller & Hutter 2021", lesson="w5d2")
def trivial_augment(image: Image, *, seed: Seed = 0) -> Image:
    """Return the image after one operation drawn at random, of a strength drawn at random.

    The fourteen are those of :func:`rand_augment` over wider ranges: turns up to 135°, shears up to 0.99, shifts up to
    32 pixels, factors of 0.01–1.99, 2 to 8 bits. Strengths have 31 levels; what has a sign gets a random one.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    References
    ----------
    S. Müller, F. Hutter, "TrivialAugment: Tuning-free yet state-of-the-art data augmentation", ICCV 2021.

    Examples
    --------
    >>> import numpy as np
    >>> trivial_augment(np.arange(16, dtype=np.uint8).reshape(4, 4), seed=1).shape
    (4, 4)
    """
    image = as_image("trivial_augment", image, dtypes=("uint8",))
    name, strength = draw_operation(generator(seed))
    if name in WIDE_TONES:
        return WIDE_TONES[name](image, strength)
    move = WIDE_MOVES[name](image.shape[:2], strength)
    return map_image(image, move.matrix, move.new)


def draw_operation(random: np.random.Generator) -> tuple[str, float]:
    """Return a name of :data:`WIDE_TONES` or :data:`WIDE_MOVES` and a strength in −1 … 1.

    Parameters
    ----------
    random
        Where the draws come from.
    """
    names = (*WIDE_TONES, *WIDE_MOVES)
    name = names[int(random.integers(len(names)))]
    strength = int(random.integers(LEVELS)) / (LEVELS - 1)
    return name, strength if random.random() < 0.5 else -strength
