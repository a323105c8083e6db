"""Bilateral filter: a mean over the neighbours that are near in place and near in colour, so that edges stay sharp.

Tomasi and Manduchi 1998, "Bilateral Filtering for Gray and Color Images", ICCV. The weight of a pair of pixels is the
same seen from either of them, so that it is computed once and serves both.
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
from sightline.image.border import BORDERS, source_indices
from sightline.image.weighted_mean import LOG2_E, divide, gather, power_of_two, start

_STRIP, _TILE = 32, 960  # rows and columns that are filtered at a time


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
    image = as_image("bilateral_filter", image, finite=True)
    size = integer("bilateral_filter", "size", size, 1, 255, odd=True)
    sigma_color = number("bilateral_filter", "sigma_color", sigma_color, above=0)
    sigma_space = number("bilateral_filter", "sigma_space", sigma_space, above=0, unit="pixels")
    choice("bilateral_filter", "border", border, BORDERS)
    result = output("bilateral_filter", out, image.shape, image.dtype, [image])
    if size == 1:
        np.copyto(result, image)
        return result
    height, width = image.shape[:2]
    channels = image.shape[2] if image.ndim == 3 else 1
    margin = size // 2
    rows, columns = source_indices(height, margin, border), source_indices(width, margin, border)
    taps, space = _half_disc(size, sigma_space)
    steepness = np.float32(max(-LOG2_E / (2 * sigma_color * sigma_color), -1e30))
    floats = image.astype(np.float32) if image.dtype == np.uint16 else image
    flat = floats.reshape(height, -1)
    target = result if image.dtype == floats.dtype else np.empty(image.shape, np.float32)
    arguments = rows, columns, channels, margin, taps, space, steepness
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


def _half_disc(size: int, sigma: float) -> tuple[Array, Array]:
    """Return offsets (dy, dx) of the neighbours below and to the right, and log2 of their weights by distance."""
    reach = size // 2
    dy, dx = np.mgrid[0 : reach + 1, -reach : reach + 1]
    squared = dy * dy + dx * dx
    half = (squared <= reach * reach) & ((dy > 0) | (dx > 0))
    weights = np.maximum(-LOG2_E / (2 * sigma * sigma) * squared[half], -1e30)
    return np.stack([dy[half], dx[half]], axis=1).astype(np.int64), weights.astype(np.float32)


@kernel
def _filter(image, result, rows, columns, channels, margin, taps, space, steepness, y0, y1):
    """Visit each pair of pixels of a strip once, in tiles whose rows stay in the nearest cache."""
    width = result.shape[1] // channels
    tall, broad = y1 - y0 + 2 * margin, -(-width // -(-width // _TILE))
    planes = np.empty((channels, tall, broad + 2 * margin), np.float32)
    sums = np.empty((channels + 1, tall, broad + 2 * margin), np.float32)  # of the weighted channels, of the weights
    weights = np.empty(broad + 2 * margin, np.float32)
    for x0 in range(0, width, broad):
        wide = min(x0 + broad, width) - x0 + 2 * margin
        for i in range(tall):
            for c in range(channels):
                _spread(image[rows[y0 + i]], columns, x0, margin, channels, c, planes[c, i, :wide])
            start(sums, i, planes, i, np.int64(0), wide)
        for t in range(taps.shape[0]):
            dy, dx = taps[t, 0], taps[t, 1]
            weight = weights[: wide - abs(dx)]
            for i in range(margin - dy, tall - margin):
                left, k, right = max(0, -dx), i + dy, max(0, dx)
                _weigh(planes, i, left, k, right, steepness, space[t], weight)
                for _ in range(2):
                    if margin <= i < tall - margin:
                        gather(sums, i, left, planes, k, right, weight)
                    i, left, k, right = k, right, i, left
        for i in range(margin, tall - margin):
            divide(sums, i, margin, wide - 2 * margin, result[y0 + i - margin], x0)


@kernel
def _spread(row, columns, x0, margin, channels, channel, plane):
    """Write one channel of the pixels that stand for x0 - margin, x0 - margin + 1, … ."""
    first, last = max(x0 - margin, 0), min(x0 - margin + plane.size, row.size // channels)
    here = first - x0 + margin
    for x in range(here):
        plane[x] = np.float32(row[columns[x0 + x] * channels + channel])
    inner = plane[here : here + last - first]
    if channels == 1:
        source = row[first:last]
        for x in range(inner.size):
            inner[x] = np.float32(source[x])
    elif channels == 3:
        source = row[first * 3 + channel :]
        for x in range(inner.size):
            inner[x] = np.float32(source[3 * x])
    else:
        source = row[first * channels + channel :]
        for x in range(inner.size):
            inner[x] = np.float32(source[x * channels])
    for x in range(here + inner.size, plane.size):
        plane[x] = np.float32(row[columns[x0 + x] * channels + channel])


@kernel(contract=True)
def _weigh(planes, i, left, k, right, steepness, space, weights):
    """Write 2^(steepness · d² + space) for the differences d of the colours of two rows."""
    count = weights.size
    p, q = planes[0, i, left : left + count], planes[0, k, right : right + count]
    if planes.shape[0] == 1:
        for x in range(count):
            d = p[x] - q[x]
            weights[x] = power_of_two(d * d * steepness + space)
        return
    if planes.shape[0] == 3:
        r, s = planes[1, i, left : left + count], planes[1, k, right : right + count]
        t, u = planes[2, i, left : left + count], planes[2, k, right : right + count]
        for x in range(count):
            d = abs(p[x] - q[x]) + abs(r[x] - s[x]) + abs(t[x] - u[x])
            weights[x] = power_of_two(d * d * steepness + space)
        return
    for x in range(count):
        weights[x] = abs(p[x] - q[x])
    for c in range(1, planes.shape[0]):
        p, q = planes[c, i, left : left + count], planes[c, k, right : right + count]
        for x in range(count):
            weights[x] += abs(p[x] - q[x])
    for x in range(count):
        d = weights[x]
        weights[x] = power_of_two(d * d * steepness + space)
