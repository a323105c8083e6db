"""An image set: splits of labelled images, in memory or read from disk when asked for, and the ways to divide them.

Every division is made by class and by seed: the same set, seed and fraction give the same samples on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from sightline.core.checks import describe, integer, number
from sightline.core.conversions import to_uint8
from sightline.core.errors import DataError, InputError, suggest
from sightline.data.divide import draw_by_class, fold_by_class, place_groups


class Images(Protocol):
    """Where a split's pixels come from: anything that has a length and gives image ``i`` as an array."""

    def __len__(self) -> int:
        """Return the number of images."""
        ...

    def __getitem__(self, index: int, /) -> np.ndarray:
        """Return image ``index``, H×W or H×W×3."""
        ...


class FileImages:
    """Images that are read from disk, one by one, when they are asked for: H×W×3 uint8, whatever the file holds.

    Parameters
    ----------
    paths
        Files in sample order.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = tuple(paths)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> np.ndarray:
        from sightline.image.read import read  # sets in memory do without a decoder

        return to_uint8(read(self.paths[index]))


class _JoinedImages:
    """The images of several splits, one after the other."""

    def __init__(self, splits: Sequence[Split]) -> None:
        self._splits = tuple(splits)
        self._starts = np.cumsum([0, *(len(split) for split in splits)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> np.ndarray:
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._splits[part][index - int(self._starts[part])][0]

    def path(self, index: int) -> str | None:
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._splits[part].path(index - int(self._starts[part]))


class Split:
    """One split of a set: ``len(split)``, ``split[i] -> (image, label)``, labels and keys of all samples.

    Parameters
    ----------
    images
        N×H×W or N×H×W×3 array (it is kept, read-only, not copied), or an object that reads image ``i`` when asked.
    labels
        N whole numbers ≥ 0, indices into the set's classes.
    keys
        N names that tell where a sample comes from: a path, or ``"mnist/train/17"``.
    """

    def __init__(self, images: np.ndarray | Images, labels: np.ndarray | Sequence[int], keys: Sequence[str]) -> None:
        array = np.asarray(labels)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise DataError(f"Split: labels must be N whole numbers; got {describe(array)}.")
        if not len(images) == len(array) == len(keys):
            raise DataError(
                f"Split: images, labels and keys must be of one length; got {len(images)}, {len(array)}, {len(keys)}."
            )
        if isinstance(images, np.ndarray):
            images = images.view()
            images.flags.writeable = False
        self._images: np.ndarray | Images = images
        self._index: np.ndarray | None = None
        self._labels = array.astype(np.int64)
        self._labels.flags.writeable = False
        self._keys: Sequence[str] = tuple(keys)

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        if not -len(self) <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        index = index % len(self)
        place = index if self._index is None else int(self._index[index])
        return self._images[place], int(self._labels[index])

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Split({len(self)} images, {np.unique(self._labels).size} classes)"

    @property
    def labels(self) -> np.ndarray:
        """The labels of all samples, int64, read-only; no image is read for it."""
        return self._labels

    @property
    def keys(self) -> Sequence[str]:
        """Where each sample comes from: a path, or ``"mnist/train/17"``."""
        return self._keys

    @property
    def array(self) -> np.ndarray | None:
        """All images as one array N×H×W or N×H×W×3 where the set lives in memory; None where it is read from disk."""
        if not isinstance(self._images, np.ndarray):
            return None
        return self._images if self._index is None else self._images[self._index]

    def path(self, index: int) -> str | None:
        """Return the file of a sample; None where the set lives in memory.

        Parameters
        ----------
        index
            Whole number in 0 … len − 1.
        """
        place = index if self._index is None else int(self._index[index])
        if isinstance(self._images, FileImages):
            return self._images.paths[place]
        return self._images.path(place) if isinstance(self._images, _JoinedImages) else None

    def subset(self, indices: np.ndarray | Sequence[int]) -> Split:
        """Return the samples at ``indices``, in that order, without copying images.

        Parameters
        ----------
        indices
            Whole numbers in 0 … len − 1.
        """
        chosen = np.asarray(indices)
        if chosen.ndim != 1 or (chosen.size and chosen.dtype.kind not in "iu"):
            raise InputError(f"subset: indices must be a list of whole numbers; got {describe(chosen)}.")
        chosen = chosen.astype(np.int64)
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < len(self)):
            raise InputError(f"subset: indices must be in 0–{len(self) - 1}; got {chosen.min()} to {chosen.max()}.")
        part = Split.__new__(Split)
        part._images = self._images
        part._index = chosen if self._index is None else self._index[chosen]
        part._labels = self._labels[chosen]
        part._labels.flags.writeable = False
        part._keys = tuple(self._keys[index] for index in chosen)
        return part

    def counts(self, classes: int) -> np.ndarray:
        """Return how many samples each of ``classes`` classes has, int64.

        Parameters
        ----------
        classes
            Number of classes of the set, ≥ 1.
        """
        return np.bincount(self._labels, minlength=classes).astype(np.int64)


def join(splits: Sequence[Split]) -> Split:
    """Return the samples of several splits as one split, in order.

    Parameters
    ----------
    splits
        At least one split.
    """
    labels = np.concatenate([split.labels for split in splits])
    return Split(_JoinedImages(splits), labels, [key for split in splits for key in split.keys])


@dataclass(frozen=True)
class ImageSet:
    """Labelled images in named splits.

    Splits are called ``train``, ``val`` and ``test``. ``train`` is what is learnt from. ``val`` decides which
    checkpoint is the best; a set that has none gets one by :meth:`split_off`. ``test`` is looked at last; where a set
    has only ``train`` and ``val``, :attr:`test` is ``val``, its only held-out images.

    Parameters
    ----------
    name
        Short name, for titles and run folders.
    classes
        Class names; a label is an index into them.
    splits
        The splits by name.
    source
        Where the set was opened from: a path or a name.
    digest
        SHA-256 of what was opened: pixels and labels of a set in memory; names, labels and byte sizes of one on disk.
    notes
        Sentences on what was decided when it was opened, such as how it was split.
    mirror
        Whether a mirrored image still means the same: not so for digits and letters.
    """

    name: str
    classes: tuple[str, ...]
    splits: dict[str, Split] = field(repr=False)
    source: str
    digest: str
    notes: tuple[str, ...] = ()
    mirror: bool = True

    def __post_init__(self) -> None:
        for name, split in self.splits.items():
            if len(split) and not (split.labels.min() >= 0 and split.labels.max() < len(self.classes)):
                raise DataError(
                    f"ImageSet: labels of '{self.name}' {name} must be in 0–{len(self.classes) - 1}; "
                    f"got {split.labels.min()} to {split.labels.max()}."
                )

    def split(self, name: str) -> Split:
        """Return a split by name; raise :class:`DataError` that lists the splits when there is none of that name.

        Parameters
        ----------
        name
            ``"train"``, ``"val"`` or ``"test"``.
        """
        if name not in self.splits:
            known = ", ".join(self.splits)
            hint = " Make one with split_off(…)." if name == "val" else suggest(name, self.splits)
            raise DataError(f"open_dataset: '{self.source}' has no split '{name}'; it has {known}.{hint}")
        return self.splits[name]

    @property
    def train(self) -> Split:
        """What is learnt from."""
        return self.split("train")

    @property
    def val(self) -> Split:
        """What decides which checkpoint is the best; raises where the set has none (:meth:`split_off` makes one)."""
        return self.split("val")

    @property
    def test(self) -> Split:
        """What is looked at last; ``val`` where that is the only held-out split."""
        return self.split("val" if "test" not in self.splits and "val" in self.splits else "test")

    @property
    def has_val(self) -> bool:
        """Whether the set came with, or was given, a validation split."""
        return "val" in self.splits

    def split_off(
        self, fraction: float = 0.1, *, seed: int = 0, stratified: bool = True, name: str = "val"
    ) -> ImageSet:
        """Return the set with a part of ``train`` moved to a new split.

        Parameters
        ----------
        fraction
            Share of the training samples that moves, in 0–1.
        seed
            Whole number ≥ 0; the same seed moves the same samples.
        stratified
            Move the same share of every class (at least one sample, where a class has two); otherwise draw from all.
        name
            Name of the new split.
        """
        fraction = number("split_off", "fraction", fraction, 0, 1, above=0.0)
        if name in self.splits:
            raise DataError(f"split_off: '{self.name}' has a split '{name}' already; use it, or merge_and_split(…).")
        labels = self.train.labels if stratified else np.zeros(len(self.train), np.int64)
        moved = draw_by_class(labels, fraction, seed)
        parts = {"train": self.train.subset(np.flatnonzero(~moved)), name: self.train.subset(np.flatnonzero(moved))}
        others = {key: split for key, split in self.splits.items() if key != "train"}
        share = f"{fraction:.0%} of train became {name} by seed {seed}" + (", by class." if stratified else ".")
        return replace(self, splits={**parts, **others}, notes=(*self.notes, share))

    def k_fold(self, folds: int = 5, *, seed: int = 0) -> Iterator[ImageSet]:
        """Yield ``folds`` sets whose ``val`` splits share out ``train`` by class; ``test`` stays as it is.

        Parameters
        ----------
        folds
            Whole number ≥ 2 and ≤ the number of training samples.
        seed
            Whole number ≥ 0.
        """
        train = self.train
        folds = integer("k_fold", "folds", folds, 2, max(2, len(train)))
        fold = fold_by_class(train.labels, folds, seed)
        others = {key: split for key, split in self.splits.items() if key not in ("train", "val")}
        for current in range(folds):
            parts = {
                "train": train.subset(np.flatnonzero(fold != current)),
                "val": train.subset(np.flatnonzero(fold == current)),
            }
            note = f"Fold {current + 1} of {folds} by seed {seed}."
            yield replace(self, splits={**parts, **others}, notes=(*self.notes, note))

    def merge_and_split(
        self,
        groups: np.ndarray | Sequence[int] | None = None,
        *,
        fractions: Mapping[str, float] | None = None,
        seed: int = 0,
    ) -> ImageSet:
        """Return the set with all splits pooled and divided anew by class, each group of samples in one split only.

        Parameters
        ----------
        groups
            One whole number for each sample of all splits, in the order of ``splits``; samples that share it stay
            together (``duplicate_groups`` makes them from near-duplicates). None puts every sample in its own group.
        fractions
            Share of each new split; they sum to 1. None keeps the names and sizes that the set has.
        seed
            Whole number ≥ 0.
        """
        pool = join(list(self.splits.values()))
        shares = dict(fractions or {name: len(split) / len(pool) for name, split in self.splits.items()})
        if not shares or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
            raise InputError(f"merge_and_split: fractions must be positive and sum to 1; got {shares}.")
        group = np.arange(len(pool)) if groups is None else np.asarray(groups)
        if group.shape != (len(pool),):
            raise InputError(f"merge_and_split: groups must be {len(pool)} whole numbers; got {describe(group)}.")
        place = place_groups(pool.labels, group, np.array(list(shares.values())), len(self.classes), seed)
        splits = {name: pool.subset(np.flatnonzero(place == index)) for index, name in enumerate(shares)}
        kept = np.unique(group).size
        note = f"All splits were pooled and divided anew by class and seed {seed}; {kept} groups were kept whole."
        return replace(self, splits=splits, notes=(*self.notes, note))

    def to_json(self) -> dict[str, Any]:
        """Return name, source, digest, classes, notes and split sizes as plain JSON values."""
        sizes = {name: len(split) for name, split in self.splits.items()}
        return {
            "name": self.name,
            "source": self.source,
            "digest": self.digest,
            "classes": list(self.classes),
            "splits": sizes,
            "notes": list(self.notes),
        }
