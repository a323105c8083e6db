"""Fetch public weights by name: from this machine when they are there, else from the official address, by digest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sightline.core.errors import DataError
from sightline.core.files import sha256_of
from sightline.zoo.table import entry

Progress = Callable[[str, int, "int | None"], None]  # file name, bytes so far, total bytes where it is known


def fetch(name: str, *, download: bool = True, progress: Progress | None = None) -> Path:
    """Return the file of public weights, fetching it when it is not on this machine.

    It is searched in ``weights/`` of the folder ``SIGHTLINE_DATA`` and of the user's cache.

    Parameters
    ----------
    name
        Name in the zoo, for example ``"resnet50-imagenet"``.
    download
        Whether it may be fetched.
    progress
        Called while fetching with ``(file name, bytes so far, total bytes or None)``.

    Returns
    -------
    Path
        The file, its digest checked.

    Raises
    ------
    InputError
        When the zoo has no such name.
    DataError
        When it is not there and may not or cannot be fetched.
    """
    from sightline.data.download import download as get  # the door to the network, opened by name only

    wanted, file = entry(name), entry(name).file_name
    places = weight_folders()
    for place in places:
        if (place / file).is_file() and sha256_of(place / file).startswith(wanted.sha256):
            return place / file
    if not download or wanted.file:
        why = "fetching it was not allowed"
        if wanted.file:
            why = "it is converted from what its address offers" if wanted.sha256 else "its digest is not known"
        raise DataError(
            f"fetch: '{file}' is not on this machine (searched: {', '.join(map(str, places))}) and {why}. "
            f"Put it there from {wanted.url}."
        )
    places[-1].mkdir(parents=True, exist_ok=True)
    return get(wanted.url, places[-1] / file, sha256=wanted.sha256, progress=progress)


def weight_folders() -> list[Path]:
    """Return the folders in which weights are searched; the last one is the cache, which fetched files go to."""
    from sightline.data.named import data_folders

    *shared, cache = data_folders()
    return [*(folder / "weights" for folder in shared), cache.parent / "weights"]


def is_here(name: str) -> bool:
    """Tell whether a file of the name of public weights is on this machine; its digest is not looked at.

    Parameters
    ----------
    name
        Name in the zoo.
    """
    return any((place / entry(name).file_name).is_file() for place in weight_folders())
