"""The classifiers that a page may choose: runs under the root, and networks of the zoo whose weights are here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightline.core.errors import InputError, require
from sightline.lab.runs import Runs
from sightline.zoo.fetch import fetch, is_here
from sightline.zoo.table import entries

_FIELDS = ("classify/", "attack/")  # whose recipes tell classes of pictures apart


def listed(runs: Runs) -> list[dict[str, Any]]:
    """Return each classifier's name and what it is, the newest run first; only those that have weights."""
    rows = [row for row in runs.listed() if row.get("weights") and row["recipe"].startswith(_FIELDS)]
    found = [{"name": row["name"], "said": f"{row['recipe']} on {row['data']}", "public": False} for row in rows]
    known = {row["name"] for row in found}
    public = [entry for name, entry in entries().items() if entry.classifies and name not in known and is_here(name)]
    return found + [{"name": one.name, "said": f"{one.method}, {one.source}", "public": True} for one in public]


def is_public(name: str, runs: Runs) -> bool:
    """Tell whether a name is that of a network of the zoo, and of no run."""
    return name in entries() and entries()[name].classifies and name not in runs.folders()


def load_public(name: Path) -> Any:
    """Return the predictor of a network of the zoo from the weights on this machine; nothing is fetched."""
    require("torch")
    from sightline.apply.models import load

    fetch(name.name, download=False)
    return load(name.name)


def told(predictor: Any) -> dict[str, Any]:
    """Return what a page needs of a classifier: names of its classes, height and width that it sees."""
    recipe = predictor.recipe
    if not hasattr(recipe, "classes") or not hasattr(recipe, "form"):
        raise InputError(f"classifiers: {recipe.name} tells no classes of pictures apart.")
    return {"classes": list(recipe.classes), "height": recipe.form.size[0], "width": recipe.form.size[1]}
