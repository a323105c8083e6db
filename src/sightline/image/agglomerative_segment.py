"""Agglomerative segmentation: join the two neighbouring regions whose union costs least, until few are left.

Ward 1963, "Hierarchical grouping to optimize an objective function", Journal of the American Statistical Association
58(301): joining regions a and b raises the sum of squares by |a| |b| / (|a| + |b|) · ‖mean a − mean b‖².
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range
from sightline.image.lab_planes import as_lab_source, lab_bands
from sightline.image.region_graph import numbered, region_pairs, region_sums
from sightline.image.region_merging import cut_tree, merge_regions
from sightline.image.slic import slic


@method(task="segmentation", paper="Ward 1963", lesson="w2d3", example={"segments": 5})
def agglomerative_segment(
    image: Image,
    segments: Annotated[int, Range(1, 10000, 1)],
    *,
    superpixels: Annotated[int, Range(0, 20000, 100)] = 1500,
) -> Labels:
    """Return ``segments`` connected regions, joined from the smallest parts by Ward's rule.

    Colours are compared in CIE L*a*b*. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3 RGB; uint8, uint16 or float32.
    segments
        Number of regions to stop at, ≥ 1; at most the number of parts to start with.
    superpixels
        Number of SLIC superpixels to start from; 0 starts from single pixels, which takes long for large images.

    Returns
    -------
    labels
        H×W int32, 0 … ``segments`` − 1 in the order of their first pixel, row by row.

    References
    ----------
    J. H. Ward, "Hierarchical grouping to optimize an objective function", Journal of the American Statistical
    Association 58(301), 1963.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 12, 200], [11, 13, 210]], np.uint8)
    >>> agglomerative_segment(image, 2, superpixels=0).tolist()
    [[0, 0, 1], [0, 0, 1]]
    """
    parts, merges, segments = _tree(image, segments, superpixels)
    return _cut(parts, merges, segments, out=parts)


@agglomerative_segment.steps
def _steps(image: Image, segments: int, *, superpixels: int = 1500) -> Iterator[Step]:
    parts, merges, segments = _tree(image, segments, superpixels)
    picture = Picture(as_image("agglomerative_segment", image))
    yield Step("parts", LabelsLayer(parts + 1), picture, LabelsLayer(parts + 1), note="What merging starts from.")
    for factor in (16, 4):
        labels = _cut(parts, merges, segments * factor)
        yield Step(f"{factor} times as many", LabelsLayer(labels + 1), picture, LabelsLayer(labels + 1))
    yield Step("segments", LabelsLayer(_cut(parts, merges, segments)))


def _tree(image: Any, segments: Any, superpixels: Any) -> tuple[Array, Array, int]:
    """Return the parts that merging starts from, the merges, and the number of segments."""
    image = as_lab_source("agglomerative_segment", image)
    superpixels = integer("agglomerative_segment", "superpixels", superpixels, 0, 200000)
    shape = image.shape[:2]
    if superpixels == 0 or superpixels >= shape[0] * shape[1]:
        parts = np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape)
    else:
        parts = slic(image, superpixels)
    segments = integer("agglomerative_segment", "segments", segments, 1, int(parts.max()) + 1)
    sizes, sums = region_sums(parts, lab_bands(image))
    pairs, _ = region_pairs(parts)
    return parts, merge_regions(sums / sizes[:, None], sizes, pairs), segments


def _cut(parts: Array, merges: Array, segments: int, out: Array | None = None) -> Array:
    return numbered(parts, cut_tree(merges, int(parts.max()) + 1, segments), out=out)
