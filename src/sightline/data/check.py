"""Checking a dataset: what cannot be read, what is there twice, what leaks from training into the test."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.core.errors import DataError, SightlineError
from sightline.core.types import PathLike
from sightline.data.duplicates import Fingerprint, fingerprint, look_alikes, same_pixels
from sightline.data.image_set import ImageSet, Split, join
from sightline.data.naming import shorten
from sightline.data.open_dataset import open_dataset

RANK = {"test": 0, "val": 1, "train": 2}  # of two copies the one further left stays: held-out sets keep their meaning
_SMALL_SIDE, _LONG, _AREA, _IMBALANCE, _FEW = 16, 4.0, 25.0, 10.0, 20


@dataclass(frozen=True)
class Problem:
    """One finding.

    Parameters
    ----------
    kind
        ``dataset unreadable constant conflict leak duplicate near-leak near-duplicate size shape balance few``.
    fault
        True for what spoils a training or its evaluation; False for what is worth a look.
    files
        The samples that it is about.
    reason
        One sentence.
    samples
        Their indices in the splits, one after the other.
    """

    kind: str
    fault: bool
    files: tuple[str, ...]
    reason: str
    samples: tuple[int, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"kind": self.kind, "fault": self.fault, "files": list(self.files), "reason": self.reason}


@dataclass(frozen=True)
class DataReport:
    """What :func:`check_dataset` found.

    Parameters
    ----------
    source
        What was checked.
    classes
        Class names.
    counts
        For each split the number of images of each class.
    problems
        The findings, faults first.
    notes
        What was decided when the set was opened, and what was not checked.
    """

    source: str
    classes: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing was found that spoils a training or its evaluation."""
        return not any(problem.fault for problem in self.problems)

    @property
    def images(self) -> int:
        """Number of images in all splits."""
        return sum(map(sum, self.counts.values()))

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return {
            "source": self.source,
            "ok": self.ok,
            "images": self.images,
            "classes": list(self.classes),
            "counts": {name: list(row) for name, row in self.counts.items()},
            "problems": [problem.to_json() for problem in self.problems],
            "notes": list(self.notes),
        }

    def headline(self) -> str:
        """Return one line that says what was looked at."""
        sizes = ", ".join(f"{name} {sum(row)}" for name, row in self.counts.items())
        return f"{self.source}: {self.images} images in {len(self.classes)} classes" + (f" ({sizes})" if sizes else "")

    def __str__(self) -> str:
        faults = sum(problem.fault for problem in self.problems)
        lines = [self.headline()]
        # Files are told relative to the source here; `problems` has their whole names.
        inside = self.source.rstrip("/\\") + os.sep
        lines += [f"{'FAULT' if p.fault else 'look'}  {p.kind}: {p.reason.replace(inside, '')}" for p in self.problems]
        lines += [f"note  {note}" for note in self.notes]
        rest = len(self.problems) - faults
        lines.append(f"{faults} faults, {rest} things to look at." if self.problems else "Nothing was found.")
        return "\n".join(lines)


