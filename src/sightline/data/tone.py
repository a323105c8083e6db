"""Operations on tones that RandAugment draws from: each on uint8, H×W or H×W×3, to a new array."""

from __future__ import annotations

import numpy as np

from sightline.core.checks import as_image, integer, number
from sightline.core.types import Image

_LEVELS = np.arange(256)


def autocontrast(image: Image) -> Image:
    """Return the image with the darkest value of each channel moved to 0 and the lightest to 255.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8; a channel of one value stays as it is.
    """
    image = as_image("autocontrast", image, dtypes=("uint8",))
    return _by_channel(image, _stretch)


def _stretch(channel: np.ndarray) -> np.ndarray:
    low, high = int(channel.min()), int(channel.max())
    if low == high:
        return channel
    table = np.clip(np.rint((_LEVELS - low) * (255 / (high - low))), 0, 255).astype(np.uint8)
    return table[channel]


def equalize(image: Image) -> Image:
    """Return the image with the values of each channel spread so that all are about equally frequent.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8; a channel with few distinct values may stay as it is.
    """
    image = as_image("equalize", image, dtypes=("uint8",))
    return _by_channel(image, _spread)


def _spread(channel: np.ndarray) -> np.ndarray:
    count = np.bincount(channel.ravel(), minlength=256)
    step = (channel.size - int(count[channel.max()])) // 255  # pixels for each level of the result
    if step == 0:
        return channel
    below = np.cumsum(count) - count
    return np.minimum((below + step // 2) // step, 255).astype(np.uint8)[channel]


def posterize(image: Image, *, bits: int = 4) -> Image:
    """Return the image with only the highest bits of each value kept.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    bits
        How many, 1–8; 8 changes nothing.
    """
    image = as_image("posterize", image, dtypes=("uint8",))
    bits = integer("posterize", "bits", bits, 1, 8)
    return image & np.uint8(256 - (1 << (8 - bits)))


def solarize(image: Image, *, level: int = 128) -> Image:
    """Return the image with the values from ``level`` on turned to their negative.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8.
    level
        0–256; 256 changes nothing.
    """
    image = as_image("solarize", image, dtypes=("uint8",))
    level = integer("solarize", "level", level, 0, 256)
    return np.where(level > _LEVELS, _LEVELS, 255 - _LEVELS).astype(np.uint8)[image]


def sharpen(image: Image, *, amount: float = 1.0) -> Image:
    """Return the image blended with its smoothed self: 0 is smooth, 1 as it is, more is sharper.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8. The outermost pixels stay as they are.
    amount
        0–10.
    """
    image = as_image("sharpen", image, dtypes=("uint8",))
    amount = number("sharpen", "amount", amount, 0, 10)
    height, width = image.shape[:2]
    if height < 3 or width < 3:
        return image.copy()
    wide = image.astype(np.float32)
    rows = wide[:-2] + wide[1:-1] + wide[2:]
    smooth = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:] + 4 * wide[1:-1, 1:-1]) / 13
    smooth = np.rint(smooth)
    out = image.copy()
    inner = smooth + np.float32(amount) * (wide[1:-1, 1:-1] - smooth)
    out[1:-1, 1:-1] = np.clip(np.rint(inner), 0, 255).astype(np.uint8)
    return out


def _by_channel(image: np.ndarray, function) -> np.ndarray:  # type: ignore[no-untyped-def]
    if image.ndim == 2:
        return np.array(function(image))
    return np.stack([function(image[..., channel]) for channel in range(image.shape[2])], axis=2)
