"""Felzenszwalb's segmentation: join two regions when what parts them is no more than what they hold within.

Felzenszwalb & Huttenlocher 2004, "Efficient Graph-Based Image Segmentation", IJCV 59(2). Pixels are joined along the
edges of the grid in the order of their weights, as in Kruskal's tree; Int(C) is the greatest weight within a region C,
and an edge joins C₁ and C₂ when it weighs no more than the smaller of Int(C) + scale / |C|.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.grey_levels import as_grey_levels

_DIGIT = 11  # bits that a pass of the sort looks at


@method(task="segmentation", paper="Felzenszwalb & Huttenlocher 2004", lesson="w2d3")
def felzenszwalb(
    image: Image,
    scale: Annotated[float, Range(0, 10000, 1)] = 100.0,
    *,
    sigma: Annotated[float, Range(0, 20, 0.1)] = 0.8,
    min_size: Annotated[int, Range(1, 100000, 1)] = 20,
) -> Labels:
    """Return the label map of regions that are even within and differ from their neighbours.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32. Weights are distances of colour in grey levels of 0–255.
    scale
        The paper's k, in grey levels times pixels, ≥ 0: greater values give larger regions.
    sigma
        Standard deviation of the smoothing before, in pixels; 0–20; 0 does not smooth.
    min_size
        Smaller regions, in pixels, are joined with the neighbour that they differ from least; ≥ 1.

    Returns
    -------
    labels
        H×W int32, 0 … N − 1 in the order of their first pixel, row by row.

    References
    ----------
    P. F. Felzenszwalb, D. P. Huttenlocher, "Efficient Graph-Based Image Segmentation", International Journal of
    Computer Vision 59(2), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 11, 90], [10, 12, 91]], np.uint8)
    >>> felzenszwalb(image, 10, sigma=0, min_size=1).tolist()
    [[0, 0, 1], [0, 0, 1]]
    """
    pixels = _smoothed(image, sigma)
    scale = number("felzenszwalb", "scale", scale, 0, 1e9)
    min_size = integer("felzenszwalb", "min_size", min_size, 1)
    edges = _edges(pixels)
    return _joined(pixels.shape[:2], *edges, scale, min_size)


@felzenszwalb.steps
def _steps(image: Image, scale: float = 100.0, *, sigma: float = 0.8, min_size: int = 20) -> Iterator[Step]:
    pixels = _smoothed(image, sigma)
    picture = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    yield Step("smoothed", Picture(picture if picture.shape[2] == 3 else picture[..., 0]))
    edges = _edges(pixels)
    first, second, weights = edges
    for part in (16, 4, 2):
        many = len(weights) // part
        labels = _joined(pixels.shape[:2], first[:many], second[:many], weights[:many], scale, 1)
        yield Step(f"lightest 1/{part} of the edges", LabelsLayer(labels), note="The evenest places join first.")
    yield Step("all edges", LabelsLayer(_joined(pixels.shape[:2], *edges, scale, 1)))
    result = felzenszwalb(image, scale, sigma=sigma, min_size=min_size)
    yield Step("segments", LabelsLayer(result), note=f"Regions below {min_size} pixels are joined.")


def _smoothed(image: Any, sigma: Any) -> Array:
    pixels = as_grey_levels("felzenszwalb", image)
    sigma = number("felzenszwalb", "sigma", sigma, 0, 20, unit="pixels")
    if sigma == 0:
        return pixels
    smooth = gaussian_blur(pixels if pixels.shape[2] == 3 else pixels[..., 0], sigma)
    return smooth.reshape(pixels.shape)


def _edges(pixels: Array) -> tuple[Array, Array, Array]:
    """Return the edges of the grid with eight neighbours, lightest first: two pixels and the weight of each.

    Of equal weights those to the right come first, then those down, down right and up right.
    """
    height, width = pixels.shape[:2]
    count = height * (width - 1) + (height - 1) * (width + 2 * (width - 1))
    weights, codes = empty((count,), np.float32), empty((count,), np.uint32)
    over_rows(_weigh, height, np.ascontiguousarray(np.moveaxis(pixels, 2, 0)), weights, codes)
    order = _sorted(weights.view(np.uint32), codes)
    weights, codes = order[0].view(np.float32), order[1]
    first = (codes >> np.uint32(2)).astype(np.int32)
    second = first + np.array([1, width, width + 1, 1 - width], np.int32)[codes & np.uint32(3)]
    return first, second, weights


def _joined(shape: tuple[int, int], first: Array, second: Array, weights: Array, scale: float, smallest: int) -> Array:
    labels = np.empty(shape, np.int32)
    _join(first, second, weights, np.float64(scale), smallest, labels.reshape(-1))
    return labels


@kernel
def _weigh(planes, weights, codes, y0, y1):
    """Write the weights of the edges that begin in rows ``y0`` to ``y1``, each kind in a part of the array."""
    channels, height, width = planes.shape
    starts = np.array([0, height * (width - 1), 0, 0])
    starts[2] = starts[1] + (height - 1) * width
    starts[3] = starts[2] + (height - 1) * (width - 1)
    for y in range(y0, y1):
        for kind in range(4):
            down = 0 if kind == 0 else -1 if kind == 3 else 1
            if not 0 <= y + down < height:
                continue
            right = 0 if kind == 1 else 1
            many = width - right
            at = starts[kind] + (y - (1 if kind == 3 else 0)) * many
            here, code = weights[at : at + many], codes[at : at + many]
            for x in range(many):
                here[x] = 0
                code[x] = np.uint32(4 * (y * width + x) + kind)
            for c in range(channels):
                one, other = planes[c, y, :many], planes[c, y + down, right:]
                for x in range(many):
                    here[x] += (one[x] - other[x]) * (one[x] - other[x])
            for x in range(many):
                here[x] = np.sqrt(here[x])


@kernel
def _sorted(keys, values):
    """Return keys and values in the order of the keys, equal ones as they came: a radix sort of three digits.

    Positive floats have the order of their bits.
    """
    other_keys, other_values = np.empty_like(keys), np.empty_like(values)
    for turn in range(3):
        shift = np.uint32(turn * _DIGIT)
        places = np.zeros((1 << _DIGIT) + 1, np.int64)
        for i in range(keys.size):
            places[((keys[i] >> shift) & np.uint32((1 << _DIGIT) - 1)) + 1] += 1
        for digit in range(1 << _DIGIT):
            places[digit + 1] += places[digit]
        for i in range(keys.size):
            digit = (keys[i] >> shift) & np.uint32((1 << _DIGIT) - 1)
            other_keys[places[digit]] = keys[i]
            other_values[places[digit]] = values[i]
            places[digit] += 1
        keys, other_keys = other_keys, keys
        values, other_values = other_values, values
    return keys, values


@kernel
def _join(first, second, weights, scale, smallest, labels):
    """Join regions along the edges and number them; a region's root is a pixel that is its own parent."""
    parents, sizes = np.empty(labels.size, np.int32), np.ones(labels.size, np.int32)
    bounds = np.full(labels.size, scale)  # Int(C) + scale / |C|
    for i in range(labels.size):
        parents[i] = i
    for turn in range(2):
        for e in range(first.size):
            a, b = first[e], second[e]
            while parents[a] != a:
                parents[a] = parents[parents[a]]
                a = parents[a]
            while parents[b] != b:
                parents[b] = parents[parents[b]]
                b = parents[b]
            if a == b:
                continue
            weight = np.float64(weights[e])
            if turn == 0:
                joins = weight < bounds[a] and weight < bounds[b]
            else:
                joins = sizes[a] < smallest or sizes[b] < smallest
            if joins:
                a, b = min(a, b), max(a, b)
                parents[b] = a
                sizes[a] += sizes[b]
                bounds[a] = weight + scale / sizes[a]
        if smallest <= 1:
            break
    count = 0
    for i in range(labels.size):  # the root is the first pixel of its region: its number is known before the others'
        root = i
        while parents[root] != root:
            root = parents[root]
        parents[i] = root
        if root == i:
            labels[i] = count
            count += 1
        else:
            labels[i] = labels[root]
