"""Whole networks of the zoo by name: built from the catalogue, with their public weights."""

from __future__ import annotations

from torch import nn

from sightline.core.catalogue import find
from sightline.zoo.fetch import Progress, fetch
from sightline.zoo.load import load_weights
from sightline.zoo.table import entry


def load(name: str, *, download: bool = True, progress: Progress | None = None) -> nn.Module:
    """Return a network of the zoo with its public weights, ready to predict.

    Parameters
    ----------
    name
        Name in the zoo, for example ``"resnet50-imagenet"``.
    download
        Whether the weights may be fetched.
    progress
        Called while fetching with ``(file name, bytes so far, total bytes or None)``.

    Returns
    -------
    Module
        In eval mode, with the pixel statistics that the weights were trained with.

    Raises
    ------
    InputError
        When the zoo has no such name.
    DataError
        When the weights are not there and may not or cannot be fetched.
    WeightsError
        When the file is damaged or does not fit.
    """
    wanted = entry(name)
    path = fetch(name, download=download, progress=progress)
    return load_weights(build(name), path, naming=wanted.naming, sha256=wanted.sha256 or None).eval()


def build(name: str) -> nn.Module:
    """Return a network of the zoo with fresh weights.

    Parameters
    ----------
    name
        Name in the zoo.
    """
    wanted = entry(name)
    return find(wanted.method).function(mean=wanted.mean, std=wanted.std, **wanted.options)
