"""Dividing samples into splits: by class, by seed, and without tearing groups of duplicates apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sightline.core.seeds import generator


def draw_by_class(labels: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Return a bool mask of the samples that are drawn: the same share of each class, never a whole class.

    Parameters
    ----------
    labels
        N whole numbers ≥ 0.
    fraction
        Share of each class, in 0–1; at least one sample where the class has two.
    seed
        Whole number ≥ 0.
    """
    drawn = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(max(round(fraction * members.size), 1), members.size - 1)
        drawn[generator(seed, int(label)).permutation(members)[: max(count, 0)]] = True
    return drawn


def fold_by_class(labels: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the fold 0 … ``folds`` − 1 of each sample; every class is shared out evenly.

    Parameters
    ----------
    labels
        N whole numbers ≥ 0.
    folds
        Number of folds, ≥ 2.
    seed
        Whole number ≥ 0.
    """
    order = np.lexsort((generator(seed).random(len(labels)), labels))  # by class, shuffled inside
    fold = np.empty(len(labels), np.int64)
    fold[order] = np.arange(len(labels)) % folds
    return fold


def place_groups(labels: np.ndarray, groups: np.ndarray, shares: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """Return the split of each sample: large groups first, each where its classes lack most.

    Parameters
    ----------
    labels, groups
        N whole numbers each; samples of one group get one split.
    shares
        Share of each split; they sum to 1.
    classes
        Number of classes, ≥ 1.
    seed
        Whole number ≥ 0; orders groups of one size.
    """
    wanted = shares[:, None] * np.bincount(labels, minlength=classes)[None]  # split × class
    lacking = wanted.copy()
    names, members, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.lexsort((generator(seed).random(names.size), -sizes))
    by_group = np.split(np.argsort(members, kind="stable"), np.cumsum(sizes)[:-1])
    place = np.empty(len(labels), np.int64)
    for group in order:
        samples = by_group[group]
        held = np.bincount(labels[samples], minlength=classes)
        need = (held * lacking / np.maximum(wanted, 1e-9)).sum(axis=1)
        best = int(np.argmax(need))
        place[samples] = best
        lacking[best] -= held
    return place


def used_twice(splits: Mapping[str, object], what: str) -> list[str]:
    """Return sentences about samples that serve two ends: choosing and measuring, or learning and choosing.

    Parameters
    ----------
    splits
        Train and val, and test where there is one.
    what
        The samples in the plural: images, pictures.
    """
    found = []
    if "test" not in splits:
        found.append(
            f"There is no test split: the {what} that choose the best epoch also measure it, which flatters it."
        )
    if splits["val"] is splits["train"]:
        found.append(f"Too few {what} to set any aside: the model is validated on those that it learns from.")
    return found
