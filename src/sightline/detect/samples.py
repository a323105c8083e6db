"""What the engine is fed: pictures in a square frame with their boxes, changed anew in each epoch for training.

Bochkovskiy et al. 2020, "YOLOv4: Optimal Speed and Accuracy of Object Detection", section 3.3: mosaic, four pictures
in one. Ge et al. 2021, "YOLOX", section 2.1: it is left out in the last epochs, whose pictures look like real ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from sightline.core.seeds import generator
from sightline.data import LabelledImage
from sightline.data.colour import random_colour
from sightline.data.letterbox import centred
from sightline.data.mosaic import mosaic
from sightline.data.move import Move
from sightline.detect.options import Options
from sightline.detect.prepare import Prepared, frame_of

_KEPT = 0.25  # share of a box that must be left of it
_STRETCH = 0.1  # logarithm of how much wider or higher a picture becomes
_HUE = 0.1  # radians


class Untouched:
    """Pictures as they are, each in the smallest frame that fits.

    Parameters
    ----------
    images
        Prepared pictures.
    square
        Whether every frame is a square.
    """

    def __init__(self, images: Prepared, square: bool = False) -> None:
        self._images, self._square = images, square

    def __len__(self) -> int:
        return len(self._images)

    def sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return ``image`` (H×W×3 uint8), ``boxes`` and ``labels``."""
        whole = self._images[index]
        return as_sample(whole.moved(frame_of(whole.image.shape[:2], self._images.size, self._square), keep=0.0))


class Training:
    """Pictures changed by chance, seeded by ``(seed, epoch, index)``.

    Parameters
    ----------
    images
        Prepared pictures.
    options
        Say how much they change.
    seed
        The run's seed.
    mirror
        Whether a mirrored picture still means the same.
    mosaics
        Number of the first epochs that have mosaics.
    """

    def __init__(self, images: Prepared, options: Options, seed: int, mirror: bool, mosaics: int) -> None:
        self._images, self._options, self._seed, self._mirror = images, options, seed, mirror
        self._mosaics = mosaics

    def __len__(self) -> int:
        return len(self._images)

    def sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return ``image`` (size×size×3 uint8), ``boxes`` and ``labels``."""
        random = generator(self._seed, epoch, index)
        if epoch < self._mosaics and random.random() < self._options.mosaic:
            others = random.integers(len(self._images), size=3).tolist()
            found = self._four([self._images[i] for i in (index, *others)], random)
        else:
            found = self._alone(self._images[index], random)
        amount = self._options.colour
        if amount:
            changed = random_colour(
                found.image, brightness=amount, contrast=amount, saturation=amount, hue=_HUE * amount, seed=random
            )
            found = found.with_image(changed)
        return as_sample(found)

    def _alone(self, whole: LabelledImage, random: np.random.Generator) -> LabelledImage:
        """Return one picture in the frame: mirrored, larger or smaller, moved about, by chance."""
        frame = (self._images.size, self._images.size)
        move: Move = centred(whole.image.shape[:2], frame)
        if self._mirror and random.random() < 0.5:
            move = move.then(Move.mirror(frame))
        grow = np.log1p(self._options.scale)
        scale, stretch = np.exp(random.uniform(-grow, grow)), np.exp(random.uniform(-_STRETCH, _STRETCH))
        right, down = random.uniform(-1, 1, 2) * self._options.shift * frame[0]
        linear = (float(scale * stretch), 0.0, 0.0, float(scale / stretch))
        return whole.moved(move.then(Move.about_centre(frame, linear, (float(right), float(down)))), _KEPT)

    def _four(self, wholes: Sequence[LabelledImage], random: np.random.Generator) -> LabelledImage:
        """Return four pictures in one frame, all of them mirrored every second time."""
        frame = (self._images.size, self._images.size)
        joined = mosaic(wholes, frame, scale=self._options.scale, keep=_KEPT, seed=random)
        return joined.moved(Move.mirror(frame)) if self._mirror and random.random() < 0.5 else joined


def as_sample(found: LabelledImage) -> dict[str, Any]:
    """Return a labelled picture as the arrays that make a batch.

    Parameters
    ----------
    found
        With boxes and classes.
    """
    return {"image": found.image, "boxes": found.boxes, "labels": found.classes}


def stack(samples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return ``image`` B×3×H×W float32 in 0–1 and ``targets``; smaller pictures are padded right and below.

    Parameters
    ----------
    samples
        B of them.
    """
    height, width = (max(sample["image"].shape[axis] for sample in samples) for axis in (0, 1))
    pixels = np.zeros((len(samples), 3, height, width), np.float32)
    for row, sample in zip(pixels, samples, strict=True):
        h, w = sample["image"].shape[:2]
        np.multiply(sample["image"].transpose(2, 0, 1), np.float32(1 / 255), out=row[:, :h, :w], dtype=np.float32)
    targets = [
        {"boxes": torch.from_numpy(sample["boxes"].copy()), "labels": torch.from_numpy(sample["labels"].copy())}
        for sample in samples
    ]
    return {"image": torch.from_numpy(pixels), "targets": targets}
