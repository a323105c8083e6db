"""Bilateral filter: a mean over the neighbours that are near in place and near in colour, so that edges stay sharp.

Tomasi and Manduchi 1998, "Bilateral Filtering for Gray and Color Images", ICCV. Eight pixels at a time,
all sums in registers: the weight of a pair of pixels is cheaper to compute twice than to be kept for the other one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, number, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Grid, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.core.vector_functions import power_of_two
from sightline.core.vectors import LANES, load, store
from sightline.core.widened import magnitudes
from sightline.image.border import BORDERS, source_indices
from sightline.image.weighted_mean import LOG2_E, divide

_STRIP = 32
_NARROWEST = 1e-150  # a sigma whose square is still more than 0: no neighbour counts already


def _tenth(image: Any) -> float:
    """Return a tenth of the image's range."""
    return {"uint8": 25.0, "uint16": 6500.0}.get(getattr(getattr(image, "dtype", None), "name", ""), 0.1)


@method(
    task="smoothing",
    paper="Tomasi & Manduchi 1998",
    lesson="w1d4",
    example={"size": 9, "sigma_color": _tenth, "sigma_space": 3.0},
)
def bilateral_filter(
    image: Image,
    size: Annotated[int, Range(1, 31, 2)],
    sigma_color: Annotated[float, Range(0, 255, 1)],
    sigma_space: Annotated[float, Range(0, 50, 0.5)],
    *,
    border: Annotated[str, Choice("reflect", "symmetric", "edge", "wrap")] = "reflect",
    out: Array | None = None,
) -> Image:
    """Return ``image`` smoothed where neighbours resemble each other.

    A neighbour at distance r (pixels) whose colour differs by d counts exp(−r² / 2·sigma_space² − d² /
    2·sigma_color²). The difference of two colours is the sum of that of their channels. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or finite float32.
    size
        Diameter of the round neighbourhood in pixels, odd, 1–255; 1 returns an equal copy.
    sigma_color
        Standard deviation over differences of colour, in the image's own units (0–255 for uint8), > 0.
    sigma_space
        Standard deviation over distances, in pixels, > 0.
    border
        What lies beyond the border: ``"reflect"`` (2 1 | 0 1 2), ``"symmetric"`` (1 0 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The filtered image, same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> step = np.array([[10, 14, 10, 200, 204, 200]], np.uint8)
    >>> sl.image.bilateral_filter(step, 3, 20.0, 2.0)
    array([[ 12,  12,  11, 201, 202, 202]], dtype=uint8)

    References
    ----------
    C. Tomasi, R. Manduchi, "Bilateral Filtering for Gray and Color Images", ICCV, 1998.
    """
    image = as_image("bilateral_filter", image, finite=True, most=1e30)
    size = integer("bilateral_filter", "size", size, 1, 255, odd=True)
    sigma_color = number("bilateral_filter", "sigma_color", sigma_color, above=0)
    sigma_space = number("bilateral_filter", "sigma_space", sigma_space, above=0, unit="pixels")
    sigma_color, sigma_space = max(sigma_color, _NARROWEST), max(sigma_space, _NARROWEST)
    choice("bilateral_filter", "border", border, BORDERS)
    result = output("bilateral_filter", out, image.shape, image.dtype, [image])
    if size == 1:
        np.copyto(result, image)
        return result
    height, width = image.shape[:2]
    margin = size // 2
    rows, columns = source_indices(height, margin, border), source_indices(width, margin, border)
    taps, space = _disc(size, sigma_space)
    steepness = np.float32(max(-LOG2_E / (2 * sigma_color * sigma_color), -1e30))
    floats = image.astype(np.float32) if image.dtype == np.uint16 else image
    flat = floats.reshape(height, -1)
    target = result if image.dtype == floats.dtype else np.empty(image.shape, np.float32)
    arguments = rows, columns, margin, taps, space, steepness
    over_rows(_filter, height, flat, target.reshape(height, -1), *arguments, strip=_STRIP)
    if target is not result:
        np.copyto(result, np.rint(target, out=target), casting="unsafe")
    return result


