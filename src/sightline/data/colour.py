"""Colour changes: the same thing in another light.

Howard 2013, "Some improvements on deep convolutional neural network based image classification": contrast, brightness
and colour are changed at random. Hue turns in HSV (Smith 1978).
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, number
from sightline.core.kernels import kernel
from sightline.core.seeds import generator
from sightline.core.types import Image, Range, Seed

_LEVELS = np.arange(256, dtype=np.float64)
_RED, _GREEN, _BLUE = (np.float32(share / 65536) for share in (19595, 38470, 7471))  # ITU-R BT.601
_LANES = 768  # values that are summed side by side: whole pixels, and whole registers of any processor


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
    return recolour(image, brightness, contrast, saturation, hue)


def recolour(image: np.ndarray, brightness: float, contrast: float, saturation: float, hue: float) -> np.ndarray:
    """Return a new image: what :func:`adjust_colour` does to a checked image; the factors are its own.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    brightness, contrast, saturation
        Factors.
    hue
        Radians.
    """
    if image.ndim == 2:
        levels = _levels(brightness * _LEVELS)
        mean = np.floor(levels[image].mean() + 0.5)
        return _levels(mean + contrast * (levels - mean))[image]
    out = empty(image.shape, np.uint8)
    _recolour(np.ascontiguousarray(image).reshape(-1), brightness, contrast, saturation, out.reshape(-1))
    return _turn_hue(out, hue) if hue else out


@kernel(contract=True)
def _recolour(pixels, brightness, contrast, saturation, out):
    """Scale values, stretch them about the mean gray, then each pixel about its own gray; round once, at the end."""
    one, half, least, most = np.float32(1), np.float32(0.5), np.float32(0), np.float32(255)
    scale, stretch, own = np.float32(brightness), np.float32(contrast), np.float32(saturation)
    middle = np.floor(_mean_gray(pixels, scale) + 0.5) if contrast != 1 else 0.0
    shift = np.float32(middle) * (one - stretch)
    red, green, blue = (one - own) * _RED, (one - own) * _GREEN, (one - own) * _BLUE
    for i in range(len(pixels) // 3):  # so plain that the compiler takes many pixels at a time
        r = min(max(shift + stretch * min(scale * np.float32(pixels[3 * i]), most), least), most)
        g = min(max(shift + stretch * min(scale * np.float32(pixels[3 * i + 1]), most), least), most)
        b = min(max(shift + stretch * min(scale * np.float32(pixels[3 * i + 2]), most), least), most)
        gray = red * r + green * g + blue * b + half
        out[3 * i] = np.int32(min(max(own * r + gray, least), most))
        out[3 * i + 1] = np.int32(min(max(own * g + gray, least), most))
        out[3 * i + 2] = np.int32(min(max(own * b + gray, least), most))


@kernel(contract=True)
def _mean_gray(pixels, scale):
    """Return the mean luma of the values times ``scale``, rounded and cut off at 255."""
    half, most = np.float32(0.5), np.float32(255)
    totals, channels = np.zeros(_LANES, np.int32), np.zeros(3, np.int64)
    whole = len(pixels) // _LANES * _LANES
    for start in range(0, whole, _LANES):
        row = pixels[start : start + _LANES]
        for k in range(_LANES):
            totals[k] = np.int32(totals[k] + np.int32(min(scale * np.float32(row[k]), most) + half))
    for k in range(_LANES):
        channels[k % 3] += totals[k]
    for k in range(whole, len(pixels)):
        channels[k % 3] += np.int32(min(scale * np.float32(pixels[k]), most) + half)
    luma = _RED * channels[0] + _GREEN * channels[1] + _BLUE * channels[2]
    return luma / (len(pixels) // 3)


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
    brightness = number("random_colour", "brightness", brightness, 0, 1)
    contrast = number("random_colour", "contrast", contrast, 0, 1)
    saturation = number("random_colour", "saturation", saturation, 0, 1)
    turn = number("random_colour", "hue", hue, 0, math.pi, unit="radians")
    return recolour(image, *draw_colour(generator(seed), brightness, contrast, saturation, turn))


def draw_colour(
    random: np.random.Generator, brightness: float, contrast: float, saturation: float, hue: float
) -> tuple[float, float, float, float]:
    """Return three factors and a turn, as :func:`recolour` takes them.

    Parameters
    ----------
    random
        Where the four draws come from.
    brightness, contrast, saturation, hue
        Largest amounts.
    """
    a, b, c, d = random.uniform(-1, 1, 4).tolist()
    return 1 + brightness * a, 1 + contrast * b, 1 + saturation * c, hue * d
