"""Augmentation: a list of random changes that training images go through, with all that is labelled on them.

Each sample has a random stream of its own, named by (seed, epoch, index): the order of loading and the number of worker
processes make no difference. Everything that moves is drawn first and becomes one map; picture, boxes, masks and
keypoints go through the same one. Then values change, in their order.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import numpy as np

from sightline.core.checks import as_image, choice, number, size_2d
from sightline.core.errors import InputError, suggest
from sightline.core.seeds import generator
from sightline.core.types import Choice, Seed
from sightline.data.changes import CHANGES, Change, InTurn, Tone
from sightline.data.labelled import LabelledImage
from sightline.data.move import Move, Shape

Named = str | tuple[str, dict[str, Any]]
Picture = TypeVar("Picture", np.ndarray, LabelledImage)

_SLIGHT: Named = ("shift", {"share": 1 / 16, "border": "reflect"})  # 2 of 32 pixels, for few epochs (Jordan 2024)
_LISTS: dict[str, tuple[Named, ...]] = {
    "none": (),
    "slight": (_SLIGHT,),
    "light": ("shift",),  # an eighth of the side: the 4 of 32 pixels that CIFAR is trained with
    "standard": ("affine", "colour"),
    "randaugment": ("shift", "rand_augment"),
    "trivialaugment": ("shift", "trivial_augment"),
}
POLICIES = tuple(_LISTS)


class Augment:
    """A list of random changes: ``augment(image, seed)`` gives a new image of the same dtype.

    With a :class:`~sightline.data.LabelledImage` it gives a new one, whose boxes, masks, label map and keypoints lie
    where the picture shows them.

    Parameters
    ----------
    policy
        ``none``; ``light``: flip and shift, ``slight``: flip in every second epoch, shift by half as much with the
        border mirrored; ``standard``: flip, small affine map, colour;
        ``randaugment`` and ``trivialaugment``: flip, shift and what their names say. Or a list of changes by name, each
        alone or with its options, such as ``["mirror", ("rotate", {"angle": 0.5}), "colour"]``; there are mirror,
        shift, resize, resized_crop, affine, rotate, colour, cutout, rand_augment and trivial_augment.
    mirror
        Whether a mirrored image still means the same: ``ImageSet.mirror``. A list of changes says so itself.
    shape
        ``(height, width)``: begin with a random resized crop to this shape, in place of a shift (for photos that are
        larger than the model's input). None keeps each image's own shape.
    keep
        A labelled thing is dropped when less than this share of its box is left in the picture, 0–1.

    Examples
    --------
    >>> import numpy as np
    >>> augment = Augment("light")
    >>> image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> bool((augment.sample(image, seed=1, epoch=2, index=3) == augment.sample(image, seed=1, epoch=2, index=3)).all())
    True
    """

    def __init__(
        self,
        policy: Annotated[str | Sequence[Named], Choice(*POLICIES)] = "standard",
        *,
        mirror: bool = True,
        shape: tuple[int, int] | None = None,
        keep: float = 0.1,
    ) -> None:
        self.shape = None if shape is None else size_2d("Augment", "shape", shape)
        self.keep = number("Augment", "keep", keep, 0, 1)
        self.mirror = bool(mirror)
        if isinstance(policy, (list, tuple)):
            self.policy = "listed"
            named: list[Named] = list(policy)
        else:
            self.policy = choice("Augment", "policy", policy, POLICIES)
            shifts = ("shift", _SLIGHT) if self.shape is not None else ()
            named = [item for item in _LISTS[self.policy] if item not in shifts]
            if self.policy != "none" and self.mirror:
                named.insert(0, ("mirror", {"in_turn": True}) if self.policy == "slight" else "mirror")
        if self.shape is not None and self.policy != "none":
            # A quarter of the area, not 8 %: small sets lose their subject otherwise.
            place = int(bool(named) and "mirror" in (named[0], named[0][0]))
            named.insert(place, ("resized_crop", {"shape": self.shape}))
        self._changes = tuple(_change(item) for item in named)
        self._in_turn = any(isinstance(draw, InTurn) for _, draw in self._changes)

    def __call__(self, image: Picture, seed: Seed) -> Picture:
        """Return a changed copy of one image; the policy ``none`` gives it back as it is.

        Parameters
        ----------
        image
            H×W or H×W×3, uint8, or a :class:`LabelledImage`.
        seed
            Whole number ≥ 0 or a generator.
        """
        return self._changed(image, generator(seed), None)

    def _changed(self, image: Picture, random: np.random.Generator, mirrored: bool | None) -> Picture:
        """Return a changed copy; ``mirrored`` says whose turn it is, None lets the draw say it."""
        labelled = isinstance(image, LabelledImage)
        pixels = image.image if labelled else as_image("Augment", image, dtypes=("uint8",))
        move, tones = self._draw(random, pixels.shape[:2], mirrored)
        if labelled:
            moved = image if move is None else image.moved(move, self.keep)
            return moved.with_image(_toned(moved.image, tones)) if tones else moved
        changed = _toned(pixels if move is None else move.image(pixels), tones)
        return np.ascontiguousarray(changed)  # pyrefly: ignore

    def sample(self, image: Picture, *, seed: int, epoch: int, index: int) -> Picture:
        """Return a changed copy of one training sample; the same for the same three numbers, in any process.

        Parameters
        ----------
        image
            H×W or H×W×3, uint8, or a :class:`LabelledImage`.
        seed, epoch, index
            The run's seed, the epoch and the sample's index, whole numbers ≥ 0.
        """
        if not self._changes:
            return image
        mirrored = None
        if self._in_turn:  # a stream of the sample's own: the epoch decides nothing but whose turn it is
            mirrored = (generator(seed, 0, index, 2).random() < 0.5) != (epoch % 2 == 1)
        return self._changed(image, generator(seed, epoch, index), mirrored)

    def describe(self) -> tuple[str, ...]:
        """Return what the policy does, one line for each change, in order."""
        return tuple(text for text, _ in self._changes)

    def __repr__(self) -> str:
        return f"Augment({self.policy!r}, mirror={self.mirror}, shape={self.shape})"

    def _draw(self, random: np.random.Generator, shape: Shape, mirrored: bool | None) -> tuple[Move | None, list[Tone]]:
        """Return all that moves as one map, and the changes of values."""
        move: Move | None = None
        tones: list[Tone] = []
        for _, draw in self._changes:
            turn = None if mirrored is None or not isinstance(draw, InTurn) else draw.when(mirrored, shape)
            for drawn in draw(random, shape) if turn is None else turn:
                if isinstance(drawn, Move):
                    move = drawn if move is None else move.then(drawn)
                    shape = drawn.new
                else:
                    tones.append(drawn)
        return move, tones


def augment(
    image: Picture,
    policy: Annotated[str | Sequence[Named], Choice(*POLICIES)] = "standard",
    *,
    mirror: bool = True,
    shape: tuple[int, int] | None = None,
    keep: float = 0.1,
    seed: Seed = 0,
) -> Picture:
    """Return one changed copy of an image, with all that is labelled on it; :class:`Augment` is quicker for many.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8, or a :class:`LabelledImage`: then boxes, masks and keypoints move along. Never changed.
    policy, mirror, shape, keep
        As :class:`Augment` takes them.
    seed
        Whole number ≥ 0 or a generator: the same number, the same copy.

    Returns
    -------
    What was given, an array or a LabelledImage; the policy ``none`` gives it back as it is.

    Raises
    ------
    InputError
        When the image is no uint8 picture, or an option is not known.

    Examples
    --------
    >>> import numpy as np
    >>> from sightline.data import augment
    >>> image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> augment(image, "light", seed=1).shape
    (8, 8)
    """
    return Augment(policy, mirror=mirror, shape=shape, keep=keep)(image, seed)


def _toned(image: np.ndarray, tones: list[Tone]) -> np.ndarray:
    for tone in tones:
        image = tone(image)
    return image


def _change(item: Named) -> tuple[str, Change]:
    """Return a change's text and what draws it."""
    name, options = (item, {}) if isinstance(item, str) else item
    if name not in CHANGES:
        raise InputError(
            f"Augment: policy must name changes; got {name!r}.{suggest(str(name), tuple(CHANGES))} "
            f"There are {', '.join(CHANGES)}."
        )
    takes = inspect.signature(CHANGES[name]).parameters
    for option in options:
        if option not in takes:
            raise InputError(f"Augment: {name} has no option {option!r}; it takes {', '.join(takes) or 'none'}.")
    return CHANGES[name](**options)
