"""What to say about a set of images before a classifier is trained on it."""

from __future__ import annotations

import numpy as np

from sightline.classify.options import Options
from sightline.data import ImageSet
from sightline.data.divide import used_twice
from sightline.data.naming import listed


def warnings_about(data: ImageSet, options: Options) -> tuple[str, ...]:
    """Return sentences about images that are few, uneven or used twice.

    Parameters
    ----------
    data
        With train and val.
    options
        What the user asked for.
    """
    found = [*_few(data), *_uneven(data, options)]
    held = "test" if "test" in data.splits else "val"
    if len(data.split(held)) < 50:
        found.append(
            f"The accuracy will be measured on {len(data.split(held))} images only; its interval will be wide."
        )
    return (*found, *used_twice(data.splits, "images"))


def _few(data: ImageSet) -> list[str]:
    counts = data.train.counts(len(data.classes))
    total, classes = int(counts.sum()), len(counts)
    if total >= 50 * classes:
        return []
    start = f"{total} training images in {classes} classes ({int(counts.min())} in the smallest) is"
    if total >= 10 * classes:
        return [f"{start} little: the accuracy will be uncertain. More images help more than more epochs."]
    sentence = (
        f"{start} very little: expect a model that knows these pictures, not the classes. "
        "A few hundred images a class is where training from nothing starts to work."
    )
    return [sentence]


def _uneven(data: ImageSet, options: Options) -> list[str]:
    counts = data.train.counts(len(data.classes))
    if counts.min() == 0:
        empty = [data.classes[i] for i in np.flatnonzero(counts == 0)]
        return [f"No training image shows {listed(empty)}: the model cannot learn it."]
    if counts.max() <= 4 * counts.min() or options.class_weights:
        return []
    most, least = data.classes[int(counts.argmax())], data.classes[int(counts.argmin())]
    sentence = (
        f"The classes are unbalanced: {counts.max()} images of {most}, {counts.min()} of {least}. "
        "class_weights=true gives each class the same say."
    )
    return [sentence]
