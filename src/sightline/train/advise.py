"""Advice before a training: what it will cost, what the data is like, what to expect. Nothing is trained or written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from sightline.train.engine import Engine
from sightline.train.outline import outline
from sightline.train.processes import Group, pick_device
from sightline.train.progress import Silent
from sightline.train.recipe import find_recipe
from sightline.train.settings import Settings, split


@dataclass(frozen=True)
class Advice:
    """What can be said before a training.

    Parameters
    ----------
    name
        The recipe's.
    facts
        Rows of name and text: images, parameters, FLOPs, device, time.
    warnings
        Sentences about data that is too small, uneven or used twice.
    expected
        Sentences about what to expect, and what would suit the data.
    """

    name: str
    facts: dict[str, str]
    warnings: tuple[str, ...]
    expected: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "recipe": self.name,
            "facts": self.facts,
            "warnings": list(self.warnings),
            "expected": list(self.expected),
        }

    def __str__(self) -> str:
        width = max(map(len, self.facts))
        rows = [f"  {name:<{width}}  {text}" for name, text in self.facts.items()]
        return "\n".join([self.name, *rows, *(f"  ! {s}" for s in self.warnings), *(f"  - {s}" for s in self.expected)])


def advise(recipe: str, data: Any, **settings: Any) -> Advice:
    """Say what a training would cost and what to expect of it, from a rehearsal of a few batches.

    Parameters
    ----------
    recipe
        ``field/method``, for example ``classify/resnet18``.
    data
        Folder, file, name or opened set.
    **settings
        As :func:`~sightline.train` takes them.

    Examples
    --------
    >>> print(advise("classify/mlp", "digits"))  # doctest: +SKIP
    """
    known, options = split(settings)
    kind, method = find_recipe(recipe)
    made = kind.open(method, data, known.get("seed", 0), options)
    chosen = Settings.from_dict({**made.defaults, **known})
    with torch.random.fork_rng([]):
        engine = Engine(
            made,
            chosen,
            device=pick_device(chosen.device),
            group=Group(),
            progress=Silent(),
            save=lambda _: None,
            stop=lambda: False,
        )
        said = outline(engine)
    return Advice(said.name, dict(said.facts), said.warnings, made.expectations())
