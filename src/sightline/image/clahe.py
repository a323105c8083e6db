"""CLAHE: equalization tile by tile, with a limit to how steep a tile's curve may be.

Zuiderveld 1994, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV, in its order: count each tile,
clip its histogram and share out what was cut off, sum it up, and blend the four nearest tiles' curves at each pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.image.border import source_indices
from sightline.image.lightness import lightness_of, relight

_MOST_CURVES = 1 << 27  # numbers in the curves of all tiles together

_f32 = np.float32


@method(task="tone", paper="Zuiderveld 1994", lesson="w1d3")
def clahe(
    image: Image,
    clip_limit: Annotated[float, Range(0, 100, 0.1)] = 2.0,
    tiles: tuple[int, int] = (8, 8),
    *,
    out: Array | None = None,
) -> Image:
    """Return an image whose contrast is raised within each neighbourhood, but no more than a limit.

    Of a colour image, the lightness L* is changed and the colours stay. Floats are taken in 65536 levels from 0 to 1,
    what lies outside is clipped. NaN and infinity are refused. An image that its tiles do not divide evenly is mirrored
    beyond its right and lower border first.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    clip_limit
        How many times the average a level may occur in a tile, ≥ 0: what is above is shared out among all levels. With
        1 the image hardly changes, 0 sets no limit.
    tiles
        ``(rows, columns)`` of the grid of tiles, 1–1024 each. (OpenCV's order is columns, rows.)
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image of the same shape and dtype.

    References
    ----------
    K. Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", in Graphics Gems IV, Academic Press, 1994.

    Examples
    --------
    >>> import numpy as np
    >>> dull = np.tile(np.arange(100, 116, dtype=np.uint8), (16, 1))
    >>> int(np.ptp(dull)), int(np.ptp(clahe(dull, 40.0, (1, 1))))
    (15, 239)
    """
    image = as_image("clahe", image, finite=True)
    clip_limit, tiles = _checked(clip_limit, tiles)
    return relight("clahe", image, lambda levels, target: _clahe(levels, clip_limit, tiles, target), out)


@clahe.steps
def _steps(
    image: Image, clip_limit: float = 2.0, tiles: tuple[int, int] = (8, 8), *, out: Array | None = None
) -> Iterator[Step]:
    image = as_image("clahe", image, finite=True)
    limit, grid = _checked(clip_limit, tiles)
    levels = lightness_of(image)
    yield Step("lightness", Picture(levels))
    curves = _curves(levels, limit, grid)
    middle = curves[grid[0] // 2 * grid[1] + grid[1] // 2].astype(np.float64)
    points = np.stack([np.arange(middle.size), middle], axis=1)
    yield Step("curve of the middle tile", Curve(points, ("level", "new level")), note="Never steeper than the limit.")
    result = clahe(image, clip_limit, tiles, out=out)
    yield Step("result", Picture(result), note="Each pixel blends the curves of the four tiles around it.")


def _checked(clip_limit: Any, tiles: Any) -> tuple[float, tuple[int, int]]:
    if not isinstance(tiles, (tuple, list)) or len(tiles) != 2:
        raise InputError(f"clahe: tiles must be (rows, columns); got {describe(tiles)}.")
    rows = integer("clahe", "tiles[0] (rows)", tiles[0], 1, 1024)
    return number("clahe", "clip_limit", clip_limit, 0, 1e9), (rows, integer("clahe", "tiles[1]", tiles[1], 1, 1024))


def _tile_size(shape: tuple[int, ...], tiles: tuple[int, int]) -> tuple[int, int]:
    if shape[0] % tiles[0] == 0 and shape[1] % tiles[1] == 0:
        return shape[0] // tiles[0], shape[1] // tiles[1]
    return shape[0] // tiles[0] + 1, shape[1] // tiles[1] + 1  # both grow, even where one fits


def _curves(levels: Array, clip_limit: float, tiles: tuple[int, int]) -> Array:
    """Return the curve of each tile, row by row: float32 whole numbers, one for each level."""
    size = _tile_size(levels.shape, tiles)
    count = int(np.iinfo(levels.dtype).max) + 1
    if tiles[0] * tiles[1] * count > _MOST_CURVES:
        most = f"{_MOST_CURVES // count:,} tiles in all for {levels.dtype}"
        raise InputError(f"clahe: tiles must make at most {most}; got {tiles[0]} × {tiles[1]}.")
    limit = max(1, int(clip_limit * size[0] * size[1] / count)) if clip_limit > 0 else size[0] * size[1]
    rows = _beyond(levels.shape[0], size[0] * tiles[0])
    columns = _beyond(levels.shape[1], size[1] * tiles[1])
    curves = empty((tiles[0] * tiles[1], count), np.float32)
    over_rows(
        _curve_rows, len(curves), levels, rows, columns, *size, tiles[1], limit, curves, strip=max(1, tiles[1] // 2)
    )
    return curves


def _beyond(have: int, need: int) -> Array:
    return source_indices(have, max(0, need - have), "reflect")[max(0, need - have) :][:need]


def _clahe(levels: Array, clip_limit: float, tiles: tuple[int, int], out: Array) -> Array:
    curves = _curves(levels, clip_limit, tiles)
    height, width = _tile_size(levels.shape, tiles)
    place = np.arange(levels.shape[1], dtype=np.float32) * (_f32(1) / _f32(width)) - _f32(0.5)  # in tiles
    tile = np.floor(place)
    bounds = np.searchsorted(tile, np.arange(-1, tiles[1] + 1))  # where each pair of tiles begins
    over_rows(_blend_rows, len(levels), levels, curves, height, place - tile, bounds, *tiles, out, strip=32)
    return out


@kernel
def _curve_rows(levels, rows, columns, height, width, tiles_across, limit, curves, t0, t1):
    """Count, clip, share out and sum up the tiles ``t0`` to ``t1``."""
    size = curves.shape[1]
    counts, most = np.empty(size, np.int32), np.int32(limit)
    scale = _f32(size - 1) / _f32(height * width)
    for tile in range(t0, t1):
        counts[:] = 0
        top, left = tile // tiles_across * height, tile % tiles_across * width
        inside = min(width, levels.shape[1] - left)
        for y in range(top, top + height):
            row = levels[rows[y]]
            for x in range(left, left + inside):
                counts[row[x]] += np.int32(1)
            for x in range(left + max(inside, 0), left + width):
                counts[row[columns[x]]] += np.int32(1)
        excess = np.int32(0)
        for i in range(size):
            over = max(counts[i] - most, np.int32(0))
            excess += over
            counts[i] -= over
        every, left_over = excess // size, excess % size
        step = max(size // max(left_over, 1), 1)
        for i in range(left_over):
            counts[i * step] += np.int32(1)
        curve, total = curves[tile], np.int32(0)
        for i in range(size):
            total += counts[i] + np.int32(every)
            curve[i] = np.rint(_f32(total) * scale)


@kernel
def _blend_rows(levels, curves, height, parts, bounds, tiles_down, tiles_across, result, y0, y1):
    """Blend the curves of the four nearest tile centres; for bytes, two whole rows of curves are blended first."""
    number = result.dtype.type
    size = curves.shape[1]
    few = size == 256
    rows = np.empty((tiles_across, 256), np.float32)
    top, half = _f32(size - 1), _f32(0.5)
    for y in range(y0, y1):
        place = _f32(y) * (_f32(1) / _f32(height)) - half
        floor = np.int64(np.floor(place))
        down = place - _f32(floor)
        up = _f32(1) - down
        above = max(floor, 0) * tiles_across
        below = min(floor + 1, tiles_down - 1) * tiles_across
        if few:
            for tile in range(tiles_across):
                a, b, c = curves[above + tile], curves[below + tile], rows[tile]
                for i in range(256):
                    c[i] = a[i] * up + b[i] * down
        row, out = levels[y], result[y]
        for tile in range(-1, tiles_across):  # left of the centre of the first tile, between two, right of the last
            left, right = max(tile, 0), min(tile + 1, tiles_across - 1)
            a, b = (rows[left], rows[right]) if few else (curves[above + left], curves[above + right])
            c, d = curves[below + left], curves[below + right]
            first, end = bounds[tile + 1], bounds[tile + 2]
            here, there, part = row[first:end], out[first:end], parts[first:end]
            if few:
                for x in range(here.size):
                    v = here[x]
                    value = a[v] * (_f32(1) - part[x]) + b[v] * part[x]
                    there[x] = number(np.int32(min(np.rint(value), top)))
            else:
                for x in range(here.size):
                    v = here[x]
                    above_it = a[v] * (_f32(1) - part[x]) + b[v] * part[x]
                    below_it = c[v] * (_f32(1) - part[x]) + d[v] * part[x]
                    there[x] = number(np.int32(min(np.rint(above_it * up + below_it * down), top)))
