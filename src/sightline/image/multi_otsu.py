"""Otsu's method for several classes: the values that cut a histogram into the classes that lie farthest apart.

Liao, Chen & Chung 2001, "A Fast Algorithm for Multilevel Thresholding", Journal of Information Science and Engineering
17(5), whose objective is used: the sum of S² / P over the classes, P the pixels in one and S the sum of their values.
It is found by dynamic programming: best(k, j) = max over i < j of best(k − 1, i) + S(i, j)² / P(i, j). The best i grows
with j, so that halving the range of j again and again leaves few i to try.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.layers import Curve, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.image.counting import levels_and_counts
from sightline.image.gradient import as_gray

Thresholds = Float64[np.ndarray, "n"]


@method(task="segmentation", paper="Liao et al. 2001", lesson="w2d5")
def multi_otsu(
    image: Image, classes: Annotated[int, Range(2, 16, 1)] = 3, *, bins: Annotated[int, Range(2, 65535, 1)] = 256
) -> Thresholds:
    """Return the thresholds that best part an image into several classes by intensity.

    Use ``np.digitize(image, thresholds, right=True)`` for the class of each pixel, 0 for the darkest. NaN and infinity
    are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.
    classes
        Number of classes, 2–256; the image must have at least as many different values.
    bins
        Bins from the smallest to the largest value that floats are counted in, 2–65535. Integers are counted level by
        level.

    Returns
    -------
    thresholds
        ``classes - 1`` values in the image's own units, ascending: each is the highest of its class.

    Raises
    ------
    InputError
        When the image has fewer different values than there are classes.

    References
    ----------
    P.-S. Liao, T.-S. Chen, P.-C. Chung, "A Fast Algorithm for Multilevel Thresholding", Journal of Information Science
    and Engineering 17(5), 2001.

    Examples
    --------
    >>> import numpy as np
    >>> multi_otsu(np.array([[1, 2, 2, 100, 101, 200, 202]], np.uint8)).tolist()
    [2.0, 101.0]
    """
    gray, classes, bins = _checked(image, classes, bins)
    levels, counts = levels_and_counts(gray, bins)
    filled = np.flatnonzero(counts)
    if filled.size < classes:
        raise InputError(
            f"multi_otsu: classes must be at most the number of different values, {filled.size}; got {classes}."
        )
    levels, counts = levels[filled], counts[filled].astype(np.float64)
    pixels = np.concatenate([np.zeros(1), np.cumsum(counts)])
    # Values are counted from the middle one: sums stay small, and what a shift adds is the same for all cuts.
    sums = np.concatenate([np.zeros(1), np.cumsum(counts * (levels - levels[levels.size // 2]))])
    cuts = _best_cuts(pixels, sums, classes)
    return levels[cuts - 1]


@multi_otsu.steps
def _steps(image: Image, classes: int = 3, *, bins: int = 256) -> Iterator[Step]:
    gray, classes, bins = _checked(image, classes, bins)
    yield Step("grey", Picture(gray))
    levels, counts = levels_and_counts(gray, bins)
    thresholds = multi_otsu(image, classes, bins=bins)
    curve = np.stack([levels, counts], axis=1).astype(np.float64)
    yield Step(
        "histogram", Curve(curve, ("value", "pixels"), float(thresholds[0])), note="How often each value occurs."
    )
    shades = np.linspace(0, 255, classes).astype(np.uint8)[np.digitize(gray, thresholds, right=True)]
    text = ", ".join(f"{value:.4g}" for value in thresholds)
    yield Step("thresholds", Value(thresholds), Picture(shades), note=f"Parted at {text}.")


def _checked(image: Image, classes: int, bins: int) -> tuple[Array, int, int]:
    gray = as_gray("multi_otsu", image, finite=True)
    return gray, integer("multi_otsu", "classes", classes, 2, 256), integer("multi_otsu", "bins", bins, 2, 65535)


@kernel
def _best_cuts(pixels, sums, classes):
    """Return how many levels lie below each of the ``classes - 1`` cuts, given running totals that begin with 0."""
    count = pixels.size - 1
    before, now = np.empty(count + 1), np.empty(count + 1)
    choices = np.zeros((classes, count + 1), np.int32)
    stack = np.empty((64, 4), np.int64)
    for j in range(1, count + 1):
        before[j] = sums[j] ** 2 / pixels[j]
    for k in range(1, classes):
        # For j from k + 1 on: the middle j first, whose best i bounds those of both halves.
        stack[0] = (k + 1, count, k, count - 1)
        top = 1
        while top > 0:
            top -= 1
            low, high, first, last = stack[top]
            if low > high:
                continue
            j = (low + high) // 2
            best, chosen = -np.inf, first
            for i in range(first, min(last, j - 1) + 1):
                value = before[i] + (sums[j] - sums[i]) ** 2 / (pixels[j] - pixels[i])
                if value > best:
                    best, chosen = value, i
            now[j], choices[k, j] = best, chosen
            stack[top] = (low, j - 1, first, chosen)
            stack[top + 1] = (j + 1, high, chosen, last)
            top += 2
        before, now = now, before
    cuts = np.empty(classes - 1, np.int64)
    j = count
    for k in range(classes - 1, 0, -1):
        j = choices[k, j]
        cuts[k - 1] = j
    return cuts
