"""Datasets that are known by name: where they come from, how they are recognised, and where they are kept.

The table is ``named.toml``. A set is searched in the folder ``SIGHTLINE_DATA`` and in the user's cache, and fetched
into one of them by name only.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.cache import cache_folder
from sightline.core.errors import DataError
from sightline.data.digest import digest_of_arrays
from sightline.data.download import Progress, download, extract
from sightline.data.format import Format
from sightline.data.image_set import ImageSet, Split

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class RemoteFile:
    """One file of a named set.

    Parameters
    ----------
    url
        Official address.
    sha256, md5
        Published checksums, hexadecimal; one of them at least.
    bytes
        Published size, 0 where none is.
    part
        For an archive: the files to take out of it.
    """

    url: str
    sha256: str = ""
    md5: str = ""
    bytes: int = 0
    part: tuple[str, ...] = ()


@dataclass(frozen=True)
class NamedSet:
    """What is known of a named set.

    Parameters
    ----------
    name, title, cite, licence, home
        Short name, what it is, whom to cite, its licence and its page.
    split
        Where its train and test splits come from.
    shape
        Shape of one image.
    train, test
        Number of images in the splits.
    mirror
        Whether a mirrored image still means the same.
    classes
        Class names by label; empty where its files name them.
    files
        What to fetch; nothing for a set that comes with the package.
    """

    name: str
    title: str
    cite: str
    licence: str
    home: str
    split: str
    shape: tuple[int, ...]
    train: int
    test: int
    mirror: bool = True
    classes: tuple[str, ...] = ()
    files: tuple[RemoteFile, ...] = ()


@lru_cache(maxsize=1)
def named_sets() -> dict[str, NamedSet]:
    """Return the named sets by name."""
    table: dict[str, dict[str, Any]] = tomllib.loads((_HERE / "named.toml").read_text("utf-8"))
    found = {}
    for name, row in table.items():
        files = tuple(_remote_file(item) for item in row.pop("files", ()))
        row["shape"], row["classes"] = tuple(row["shape"]), tuple(row.get("classes", ()))
        found[name] = NamedSet(name=name, files=files, **row)
    return found


def _remote_file(row: dict[str, Any]) -> RemoteFile:
    part = tuple(row.get("part", ()))
    return RemoteFile(row["url"], row.get("sha256", ""), row.get("md5", ""), row.get("bytes", 0), part)


def data_folders() -> list[Path]:
    """Return the folders in which named sets are searched: ``SIGHTLINE_DATA``, if set, and the user's cache."""
    named = os.environ.get("SIGHTLINE_DATA", "")
    return [*([Path(named).expanduser()] if named else []), cache_folder() / "data"]


def local_folder(name: str) -> Path:
    """Return the folder ``name`` of the first data folder that has it; raise DataError with what to do when none has.

    Parameters
    ----------
    name
        A folder of real images, for example ``"bsds500"``.
    """
    for place in data_folders():
        if (place / name).is_dir():
            return place / name
    raise DataError(
        f"local_folder: '{name}' is not on this machine. Put it as a folder '{name}' into '{data_folders()[-1]}', or "
        f"set SIGHTLINE_DATA to the folder that holds it."
    )


def open_named(
    name: str, formats: Sequence[Format], *, download: bool = True, progress: Progress | None = None
) -> ImageSet:
    """Open a named set from this machine, or fetch it.

    Parameters
    ----------
    name
        A key of :func:`named_sets`.
    formats
        The forms in which it may lie on disk.
    download
        Whether it may be fetched.
    progress
        Called while fetching with ``(file name, bytes so far, total bytes or None)``.
    """
    known = named_sets()[name]
    if not known.files:
        return _open_digits(known)
    places = [folder / name for folder in data_folders()]
    for place in places:
        form = next((form for form in formats if place.is_dir() and form.sniff(place)), None)
        if form is not None and not _incomplete(known, place):
            return _recognise(known, form.open(place), place)
    if not download:
        raise DataError(
            f"open_dataset: '{name}' is not on this machine (searched: {', '.join(map(str, places))}) and fetching it "
            f"was not allowed. Put it there, or set SIGHTLINE_DATA to the folder that holds it."
        )
    place = fetch(known, _writable_folder() / name, progress=progress)
    form = next(form for form in formats if form.sniff(place))
    return _recognise(known, form.open(place), place)


def _incomplete(known: NamedSet, place: Path) -> bool:
    """Tell whether a fetch into this folder was begun and not finished."""
    return any((place / (Path(file.url).name + ".part")).exists() for file in known.files)


def _writable_folder() -> Path:
    for folder in data_folders():
        if os.access(folder if folder.exists() else folder.parent, os.W_OK):
            return folder
    return data_folders()[-1]


def fetch(known: NamedSet, folder: Path, *, progress: Progress | None = None) -> Path:
    """Fetch the files of a named set, check them and unpack what is needed; go on where an earlier fetch stopped.

    Parameters
    ----------
    known
        The set.
    folder
        Where to put its files; made when it does not exist.
    progress
        Called with ``(file name, bytes so far, total bytes or None)``.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"open_dataset: cannot make '{folder}' for '{known.name}': {error}. Set SIGHTLINE_DATA."
        ) from error
    for file in known.files:
        target = folder / Path(file.url).name
        wanted = file.part or (target.name,)
        if all((folder / part).exists() for part in wanted):
            continue
        download(file.url, target, sha256=file.sha256, md5=file.md5, size=file.bytes or None, progress=progress)
        if file.part:
            extract(target, folder, file.part)
            target.unlink()
    return folder


def _recognise(known: NamedSet, found: ImageSet, place: Path) -> ImageSet:
    """Check what was opened against the table; say where it is not the official set."""
    if set(found.splits) != {"train", "test"}:
        raise DataError(
            f"open_dataset: '{place}' should be {known.name} with train and test; it has {', '.join(found.splits)}."
        )
    shape = found.train[0][0].shape
    if shape != known.shape or (known.classes and len(found.classes) != len(known.classes)):
        wanted = f"{'×'.join(map(str, known.shape))} in {len(known.classes) or 100} classes"
        raise DataError(
            f"open_dataset: '{place}' is not {known.name}: expected images {wanted}; "
            f"got {'×'.join(map(str, shape))} in {len(found.classes)}. Move it away to fetch the official files."
        )
    notes = list(found.notes)
    for split, count in (("train", known.train), ("test", known.test)):
        if len(found.split(split)) != count:
            notes.append(f"It has {len(found.split(split))} of the official {count} {split} images.")
    if (place / "classes.txt").exists():
        notes.append(
            "It was opened from re-encoded contact sheets: figures may differ a little from the official files'."
        )
    return replace(
        found, name=known.name, classes=known.classes or found.classes, mirror=known.mirror, notes=tuple(notes)
    )


def _open_digits(known: NamedSet) -> ImageSet:
    """The scans come with the package; 0–16 in the source is stretched to the 0–255 of every uint8 image."""
    with np.load(_HERE / "digits.npz", allow_pickle=False) as archive:
        packed, labels, is_test = archive["images"], archive["labels"].astype(np.int64), archive["is_test"]
    images = np.rint(packed.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    numbers = np.arange(len(labels))
    splits = {}
    for name, chosen in (("train", ~is_test), ("test", is_test)):
        # Keys count through the source's order, in which scikit-learn has the same scans.
        splits[name] = Split(images[chosen], labels[chosen], [f"digits/{number}" for number in numbers[chosen]])
    digest = digest_of_arrays(images, labels, is_test)
    return ImageSet(known.name, known.classes, splits, known.name, digest, notes=(known.split,), mirror=known.mirror)
