"""What the engine is fed: prepared images with their labels, changed anew in each epoch for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.classify.options import Options
from sightline.classify.prepare import Prepared
from sightline.core.seeds import generator
from sightline.data import cutmix, mixup, one_hot
from sightline.data.augment import Augment
from sightline.image import resize


class Untouched:
    """Images as they are.

    Parameters
    ----------
    images
        Prepared images.
    """

    def __init__(self, images: Prepared) -> None:
        self._images = images

    def __len__(self) -> int:
        return len(self._images)

    def sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return ``image`` (H×W×C uint8) and ``label``."""
        return {"image": self._images[index], "label": int(self._images.labels[index])}


class Training:
    """Images changed by a policy, seeded by ``(seed, epoch, index)``.

    Parameters
    ----------
    images
        Prepared images.
    augment
        The policy.
    seed
        The run's seed.
    mixed
        Whether batches are mixed: samples then carry the seed of that, too.
    first
        ``(height, width)`` of the first epochs; None for the images' own.
    until
        Number of these epochs.
    """

    def __init__(
        self,
        images: Prepared,
        augment: Augment,
        seed: int,
        mixed: bool,
        first: tuple[int, int] | None = None,
        until: int = 0,
    ) -> None:
        self._images, self._augment, self._seed, self._mixed = images, augment, seed, mixed
        self._first, self._until = first, until

    def __len__(self) -> int:
        return len(self._images)

    def sample(self, index: int, epoch: int) -> dict[str, Any]:
        """Return ``image`` (H×W×C uint8), ``label`` and, for mixed batches, ``draw``."""
        image = self._images[index]
        grey = image.shape[2] == 1
        changed = self._augment.sample(image[..., 0] if grey else image, seed=self._seed, epoch=epoch, index=index)
        if self._first and epoch < self._until:
            changed = resize(changed, self._first)
        found = {"image": changed[..., None] if grey else changed, "label": int(self._images.labels[index])}
        if self._mixed:
            found["draw"] = int(generator(self._seed, epoch, index, 1).integers(2**31))
        return found


def stack(samples: Sequence[dict[str, Any]], options: Options, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return B×C×H×W float32 images in 0–1 and B labels, or B×``classes`` shares where batches are mixed.

    Parameters
    ----------
    samples
        B of them.
    options
        Say how batches are mixed.
    classes
        Number of classes.
    """
    pixels = np.stack([sample["image"] for sample in samples]).transpose(0, 3, 1, 2)  # B×H×W×C → B×C×H×W
    images = np.multiply(pixels, np.float32(1 / 255), dtype=np.float32)
    labels = np.array([sample["label"] for sample in samples], np.int64)
    if "draw" not in samples[0]:
        return images, labels
    # The first sample's draw decides for the whole batch, whichever process stacks it.
    random = generator(samples[0]["draw"])
    cut = options.cutmix > 0 and (options.mixup == 0 or random.random() < 0.5)
    mix, alpha = (cutmix, options.cutmix) if cut else (mixup, options.mixup)
    return mix(images, one_hot(labels, classes), alpha=alpha, seed=random)
