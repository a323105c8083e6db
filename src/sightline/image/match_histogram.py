"""Histogram matching: give an image the tones of another one.

Gonzalez & Woods 2018, "Digital Image Processing", 4th ed., section 3.3: a value goes to the reference's value of the
same rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, output
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, NewImage
from sightline.image.counting import level_counts, replaced


def _upper_half(image: Any) -> Any:
    return image[: max(1, len(image) // 2)] if isinstance(image, np.ndarray) and image.ndim > 1 else image


@method(task="tone", paper="Gonzalez & Woods 2018", lesson="w1d3", example={"reference": _upper_half})
def match_histogram(image: Image, reference: NewImage, *, out: Array | None = None) -> Image:
    """Return ``image`` with its values replaced so that they occur as often as those of ``reference``.

    Each channel is matched on its own. Ranks between two values of the reference are interpolated; whole numbers are
    rounded to nearest. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    reference
        Image of any size, with the channels and the dtype of ``image``.
    out
        Array to write to, of the shape and dtype of ``image``; None for a new one.

    Returns
    -------
    Image of the shape and dtype of ``image``.

    Raises
    ------
    InputError
        When the two have different channels or dtypes.

    References
    ----------
    R. C. Gonzalez, R. E. Woods, "Digital Image Processing", 4th ed., Pearson, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> dark, bright = np.array([[1, 2, 3, 3]], np.uint8), np.array([[50, 60], [70, 70]], np.uint8)
    >>> match_histogram(dark, bright).tolist()
    [[50, 60, 70, 70]]
    """
    image, reference = _checked(image, reference)
    result = output("match_histogram", out, image.shape, image.dtype, [image, reference])
    if image.dtype == np.float32:
        for channel in range(image.shape[2] if image.ndim == 3 else 1):
            at = (..., channel) if image.ndim == 3 else ...
            result[at] = _matched_floats(image[at], reference[at])
        return result
    maps = np.rint(_maps(image, reference)).astype(image.dtype)
    return replaced(image, maps, result)


@match_histogram.steps
def _steps(image: Image, reference: NewImage, *, out: Array | None = None) -> Iterator[Step]:
    image, reference = _checked(image, reference)
    yield Step("image", Picture(image))
    yield Step("reference", Picture(reference), note="Whose tones are wanted.")
    if image.dtype != np.float32:
        rows = _maps(image, reference)
        points = np.stack([np.arange(rows.shape[1]), rows.mean(axis=0)], axis=1).astype(np.float64)
        yield Step("map", Curve(points, ("level", "new level")), note="Each goes to the one of its rank.")
    yield Step("matched", Picture(match_histogram(image, reference, out=out)))


def _checked(image: Any, reference: Any) -> tuple[Array, Array]:
    image = as_image("match_histogram", image, channels=(), finite=True)
    reference = as_image("match_histogram", reference, argument="reference", channels=(), finite=True)
    if image.shape[2:] != reference.shape[2:] or image.dtype != reference.dtype:
        raise InputError(
            "match_histogram: reference must have the channels and the dtype of image, "
            f"{describe(image)}; got {describe(reference)}."
        )
    return image, reference


def _maps(image: Array, reference: Array) -> Array:
    """Return C×levels float64: the value of the reference that has each level's rank."""
    rows = []
    for ours, theirs in zip(level_counts(image), level_counts(reference), strict=True):
        values = np.flatnonzero(theirs)
        ranks = np.cumsum(theirs[values]) / theirs.sum()
        rows.append(np.interp(np.cumsum(ours) / ours.sum(), ranks, values))
    return np.stack(rows)


def _matched_floats(ours: Array, theirs: Array) -> Array:
    _, place, counts = np.unique(ours.ravel(), return_inverse=True, return_counts=True)
    values, ranks = np.unique(theirs.ravel(), return_counts=True)
    matched = np.interp(np.cumsum(counts) / ours.size, np.cumsum(ranks) / theirs.size, values)
    return matched.astype(np.float32)[place].reshape(ours.shape)
