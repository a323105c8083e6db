"""Canny edges: smooth, differentiate, thin, follow.

Canny 1986, "A Computational Approach to Edge Detection", IEEE PAMI 8(6), which the code follows in its order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, number, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.lanes import upper_product
from sightline.core.layers import Heat, Picture
from sightline.core.layers import Mask as MaskLayer
from sightline.core.narrow import minus, plus
from sightline.core.trace import Step
from sightline.core.types import Choice, Image, Mask, Range
from sightline.image.bits import any_above
from sightline.image.following import NONE, STRONG, WEAK, follow, framed_labels
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.gradient import OPERATORS, REPEAT, as_gray, derivatives_of_row, gradient, working_number

STRONGEST = 1500.0  # no 8-bit image has a larger gradient
_BLOCK = 64  # pixels that are passed over together where no gradient is above the lower threshold
GRAY_LEVELS = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}  # one grey level in the image's own units


@method(task="edges", paper="Canny 1986", lesson="w1d6")
def canny(
    image: Image,
    low: Annotated[float, Range(0, STRONGEST, 1)] = 50,
    high: Annotated[float, Range(0, STRONGEST, 1)] = 150,
    sigma: Annotated[float, Range(0, 20, 0.1)] = 1.4,
    *,
    norm: Annotated[str, Choice("l2", "l1")] = "l2",
    out: np.ndarray | None = None,
) -> Mask:
    """Return the edges of an image, one pixel wide.

    The image is smoothed, its Sobel gradient is thinned to the ridges, and ridges above ``low`` are kept where they
    are connected (8 neighbours) with one above ``high``. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    low
        Gradient above which a pixel may continue an edge, in grey levels of 0–255 for every dtype (a step of one
        level is a gradient of 4); 0–1500.
    high
        Gradient above which a pixel starts an edge, in the same unit; from ``low`` to 1500.
    sigma
        Standard deviation of the smoothing, in pixels; 0–20; 0 does not smooth.
    norm
        Length of the gradient: ``l2`` √(dx² + dy²) or ``l1`` |dx| + |dy|.
    out
        H×W bool array to write to; None makes a new one.

    Returns
    -------
    edges
        H×W bool.

    Raises
    ------
    InputError
        When ``low`` is greater than ``high``, or an argument is out of its range.

    References
    ----------
    J. Canny, "A Computational Approach to Edge Detection", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 8(6), 1986.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((5, 6), np.uint8)
    >>> image[:, 3:] = 200
    >>> canny(image, sigma=0)[2].astype(int).tolist()
    [0, 0, 1, 0, 0, 0]
    """
    smoothed = _smoothed(image, sigma)
    labels = _thin(smoothed, *_thresholds(low, high), choice("canny", "norm", norm, ("l2", "l1")))
    return follow(labels, output("canny", out, smoothed.shape, np.bool_, [smoothed]))


@canny.steps
def _steps(
    image: Image, low: float = 50, high: float = 150, sigma: float = 1.4, *, norm: str = "l2", out: Any = None
) -> Iterator[Step]:
    gray = as_gray("canny", image, finite=True)
    yield Step("grey", Picture(gray))
    smoothed = _smoothed(gray, sigma)
    yield Step("smoothed", Picture(smoothed), note=f"Gaussian of σ = {sigma:g} pixels: noise would give edges.")
    strength = _strength(smoothed, norm)
    yield Step("gradient", Heat(strength), note="How fast brightness changes, in grey levels.")
    height, width = smoothed.shape
    ridges = _thin(smoothed, 0.0, 0.0, norm)[1 : height + 1, 1 : width + 1] != NONE
    yield Step("thinned", Heat(strength * ridges), note="Kept where neither neighbour across the edge is stronger.")
    labels = _thin(smoothed, *_thresholds(low, high), norm)
    inner = labels[1 : height + 1, 1 : width + 1]
    shade = np.where(inner == STRONG, np.uint8(255), inner * np.uint8(110 // WEAK))
    yield Step("strong and weak", Picture(shade), note=f"White above {high:g}, grey above {low:g}.")
    edges = follow(labels, output("canny", out, smoothed.shape, np.bool_, [smoothed]))
    yield Step("edges", MaskLayer(edges), note="Weak ones reached.")


def _smoothed(image: Any, sigma: float) -> np.ndarray:
    gray = as_gray("canny", image, finite=True)
    sigma = number("canny", "sigma", sigma, 0, 20, unit="pixels")
    return gaussian_blur(gray, sigma) if sigma > 0 else gray


def _thresholds(low: float, high: float) -> tuple[float, float]:
    low = number("canny", "low", low, 0, STRONGEST, unit="grey levels")
    high = number("canny", "high", high, 0, STRONGEST, unit="grey levels")
    if low > high:
        raise InputError(f"canny: low must be ≤ high; got low {low:g} and high {high:g}. Swap them.")
    return low, high


def _strength(smoothed: np.ndarray, norm: str) -> np.ndarray:
    """Return the gradient's length in grey levels, as :func:`_thin_rows` sees it: the border pixels are repeated."""
    dx, dy = (d[1:-1, 1:-1].astype(np.float32) for d in gradient(np.pad(smoothed, 1, mode="edge")))
    length = np.sqrt(dx * dx + dy * dy) if norm == "l2" else np.abs(dx) + np.abs(dy)
    return length / np.float32(GRAY_LEVELS[smoothed.dtype.name])


