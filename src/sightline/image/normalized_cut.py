"""Normalized cuts: part a graph where the cut is small against what each side is connected to in all.

Shi & Malik 2000, "Normalized Cuts and Image Segmentation", IEEE PAMI 22(8), whose symbols are used: W holds the weights
between nodes, D their sums, and Ncut(A, B) = cut(A, B) / assoc(A, V) + cut(A, B) / assoc(B, V) is least, were y free to
take any value, for the second smallest eigenvector of (D − W) y = λ D y. The nodes are superpixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from scipy.linalg import eigh
from scipy.sparse import coo_matrix, diags, identity
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import eigsh

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range
from sightline.image.lab_planes import as_lab_source, lab_bands
from sightline.image.region_graph import numbered, region_pairs, region_sums
from sightline.image.slic import slic

_NARROWEST = 1e-150  # a sigma whose square is still more than 0
_CUTS = 20  # positions at which an eigenvector is tried to be cut
_DENSE = 800  # nodes up to which all eigenvectors at once cost less than iterating for two


@method(task="segmentation", paper="Shi & Malik 2000", lesson="w2d3", example={"segments": 4, "superpixels": 50})
def normalized_cut(
    image: Image,
    segments: Annotated[int, Range(1, 1000, 1)] = 20,
    *,
    threshold: Annotated[float, Range(0, 2, 0.01)] = 2.0,
    sigma: Annotated[float, Range(0.1, 200, 0.5)] = 8.0,
    superpixels: Annotated[int, Range(2, 20000, 50)] = 400,
    start: Labels | None = None,
) -> Labels:
    """Return at most ``segments`` regions, parted one after another where the normalized cut is smallest.

    Superpixels that touch are connected with the weight exp(−d² / σ²), d the distance of their mean colours in CIE
    L*a*b*. The graph is cut in two; of all parts, the one whose best cut is least is cut next. NaN and infinity are
    refused.

    Parameters
    ----------
    image
        H×W or H×W×3 RGB; uint8, uint16 or float32.
    segments
        Number of segments to stop at, ≥ 1.
    threshold
        Stop as well when the best cut has a greater Ncut, 0–2; 2 never stops.
    sigma
        Distance of colours at which a weight has fallen to 1/e, in units of L*a*b* (> 0).
    superpixels
        Number of SLIC superpixels to start from, ≥ 2.
    start
        H×W int32 label map to start from instead of superpixels.

    Returns
    -------
    labels
        H×W int32, 0 … N − 1 in the order of their first pixel, row by row.

    References
    ----------
    J. Shi, J. Malik, "Normalized Cuts and Image Segmentation", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 22(8), 2000.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 12, 200, 204], [11, 13, 210, 207]], np.uint8)
    >>> normalized_cut(image, 2, superpixels=8).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    (parts, _), *_, (node_labels, _) = _cuts(image, segments, threshold, sigma, superpixels, start)
    return numbered(parts, node_labels, out=parts)


@normalized_cut.steps
def _steps(
    image: Image,
    segments: int = 20,
    *,
    threshold: float = 2.0,
    sigma: float = 8.0,
    superpixels: int = 400,
    start: Any = None,
) -> Iterator[Step]:
    picture = Picture(as_image("normalized_cut", image))
    (parts, _), *rounds = _cuts(image, segments, threshold, sigma, superpixels, start)
    yield Step("superpixels", LabelsLayer(parts + 1), picture, LabelsLayer(parts + 1), note="The graph's nodes.")
    for node_labels, value in rounds[1:5]:
        labels = numbered(parts, node_labels)
        name = f"{labels.max() + 1} segments"
        yield Step(name, LabelsLayer(labels + 1), picture, LabelsLayer(labels + 1), note=f"Ncut {value:.4f}.")
    yield Step("segments", LabelsLayer(numbered(parts, rounds[-1][0])))


