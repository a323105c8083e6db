"""What a picture becomes for a network of the zoo, and what its answers are called."""

from __future__ import annotations

from collections.abc import Sequence

from sightline.classify.prepare import Form
from sightline.classify.recipe import ClassifyRecipe
from sightline.core.errors import InputError
from sightline.zoo.table import entry

_CLASSES = 1000  # of ImageNet-1k, which all public weights of classifiers were trained on


def public_recipe(name: str, classes: Sequence[str] | None = None) -> ClassifyRecipe:
    """Return the recipe that predicts with a network of the zoo, as its weights were evaluated.

    Parameters
    ----------
    name
        Name in the zoo.
    classes
        1,000 names in the order of ImageNet's synsets; None calls them by their number, 0 to 999.
    """
    wanted = entry(name)
    names = [str(index) for index in range(_CLASSES)] if classes is None else list(classes)
    if len(names) != _CLASSES:
        raise InputError(f"load: classes must be {_CLASSES} names for '{name}'; got {len(names)}.")
    config = {
        "method": wanted.method.rpartition(".")[2],
        "classes": names,
        "size": [wanted.size, wanted.size],
        "channels": len(wanted.mean),
        "mean": list(wanted.mean),
        "std": list(wanted.std),
        "seed": 0,
        "options": {},
        "model": dict(wanted.options),
    }
    recipe = ClassifyRecipe.from_config(config)
    # The shorter side is resized to `resize` and a square of `size` cut: the same window, cut first.
    recipe.form = Form(recipe.form.size, recipe.form.channels, wanted.size / wanted.resize)
    return recipe
