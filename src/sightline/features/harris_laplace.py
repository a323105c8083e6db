"""Harris–Laplace: corners at every scale, each kept at the scale where a blob of its size would answer most.

Mikolajczyk & Schmid 2004, "Scale & Affine Invariant Interest Point Detectors", International Journal of Computer
Vision 60(1), section 3, which the code follows (the simplified algorithm at its end).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Grid, Lines, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.features.keypoints import Features, no_features
from sightline.features.scale_space import brightness
from sightline.features.shi_tomasi import pick_peaks
from sightline.features.structure_tensor import HARRIS, response, window
from sightline.image.gaussian_blur import gaussian_blur
from sightline.image.scale_stack import filtered, laplacian_gains

_DERIVATIVE = 0.7  # sigma of the derivatives, in sigmas of the window
_K = 0.05
_FAINT = 0.01  # least answer of the Laplacian, for brightness 0–1


@method(task="keypoints", paper="Mikolajczyk & Schmid 2004", lesson="w3d2")
def harris_laplace(
    image: Image,
    max_features: Annotated[int, Range(1, 100000, 1)] | None = None,
    *,
    threshold: Annotated[float, Range(0, 1, 0.000001)] = 1e-6,
    min_sigma: Annotated[float, Range(1, 20, 0.1)] = 1.5,
    scales: Annotated[int, Range(3, 20, 1)] = 12,
    ratio: Annotated[float, Range(1.05, 2, 0.05)] = 1.2,
) -> Features:
    """Return the corners of an image with their scales, without descriptors.

    Harris corners are sought at each scale; those stay whose Laplacian of Gaussian is larger than at the scales before
    and after. An image without texture has none. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or float32, all taken as 0–1.
    max_features
        Keep so many with the strongest responses, ≥ 1; None keeps all.
    threshold
        Least Harris response, with derivatives in units of their scale, 0–1.
    min_sigma
        Sigma of the window at the first scale, in pixels, 1–20; derivatives are taken at 0.7 times that.
    scales
        How many scales, 3–20. The first and the last are compared with, but give no corners.
    ratio
        Factor from one scale to the next, 1.05–2; the last sigma is at most 20 pixels.

    Returns
    -------
    Features
        The strongest first; ``scales`` are the windows' sigmas, angles 0 and descriptors None.

    References
    ----------
    K. Mikolajczyk, C. Schmid, "Scale & Affine Invariant Interest Point Detectors", International Journal of Computer
    Vision 60(1), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((60, 60), np.uint8)
    >>> image[20:32, 20:32] = 255
    >>> found = harris_laplace(image)
    >>> bool(len(found)), found.descriptors is None
    (True, True)
    """
    gray = brightness("harris_laplace", image)
    sigmas = _sigmas(min_sigma, scales, ratio)
    least = number("harris_laplace", "threshold", threshold, 0, 1)
    count = None if max_features is None else integer("harris_laplace", "max_features", max_features, 1)
    found = _selected(_corner_stack(gray, sigmas), _laplacian_stack(gray, sigmas), sigmas, least)
    return found.best(len(found) if count is None else count)


@harris_laplace.steps
def _steps(
    image: Image,
    max_features: int | None = None,
    *,
    threshold: float = 1e-6,
    min_sigma: float = 1.5,
    scales: int = 12,
    ratio: float = 1.2,
) -> Iterator[Step]:
    gray, sigmas = brightness("harris_laplace", image), _sigmas(min_sigma, scales, ratio)
    named = ", ".join(f"{sigma:.3g}" for sigma in sigmas)
    corners, laplacians = _corner_stack(gray, sigmas), _laplacian_stack(gray, sigmas)
    yield Step("corners", Grid(np.sqrt(np.maximum(corners, 0))), note=f"Harris' response (root) at sigma {named}.")
    yield Step("laplacian", Grid(laplacians), note="How much each place is like a blob of that size.")
    every = [pick_peaks(level, threshold, 0.0, None) for level in corners]
    rings = [
        Features(points, np.full(len(points), sigma), np.zeros(len(points)), None, np.zeros(len(points)))
        for points, sigma in zip(every, sigmas, strict=True)
    ]
    lines = np.concatenate([ring.outlines() for ring in rings])
    yield Step("at every scale", Lines(lines), Picture(gray), Lines(lines), note="The same corner, again and again.")
    options = {"threshold": threshold, "min_sigma": min_sigma, "ratio": ratio}
    result = harris_laplace(image, max_features, scales=scales, **options)
    note = f"{len(result)} left: where the Laplacian is largest over the scales."
    yield Step("keypoints", Value(result), Picture(gray), Lines(result.outlines()), note=note)


def _sigmas(min_sigma: float, scales: int, ratio: float) -> Array:
    name = "harris_laplace"
    low, factor = number(name, "min_sigma", min_sigma, 1, 20, unit="pixels"), number(name, "ratio", ratio, 1.05, 2)
    sigmas = low * factor ** np.arange(integer(name, "scales", scales, 3, 20))
    return sigmas[sigmas <= 20]


def _corner_stack(gray: Array, sigmas: Array) -> Array:
    """Return the Harris response at each scale, S×H×W float32, its derivatives per scale instead of per pixel."""
    stack = np.empty((len(sigmas), *gray.shape), np.float32)
    for level, sigma in zip(stack, sigmas, strict=True):
        blurred = gaussian_blur(gray, _DERIVATIVE * sigma)
        response(blurred, window("harris_laplace", sigma, None), HARRIS, _K, level)
        level *= np.float32((_DERIVATIVE * sigma) ** 4)
    return stack


def _laplacian_stack(gray: Array, sigmas: Array) -> Array:
    return np.abs(filtered(gray, [laplacian_gains(gray.shape, sigma) for sigma in sigmas]))


def _selected(corners: Array, laplacians: Array, sigmas: Array, least: float) -> Features:
    """Return the corners whose Laplacian is greater than at the scales on either side."""
    parts = []
    for n in range(1, len(sigmas) - 1):
        x, y = pick_peaks(corners[n], least, 0.0, None).astype(np.int64).T
        before, here, after = laplacians[n - 1 : n + 2, y, x]
        kept = (here > before) & (here > after) & (here > _FAINT)
        x, y = x[kept], y[kept]
        # The top of the parabola through the three answers, over the logarithm of the scale.
        bend = (before + after - 2 * here)[kept]
        offset = 0.5 * (before - after)[kept] / np.where(bend < 0, bend, -1)
        scale = sigmas[n] * (sigmas[n + 1] / sigmas[n]) ** offset
        parts.append(np.column_stack([x, y, scale, corners[n, y, x]]))
    table = np.concatenate(parts) if parts else np.empty((0, 4))
    if not len(table):
        return no_features()
    return Features(table[:, :2], table[:, 2], np.zeros(len(table)), None, table[:, 3])
