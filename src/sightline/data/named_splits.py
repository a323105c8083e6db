"""Named splits of a set, and the ways to divide them.

Every division is made by class and by seed: the same set, seed and fraction give the same samples on any machine.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from sightline.core.checks import describe, integer, number
from sightline.core.errors import DataError, InputError, suggest
from sightline.data.divide import draw_by_class, fold_by_class, place_groups


class Divisible(Protocol):
    """A split that can be divided: samples in order, each in a stratum that is shared out evenly."""

    def __len__(self) -> int:
        """Return the number of samples."""
        ...

    @property
    def strata(self) -> np.ndarray:
        """One whole number ≥ 0 for each sample."""
        ...

    def subset(self, indices: np.ndarray | Sequence[int]) -> Self:
        """Return the samples of these indices, in their order."""
        ...


S = TypeVar("S", bound=Divisible)


@dataclass(frozen=True)
class NamedSplits(ABC, Generic[S]):
    """What sets of every kind share: splits by name, and new sets with the same samples divided otherwise.

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
        SHA-256 of what was opened.
    notes
        Sentences on what was decided when it was opened.
    mirror
        Whether a mirrored image still means the same.
    """

    name: str
    classes: tuple[str, ...]
    splits: dict[str, S] = field(repr=False)
    source: str
    digest: str
    notes: tuple[str, ...] = ()
    mirror: bool = True

    @abstractmethod
    def pool(self) -> S:
        """Return the samples of all splits as one split, in order."""

    def split(self, name: str) -> S:
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
    def train(self) -> S:
        """What is learnt from."""
        return self.split("train")

    @property
    def val(self) -> S:
        """What decides which checkpoint is the best; raises where the set has none (:meth:`split_off` makes one)."""
        return self.split("val")

    @property
    def test(self) -> S:
        """What is looked at last; ``val`` where that is the only held-out split."""
        return self.split("val" if "test" not in self.splits and "val" in self.splits else "test")

    @property
    def has_val(self) -> bool:
        """Whether the set came with, or was given, a validation split."""
        return "val" in self.splits

    def split_off(self, fraction: float = 0.1, *, seed: int = 0, stratified: bool = True, name: str = "val") -> Self:
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
        labels = self.train.strata if stratified else np.zeros(len(self.train), np.int64)
        moved = draw_by_class(labels, fraction, seed)
        parts = {"train": self.train.subset(np.flatnonzero(~moved)), name: self.train.subset(np.flatnonzero(moved))}
        others = {key: split for key, split in self.splits.items() if key != "train"}
        share = f"{fraction:.0%} of train became {name} by seed {seed}" + (", by class." if stratified else ".")
        return replace(self, splits={**parts, **others}, notes=(*self.notes, share))

    def with_val(self, fraction: float = 0.0, *, seed: int = 0) -> Self:
        """Return the set with a validation split: its own, a part of ``train``, or all of one too small to divide.

        Parameters
        ----------
        fraction
            Share of the training samples; 0 takes a tenth, a fifth of fewer than 1,000.
        seed
            Whole number ≥ 0.
        """
        if self.has_val:
            return self
        if np.bincount(self.train.strata).max() < 2:
            return replace(self, splits={**self.splits, "val": self.train})
        return self.split_off(fraction or (0.1 if len(self.train) >= 1000 else 0.2), seed=seed)

    def k_fold(self, folds: int = 5, *, seed: int = 0) -> Iterator[Self]:
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
        fold = fold_by_class(train.strata, folds, seed)
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
    ) -> Self:
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
        pool = self.pool()
        shares = dict(fractions or {name: len(split) / len(pool) for name, split in self.splits.items()})
        if not shares or min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-6:
            raise InputError(f"merge_and_split: fractions must be positive and sum to 1; got {shares}.")
        group = np.arange(len(pool)) if groups is None else np.asarray(groups)
        if group.shape != (len(pool),):
            raise InputError(f"merge_and_split: groups must be {len(pool)} whole numbers; got {describe(group)}.")
        place = place_groups(
            pool.strata, group, np.array(list(shares.values())), int(pool.strata.max(initial=0)) + 1, seed
        )
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
