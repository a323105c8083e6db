"""What a picture becomes for a network of the zoo, and what its answers are called."""

from __future__ import annotations

from collections.abc import Sequence

from sightline.classify.prepare import Form
from sightline.classify.recipe import ClassifyRecipe
from sightline.core.errors import InputError
from sightline.zoo.table import entry


def public_recipe(name: str, classes: Sequence[str] | None = None) -> ClassifyRecipe:
    """Return the recipe that predicts with a network of the zoo, as its weights were evaluated.

    Parameters
    ----------
    name
        Name in the zoo.
    classes
        1,000 names in the order of ImageNet's synsets; None takes those of ImageNet-1k.
    """
    wanted = entry(name)
    names = list(wanted.classes if classes is None else classes)
    if len(names) != len(wanted.classes):
        raise InputError(f"load: classes must be {len(wanted.classes)} names for '{name}'; got {len(names)}.")
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
