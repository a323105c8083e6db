"""What every clusterer does: it says of each sample that it was fitted to which cluster it belongs to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np

from sightline.core.types import Array
from sightline.learn.estimator import Estimator


class Clusterer(Estimator, ABC):
    """An estimator that finds groups among samples.

    Attributes
    ----------
    labels_
        N int32: the cluster of each sample of fit.
    """

    kind_of_estimator: ClassVar[str | None] = "clusterer"
    labels_: Array

    @abstractmethod
    def fit(self, samples: Any, y: Any = None) -> Self:
        """Find the clusters of N×D samples; return the estimator itself."""

    def fit_predict(self, samples: Any, y: Any = None) -> Array:
        """Find the clusters of N×D samples; return the cluster of each, N int32."""
        return self.fit(samples).labels_


def by_first(labels: Array) -> Array:
    """Return the same groups, numbered in the order of their first sample, N int32."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int32)
    place[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    return place[inverse]
