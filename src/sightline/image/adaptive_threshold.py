"""Adaptive threshold: each pixel is compared with the mean of its own neighbourhood.

Wellner 1993, "Adaptive Thresholding for the DigitalDesk", Xerox EuroPARC technical report EPC-93-110. The plain mean
costs the same for any size: running sums of columns go down the image, and one sum of columns goes along each row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Gray, Image, Range
from sightline.image.border import source_indices
from sightline.image.gaussian_blur import correlate_separable
from sightline.image.gradient import as_gray

_LARGEST = 1023  # with it, twice the sum of a window of bytes still fits 32 bits
# OpenCV's Gaussians of small sizes, from the centre outwards, in parts of 256.
_PIXELS, _BAND = 1 << 20, 128  # a band of rows, whose means are held together: so many pixels, or so many rows if more
_SMALL = {3: (128, 64), 5: (96, 64, 16), 7: (72, 56, 28, 8), 9: (60, 51, 30, 13, 4)}


@method(task="segmentation", paper="Wellner 1993", lesson="w2d5", example={"size": 11, "offset": 0.02})
def adaptive_threshold(
    image: Image,
    size: Annotated[int, Range(3, _LARGEST, 2)],
    offset: Annotated[float, Range(-255, 255)],
    method: Annotated[str, Choice("mean", "gaussian")] = "mean",
    *,
    kind: Annotated[str, Choice("binary", "binary_inverse")] = "binary",
    out: Array | None = None,
) -> Gray:
    """Return black and white: white is what is brighter than the mean of its neighbourhood, less an offset.

    Right for pages and scenes that are lit unevenly. For uint8 the mean is rounded to a whole level first, and a
    fractional offset counts as the next whole one (the lower one for ``binary_inverse``). Beyond the border lies the
    border pixel again. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    size
        Width and height of the neighbourhood in pixels, odd, 3–1023.
    offset
        What is taken off the mean, in the image's own units; positive values keep flat areas white.
    method
        ``"mean"`` weighs all neighbours alike, ``"gaussian"`` with a bell of σ = 0.3 (size / 2 − 1.5) + 0.8 pixels.
    kind
        ``"binary"`` white (255, 65535 or 1.0) above the threshold, or ``"binary_inverse"`` black there.
    out
        H×W array of the image's dtype to write to; None for a new one.

    Returns
    -------
    binary
        H×W in the dtype of ``image``.

    References
    ----------
    P. D. Wellner, "Adaptive Thresholding for the DigitalDesk", Technical Report EPC-93-110, Xerox EuroPARC, 1993.

    Examples
    --------
    >>> import numpy as np
    >>> slope = np.tile(np.arange(0, 90, 10, dtype=np.uint8), (3, 1))
    >>> slope[1, 2] -= 15
    >>> slope[1, 6] -= 15
    >>> (adaptive_threshold(slope, 3, 5)[1] == 0).astype(int).tolist()
    [0, 0, 1, 0, 0, 0, 1, 0, 0]
    """
    gray, size, offset = _checked(image, size, offset)
    weighted = choice("adaptive_threshold", "method", method, ("mean", "gaussian")) == "gaussian"
    inverse = choice("adaptive_threshold", "kind", kind, ("binary", "binary_inverse")) == "binary_inverse"
    result = output("adaptive_threshold", out, gray.shape, gray.dtype, [gray])
    scalar = gray.dtype.type
    white = scalar(1) if scalar is np.float32 else scalar(np.iinfo(scalar).max)
    above, below = (scalar(0), white) if inverse else (white, scalar(0))
    if scalar is np.uint8:
        offset = math.floor(offset) if inverse else math.ceil(offset)
    if weighted:
        for rows, mean in _weighted_means(gray, size):
            flat = (array.reshape(-1) for array in (gray[rows], mean, result[rows]))
            over_rows(_compare, mean.size, *flat, np.float32(offset), above, below, strip=1 << 17)
        return result
    reach = size // 2
    rows, columns = (source_indices(length, reach, "edge") for length in gray.shape)
    if scalar is np.uint8:  # v > round(S / n) - c, doubled: all in whole numbers
        constants = np.int32, np.int32(size * size), np.int32(2), np.int32(2 * int(np.clip(offset, -512, 512)) - 1)
    else:
        constants = np.float64, np.float64(size * size), np.float64(1), np.float64(offset)
    strip = max(64, 2 * size)
    over_rows(_compare_with_mean, len(gray), gray, rows, columns, reach, *constants, above, below, result, strip=strip)
    return result


@adaptive_threshold.steps
def _steps(
    image: Image, size: int, offset: float, method: str = "mean", *, kind: str = "binary", out: Array | None = None
) -> Iterator[Step]:
    gray, size, offset = _checked(image, size, offset)
    yield Step("grey", Picture(gray))
    mean = np.empty(gray.shape, np.float32)
    for rows, part in _weighted_means(gray, size, even=method == "mean"):
        mean[rows] = part
    yield Step("mean", Heat(mean), note=f"Of the {size}×{size} neighbours of each pixel.")
    yield Step("difference", Heat(gray - (mean - np.float32(offset))), note="How far each is above its threshold.")
    result = adaptive_threshold(image, size, offset, method, kind=kind, out=out)
    yield Step("threshold", Picture(result), note="White where the difference is positive.")


def _checked(image: Any, size: Any, offset: Any) -> tuple[Array, int, float]:
    gray = as_gray("adaptive_threshold", image, finite=True)
    size = integer("adaptive_threshold", "size", size, 3, _LARGEST, odd=True)
    return gray, size, number("adaptive_threshold", "offset", offset, -1e30, 1e30)


def _weighted_means(gray: Array, size: int, *, even: bool = False) -> Iterator[tuple[slice, Array]]:
    """Yield rows and the float32 weighted means around their pixels, of bytes rounded to whole levels.

    All means are in one array's memory, band after band.
    """
    reach = size // 2
    if even:
        weights = np.ones(reach + 1)
    elif size in _SMALL:
        weights = np.array(_SMALL[size], np.float64)
    else:
        weights = np.exp(-0.5 * (np.arange(reach + 1) / (0.3 * (reach - 1) + 0.8)) ** 2)
    weights = (weights / (weights[0] + 2 * weights[1:].sum())).astype(np.float32)
    height, width = gray.shape
    sources = source_indices(height, reach, "edge")
    band = min(height, max(_BAND, _PIXELS // max(1, width)))
    lines, means = (empty((min(height, rows), width), np.float32) for rows in (band + 2 * reach, band))
    for y in range(0, height, band):
        stop = min(y + band, height)
        first, last = max(0, y - reach), min(height, stop + reach)
        mean = means[: stop - y]
        lines[: last - first] = gray[first:last]
        correlate_separable(lines, weights, weights, "edge", mean, sources[y : stop + 2 * reach] - first)
        yield slice(y, stop), np.rint(mean, out=mean) if gray.dtype == np.uint8 else mean


@kernel
def _compare(gray, mean, result, offset, above, below, x0, x1):
    row, middle, out = gray[x0:x1], mean[x0:x1], result[x0:x1]
    for x in range(row.size):
        out[x] = above if np.float32(row[x]) > middle[x] - offset else below


@kernel
def _compare_with_mean(gray, rows, columns, reach, number, count, factor, add, above, below, result, y0, y1):
    """Write ``above`` where (v · factor + add) · count is greater than factor times the window's sum."""
    width = gray.shape[1]
    # Sums of columns, margins and all, after a zero: what leaves the window then stands beside what enters it.
    column = np.zeros(width + 2 * reach + 1, number)
    total = np.empty(width, number)
    inner = column[reach + 1 : reach + 1 + width]
    for y in range(y0, y0 + 2 * reach + 1):  # rows[y] stands for the row y - reach
        row = gray[rows[y]]
        for x in range(width):
            inner[x] += number(row[x])
    for y in range(y0, y1):
        for x in range(reach):
            column[1 + x] = inner[columns[x]]
            column[1 + reach + width + x] = inner[columns[reach + width + x]]
        running = number(0)
        for x in range(2 * reach):
            running += column[1 + x]
        entering, leaving = column[2 * reach + 1 : 2 * reach + 1 + width], column[0:width]
        for x in range(width):
            running += entering[x] - leaving[x]
            total[x] = running
        row, out = gray[y], result[y]
        for x in range(width):
            out[x] = above if (number(row[x]) * factor + add) * count > total[x] * factor else below
        if y + 1 < y1:
            new, old = gray[rows[y + 1 + 2 * reach]], gray[rows[y]]
            for x in range(width):
                inner[x] += number(new[x]) - number(old[x])
