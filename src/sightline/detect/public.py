"""What a picture becomes for a detector of the zoo, and what its answers are called."""

from __future__ import annotations

import inspect
import math
from collections.abc import Sequence

from sightline.core.catalogue import find
from sightline.core.errors import InputError
from sightline.detect.coco_names import public_names
from sightline.detect.recipe import DetectRecipe
from sightline.zoo.table import entry

_LONGEST = 1333  # pixels of the longer side in COCO's evaluation, where the shorter one is 800


def public_recipe(name: str, classes: Sequence[str] | None = None) -> DetectRecipe:
    """Return the recipe that predicts with a detector of the zoo, as its weights were evaluated.

    Parameters
    ----------
    name
        Name in the zoo.
    classes
        Its classes in order, as many as it has; None calls them by COCO's names.
    """
    wanted = entry(name)
    count = inspect.signature(find(wanted.method).function).parameters["classes"].default
    names = public_names(count) if classes is None else list(classes)
    if len(names) != count:
        raise InputError(f"load: classes must be {count} names for '{name}'; got {len(names)}.")
    longer = wanted.resize * _LONGEST / 800  # the detector itself brings the shorter side to `resize`
    config = {
        "method": wanted.method.rpartition(".")[2],
        "classes": names,
        "size": 32 * math.ceil(longer / 32),
        "seed": 0,
        "options": {"mean": list(wanted.mean), "std": list(wanted.std)},
        "model": dict(wanted.options),
    }
    return DetectRecipe.from_config(config)
