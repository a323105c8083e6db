"""The tree of an agglomerative clustering as a picture: a bracket for each join, as high as its distance."""

from __future__ import annotations

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.types import Array

_INK = (60, 60, 60)


def draw_dendrogram(joins: Array, labels: Array, size: tuple[int, int] = (360, 640)) -> Array:
    """Return the dendrogram of a clustering, height×width×3 uint8.

    Parameters
    ----------
    joins
        (N − 1)×4, as ``Agglomerative.linkage_``.
    labels
        N clusters; joins within one have its colour, those between clusters are grey.
    size
        Height and width in pixels.
    """
    (height, width), count = size, len(joins) + 1
    left, right = joins[:, 0].astype(np.int64), joins[:, 1].astype(np.int64)
    first = np.zeros(2 * count - 1, np.int64)  # the place of a cluster's leftmost leaf
    sizes = np.concatenate([np.ones(count, np.int64), joins[:, 3].astype(np.int64)])
    for i in range(count - 2, -1, -1):
        first[left[i]], first[right[i]] = first[count + i], first[count + i] + sizes[left[i]]
    middle, level = first.astype(np.float64), np.zeros(2 * count - 1)
    groups = np.concatenate([labels, np.full(count - 1, -1)])
    for i, (a, b) in enumerate(zip(left, right, strict=True)):
        middle[count + i], level[count + i] = (middle[a] + middle[b]) / 2, joins[i, 2]
        groups[count + i] = groups[a] if groups[a] == groups[b] else -1
    top, edge = max(float(joins[:, 2].max()), 1e-12), 12
    across = edge + middle * (width - 2 * edge) / max(count - 1, 1)
    down = height - edge - level * (height - 2 * edge) / top
    canvas = Canvas(np.full((height, width, 3), 255, np.uint8))
    for i in np.argsort(joins[:, 2]):
        a, b, union = left[i], right[i], count + i
        bracket = [(across[a], down[a]), (across[a], down[union]), (across[b], down[union]), (across[b], down[b])]
        canvas.line(np.array(bracket), _INK if groups[union] < 0 else colour_of(int(groups[union])))
    return canvas.image()