def _cuts(
    image: Any, segments: Any, threshold: Any, sigma: Any, superpixels: Any, start: Any
) -> Iterator[tuple[Array, float]]:
    """Yield the superpixels first, then the segment of each node after every cut, with the cut's value."""
    image = as_lab_source("normalized_cut", image)
    segments = integer("normalized_cut", "segments", segments, 1)
    threshold = number("normalized_cut", "threshold", threshold, 0, 2)
    sigma = number("normalized_cut", "sigma", sigma, above=0, high=1e6)
    superpixels = integer("normalized_cut", "superpixels", superpixels, 2)
    if start is None:
        parts = slic(image, superpixels)
    elif isinstance(start, np.ndarray) and start.shape == image.shape[:2] and start.dtype.kind in "iu":
        parts = numbered(start)
    else:
        wanted = "×".join(map(str, image.shape[:2]))
        raise InputError(
            f"normalized_cut: start must be a label map of the image's shape {wanted}; got {describe(start)}."
        )
    yield parts, 0.0
    weights = _weights(parts, image, sigma)
    nodes = np.zeros(weights.shape[0], np.int64)
    yield nodes, 0.0
    waiting = [(*_best_cut(weights, np.arange(len(nodes))), np.arange(len(nodes)))]
    for new in range(1, segments):
        value, side, members = min(waiting, key=lambda item: item[0])
        if value > threshold or math.isinf(value):
            return
        waiting = [item for item in waiting if item[2] is not members]
        nodes = nodes.copy()
        nodes[members[side]] = new
        waiting += [(*_best_cut(weights, part), part) for part in (members[side], members[~side])]
        yield nodes, value


def _weights(parts: Array, image: Array, sigma: float) -> Any:
    sizes, sums = region_sums(parts, lab_bands(image))
    means = sums / sizes[:, None]
    pairs, _ = region_pairs(parts)
    square = ((means[pairs[:, 0]] - means[pairs[:, 1]]) ** 2).sum(axis=1)
    weights = np.exp(-square / max(sigma, _NARROWEST) ** 2) + 1e-12  # what touches is connected, however little
    own = np.arange(len(sizes))  # a node is as near to itself as can be: its weight is 1
    one, other = np.concatenate([pairs, pairs[:, ::-1], np.stack([own, own], axis=1)]).T
    values = np.concatenate([weights, weights, np.ones(len(sizes))])
    return coo_matrix((values, (one, other)), (len(sizes), len(sizes))).tocsr()


def _best_cut(weights: Any, members: Array) -> tuple[float, Array]:
    """Return the least Ncut among cuts of the second eigenvector, and which members lie on its one side."""
    if len(members) < 2:
        return math.inf, np.zeros(len(members), np.bool_)
    graph = weights[members][:, members]
    count, group = connected_components(graph, directed=False)
    if count > 1:  # the part was cut in pieces before: they part for nothing
        return 0.0, group == 0
    degree = np.asarray(graph.sum(axis=1)).ravel()
    y = _second_eigenvector(graph, degree)
    best, chosen = math.inf, np.zeros(len(members), np.bool_)
    for level in np.linspace(y.min(), y.max(), _CUTS, endpoint=False):
        side = y > level
        inside, outside = degree[side].sum(), degree[~side].sum()
        if not (side.any() and (~side).any()):
            continue
        cut = degree[side].sum() - graph[side][:, side].sum()
        value = float(cut / inside + cut / outside)
        if value < best:
            best, chosen = value, side
    return best, chosen


def _second_eigenvector(graph: Any, degree: Array) -> Array:
    """Return y = D^(−1/2) z for the second smallest eigenvector z of D^(−1/2) (D − W) D^(−1/2)."""
    root = 1 / np.sqrt(degree)
    scaled = diags(root) @ graph @ diags(root)
    count = len(degree)
    if count <= _DENSE:
        z = np.asarray(eigh(scaled.toarray(), subset_by_index=(count - 2, count - 2))[1])[:, 0]
    else:  # nearest to just below 0; the first vector is fixed, so that the result is, too
        start = np.sqrt(degree) + np.linspace(0, 1, count)
        values, vectors = eigsh((identity(count) - scaled).tocsc(), 2, sigma=-1e-3, which="LM", v0=start)
        z = np.asarray(vectors)[:, np.argsort(values)[1]]
    y = root * z
    return y if y[np.argmax(np.abs(y))] > 0 else -y
