"""Merge detection sets into one: classes by name, splits by name."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sightline.core.errors import InputError
from sightline.data.detection_set import DetectionSet, DetectionSplit, join_detections


def merge_detections(sets: Sequence[DetectionSet]) -> DetectionSet:
    """Return one set with the images of all; classes of one name become one, in the order in which they appear.

    Splits of one name are joined. Where some sets have splits, those without are training images.

    Parameters
    ----------
    sets
        Two sets or more; none is changed.

    Examples
    --------
    >>> from sightline.data import Annotation
    >>> image, thing = np.zeros((8, 8, 3), np.uint8), Annotation(np.array([[1, 1, 5, 5]]), np.array([0]))
    >>> def pets(name):
    ...     return DetectionSet(name, (name,), {"train": DetectionSplit([image], [thing], [f"{name}.jpg"])}, "", "")
    >>> both = merge_detections([pets("cat"), pets("dog")])
    >>> both.classes, [item.labels.tolist() for item in both.train.annotations]
    (('cat', 'dog'), [[0], [1]])
    """
    if len(sets) < 2:
        raise InputError(f"merge_detections: sets must be two or more; got {len(sets)}.")
    classes = tuple(dict.fromkeys(name for found in sets for name in found.classes))
    divided = any(set(found.splits) - {"all"} for found in sets)
    parts: dict[str, list[DetectionSplit]] = {}
    for found in sets:
        number = np.array([classes.index(name) for name in found.classes], np.int64)
        for name, split in found.splits.items():
            items = [replace(item, labels=number[item.labels]) for item in split.annotations]
            parts.setdefault("train" if divided and name == "all" else name, []).append(split.with_annotations(items))
    splits = {name: join_detections(own) for name, own in parts.items()}
    names = " and ".join(found.name for found in sets)
    notes = [note for found in sets for note in found.notes]
    digest = hashlib.sha256(" ".join(found.digest for found in sets).encode()).hexdigest()
    mirror = all(found.mirror for found in sets)
    source = " ".join(found.source for found in sets)
    return DetectionSet(names, classes, splits, source, digest, tuple(notes), mirror, sets[0].form)
