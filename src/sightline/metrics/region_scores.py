"""Region benchmark: how a segmentation agrees with those that several people drew.

Arbeláez, Maire, Fowlkes & Malik 2011, "Contour Detection and Hierarchical Image Segmentation", IEEE PAMI 33(5), section
2.2: covering; variation of information (Meilă 2005, "Comparing Clusterings: An Axiomatic View", ICML); probabilistic
Rand index (Unnikrishnan, Pantofaru & Hebert 2007, "Toward Objective Evaluation of Image Segmentation Algorithms", IEEE
PAMI 29(6)). All three follow from n_ij, the pixels of region i here that lie in region j there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Integer

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array

_EXAMPLE = {"labels": np.eye(3, dtype=np.int32), "truths": [np.eye(3, dtype=np.int32)]}


@method(task="metric", paper="Arbelaez 2011", lesson="w4d5", example=_EXAMPLE)
def segmentation_covering(labels: Labels, truths: Sequence[Labels]) -> float:
    """Return how well the regions of a segmentation cover the true ones: Σ |R| · max overlap(R, R′) / Σ |R|.

    The overlap of two regions is their intersection over their union; for each true region R the best R′ of the
    segmentation counts.

    Parameters
    ----------
    labels
        H×W whole numbers, a region for each. Labels have no NaN.
    truths
        One H×W label map for each person; the result is their mean.

    Returns
    -------
    float
        In 0–1; 1 for equal partitions.

    References
    ----------
    P. Arbeláez, M. Maire, C. Fowlkes, J. Malik, "Contour Detection and Hierarchical Image Segmentation", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 33(5), 2011.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.array([[0, 0, 1, 1]])
    >>> segmentation_covering(np.array([[0, 0, 0, 1]]), [truth])
    0.5833333333333333
    """
    scores = []
    for joint in _tables("segmentation_covering", labels, truths):
        here, there = joint.sum(axis=1, keepdims=True), joint.sum(axis=0, keepdims=True)
        overlap = joint / (here + there - joint)
        scores.append(float((there[0] * overlap.max(axis=0)).sum() / there.sum()))
    return float(np.mean(scores))


@method(task="metric", paper="Meila 2005", lesson="w4d5", example=_EXAMPLE)
def variation_of_information(labels: Labels, truths: Sequence[Labels]) -> float:
    """Return what two partitions do not know of each other, H(S | S′) + H(S′ | S), in bits.

    Parameters
    ----------
    labels
        H×W whole numbers, a region for each. Labels have no NaN.
    truths
        One H×W label map for each person; the result is their mean.

    Returns
    -------
    float
        In bits, ≥ 0; 0 for equal partitions, smaller is better.

    References
    ----------
    M. Meilă, "Comparing Clusterings: An Axiomatic View", International Conference on Machine Learning, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> variation_of_information(np.array([[0, 1, 2, 3]]), [np.array([[0, 0, 1, 1]])])
    1.0
    """
    scores = []
    for joint in _tables("variation_of_information", labels, truths):
        share = joint / joint.sum()
        entropies = [_entropy(share.sum(axis=1)), _entropy(share.sum(axis=0))]
        scores.append(max(0.0, 2 * _entropy(share) - sum(entropies)))
    return float(np.mean(scores))


@method(task="metric", paper="Unnikrishnan 2007", lesson="w4d5", example=_EXAMPLE)
def probabilistic_rand_index(labels: Labels, truths: Sequence[Labels]) -> float:
    """Return the share of pairs of pixels that are together, or apart, in both segmentations.

    Parameters
    ----------
    labels
        H×W whole numbers, a region for each; at least two pixels. Labels have no NaN.
    truths
        One H×W label map for each person; the result is their mean.

    Returns
    -------
    float
        In 0–1; 1 for equal partitions.

    References
    ----------
    R. Unnikrishnan, C. Pantofaru, M. Hebert, "Toward Objective Evaluation of Image Segmentation Algorithms", IEEE
    Transactions on Pattern Analysis and Machine Intelligence 29(6), 2007.

    Examples
    --------
    >>> import numpy as np
    >>> probabilistic_rand_index(np.array([[0, 0, 1]]), [np.array([[0, 1, 1]])])
    0.3333333333333333
    """
    scores = []
    for joint in _tables("probabilistic_rand_index", labels, truths):
        pairs = [float((n * (n - 1) / 2).sum()) for n in (joint, joint.sum(axis=1), joint.sum(axis=0), joint.sum())]
        both, here, there, every = pairs
        scores.append((every + 2 * both - here - there) / every if every else 1.0)
    return float(np.mean(scores))


Labels = Integer[np.ndarray, "h w"]


def _tables(function: str, labels: Any, truths: Any) -> Iterator[Array]:
    """Yield n_ij as float64 for each true partition."""
    labels, regions = _as_partition(function, "labels", labels)
    if isinstance(truths, np.ndarray) or not isinstance(truths, Sequence) or len(truths) == 0:
        raise InputError(f"{function}: truths must be a list of at least one label map; got {describe(truths)}.")
    for truth in truths:
        other, others = _as_partition(function, "truths", truth)
        if other.shape != labels.shape:
            wanted = "×".join(map(str, labels.shape))
            raise InputError(f"{function}: truths must be of the labels' shape {wanted}; got {describe(truth)}.")
        counts = np.bincount((labels * others + other).ravel(), minlength=regions * others)
        yield counts.reshape(regions, others).astype(np.float64)


def _as_partition(function: str, argument: str, labels: Any) -> tuple[Array, int]:
    if not isinstance(labels, np.ndarray) or labels.ndim != 2 or labels.dtype.kind not in "iu" or labels.size == 0:
        raise InputError(f"{function}: {argument} must be H×W whole numbers; got {describe(labels)}.")
    names, indices = np.unique(labels, return_inverse=True)
    return indices.reshape(labels.shape).astype(np.int64), len(names)


def _entropy(shares: Array) -> float:
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum())