def _thin(smoothed: np.ndarray, low: float, high: float, norm: str) -> np.ndarray:
    """Return the label of each pixel, with a frame of NONE that is one pixel wide (wider at the right)."""
    labels = framed_labels(smoothed.shape)
    squared = norm == "l2"
    bounds = [(t * GRAY_LEVELS[smoothed.dtype.name]) ** (2 if squared else 1) for t in (low, high)]
    if smoothed.dtype != np.float32:
        bounds = [math.floor(bound) for bound in bounds]  # lengths are whole numbers then
    kind = working_number(smoothed)
    measure = np.float32 if squared else kind  # |dx| + |dy| of bytes fits 16 bits: twice as many pixels at once
    scalars = measure, squared, measure(bounds[0]), measure(bounds[1])
    side, middle = OPERATORS["sobel"]  # handed over: with literals, the compiler loses the narrow type
    over_rows(_thin_rows, len(smoothed), smoothed, kind, kind(side), kind(middle), *scalars, labels)
    return labels


@kernel
def _thin_rows(image, number, side, middle, measure, squared, low, high, labels, y0, y1):
    """Label the ridges of rows ``y0`` to ``y1``; three rows of gradient lengths go along."""
    height, width = image.shape
    zero = measure(0)
    dx, dy = np.empty((2, width), number), np.empty((2, width), number)
    # With a frame of zeros, and some more for the last block; exact for 8-bit images.
    length = np.zeros((3, -(-width // _BLOCK) * _BLOCK + 2), measure)
    for y in range(y0 - 1, y1 + 1):
        here, a, b = length[y % 3], dx[y & 1], dy[y & 1]
        if 0 <= y < height:
            derivatives_of_row(image, y, REPEAT, number, side, middle, a, b)
            for x in range(width):
                u, v = measure(a[x]), measure(b[x])
                here[x + 1] = (
                    u * u + v * v if squared else plus(_size(u, zero), _size(v, zero))
                )  # the root is never needed
        else:
            for x in range(width):
                here[x + 1] = 0
        if y <= y0:
            continue
        above, middle_row = length[(y + 1) % 3], length[(y + 2) % 3]
        labels[y] = NONE
        inner, a, b = labels[y, 1 : width + 1], dx[(y - 1) & 1], dy[(y - 1) & 1]
        end = 0
        while end < width:
            begin = end
            while end < width and any_above(middle_row, end + 1, low):
                end += _BLOCK
            if end > begin:
                first, last = np.uint64(begin), np.uint64(min(end, width))
                _ridges(a, b, above, middle_row, here, measure, low, high, inner, first, last)
            end += _BLOCK  # nothing in it, or beyond the row


@kernel(inline=True)
def _ridges(dx, dy, above, here, below, number, low, high, labels, first, last):
    """Label the pixels ``first`` to ``last`` whose gradient is largest among the two neighbours along it.

    All eight neighbours are loaded first and then chosen from: without a branch, eight pixels go at once.
    """
    zero = number(0)
    none, strong, weak = np.uint8(NONE), np.uint8(STRONG), np.uint8(WEAK)
    one, two = np.uint64(1), np.uint64(2)
    for x in range(first, last):
        u, v = number(dx[x]), number(dy[x])
        northwest, north, northeast = above[x], above[x + one], above[x + two]
        west, m, east = here[x], here[x + one], here[x + two]
        southwest, south, southeast = below[x], below[x + one], below[x + two]
        level, upright = _nearest_axis(_size(u, zero), _size(v, zero), number)
        falling = (u < 0) == (v < 0)  # towards the south-east, or the north-west
        before = west if level else north if upright else northwest if falling else northeast
        after = east if level else south if upright else southeast if falling else southwest
        # Of two equal neighbours the later one stays; on a diagonal neither does.
        ridge = (m > low) & (m > before) & (m >= after) & (level | upright | (m > after))
        label = strong if m > high else weak
        labels[x] = label if ridge else none


@kernel(inline=True)
def _nearest_axis(u, v, number):
    """Return whether a gradient of |dx| = u, |dy| = v points along the row, and whether down the column."""
    tan22, tan67 = np.float32(13573 / 32768), np.float32(79109 / 32768)  # 22.5° and 67.5° border four directions
    a, b = np.int16(u), np.int16(v)
    double = plus(a, a)
    part = upper_product(double, np.int16(13573))  # rounded down, which only the tangent's multiple of 0 is not
    whole = number(0.5) == number(0)  # known to the compiler, which keeps one of the two
    level = (b <= part) & (a > np.int16(0)) if whole else np.float32(v) < np.float32(u) * tan22
    return level, b > plus(double, part) if whole else np.float32(v) > np.float32(u) * tan67


@kernel(inline=True)
def _size(u, zero):
    return u if u > zero else minus(zero, u)
