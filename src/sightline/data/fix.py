"""Repairing a dataset: a corrected copy as class folders, with a log of what was left out and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.errors import DataError
from sightline.core.files import write_bytes, write_json
from sightline.core.types import PathLike
from sightline.data.check import RANK, DataReport, inspect_set
from sightline.data.image_set import ImageSet, Split, join
from sightline.data.open_dataset import open_dataset

LOG = "fix_log.json"


def fix_dataset(
    source: PathLike | ImageSet,
    destination: PathLike,
    *,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write a corrected copy of a dataset as ``split/class/file``; the source is never changed.

    Left out are: images that cannot be read or have one colour only; all copies of pixels that are labelled
    differently; further copies of the same pixels; and look-alikes of images in another split. Of two copies the one in
    test stays before the one in val, that before the one in train. Files are copied byte for byte; sets in memory are
    written as PNG.

    Parameters
    ----------
    source
        A name, folder or file as :func:`open_dataset` takes it, or an opened set.
    destination
        Folder to write to: it must not exist, or be empty.
    seed
        Whole number ≥ 0; splits a set that comes without splits.
    progress
        Called with ``(images done, images in all)`` while reading.

    Returns
    -------
    dict
        ``{"folder", "copied", "left_out": [{"file", "reason"}]}``: what ``fix_log.json`` in the new folder holds too.

    Raises
    ------
    DataError
        When the destination is not empty, or when a class would lose its last training image.
    """
    folder = Path(destination)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"fix_dataset: '{folder}' is there already and not empty. Name a new folder.")
    found = open_dataset(source, seed=seed)
    report, _ = inspect_set(found, progress)
    names = np.repeat(list(found.splits), [len(split) for split in found.splits.values()])
    left_out = _leave_out(found, report, names)
    _refuse_emptied(found, left_out, names)
    pool = join(list(found.splits.values()))
    copied: set[Path] = set()
    for index in range(len(pool)):
        if index not in left_out:
            place = folder / str(names[index]) / _folder_name(found.classes[int(pool.labels[index])])
            place.mkdir(parents=True, exist_ok=True)
            copied.add(_copy(pool, index, place, copied))
    rows = [
        {"file": _printable(pool.keys[index]), "reason": _printable(reason)}
        for index, reason in sorted(left_out.items())
    ]
    log = {"source": found.source, "folder": str(folder), "copied": len(copied), "left_out": rows}
    write_json(folder / LOG, log)
    return log


def _leave_out(found: ImageSet, report: DataReport, names: np.ndarray) -> dict[int, str]:
    """Return ``{sample: reason}``."""
    left: dict[int, str] = {}
    for problem in report.problems:
        if problem.kind in ("unreadable", "constant", "conflict"):
            left.update(dict.fromkeys(problem.samples, problem.reason))
    for problem in report.problems:
        if problem.kind in ("leak", "duplicate", "near-leak"):
            present = [sample for sample in problem.samples if sample not in left]
            present.sort(key=lambda sample: (RANK.get(str(names[sample]), 3), sample))
            left.update(dict.fromkeys(present[1:], problem.reason))
    return left


def _refuse_emptied(found: ImageSet, left_out: dict[int, str], names: np.ndarray) -> None:
    labels = np.concatenate([split.labels for split in found.splits.values()])
    kept = np.ones(len(labels), bool)
    kept[list(left_out)] = False
    first = "train" if "train" in found.splits else next(iter(found.splits))
    counts = np.bincount(labels[kept & (names == first)], minlength=len(found.classes))
    empty = [found.classes[index] for index in np.flatnonzero(counts == 0)]
    if empty:
        raise DataError(
            f"fix_dataset: class '{empty[0]}' of '{found.source}' would lose its last image in {first}. "
            f"Nothing was written."
        )


def _printable(text: str) -> str:
    """Return text that can be written as UTF-8, also where a file's name is not."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _folder_name(name: str) -> str:
    """Return a class name as a folder's name: no separators, nothing that a system reserves."""
    clean = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", name).strip(" .")
    return clean or "_"


def _copy(pool: Split, index: int, place: Path, taken: set[Path]) -> Path:
    """Copy one sample into a folder under a name that is still free; return the new file."""
    source = pool.path(index)
    original = Path(source) if source is not None else Path(pool.keys[index].replace("/", "_") + ".png")
    target, number = place / original.name, 1
    while target in taken:
        number += 1
        target = place / f"{original.stem}_{number}{original.suffix}"
    if source is not None:
        write_bytes(target, Path(source).read_bytes())
    else:
        from sightline.image.write import write  # sets on disk do without an encoder

        write(target, pool[index][0])
    return target
