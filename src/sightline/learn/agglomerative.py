"""Agglomerative clustering: join the two nearest clusters, again and again, and remember the tree.

Ward 1963, "Hierarchical Grouping to Optimize an Objective Function", JASA 58(301); Lance & Williams 1967, "A General
Theory of Classificatory Sorting Strategies", Computer Journal 9(4), for what the distances of a union are; Murtagh
1983, "A Survey of Recent Advances in Hierarchical Clustering Algorithms", Computer Journal 26(4), for the chains.
Regions of pictures, which join neighbours only, are :func:`sightline.image.agglomerative_segment`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.learn.clusterer import Clusterer, by_first
from sightline.learn.dendrogram_picture import draw_dendrogram
from sightline.learn.estimator import as_table
from sightline.learn.scatter_picture import Plane

LINKAGES = ("ward", "complete", "average", "single")


class Agglomerative(Clusterer):
    """Agglomerative clustering: every sample begins alone; the two nearest clusters are joined until one is left.

    How far apart two clusters are is said by ``linkage``: ``"ward"`` √(2·rise of the sum of squares), ``"complete"``
    the farthest pair, ``"average"`` the mean over pairs, ``"single"`` the nearest pair. The distance of a union to a
    third follows from those of its parts. Memory grows with N²: 8 bytes a pair and a pair is held twice.

    Parameters
    ----------
    n_clusters
        How many clusters the tree is cut into, 1 to N; None where ``distance_threshold`` says it.
    linkage
        ``"ward"``, ``"complete"``, ``"average"`` or ``"single"``.
    distance_threshold
        Joins at this distance or farther are undone, ≥ 0; None where ``n_clusters`` says it.

    Attributes
    ----------
    labels_
        N int32, numbered in the order of their first sample.
    linkage_
        (N − 1)×4 float64, one join a row, the nearest first: two clusters (0 … N − 1 are samples, N + i is the union of
        row i), their distance, and the union's size, as SciPy's ``linkage``.
    children_, distances_
        The first two columns as whole numbers, and the third.
    n_clusters_, n_leaves_
        How many clusters there are, and N.

    References
    ----------
    J. H. Ward, "Hierarchical Grouping to Optimize an Objective Function", Journal of the American Statistical
    Association 58(301), 1963.

    Examples
    --------
    >>> joined = Agglomerative(2, linkage="single").fit([[0.0], [1.0], [5.0], [7.0]])
    >>> joined.labels_.tolist(), joined.distances_.tolist()
    ([0, 0, 1, 1], [1.0, 2.0, 4.0])
    """

    linkage_: Array
    children_: Array
    distances_: Array
    n_clusters_: int
    n_leaves_: int

    def __init__(
        self, n_clusters: int | None = 2, *, linkage: str = "ward", distance_threshold: float | None = None
    ) -> None:
        self.n_clusters = n_clusters
        self.linkage = linkage
        self.distance_threshold = distance_threshold

    def fit(self, samples: Any, y: Any = None) -> Agglomerative:
        """Build the tree and cut it; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers, N ≥ 2.
        y
            Not looked at.
        """
        table = as_table("Agglomerative.fit", samples, least=2)
        rule = choice("Agglomerative", "linkage", self.linkage, LINKAGES)
        if (self.n_clusters is None) == (self.distance_threshold is None):
            raise InputError("Agglomerative: exactly one of n_clusters and distance_threshold must be given, not None.")
        limit = number("Agglomerative", "distance_threshold", self.distance_threshold or 0, 0)
        cut = 1 if self.n_clusters is None else integer("Agglomerative", "n_clusters", self.n_clusters, 1, len(table))
        self.linkage_ = join_all(table, rule)
        self.children_, self.distances_ = self.linkage_[:, :2].astype(np.int64), self.linkage_[:, 2].copy()
        if self.n_clusters is None:
            cut = int((self.distances_ >= limit).sum()) + 1
        self.labels_, self.n_clusters_ = cut_at(self.linkage_, cut), cut
        self.n_leaves_, self.n_features_in_ = table.shape
        return self


def join_all(table: Array, linkage: str) -> Array:
    """Return the (N − 1)×4 joins of N×D samples; see :class:`Agglomerative`."""
    count = len(table)
    apart = np.empty((count, count))
    over_rows(_distances, count, np.ascontiguousarray(table, np.float64), apart, linkage != "ward", strip=32)
    if linkage == "single":
        pairs, distances = _nearest_pairs(apart)
    else:
        pairs, distances = _chains(apart, LINKAGES.index(linkage))
    if linkage == "ward":
        distances = np.sqrt(distances)
    order = np.argsort(distances, kind="stable")
    joins = np.empty((count - 1, 4))
    joins[:, 2] = distances[order]
    _name_unions(pairs[order], joins)
    return joins


def cut_at(joins: Array, clusters: int) -> Array:
    """Return the cluster of each leaf after all but the last ``clusters`` − 1 joins, N int32, by first leaf."""
    count = len(joins) + 1
    owner = np.arange(2 * count - 1)
    for i in range(count - clusters - 1, -1, -1):  # from the last join down: a union hands its name to both parts
        owner[joins[i, :2].astype(np.int64)] = owner[count + i]
    return by_first(owner[:count])


@kernel(fastmath=True)
def _distances(table, apart, rooted, y0, y1):
    """Write the distances, squared where not ``rooted``, of rows ``y0`` to ``y1``; infinite to itself."""
    for y in range(y0, y1):
        for x in range(len(table)):
            total = 0.0
            for d in range(table.shape[1]):
                total += (table[y, d] - table[x, d]) * (table[y, d] - table[x, d])
            apart[y, x] = np.sqrt(total) if rooted else total
        apart[y, y] = np.inf


@kernel
def _chains(apart, rule):
    """Walk to the nearest cluster, from there to its nearest, until two are nearest to one another: join those.

    ``rule`` 0 is Ward's on squared distances, 1 the farthest pair, 2 the mean. ``apart`` is spoiled.
    """
    count = len(apart)
    sizes, chain = np.ones(count), np.empty(count, np.int64)
    pairs, distances = np.empty((count - 1, 2), np.int64), np.empty(count - 1)
    length, first = 0, 0
    for join in range(count - 1):
        if length == 0:
            while sizes[first] == 0:
                first += 1
            chain[0], length = first, 1
        while True:
            here = chain[length - 1]
            row = apart[here]
            least = row[0]
            for i in range(count):
                least = row[i] if row[i] < least else least
            if length > 1 and row[chain[length - 2]] <= least:  # of several nearest, the one it came from
                break
            there = 0
            while row[there] != least:
                there += 1
            chain[length] = there
            length += 1
        length -= 2
        a, b = min(here, chain[length]), max(here, chain[length])
        pairs[join, 0], pairs[join, 1], distances[join] = a, b, least
        na, nb = sizes[a], sizes[b]
        for i in range(count):
            if sizes[i] == 0 or i in (a, b):
                continue
            da, db, n = apart[i, a], apart[i, b], sizes[i]
            if rule == 0:
                new = ((na + n) * da + (nb + n) * db - n * least) / (na + nb + n)
            elif rule == 1:
                new = max(da, db)
            else:
                new = (na * da + nb * db) / (na + nb)
            apart[i, b] = apart[b, i] = new
            apart[i, a] = np.inf
        apart[a, b] = apart[b, a] = np.inf
        sizes[a], sizes[b] = 0, na + nb
    return pairs, distances


@kernel
def _nearest_pairs(apart):
    """Return the edges of the shortest tree that joins all samples (Prim 1957): single linkage is that tree."""
    count = len(apart)
    pairs, distances = np.empty((count - 1, 2), np.int64), np.empty(count - 1)
    reach, inside = np.full(count, np.inf), np.zeros(count, np.bool_)
    here = 0
    for join in range(count - 1):
        inside[here] = True
        there, least = 0, np.inf
        for i in range(count):
            if inside[i]:
                continue
            reach[i] = min(reach[i], apart[here, i])
            if reach[i] < least:
                there, least = i, reach[i]
        pairs[join, 0], pairs[join, 1], distances[join] = here, there, least
        here = there
    return pairs, distances


@kernel
def _name_unions(pairs, joins):
    """Write the names and the size of each join: what a sample has become by then is looked up in a forest."""
    count = len(pairs) + 1
    parent, sizes = np.arange(2 * count - 1), np.ones(2 * count - 1)
    for join in range(count - 1):
        a, b = pairs[join, 0], pairs[join, 1]
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        while parent[b] != b:
            parent[b] = parent[parent[b]]
            b = parent[b]
        joins[join, 0], joins[join, 1] = min(a, b), max(a, b)
        union = count + join
        parent[a] = parent[b] = union
        sizes[union] = sizes[a] + sizes[b]
        joins[join, 3] = sizes[union]


_listed = method(task="clustering", paper="Ward 1963", lesson="w4d7")(Agglomerative)


@_listed.steps
def _steps(joined: Agglomerative, samples: Any) -> Iterator[Step]:
    table = as_table("Agglomerative.fit", samples, least=2)
    plane, labels = Plane(table), joined.fit_predict(table)
    final = joined.n_clusters_
    for clusters in (8 * final, 4 * final, 2 * final):
        if clusters < len(table):
            cut = cut_at(joined.linkage_, clusters)
            note = "Every sample began alone." if clusters == 8 * final else ""
            yield Step(f"{clusters} left", Picture(plane.picture(cut)), note=note)
    note = "Height is the distance at which two were joined; the colours are those of the cut."
    yield Step("dendrogram", Picture(draw_dendrogram(joined.linkage_, labels)), note=note)
    curve = np.stack([np.arange(len(table) - 1, 0, -1), joined.distances_], axis=1)[-50:]
    yield Step("distances", Curve(curve, ("clusters that are left", "distance of the join"), float(final)))
    yield Step("clusters", Value(labels), Picture(plane.picture(labels)), note=f"{final} clusters, {joined.linkage}.")
