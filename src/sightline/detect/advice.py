"""What to say about a set of pictures with boxes before a detector is trained on it, and what to refuse."""

from __future__ import annotations

import numpy as np

from sightline.core.errors import DataError
from sightline.data.detection_set import DetectionSet
from sightline.data.divide import used_twice
from sightline.data.naming import listed
from sightline.detect.options import Options

_HUNGRY = {
    "detr": 10_000,
    "deformable_detr": 5_000,
    "dino_detr": 5_000,
    "rt_detr": 2_000,
    "grounding_dino": 10_000,
}  # pictures, from scratch


def refuse(data: DetectionSet) -> None:
    """Raise :class:`DataError` where there is nothing to learn from.

    Parameters
    ----------
    data
        As it was opened.
    """
    if not data.classes:
        raise DataError(f"train: '{data.source}' has no box on any picture; a detector needs at least one class.")
    if "train" not in data.splits or not len(data.train):
        raise DataError(f"train: '{data.source}' has no training pictures.")
    areas = [_areas(item.boxes) for item in data.train.annotations]
    if not sum(map(len, areas)):
        raise DataError(f"train: none of the {len(data.train)} training pictures of '{data.source}' has a box.")
    if not any((area > 0).any() for area in areas):
        raise DataError(
            f"train: every box of '{data.source}' has no area. Are its corners width and height? "
            "sightline data check says which."
        )


def warnings_about(data: DetectionSet, method: str, options: Options) -> tuple[str, ...]:
    """Return sentences about pictures that are few, empty, or say what cannot be learnt.

    Parameters
    ----------
    data
        With train and val.
    method
        The detector.
    options
        What the user asked for.
    """
    found = [*_few(data, method, options), *_unseen(data), *_without_area(data)]
    held = "test" if "test" in data.splits else "val"
    if len(data.split(held)) < 50:
        found.append(f"The precision will be measured on {len(data.split(held))} pictures only, which tells little.")
    return (*found, *used_twice(data.splits, "pictures"))


def _few(data: DetectionSet, method: str, options: Options) -> list[str]:
    count = len(data.train)
    empty = sum(not len(item) for item in data.train.annotations)
    found = []
    if count < _HUNGRY.get(method, 0) and not options.weights:
        found.append(
            f"{method} from fresh weights needs some {_HUNGRY[method]:,} pictures; there are {count}. "
            "detect/yolo learns from a few hundred."
        )
    elif count < 100:
        found.append(f"{count} training pictures is little: more pictures help more than more epochs.")
    if empty > count / 2:
        found.append(
            f"{empty} of {count} training pictures have no box: the model learns mostly that nothing is there."
        )
    return found


def _unseen(data: DetectionSet) -> list[str]:
    counts = data.train.counts(len(data.classes))
    never = [data.classes[i] for i in np.flatnonzero(counts == 0)]
    found = [f"No training picture shows {listed(never)}: the model cannot learn it."] if never else []
    seen = counts[counts > 0]
    if len(seen) > 1 and seen.max() > 10 * seen.min():
        most, least = data.classes[int(counts.argmax())], data.classes[int(np.where(counts, counts, 2**62).argmin())]
        found.append(f"The classes are unbalanced: {seen.max()} boxes of {most}, {seen.min()} of {least}.")
    return found


def _without_area(data: DetectionSet) -> list[str]:
    count = sum(int((_areas(item.boxes) <= 0).sum()) for item in data.train.annotations)
    if not count:
        return []
    boxes = "box has" if count == 1 else "boxes have"
    return [f"{count} training {boxes} no area and cannot be learnt; sightline data check says which."]


def _areas(boxes: np.ndarray) -> np.ndarray:
    return np.maximum(boxes[:, 2] - boxes[:, 0], 0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0)
