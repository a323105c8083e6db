"""How near one image is to another: peak signal-to-noise ratio, and structural similarity.

Wang, Bovik, Sheikh & Simoncelli 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
Transactions on Image Processing 13(4): means, contrasts and the correlation of both images within a Gaussian window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Image
from sightline.image.gaussian_blur import correlate_separable

_SIGMA, _REACH = 1.5, 5  # of the window, 11×11, in pixels
_FLAT, _DULL = 0.01**2, 0.03**2  # keep the quotients finite where both images are dark, or even
_BAND = 256  # rows that are compared at a time


def _upside_down(image: Array) -> Array:
    return image[::-1].copy()


@method(task="metric", paper="Wang 2004", lesson="w2d4", example={"reference": _upside_down})
def psnr(image: Image, reference: AnyImage) -> float:
    """Return the peak signal-to-noise ratio of an image to the one that it should be, in decibels.

    It is 10 · log₁₀ of the square of the dtype's range (255, 65535 or 1) over the mean squared difference. NaN and
    infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32 0–1.
    reference
        Of the shape and dtype of ``image``.

    Returns
    -------
    float
        Decibels; more is nearer, ∞ where both are equal.

    Raises
    ------
    InputError
        When the images differ in shape or dtype.

    References
    ----------
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE Transactions on Image Processing 13(4), 2004, section II.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> round(sl.metrics.psnr(np.full((2, 2), 100, np.uint8), np.full((2, 2), 110, np.uint8)), 2)
    28.13
    """
    image, reference = _both("psnr", image, reference)
    total = 0.0
    for y in range(0, len(image), _BAND):
        difference = image[y : y + _BAND].astype(np.float64) - reference[y : y + _BAND]
        total += float(np.vdot(difference, difference))
    top = 1.0 if image.dtype == np.float32 else float(np.iinfo(image.dtype).max)
    return 10 * math.log10(top * top * image.size / total) if total > 0 else math.inf


@method(task="metric", paper="Wang 2004", lesson="w2d4", example={"reference": _upside_down})
def ssim(image: Image, reference: AnyImage) -> float:
    """Return the structural similarity of two images: the mean of what a Gaussian window of 11×11 pixels sees.

    Of several channels it is the mean. Pixels nearer than 5 to the border do not count, except in a direction in which
    the image has no others. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32 0–1.
    reference
        Of the shape and dtype of ``image``; to swap the two changes nothing.

    Returns
    -------
    float
        From -1 to 1, which only equal images reach.

    Raises
    ------
    InputError
        When the images differ in shape or dtype.

    References
    ----------
    Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE Transactions on Image Processing 13(4), 2004.

    Examples
    --------
    >>> import numpy as np, sightline as sl
    >>> photo = sl.data.sample("camera")
    >>> sl.metrics.ssim(photo, photo)
    1.0
    >>> sl.metrics.ssim(photo, sl.image.gaussian_blur(photo, 2)) < 0.9
    True
    """
    return _mean(_similarity(*_both("ssim", image, reference)))


@ssim.steps
def _steps(image: Image, reference: AnyImage) -> Iterator[Step]:
    image, reference = _both("ssim", image, reference)
    yield Step("image", Picture(image))
    yield Step("reference", Picture(reference))
    local = _similarity(image, reference)
    seen = local if local.ndim == 2 else local.mean(axis=2)
    note = "Bright where the window sees the same structure in both."
    yield Step("similarity", Value(_mean(local)), Heat(seen.astype(np.float32)), note=note)


def _both(function: str, image: Any, reference: Any) -> tuple[Array, Array]:
    """Return both images, finite, of one shape and dtype, or raise."""
    image = as_image(function, image, channels=(), finite=True)
    if not isinstance(reference, np.ndarray) or reference.shape != image.shape or reference.dtype != image.dtype:
        wanted, came = describe(image), describe(reference)
        raise InputError(f"{function}: reference must have the image's shape and dtype, {wanted}; got {came}.")
    return image, as_image(function, reference, argument="reference", channels=(), finite=True)


def _similarity(image: Array, reference: Array) -> Array:
    """Return the local similarity, H×W or H×W×C float64."""
    bell = np.exp(-0.5 * (np.arange(_REACH + 1) / _SIGMA) ** 2)
    weights = (bell / (bell[0] + 2 * bell[1:].sum())).astype(np.float32)

    def seen(picture: Array) -> Array:
        result = np.empty_like(picture)
        correlate_separable(picture, weights, weights, "symmetric", result)
        return result.astype(np.float64)

    # About the middle of the range: squares of small numbers lose less in single precision.
    a, b = to_float(image) - np.float32(0.5), to_float(reference) - np.float32(0.5)
    mean_a, mean_b = seen(a), seen(b)
    spread = seen(a * a) + seen(b * b) - mean_a**2 - mean_b**2
    common = seen(a * b) - mean_a * mean_b
    mean_a, mean_b = mean_a + 0.5, mean_b + 0.5
    light = (2 * mean_a * mean_b + _FLAT) / (mean_a**2 + mean_b**2 + _FLAT)
    return light * (2 * common + _DULL) / (spread + _DULL)


def _mean(local: Array) -> float:
    inner = tuple(slice(_REACH, -_REACH) if side > 2 * _REACH else slice(None) for side in local.shape[:2])
    return float(local[inner].mean())
