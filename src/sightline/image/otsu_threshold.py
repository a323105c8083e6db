"""Otsu's threshold: the value that splits the histogram into the two classes that lie farthest apart.

Otsu 1979, "A Threshold Selection Method from Gray-Level Histograms", IEEE Trans. SMC 9(1), whose symbols are used:
the classes have weights ω₀, ω₁ and means μ₀, μ₁, and σ² = ω₀ ω₁ (μ₀ − μ₁)² is the variance between them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.catalogue import method
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image
from sightline.image.gradient import as_gray
from sightline.image.threshold import threshold

_BINS = 256  # of a float image


@method(task="segmentation", paper="Otsu 1979", lesson="w1d4")
def otsu_threshold(image: Image) -> float:
    """Return the threshold that best parts an image into dark and bright: bright is what is above it.

    Integers are counted level by level. Floats are counted in 256 bins from the smallest to the largest value, and
    the threshold is the centre of a bin. Of several equally good thresholds the lowest is returned; an image of one
    value gives that value (nothing is above it). NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32.

    Returns
    -------
    value
        In the image's own units, ready for :func:`threshold`.

    References
    ----------
    N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Transactions on Systems, Man, and
    Cybernetics 9(1), 1979.

    Examples
    --------
    >>> import numpy as np
    >>> otsu_threshold(np.array([[10, 12, 11, 200, 201]], np.uint8))
    12.0
    """
    levels, counts = _histogram(as_gray("otsu_threshold", image, finite=True))
    variance = _between_class_variance(levels, counts)
    return float(levels[np.argmax(variance)]) if variance.size else float(levels[np.argmax(counts)])


@otsu_threshold.steps
def _steps(image: Image) -> Iterator[Step]:
    gray = as_gray("otsu_threshold", image, finite=True)
    yield Step("grey", Picture(gray))
    levels, counts = _histogram(gray)
    value = otsu_threshold(image)
    histogram = np.stack([levels, counts], axis=1).astype(np.float64)
    yield Step("histogram", Curve(histogram, ("value", "pixels"), value), note="How often each value occurs.")
    variance = _between_class_variance(levels, counts)
    if variance.size:
        curve = Curve(np.stack([levels[: variance.size], variance], axis=1), ("threshold", "variance"), value)
        yield Step("variance between the classes", curve, note="Its peak parts the classes best.")
    formula = r"\omega_0\,\omega_1\,(\mu_0-\mu_1)^2"
    binary = Picture(threshold(gray, value))
    yield Step("threshold", Value(value, formula), binary, note=f"White is what is above {value:.4g}.")


def _between_class_variance(levels: Array, counts: Array) -> Array:
    """Return σ² for each threshold that leaves pixels on both sides of it, and −1 where one class is empty."""
    share = counts[:-1].astype(np.float64)
    weight0 = np.cumsum(share)
    weight1 = counts.sum() - weight0
    moment = np.cumsum(share * levels[:-1])
    total = float(np.dot(counts, levels))
    split = (weight0 > 0) & (weight1 > 0)
    if not split.any():
        return np.empty(0)
    weight0, weight1, moment = (np.where(split, a, 1.0) for a in (weight0, weight1, moment))
    mean0, mean1 = moment / weight0, (total - moment) / weight1
    return np.where(split, weight0 * weight1 * (mean0 - mean1) ** 2, -1.0) / float(counts.sum()) ** 2


def _histogram(gray: Array) -> tuple[Array, Array]:
    """Return the values that are counted (float64) and how often each occurs (int64)."""
    flat = gray.reshape(-1)
    if gray.dtype == np.uint8:
        words = flat[: flat.size // 8 * 8].view(np.uint64)
        strips = over_rows(_count_bytes, max(words.size, 1), flat, words, strip=1 << 15)
        return np.arange(256.0), _total(strips)
    if gray.dtype == np.uint16:
        strips = over_rows(_count, flat.size, flat, 65536, np.float64(0), np.float64(1), strip=1 << 20)
        return np.arange(65536.0), _total(strips)
    low, high = float(gray.min()), float(gray.max())
    if low == high:
        return np.full(1, low), np.full(1, flat.size)
    strips = over_rows(_count, flat.size, flat, _BINS, np.float64(low), _BINS / (high - low), strip=1 << 17)
    edges = np.linspace(low, high, _BINS + 1)
    return (edges[:-1] + edges[1:]) / 2, _total(strips)


def _total(strips: list[Array]) -> Array:
    return np.stack(strips).sum(axis=0, dtype=np.int64)


@kernel
def _count_bytes(flat, words, w0, w1):
    """Count bytes, eight at a time in eight tables: in one table, equal neighbours would wait for each other's sum."""
    tables = np.zeros(8 * 256, np.uint32)
    for w in range(w0, min(w1, words.size)):
        word = words[w]
        for table in range(8):
            tables[np.uint64(256 * table) + ((word >> np.uint64(8 * table)) & np.uint64(255))] += np.uint32(1)
    counts = np.zeros(256, np.uint32)
    for i in range(tables.size):
        counts[i & 255] += tables[i]
    if w1 >= words.size:
        for x in range(8 * words.size, flat.size):  # what does not fill a word
            counts[flat[x]] += np.uint32(1)
    return counts


@kernel
def _count(flat, bins, low, scale, x0, x1):
    table = np.zeros(bins, np.uint32)
    for x in range(x0, x1):
        table[min(np.int64((np.float64(flat[x]) - low) * scale), bins - 1)] += np.uint32(1)
    return table
