"""Random changes by name: each draws what it will do to a picture of a given shape, and does nothing yet.

What is drawn is a :class:`~sightline.data.move.Move`, which takes boxes, masks and keypoints along, or a change of
values, which leaves them where they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from sightline.core.checks import choice, flag, integer, number, size_2d
from sightline.core.errors import InputError
from sightline.data.affine import draw_move
from sightline.data.colour import draw_colour, recolour
from sightline.data.crop import draw_rectangle, draw_shift
from sightline.data.cutout import cutout
from sightline.data.move import Move, Shape
from sightline.data.rand_augment import MOVES, OPERATIONS, draw_operations
from sightline.data.trivial_augment import WIDE_MOVES, WIDE_TONES, draw_operation

Tone = Callable[[np.ndarray], np.ndarray]
Drawn = list[Move | Tone]
Change = Callable[[np.random.Generator, Shape], Drawn]


class InTurn:
    """A mirror that swaps half of the pictures in the first epoch, the others in the next, and so on in turn.

    Jordan 2024, arXiv 2404.00498, section 3.6: two epochs show both sides of each picture, never one of them twice.

    Parameters
    ----------
    vertical
        Whether top and bottom are swapped.
    """

    def __init__(self, vertical: bool) -> None:
        self._vertical = vertical

    def __call__(self, random: np.random.Generator, shape: Shape) -> Drawn:
        """Mirror half of all pictures: where there are no epochs."""
        return self.when(random.random() < 0.5, shape)

    def when(self, mirrored: bool, shape: Shape) -> Drawn:
        """Mirror a picture or not, as its turn is."""
        return [Move.mirror(shape, vertical=self._vertical)] if mirrored else []


def mirror(*, probability: float = 0.5, direction: str = "horizontal", in_turn: bool = False) -> tuple[str, Change]:
    """Swap left and right, or top and bottom (``vertical``), with a probability, or ``in_turn`` every second epoch."""
    number("Augment", "probability", probability, 0, 1)
    vertical = choice("Augment", "direction", direction, ("horizontal", "vertical")) == "vertical"
    if flag("Augment", "in_turn", in_turn):
        if probability != 0.5:
            raise InputError(
                f"Augment: mirror in_turn shows half of all epochs mirrored; got probability {probability:g}."
            )
        return f"mirror every image in every second epoch{' top to bottom' if vertical else ''}", InTurn(vertical)

    def draw(random: np.random.Generator, shape: Shape) -> Drawn:
        return [Move.mirror(shape, vertical=vertical)] if random.random() < probability else []

    share = "every second image" if probability == 0.5 else f"{probability:.0%} of the images"
    return f"mirror {share}{' top to bottom' if vertical else ''}", draw


def shift(*, share: float = 1 / 8, border: str = "zero") -> tuple[str, Change]:
    """Shift by whole pixels, up to a share of the shorter side; black comes in, or the mirrored picture (reflect)."""
    number("Augment", "share", share, 0, 1)
    choice("Augment", "border", border, ("zero", "reflect"))

    def draw(random: np.random.Generator, shape: Shape) -> Drawn:
        down, right = draw_shift(round(min(shape) * share), random)
        return [Move.shift(shape, -right, -down, border)]

    named = f"1/{round(1 / share)}" if share and abs(1 / share - round(1 / share)) < 1e-9 else f"{share:.0%}"
    return f"shift by up to {named} of a side{', the border mirrored' if border == 'reflect' else ''}", draw


def resized_crop(*, shape: tuple[int, int], smallest: float = 0.25, stretch: float = 4 / 3) -> tuple[str, Change]:
    """Make a random rectangle of the picture a picture of ``shape`` (height, width)."""
    target = size_2d("Augment", "shape", shape)
    number("Augment", "smallest", smallest, 0.01, 1)
    number("Augment", "stretch", stretch, 1, 4)

    def draw(random: np.random.Generator, old: Shape) -> Drawn:
        return [Move.crop(old, draw_rectangle(*old, smallest, stretch, random), target)]

    return f"random part, resized to {target[0]}×{target[1]}", draw


def resize(*, shape: tuple[int, int]) -> tuple[str, Change]:
    """Make the whole picture one of ``shape`` (height, width)."""
    target = size_2d("Augment", "shape", shape)
    return f"resized to {target[0]}×{target[1]}", lambda _, old: [Move.crop(old, (0, 0, *old), target)]


def affine(
    *, angle: float = math.pi / 18, shift: float = 0.1, scale: float = 0.1, shear: float = 0.0
) -> tuple[str, Change]:
    """Turn, shift, scale and shear by up to the amounts of ``random_affine``."""
    number("Augment", "angle", angle, 0, math.pi, unit="radians")
    number("Augment", "shift", shift, 0, 1)
    number("Augment", "scale", scale, 0, 0.9)
    number("Augment", "shear", shear, 0, 1.4, unit="radians")
    sizes = f"{shift:.0%}".replace("%", " %") if shift == scale else f"{shift:.0%} and {scale:.0%}".replace("%", " %")
    text = f"turn by up to {math.degrees(angle):.0f}°, shift and scale by up to {sizes}"
    return text, lambda random, shape: [draw_move(random, shape, angle, shift, scale, shear)]


def rotate(*, angle: float = math.pi / 12) -> tuple[str, Change]:
    """Turn about the centre by up to ``angle`` radians to either side."""
    return f"turn by up to {math.degrees(angle):.0f}°", affine(angle=angle, shift=0.0, scale=0.0)[1]


def colour(
    *, brightness: float = 0.2, contrast: float = 0.2, saturation: float = 0.2, hue: float = 0.0
) -> tuple[str, Change]:
    """Change brightness, contrast, saturation and hue by up to the amounts of ``random_colour``."""
    amounts = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
    for name, amount in amounts.items():
        number("Augment", name, amount, 0, 1)
    number("Augment", "hue", hue, 0, math.pi, unit="radians")
    same = len(set(amounts.values())) == 1
    text = "brightness, contrast and saturation by up to " + "/".join(
        f"{100 * amount:.0f} %" for amount in list(amounts.values())[: 1 if same else None]
    )

    def draw(random: np.random.Generator, _: Shape) -> Drawn:
        factors = draw_colour(random, brightness, contrast, saturation, hue)
        return [lambda image: recolour(image, *factors)]

    return text, draw


def cut(*, size: float = 0.5, count: int = 1, fill: int = 128) -> tuple[str, Change]:
    """Paint random squares over, as ``cutout`` does."""
    number("Augment", "size", size, 0, 1)
    integer("Augment", "count", count, 1, 16)
    integer("Augment", "fill", fill, 0, 255)
    text = f"Cutout, {count} of {size:.0%} of a side".replace("%", " %")
    return text, lambda random, _: [partial(cutout, size=size, count=count, fill=fill, seed=random)]


def rand_augment(*, count: int = 2, magnitude: float = 5.0) -> tuple[str, Change]:
    """A few operations of one strength."""
    integer("Augment", "count", count, 1, 8)
    number("Augment", "magnitude", magnitude, 0, 10)

    def draw(random: np.random.Generator, shape: Shape) -> Drawn:
        drawn = draw_operations(random, count, magnitude)
        return [MOVES[n](shape, s) if n in MOVES else partial(_operate, OPERATIONS[n], s) for n, s in drawn]

    return f"RandAugment, {count} operations of magnitude {magnitude:g}", draw


def trivial_augment() -> tuple[str, Change]:
    """One operation of any strength."""

    def draw(random: np.random.Generator, shape: Shape) -> Drawn:
        name, strength = draw_operation(random)
        moves = name in WIDE_MOVES
        return [WIDE_MOVES[name](shape, strength) if moves else partial(_operate, WIDE_TONES[name], strength)]

    return "TrivialAugment", draw


def _operate(operation: Callable[[np.ndarray, float], np.ndarray], strength: float, image: np.ndarray) -> np.ndarray:
    return operation(image, strength)


CHANGES: dict[str, Callable[..., tuple[str, Any]]] = {
    "mirror": mirror,
    "shift": shift,
    "resize": resize,
    "resized_crop": resized_crop,
    "affine": affine,
    "rotate": rotate,
    "colour": colour,
    "cutout": cut,
    "rand_augment": rand_augment,
    "trivial_augment": trivial_augment,
}
