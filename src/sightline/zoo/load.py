"""Load weights key by key, or not at all: all that is missing, unexpected or of another shape stands in one error."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from sightline.core.checks import describe
from sightline.core.errors import InputError, WeightsError, suggest
from sightline.core.types import PathLike
from sightline.zoo.families import Naming, naming_of
from sightline.zoo.names import COMPUTED, Names, detect, modern, names
from sightline.zoo.nearest import joined_shape, nearest
from sightline.zoo.read import read_weights
from sightline.zoo.table import entries, entry

Model = TypeVar("Model", bound=nn.Module)

_SHOWN = 12  # differences that an error lists; the rest is counted


def load_weights(
    model: Model,
    source: PathLike | Mapping[str, Tensor],
    *,
    naming: str | None = None,
    sha256: str | None = None,
    fresh_head: bool = False,
) -> Model:
    """Copy weights into a model, strictly: every parameter and buffer, or nothing at all.

    Parameters
    ----------
    model
        The model that is filled, in place.
    source
        A weight file, a name of the zoo (fetched when it is not there yet), or a state dict.
    naming
        How the source calls its parameters: ``"sightline"``, ``"torchvision"``, ``"timm"``, ``"transformers"``,
        ``"cifar"`` or ``"caffe"``; None finds out.
    sha256
        Digest that a file must have, in hexadecimal; the first 8 digits or more.
    fresh_head
        Leave the model's ``head`` as it is: for training on with other classes.

    Returns
    -------
    Module
        The model itself. NaN and infinity in the weights are kept.

    Raises
    ------
    WeightsError
        When the weights do not fit: the error lists what differs, and the model is as it was.

    Examples
    --------
    >>> model = nn.Linear(2, 1)
    >>> _ = load_weights(model, {"weight": torch.ones(1, 2), "bias": torch.zeros(1)})
    >>> model.weight.tolist()
    [[1.0, 1.0]]
    """
    label, weights = _open(source, sha256)
    weights = {key: tensor for key, tensor in weights.items() if not COMPUTED.fullmatch(key)}
    target = model.state_dict()
    naming = naming or detect(target, weights)
    mapping, kept = names(target, naming), naming_of(target, naming)
    if naming in ("transformers", "torchvision"):
        expected = {theirs for group in mapping.values() for theirs in group}
        weights = {key if key in expected else modern(key): tensor for key, tensor in weights.items()}
    unused = set()
    if fresh_head:
        head = {key for key in mapping if key.startswith("head.")}
        unused = {theirs for key in head for theirs in mapping[key]}
        mapping = {key: theirs for key, theirs in mapping.items() if key not in head}
    tied = _tied(mapping, target, weights)
    unlike = _unlike(tied, mapping, weights)
    unused |= {theirs for key in tied for theirs in mapping[key]}
    mapping = {key: theirs for key, theirs in mapping.items() if key not in tied}
    differences = _differences(mapping, target, weights, unused, kept) + unlike
    if differences:
        listed = "; ".join(differences[:_SHOWN])
        more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        raise WeightsError(
            f"load_weights: {label} does not fit {type(model).__name__} ({naming} names), nothing was changed: "
            f"{listed}{more}.{_hint(mapping, target, weights, unused, kept)}"
        )
    with torch.no_grad():
        for key, theirs in mapping.items():
            if theirs[0] in weights:
                target[key].copy_(kept.inward(key, _joined(weights, theirs), target[key]))
    return model


def export_weights(model: nn.Module, *, naming: str = "sightline") -> dict[str, Tensor]:
    """Return a model's state dict in another library's naming.

    Parameters
    ----------
    model
        The model; it is not changed, and the tensors are copies.
    naming
        ``"sightline"``, ``"torchvision"``, ``"timm"``, ``"transformers"``, ``"cifar"`` or ``"caffe"``.

    Returns
    -------
    dict of str to Tensor
        By their name for each tensor; what they keep apart is cut apart. NaN and infinity are kept.

    Examples
    --------
    >>> sorted(export_weights(nn.Linear(2, 1)))
    ['bias', 'weight']
    """
    state = model.state_dict()
    mapping, kept = names(state, naming), naming_of(state, naming)
    state = {key: kept.outward(key, tensor) for key, tensor in state.items()}
    return {
        theirs: part.clone()
        for key, group in mapping.items()
        for theirs, part in zip(group, state[key].chunk(len(group)) if len(group) > 1 else [state[key]], strict=True)
    }


def _open(source: PathLike | Mapping[str, Tensor], sha256: str | None) -> tuple[str, dict[str, Tensor]]:
    if isinstance(source, Mapping):
        if sha256 is not None:
            raise InputError("load_weights: sha256 is for files; a state dict has none.")
        return "the state dict", dict(source)
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(
            f"load_weights: source must be a file, a name of the zoo or a state dict; got {describe(source)}."
        )
    path = Path(source)
    if not path.exists() and isinstance(source, str) and not path.suffix:
        if source not in entries():
            raise InputError(
                f"load_weights: '{source}' is neither a file nor a name of the zoo.{suggest(source, entries())}"
            )
        from sightline.zoo.fetch import fetch

        path, sha256 = fetch(source), sha256 or entry(source).sha256 or None
    weights = read_weights(path, sha256=sha256)
    return f"'{path}'", weights


def _tied(mapping: Names, target: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> dict[str, str]:
    """Return the further keys of tensors that the model has under several, and the first key of each.

    The first one is among those that the weights have: files keep a shared tensor once.
    """
    found: dict[str, str] = {}
    first: dict[int, str] = {}
    for key in sorted(mapping, key=lambda key: any(theirs not in weights for theirs in mapping[key])):
        place = target[key].data_ptr()
        if place and first.setdefault(place, key) != key:
            found[key] = first[place]
    return found


def _unlike(tied: Mapping[str, str], mapping: Names, weights: Mapping[str, Tensor]) -> list[str]:
    groups = [(mapping[key], mapping[first]) for key, first in tied.items()]
    pairs = [pair for group, other in groups for pair in zip(group, other, strict=True)]
    return [
        f"{one} must equal {other}, for they are one tensor here"
        for one, other in pairs
        if one in weights and other in weights and not torch.equal(weights[one], weights[other])
    ]


def _differences(
    mapping: Names, target: Mapping[str, Tensor], weights: Mapping[str, Tensor], unused: set[str], kept: Naming
) -> list[str]:
    expected = {theirs for group in mapping.values() for theirs in group}
    unexpected = sorted(key for key in weights if key not in expected and key not in unused)  # files keep no order
    missing, shapes = [], []
    for key, group in mapping.items():
        absent = [theirs for theirs in group if theirs not in weights]
        # A counter that batch normalisation never uses here; files from before 2018 do not have it.
        missing += [theirs for theirs in absent if not theirs.endswith("num_batches_tracked")]
        wanted = kept.shape(key, target[key])
        if not absent and (got := joined_shape(weights, group)) != wanted:
            shapes.append(f"{' + '.join(group)} must be {_text(wanted)}, got {_text(got)}")
    return (
        [f"missing {key}{_perhaps(key, unexpected)}" for key in missing]
        + [f"unexpected {key}" for key in unexpected]
        + shapes
    )


def _perhaps(key: str, unexpected: Sequence[str]) -> str:
    """Return the nearest of the names that the model has no place for, in brackets within a list; or nothing."""
    said = suggest(key, unexpected).strip()
    return f" ({said[0].lower()}{said[1:]})" if said else ""


def _hint(
    mapping: Names, target: Mapping[str, Tensor], weights: Mapping[str, Tensor], unused: set[str], kept: Naming
) -> str:
    """Return a sentence that says whose weights these are; nothing where no classifier is like them."""
    body = {key: theirs for key, theirs in mapping.items() if not key.startswith("head.")}
    head = {theirs for key in mapping.keys() - body.keys() for theirs in mapping[key]}
    if body and not _differences(body, target, weights, unused | head, kept):
        return " Only the head differs: build the model with as many classes, or keep its own by fresh_head=True."
    found = nearest(weights)
    if found is None:
        return ""
    share = "all" if found.share == 1 else f"{found.share:.0%}"
    return f" The nearest architecture is {found.call} ({found.naming} names): {share} of the tensors before the head."


def _joined(weights: Mapping[str, Tensor], group: Sequence[str]) -> Tensor:
    return weights[group[0]] if len(group) == 1 else torch.cat([weights[theirs] for theirs in group])


def _text(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) or "a scalar"
