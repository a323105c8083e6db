"""CIE colour spaces: XYZ, and the perceptual Lab and Luv, as kernels over three rows of float32.

CIE 15:2004 "Colorimetry"; RGB is that of IEC 61966-2-1 (sRGB), white is D65. Every kernel works in place, on as many
pixels as its rows are long. Powers are polynomials: they take a fraction of the time, and eight pixels go at once.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel

_f32 = np.float32
# What one unit of linear R, G, B adds to X, Y, Z: the primaries of ITU-R BT.709 under D65. The rows sum to the white.
RGB_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
XYZ_TO_RGB = np.linalg.inv(RGB_TO_XYZ)
_XN, _ZN = _f32(0.950456), _f32(1.088754)
_UN = _f32(4 * 0.950456 / (0.950456 + 15 + 3 * 1.088754))
_VN = _f32(9 / (0.950456 + 15 + 3 * 1.088754))
_LEAST = _f32(0.0166)  # v' of the deepest violet: no colour lies below
_DARK = _f32((6 / 29) ** 3)  # below it the cube root is replaced by its tangent line
_SLOPE, _FOOT = _f32((29 / 6) ** 2 / 3), _f32(4 / 29)


@kernel(contract=True, inline=True)
def _light_of(v):
    # ((v + 0.055) / 1.055)^2.4, a straight line near black: a polynomial of degree 12, best in relative error (8e-6),
    # of v stretched from 0.04045 … 1 to -1 … 1.
    v = _f32(0) if v < _f32(0) else _f32(1) if v > _f32(1) else v
    u = v * _f32(2.0843103) - _f32(1.0843104)
    p = _f32(-0.00018250839) * u - _f32(4.1876254e-05)
    p = (p * u + _f32(0.0004220972)) * u + _f32(0.0002338633)
    p = (p * u - _f32(0.00049783755)) * u - _f32(5.4334236e-05)
    p = (p * u - _f32(0.00018796605)) * u + _f32(0.0011065654)
    p = (p * u - _f32(0.0038232594)) * u + _f32(0.030298136)
    p = (p * u + _f32(0.27259383)) * u + _f32(0.4668921)
    p = p * u + _f32(0.2332409)
    return v * _f32(1 / 12.92) if v <= _f32(0.04045) else p


@kernel(contract=True, inline=True)
def _value_of(v):
    # 1.055 v^(1/2.4) − 0.055, a straight line near black: a polynomial of degree 7 in the fourth root (error 4e-7).
    v = _f32(0) if v < _f32(0) else _f32(1) if v > _f32(1) else v
    s = np.sqrt(np.sqrt(v))
    p = (_f32(-0.07620775) * s + _f32(0.39470237)) * s - _f32(0.8983936)
    p = ((p * s + _f32(1.2091317)) * s - _f32(1.1558853)) * s + _f32(1.4615225)
    p = (p * s + _f32(0.12357645)) * s - _f32(0.058446631)
    p = _f32(1) if p > _f32(1) else p
    return v * _f32(12.92) if v <= _f32(0.0031308) else p


@kernel(contract=True)
def gamma_to_linear(planes):
    """Turn sRGB values 0–1 into light 0–1; what lies outside is clipped."""
    for channel in range(3):
        row = planes[channel]
        for x in range(row.size):
            row[x] = _light_of(row[x])


@kernel(contract=True)
def linear_to_gamma(planes):
    """Turn light into sRGB values, clipped to 0–1."""
    for channel in range(3):
        row = planes[channel]
        for x in range(row.size):
            row[x] = _value_of(row[x])


@kernel(contract=True, inline=True)
def _lightness(t):
    # The CIE's f(t): the cube root. The exponent's bits, divided by −3, give 1 / ∛t to 4 %; one series does the rest.
    bits = _f32(1419928704) - _f32(_f32(t).view(np.int32)) * _f32(1 / 3)
    root = np.int32(bits).view(np.float32)
    near = t * root * root
    e = near * root - _f32(1)
    p = ((_f32(0.44515556) * e - _f32(0.49930328)) * e + _f32(0.5556412)) * e - _f32(0.6666524)
    return near * (p * e + _f32(0.99999994)) if t > _DARK else _SLOPE * t + _FOOT


@kernel(contract=True, inline=True)
def _light(f):
    # The inverse of _lightness.
    return f * f * f if f > _f32(6 / 29) else (f - _FOOT) * (_f32(1) / _SLOPE)


@kernel(contract=True, inline=True)
def _lab_of(x, y, z):
    # L* = 116 f(Y) − 16, a* = 500 (f(X / Xn) − f(Y)), b* = 200 (f(Y) − f(Z / Zn)); x and z are X / Xn and Z / Zn.
    fx, fy, fz = _lightness(x), _lightness(y), _lightness(z)
    return _f32(116) * fy - _f32(16), _f32(500) * (fx - fy), _f32(200) * (fy - fz)


@kernel(contract=True, inline=True)
def _of_lab(lightness, a, b):
    fy = (lightness + _f32(16)) * _f32(1 / 116)
    fx, fz = fy + a * _f32(1 / 500), fy - b * _f32(1 / 200)
    return _XN * _light(fx), _light(fy), _ZN * _light(fz)


@kernel(contract=True, inline=True)
def _luv_of(x, y, z):
    # L* as in Lab, u* = 13 L* (u' − u'n), v* = 13 L* (v' − v'n), where u' = 4X / d, v' = 9Y / d, d = X + 15Y + 3Z.
    lightness = _f32(116) * _lightness(y) - _f32(16)
    d = x + _f32(15) * y + _f32(3) * z
    inverse = _f32(0) if d <= _f32(0) else _f32(1) / d
    u, v = _f32(4) * x * inverse - _UN, _f32(9) * y * inverse - _VN
    return lightness, _f32(13) * lightness * u, _f32(13) * lightness * v


@kernel(contract=True, inline=True)
def _of_luv(lightness, u, v):
    light = _light((lightness + _f32(16)) * _f32(1 / 116))
    dark = lightness <= _f32(0)  # what has no lightness is black
    scale = _f32(0) if dark else _f32(1 / 13) / lightness
    light = _f32(0) if dark else light
    u, v = u * scale + _UN, v * scale + _VN
    v = _LEAST if v < _LEAST else v
    over = light * (_f32(0.25) / v)
    return _f32(9) * over * u, light, over * (_f32(12) - _f32(3) * u - _f32(20) * v)


# --- planes: three rows of float32, in place ---


@kernel(contract=True)
def xyz_to_lab(planes):
    """Replace X, Y and Z by L*, a* and b*."""
    p, q, s = planes[0], planes[1], planes[2]
    for x in range(p.size):
        p[x], q[x], s[x] = _lab_of(p[x] * (_f32(1) / _XN), q[x], s[x] * (_f32(1) / _ZN))


@kernel(contract=True)
def lab_to_xyz(planes):
    """Replace L*, a* and b* by X, Y and Z."""
    p, q, s = planes[0], planes[1], planes[2]
    for x in range(p.size):
        p[x], q[x], s[x] = _of_lab(p[x], q[x], s[x])


@kernel(contract=True)
def xyz_to_luv(planes):
    """Replace X, Y and Z by L*, u* and v*."""
    p, q, s = planes[0], planes[1], planes[2]
    for x in range(p.size):
        p[x], q[x], s[x] = _luv_of(p[x], q[x], s[x])


@kernel(contract=True)
def luv_to_xyz(planes):
    """Replace L*, u* and v* by X, Y and Z."""
    p, q, s = planes[0], planes[1], planes[2]
    for x in range(p.size):
        p[x], q[x], s[x] = _of_luv(p[x], q[x], s[x])


# --- pixels: flat images of one dtype; a number is value · scale + zero ---


@kernel(contract=True)
def rgb_to_lab_pixels(image, result, gain, grid, matrix, scale, zero, x0, x1):
    """Write L*, a* and b* of the pixels ``x0`` to ``x1``.

    Where ``grid`` is positive, light comes in steps of 1/grid and the matrix in steps of 1/4096: all sums are exact.
    """
    rgb, row = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    number = result.dtype.type
    coarse = grid > _f32(0)
    step, half = _f32(1) / grid if coarse else _f32(1), _f32(0.5)
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    scale0, scale1, scale2, zero0, zero1, zero2 = scale[0], scale[1], scale[2], zero[0], zero[1], zero[2]
    for n in range(x1 - x0):
        u, v, w = _f32(rgb[3 * n]) * gain, _f32(rgb[3 * n + 1]) * gain, _f32(rgb[3 * n + 2]) * gain
        spoilt = (u - u) + (v - v) + (w - w)  # 0, or NaN when one of them is not finite
        u, v, w = _light_of(u), _light_of(v), _light_of(w)
        if coarse:
            u, v, w = np.rint(u * grid), np.rint(v * grid), np.rint(w * grid)
        x, y, z = a * u + b * v + c * w, d * u + e * v + f * w, g * u + h * v + i * w
        if coarse:
            x, y, z = np.floor(x + half) * step, np.floor(y + half) * step, np.floor(z + half) * step
        u, v, w = _lab_of(x, y, z)
        row[3 * n] = _coded((u + spoilt) * scale0 + zero0, number)
        row[3 * n + 1] = _coded((v + spoilt) * scale1 + zero1, number)
        row[3 * n + 2] = _coded((w + spoilt) * scale2 + zero2, number)


@kernel(contract=True)
def rgb_to_luv_pixels(image, result, gain, matrix, scale, zero, x0, x1):
    """Write L*, u* and v* of the pixels ``x0`` to ``x1``."""
    rgb, row = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    number = result.dtype.type
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    scale0, scale1, scale2, zero0, zero1, zero2 = scale[0], scale[1], scale[2], zero[0], zero[1], zero[2]
    for n in range(x1 - x0):
        u, v, w = _f32(rgb[3 * n]) * gain, _f32(rgb[3 * n + 1]) * gain, _f32(rgb[3 * n + 2]) * gain
        spoilt = (u - u) + (v - v) + (w - w)
        u, v, w = _light_of(u), _light_of(v), _light_of(w)
        u, v, w = _luv_of(a * u + b * v + c * w, d * u + e * v + f * w, g * u + h * v + i * w)
        row[3 * n] = _coded((u + spoilt) * scale0 + zero0, number)
        row[3 * n + 1] = _coded((v + spoilt) * scale1 + zero1, number)
        row[3 * n + 2] = _coded((w + spoilt) * scale2 + zero2, number)


@kernel(contract=True)
def to_rgb_pixels(image, result, lab, gain, zero, matrix, scale, x0, x1):
    """Write R, G and B of the pixels ``x0`` to ``x1``: from L*, a*, b* where ``lab``, from L*, u*, v* otherwise."""
    row, rgb = image[3 * x0 : 3 * x1], result[3 * x0 : 3 * x1]
    number = result.dtype.type
    a, b, c = matrix[0, 0], matrix[0, 1], matrix[0, 2]
    d, e, f = matrix[1, 0], matrix[1, 1], matrix[1, 2]
    g, h, i = matrix[2, 0], matrix[2, 1], matrix[2, 2]
    gain0, gain1, gain2, zero0, zero1, zero2 = gain[0], gain[1], gain[2], zero[0], zero[1], zero[2]
    for n in range(x1 - x0):
        u = _f32(row[3 * n]) * gain0 + zero0
        v = _f32(row[3 * n + 1]) * gain1 + zero1
        w = _f32(row[3 * n + 2]) * gain2 + zero2
        spoilt = (u - u) + (v - v) + (w - w)
        if lab:
            x, y, z = _of_lab(u, v, w)
        else:
            x, y, z = _of_luv(u, v, w)
        u, v, w = a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z
        rgb[3 * n] = _coded((_value_of(u) + spoilt) * scale, number)
        rgb[3 * n + 1] = _coded((_value_of(v) + spoilt) * scale, number)
        rgb[3 * n + 2] = _coded((_value_of(w) + spoilt) * scale, number)


@kernel(inline=True)
def _coded(value, number):
    # Rounded and clipped for whole numbers, as it is for floats: the compiler keeps one of the two.
    top = _f32(number(-1))
    whole = min(max(value + _f32(0.5), _f32(0)), top)
    return number(np.int32(whole)) if number(0.5) == number(0) else number(value)
