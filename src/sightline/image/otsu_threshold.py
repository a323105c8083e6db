"""Otsu's threshold: the value that splits the histogram into the two classes that lie farthest apart.

Otsu 1979, "A Threshold Selection Method from Gray-Level Histograms", IEEE Trans. SMC 9(1), whose symbols are used:
the classes have weights ω₀, ω₁ and means μ₀, μ₁, and σ² = ω₀ ω₁ (μ₀ − μ₁)² is the variance between them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.core.catalogue import method
from sightline.core.layers import Curve, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image
from sightline.image.counting import levels_and_counts
from sightline.image.gradient import as_gray
from sightline.image.threshold import threshold


@method(task="segmentation", paper="Otsu 1979", lesson="w2d5")
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
    levels, counts = levels_and_counts(as_gray("otsu_threshold", image, finite=True))
    variance = _between_class_variance(levels, counts)
    return float(levels[np.argmax(variance)]) if variance.size else float(levels[np.argmax(counts)])


@otsu_threshold.steps
def _steps(image: Image) -> Iterator[Step]:
    gray = as_gray("otsu_threshold", image, finite=True)
    yield Step("grey", Picture(gray))
    levels, counts = levels_and_counts(gray)
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
