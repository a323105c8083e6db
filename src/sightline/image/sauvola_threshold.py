"""Sauvola's and Niblack's local thresholds: the mean of a neighbourhood, moved by how much it varies.

Sauvola & Pietikäinen 2000, "Adaptive document image binarization", Pattern Recognition 33(2): T = m (1 + k (s / R − 1))
for the mean m and the standard deviation s of the window. Niblack 1986, "An Introduction to Digital Image Processing":
T = m − k s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import source_indices
from sightline.image.gradient import as_gray

_HALF_RANGE = {"uint8": 127.5, "uint16": 32767.5, "float32": 0.5}


@method(task="segmentation", paper="Sauvola & Pietikäinen 2000", lesson="w2d5")
def sauvola_threshold(
    image: Image,
    size: Annotated[int, Range(3, 1023, 2)] = 15,
    k: Annotated[float, Range(-1, 1, 0.01)] = 0.2,
    *,
    method: Annotated[str, Choice("sauvola", "niblack")] = "sauvola",
    spread: float | None = None,
    out: Array | None = None,
) -> Float32[np.ndarray, "h w"]:
    """Return a threshold for each pixel, made for text on paper: ``image > sauvola_threshold(image)`` is the paper.

    Beyond the border the image is mirrored at its outermost pixels. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    size
        Width and height of the neighbourhood in pixels, odd, 3–1023.
    k
        How strongly the deviation moves the threshold, −10 to 10; usually 0.2 to 0.5 (niblack: 0.2).
    method
        ``"sauvola"`` m (1 + k (s / R − 1)), or ``"niblack"`` m − k s.
    spread
        R, the largest deviation there can be, in the image's own units, > 0; None stands for half the dtype's range:
        127.5, 32767.5 or 0.5.
    out
        H×W float32 array to write to; None for a new one.

    Returns
    -------
    thresholds
        H×W float32, in the image's own units.

    References
    ----------
    J. Sauvola, M. Pietikäinen, "Adaptive document image binarization", Pattern Recognition 33(2), 2000.
    W. Niblack, "An Introduction to Digital Image Processing", Prentice-Hall, 1986.

    Examples
    --------
    >>> import numpy as np
    >>> page = np.full((5, 5), 200, np.uint8)
    >>> page[2, 2] = 20
    >>> (page > sauvola_threshold(page, 3))[2].tolist()
    [True, True, False, True, True]
    """
    gray = as_gray("sauvola_threshold", image, finite=True, most=1e12)
    size = integer("sauvola_threshold", "size", size, 3, 1023, odd=True)
    k = number("sauvola_threshold", "k", k, -10, 10)
    plain = choice("sauvola_threshold", "method", method, ("sauvola", "niblack")) == "niblack"
    if spread is None:
        spread = _HALF_RANGE[gray.dtype.name]
    spread = number("sauvola_threshold", "spread", spread, above=0.0, high=1e30)
    result = output("sauvola_threshold", out, gray.shape, np.float32, [gray])
    # T = m · a + s · (b + m · c) for both.
    factors = (1.0, -k, 0.0) if plain else (1.0 - k, 0.0, k / spread)
    _local(gray, size, factors, result)
    return result


@sauvola_threshold.steps
def _steps(
    image: Image,
    size: int = 15,
    k: float = 0.2,
    *,
    method: str = "sauvola",
    spread: float | None = None,
    out: Array | None = None,
) -> Iterator[Step]:
    gray = as_gray("sauvola_threshold", image, finite=True, most=1e12)
    yield Step("grey", Picture(gray))
    result = sauvola_threshold(image, size, k, method=method, spread=spread, out=out)
    for name, factors in (("mean", (1.0, 0.0, 0.0)), ("deviation", (0.0, 1.0, 0.0))):
        values = np.empty(gray.shape, np.float32)
        _local(gray, size, factors, values)
        yield Step(name, Heat(values), note=f"Of the {size}×{size} neighbours of each pixel.")
    white = Picture((gray > result).astype(np.uint8) * np.uint8(255))
    yield Step("thresholded", white, note="White is what is above its threshold.")
    yield Step("thresholds", Heat(result), note="One for each pixel.")


def _local(gray: Array, size: int, factors: tuple[Any, ...], result: Array) -> None:
    reach = size // 2
    rows, columns = (source_indices(length, reach, "reflect") for length in gray.shape)
    # Deviations are taken from a middle value: their squares stay small and their sums exact.
    middle = np.float64(gray.reshape(-1)[gray.size // 2])
    strip = max(64, 2 * size)
    over_rows(_local_rows, len(gray), gray, rows, columns, reach, middle, *factors, result, strip=strip)


@kernel
def _local_rows(gray, rows, columns, reach, middle, a, b, c, result, y0, y1):
    """Write m · a + s · (b + m · c) from running sums of the values and of their squares."""
    width, size = gray.shape[1], 2 * reach + 1
    first, second = np.zeros(width + 2 * reach + 1), np.zeros(width + 2 * reach + 1)
    sums, squares = np.empty(width), np.empty(width)
    inner, inner2 = first[reach + 1 : reach + 1 + width], second[reach + 1 : reach + 1 + width]  # after a zero
    share = 1.0 / (size * size)
    for y in range(y0, y0 + size):  # rows[y] stands for the row y - reach
        row = gray[rows[y]]
        for x in range(width):
            value = np.float64(row[x]) - middle
            inner[x] += value
            inner2[x] += value * value
    for y in range(y0, y1):
        for x in range(reach):
            i, j = columns[x], columns[reach + width + x]
            first[1 + x], second[1 + x] = inner[i], inner2[i]
            first[1 + reach + width + x], second[1 + reach + width + x] = inner[j], inner2[j]
        total, total2 = 0.0, 0.0
        for x in range(2 * reach):
            total += first[1 + x]
            total2 += second[1 + x]
        for x in range(width):
            total += first[x + size] - first[x]
            total2 += second[x + size] - second[x]
            sums[x], squares[x] = total, total2
        out = result[y]
        for x in range(width):
            m = sums[x] * share
            variance = squares[x] * share - m * m
            s = np.sqrt(variance if variance > 0.0 else 0.0)
            m += middle
            out[x] = np.float32(m * a + s * (b + m * c))
        if y + 1 < y1:
            new, old = gray[rows[y + size]], gray[rows[y]]
            for x in range(width):
                value, gone = np.float64(new[x]) - middle, np.float64(old[x]) - middle
                inner[x] += value - gone
                inner2[x] += value * value - gone * gone
