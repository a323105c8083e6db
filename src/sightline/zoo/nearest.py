"""Whose weights are these? The catalogued classifier whose tensors a file has most of, by name and shape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from sightline.core.catalogue import find, methods
from sightline.zoo.families import naming_of
from sightline.zoo.names import detect, modern, names
from sightline.zoo.table import entries

_LEAST = 0.5  # of the tensors must be there: less is likeness by chance
_LOOKED_AT = 6  # methods whose variants are compared by shape
_UNUSED = "num_batches_tracked"  # a counter that not every file has


@dataclass(frozen=True)
class Likeness:
    """How much of an architecture a file is.

    Parameters
    ----------
    share
        Part of the tensors of both that have their place in the other, the head's left out; 0–1.
    call
        How the architecture is built, for example ``classify.vit(variant='small')``.
    naming
        Whose names the file uses.
    """

    share: float
    call: str
    naming: str


def nearest(weights: Mapping[str, Tensor]) -> Likeness | None:
    """Return the classifier that a state dict is likest to; None when it is like none of them.

    Networks are built without memory, so that it takes a few seconds; it is for saying what went wrong.

    Parameters
    ----------
    weights
        Tensors by name, in any naming that is known.
    """
    known = [f"{method.field}.{method.name}" for method in methods("classify")]
    by_name = [(_likeness(name, {}, weights, shapes=False).share, name) for name in known]
    near = sorted(by_name, key=lambda row: -row[0])[:_LOOKED_AT]
    found = [_likeness(name, options, weights, shapes=True) for _, name in near for options in _options_of(name)]
    best = max(found, key=lambda one: one.share, default=None)
    return best if best is not None and best.share >= _LEAST else None


def joined_shape(weights: Mapping[str, Tensor], group: Sequence[str]) -> tuple[int, ...]:
    """Return the shape of tensors laid one after the other along the first axis."""
    shapes = [tuple(weights[theirs].shape) for theirs in group]
    if len(shapes) == 1:
        return shapes[0]
    return (sum(shape[0] for shape in shapes if shape), *shapes[0][1:])


def _likeness(name: str, options: Mapping[str, Any], weights: Mapping[str, Tensor], *, shapes: bool) -> Likeness:
    target = _skeleton(name, tuple(sorted(options.items())))
    naming = detect(target, weights)
    mapping, kept = names(target, naming), naming_of(target, naming)
    if naming in ("transformers", "torchvision"):
        expected = {theirs for group in mapping.values() for theirs in group}
        weights = {key if key in expected else modern(key): tensor for key, tensor in weights.items()}
    head = {theirs for key, group in mapping.items() if key.startswith("head.") for theirs in group}
    body = {key: group for key, group in mapping.items() if not key.startswith("head.") and not key.endswith(_UNUSED)}
    fits = sum(
        all(theirs in weights for theirs in group)
        and (not shapes or joined_shape(weights, group) == kept.shape(key, target[key]))
        for key, group in body.items()
    )
    known = {theirs for group in body.values() for theirs in group} | head
    extra = sum(key not in known and not key.endswith(_UNUSED) for key in weights)
    told = ", ".join(f"{option}={value!r}" for option, value in options.items())
    return Likeness(fits / max(1, len(body) + extra), f"{name}({told})", naming)


@lru_cache(maxsize=128)
def _skeleton(name: str, options: tuple[tuple[str, Any], ...]) -> dict[str, Tensor]:
    """Return the state dict of a network without its numbers."""
    with torch.device("meta"):
        return find(name).function(**dict(options)).state_dict()


def _options_of(name: str) -> Iterator[dict[str, Any]]:
    """Yield the ways to build a method: as it is, each variant, and as the zoo's weights need it."""
    seen: list[dict[str, Any]] = [{}]
    for parameter in find(name).parameters:
        if parameter.name in ("variant", "version"):
            seen += [{parameter.name: choice} for choice in parameter.choices]
    for line in entries().values():
        if line.method == name and line.options not in seen:
            seen.append(line.options)
    yield from seen
