"""Local binary patterns: which neighbours on a circle are no darker than the pixel, read as a number.

Ojala, Pietikäinen & Mäenpää 2002, "Multiresolution Gray-Scale and Rotation Invariant Texture Classification with Local
Binary Patterns", IEEE Trans. Pattern Analysis and Machine Intelligence 24(7), sections 2.1 to 2.4; the numbering of
uniform patterns that keeps their direction is that of Ahonen, Hadid & Pietikäinen 2004, "Face Recognition with Local
Binary Patterns", European Conference on Computer Vision.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method as catalogued
from sightline.core.checks import as_image, choice, integer, number
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Labels, Range
from sightline.image.convert import convert

METHODS = ("default", "ror", "uniform", "nri_uniform", "var")
_TABLE_POINTS = 16  # with more, a table of all patterns would cost more than the image


@catalogued(task="descriptor", paper="Ojala et al. 2002", lesson="w3d2")
def lbp(
    image: Image,
    points: Annotated[int, Range(2, 24, 1)] = 8,
    radius: Annotated[float, Range(0.5, 32, 0.5)] = 1,
    method: Annotated[str, Choice(*METHODS)] = "default",
) -> Labels | Float32[np.ndarray, "h w"]:
    """Return the local binary pattern of each pixel.

    Point k of P lies at the angle 2πk/P, counted from the right and upwards; between pixels, the image is
    interpolated, and beyond its border it is 0. Its bit, 2 to the power of k, is set where it is no darker than the
    pixel. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    points
        How many neighbours P are looked at, 2–24.
    radius
        Of their circle in pixels, 0.5–32.
    method
        ``default`` is the number of the bits. ``ror`` is the smallest number that a turn of the circle gives.
        ``uniform`` is, where the circle has one arc of set bits at most, how many are set, else P + 1. ``nri_uniform``
        numbers those arcs by length and direction, 0 … P(P − 1) + 1, and gives all other patterns the next number.
        ``var`` is the variance of the neighbours, a contrast that a turn does not change.

    Returns
    -------
    patterns
        H×W int32; for ``var`` float32, in the image's units squared.

    References
    ----------
    T. Ojala, M. Pietikäinen, T. Mäenpää, "Multiresolution Gray-Scale and Rotation Invariant Texture Classification
    with Local Binary Patterns", IEEE Transactions on Pattern Analysis and Machine Intelligence 24(7), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[1, 1, 1], [1, 5, 9], [1, 1, 1]], np.uint8)  # brighter to the right: bit 0
    >>> int(lbp(image)[1, 1]), int(lbp(image, method="uniform")[1, 1])
    (1, 1)
    """
    image = _gray(image)
    count, reach = integer("lbp", "points", points, 2, 24), number("lbp", "radius", radius, 0.5, 32, unit="pixels")
    kind = choice("lbp", "method", method, METHODS)
    places = _places(image.shape, count, reach)
    if kind == "var":
        spread = empty(image.shape, np.float32)
        over_rows(_variance, len(image), image, *places, spread, strip=16)
        return spread
    codes = empty(image.shape, np.int32)
    over_rows(_patterns, len(image), image, *places, codes, strip=16)
    if kind != "default":
        _rename(codes, count, kind)
    return codes


@lbp.steps
def _steps(image: Image, points: int = 8, radius: float = 1, method: str = "default") -> Iterator[Step]:
    yield Step("grey", Picture(_gray(image)))
    bits = lbp(image, points, radius)
    note = f"White where the neighbour to the right, {radius:g} pixels away, is no darker: bit 0 of {points}."
    yield Step("first bit", Picture((bits & 1).astype(np.uint8) * np.uint8(255)), note=note)
    uniform = lbp(image, points, radius, "uniform").astype(np.float32)
    yield Step("set bits", Heat(uniform), note="How many are set: corners and edges few, spots none, flat ground all.")
    counts = np.bincount(uniform.astype(np.int64).ravel(), minlength=points + 2) / uniform.size
    curve = Curve(np.stack([np.arange(points + 2), counts], axis=1).astype(np.float64), ("set bits", "share of pixels"))
    yield Step("histogram", curve, note="What describes a texture: how often each pattern occurs.")
    result = lbp(image, points, radius, method)
    yield Step("patterns", Value(result), Heat(result.astype(np.float32)), note=f"The number of the pattern: {method}.")


def _gray(image: Image) -> Array:
    image = as_image("lbp", image, finite=True)
    gray = image if image.ndim == 2 else convert(image, "rgb", "gray")
    return gray if gray.dtype == np.uint8 else gray.astype(np.float32)


def _places(shape: tuple[int, int], points: int, radius: float) -> tuple[Array, ...]:
    """Return, for each point, the rows and columns that it lies between, and its share of the way: P×H and P×W."""
    angles = 2 * np.pi * np.arange(points) / points
    found = []
    for size, steps in zip(shape, (-radius * np.sin(angles), radius * np.cos(angles)), strict=True):
        at = np.arange(size) + np.round(steps, 5)[:, None]  # what lies on a pixel shall do so to the last bit
        low = np.floor(at)
        found += [low.astype(np.int64), at - low]
    return tuple(found)


@kernel
def _sampled(image, y, share_y, low, share, values):
    """Write the image between rows y and y + 1 (0 beyond the border) at the places of a point along a row."""
    height, width = image.shape
    top, bottom = image[min(max(y, 0), height - 1)], image[min(max(y + 1, 0), height - 1)]
    above, below = np.float64(1 if 0 <= y < height else 0), np.float64(1 if 0 <= y + 1 < height else 0)
    first, inverse = low[0], 1 - share_y
    start = min(max(0, -first), width)
    end = max(start, min(width, width - 1 - first))
    for x in range(width):
        if start <= x < end:
            continue
        values[x] = 0.0
        a, b = low[x], low[x] + 1
        p, q, r, s = 0.0, 0.0, 0.0, 0.0
        if 0 <= a < width:
            p, r = np.float64(top[a]) * above, np.float64(bottom[a]) * below
        if 0 <= b < width:
            q, s = np.float64(top[b]) * above, np.float64(bottom[b]) * below
        values[x] = inverse * ((1 - share[x]) * p + share[x] * q) + share_y * ((1 - share[x]) * r + share[x] * s)
    count = end - start
    if count <= 0:
        return
    a, b = top[start + first : end + first], top[start + first + 1 : end + first + 1]
    c, d = bottom[start + first : end + first], bottom[start + first + 1 : end + first + 1]
    out, way = values[start:end], share[start:end]
    for x in range(count):
        p, q = np.float64(a[x]) * above, np.float64(b[x]) * above
        r, s = np.float64(c[x]) * below, np.float64(d[x]) * below
        back = 1 - way[x]
        out[x] = inverse * (back * p + way[x] * q) + share_y * (back * r + way[x] * s)


@kernel
def _patterns(image, rows, share_y, columns, share_x, codes, y0, y1):
    values = np.empty(image.shape[1])
    for y in range(y0, y1):
        here, out = image[y], codes[y]
        out[:] = 0
        for k in range(len(rows)):
            _sampled(image, rows[k, y], share_y[k, y], columns[k], share_x[k], values)
            bit = np.int32(1 << k)
            for x in range(out.size):
                out[x] += bit if values[x] >= np.float64(here[x]) else np.int32(0)


@kernel
def _variance(image, rows, share_y, columns, share_x, spread, y0, y1):
    width, count = image.shape[1], len(rows)
    values, sums, squares = np.empty(width), np.empty(width), np.empty(width)
    for y in range(y0, y1):
        here, out = image[y], spread[y]
        sums[:], squares[:] = 0, 0
        for k in range(count):
            _sampled(image, rows[k, y], share_y[k, y], columns[k], share_x[k], values)
            for x in range(width):
                off = values[x] - np.float64(here[x])
                sums[x] += off
                squares[x] += off * off
        for x in range(width):
            out[x] = max((squares[x] - sums[x] * sums[x] / count) / count, 0.0)


def _rename(codes: Array, points: int, kind: str) -> None:
    """Replace the numbers of bits by the names that ``kind`` gives them."""
    if points <= _TABLE_POINTS:
        over_rows(_look_up, len(codes), codes, _table(points, kind), strip=64)
        return
    different, places = np.unique(codes, return_inverse=True)
    codes[...] = _named(different, points, kind)[places].reshape(codes.shape)


@lru_cache(maxsize=8)
def _table(points: int, kind: str) -> Array:
    return _named(np.arange(1 << points, dtype=np.int32), points, kind)


@kernel
def _look_up(codes, table, y0, y1):
    for y in range(y0, y1):
        row = codes[y]
        for x in range(row.size):
            row[x] = table[row[x]]


def _named(codes: Array, points: int, kind: str) -> Array:
    """Return the names of N int32 patterns: as :func:`lbp` says for ``ror``, ``uniform`` and ``nri_uniform``."""
    full, codes = (1 << points) - 1, codes.astype(np.int64)
    turned = [((codes >> k) | (codes << (points - k))) & full for k in range(points)]
    if kind == "ror":
        return np.minimum.reduce(turned).astype(np.int32)
    ones = sum((codes >> k) & 1 for k in range(points))
    changes = codes ^ turned[1]
    uniform = sum((changes >> k) & 1 for k in range(points)) <= 2
    if kind == "uniform":
        return np.where(uniform, ones, points + 1).astype(np.int32)
    # An arc is named by its length and by how many steps its first bit lies before the end of the circle.
    starts = np.zeros_like(codes)
    for k in range(points):
        begins = ((codes >> k) & 1 == 1) & ((codes >> ((k - 1) % points)) & 1 == 0)
        starts = np.where(begins, (points - k) % points, starts)
    names = np.where(ones == points, points * (points - 1) + 1, 1 + (ones - 1) * points + starts)
    names = np.where(ones == 0, 0, names)
    return np.where(uniform, names, points * (points - 1) + 2).astype(np.int32)
