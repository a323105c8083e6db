"""Blobs: round spots, brighter than what is around them, found at the place and at the scale where they answer most.

Lindeberg 1998, "Feature Detection with Automatic Scale Selection", International Journal of Computer Vision 30(2) (the
Laplacian of Gaussian); Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of
Computer Vision 60(2) (differences of Gaussians); Bay, Ess, Tuytelaars & Van Gool 2008, "Speeded-Up Robust Features",
Computer Vision and Image Understanding 110(3) (the determinant of the Hessian by boxes).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import flag, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Grid, Lines, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Image, Range
from sightline.image.boxed_hessian import BoxedLevels
from sightline.image.covered_discs import uncovered
from sightline.image.gradient import as_gray
from sightline.image.hough_circles import outlines
from sightline.image.scale_stack import (
    TILE,
    bands,
    difference_levels,
    filtered_parts,
    is_tile,
    laplacian_gains,
    peaks,
)

Found = Float32[np.ndarray, "n 3"]


@method(task="blobs", paper="Lindeberg 1998", lesson="w2d1")
def blobs_log(
    image: Image,
    threshold: Annotated[float, Range(0, 1, 0.01)] = 0.2,
    *,
    min_sigma: Annotated[float, Range(0.5, 200, 0.5)] = 1.0,
    max_sigma: Annotated[float, Range(0.5, 200, 0.5)] = 50.0,
    scales: Annotated[int, Range(1, 50, 1)] = 10,
    overlap: Annotated[float, Range(0, 1, 0.01)] = 0.5,
    logarithmic: bool = False,
) -> Found:
    """Return bright blobs as (x, y, sigma): maxima of the Laplacian of Gaussian over place and scale.

    The most exact and slowest of the three: its answer −σ²(Lxx + Lyy) is largest at the sigma that fits. Beyond the
    border the image is mirrored. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, all taken as 0–1. Bright blobs on dark
        ground are found; turn the image over for dark ones.
    threshold
        Answer that a blob must exceed; a bright disc on black has about 0.7 times its brightness.
    min_sigma, max_sigma
        Smallest and largest scale, in pixels, 0.5–200; a blob's radius is √2·sigma.
    scales
        How many sigmas from the smallest to the largest, 1–50.
    overlap
        Share of the smaller blob's area above which only the larger one of two stays, 0–1.
    logarithmic
        Let sigmas grow by a factor; else by steps of one size.

    Returns
    -------
    blobs
        N×3 float32 (x, y, sigma), the strongest answer first.

    Raises
    ------
    InputError
        When ``min_sigma`` is greater than ``max_sigma``, or an argument is out of its range.

    References
    ----------
    T. Lindeberg, "Feature Detection with Automatic Scale Selection", International Journal of Computer Vision 30(2),
    1998.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:60, 0:80]
    >>> image = np.exp(-((x - 30) ** 2 + (y - 20) ** 2) / 2 / 5**2).astype(np.float32)
    >>> blobs_log(image, min_sigma=1, max_sigma=9, scales=9).tolist()
    [[30.0, 20.0, 5.0]]
    """
    gray, threshold, overlap = _checked("blobs_log", image, threshold, overlap)
    sigmas = _sigmas("blobs_log", min_sigma, max_sigma, scales, logarithmic)
    return uncovered(peaks(gray.shape, filtered_parts(gray, laplacian_gains, sigmas), threshold, sigmas, TILE), overlap)


@method(task="blobs", paper="Lowe 2004", lesson="w2d1")
def blobs_dog(
    image: Image,
    threshold: Annotated[float, Range(0, 1, 0.01)] = 0.5,
    *,
    min_sigma: Annotated[float, Range(0.5, 200, 0.5)] = 1.0,
    max_sigma: Annotated[float, Range(0.5, 200, 0.5)] = 50.0,
    ratio: Annotated[float, Range(1.01, 4, 0.01)] = 1.6,
    overlap: Annotated[float, Range(0, 1, 0.01)] = 0.5,
) -> Found:
    """Return bright blobs as (x, y, sigma): maxima of the difference of Gaussians over place and scale.

    The difference of two blurs, over ``ratio`` − 1, is nearly the Laplacian of Gaussian of :func:`blobs_log`. Beyond
    the border the image is mirrored. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, all taken as 0–1.
    threshold
        Answer that a blob must exceed.
    min_sigma, max_sigma
        Smallest scale, and the one up to which they go, in pixels, 0.5–200; a blob's radius is √2·sigma.
    ratio
        Factor from one sigma to the next, 1.01–4.
    overlap
        Share of the smaller blob's area above which only the larger one of two stays, 0–1.

    Returns
    -------
    blobs
        N×3 float32 (x, y, sigma), the strongest answer first.

    References
    ----------
    D. G. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision
    60(2), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:60, 0:80]
    >>> image = np.exp(-((x - 30) ** 2 + (y - 20) ** 2) / 2 / 5**2).astype(np.float32)
    >>> [[round(value, 1) for value in blob] for blob in blobs_dog(image, 0.3, max_sigma=20).tolist()]
    [[30.0, 20.0, 4.1]]
    """
    gray, threshold, overlap = _checked("blobs_dog", image, threshold, overlap)
    low, high = _scale_limits("blobs_dog", min_sigma, max_sigma)
    ratio = number("blobs_dog", "ratio", ratio, 1.01, 4)
    steps = int(math.log(high / low) / math.log(ratio) + 1)
    sigmas = low * ratio ** np.arange(steps + 1)

    levels = difference_levels(gray, sigmas, ratio)
    tile = TILE if is_tile(gray.shape) else bands(gray.shape)
    return uncovered(peaks(gray.shape, levels, threshold, sigmas[:-1], tile), overlap)


@method(task="blobs", paper="Bay et al. 2008", lesson="w2d1")
def blobs_doh(
    image: Image,
    threshold: Annotated[float, Range(0, 1, 0.001)] = 0.01,
    *,
    min_sigma: Annotated[float, Range(1, 200, 0.5)] = 1.0,
    max_sigma: Annotated[float, Range(1, 200, 0.5)] = 30.0,
    scales: Annotated[int, Range(1, 50, 1)] = 10,
    overlap: Annotated[float, Range(0, 1, 0.01)] = 0.5,
    logarithmic: bool = False,
) -> Found:
    """Return blobs as (x, y, sigma): maxima of the determinant of the Hessian over place and scale.

    Second derivatives are differences of boxes, so that every scale costs the same; bright and dark blobs answer
    alike. The boxes are three pixels wide at least: smaller blobs are missed. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, all taken as 0–1.
    threshold
        Determinant that a blob must exceed.
    min_sigma, max_sigma
        Smallest and largest scale, in pixels, 1–200; a blob's radius is about sigma.
    scales
        How many sigmas from the smallest to the largest, 1–50.
    overlap
        Share of the smaller blob's area above which only the larger one of two stays, 0–1.
    logarithmic
        Let sigmas grow by a factor; else by steps of one size.

    Returns
    -------
    blobs
        N×3 float32 (x, y, sigma), the strongest answer first.

    References
    ----------
    H. Bay, A. Ess, T. Tuytelaars, L. Van Gool, "Speeded-Up Robust Features (SURF)", Computer Vision and Image
    Understanding 110(3), 2008.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[0:60, 0:80]
    >>> image = ((x - 30) ** 2 + (y - 20) ** 2 <= 8**2).astype(np.float32)
    >>> blobs = blobs_doh(image, max_sigma=20)
    >>> bool(np.abs(blobs[:, :2] - (30, 20)).max() <= 1)
    True
    """
    gray, threshold, overlap = _checked("blobs_doh", image, threshold, overlap)
    sigmas = _sigmas("blobs_doh", min_sigma, max_sigma, scales, logarithmic)
    return uncovered(peaks(gray.shape, BoxedLevels(gray, sigmas), threshold, sigmas, bands(gray.shape)), overlap)


@blobs_log.steps
def _steps(image: Image, threshold: float = 0.2, *, overlap: float = 0.5, **options: Any) -> Iterator[Step]:
    yield Step("grey", Picture(as_gray("blobs_log", image, finite=True)))
    gray, threshold, overlap = _checked("blobs_log", image, threshold, overlap)
    chosen: dict[str, Any] = {"min_sigma": 1.0, "max_sigma": 50.0, "scales": 10, "logarithmic": False, **options}
    sigmas = _sigmas("blobs_log", *(chosen[name] for name in ("min_sigma", "max_sigma", "scales", "logarithmic")))
    levels = filtered_parts(gray, laplacian_gains, sigmas)
    stack = np.stack([level.copy() for level in levels(slice(0, gray.shape[0]), slice(0, gray.shape[1]))])
    note = ", ".join(f"{sigma:.3g}" for sigma in sigmas)
    yield Step("scale stack", Grid(stack), note=f"The answer at sigma {note}: largest where a spot is of that size.")
    found = peaks(gray.shape, levels, threshold, sigmas, TILE)
    yield Step(
        "peaks", Value(found), Picture(gray), Lines(_rings(found)), note="No neighbour in place or scale is more."
    )
    blobs = blobs_log(image, threshold, overlap=overlap, **options)
    yield Step("blobs", Value(blobs), Picture(gray), Lines(_rings(blobs)), note="Of much overlapping ones the larger.")


def _rings(blobs: np.ndarray) -> np.ndarray:
    return outlines(blobs * np.array([1, 1, math.sqrt(2)], np.float32))


def _checked(function: str, image: Any, threshold: float, overlap: float) -> tuple[np.ndarray, float, float]:
    """Return the grey image and the checked numbers."""
    gray = as_gray(function, image, finite=True)
    return gray, number(function, "threshold", threshold), number(function, "overlap", overlap, 0, 1)


def _scale_limits(function: str, low: float, high: float, least: float = 0.5) -> tuple[float, float]:
    low = number(function, "min_sigma", low, least, 200, unit="pixels")
    high = number(function, "max_sigma", high, least, 200, unit="pixels")
    if low > high:
        raise InputError(f"{function}: min_sigma must be ≤ max_sigma; got {low:g} and {high:g}. Swap them.")
    return low, high


def _sigmas(function: str, low: float, high: float, scales: int, logarithmic: bool) -> np.ndarray:
    low, high = _scale_limits(function, low, high, 1.0 if function == "blobs_doh" else 0.5)
    count = integer(function, "scales", scales, 1, 50)
    return (
        np.geomspace(low, high, count) if flag(function, "logarithmic", logarithmic) else np.linspace(low, high, count)
    )
