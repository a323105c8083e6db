"""Augmentation by policy: a named list of random changes that training images go through.

Each sample has a random stream of its own, named by (seed, epoch, index): the order of loading and the number of worker
processes make no difference.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np

from sightline.core.checks import as_image, choice, size_2d
from sightline.core.seeds import generator
from sightline.core.types import Choice, Image, Seed
from sightline.data.affine import random_affine
from sightline.data.colour import random_colour
from sightline.data.crop import draw_shift, random_resized_crop, shift_over_zeros
from sightline.data.flip import mirror_half
from sightline.data.rand_augment import rand_augment

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]

POLICIES = ("none", "light", "standard", "randaugment")


def _flip(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return mirror_half(image, random)


def _crop(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    # An eighth of the side: the 4 of 32 pixels that CIFAR is trained with.
    return shift_over_zeros(image, *draw_shift(round(min(image.shape[:2]) / 8), random))


def _affine(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return random_affine(image, seed=random)


def _colour(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return random_colour(image, seed=random)


def _rand_augment(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return rand_augment(image, seed=random)


_CHANGES: dict[str, tuple[tuple[str, Change], ...]] = {
    "none": (),
    "light": (("shift by up to 1/8 of a side", _crop),),
    "standard": (
        ("turn by up to 10°, shift and scale by up to 10 %", _affine),
        ("brightness, contrast and saturation by up to 20 %", _colour),
    ),
    "randaugment": (
        ("shift by up to 1/8 of a side", _crop),
        ("RandAugment, 2 operations of magnitude 5", _rand_augment),
    ),
}


class Augment:
    """A policy of random changes: ``augment(image, seed)`` gives a new image of the same dtype.

    Parameters
    ----------
    policy
        ``none``; ``light``: flip and shift; ``standard``: flip, small affine map, colour; ``randaugment``: flip, shift
        and RandAugment.
    mirror
        Whether a mirrored image still means the same: ``ImageSet.mirror``.
    shape
        ``(height, width)``: begin with a random resized crop to this shape, in place of a shift (for photos that are
        larger than the model's input). None keeps each image's own shape.

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
        policy: Annotated[str, Choice(*POLICIES)] = "standard",
        *,
        mirror: bool = True,
        shape: tuple[int, int] | None = None,
    ) -> None:
        self.policy = choice("Augment", "policy", policy, POLICIES)
        self.mirror = bool(mirror)
        self.shape = None if shape is None else size_2d("Augment", "shape", shape)
        changes = [item for item in _CHANGES[policy] if self.shape is None or item[1] is not _crop]
        if policy != "none" and self.shape is not None:
            changes.insert(0, (f"random part, resized to {self.shape[0]}×{self.shape[1]}", self._resized_crop))
        if policy != "none" and self.mirror:
            changes.insert(0, ("mirror every second image", _flip))
        self._changes = tuple(changes)

    def __call__(self, image: Image, seed: Seed) -> Image:
        """Return a changed copy of one image; the policy ``none`` gives it back as it is.

        Parameters
        ----------
        image
            H×W or H×W×3, uint8.
        seed
            Whole number ≥ 0 or a generator.
        """
        random = generator(seed)
        image = as_image("Augment", image, dtypes=("uint8",))
        for _, change in self._changes:
            image = change(image, random)
        return np.ascontiguousarray(image)

    def sample(self, image: Image, *, seed: int, epoch: int, index: int) -> Image:
        """Return a changed copy of one training sample; the same for the same three numbers, in any process.

        Parameters
        ----------
        image
            H×W or H×W×3, uint8.
        seed, epoch, index
            The run's seed, the epoch and the sample's index, whole numbers ≥ 0.
        """
        if not self._changes:
            return image
        return self(image, generator(seed, epoch, index))

    def describe(self) -> tuple[str, ...]:
        """Return what the policy does, one line for each change, in order."""
        return tuple(text for text, _ in self._changes)

    def __repr__(self) -> str:
        return f"Augment({self.policy!r}, mirror={self.mirror}, shape={self.shape})"

    def _resized_crop(self, image: np.ndarray, random: np.random.Generator) -> np.ndarray:
        # A quarter of the area, not 8 %: small sets lose their subject otherwise.
        return random_resized_crop(image, shape=self.shape, smallest=0.25, seed=random)
