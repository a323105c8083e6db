"""Felzenszwalb's segmentation: join two regions when what parts them is no more than what they hold within.

Felzenszwalb & Huttenlocher 2004, "Efficient Graph-Based Image Segmentation", IJCV 59(2). Pixels are joined along the
edges of the grid in the order of their weights, as in Kruskal's tree; Int(C) is the greatest weight within a region C,
and an edge joins C₁ and C₂ when it weighs no more than the smaller of Int(C) + scale / |C|.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number
from sightline.core.kernels import kernel
from sightline.core.lanes import prefetch
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range
from sightline.image.edge_order import edges_by_weight
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.grey_levels import as_grey_levels

_BAND = 1 << 18  # pixels that are smoothed together
_SINGLE = -1  # at the root of a region of one pixel
_AHEAD = 64  # edges that lie between one and that whose pixels are asked for: memory is that much slower


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
    return _joined(pixels, scale, min_size)


@felzenszwalb.steps
def _steps(image: Image, scale: float = 100.0, *, sigma: float = 0.8, min_size: int = 20) -> Iterator[Step]:
    pixels = _smoothed(image, sigma)
    picture = np.clip(np.rint(np.moveaxis(pixels.planes(0, pixels.shape[0]), 0, 2)), 0, 255).astype(np.uint8)
    yield Step("smoothed", Picture(picture if picture.shape[2] == 3 else picture[..., 0]))
    for part in (16, 4, 2):
        labels = _joined(pixels, scale, 1, part)
        yield Step(f"lightest 1/{part} of the edges", LabelsLayer(labels), note="The evenest places join first.")
    yield Step("all edges", LabelsLayer(_joined(pixels, scale, 1)))
    result = felzenszwalb(image, scale, sigma=sigma, min_size=min_size)
    yield Step("segments", LabelsLayer(result), note=f"Regions below {min_size} pixels are joined.")


def _smoothed(image: Any, sigma: Any) -> _Smoothed:
    image = as_image("felzenszwalb", image, finite=True, most=1e12)
    sigma = number("felzenszwalb", "sigma", sigma, 0, 20, unit="pixels")
    return _Smoothed(lambda y0, y1: as_grey_levels("felzenszwalb", image[y0:y1]), image.shape, sigma)


def regions_of_levels(
    levels: Callable[[int, int], Array], shape: tuple[int, ...], scale: float, min_size: int, sigma: float = 0.8
) -> Array:
    """Return the label map of an image whose rows are made when they are asked for, as :func:`felzenszwalb` does.

    Parameters
    ----------
    levels
        Given y0 and y1, grey levels of these rows, (y1 − y0)×W×C float32.
    shape
        Of the image, H×W or H×W×3.
    scale, min_size, sigma
        As for :func:`felzenszwalb`.
    """
    return _joined(_Smoothed(levels, shape, sigma), scale, min_size)


class _Smoothed:
    """Smoothed grey levels, of which only the rows asked for last are there."""

    def __init__(self, levels: Callable[[int, int], Array], shape: tuple[int, ...], sigma: float) -> None:
        self.levels, self.sigma = levels, sigma
        self.shape, self.channels = (shape[0], shape[1]), 1 if len(shape) == 2 else 3
        self.rows, self.last = (0, 0), np.empty((0, 0, 0), np.float32)

    def planes(self, y0: int, y1: int) -> Array:
        """Return rows y0 to y1, C×(y1 − y0)×W float32; they are written over when others are asked for."""
        if self.rows == (y0, y1):
            return self.last
        height, width = self.shape
        if self.last.shape[1] != y1 - y0:
            self.last = empty((self.channels, y1 - y0, width), np.float32)
        beyond = int(4 * self.sigma) + 2 if self.sigma > 0 else 0  # rows that the Gaussian reaches, and one or two
        rows = max(_BAND // width, 2 * beyond, 1)
        for first in range(y0, y1, rows):
            top, last = max(first - beyond, 0), min(first + rows, y1)
            given = self.levels(top, min(last + beyond, height))
            for c, plane in enumerate(self.last):
                band = np.ascontiguousarray(given[..., c])
                smooth = band if self.sigma == 0 else gaussian_blur(band, self.sigma)
                plane[first - y0 : last - y0] = smooth[first - top : last - top]
        self.rows = (y0, y1)
        return self.last


def _joined(pixels: _Smoothed, scale: float, smallest: int, part: int = 1) -> Array:
    """Return the labels after the lightest one of ``part`` parts of the edges, small regions joined at the end."""
    height, width = pixels.shape
    labels = empty((height, width), np.int32)
    labels.fill(_SINGLE)
    regions = _Regions(height * width)
    if part == 1:
        regions.join(edges_by_weight(pixels.planes, pixels.shape, labels), labels, scale, 0)
    else:
        left = (height * (width - 1) + (height - 1) * (width + 2 * (width - 1))) // part
        regions.join(_lightest(edges_by_weight(pixels.planes, pixels.shape, labels[:0, :0]), left), labels, scale, 0)
    if smallest > 1:
        regions.join(edges_by_weight(pixels.planes, pixels.shape, labels), labels, scale, smallest)
    _number(labels.reshape(-1))
    return labels


def _lightest(parts: Iterator[tuple[Array, Array]], left: int) -> Iterator[tuple[Array, Array]]:
    """Yield the first edges of all, as many as there should be."""
    for codes, weights in parts:
        yield codes[:left], weights[:left]
        left -= len(codes)
        if left <= 0:
            return


class _Regions:
    """Sizes and Int(C) of regions of more than one pixel, of which there are never nearly as many as pixels."""

    def __init__(self, pixels: int) -> None:
        # Size, or the next free number; bits of Int(C). Rows that are never touched take no memory.
        self.held = np.empty((pixels // 4 + 1, 2), np.int32)
        self.free = np.array([-1, 0])  # the first number that is free again, and how many were given out

    def join(self, parts: Iterator[tuple[Array, Array]], labels: Array, scale: float, smallest: int) -> None:
        """Join regions along edges, as :func:`_join` does."""
        parents, width = labels.reshape(-1), labels.shape[1]
        for codes, weights in parts:
            done = 0
            while True:
                held = self.held, self.held.view(np.float32), self.free
                done = _join(codes, weights, done, np.float64(scale), smallest, width, parents, *held)
                if done == len(codes):
                    break
                more = np.empty((2 * len(self.held), 2), np.int32)
                more[: len(self.held)] = self.held
                self.held = more
            _flatten(parents)


@kernel
def _join(codes, weights, done, scale, smallest, width, parents, regions, within, free):
    """Join regions along edges: alike ones, or those of which one has less than ``smallest`` pixels where that is > 0.

    A region's root is its first pixel: there, ``parents`` holds −1, or −2 minus the number of a larger region. Of that
    one, ``regions`` holds the size, and ``within`` Int(C), which the joining of small ones does not ask for. Returns at
    which edge there was no number left.
    """
    ways = np.array([1, width, width + 1, 1 - width])
    for e in range(done, codes.size):
        _look_ahead(codes, e, ways, parents)
        a = np.int64(codes[e] >> np.uint32(2))
        b = a + ways[codes[e] & np.uint32(3)]
        while parents[a] >= 0:
            above = parents[a]
            if parents[above] >= 0:
                parents[a] = parents[above]
            a = np.int64(above)
        while parents[b] >= 0:
            above = parents[b]
            if parents[above] >= 0:
                parents[b] = parents[above]
            b = np.int64(above)
        if a == b:
            continue
        a, b = min(a, b), max(a, b)
        one, two = np.int64(-2 - parents[a]), np.int64(-2 - parents[b])  # −1 for a single pixel
        size, other = regions[one, 0] if one >= 0 else 1, regions[two, 0] if two >= 0 else 1
        if smallest > 0:
            joins = size < smallest or other < smallest
        else:
            weight = np.float64(weights[e])
            inner, outer = (
                np.float64(within[one, 1]) if one >= 0 else 0.0,
                np.float64(within[two, 1]) if two >= 0 else 0.0,
            )
            joins = weight < inner + scale / size and weight < outer + scale / other
        if joins:
            if one < 0 and two < 0:
                one = free[0]
                if one >= 0:
                    free[0] = regions[one, 0]
                elif free[1] < regions.shape[0]:
                    one = free[1]
                    free[1] += 1
                else:
                    return e
            elif one < 0:
                one = two
            elif two >= 0:
                regions[two, 0], free[0] = free[0], two
            parents[b], parents[a], regions[one, 0] = a, -2 - one, size + other
            if smallest == 0:
                within[one, 1] = weights[e]
    return codes.size


@kernel(inline=True)
def _look_ahead(codes, e, ways, parents):
    """Ask for the pixels of an edge that comes later, and for the roots of one that comes sooner."""
    last = codes.size - 1
    later = np.int64(codes[min(e + _AHEAD, last)] >> np.uint32(2))
    prefetch(parents, later)
    prefetch(parents, later + ways[1])
    code = codes[min(e + _AHEAD // 2, last)]
    a = np.int64(code >> np.uint32(2))
    b = a + ways[code & np.uint32(3)]
    prefetch(parents, np.int64(max(parents[a], 0)))
    prefetch(parents, np.int64(max(parents[b], 0)))


@kernel
def _flatten(parents):
    """Let each pixel's parent be its root, which comes before it."""
    for i in range(parents.size):
        above = parents[i]
        if above >= 0 and parents[above] >= 0:
            parents[i] = parents[above]


@kernel
def _number(parents):
    """Write the number of each pixel's region, in the order of their roots."""
    count = np.int32(0)
    for i in range(parents.size):  # all before have the complement of their number
        if parents[i] < 0:
            parents[i] = ~count
            count += np.int32(1)
        else:
            parents[i] = parents[parents[i]]
    for i in range(parents.size):
        parents[i] = ~parents[i]
