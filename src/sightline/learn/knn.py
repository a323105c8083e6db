"""k nearest neighbours: a sample is of the class that most of the samples next to it are of.

Fix & Hodges 1951, "Discriminatory Analysis: Nonparametric Discrimination: Consistency Properties", USAF School of
Aviation Medicine; Cover & Hart 1967, "Nearest Neighbor Pattern Classification", IEEE Transactions on Information Theory
13(1), who show that with one neighbour and many samples the error is at most twice the least that there can be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer
from sightline.core.errors import InputError
from sightline.core.layers import Grid, Picture, Table, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.learn.decision_picture import decision_picture
from sightline.learn.estimator import Classifier, as_seen, as_table, as_targets
from sightline.learn.kd_tree import KDTree
from sightline.learn.nearest_rows import NearestRows

_FEW = 10  # numbers a sample, up to which a tree leaves most of the samples aside


class KNN(Classifier):
    """k nearest neighbours: nothing is learned but kept, and the samples nearest to a new one vote on its class.

    The neighbours are exact, by Euclidean distance; of equally near ones the first in the table counts, of equally many
    votes the first class.

    Parameters
    ----------
    k
        Neighbours that vote, 1 to N.
    weights
        ``"uniform"``: each has one vote; ``"distance"``: 1 / distance, and where the distance is 0, all of them.
    method
        How they are sought: ``"blocks"`` by products of matrices, ``"tree"`` by a k-d tree, ``"auto"`` a tree for up to
        10 numbers a sample.

    Attributes
    ----------
    classes_
        C labels, sorted.

    References
    ----------
    T. M. Cover, P. E. Hart, "Nearest Neighbor Pattern Classification", IEEE Transactions on Information Theory 13,
    1967.

    Examples
    --------
    >>> knn = KNN(1).fit([[0.0], [1.0], [5.0]], ["near", "near", "far"])
    >>> knn.predict([[0.4], [4.0]]).tolist()
    ['near', 'far']
    """

    def __init__(self, k: int = 5, *, weights: str = "uniform", method: str = "auto") -> None:
        self.k = k
        self.weights = weights
        self.method = method

    def fit(self, samples: Any, y: Any) -> KNN:
        """Keep samples and labels; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers.
        y
            N whole numbers or words, of two classes at least.
        """
        table = as_table("KNN.fit", samples)
        choice("KNN", "weights", self.weights, ("uniform", "distance"))
        way = choice("KNN", "method", self.method, ("auto", "blocks", "tree"))
        self._k = integer("KNN", "k", self.k, 1)
        self.classes_, self._index = as_targets("KNN.fit", y, len(table))
        few = way == "tree" or (way == "auto" and table.shape[1] <= _FEW)
        self._seen: KDTree | NearestRows = KDTree(table) if few else NearestRows(table)
        self._table = table
        self.n_features_in_ = table.shape[1]
        return self

    def neighbours(self, samples: Any, k: int | None = None) -> tuple[Array, Array]:
        """Return which samples of fit are nearest, the nearest first.

        Parameters
        ----------
        samples
            N×D numbers.
        k
            How many, 1 to the number of samples of fit; ``k`` of the constructor when None.

        Returns
        -------
        indices
            N×k int64.
        distances
            N×k float64.
        """
        table = as_seen(self, "neighbours", samples).astype(self._table.dtype, copy=False)
        wanted = self._k if k is None else integer("KNN.neighbours", "k", k, 1)
        if wanted > len(self._index):
            raise InputError(
                f"KNN: k must be at most the n_samples = {len(self._index)} of fit; got {wanted}."
                " Add samples, or lower k."
            )
        places, distances = self._seen.nearest(table, wanted)
        if not np.isfinite(distances).all():
            raise InputError(
                "KNN: squares of distances must be numbers; got distances beyond 1e150. Scale the samples."
            )
        return places, distances

    def predict_proba(self, samples: Any) -> Array:
        """Return the N×C shares of the votes on N×D samples."""
        places, distances = self.neighbours(as_seen(self, "predict_proba", samples))
        votes = np.zeros((len(places), len(self.classes_)))
        np.add.at(votes, (np.arange(len(places))[:, None], self._index[places]), self._votes(distances))
        return votes / votes.sum(axis=1, keepdims=True)

    def predict(self, samples: Any) -> Array:
        """Return the class of each of N×D samples."""
        shares = self.predict_proba(as_seen(self, "predict", samples))
        return self.classes_[shares.argmax(axis=1)]

    def _votes(self, distances: Array) -> Array:
        if self.weights == "uniform":
            return np.ones(distances.shape)
        same = distances == 0
        # Relative to the nearest, so that tiny distances overflow nothing.
        shares = distances[:, :1] / np.where(same, 1.0, distances)
        return np.where(same.any(axis=1, keepdims=True), same, shares)


_listed = method(task="classification", paper="Cover & Hart 1967", lesson="w4d6")(KNN)


@_listed.steps
def _steps(knn: KNN, samples: Any, y: Any, sample: Any) -> Iterator[Step]:
    knn.fit(samples, y)
    one = as_seen(knn, "predict", np.asarray(sample)[None])
    places, distances = (found[0] for found in knn.neighbours(one))
    kept, side = knn._table, math.isqrt(one.size)
    if one.size == 2:
        yield Step("samples", Picture(decision_picture(knn, kept, y)), note="Which class is said of every place.")
        ways = [np.stack([one[0], kept[at]]) for at in places]
        yield Step("neighbours", Picture(decision_picture(knn, kept, y, lines=ways)), note="The nearest to one sample.")
    elif side > 3 and side * side == one.size:
        yield Step("sample", Grid(one.reshape(1, side, side)), note="A picture whose class is asked for.")
        yield Step("neighbours", Grid(kept[places].reshape(-1, side, side)), note="The nearest, row after row.")
    numbers = knn._index[places]
    near = np.column_stack([places, distances, numbers])
    names = ", ".join(str(knn.classes_[c]) for c in numbers)
    yield Step("distances", Table(near, ("index", "distance", "class")), note=f"Their classes: {names}.")
    shares = knn.predict_proba(one)[0]
    table = np.column_stack([np.arange(len(shares)), shares])
    yield Step("votes", Table(table, ("class", "share")), note="What share of the votes each class has.")
    yield Step("class", Value(knn.predict(one)[0]), note="The class of most votes.")
