"""Triangle threshold: the corner of a histogram that has one peak and a long tail.

Zack, Rogers & Latt 1977, "Automatic measurement of sister chromatid exchange frequency", Journal of Histochemistry and
Cytochemistry 25(7): a line is drawn from the peak to the far end of the tail; the corner is where the histogram lies
farthest below it.
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


@method(task="segmentation", paper="Zack et al. 1977", lesson="w2d5")
def triangle_threshold(image: Image) -> float:
    """Return the threshold at the foot of a histogram's peak, for images of few objects on much background.

    Integers are counted level by level, floats in 256 bins from the smallest to the largest value. Of equally far
    levels the one on the tail's side is taken; an image of one value gives that value. NaN and infinity are refused.

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
    G. W. Zack, W. E. Rogers, S. A. Latt, "Automatic measurement of sister chromatid exchange frequency", Journal of
    Histochemistry and Cytochemistry 25(7), 1977.

    Examples
    --------
    >>> import numpy as np
    >>> triangle_threshold(np.array([[10, 10, 10, 10, 10, 10, 10, 10, 10, 11, 11, 12, 14, 18, 90]], np.uint8))
    14.0
    """
    levels, counts = levels_and_counts(as_gray("triangle_threshold", image, finite=True))
    place, *_ = _corner(counts)
    return float(levels[place])


@triangle_threshold.steps
def _steps(image: Image) -> Iterator[Step]:
    gray = as_gray("triangle_threshold", image, finite=True)
    levels, counts = levels_and_counts(gray)
    place, peak, end, distance = _corner(counts)
    value = float(levels[place])
    yield Step("grey", Picture(gray))
    histogram = np.stack([levels, counts], axis=1).astype(np.float64)
    yield Step("histogram", Curve(histogram, ("value", "pixels"), value), note="How often each value occurs.")
    between = np.arange(min(peak, end), max(peak, end) + 1)
    line = counts[peak] * (between - end) / (peak - end if peak != end else 1)
    line = np.stack([levels[between], line], axis=1)
    yield Step("line", Curve(line, ("value", "pixels")), note="From the peak to the far end of the tail.")
    far = np.stack([levels[between], distance[between]], axis=1)
    yield Step("distance", Curve(far, ("value", "distance"), value), note="How far the histogram is below the line.")
    binary = Picture(threshold(gray, value))
    yield Step("threshold", Value(value), binary, note=f"White is what is above {value:.4g}.")


def _corner(counts: Array) -> tuple[int, int, int, Array]:
    """Return the places of the threshold, of the peak and of the tail's end, and how far each level is from the line.

    The tail ends one level beyond its last value, where there is one. The distance is times the line's length.
    """
    filled = np.flatnonzero(counts)
    first, last = int(filled[0]), int(filled[-1])
    peak = int(np.argmax(counts))
    left, right = max(first - 1, 0), min(last + 1, counts.size - 1)
    if first == last:
        return first, first, first, np.zeros(counts.size)
    place = np.arange(counts.size)
    if peak - left < right - peak:  # the tail is on the right
        distance = counts[peak] * (right - place.astype(np.float64)) - (right - peak) * counts.astype(np.float64)
        inside = place[peak:right][::-1]  # from the tail's end inwards
        found = inside[np.argmax(distance[inside])] if distance[inside].max() > 0 else right
        return min(int(found) + 1, counts.size - 1), peak, right, distance
    distance = counts[peak] * (place.astype(np.float64) - left) - (peak - left) * counts.astype(np.float64)
    inside = place[left + 1 : peak + 1]
    found = inside[np.argmax(distance[inside])] if distance[inside].max() > 0 else left
    return max(int(found) - 1, 0), peak, left, distance
