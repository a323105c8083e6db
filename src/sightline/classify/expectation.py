"""What to expect of a training before it begins: the nearest picture's answer, leaks, and a model that suits the data.

The nearest neighbour is the oldest baseline (Cover & Hart 1967): what a network does not beat, it has not learnt.
"""

from __future__ import annotations

import numpy as np

from sightline.classify.prepare import Prepared
from sightline.data.duplicates import fingerprint, look_alikes, same_pixels

_SIDE = 16  # pixels that pictures are compared at
_MOST_TRAIN, _MOST_HELD = 2000, 500  # pictures that are looked at
_FEW = 1000  # training images below which photos want weights to begin with


def expectations(train: Prepared, held: Prepared, name: str, classes: int, side: int, method: str) -> tuple[str, ...]:
    """Return sentences about what a classifier on these images should reach, and what would suit them.

    Parameters
    ----------
    train, held
        Prepared images to learn from and to measure on.
    name
        Of the second split.
    classes
        Number of classes.
    side
        Longer side of the images as they are, in pixels.
    method
        The recipe that was asked for, field/method.
    """
    known, asked = _some(len(train), _MOST_TRAIN), _some(len(held), _MOST_HELD)
    old, new = [train[i] for i in known], [held[i] for i in asked]
    right = train.labels[known][_nearest(_vectors(old), _vectors(new))] == held.labels[asked]
    counts = np.bincount(train.labels, minlength=classes)
    common = float((held.labels == counts.argmax()).mean())
    baselines = (
        f"Always saying the most frequent class is right for {common:.0%} of {name}; the nearest training picture at "
        f"{_SIDE}×{_SIDE} pixels for {right.mean():.0%} (of {len(new)} looked at). A network that is worth its time "
        "does better than both."
    )
    found = [f"{int(counts.min())} to {int(counts.max())} training images a class.", baselines]
    leaks = _leaks(old, new)
    if leaks:
        found.append(
            f"{leaks} of {len(new)} {name} images are the same picture as a training image: the accuracy will flatter. "
            "sightline data check FOLDER names them, and with --fix COPY writes a set without them."
        )
    return (*found, _model(len(train), train[0].shape[2], side, method))


def _some(count: int, most: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int))


def _vectors(images: list[np.ndarray]) -> np.ndarray:
    """Return small pictures of mean 0 and length 1, N×values: how they look, not how bright they are."""
    from sightline.image.resize import resize

    small = np.stack([resize(image, (_SIDE, _SIDE), method="area").ravel() for image in images]).astype(np.float32)
    small -= small.mean(axis=1, keepdims=True)
    return small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)


def _nearest(known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    return (asked @ known.T).argmax(axis=1)


def _leaks(old: list[np.ndarray], new: list[np.ndarray]) -> int:
    """Return how many of ``new`` have the pixels, or from 64 pixels on the look, of one of ``old``."""
    prints = [fingerprint(image[..., 0] if image.shape[2] == 1 else image) for image in (*old, *new)]
    leaked: set[int] = set()
    for group in (*same_pixels(prints), *look_alikes(prints)):
        if min(group) < len(old):
            leaked |= {index for index in group if index >= len(old)}
    return len(leaked)


def _model(images: int, channels: int, side: int, method: str) -> str:
    if side <= 32 and channels == 1:
        suited, why = "classify/lenet5 or classify/resnet20", "small grey images"
    elif side <= 64:
        suited, why = "classify/resnet18", "small colour images, for which its small stem is chosen"
    elif images < _FEW:
        suited, why = (
            "classify/resnet18 weights=resnet18-imagenet freeze=backbone",
            f"{images} photos are too few to learn from nothing",
        )
    else:
        suited, why = "classify/resnet18 weights=resnet18-imagenet layer_decay=0.7", "photos, enough to tune all layers"
    return f"A sensible choice is {suited}: {why}. Asked for is {method}."
