"""Checking a detection set: boxes that cannot be, images that leak, classes that nobody sees."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.errors import DataError, FormatError, SightlineError
from sightline.core.types import PathLike
from sightline.data.annotation import Annotation
from sightline.data.check import DataReport, Problem
from sightline.data.detection_set import DetectionSet, DetectionSplit
from sightline.data.duplicates import Fingerprint, fingerprint, look_alikes, same_pixels
from sightline.data.found import Found
from sightline.data.naming import shorten
from sightline.data.open_detection_set import as_folder, assemble, divide, find_format

_FEW, _TINY, _ALIKE, _SLACK = 20, 2.0, 0.9, 1.0  # boxes of a class, pixels of a side, overlap of two boxes, pixels
_LOOK = ("unannotated", "unlisted", "shape", "outline")


@dataclass(frozen=True)
class DetectionReport(DataReport):
    """What :func:`check_detection_set` found; ``counts`` are of boxes.

    Parameters
    ----------
    source, classes, counts, problems, notes
        As those of :class:`DataReport`; ``counts`` holds for each split the number of boxes of each class.
    form
        The form that the set lies in.
    sizes
        For each split the number of its images.
    empty
        For each split the number of its images without boxes.
    """

    form: str = ""
    sizes: dict[str, int] = field(default_factory=dict)
    empty: dict[str, int] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """Number of images in all splits."""
        return sum(self.sizes.values())

    @property
    def boxes(self) -> int:
        """Number of boxes in all splits."""
        return sum(map(sum, self.counts.values()))

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return super().to_json() | {"form": self.form, "boxes": self.boxes, "sizes": self.sizes, "empty": self.empty}

    def headline(self) -> str:
        """Return one line that says what was looked at."""
        parts = ", ".join(f"{name} {size} with {sum(self.counts[name])} boxes" for name, size in self.sizes.items())
        what = f"{self.images} images with {self.boxes} boxes in {len(self.classes)} classes, {self.form}"
        return f"{self.source}: {what}" + (f" ({parts})" if parts else "")


def check_detection_set(
    source: PathLike | DetectionSet, *, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> DetectionReport:
    """Read every image and box of a detection set once and report what is wrong; nothing is changed.

    Parameters
    ----------
    source
        A folder or file as :func:`open_detection_set` takes it, or an opened set.
    seed
        Whole number ≥ 0; splits a set that comes without splits.
    progress
        Called with ``(images done, images in all)``.

    Returns
    -------
    DetectionReport
        ``.ok`` is False when there are faults: annotations or boxes that cannot be understood, images that are not
        there or cannot be read, boxes without an area, with swapped corners or axes, or quite outside, the same box
        twice, the same image in two splits, a class that is only in the test.
    """
    problems: list[Problem] = []
    if isinstance(source, DetectionSet):
        found = source
    else:
        try:
            path = as_folder(source)
            read = find_format(path).read(path)
            problems = _flaws(read)
            found = divide(assemble(path, read), seed)
        except (DataError, FormatError) as error:
            text = str(error).removeprefix("open_dataset: ")
            first = Problem("dataset", True, (str(source),), text)
            return DetectionReport(str(source), (), {}, (first, *problems))
    return _inspect(found, problems, progress)


def _flaws(read: Found) -> list[Problem]:
    return [Problem(flaw.kind, flaw.kind not in _LOOK, (flaw.file,), f"{flaw}.") for flaw in read.flaws]


def _inspect(
    found: DetectionSet, problems: list[Problem], progress: Callable[[int, int], None] | None
) -> DetectionReport:
    pool = found.pool()
    names = np.repeat(list(found.splits), [len(split) for split in found.splits.values()])
    prints: list[Fingerprint | None] = []
    for index, key in enumerate(pool.keys):
        size = None
        try:
            image = pool[index][0]
            size = (image.shape[0], image.shape[1])
            prints.append(fingerprint(image))
        except (SightlineError, OSError) as error:
            prints.append(None)
            problems.append(Problem("unreadable", True, (key,), f"'{key}' cannot be read: {error}", (index,)))
        if size is not None:
            problems += _of_image(found, pool, index, size)
        if progress is not None:
            progress(index + 1, len(pool))
    problems += _copies(pool, names, prints)
    problems += _classes(found)
    problems.sort(key=lambda problem: not problem.fault)
    counts = {name: tuple(split.counts(len(found.classes)).tolist()) for name, split in found.splits.items()}
    sizes = {name: len(split) for name, split in found.splits.items()}
    empty = {name: sum(not len(item) for item in split.annotations) for name, split in found.splits.items()}
    notes = list(found.notes)
    if sum(empty.values()):
        notes.append(f"{sum(empty.values())} images have no box: they teach what is nothing.")
    return DetectionReport(
        found.source, found.classes, counts, tuple(problems), tuple(notes), form=found.form, sizes=sizes, empty=empty
    )


def _of_image(found: DetectionSet, pool: DetectionSplit, index: int, size: tuple[int, int]) -> Iterator[Problem]:
    """Yield what is wrong with the boxes of one image."""
    key, item, said = pool.keys[index], pool.annotations[index], pool.size(index)
    if said != size:
        hint = " The axes are swapped." if said == size[::-1] else ""
        text = f"'{key}' is {size[1]}×{size[0]}; its annotation says {said[1]}×{said[0]}.{hint}"
        yield Problem("image size", True, (key,), text, (index,))
    for kind, fault, rows, words in _of_boxes(item, size):
        listed = "; ".join(f"{found.classes[item.labels[row]]} {_numbers(item.boxes[row])}" for row in rows[:3])
        more = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
        yield Problem(kind, fault, (key,), f"'{key}': {words}: {listed}{more}.", (index,))


def _numbers(box: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"


def _of_boxes(item: Annotation, size: tuple[int, int]) -> Iterator[tuple[str, bool, list[int], str]]:
    """Yield kind, whether it is a fault, rows and words."""
    if not len(item):
        return
    boxes, limit = item.boxes, np.array([size[1], size[0]] * 2, np.float64)
    wide, high = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    swapped, flat = (wide < 0) | (high < 0), (wide == 0) | (high == 0)
    out = np.maximum(np.maximum(-boxes, boxes - limit), 0).max(axis=1)
    inside = np.clip(boxes, 0, limit)
    gone = ~swapped & ~flat & ~((inside[:, 2:] > inside[:, :2]).all(axis=1))
    turned = (out > _SLACK).any() and size[0] != size[1] and _fits_turned(boxes, limit)
    if turned:
        yield "axes", True, np.flatnonzero(out > _SLACK).tolist(), "boxes stick out that would fit with x and y swapped"
    yield from _listed("corners", True, swapped, "boxes whose corners are swapped")
    yield from _listed("area", True, flat & ~swapped, "boxes without an area")
    yield from _listed("outside", True, gone, "boxes wholly outside the image")
    yield from _listed("sticks out", False, (out > _SLACK) & ~gone & ~swapped & (not turned), "boxes that stick out")
    small = (np.minimum(wide, high) < _TINY) & ~flat & ~swapped
    yield from _listed("tiny", False, small, f"boxes narrower than {_TINY:g} pixels")
    yield from _doubles(item)


def _fits_turned(boxes: np.ndarray, limit: np.ndarray) -> bool:
    return bool(((boxes[:, [1, 0, 3, 2]] >= -_SLACK) & (boxes[:, [1, 0, 3, 2]] <= limit + _SLACK)).all())


def _listed(kind: str, fault: bool, rows: np.ndarray, words: str) -> Iterator[tuple[str, bool, list[int], str]]:
    if rows.any():
        yield kind, fault, np.flatnonzero(rows).tolist(), words


def _doubles(item: Annotation) -> Iterator[tuple[str, bool, list[int], str]]:
    """Yield boxes that are there twice, and those that nearly are."""
    one, other = np.nonzero(np.triu(pairwise_iou(item.boxes, item.boxes) >= _ALIKE, 1))
    plain = ~(item.crowd[one] | item.crowd[other])
    one, other = one[plain], other[plain]
    equal = (item.boxes[one] == item.boxes[other]).all(axis=1)
    alike = item.labels[one] == item.labels[other]
    for kind, fault, chosen, words in (
        ("double box", True, equal & alike, "the same box twice"),
        ("two classes", False, equal & ~alike, "the same box in two classes"),
        ("double box", False, ~equal & alike, "boxes of one class that nearly cover each other"),
    ):
        if chosen.any():
            yield kind, fault, sorted({*one[chosen].tolist(), *other[chosen].tolist()}), words


def _copies(pool: DetectionSplit, names: np.ndarray, prints: Sequence[Fingerprint | None]) -> Iterator[Problem]:
    """Yield images that are there more than once."""
    for group in same_pixels(prints):
        splits = list(dict.fromkeys(names[group].tolist()))
        files, listed = tuple(pool.keys[row] for row in group), shorten([pool.keys[row] for row in group], 4)
        kinds = {_content(pool.annotations[row]) for row in group}
        if len(splits) > 1:
            yield Problem(
                "leak", True, files, f"the same pixels are in {' and '.join(splits)}: {listed}.", tuple(group)
            )
        elif len(kinds) > 1:
            yield Problem("conflict", True, files, f"the same pixels have different boxes: {listed}.", tuple(group))
        else:
            text = f"the same pixels are {len(group)} times in {splits[0]}: {listed}."
            yield Problem("duplicate", False, files, text, tuple(group))
    for one, other in look_alikes(prints):
        across = bool(names[one] != names[other])
        where = f"in {names[one]} and {names[other]}" if across else f"both in {names[one]}"
        files = (pool.keys[one], pool.keys[other])
        text = f"'{files[0]}' and '{files[1]}' look the same, {where}."
        yield Problem("near-leak" if across else "near-duplicate", across, files, text, (one, other))


def _content(item: Annotation) -> tuple[tuple[float, ...], ...]:
    """Return what is on an image, whatever the order."""
    return tuple(sorted((int(label), *box) for label, box in zip(item.labels, item.boxes.tolist(), strict=True)))


def _classes(found: DetectionSet) -> Iterator[Problem]:
    counts = {name: split.counts(len(found.classes)) for name, split in found.splits.items()}
    total = np.sum(list(counts.values()), axis=0)
    learnt = counts.get("train")
    for index, name in enumerate(found.classes):
        if total[index] == 0:
            yield Problem("unseen", False, (name,), f"no box is of class '{name}'.")
        elif learnt is not None and learnt[index] == 0:
            text = f"class '{name}' is never in train: what is never learnt cannot be found."
            yield Problem("unlearnt", True, (name,), text)
        elif learnt is not None and learnt[index] < _FEW:
            yield Problem("few", False, (name,), f"class '{name}' has {learnt[index]} boxes in train; that is few.")
    spelled: dict[str, list[str]] = {}
    for name in found.classes:
        spelled.setdefault("".join(name.lower().split()), []).append(name)
    for names in spelled.values():
        if len(names) > 1:
            yield Problem(
                "class names", False, tuple(names), f"{shorten(names)} may be one class, spelled differently."
            )


def is_detection_set(source: PathLike) -> bool:
    """Tell whether a path is of a form of images with boxes.

    Parameters
    ----------
    source
        Anything.
    """
    if not os.path.exists(source):  # noqa: PTH110
        return False
    try:
        find_format(as_folder(source))
    except DataError:
        return False
    return True
