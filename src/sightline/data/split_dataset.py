"""Divide a detection set anew and write it: by class, by seed, and without tearing duplicates apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType

from sightline.core.checks import choice, flag, integer
from sightline.core.types import PathLike
from sightline.data.convert import WRITERS, Conversion, write_detection_set
from sightline.data.detection_set import DetectionSet
from sightline.data.open_detection_set import read_detection_set


def split_dataset(
    source: PathLike | DetectionSet,
    destination: PathLike,
    *,
    fractions: Mapping[str, float] | None = None,
    keep_duplicates_together: bool = True,
    to: str | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Conversion:
    """Write a copy of a detection set with new splits; the source is never changed.

    Parameters
    ----------
    source
        A folder or file as :func:`open_detection_set` takes it, or an opened set.
    destination
        Folder to write to: it must not exist, or be empty.
    fractions
        Share of each split; they sum to 1. None takes 70 % train, 15 % val, 15 % test.
    keep_duplicates_together
        Look for near-duplicates (every image is read), and put each group into one split only.
    to
        ``voc``, ``coco``, ``yolo``, ``cvat`` or ``labelme``; None keeps the form (instance masks become ``coco``).
    seed
        Whole number ≥ 0; the same seed divides the same way.
    progress
        Called with ``(images done, images in all)`` while writing.
    """
    seed = integer("split_dataset", "seed", seed, 0)
    together = flag("split_dataset", "keep_duplicates_together", keep_duplicates_together)
    found = source if isinstance(source, DetectionSet) else read_detection_set(source)
    form = to or (found.form if found.form in WRITERS else "coco")
    writer: ModuleType = WRITERS[choice("split_dataset", "to", form, tuple(WRITERS))]
    groups = None
    if together:
        from sightline.data.duplicates import duplicate_groups  # only this option reads every image

        groups = duplicate_groups(found)
    shares = dict(fractions or {"train": 0.7, "val": 0.15, "test": 0.15})
    divided = found.merge_and_split(groups, fractions=shares, seed=seed)
    return write_detection_set(divided, destination, writer, "split_dataset", progress)
