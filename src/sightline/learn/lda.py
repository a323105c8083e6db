"""Linear discriminants: the directions along which classes lie far apart and are narrow themselves.

Fisher 1936, "The Use of Multiple Measurements in Taxonomic Problems", Annals of Eugenics 7; Rao 1948, "The Utilization
of Multiple Measurements in Problems of Biological Classification", J. Royal Statistical Society B 10, for many classes.
The order is that of Hastie, Tibshirani & Friedman 2009, "The Elements of Statistical Learning", section 4.3.3: make the
classes round, then find the principal components of their means.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.estimator import as_seen, as_table, as_targets
from sightline.learn.linear_classifier import LinearClassifier, probabilities

_RANK = 1e-4  # of a singular value, below which a direction counts as none


class LDA(LinearClassifier):
    """Linear discriminant analysis: at most C - 1 numbers a sample that tell C classes apart; and a classifier.

    Directions w maximise wᵀ S_b w / wᵀ S_w w, where S_w is the scatter within the classes and S_b that of their means.
    A sample goes to the class that is likeliest when all classes are clouds of one shape.

    Parameters
    ----------
    n_components
        How many directions, 1 to min(C - 1, D); all when None.

    Attributes
    ----------
    classes_
        C labels, sorted.
    means_, priors_
        C×D mean and C share of each class.
    xbar_
        D, the mean of all.
    scalings_
        D×K directions, so that classes have variance 1 along each.
    explained_variance_ratio_
        K shares of the variance between the classes.
    coef_, intercept_
        C×D weights and C offsets of the classifier, 1×D and 1 for two classes.

    References
    ----------
    R. A. Fisher, "The Use of Multiple Measurements in Taxonomic Problems", Annals of Eugenics 7, 1936.

    Examples
    --------
    >>> samples = [[0, 0], [1, 5], [0, 4], [4, 0], [5, 5], [4, 6]]
    >>> lda = LDA().fit(samples, ["left", "left", "left", "right", "right", "right"])
    >>> lda.predict([[0.5, 9], [4.5, -3]]).tolist()
    ['left', 'right']
    """

    means_: Array
    priors_: Array
    xbar_: Array
    scalings_: Array
    explained_variance_ratio_: Array

    def __init__(self, n_components: int | None = None) -> None:
        self.n_components = n_components

    def fit(self, samples: Any, y: Any) -> LDA:
        """Find the directions; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers, N greater than the number of classes.
        y
            N whole numbers or words, of two classes at least.
        """
        table = as_table("LDA.fit", samples, least=3)
        self.classes_, index = as_targets("LDA.fit", y, len(table))
        classes, kind = len(self.classes_), table.dtype
        if len(table) <= classes:
            raise InputError(f"LDA.fit: samples must be more than the {classes} classes; got {len(table)}.")
        most = min(classes - 1, table.shape[1])
        count = most if self.n_components is None else integer("LDA", "n_components", self.n_components, 1, most)
        counts = np.bincount(index, minlength=classes)
        means = np.stack([table[index == c].mean(axis=0, dtype=np.float64) for c in range(classes)])
        priors = counts / len(table)
        mean = priors @ means
        round_ = _rounding(table - means[index])
        apart = np.sqrt(len(table) * priors / (classes - 1))[:, None] * (means - mean)
        _, spread, axes = np.linalg.svd(apart @ round_, full_matrices=False)
        rank = int((spread > _RANK * spread[0]).sum())
        scalings = round_ @ axes.T[:, :rank]
        self.explained_variance_ratio_ = ((spread**2 / max((spread**2).sum(), 1e-300))[:count]).astype(kind)
        self.scalings_, self.xbar_ = scalings.astype(kind), mean.astype(kind)
        self.means_, self.priors_ = means.astype(kind), priors.astype(kind)
        self._classifier(means, mean, priors, scalings, kind)
        self._most, self.n_features_in_ = count, table.shape[1]
        return self

    def transform(self, samples: Any) -> Array:
        """Return the N×K coordinates of N×D samples along the directions."""
        table = as_seen(self, "transform", samples)
        return ((table - self.xbar_) @ self.scalings_)[:, : self._most]

    def fit_transform(self, samples: Any, y: Any) -> Array:
        """Find the directions of samples and return their coordinates; see :meth:`fit` and :meth:`transform`."""
        return self.fit(samples, y).transform(samples)

    def predict_proba(self, samples: Any) -> Array:
        """Return the N×C probabilities of the classes of N×D samples."""
        return probabilities(self.decision_function(samples))

    def _classifier(self, means: Array, mean: Array, priors: Array, scalings: Array, kind: Any) -> None:
        """Write the classifier: nearest mean where classes are round, and what is frequent is nearer."""
        middles = (means - mean) @ scalings
        weights = middles @ scalings.T
        offsets = -0.5 * (middles**2).sum(axis=1) + np.log(priors) - weights @ mean
        if len(middles) == 2:
            weights, offsets = weights[1:] - weights[:1], offsets[1:] - offsets[:1]
        self.coef_, self.intercept_ = weights.astype(kind), offsets.astype(kind)


def _rounding(within: Array) -> Array:
    """Return the D×R matrix after which N×D deviations from class means have variance 1 in every direction left."""
    deviations = within.std(axis=0)
    deviations[deviations == 0] = 1
    _, sizes, axes = np.linalg.svd(within / deviations / np.sqrt(len(within)), full_matrices=False)
    rank = int((sizes > _RANK).sum())
    if not rank:
        raise InputError("LDA.fit: samples of a class must differ; got classes of equal samples only.")
    return (axes[:rank] / deviations).T / sizes[:rank]


method(task="reduction", paper="Fisher 1936", lesson="w8d3")(LDA)
