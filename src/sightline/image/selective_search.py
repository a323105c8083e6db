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
from sightline.image.region_hierarchy import join_alike
from sightline.image.region_histograms import WAYS, Regions, bounded_regions, count_bins

_BAND = 1 << 15  # pixels whose colours are counted together
_LAB_LEAST, _LAB_SPANS = np.array([0, -128, -128], np.float32), np.array([100, 255, 255], np.float32)
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
    boxes, ranks = np.empty((0, 4), np.float32), np.empty(0)
    for found, _ in _hierarchies(image, mode, min_size):
        place = np.arange(len(found), 0, -1)  # 1 for the whole image, the last that was made
        boxes = np.concatenate([boxes, found])
        ranks = np.concatenate([ranks, place * random.random(len(found))])
        first = np.argsort(ranks, kind="stable")
        _, seen = np.unique(boxes[first], axis=0, return_index=True)
        first = first[np.sort(seen)[:limit]]  # of more, none could come first later
        boxes, ranks = boxes[first], ranks[first]
        del found, place, first, seen  # which the next ones need not stand beside
    return boxes


@selective_search.steps
def _steps(image: Image, *, mode: str = "fast", min_size: int = 50, limit: int = 2000, seed: int = 0) -> Iterator[Step]:
    pixels = as_image("selective_search", image, finite=True, most=1e12)
    picture = Picture(to_float(pixels))
    spaces, scales, _ = _MODES[mode]
    labels = _first_regions(pixels, spaces[0], scales[0], min_size)
    yield Step("first regions", LabelsLayer(labels + 1), picture, LabelsLayer(labels + 1), note="Small and even.")
    boxes, count = next(_hierarchies(pixels, mode, min_size))
    for share in (2, 4, 8):
        late = boxes[len(boxes) - max(1, (len(boxes) - count) // share) :]
        yield Step(f"last 1/{share} of the merges", BoxesLayer(late), picture, BoxesLayer(late))
    result = selective_search(image, mode=mode, min_size=min_size, limit=limit, seed=seed)
    yield Step("boxes", BoxesLayer(result), picture, BoxesLayer(result[:30]), note="The thirty most promising.")


def _hierarchies(image: Array, mode: str, min_size: int) -> Iterator[tuple[Array, int]]:
    """Yield the boxes of each hierarchy's regions, M×4 float32, and how many of them are not joined of others."""
    spaces, scales, measures = _MODES[mode]
    for space in spaces:
        for scale in scales:
            regions, pairs = _counted(image, _first_regions(image, space, scale, min_size), space)
            for measure in measures:
                count = len(regions.sizes) // 2
                yield regions.boxes[: count + join_alike(regions, pairs, measure)].copy(), count
            del regions, pairs  # before the next ones are made


def _first_regions(image: Array, space: str, scale: float, min_size: int) -> Array:
    def levels(y0: int, y1: int) -> Array:
        return _converted(image, space, y0, y1) * np.float32(255)

    return regions_of_levels(levels, (*image.shape[:2], 3), scale, min_size)


def _rgb_rows(image: Array, y0: int, y1: int) -> Array:
    """Return rows of an image as RGB 0–1, float32."""
    part = to_float(image[y0:y1])
    return part if part.ndim == 3 else np.repeat(part[..., None], 3, axis=2)


def _converted(image: Array, space: str, y0: int, y1: int) -> Array:
    """Return rows of an image in a colour space, stretched to 0–1."""
    converted = convert(_rgb_rows(image, y0, y1), "rgb", space)
    if space == "lab":  # a number at a time along the row: NumPy would go three by three
        width = image.shape[1]
        least, spans = np.tile(_LAB_LEAST, width), np.tile(_LAB_SPANS, width)
        _stretch(converted.reshape(-1, 3 * width), least, spans)
    return converted


@kernel
def _stretch(rows, least, spans):
    for y in range(rows.shape[0]):
        row = rows[y]
        for i in range(row.size):
            row[i] = (row[i] - least[i]) / spans[i]


def _counted(image: Array, labels: Array, space: str) -> tuple[Regions, Array]:
    """Return the regions of a label map with histograms, and which of them touch.

    Each colour channel has a histogram; texture is how fast each channel of RGB rises in each of eight directions.
    """
    height, width = labels.shape
    pairs, _ = region_pairs(labels)
    regions = bounded_regions(labels)
    angles = [2 * np.pi * way / WAYS for way in range(WAYS)]
    turns = np.array([[np.cos(angle), np.sin(angle)] for angle in angles], np.float32)
    rows = max(1, _BAND // width)
    for y0 in range(0, height, rows):
        y1 = min(y0 + rows, height)
        top, bottom = max(y0 - 1, 0), min(y1 + 1, height)
        beyond = ((y0 == 0, y1 == height), (1, 1), (0, 0))
        padded = np.pad(_rgb_rows(image, top, bottom), np.array(beyond, np.int64), mode="edge")
        pixels = np.clip(_converted(image, space, y0, y1), 0, 1)
        count_bins(pixels, padded, turns, labels[y0:y1], tuple(regions))
    return regions, pairs
