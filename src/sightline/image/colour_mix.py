"""Colour spaces that are sums of R, G and B: grey, YCrCb, linear XYZ; and CMYK, which takes the black out first.

ITU-R BT.601 "Studio encoding parameters of digital television": luma is 0.299 R + 0.587 G + 0.114 B, the colour
differences are R − Y and B − Y. Bytes have kernels of their own, in whole numbers.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel

_i32, _u32, _f32 = np.int32, np.uint32, np.float32
LUMA = np.array([0.299, 0.587, 0.114])
# R − Y spans ±0.701 and B − Y ±0.886: these factors bring both to ±0.5.
_RED, _BLUE = 0.713, 0.564
RGB_TO_YCRCB = np.array([LUMA, _RED * (np.array([1, 0, 0]) - LUMA), _BLUE * (np.array([0, 0, 1]) - LUMA)])
YCRCB_TO_RGB = np.array([[1, 1.403, 0], [1, -0.714, -0.344], [1, 0, 1.773]])


@kernel
def rgb_to_gray_bytes(image, gray, x0, x1):
    """Write the luma of flat RGB bytes, with weights of 15 bits."""
    rgb, row = image[3 * x0 : 3 * x1], gray[x0:x1]
    for x in range(row.size):
        # All factors fit int16: that is what makes the products one instruction.
        r, g, b = _i32(rgb[3 * x]), _i32(rgb[3 * x + 1]), _i32(rgb[3 * x + 2])
        row[x] = np.uint8(_u32(_i32(9798) * r + _i32(19235) * g + _i32(3735) * b + _i32(16384)) >> _u32(15))


@kernel
def rgb_to_gray_words(image, gray, x0, x1):
    """Write the luma of flat RGB uint16, with weights of 15 bits."""
    rgb, row = image[3 * x0 : 3 * x1], gray[x0:x1]
    for x in range(row.size):
        r, g, b = _u32(rgb[3 * x]), _u32(rgb[3 * x + 1]), _u32(rgb[3 * x + 2])
        row[x] = np.uint16((_u32(9798) * r + _u32(19235) * g + _u32(3735) * b + _u32(16384)) >> _u32(15))


@kernel
def rgb_to_gray_floats(image, gray, x0, x1):
    """Write the luma of flat RGB float32."""
    rgb, row = image[3 * x0 : 3 * x1], gray[x0:x1]
    for x in range(row.size):
        row[x] = _f32(0.299) * rgb[3 * x] + _f32(0.587) * rgb[3 * x + 1] + _f32(0.114) * rgb[3 * x + 2]


@kernel
def gray_to_rgb(gray, image, x0, x1):
    """Write each value three times."""
    row, rgb = gray[x0:x1], image[3 * x0 : 3 * x1]
    for x in range(row.size):
        rgb[3 * x] = row[x]
        rgb[3 * x + 1] = row[x]
        rgb[3 * x + 2] = row[x]


@kernel
def rgb_to_ycrcb_bytes(image, result, x0, x1):
    """Write Y, Cr, Cb of flat RGB bytes, with weights of 14 bits; both differences are taken from the rounded Y."""
    rgb, row = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    for x in range(rgb.size // 3):
        r, g, b = _i32(rgb[3 * x]), _i32(rgb[3 * x + 1]), _i32(rgb[3 * x + 2])
        y = np.uint8(_u32(_i32(4899) * r + _i32(9617) * g + _i32(1868) * b + _i32(8192)) >> _u32(14))
        # Casts to int16 promise that nothing is wider: then a product is one instruction.
        red, blue = np.int16(r - _i32(y)), np.int16(b - _i32(y))
        red = np.int16((_i32(red) * _i32(11682) + _i32(128 * 16384 + 8192)) >> _i32(14))
        blue = np.int16((_i32(blue) * _i32(9241) + _i32(128 * 16384 + 8192)) >> _i32(14))
        row[3 * x] = y
        row[3 * x + 1] = np.uint8(min(red, np.int16(255)))
        row[3 * x + 2] = np.uint8(min(blue, np.int16(255)))


@kernel
def ycrcb_to_rgb_bytes(image, result, x0, x1):
    """Write R, G, B of flat YCrCb bytes, clipped to 0–255."""
    row, rgb = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    low, high, half = np.int16(0), np.int16(255), _i32(8192)
    for x in range(rgb.size // 3):
        y, red, blue = np.int16(row[3 * x]), np.int16(row[3 * x + 1]), np.int16(row[3 * x + 2])
        red, blue = _i32(np.int16(red - np.int16(128))), _i32(np.int16(blue - np.int16(128)))
        r = np.int16(y + np.int16((red * _i32(22987) + half) >> _i32(14)))
        g = np.int16(y + np.int16((red * _i32(-11698) + blue * _i32(-5636) + half) >> _i32(14)))
        b = np.int16(y + np.int16((blue * _i32(29049) + half) >> _i32(14)))
        rgb[3 * x] = np.uint8(min(max(r, low), high))
        rgb[3 * x + 1] = np.uint8(min(max(g, low), high))
        rgb[3 * x + 2] = np.uint8(min(max(b, low), high))


@kernel(contract=True)
def mix_pixels(image, result, matrix, offset, x0, x1):
    """Write ``matrix`` times each pixel plus ``offset``, for flat images of one dtype; whole numbers are clipped."""
    here, there = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    number = result.dtype.type
    whole = number(0.5) == number(0)
    low, high, half = _f32(0), _f32(number(-1)), _f32(0.5)
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    j, k, m = offset[0], offset[1], offset[2]
    for x in range(x1 - x0):
        u, v, w = _f32(here[3 * x]), _f32(here[3 * x + 1]), _f32(here[3 * x + 2])
        spoilt = (u - u) + (v - v) + (w - w)
        p = a * u + b * v + c * w + (j + spoilt)
        q = d * u + e * v + f * w + (k + spoilt)
        s = g * u + h * v + i * w + (m + spoilt)
        there[3 * x] = number(_i32(min(max(p + half, low), high))) if whole else number(p)
        there[3 * x + 1] = number(_i32(min(max(q + half, low), high))) if whole else number(q)
        there[3 * x + 2] = number(_i32(min(max(s + half, low), high))) if whole else number(s)


@kernel
def mix(planes, matrix, offset):
    """Replace the colour vector of each pixel by ``matrix`` times it, plus ``offset``."""
    p, q, s = planes[0], planes[1], planes[2]
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    j, k, m = offset[0], offset[1], offset[2]
    for x in range(p.size):
        u, v, w = p[x], q[x], s[x]
        p[x] = a * u + b * v + c * w + j
        q[x] = d * u + e * v + f * w + k
        s[x] = g * u + h * v + i * w + m


@kernel
def rgb_to_cmyk(planes):
    """Black ink is what all three lack; the other inks are what is missing then, in parts of what black leaves."""
    p, q, s, t = planes[0], planes[1], planes[2], planes[3]
    for x in range(p.size):
        r, g, b = p[x], q[x], s[x]
        light = max(r, g, b)
        inverse = _f32(0) if light <= _f32(0) else _f32(1) / light
        p[x] = (light - r) * inverse
        q[x] = (light - g) * inverse
        s[x] = (light - b) * inverse
        t[x] = _f32(1) - light


@kernel
def cmyk_to_rgb(planes):
    """Each ink lets through what it does not take, black takes from all."""
    p, q, s, t = planes[0], planes[1], planes[2], planes[3]
    for x in range(p.size):
        light = _f32(1) - t[x]
        p[x] = (_f32(1) - p[x]) * light
        q[x] = (_f32(1) - q[x]) * light
        s[x] = (_f32(1) - s[x]) * light


@kernel
def unpack(image, channels, gain, offset, planes, x0, x1):
    """Write pixels ``x0`` to ``x1`` as float32 planes, value · gain + offset; what is not finite takes its pixel."""
    row = image[channels * x0 : channels * x1]
    if channels == 3:
        p, q, s = planes[0], planes[1], planes[2]
        a, b, c = gain[0], gain[1], gain[2]
        d, e, f = offset[0], offset[1], offset[2]
        for x in range(x1 - x0):
            u, v, w = _f32(row[3 * x]), _f32(row[3 * x + 1]), _f32(row[3 * x + 2])
            spoilt = (u - u) + (v - v) + (w - w)  # 0, or NaN when one of them is not finite
            p[x], q[x], s[x] = u * a + d + spoilt, v * b + e + spoilt, w * c + f + spoilt
    else:
        for k in range(planes.shape[0]):
            plane = planes[k]
            j = min(k, channels - 1)  # grey fills all planes
            for x in range(plane.size):
                value = _f32(row[channels * x + j])
                spoilt = _f32(0)
                for i in range(channels):
                    other = _f32(row[channels * x + i])
                    spoilt += other - other
                plane[x] = value * gain[j] + offset[j] + spoilt


@kernel
def pack(planes, channels, gain, offset, turn, image, x0, x1):
    """Write planes as pixels, value · gain + offset.

    Whole numbers are rounded and clipped; a first channel of ``turn`` or more starts at 0 again.
    """
    row = image[channels * x0 : channels * x1]
    number = image.dtype.type
    whole = number(0.5) == number(0)
    low, high, half = _f32(0), _f32(number(-1)), _f32(0.5)
    if channels == 3:
        p, q, s = planes[0], planes[1], planes[2]
        a, b, c = gain[0], gain[1], gain[2]
        d, e, f = offset[0], offset[1], offset[2]
        if whole:
            for x in range(x1 - x0):
                u, v, w = p[x] * a + (d + half), q[x] * b + (e + half), s[x] * c + (f + half)
                u = u - turn if u >= turn else u
                row[3 * x] = number(_i32(min(max(u, low), high)))
                row[3 * x + 1] = number(_i32(min(max(v, low), high)))
                row[3 * x + 2] = number(_i32(min(max(w, low), high)))
        else:
            for x in range(x1 - x0):
                row[3 * x], row[3 * x + 1], row[3 * x + 2] = number(p[x]), number(q[x]), number(s[x])
    else:
        for k in range(channels):
            plane = planes[k]
            for x in range(plane.size):
                v = plane[x]
                row[channels * x + k] = (
                    number(_i32(min(max(v * gain[k] + (offset[k] + half), low), high))) if whole else number(v)
                )
