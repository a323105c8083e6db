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
from sightline.core.kernels import kernel
from sightline.core.layers import Boxes as BoxesLayer
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Boxes, Choice, Image, Range
from sightline.image.convert import convert
from sightline.image.felzenszwalb import regions_of_levels
from sightline.image.region_graph import region_pairs
from sightline.image.region_merging import merge_regions

COLOUR_BINS, TEXTURE_BINS, WAYS = 25, 10, 8
_BAND = 1 << 15  # pixels whose colours are counted together
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
    image = as_image("selective_search", image, finite=True, most=1e12)
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
        del labels  # which the next ones then need not stand beside
    every = np.concatenate(boxes)[np.argsort(np.concatenate(ranks), kind="stable")]
    _, first_seen = np.unique(every, axis=0, return_index=True)
    return np.ascontiguousarray(every[np.sort(first_seen)][:limit])


@selective_search.steps
def _steps(image: Image, *, mode: str = "fast", min_size: int = 50, limit: int = 2000, seed: int = 0) -> Iterator[Step]:
    pixels = as_image("selective_search", image, finite=True, most=1e12)
    picture = Picture(to_float(pixels))
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
    shape = (*image.shape[:2], 3)
    for space in spaces:

        def levels(y0: int, y1: int, space: str = space) -> Array:
            return _converted(image, space, y0, y1) * np.float32(255)

        for scale in scales:
            labels = regions_of_levels(levels, shape, scale, min_size)
            boxes = _bounds(labels)
            features, sizes = _histograms(image, labels, space, len(boxes))
            pairs, _ = region_pairs(labels)
            for measure in measures:
                given = features if measure is measures[-1] else features.copy()
                merges = merge_regions(given, sizes, boxes.copy(), pairs, np.array(measure), 3 * COLOUR_BINS)
                yield labels, merges, boxes
            del labels, features  # before the next ones are made


def _rgb_rows(image: Array, y0: int, y1: int) -> Array:
    """Return rows of an image as RGB 0–1, float32."""
    part = to_float(image[y0:y1])
    return part if part.ndim == 3 else np.repeat(part[..., None], 3, axis=2)


def _converted(image: Array, space: str, y0: int, y1: int) -> Array:
    """Return rows of an image in a colour space, stretched to 0–1."""
    converted = convert(_rgb_rows(image, y0, y1), "rgb", space)
    if space == "lab":
        converted = (converted + np.array([0, 128, 128], np.float32)) / np.array([100, 255, 255], np.float32)
    return converted


def _histograms(image: Array, labels: Array, space: str, count: int) -> tuple[Array, Array]:
    """Return histograms of colour and of texture over each region, N×F float64, and the regions' pixels.

    Each colour channel has a histogram; texture is how fast each channel of RGB rises in each of eight directions. The
    histograms of colour sum to 1, and so do those of texture.
    """
    height, width = labels.shape
    colours = 3 * COLOUR_BINS
    table, sizes = np.zeros((count, colours + 3 * WAYS * TEXTURE_BINS)), np.zeros(count)
    angles = [2 * np.pi * way / WAYS for way in range(WAYS)]
    turns = np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)
    rows = max(1, _BAND // width)
    for y0 in range(0, height, rows):
        y1 = min(y0 + rows, height)
        _count_colours(np.clip(_converted(image, space, y0, y1), 0, 1), labels[y0:y1], table, sizes)
        top, bottom = max(y0 - 1, 0), min(y1 + 1, height)
        beyond = ((y0 == 0, y1 == height), (1, 1), (0, 0))
        padded = np.pad(_rgb_rows(image, top, bottom), np.array(beyond, np.int64), mode="edge")
        _count_rises(padded, labels[y0:y1], turns, table[:, colours:])
    for part in (table[:, :colours], table[:, colours:]):
        part /= part.sum(axis=1, keepdims=True)
    return table, sizes


@kernel
def _count_colours(pixels, labels, table, sizes):
    """Count each channel's values 0–1 over each region."""
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            sizes[labels[y, x]] += 1
            for c in range(3):
                place = min(np.int64(pixels[y, x, c] * np.float32(COLOUR_BINS)), COLOUR_BINS - 1)
                table[labels[y, x], c * COLOUR_BINS + place] += 1


@kernel
def _count_rises(padded, labels, turns, table):
    """Count over each region how fast the channels of an image with a border of one pixel rise in each direction."""
    height, width = labels.shape
    half, double, zero, one = np.float32(0.5), np.float32(2), np.float32(0), np.float32(1)
    for y in range(height):
        for x in range(width):
            row = table[labels[y, x]]
            for c in range(3):
                dx = (padded[y + 1, x + 2, c] - padded[y + 1, x, c]) * half
                dy = (padded[y + 2, x + 1, c] - padded[y, x + 1, c]) * half
                for way in range(turns.shape[0]):
                    rise = turns[way, 0] * dx + turns[way, 1] * dy
                    # a rise of half the range in a pixel is as much as is told apart
                    value = min(max(rise * double, zero), one)
                    place = min(np.int64(value * np.float32(TEXTURE_BINS)), TEXTURE_BINS - 1)
                    row[(c * turns.shape[0] + way) * TEXTURE_BINS + place] += 1


def _bounds(labels: Array) -> Array:
    """Return the N×4 boxes of regions 0 … N − 1."""
    boxes = np.empty((int(labels.max()) + 1, 4))
    boxes[:, :2], boxes[:, 2:] = np.inf, 0
    _stretch(labels, boxes)
    return boxes


@kernel
def _stretch(labels, boxes):
    height, width = labels.shape
    for y in range(height):
        x = 0
        while x < width:
            label, first = labels[y, x], x
            while x < width and labels[y, x] == label:
                x += 1
            boxes[label, 0], boxes[label, 1] = min(boxes[label, 0], first), min(boxes[label, 1], y)
            boxes[label, 2], boxes[label, 3] = max(boxes[label, 2], x), max(boxes[label, 3], y + 1)


def _boxes_of(first: Array, merges: Array) -> Array:
    """Return the boxes of the first regions and of each merge, float32."""
    boxes = np.concatenate([first, np.empty((len(merges), 4))])
    for m, (a, b) in enumerate(merges):
        boxes[len(first) + m, :2] = np.minimum(boxes[a, :2], boxes[b, :2])
        boxes[len(first) + m, 2:] = np.maximum(boxes[a, 2:], boxes[b, 2:])
    return boxes.astype(np.float32)