def check_dataset(
    source: PathLike | ImageSet, *, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> DataReport:
    """Read every image of a dataset once and report what is wrong with it; nothing is changed.

    Parameters
    ----------
    source
        A name, folder or file as :func:`open_dataset` takes it, or an opened set.
    seed
        Whole number ≥ 0; splits a set that comes without splits.
    progress
        Called with ``(images done, images in all)``.

    Returns
    -------
    DataReport
        ``.ok`` is False when there are faults: images that cannot be read or show nothing, the same image in two
        classes or in two splits, a set that contradicts itself.

    Examples
    --------
    >>> check_dataset("digits").ok
    True
    """
    try:
        found = open_dataset(source, seed=seed)
    except DataError as error:
        text = str(error).removeprefix("open_dataset: ")
        return DataReport(str(source), (), {}, (Problem("dataset", True, (str(source),), text),))
    return inspect_set(found, progress)[0]


def inspect_set(
    found: ImageSet, progress: Callable[[int, int], None] | None = None
) -> tuple[DataReport, list[Fingerprint | None]]:
    """Return the report on an opened set, with the fingerprints of its samples.

    Parameters
    ----------
    found
        The set.
    progress
        Called with ``(images done, images in all)``.
    """
    pool = join(list(found.splits.values()))
    names = np.repeat(list(found.splits), [len(split) for split in found.splits.values()])
    prints, problems = _read_all(pool, progress)
    problems += _same(found, pool, names, prints)
    problems += _alike(pool, names, prints)
    problems += _sizes(pool, prints)
    problems += _balance(found)
    notes = list(found.notes)
    small = sum(item is not None and item.small is None for item in prints)
    if small:
        notes.append(f"{small} images are below 64 pixels or plain: compared by their pixels, not by their look.")
    counts = {name: tuple(split.counts(len(found.classes)).tolist()) for name, split in found.splits.items()}
    problems.sort(key=lambda problem: not problem.fault)
    return DataReport(found.source, found.classes, counts, tuple(problems), tuple(notes)), prints


def _read_all(
    pool: Split, progress: Callable[[int, int], None] | None
) -> tuple[list[Fingerprint | None], list[Problem]]:
    prints: list[Fingerprint | None] = []
    problems = []
    for index, key in enumerate(pool.keys):
        try:
            prints.append(fingerprint(pool[index][0]))
        except (SightlineError, OSError) as error:
            prints.append(None)
            problems.append(Problem("unreadable", True, (key,), f"'{key}' cannot be read: {error}", (index,)))
        if progress is not None:
            progress(index + 1, len(pool))
    for index, item in enumerate(prints):
        if item is not None and item.constant:
            key = pool.keys[index]
            text = f"'{key}' has one colour only; it shows nothing."
            problems.append(Problem("constant", True, (key,), text, (index,)))
    return prints, problems


def _same(found: ImageSet, pool: Split, names: np.ndarray, prints: Sequence[Fingerprint | None]) -> list[Problem]:
    problems = []
    for group in same_pixels(prints):
        first = prints[group[0]]
        if first is not None and first.constant:
            continue  # reported already
        labels, splits = sorted(set(pool.labels[group].tolist())), sorted(set(names[group].tolist()), key=_rank)
        files = tuple(pool.keys[index] for index in group)
        listed = shorten(files, 4)
        if len(labels) > 1:
            words = " and ".join(found.classes[label] for label in labels)
            kind, fault, text = "conflict", True, f"the same pixels are labelled {words}: {listed}."
        elif len(splits) > 1:
            kind, fault, text = "leak", True, f"the same pixels are in {' and '.join(splits)}: {listed}."
        else:
            kind, fault, text = "duplicate", False, f"the same pixels are {len(group)} times in {splits[0]}: {listed}."
        problems.append(Problem(kind, fault, files, text, tuple(group)))
    return problems


def _rank(split: str) -> int:
    return RANK.get(split, 3)


def _alike(pool: Split, names: np.ndarray, prints: Sequence[Fingerprint | None]) -> list[Problem]:
    problems = []
    for i, j in look_alikes(prints):
        across = names[i] != names[j]
        files = (pool.keys[i], pool.keys[j])
        where = f"in {names[i]} and {names[j]}" if across else f"both in {names[i]}"
        text = f"'{files[0]}' and '{files[1]}' look the same, {where}."
        problems.append(Problem("near-leak" if across else "near-duplicate", bool(across), files, text, (i, j)))
    return problems


def _sizes(pool: Split, prints: Sequence[Fingerprint | None]) -> list[Problem]:
    sides = np.array([item.shape[:2] if item is not None else (0, 0) for item in prints], np.float64).reshape(-1, 2)
    known = sides[:, 0] > 0
    if not known.any():
        return []
    middle = float(np.median(sides[known].prod(axis=1)))
    usual = float(np.median(sides[known].min(axis=1)))
    problems = []
    for index in np.flatnonzero(known).tolist():
        height, width = sides[index]
        key = pool.keys[index]
        shown = f"'{key}' is {int(height)}×{int(width)} pixels"
        if max(height, width) > _LONG * min(height, width):
            text = f"{shown}: one side is more than {_LONG:g} times the other."
            problems.append(Problem("shape", False, (key,), text, (index,)))
        area = height * width
        if (min(height, width) < _SMALL_SIDE <= usual) or area * _AREA < middle or area > _AREA * middle:
            text = f"{shown}, far from the usual area of {int(middle)}."
            problems.append(Problem("size", False, (key,), text, (index,)))
    return problems


def _balance(found: ImageSet) -> list[Problem]:
    if "train" not in found.splits:
        return []
    counts = found.train.counts(len(found.classes))
    problems = []
    few, many = int(counts.argmin()), int(counts.argmax())
    if counts[many] > _IMBALANCE * max(counts[few], 1):
        text = (
            f"class '{found.classes[many]}' has {counts[many]} training images, '{found.classes[few]}' {counts[few]}."
        )
        problems.append(Problem("balance", False, (), text))
    if counts[few] < _FEW:
        scarce = [f"'{found.classes[index]}' {counts[index]}" for index in np.flatnonzero(counts < _FEW)[:5]]
        text = f"classes with fewer than {_FEW} training images: {', '.join(scarce)}."
        problems.append(Problem("few", False, (), text))
    return problems
