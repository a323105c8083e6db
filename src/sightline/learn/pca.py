"""Principal components: the directions along which a cloud of points is widest, one across the other.

Pearson 1901, "On Lines and Planes of Closest Fit to Systems of Points in Space", Philosophical Magazine 2(11);
Hotelling 1933, "Analysis of a Complex of Statistical Variables into Principal Components", J. Educational Psychology.
Where there are fewer points than numbers in each, the small matrix of their products is decomposed instead, as Turk &
Pentland 1991, "Eigenfaces for Recognition", J. Cognitive Neuroscience 3(1), do for faces.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.linalg import eigh

from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.estimator import Estimator, as_seen, as_table, require_fitted

_BLOCK = 2048  # samples whose products are added up in their own dtype


class PCA(Estimator):
    """Principal components: fewer numbers a sample, so that as much as possible of the spread is kept.

    With the centred samples as rows of X, the components are the eigenvectors of Xᵀ X / (N - 1), that of the greatest
    eigenvalue first; each is turned so that its greatest number is positive.

    Parameters
    ----------
    n_components
        How many, 1 to min(N, D), all of these when None; or the share of the variance to keep, between 0 and 1.
    whiten
        Divide each coordinate by its standard deviation.

    Attributes
    ----------
    components_
        K×D, each of length 1.
    mean_
        D, of the samples.
    explained_variance_, explained_variance_ratio_
        K variances along the components, and what share of the whole variance each is.
    singular_values_
        K singular values of the centred samples.
    n_components_
        K.

    References
    ----------
    H. Hotelling, "Analysis of a Complex of Statistical Variables into Principal Components", Journal of Educational
    Psychology 24, 1933.

    Examples
    --------
    >>> import numpy as np
    >>> pca = PCA(1).fit(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]))
    >>> pca.components_.round(3).tolist(), pca.transform([[3, 3]]).round(3).tolist()
    ([[0.707, 0.707]], [[2.828]])
    """

    components_: Array
    mean_: Array
    explained_variance_: Array
    explained_variance_ratio_: Array
    singular_values_: Array
    n_components_: int

    def __init__(self, n_components: int | float | None = None, *, whiten: bool = False) -> None:
        self.n_components = n_components
        self.whiten = whiten

    def fit(self, samples: Any, y: Any = None) -> PCA:
        """Find the components; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers, N ≥ 2.
        y
            Not looked at.
        """
        table = as_table("PCA.fit", samples, least=2)
        flag("PCA", "whiten", self.whiten)
        most = min(table.shape)
        kind = table.dtype
        if len(table) >= table.shape[1]:
            (mean, products), centred = _moments(table), table
        else:
            mean = table.mean(axis=0, dtype=np.float64)
            centred = table - mean
            products = centred @ centred.T
        values, directions = _spectrum(products)
        total, values = float(values.sum()), values[:most]
        count = self._count(values, total, most)
        components = _orthonormal(directions, centred, values, count)
        components *= np.sign(components[np.arange(count), np.abs(components).argmax(axis=1)])[:, None]
        self.mean_, self.components_ = mean.astype(kind), components.astype(kind)
        self.explained_variance_ = (values[:count] / (len(table) - 1)).astype(kind)
        self.explained_variance_ratio_ = (values[:count] / max(total, np.finfo(float).tiny)).astype(kind)
        self.singular_values_ = np.sqrt(values[:count]).astype(kind)
        self.n_components_, self.n_features_in_ = count, table.shape[1]
        return self

    def transform(self, samples: Any) -> Array:
        """Return the N×K coordinates of N×D samples along the components."""
        table = as_seen(self, "transform", samples)
        found = (table - self.mean_) @ self.components_.T
        return found / self._spread() if self.whiten else found

    def fit_transform(self, samples: Any, y: Any = None) -> Array:
        """Find the components of samples and return their coordinates; see :meth:`fit` and :meth:`transform`."""
        return self.fit(samples).transform(samples)

    def inverse_transform(self, coordinates: Any) -> Array:
        """Return the N×D samples that N×K coordinates stand for: what the components kept of them."""
        require_fitted(self, "inverse_transform")
        table = as_table("PCA.inverse_transform", coordinates, columns=self.n_components_)
        return (table * self._spread() if self.whiten else table) @ self.components_ + self.mean_

    def _spread(self) -> Array:
        return np.maximum(np.sqrt(self.explained_variance_), np.finfo(self.explained_variance_.dtype).eps)

    def _count(self, values: Array, total: float, most: int) -> int:
        if self.n_components is None:
            return most
        if isinstance(self.n_components, (float, np.floating)):
            share = number("PCA", "n_components", self.n_components, 0, 1)
            if 0 < share < 1:
                kept = np.cumsum(values) / max(total, np.finfo(float).tiny)
                return min(int(np.searchsorted(kept, share, side="right")) + 1, most)
            raise InputError(f"PCA: n_components as a share must lie between 0 and 1; got {share:g}.")
        return integer("PCA", "n_components", self.n_components, 1, most)


def _spectrum(products: Array) -> tuple[Array, Array]:
    """Return eigenvalues ≥ 0, the greatest first, and eigenvectors as columns, of X Xᵀ or Xᵀ X."""
    values, vectors = eigh(products)
    return np.maximum(values[::-1], 0), vectors[:, ::-1]


def _moments(table: Array) -> tuple[Array, Array]:
    """Return the mean and Xᵀ X of the centred samples, float64, in one pass: products of a block in their own dtype.

    What is taken off first is the mean of the first block, so that little is left to take off at the end.
    """
    shift = table[:_BLOCK].mean(axis=0, dtype=np.float64).astype(table.dtype)
    total, sums = np.zeros((table.shape[1], table.shape[1])), np.zeros(table.shape[1])
    for first in range(0, len(table), _BLOCK):
        part = table[first : first + _BLOCK] - shift  # a block at a time: it stays in the cache
        total += part.T @ part
        sums += np.ones(len(part), part.dtype) @ part
    off = sums / len(table)
    return shift + off, total - len(table) * np.outer(off, off)


def _orthonormal(directions: Array, centred: Array, values: Array, count: int) -> Array:
    """Return K×D components; where the samples do not spread any more, any directions across the others do."""
    chosen = directions[:, :count]
    if len(centred) >= centred.shape[1]:
        return np.ascontiguousarray(chosen.T)
    real = int((values[:count] > values[0] * 1e-13).sum())
    components = (chosen[:, :real].T @ centred) / np.sqrt(values[:real])[:, None]
    if real == count:
        return components
    fill = np.random.default_rng(0).normal(size=(count - real, centred.shape[1]))
    return np.concatenate([components, np.linalg.qr(np.concatenate([components, fill]).T)[0].T[real:]])


method(task="reduction", paper="Hotelling 1933", lesson="w8d3")(PCA)
