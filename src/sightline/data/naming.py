"""Names that datasets use: of splits, classes and image files, and of what lies about in folders and is no data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from sightline.core.errors import DataError, suggest

IMAGE_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".ppm", ".pgm", ".pbm", ".pnm")
)
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "t10k": "test",
}
_LITTER = {"__macosx", "thumbs.db", "desktop.ini"}


def split_of(name: str) -> str | None:
    """Return ``train``, ``val`` or ``test`` for the name of a split in any of its spellings; None for another word.

    Parameters
    ----------
    name
        A folder's name or a table's entry, in any case.
    """
    return SPLITS.get(name.strip().lower())


def is_litter(name: str) -> bool:
    """Tell whether a file or folder name is hidden or left by an operating system.

    Parameters
    ----------
    name
        Name without its folder.
    """
    return name.startswith(".") or name.lower() in _LITTER


def is_image_name(name: str) -> bool:
    """Tell whether a file name ends like an image's.

    Parameters
    ----------
    name
        Name with or without its folder.
    """
    return Path(name).suffix.lower() in IMAGE_SUFFIXES


def entries(folder: Path) -> list[Path]:
    """Return what a folder holds, sorted by name, without hidden files and litter.

    Parameters
    ----------
    folder
        An existing folder.
    """
    return sorted((item for item in folder.iterdir() if not is_litter(item.name)), key=lambda item: item.name)


def sort_classes(names: Iterable[str]) -> tuple[str, ...]:
    """Return distinct class names in order: as numbers where all are whole numbers, else by character.

    Parameters
    ----------
    names
        Class names, repeated or not.
    """
    distinct = set(names)
    if all(name.isdecimal() for name in distinct):
        return tuple(sorted(distinct, key=lambda name: (int(name), name)))
    return tuple(sorted(distinct))


def shorten(names: Iterable[str], most: int = 3) -> str:
    """Return the first few names, quoted, and how many more there are.

    Parameters
    ----------
    names
        Any names.
    most
        How many to write out, ≥ 1.
    """
    listed = list(names)
    text = ", ".join(f"'{name}'" for name in listed[:most])
    return text if len(listed) <= most else f"{text} and {len(listed) - most} more"


def listed(names: Sequence[str], limit: int = 10) -> str:
    """Return names as a list in words, the middle left out when there are many.

    Parameters
    ----------
    names
        At least one.
    limit
        Largest number that is written out.

    Examples
    --------
    >>> listed(["a", "b", "c", "d"], limit=3)
    'a, b, … d'
    """
    return ", ".join(names) if len(names) <= limit else f"{', '.join(names[: limit - 1])}, … {names[-1]}"


def class_numbers(names: Sequence[str], known: Sequence[str]) -> np.ndarray:
    """Return the model's number of each class of a set, matched by name, int64.

    Parameters
    ----------
    names
        Classes of the set that a model is asked about.
    known
        Classes of the model. :class:`DataError` is raised for a name that is not among them.
    """
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(
            f"evaluate: class '{unknown[0]}' is not one that the model knows.{suggest(unknown[0], known)} "
            f"Known: {listed(known)}."
        )
    return np.array([known.index(name) for name in names], np.int64)
