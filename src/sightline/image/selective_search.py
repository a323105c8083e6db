"""Selective search: boxes of everything that could be an object, from a hierarchy of regions.

Uijlings, van de Sande, Gevers & Smeulders 2013, "Selective Search for Object Recognition", IJCV 104(2), section 3:
small regions are joined two by two, the most alike first; alike are regions of like colours and like texture, that
are small, and that fill their common box. Several colour spaces and starts give a hierarchy each; a region is a box.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer
from sightline.core.conversions import to_float
from sightline.core.layers import Boxes as BoxesLayer
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Boxes, Choice, Image, Range
from sightline.image.convert import convert
from sightline.image.felzenszwalb import felzenszwalb
from sightline.image.region_graph import region_pairs
from sightline.image.region_merging import merge_regions

COLOUR_BINS, TEXTURE_BINS, WAYS = 25, 10, 8
_ALL, _NO_COLOUR = (1.0, 1.0, 1.0, 1.0), (0.0, 1.0, 1.0, 1.0)  # colour, texture, size, fill
# (colour space, scales of the first regions, measures of likeness): the paper's table 5, and a single one.
_MODES = {
    "single": (("hsv",), (100.0,), (_ALL,)),
    "fast": (("hsv", "lab"), (50.0, 100.0), (_ALL, _NO_COLOUR)),
}


@method(task="proposals", paper="Uijlings 2013", lesson="w2d3")
def selective_search(
    image: Image,
    *,
    mode: Annotated[str, Choice("single", "fast")] = "fast",
    min_size: Annotated[int, Range(1, 10000, 1)] = 50,
    limit: Annotated[int, Range(1, 20000, 50)] = 2000,
    seed: int = 0,
) -> Boxes:
    """Return boxes that may hold objects, the most promising first.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3 RGB; uint8, uint16 or float32.
    mode
        ``single``: one hierarchy (HSV, scale 100); ``fast``: the paper's eight (HSV and Lab, scales 50 and 100, with
        and without colour in the likeness).
    min_size
        Fewest pixels of a first region, ≥ 1.
    limit
        Greatest number of boxes, ≥ 1.
    seed
        Whole number ≥ 0 for the random part of the order: a region near the top of its hierarchy comes early, but not
        always.

    Returns
    -------
    boxes
        N×4 float32 xyxy, without repetition.

    References
    ----------
    J. R. R. Uijlings, K. E. A. van de Sande, T. Gevers, A. W. M. Smeulders, "Selective Search for Object Recognition",
    International Journal of Computer Vision 104(2), 2013.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((40, 60, 3), np.uint8)
    >>> image[10:30, 20:50] = 255
    >>> boxes = selective_search(image, mode="single")
    >>> [20.0, 10.0, 50.0, 30.0] in boxes.tolist()
    True
    """
    image = to_float(as_image("selective_search", image, finite=True, most=1e12))
    mode = choice("selective_search", "mode", mode, tuple(_MODES))
    min_size = integer("selective_search", "min_size", min_size, 1)
    limit = integer("selective_search", "limit", limit, 1)
    random = np.random.default_rng(integer("selective_search", "seed", seed, 0))
    boxes, ranks = [], []
    for labels, merges, first in _hierarchies(image, mode, min_size):
        found = _boxes_of(first, merges)
        boxes.append(found)
        place = np.arange(len(found), 0, -1)  # 1 for the whole image, the last that was made
        ranks.append(place * random.random(len(found)))
        del labels
    every = np.concatenate(boxes)[np.argsort(np.concatenate(ranks), kind="stable")]
    _, first_seen = np.unique(every, axis=0, return_index=True)
    return np.ascontiguousarray(every[np.sort(first_seen)][:limit])


@selective_search.steps
def _steps(image: Image, *, mode: str = "fast", min_size: int = 50, limit: int = 2000, seed: int = 0) -> Iterator[Step]:
    pixels = to_float(as_image("selective_search", image, finite=True, most=1e12))
    picture = Picture(pixels)
    labels, merges, first = next(_hierarchies(pixels, mode, min_size))
    yield Step("first regions", LabelsLayer(labels + 1), picture, LabelsLayer(labels + 1), note="Small and even.")
    boxes = _boxes_of(first, merges)
    for share in (2, 4, 8):
        late = boxes[len(first) + len(merges) - max(1, len(merges) // share) :]
        yield Step(f"last 1/{share} of the merges", BoxesLayer(late), picture, BoxesLayer(late))
    result = selective_search(image, mode=mode, min_size=min_size, limit=limit, seed=seed)
    yield Step("boxes", BoxesLayer(result), picture, BoxesLayer(result[:30]), note="The thirty most promising.")


def _hierarchies(image: Array, mode: str, min_size: int) -> Iterator[tuple[Array, Array, Array]]:
    """Yield the first regions, the merges and the first regions' boxes of each hierarchy."""
    spaces, scales, measures = _MODES[mode]
    rgb = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    ways = _ways(rgb)
    for space in spaces:
        converted = convert(rgb, "rgb", space)
        if space == "lab":
            converted = (converted + np.array([0, 128, 128], np.float32)) / np.array([100, 255, 255], np.float32)
        for scale in scales:
            labels = felzenszwalb(np.ascontiguousarray(converted), scale, min_size=min_size)
            sizes = np.bincount(labels.ravel()).astype(np.float64)
            colours = _histograms(labels, [np.clip(c, 0, 1) for c in np.moveaxis(converted, 2, 0)], COLOUR_BINS)
            features = np.concatenate([colours, _histograms(labels, ways, TEXTURE_BINS)], axis=1)
            boxes = _bounds(labels)
            pairs, _ = region_pairs(labels)
            for measure in measures:
                weights = np.array(measure)
                yield labels, merge_regions(features, sizes, boxes, pairs, weights, colours.shape[1]), boxes


