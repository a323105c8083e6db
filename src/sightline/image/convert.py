"""Colour spaces: the same picture under other coordinates. Every conversion goes to or from RGB.

Gray is the luma of ITU-R BT.601, 0.299 R + 0.587 G + 0.114 B. HSV is the hexcone of Smith 1978, "Color Gamut Transform
Pairs", Computer Graphics 12(3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array, Choice, Image, NewImage

CHANNELS = {"gray": 1, "hsv": 3, "rgb": 3}
SPACES = tuple(CHANNELS)

_i32, _u32, _f32 = np.int32, np.uint32, np.float32
# For uint8, OpenCV's table entries: 255·2¹² / value for the saturation, 180·2¹² / (6 · chroma) for the hue.
_SATURATION, _HUE = np.float32(255 * 4096), np.float32(30 * 4096)


@method(task="colour", paper="Smith 1978", lesson="w1d2", example={"source": "rgb", "target": "gray"})
def convert(
    image: Image,
    source: Annotated[str, Choice("gray", "hsv", "rgb")],
    target: Annotated[str, Choice("gray", "hsv", "rgb")],
    *,
    out: Array | None = None,
) -> NewImage:
    """Return ``image`` in another colour space.

    Gray of integers uses weights of 15 bits, rounded to nearest. HSV holds hue, saturation and value; saturation and
    value fill the dtype's range. The hue of uint8 is 0–179, in steps of two degrees; of uint16 and float32 it fills the
    range as well, so that 1.0 (65535) is a full turn. A hue outside its range counts modulo a turn. Gray has no hue:
    its hue and saturation are 0. A NaN stays within its pixel; in HSV, a pixel that is not finite becomes NaN.

    Parameters
    ----------
    image
        H×W when ``source`` is ``"gray"``, H×W×3 otherwise; uint8, uint16 or float32 0–1.
    source
        Space that the values are in: ``"gray"``, ``"hsv"`` or ``"rgb"``.
    target
        Space to return, one of the same names.
    out
        Array to write to, of the result's shape and dtype; None for a new one.

    Returns
    -------
    H×W for ``"gray"``, H×W×3 otherwise, in the dtype of ``image``.

    Raises
    ------
    InputError
        When a name is unknown or the image has another number of channels than ``source``.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> orange = np.array([[[255, 128, 0]]], np.uint8)
    >>> sl.image.convert(orange, "rgb", "gray")
    array([[151]], dtype=uint8)
    >>> sl.image.convert(orange, "rgb", "hsv")
    array([[[ 15, 255, 255]]], dtype=uint8)

    References
    ----------
    A. R. Smith, "Color Gamut Transform Pairs", Computer Graphics 12(3), 1978.
    """
    source = choice("convert", "source", source, SPACES)
    target = choice("convert", "target", target, SPACES)
    image = as_image("convert", image, channels=(CHANNELS[source],))
    shape = image.shape[:2] if CHANNELS[target] == 1 else (*image.shape[:2], CHANNELS[target])
    result = output("convert", out, shape, image.dtype, [image])
    if source == target:
        np.copyto(result, image)
    elif source == "rgb":
        _FROM_RGB[target](image, result)
    elif target == "rgb":
        _TO_RGB[source](image, result)
    else:
        rgb = output("convert", None, (*image.shape[:2], 3), image.dtype)
        _TO_RGB[source](image, rgb)
        _FROM_RGB[target](rgb, result)
    return result


def _per_dtype(**kernels: Callable[..., None]) -> Callable[[Array, Array], None]:
    def run(image: Array, result: Array) -> None:
        height = len(image)
        over_rows(kernels[image.dtype.name], height, image.reshape(height, -1), result.reshape(height, -1))

    return run


# --- gray ---


@kernel
def _rgb_to_gray_u8(image, gray, y0, y1):
    for y in range(y0, y1):
        rgb, row = image[y], gray[y]
        for x in range(row.size):
            # All factors fit int16: that is what makes the products one instruction.
            r, g, b = _i32(rgb[3 * x]), _i32(rgb[3 * x + 1]), _i32(rgb[3 * x + 2])
            row[x] = np.uint8(_u32(_i32(9798) * r + _i32(19235) * g + _i32(3735) * b + _i32(16384)) >> _u32(15))


@kernel
def _rgb_to_gray_u16(image, gray, y0, y1):
    for y in range(y0, y1):
        rgb, row = image[y], gray[y]
        for x in range(row.size):
            r, g, b = _u32(rgb[3 * x]), _u32(rgb[3 * x + 1]), _u32(rgb[3 * x + 2])
            row[x] = np.uint16((_u32(9798) * r + _u32(19235) * g + _u32(3735) * b + _u32(16384)) >> _u32(15))


@kernel
def _rgb_to_gray_f32(image, gray, y0, y1):
    for y in range(y0, y1):
        rgb, row = image[y], gray[y]
        for x in range(row.size):
            row[x] = _f32(0.299) * rgb[3 * x] + _f32(0.587) * rgb[3 * x + 1] + _f32(0.114) * rgb[3 * x + 2]


@kernel
def _gray_to_rgb(gray, image, y0, y1):
    for y in range(y0, y1):
        row, rgb = gray[y], image[y]
        for x in range(row.size):
            rgb[3 * x] = row[x]
            rgb[3 * x + 1] = row[x]
            rgb[3 * x + 2] = row[x]


# --- HSV ---


@kernel
def _rgb_to_hsv_u8(image, hsv, y0, y1):
    for y in range(y0, y1):
        rgb, row = image[y], hsv[y]
        for x in range(rgb.size // 3):
            r, g, b = _i32(rgb[3 * x]), _i32(rgb[3 * x + 1]), _i32(rgb[3 * x + 2])
            value = max(r, g, b)
            chroma = value - min(r, g, b)
            # One division serves both quotients; rounded to whole numbers they are exact for all 256² pairs.
            v, c = _f32(max(value, _i32(1))), _f32(max(chroma, _i32(1)))
            inverse = _f32(1) / (v * c)
            per_value, per_chroma = _i32(np.rint(_SATURATION * (c * inverse))), _i32(np.rint(_HUE * (v * inverse)))
            sector = g - b if value == r else (b - r + _i32(2) * chroma if value == g else r - g + _i32(4) * chroma)
            hue = (sector * per_chroma + _i32(2048)) >> _i32(12)
            row[3 * x] = np.uint8(hue + _i32(180) if hue < 0 else hue)
            row[3 * x + 1] = np.uint8((chroma * per_value + _i32(2048)) >> _i32(12))
            row[3 * x + 2] = np.uint8(value)


@kernel(inline=True)
def _hsv_of(r, g, b):
    value = max(r, g, b)
    chroma = value - min(r, g, b)
    c = chroma if chroma > _f32(0) else _f32(1)
    sector = (g - b) / c if value == r else ((b - r) / c + _f32(2) if value == g else (r - g) / c + _f32(4))
    hue = sector * _f32(1 / 6)
    hue = hue + _f32(1) if hue < _f32(0) else hue
    saturation = chroma / value if value > _f32(0) else _f32(0)
    spoilt = (r - r) + (g - g) + (b - b)  # 0, or NaN when one of them is not finite
    return hue + spoilt, saturation + spoilt, value + spoilt


@kernel
def _rgb_to_hsv_f32(image, hsv, y0, y1):
    for y in range(y0, y1):
        rgb, row = image[y], hsv[y]
        for x in range(rgb.size // 3):
            h, s, v = _hsv_of(rgb[3 * x], rgb[3 * x + 1], rgb[3 * x + 2])
            row[3 * x], row[3 * x + 1], row[3 * x + 2] = h, s, v


@kernel
def _rgb_to_hsv_u16(image, hsv, y0, y1):
    full, half = _f32(65535), _f32(0.5)
    for y in range(y0, y1):
        rgb, row = image[y], hsv[y]
        for x in range(rgb.size // 3):
            h, s, v = _hsv_of(_f32(rgb[3 * x]), _f32(rgb[3 * x + 1]), _f32(rgb[3 * x + 2]))
            row[3 * x], row[3 * x + 1] = np.uint16(h * full + half), np.uint16(s * full + half)
            row[3 * x + 2] = np.uint16(v)


@kernel(inline=True)
def _channel(offset, sector, chroma, value):
    # The trapezoid that a channel follows around the hexagon: full, falling, empty, rising.
    k = offset + sector
    k = k - _f32(6) if k >= _f32(6) else k
    ramp = min(min(k, _f32(4) - k), _f32(1))
    return value - chroma * max(ramp, _f32(0))


@kernel(inline=True)
def _rgb_of(hue, saturation, value):
    sector = _f32(6) * (hue - np.floor(hue))
    chroma = value * saturation
    spoilt = (hue - hue) + (saturation - saturation) + (value - value)
    r = _channel(_f32(5), sector, chroma, value)
    g = _channel(_f32(3), sector, chroma, value)
    b = _channel(_f32(1), sector, chroma, value)
    return r + spoilt, g + spoilt, b + spoilt


@kernel
def _hsv_to_rgb_f32(hsv, image, y0, y1):
    for y in range(y0, y1):
        row, rgb = hsv[y], image[y]
        for x in range(rgb.size // 3):
            r, g, b = _rgb_of(row[3 * x], row[3 * x + 1], row[3 * x + 2])
            rgb[3 * x], rgb[3 * x + 1], rgb[3 * x + 2] = r, g, b


@kernel
def _hsv_to_rgb_u8(hsv, image, y0, y1):
    half = _f32(0.5)
    for y in range(y0, y1):
        row, rgb = hsv[y], image[y]
        for x in range(rgb.size // 3):
            h, s, v = _f32(row[3 * x]) * _f32(1 / 180), _f32(row[3 * x + 1]) * _f32(1 / 255), _f32(row[3 * x + 2])
            r, g, b = _rgb_of(h, s, v)
            rgb[3 * x], rgb[3 * x + 1], rgb[3 * x + 2] = np.uint8(r + half), np.uint8(g + half), np.uint8(b + half)


@kernel
def _hsv_to_rgb_u16(hsv, image, y0, y1):
    full, half = _f32(1 / 65535), _f32(0.5)
    for y in range(y0, y1):
        row, rgb = hsv[y], image[y]
        for x in range(rgb.size // 3):
            r, g, b = _rgb_of(_f32(row[3 * x]) * full, _f32(row[3 * x + 1]) * full, _f32(row[3 * x + 2]))
            rgb[3 * x], rgb[3 * x + 1], rgb[3 * x + 2] = np.uint16(r + half), np.uint16(g + half), np.uint16(b + half)


# To add a space: its number of channels above, and a line in each of these two tables.
_FROM_RGB = {
    "gray": _per_dtype(uint8=_rgb_to_gray_u8, uint16=_rgb_to_gray_u16, float32=_rgb_to_gray_f32),
    "hsv": _per_dtype(uint8=_rgb_to_hsv_u8, uint16=_rgb_to_hsv_u16, float32=_rgb_to_hsv_f32),
}
_TO_RGB = {
    "gray": _per_dtype(uint8=_gray_to_rgb, uint16=_gray_to_rgb, float32=_gray_to_rgb),
    "hsv": _per_dtype(uint8=_hsv_to_rgb_u8, uint16=_hsv_to_rgb_u16, float32=_hsv_to_rgb_f32),
}
