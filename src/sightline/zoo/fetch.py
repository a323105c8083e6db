"""Fetch public weights by name: from this machine when they are there, else from the official address, by digest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from sightline.core.errors import DataError, MissingFileError
from sightline.core.files import atomic_writer, sha256_of
from sightline.core.types import PathLike
from sightline.zoo.table import Entry, entry

Progress = Callable[[str, int, "int | None"], None]  # file name, bytes so far, total bytes where it is known


def fetch(
    name: str, *, download: bool = True, mirror: PathLike | None = None, progress: Progress | None = None
) -> Path:
    """Return the file of public weights, fetching it when it is not on this machine.

    It is searched in ``weights/`` of the folder ``SIGHTLINE_DATA`` and of the user's cache.

    Parameters
    ----------
    name
        Name in the zoo, for example ``"resnet50-imagenet"``.
    download
        Whether it may be fetched.
    mirror
        A file, or a folder that has one of its name: it is copied from there, and the network is not used.
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
        When it is not there and may not or cannot be fetched, or the mirror's is another file.
    MissingFileError
        When the mirror does not have it.
    """
    from sightline.data.download import download as get  # the door to the network, opened by name only

    wanted, file = entry(name), entry(name).file_name
    places = weight_folders()
    for place in places:
        if (place / file).is_file() and sha256_of(place / file).startswith(wanted.sha256):
            return place / file
    if mirror is not None:
        return _copied(Path(mirror), places[-1], wanted)
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


def _copied(mirror: Path, folder: Path, wanted: Entry) -> Path:
    """Copy a file from a mirror, or refuse it when its digest is another one."""
    source = mirror / wanted.file_name if mirror.is_dir() else mirror
    if not source.is_file():
        raise MissingFileError(f"fetch: mirror '{mirror}' has no '{wanted.file_name}'.")
    digest = sha256_of(source)
    if not digest.startswith(wanted.sha256):
        told = f"its SHA-256 begins with {digest[:8]}; expected {wanted.sha256}"
        raise DataError(f"fetch: '{source}' is not '{wanted.name}': {told}.")
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / wanted.file_name
    with source.open("rb") as stream, atomic_writer(target) as copy:
        shutil.copyfileobj(stream, copy)
    return target


def place_of(name: str) -> Path | None:
    """Return the first file of the name of public weights on this machine, None where there is none.

    Its digest is not looked at.

    Parameters
    ----------
    name
        Name in the zoo.
    """
    file = entry(name).file_name
    return next((place / file for place in weight_folders() if (place / file).is_file()), None)


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
    return place_of(name) is not None