def _ways(rgb: Array) -> list[Array]:
    """Return how fast each channel rises in each of eight directions, as values 0–1."""
    ways = []
    for channel in np.moveaxis(rgb, 2, 0):
        padded = np.pad(channel, 1, mode="edge")
        dx, dy = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2, (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
        for way in range(WAYS):
            angle = 2 * np.pi * way / WAYS
            rise = np.float32(np.cos(angle)) * dx + np.float32(np.sin(angle)) * dy
            ways.append(np.clip(rise * 2, 0, 1))  # a rise of half the range in a pixel is as much as is told apart
    return ways


def _histograms(labels: Array, planes: list[Array], bins: int) -> Array:
    """Return a histogram of each plane (values 0–1) over each region, side by side, N×(planes · bins), sums 1."""
    count = int(labels.max()) + 1
    rows = []
    for plane in planes:
        place = np.minimum((plane * bins).astype(np.int32), bins - 1)
        rows.append(np.bincount((labels * bins + place).ravel(), minlength=count * bins).reshape(count, bins))
    table = np.concatenate(rows, axis=1).astype(np.float64)
    return table / table.sum(axis=1, keepdims=True)


def _bounds(labels: Array) -> Array:
    """Return the N×4 boxes of regions 0 … N − 1."""
    count = int(labels.max()) + 1
    y, x = (a.ravel() for a in np.indices(labels.shape))
    flat = labels.ravel()
    boxes = np.empty((count, 4))
    boxes[:, :2], boxes[:, 2:] = np.inf, 0
    for column, values in ((0, x), (1, y)):
        np.minimum.at(boxes[:, column], flat, values)
        np.maximum.at(boxes[:, column + 2], flat, values + 1)
    return boxes


def _boxes_of(first: Array, merges: Array) -> Array:
    """Return the boxes of the first regions and of each merge, float32."""
    boxes = np.concatenate([first, np.empty((len(merges), 4))])
    for m, (a, b) in enumerate(merges):
        boxes[len(first) + m, :2] = np.minimum(boxes[a, :2], boxes[b, :2])
        boxes[len(first) + m, 2:] = np.maximum(boxes[a, 2:], boxes[b, 2:])
    return boxes.astype(np.float32)