@bilateral_filter.steps
def _steps(
    image: Image,
    size: int,
    sigma_color: float,
    sigma_space: float,
    *,
    border: str = "reflect",
    out: Array | None = None,
) -> Iterator[Step]:
    result = bilateral_filter(image, size, sigma_color, sigma_space, border=border, out=out)
    image = as_image("bilateral_filter", image)
    margin = size // 2
    y, x = image.shape[0] // 2, image.shape[1] // 2
    rows = source_indices(image.shape[0], margin, border)[y : y + size]
    columns = source_indices(image.shape[1], margin, border)[x : x + size]
    around = image[rows[:, None], columns]
    yield Step("neighbourhood", Picture(around), note="What lies around the pixel in the middle of the image.")
    dy, dx = np.mgrid[-margin : margin + 1, -margin : margin + 1]
    near = np.where(dy**2 + dx**2 <= margin**2, np.exp(-(dy**2 + dx**2) / (2 * sigma_space**2)), 0)
    apart = np.abs(around.astype(np.float64) - around[margin, margin].astype(np.float64))
    alike = np.exp(-((apart if image.ndim == 2 else apart.sum(axis=2)) ** 2) / (2 * sigma_color**2))
    tiles = np.stack([near, alike, near * alike]).astype(np.float32)
    yield Step("weights", Grid(tiles), note="By place, by colour, and their product: what each neighbour counts.")
    yield Step("result", Picture(result), note="The weighted mean, at every pixel.")


def _disc(size: int, sigma: float) -> tuple[Array, Array]:
    """Return offsets (dy, dx) of the neighbours, without the pixel itself, and log2 of their weights by distance."""
    reach = size // 2
    dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    squared = dy * dy + dx * dx
    disc = (squared <= reach * reach) & (squared > 0)
    weights = np.maximum(-LOG2_E / (2 * sigma * sigma) * squared[disc], -1e30)
    return np.stack([dy[disc], dx[disc]], axis=1).astype(np.int64), weights.astype(np.float32)


@kernel
def _filter(image, result, rows, columns, margin, taps, space, steepness, y0, y1):
    """Spread the rows of a strip out to planes with a margin, and add the neighbours up there."""
    width = columns.size - 2 * margin
    channels, tall, pitch = image.shape[1] // width, y1 - y0 + 2 * margin, columns.size + LANES
    planes, plane = np.empty(channels * tall * pitch, np.float32), tall * pitch
    sums, none = np.empty((channels + 1, 1, width + LANES), np.float32), np.int64(0)
    places = np.empty(space.size, np.int64)
    for t in range(space.size):
        places[t] = taps[t, 0] * pitch + taps[t, 1]
    for i in range(tall):
        for c in range(channels):
            _spread(image[rows[y0 + i]], columns, margin, channels, c, planes[c * plane + i * pitch :])
    for y in range(y0, y1):
        at = (y - y0 + margin) * pitch + margin
        for x in range(0, width, LANES):
            if channels == 1:
                _add_up_grey(planes, at + x, places, space, steepness, sums, x)
            else:
                _add_up_colours(planes, at + x, plane, places, space, steepness, sums, x)
        divide(sums, none, none, width, result[y], none)


@kernel
def _spread(row, columns, margin, channels, channel, plane):
    """Write one channel of a row, and of the pixels that stand for those beyond its ends."""
    inner, width = plane[margin : columns.size - margin], columns.size - 2 * margin
    if channels == 1:
        for x in range(width):
            inner[x] = np.float32(row[x])
    else:
        source = row[channel:]
        for x in range(width):
            inner[x] = np.float32(source[3 * x])
    for i in range(margin):
        plane[i] = inner[columns[i]]
        last = margin + width + i
        plane[last] = inner[columns[last]]


@kernel(contract=True)
def _add_up_grey(planes, at, places, space, steepness, sums, x):
    """Write the sums of eight pixels: a neighbour that differs by d counts 2^(steepness · d² + space)."""
    centre = load(planes, at)
    total, whole = centre, power_of_two(centre - centre)
    for t in range(places.size):
        value = load(planes, at + places[t])
        d = value - centre
        weight = power_of_two(d * d * steepness + space[t])
        total, whole = total + weight * value, whole + weight
    store(total, sums[0, 0], x)
    store(whole, sums[1, 0], x)


@kernel(contract=True)
def _add_up_colours(planes, at, plane, places, space, steepness, sums, x):
    """Write the sums of eight pixels of three channels, ``plane`` apart: d is the sum of their differences."""
    red, green, blue = load(planes, at), load(planes, at + plane), load(planes, at + 2 * plane)
    reds, greens, blues, whole = red, green, blue, power_of_two(red - red)
    for t in range(places.size):
        place = at + places[t]
        r, g, b = load(planes, place), load(planes, place + plane), load(planes, place + 2 * plane)
        d = magnitudes(r - red) + magnitudes(g - green) + magnitudes(b - blue)
        weight = power_of_two(d * d * steepness + space[t])
        reds, greens, blues, whole = reds + weight * r, greens + weight * g, blues + weight * b, whole + weight
    store(reds, sums[0, 0], x)
    store(greens, sums[1, 0], x)
    store(blues, sums[2, 0], x)
    store(whole, sums[3, 0], x)
