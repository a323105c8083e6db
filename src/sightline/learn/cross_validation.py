"""Cross-validation: every sample is used to test once, by an estimator that has not seen it.

Stone 1974, "Cross-Validatory Choice and Assessment of Statistical Predictions", Journal of the Royal Statistical
Society B 36(2); Kohavi 1995, "A Study of Cross-Validation and Bootstrap for Accuracy Estimation and Model Selection",
IJCAI, for folds with the same share of each class.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array, Range, Seed
from sightline.learn.estimator import Classifier, as_table, as_targets


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """What an estimator is worth on samples that it has not seen.

    Parameters
    ----------
    scores
        K float64, of each fold; of a classifier, the share that is right.
    predicted
        N: what was said of each sample by the estimator that had not seen it.
    folds
        N int64: the fold in which each sample was tested.
    """

    scores: Array
    predicted: Array
    folds: Array

    @property
    def mean(self) -> float:
        """Mean of the scores."""
        return float(self.scores.mean())

    @property
    def spread(self) -> float:
        """Standard deviation of the scores."""
        return float(self.scores.std(ddof=1))


@method(task="evaluation", paper="Kohavi 1995", lesson="w4d6")
def k_fold(
    y: Any,
    folds: Annotated[int, Range(2, 1000)] = 5,
    *,
    stratified: bool = True,
    seed: Seed | None = None,
) -> Array:
    """Return in which fold each sample is tested.

    Parameters
    ----------
    y
        N labels, whole numbers or words.
    folds
        K, 2 to the number of samples; stratified, at most as many as there are samples of the most frequent class.
    stratified
        Give every fold the same share of each class, as far as it can be divided.
    seed
        Whole number ≥ 0 or a generator: which samples go where; None takes them in their order.

    Returns
    -------
    places
        N int64, 0 to K - 1. Train on ``places != k``, test on ``places == k``.

    Raises
    ------
    InputError
        When there are fewer samples than folds.

    References
    ----------
    R. Kohavi, "A Study of Cross-Validation and Bootstrap for Accuracy Estimation and Model Selection", IJCAI, 1995.

    Examples
    --------
    >>> k_fold(["a", "a", "a", "a", "b", "b"], 2).tolist()
    [0, 0, 1, 1, 0, 1]
    """
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise InputError(f"k_fold: y must be N labels; got {describe(labels)}.")
    folds = integer("k_fold", "folds", folds, 2, 1000)
    if len(labels) < folds:
        raise InputError(f"k_fold: folds must be at most the {len(labels)} samples; got {folds}.")
    random = None if seed is None else generator(seed)
    if not stratified:
        sizes = np.full(folds, len(labels) // folds) + (np.arange(folds) < len(labels) % folds)
        places = np.repeat(np.arange(folds), sizes)
        return places if random is None else random.permutation(places)
    _, first, index = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))[index]  # classes numbered in the order in which they occur
    if np.bincount(order).max() < folds:
        raise InputError(f"k_fold: folds must be at most the samples of the greatest class; got {folds}.")
    # Dealt out like cards, class after class: so each fold gets its share of each, and the folds are of equal size.
    dealt = np.sort(order)
    shares = np.stack([np.bincount(dealt[k::folds], minlength=len(first)) for k in range(folds)])
    places = np.empty(len(labels), np.int64)
    for c in range(len(first)):
        given = np.repeat(np.arange(folds), shares[:, c])
        places[order == c] = given if random is None else random.permutation(given)
    return places


@method(task="evaluation", paper="Stone 1974", lesson="w4d6")
def cross_validate(
    estimator: Classifier,
    samples: Any,
    y: Any,
    *,
    folds: Annotated[int, Range(2, 1000)] = 5,
    stratified: bool = True,
    seed: Seed | None = 0,
) -> CrossValidated:
    """Fit a classifier K times, each time without one fold, and test it on that fold.

    Parameters
    ----------
    estimator
        A classifier; it is not changed, new ones with its parameters are fitted.
    samples
        N×D finite numbers.
    y
        N labels, whole numbers or words.
    folds, stratified, seed
        As in :func:`k_fold`.

    Returns
    -------
    CrossValidated

    Raises
    ------
    InputError
        When the estimator is no classifier of ``sightline.learn``, or as its ``fit`` and :func:`k_fold` do.

    References
    ----------
    M. Stone, "Cross-Validatory Choice and Assessment of Statistical Predictions", Journal of the Royal Statistical
    Society B 36, 1974.

    Examples
    --------
    >>> from sightline.learn import KNN
    >>> found = cross_validate(KNN(1), [[0.0], [0.1], [0.2], [5.0], [5.1], [5.2]], list("aaabbb"), folds=3)
    >>> found.scores.tolist(), found.predicted.tolist()
    ([1.0, 1.0, 1.0], ['a', 'a', 'a', 'b', 'b', 'b'])
    """
    if not isinstance(estimator, Classifier):
        raise InputError(
            f"cross_validate: estimator must be a classifier of sightline.learn; got {describe(estimator)}."
        )
    table = as_table("cross_validate", samples, least=2)
    classes, index = as_targets("cross_validate", y, len(table))
    labels = classes[index]
    places = k_fold(labels, folds, stratified=stratified, seed=seed)
    scores, predicted = np.empty(folds), np.empty_like(labels)
    for k in range(folds):
        tested = places == k
        fitted: Any = type(estimator)(**estimator.get_params())
        fitted.fit(table[~tested], labels[~tested])
        predicted[tested] = fitted.predict(table[tested])
        scores[k] = (predicted[tested] == labels[tested]).mean()
    return CrossValidated(scores, predicted, places)
