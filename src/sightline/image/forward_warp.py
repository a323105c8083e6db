"""Forward warp: every old pixel is sent to its new place and shared among the four pixels around it.

Wolberg 1990, "Digital Image Warping", IEEE Computer Society Press, section 3.1.1 (forward mapping, accumulator arrays):
what several pixels send to one place is averaged by weight, and where nothing arrives, a hole is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture, Value
from sightline.core.layers import Mask as MaskLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, NewImage
from sightline.image.sampling import border_colours, sampled
from sightline.image.warp import as_field

Coverage = Float32[np.ndarray, "new_h new_w"]


def _spread(image: Any) -> Array:
    """Return places further apart than the pixels, for an example: holes appear."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([1.3 * x - 0.2 * y, 1.2 * y + 0.1 * x], axis=2).astype(np.float32)


@method(task="sampling", paper="Wolberg 1990", lesson="w2d7", example={"coordinates": _spread})
def forward_warp(
    image: Image,
    coordinates: Float[np.ndarray, "h w 2"],
    shape: tuple[int, int] | None = None,
    *,
    weights: Float[np.ndarray, "h w"] | None = None,
    value: float | Sequence[float] = 0.0,
) -> tuple[NewImage, Coverage]:
    """Return the image with every pixel sent to a given place, and how much arrived at each.

    A pixel is shared among the four around its place by distance (splatting); what arrives is averaged. Pixels sent
    outside, or to NaN or infinity, are lost; NaN and infinity in the image spread to where they are sent.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    coordinates
        H×W×2 float32, ``(x, y)`` in the result to which each pixel goes, in pixels.
    shape
        ``(height, width)`` of the result in pixels; None for the image's own.
    weights
        H×W, finite and ≥ 0: how much each pixel counts where several meet, for example the nearer one more; None for 1.
    value
        What holes show, in the image's units: a number, or one for each channel.

    Returns
    -------
    image, coverage
        The result, same dtype, and the sum of weights that arrived at each pixel, h×w float32; 0 in holes.

    Raises
    ------
    InputError
        When the coordinates or weights are not of the image's shape.

    References
    ----------
    G. Wolberg, "Digital Image Warping", IEEE Computer Society Press, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 20, 30]], np.uint8)
    >>> places = np.array([[[0, 0], [2, 0], [2, 0]]], np.float32)
    >>> forward_warp(image, places)[0]
    array([[10,  0, 25]], dtype=uint8)
    """
    image = as_image("forward_warp", image, channels=())
    field = as_field("forward_warp", coordinates, image.shape[:2])
    result = sampled("forward_warp", image, shape, None)
    colours = border_colours("forward_warp", image, value)
    counts = _as_weights(weights, image.shape[:2])
    height, width = result.shape[:2]
    channels = result.size // (height * width)
    total, coverage = np.zeros((height, width, channels), np.float32), np.zeros((height, width), np.float32)
    flat = image.reshape(*image.shape[:2], channels)
    # One strip: sums at one place must be taken in one order.
    over_rows(_splat, len(image), flat, field, counts, total, coverage, strip=len(image))
    over_rows(_average, height, total, coverage, colours.astype(np.float32))
    if result.dtype != np.float32:
        np.clip(np.rint(total, out=total), 0, np.iinfo(result.dtype).max, out=total)
    np.copyto(result, total.reshape(result.shape), casting="unsafe")
    return result, coverage


@forward_warp.steps
def _steps(image: Image, coordinates: Array, shape: Any = None, **options: Any) -> Iterator[Step]:
    yield Step("image", Picture(as_image("forward_warp", image, channels=())))
    result, coverage = forward_warp(image, coordinates, shape, **options)
    yield Step("coverage", Heat(coverage), note="How much arrived at each pixel.")
    yield Step("holes", MaskLayer(coverage == 0), note="Where nothing did.")
    yield Step("warped", Value((result, coverage)), Picture(result))


def _as_weights(weights: Any, shape: tuple[int, ...]) -> Array:
    """Return a weight for each pixel, or one for all."""
    if weights is None:
        return np.ones((1, 1), np.float32)
    if not isinstance(weights, np.ndarray) or weights.shape != shape or weights.dtype.kind != "f":
        raise InputError(
            f"forward_warp: weights must be {shape[0]}×{shape[1]} float32, as the image; got {describe(weights)}."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise InputError("forward_warp: weights must be finite and ≥ 0; got others. Clip them.")
    return np.ascontiguousarray(weights, np.float32)


@kernel
def _splat(image, field, weights, total, coverage, y0, y1):
    height, width, channels = total.shape
    for y in range(y0, y1):
        for x in range(image.shape[1]):
            u, v, weight = field[y, x, 0], field[y, x, 1], weights[y, x] if weights.size > 1 else weights[0, 0]
            if not (u > np.float32(-1) and u < np.float32(width) and v > np.float32(-1) and v < np.float32(height)):
                continue  # NaN too
            left, top = int(np.floor(u)), int(np.floor(v))
            right_share, lower_share = u - np.float32(left), v - np.float32(top)
            for down in range(2):
                for right in range(2):
                    row, column = top + down, left + right
                    if row < 0 or row >= height or column < 0 or column >= width:
                        continue
                    share = weight * (right_share if right else np.float32(1) - right_share)
                    share *= lower_share if down else np.float32(1) - lower_share
                    if share > 0:
                        coverage[row, column] += share
                        for c in range(channels):
                            total[row, column, c] += share * np.float32(image[y, x, c])


@kernel
def _average(total, coverage, colours, y0, y1):
    """Divide sums by how much arrived, in their place."""
    for y in range(y0, y1):
        for x in range(total.shape[1]):
            for c in range(total.shape[2]):
                hole = coverage[y, x] == 0
                total[y, x, c] = colours[c % colours.size] if hole else total[y, x, c] / coverage[y, x]
