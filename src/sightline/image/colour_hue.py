"""Hue, saturation and value (HSV) or lightness (HSL): the RGB cube seen along its grey diagonal.

Smith 1978, "Color Gamut Transform Pairs", Computer Graphics 12(3); HSL is Joblove and Greenberg's, in the same issue.
Kernels over three rows of float32 work in place, with hue in turns; HSV of bytes has a kernel of its own.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, quick
from sightline.core.triples import load_triples, store_triples
from sightline.core.vectors import choose, floor
from sightline.core.widened import greater, lesser
from sightline.image.colour_mix import BLOCK, group_at, groups_of, part, weave

_i32, _f32 = np.int32, np.float32
# For uint8, OpenCV's table entries: 255·2¹² / value for the saturation, 180·2¹² / (6 · chroma) for the hue.
_SATURATION, _HUE = np.float32(255 * 4096), np.float32(30 * 4096)


@kernel
def rgb_to_hsv_bytes(image, hsv, x0, x1):
    """Write hue 0–179, saturation and value of the pixels ``x0`` to ``x1`` of flat RGB bytes."""
    planes = np.empty((3, BLOCK), np.uint8)
    for x in range(x0, x1, BLOCK):
        end = min(x + BLOCK, x1)
        a, b, c = planes[0, : end - x], planes[1, : end - x], planes[2, : end - x]
        part(image, 3 * x, a, b, c)
        _hue_saturation_value(a, b, c)
        weave(a, b, c, hsv, 3 * x)


@kernel
def _hue_saturation_value(p, q, s):
    half, twelve = _i32(2048), _i32(12)
    for x in range(p.size):
        # Each sum is cut back to 32 bits: Python's numbers would be widened to 64, which costs three times the time.
        r, g, b = _i32(p[x]), _i32(q[x]), _i32(s[x])
        value = max(r, g, b)
        chroma = _i32(value - min(r, g, b))
        # One division serves both quotients; rounded to whole numbers they are exact for all 256² pairs.
        v, c = _f32(max(value, _i32(1))), _f32(max(chroma, _i32(1)))
        inverse = _f32(1) / (v * c)
        per_value, per_chroma = _i32(np.rint(_SATURATION * (c * inverse))), _i32(np.rint(_HUE * (v * inverse)))
        green, blue = _i32(_i32(b - r) + _i32(_i32(2) * chroma)), _i32(_i32(r - g) + _i32(_i32(4) * chroma))
        sector = _i32(g - b) if value == r else (green if value == g else blue)
        hue = _i32(_i32(_i32(sector * per_chroma) + half) >> twelve)
        p[x] = np.uint8(_i32(hue + _i32(180)) if hue < _i32(0) else hue)
        q[x] = np.uint8(_i32(_i32(_i32(chroma * per_value) + half) >> twelve))
        s[x] = np.uint8(value)


# --- one colour, or eight: its coordinates are numbers, or vectors of them ---


@kernel(inline=True)
def _hue_of(r, g, b, value, chroma):
    # Which of the three is largest says in which third of the turn the colour lies.
    inverse = _f32(1) / choose(chroma > _f32(0), chroma, _f32(1))
    sector = choose(value == r, g - b, choose(value == g, b - r, r - g))
    start = choose(value == r, _f32(0), choose(value == g, _f32(2), _f32(4)))
    hue = (sector * inverse + start) * _f32(1 / 6)
    return choose(hue < _f32(0), hue + _f32(1), hue)


@kernel(inline=True)
def _hsv_of(r, g, b):
    # Value is the largest of the three, saturation its distance from the smallest, in parts of the value.
    value = greater(greater(r, g), b)
    chroma = value - lesser(lesser(r, g), b)
    spoilt = (r - r) + (g - g) + (b - b)  # 0, or NaN when one of them is not finite
    saturation = choose(value <= _f32(0), _f32(0), chroma / value)
    return _hue_of(r, g, b, value, chroma) + spoilt, saturation + spoilt, value + spoilt


@kernel(inline=True)
def _hsl_of(r, g, b):
    # Lightness is the mean of the largest and the smallest; saturation is 1 where the colour could not be purer.
    value, least = greater(greater(r, g), b), lesser(lesser(r, g), b)
    chroma, total = value - least, value + least
    spoilt = (r - r) + (g - g) + (b - b)
    room = choose(total < _f32(1), total, _f32(2) - total)
    saturation = choose(room <= _f32(0), _f32(0), chroma / room)
    return _hue_of(r, g, b, value, chroma) + spoilt, saturation + spoilt, _f32(0.5) * total + spoilt


@kernel(inline=True)
def _within_turn(hue, chroma, full):
    # Around the hexagon; a hue beyond a turn starts anew. A channel falls from full by as much as its colour is away.
    sector = _f32(6) * (hue - floor(hue))
    r, g, b = sector - _f32(3), sector - _f32(2), sector - _f32(4)
    r = _f32(2) - greater(r, _f32(0) - r)
    g, b = greater(g, _f32(0) - g) - _f32(1), greater(b, _f32(0) - b) - _f32(1)
    return full - chroma * _share(r), full - chroma * _share(g), full - chroma * _share(b)


@kernel(inline=True)
def _share(ramp):
    ramp = choose(ramp < _f32(1), ramp, _f32(1))
    return choose(ramp > _f32(0), ramp, _f32(0))


@kernel(inline=True)
def _of_hsv(hue, saturation, value):
    spoilt = (hue - hue) + (saturation - saturation) + (value - value)
    return _within_turn(hue, value * saturation, value + spoilt)


@kernel(inline=True)
def _of_hsl(hue, saturation, light):
    half = saturation * lesser(light, _f32(1) - light)
    spoilt = (hue - hue) + (saturation - saturation) + (light - light)
    return _within_turn(hue, _f32(2) * half, light + half + spoilt)


# --- planes: three rows of float32, in place ---


@kernel
def rgb_to_hsv(planes):
    """Replace red, green and blue by hue, saturation and value."""
    p, q, s = planes[0], planes[1], planes[2]
    for x in range(p.size):
        p[x], q[x], s[x] = _hsv_of(p[x], q[x], s[x])


@kernel
def rgb_to_hsl(planes):
    """Replace red, green and blue by hue, saturation and lightness."""
    p, q, s = planes[0], planes[1], planes[2]
    for x in range(p.size):
        p[x], q[x], s[x] = _hsl_of(p[x], q[x], s[x])


@kernel
def hsv_to_rgb(planes):
    """Replace hue, saturation and value by red, green and blue."""
    p, q, s = planes[0], planes[1], planes[2]
    for x in range(p.size):
        p[x], q[x], s[x] = _of_hsv(p[x], q[x], s[x])


@kernel
def hsl_to_rgb(planes):
    """Replace hue, saturation and lightness by red, green and blue."""
    p, q, s = planes[0], planes[1], planes[2]
    for x in range(p.size):
        p[x], q[x], s[x] = _of_hsl(p[x], q[x], s[x])


# --- pixels: flat images of one dtype, whose numbers are value · scale ---


@kernel
def rgb_to_hsv_pixels(image, result, scale, turn, x0, x1):
    """Write hue · ``turn``, saturation and value of the pixels ``x0`` to ``x1``."""
    rgb, row = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    number, inverse = result.dtype.type, _f32(1) / scale
    for x in range(x1 - x0):
        r, g, b = _f32(rgb[3 * x]) * inverse, _f32(rgb[3 * x + 1]) * inverse, _f32(rgb[3 * x + 2]) * inverse
        h, s, v = _hsv_of(r, g, b)
        row[3 * x] = _coded(h * turn, number)
        row[3 * x + 1] = _coded(s * scale, number)
        row[3 * x + 2] = _coded(v * scale, number)


@kernel
def rgb_to_hsl_pixels(image, result, scale, turn, x0, x1):
    """Write hue · ``turn``, saturation and lightness of the pixels ``x0`` to ``x1``."""
    rgb, row = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    number, inverse = result.dtype.type, _f32(1) / scale
    last = turn - _f32(0.5) if turn < scale else _f32(2) * turn  # a hue that would be rounded up to a full turn is 0
    for x in range(x1 - x0):
        r, g, b = _f32(rgb[3 * x]) * inverse, _f32(rgb[3 * x + 1]) * inverse, _f32(rgb[3 * x + 2]) * inverse
        h, s, v = _hsl_of(r, g, b)
        h = h * turn
        row[3 * x] = _coded(_f32(0) if h >= last else h, number)
        row[3 * x + 1] = _coded(s * scale, number)
        row[3 * x + 2] = _coded(v * scale, number)


@kernel
def hsv_to_rgb_pixels(image, result, scale, turn, x0, x1):
    """Write red, green and blue of the pixels ``x0`` to ``x1``, whose hue is in ``turn`` parts of a turn."""
    row, rgb = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    number, inverse, part = result.dtype.type, _f32(1) / scale, _f32(1) / turn
    for x in range(x1 - x0):
        h, s, v = _f32(row[3 * x]) * part, _f32(row[3 * x + 1]) * inverse, _f32(row[3 * x + 2])
        r, g, b = _of_hsv(h, s, v)
        rgb[3 * x], rgb[3 * x + 1], rgb[3 * x + 2] = _coded(r, number), _coded(g, number), _coded(b, number)


@kernel
def hsl_to_rgb_pixels(image, result, scale, turn, x0, x1):
    """Write red, green and blue of the pixels ``x0`` to ``x1``, whose hue is in ``turn`` parts of a turn."""
    row, rgb = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    number, inverse, part = result.dtype.type, _f32(1) / scale, _f32(1) / turn
    for x in range(x1 - x0):
        h, s, v = _f32(row[3 * x]) * part, _f32(row[3 * x + 1]) * inverse, _f32(row[3 * x + 2]) * inverse
        r, g, b = _of_hsl(h, s, v)
        rgb[3 * x] = _coded(r * scale, number)
        rgb[3 * x + 1] = _coded(g * scale, number)
        rgb[3 * x + 2] = _coded(b * scale, number)


@kernel(inline=True)
def _coded(value, number):
    # Rounded for whole numbers, as it is for floats: the compiler keeps one of the two.
    return number(_i32(value + _f32(0.5))) if number(0.5) == number(0) else number(value)


# --- pixels of float32, at least eight of them; past the caches where ``past`` ---


@quick
@kernel
def rgb_to_hsv_floats(image, result, past, x0, x1):
    """Write hue, saturation and value of the pixels ``x0`` to ``x1``."""
    first, count = groups_of(result, x0, x1)
    for k in range(-1, count + 1):
        x, inner = group_at(k, first, count, x0, x1)
        r, g, b = load_triples(image, 3 * x)
        h, s, v = _hsv_of(r, g, b)
        store_triples(h, s, v, result, 3 * x, past & inner)


@quick
@kernel
def rgb_to_hsl_floats(image, result, past, x0, x1):
    """Write hue, saturation and lightness of the pixels ``x0`` to ``x1``."""
    first, count = groups_of(result, x0, x1)
    for k in range(-1, count + 1):
        x, inner = group_at(k, first, count, x0, x1)
        r, g, b = load_triples(image, 3 * x)
        h, s, v = _hsl_of(r, g, b)
        store_triples(h, s, v, result, 3 * x, past & inner)


@quick
@kernel
def hsv_to_rgb_floats(image, result, past, x0, x1):
    """Write red, green and blue of the pixels ``x0`` to ``x1`` of hue, saturation and value."""
    first, count = groups_of(result, x0, x1)
    for k in range(-1, count + 1):
        x, inner = group_at(k, first, count, x0, x1)
        h, s, v = load_triples(image, 3 * x)
        r, g, b = _of_hsv(h, s, v)
        store_triples(r, g, b, result, 3 * x, past & inner)


@quick
@kernel
def hsl_to_rgb_floats(image, result, past, x0, x1):
    """Write red, green and blue of the pixels ``x0`` to ``x1`` of hue, saturation and lightness."""
    first, count = groups_of(result, x0, x1)
    for k in range(-1, count + 1):
        x, inner = group_at(k, first, count, x0, x1)
        h, s, v = load_triples(image, 3 * x)
        r, g, b = _of_hsl(h, s, v)
        store_triples(r, g, b, result, 3 * x, past & inner)
