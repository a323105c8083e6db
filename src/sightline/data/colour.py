"""Colour changes: the same thing in another light.

Howard 2013, "Some improvements on deep convolutional neural network based image classification": contrast, brightness
and colour are changed at random. Hue turns in HSV (Smith 1978).
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, number
from sightline.core.kernels import kernel
from sightline.core.seeds import generator
from sightline.core.types import Image, Range, Seed

_LEVELS = np.arange(256, dtype=np.float64)


def adjust_colour(
    image: Image,
    *,
    brightness: Annotated[float, Range(0, 10)] = 1.0,
    contrast: Annotated[float, Range(0, 10)] = 1.0,
    saturation: Annotated[float, Range(0, 10)] = 1.0,
    hue: Annotated[float, Range(-math.pi, math.pi)] = 0.0,
) -> Image:
    """Return the image with brightness, contrast, saturation and hue changed, in that order.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8. Saturation and hue leave a gray image as it is.
    brightness
        Factor of all values, 0–10; 0 is black.
    contrast
        Factor of the distance to the mean gray, 0–10; 0 is plain gray.
    saturation
        Factor of the distance to each pixel's own gray, 0–10; 0 is a gray image.
    hue
        Turn of the colour circle in radians, −π … π.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> adjust_colour(np.array([[10, 200]], np.uint8), brightness=1.5)
    array([[ 15, 255]], dtype=uint8)
    """
    image = as_image("adjust_colour", image, dtypes=("uint8",))
    brightness = number("adjust_colour", "brightness", brightness, 0, 10)
    contrast = number("adjust_colour", "contrast", contrast, 0, 10)
    saturation = number("adjust_colour", "saturation", saturation, 0, 10)
    hue = number("adjust_colour", "hue", hue, -math.pi, math.pi, unit="radians")
    return _apply(image, brightness, contrast, saturation, hue)


def _apply(image: np.ndarray, brightness: float, contrast: float, saturation: float, hue: float) -> np.ndarray:
    planes = image.reshape(*image.shape[:2], -1)
    out = np.empty_like(planes)
    _recolour(planes, _levels(brightness * _LEVELS), contrast, np.float32(saturation), out)
    out = out.reshape(image.shape)
    if out.ndim == 3 and hue:
        out = _turn_hue(out, hue)
    return out


@kernel
def _recolour(image, table, contrast, saturation, out):
    """Map values by a table, stretch them about the mean gray, then each pixel about its own gray."""
    height, width, channels = image.shape
    if contrast != 1:
        total = 0
        for y in range(height):
            for x in range(width):
                if channels == 1:
                    total += int(table[image[y, x, 0]])
                else:
                    total += _gray(table[image[y, x, 0]], table[image[y, x, 1]], table[image[y, x, 2]])
        mean = np.floor(total / (height * width) + 0.5)
        stretched = np.empty(256, np.uint8)
        for level in range(256):
            stretched[level] = np.uint8(min(max(np.rint(mean + contrast * (table[level] - mean)), 0.0), 255.0))
        table = stretched
    for y in range(height):
        for x in range(width):
            for channel in range(channels):
                out[y, x, channel] = table[image[y, x, channel]]
            if channels == 3 and saturation != 1:
                gray = np.float32(_gray(out[y, x, 0], out[y, x, 1], out[y, x, 2]))
                for channel in range(3):
                    value = np.rint(gray + saturation * (np.float32(out[y, x, channel]) - gray))
                    out[y, x, channel] = np.uint8(min(max(value, np.float32(0)), np.float32(255)))


@kernel(inline=True)
def _gray(red, green, blue):
    return (19595 * int(red) + 38470 * int(green) + 7471 * int(blue) + 32768) >> 16


def gray_of(image: np.ndarray) -> np.ndarray:
    """Return the luma of ITU-R BT.601 of a uint8 image, rounded, uint8; a gray image as it is.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    """
    if image.ndim == 2:
        return image
    red, green, blue = (image[..., channel].astype(np.uint32) for channel in range(3))
    return ((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16).astype(np.uint8)


def _levels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _turn_hue(image: np.ndarray, turn: float) -> np.ndarray:
    """Turn the hue of every pixel; value and saturation stay."""
    rgb = image.astype(np.float32)
    value, low = rgb.max(axis=2), rgb.min(axis=2)
    chroma = value - low
    safe = np.where(chroma == 0, np.float32(1), chroma)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    # Hue in sixths of the circle.
    hue = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    ) + np.float32(turn * 3 / math.pi)
    out = np.empty_like(rgb)
    for channel, start in enumerate((5, 3, 1)):
        k = (hue + start) % 6
        out[..., channel] = value - chroma * np.clip(np.minimum(k, 4 - k), 0, 1)
    return _levels(out)


@method(task="augmentation", paper="Howard 2013", lesson="w5d2")
def random_colour(
    image: Image,
    *,
    brightness: Annotated[float, Range(0, 1)] = 0.2,
    contrast: Annotated[float, Range(0, 1)] = 0.2,
    saturation: Annotated[float, Range(0, 1)] = 0.2,
    hue: Annotated[float, Range(0, math.pi)] = 0.0,
    seed: Seed = 0,
) -> Image:
    """Return the image with brightness, contrast, saturation and hue changed by random amounts.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    brightness, contrast, saturation
        Largest change of the factor, 0–1: 0.2 gives factors of 0.8–1.2.
    hue
        Largest turn of the colour circle in radians, to either side, 0–π.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Image
        A new array of the same shape and dtype.

    References
    ----------
    A. Howard, "Some improvements on deep convolutional neural network based image classification", arXiv:1312.5402,
    2013.

    Examples
    --------
    >>> import numpy as np
    >>> random_colour(np.full((1, 2), 100, np.uint8), brightness=0.5, contrast=0.0, seed=1)
    array([[101, 101]], dtype=uint8)
    """
    image = as_image("random_colour", image, dtypes=("uint8",))
    spans = [
        number("random_colour", name, value, 0, 1)
        for name, value in (("brightness", brightness), ("contrast", contrast), ("saturation", saturation))
    ]
    turn = number("random_colour", "hue", hue, 0, math.pi, unit="radians")
    draws = generator(seed).uniform(-1, 1, 4).tolist()
    factors = [1 + span * draw for span, draw in zip(spans, draws, strict=False)]
    return _apply(image, factors[0], factors[1], factors[2], turn * draws[3])
