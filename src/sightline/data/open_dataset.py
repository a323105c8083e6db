"""Open a dataset and know what it is: by name, or by looking at the folder or file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sightline.core.checks import describe, integer
from sightline.core.errors import DataError, InputError, suggest
from sightline.core.types import PathLike
from sightline.data import cifar_binary, idx, image_folder, npz, path_table, sheets
from sightline.data.download import Progress
from sightline.data.format import Format
from sightline.data.image_set import ImageSet
from sightline.data.named import named_sets, open_named
from sightline.data.naming import entries, is_image_name, shorten

TEST_SHARE = 0.2  # of each class, when a set comes without splits


# The first one that knows the path opens it: special forms before the general one.
FORMATS: tuple[Format, ...] = (sheets, idx, cifar_binary, npz, path_table, image_folder)


def open_dataset(
    source: PathLike | ImageSet,
    *,
    seed: int = 0,
    keep_duplicates_together: bool = False,
    download: bool = True,
    progress: Progress | None = None,
) -> ImageSet:
    """Open labelled images for classification by name, folder or file.

    A set that comes without splits is split 80 % train and 20 % test, by class and by ``seed``; its ``notes`` say so.
    Images on disk are read when they are asked for. A name goes before a folder of that name: write ``./mnist`` for
    the folder.

    Parameters
    ----------
    source
        ``"digits"``, ``"mnist"``, ``"fashion_mnist"``, ``"cifar10"``, ``"cifar100"``; or a folder or file in a known
        form: class folders with or without split folders, idx, npz, a CSV table of paths, contact sheets, CIFAR's
        binary files. An opened set comes back as it is.
    seed
        Whole number ≥ 0; the same seed splits the same way.
    keep_duplicates_together
        Look for near-duplicates, pool all splits and divide anew, so that no two of them end in different splits.
    download
        Whether a named set that is not on this machine may be fetched from its official address.
    progress
        Called while fetching with ``(file name, bytes so far, total bytes or None)``.

    Returns
    -------
    ImageSet
        With ``train`` and a held-out split; see :class:`ImageSet`.

    Raises
    ------
    DataError
        When nothing is there, when the form is not understood, or when the set contradicts itself: an empty class
        folder, one image for a class, a class that is only in the test split, a table that names missing images.

    Examples
    --------
    >>> import sightline as sl
    >>> digits = sl.data.open_dataset("digits")
    >>> len(digits.train), len(digits.test), digits.train[0][0].shape
    (1438, 359, (8, 8))
    """
    integer("open_dataset", "seed", seed, 0)
    if isinstance(source, ImageSet):
        found = source
    elif isinstance(source, str) and source in named_sets():
        found = open_named(source, FORMATS, download=download, progress=progress)
    else:
        found = complete(_sniff(_as_path(source)), seed)
    if keep_duplicates_together:
        from sightline.data.duplicates import duplicate_groups  # only this option reads every image

        found = found.merge_and_split(duplicate_groups(found), seed=seed)
    return found


def _as_path(source: object) -> Path:
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"open_dataset: source must be a name, a folder or a file; got {describe(source)}.")
    path = Path(os.fsdecode(source)).expanduser()
    if not path.exists():
        known = ", ".join(named_sets())
        raise DataError(
            f"open_dataset: '{source}' is neither a folder or file that exists nor a known name ({known})."
            f"{suggest(str(source), named_sets())}"
        )
    return path


def _sniff(path: Path) -> ImageSet:
    for form in FORMATS:
        if form.sniff(path):
            return form.open(path)
    understood = "; ".join(form.FORM for form in FORMATS)
    raise DataError(f"open_dataset: '{path}' is {_look(path)}. Understood: {understood}.")


def _look(path: Path) -> str:
    """Say what a path holds that no format knows."""
    if not path.is_dir():
        return f"a file of a form that is not understood ({path.suffix or 'no suffix'})"
    found = entries(path)
    if not found:
        return "an empty folder"
    images = [item.name for item in found if is_image_name(item.name)]
    if images:
        return f"a folder with {len(images)} images right inside it; each class needs a folder of its own"
    return f"a folder of {len(found)} entries without images: {shorten(item.name for item in found)}"


def complete(found: ImageSet, seed: int) -> ImageSet:
    """Return a set with splits: one that came without is split by class and seed; one that is too small is refused.

    Parameters
    ----------
    found
        A set as a format opened it; its only split may be called ``all``.
    seed
        Whole number ≥ 0.
    """
    if set(found.splits) <= {"all", "train"}:
        whole = next(iter(found.splits.values()))
        _refuse_single(found, whole.counts(len(found.classes)), whole.keys, whole.labels)
        divided = replace(found, splits={"train": whole}).split_off(TEST_SHARE, seed=seed, name="test")
        note = f"It came without a test split: {TEST_SHARE:.0%} of each class became test, by seed {seed}."
        return replace(divided, notes=(*found.notes, note))
    if "train" in found.splits:
        counts = found.train.counts(len(found.classes))
        if counts.max(initial=0) < 2:
            _refuse_single(found, counts, found.train.keys, found.train.labels)
        return found
    return replace(found, notes=(*found.notes, "It has no train split: it can be evaluated on, not learnt from."))


def _refuse_single(found: ImageSet, counts: np.ndarray, keys: Sequence[str], labels: np.ndarray) -> None:
    few = np.flatnonzero(counts < 2)
    if few.size:
        only = np.flatnonzero(labels == few[0])
        where = f" ('{keys[int(only[0])]}')" if only.size else ""
        raise DataError(
            f"open_dataset: '{found.source}' has {counts[few[0]]} image of class '{found.classes[few[0]]}'{where}; "
            f"every class needs two or more. {few.size} of {len(found.classes)} classes have too few."
        )
