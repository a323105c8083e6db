"""Colour spaces that are sums of R, G and B: grey, YCrCb, linear XYZ; and CMYK, which takes the black out first.

ITU-R BT.601 "Studio encoding parameters of digital television": luma is 0.299 R + 0.587 G + 0.114 B, the colour
differences are R − Y and B − Y. Bytes have kernels of their own, in whole numbers.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, quick
from sightline.core.lanes import part_pixels, prefetch, rounded_product, rounded_products, weave_pixels
from sightline.core.streaming import first_whole
from sightline.core.triples import load_triples, store_triples
from sightline.core.vectors import LANES

_i16, _i32, _u32, _f32 = np.int16, np.int32, np.uint32, np.float32
BLOCK = 1024  # pixels whose three rows of bytes stay in the nearest cache
LUMA = np.array([0.299, 0.587, 0.114])
# R − Y spans ±0.701 and B − Y ±0.886: these factors bring both to ±0.5.
_RED, _BLUE = 0.713, 0.564
RGB_TO_YCRCB = np.array([LUMA, _RED * (np.array([1, 0, 0]) - LUMA), _BLUE * (np.array([0, 0, 1]) - LUMA)])
YCRCB_TO_RGB = np.array([[1, 1.403, 0], [1, -0.714, -0.344], [1, 0, 1.773]])


@kernel
def rgb_to_gray_bytes(image, gray, x0, x1):
    """Write the luma of flat RGB bytes, with weights of 15 bits."""
    planes = np.empty((3, BLOCK), np.uint8)
    for x in range(x0, x1, BLOCK):
        end = min(x + BLOCK, x1)
        a, b, c = planes[0, : end - x], planes[1, : end - x], planes[2, : end - x]
        part(image, 3 * x, a, b, c)
        _luma(a, b, c, gray[x:end])


@kernel
def _luma(p, q, s, row):
    for x in range(row.size):
        # All factors fit int16: that is what makes the products one instruction.
        r, g, b = _i32(p[x]), _i32(q[x]), _i32(s[x])
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
    planes = np.empty((3, BLOCK), np.uint8)
    for x in range(x0, x1, BLOCK):
        end = min(x + BLOCK, x1)
        a, b, c = planes[0, : end - x], planes[1, : end - x], planes[2, : end - x]
        part(image, 3 * x, a, b, c)
        _luma_and_differences(a, b, c)
        weave(a, b, c, result, 3 * x)


@kernel
def _luma_and_differences(p, q, s):
    for x in range(p.size):
        r, g, b = _i16(p[x]), _i16(q[x]), _i16(s[x])
        # Times 4, so that 14 bits are 16. The weights sum to 1, so green's is what the others leave.
        y = _i16(g + rounded_products(_four(r, g), _i16(4899), _four(b, g), _i16(1868)))
        red, blue = rounded_product(_four(r, y), _i16(11682)), rounded_product(_four(b, y), _i16(9241))
        p[x] = np.uint8(y)
        q[x] = np.uint8(min(_i16(red + _i16(128)), _i16(255)))
        s[x] = np.uint8(min(_i16(blue + _i16(128)), _i16(255)))


@kernel
def ycrcb_to_rgb_bytes(image, result, x0, x1):
    """Write R, G, B of flat YCrCb bytes, clipped to 0–255."""
    planes = np.empty((3, BLOCK), np.uint8)
    for x in range(x0, x1, BLOCK):
        end = min(x + BLOCK, x1)
        a, b, c = planes[0, : end - x], planes[1, : end - x], planes[2, : end - x]
        part(image, 3 * x, a, b, c)
        _from_luma_and_differences(a, b, c)
        weave(a, b, c, result, 3 * x)


@kernel
def _from_luma_and_differences(p, q, s):
    low, high = _i16(0), _i16(255)
    for x in range(p.size):
        y, red, blue = _i16(p[x]), _four(_i16(q[x]), _i16(128)), _four(_i16(s[x]), _i16(128))
        r = _i16(y + rounded_product(red, _i16(22987)))
        g = _i16(y + rounded_products(red, _i16(-11698), blue, _i16(-5636)))
        b = _i16(y + rounded_product(blue, _i16(29049)))
        p[x] = np.uint8(min(max(r, low), high))
        q[x] = np.uint8(min(max(g, low), high))
        s[x] = np.uint8(min(max(b, low), high))


@kernel(inline=True)
def _four(a, b):
    return _i16(_i16(a - b) << _i16(2))


@kernel(inline=True)
def _call_ahead(row, at):
    """Ask for the same pixels of the next block: while this one is worked on, nobody else would."""
    prefetch(row, at + 3 * BLOCK)
    prefetch(row, at + 3 * BLOCK + 48)


@kernel(inline=True)
def part(row, start, a, b, c):
    """Deal the triples of flat bytes from ``start`` on out to three rows."""
    whole = a.size // 32 * 32
    for x in range(0, whole, 32):
        part_pixels(row, start + 3 * x, a, b, c, x)
        _call_ahead(row, start + 3 * x)
    for x in range(whole, a.size):
        at = start + 3 * x
        a[x], b[x], c[x] = row[at], row[at + 1], row[at + 2]


@kernel(inline=True)
def weave(a, b, c, row, start):
    """Join three rows of bytes to triples of flat bytes from ``start`` on."""
    whole = a.size // 32 * 32
    for x in range(0, whole, 32):
        weave_pixels(a, b, c, x, row, start + 3 * x)
        _call_ahead(row, start + 3 * x)
    for x in range(whole, a.size):
        at = start + 3 * x
        row[at], row[at + 1], row[at + 2] = a[x], b[x], c[x]


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


@quick
@kernel(contract=True)
def mix_floats(image, result, matrix, offset, past, x0, x1):
    """Do what :func:`mix_pixels` does, for float32 and eight pixels or more; past the caches where ``past``."""
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    j, k, m = offset[0], offset[1], offset[2]
    first, count = groups_of(result, x0, x1)
    for n in range(-1, count + 1):
        x, inner = group_at(n, first, count, x0, x1)
        u, v, w = load_triples(image, 3 * x)
        spoilt = (u - u) + (v - v) + (w - w)
        p = a * u + b * v + c * w + (j + spoilt)
        q = d * u + e * v + f * w + (k + spoilt)
        s = g * u + h * v + i * w + (m + spoilt)
        store_triples(p, q, s, result, 3 * x, past & inner)


@kernel
def groups_of(result, x0, x1):
    """Return where groups of eight whole vectors begin among the pixels ``x0`` to ``x1``, and how many there are."""
    first = first_whole(result, 3, x0)
    return first, max(0, x1 - first) // LANES


@kernel(inline=True)
def group_at(k, first, count, x0, x1):
    """Return the first pixel of group ``k`` and whether it is one of ``count`` whole ones.

    The groups before and after them begin and end with the pixels: they overlap others, which get the same numbers.
    """
    inner = (k >= 0) & (k < count)
    outer = min(x0, x1 - LANES) if k < 0 else x1 - LANES
    return (first + k * LANES if inner else outer), inner


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
