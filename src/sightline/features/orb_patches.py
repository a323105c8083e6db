"""The patch around an ORB corner: where its brightness lies, and comparisons of its smoothed pixels, turned that way.

Rublee, Rabaud, Konolige & Bradski 2011, "ORB: An Efficient Alternative to SIFT or SURF", ICCV: the intensity centroid
(section 3.2), steered BRIEF with chosen tests (4). Only patches are smoothed, each in a copy that stays in the cache.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.narrow import plus, shifted, upper_half
from sightline.core.octets import WIDE, octets, put_octets
from sightline.core.types import Array
from sightline.features.binary_tests import REACH, TESTS
from sightline.features.brief import ends_of, write_bits

# A Gaussian with σ = 2.5 pixels, cut off after three: the smoothing before comparisons.
_MIDDLE, _ONE, _TWO, _THREE = 24, 22, 18, 12  # of 128
_TAPS = 3
MARGIN = REACH + _TAPS  # of a corner from the border, so that its patch lies inside
_SIDE = 2 * MARGIN + 1  # of the copy: the width of its rows
_INNER = (2 * REACH + 1) * _SIDE  # pixels of its rows that are smoothed
_STRIP = 64


def _moments() -> Array:
    """Return what pixels of a disc of radius REACH count for across and down, 2×1147 int16: 0 beyond it."""
    y, x = np.mgrid[-REACH : REACH + 1, -MARGIN : MARGIN + 1]
    return (np.stack([x, y]) * (x * x + y * y <= REACH * REACH + 0.5)).reshape(2, -1).astype(np.int16)


_MOMENTS = _moments()


def describe(pixels: Array, places: Array, widths: Array, tests: Array = TESTS) -> tuple[Array, Array]:
    """Return the directions of corners, N float32 in 0–2π, and their bits, N×32 uint8.

    Parameters
    ----------
    pixels
        Flat uint8, of one image or several.
    places, widths
        N int64: the index of each corner's pixel, :data:`MARGIN` from the border at least, and from a pixel to the one
        below.
    tests
        (8·B)×4 int8 (x, y, x, y) as of :func:`sightline.features.brief.describe_bits`.
    """
    angles, codes = np.empty(len(places), np.float32), np.empty((len(places), len(tests) // 8), np.uint8)
    over_rows(_describe, len(places), pixels, places, widths, _MOMENTS, ends_of(tests), angles, codes, strip=_STRIP)
    return angles, codes


def smoothed(pixels: Array, place: int, width: int) -> Array:
    """Return the patch around one pixel as comparisons see it, 31×31 uint8."""
    patch, line, smooth = (np.empty(_INNER + 6 * _SIDE, kind) for kind in (np.uint8, np.uint16, np.uint8))
    _copy(pixels, place, width, patch)
    _smooth(patch, line, smooth)
    return smooth[:_INNER].reshape(-1, _SIDE)[:, : 2 * REACH + 1]


@kernel
def _describe(pixels, places, widths, moments, ends, angles, codes, y0, y1):
    size = _SIDE * _SIDE
    patch, line, smooth = np.empty(size, np.uint8), np.empty(size, np.uint16), np.empty(size, np.uint8)
    spots = np.empty(ends.shape[1], np.int32)
    for i in range(y0, y1):
        _copy(pixels, places[i], widths[i], patch)
        angles[i] = _direction(patch, moments)
        _smooth(patch, line, smooth)
        write_bits(smooth, REACH * _SIDE + REACH, _SIDE, angles[i], ends, spots, codes[i])


@kernel
def _copy(pixels, place, wide, patch):
    """Write the 37×37 pixels around a place, row by row; 32 of them at a time, so that some are written twice."""
    first, last = place - MARGIN * wide - MARGIN, _SIDE - WIDE
    for row in range(_SIDE):
        put_octets(octets(pixels, first + row * wide), patch, row * _SIDE)
        put_octets(octets(pixels, first + row * wide + last), patch, row * _SIDE + last)


@kernel
def _direction(patch, moments):
    """Return the angle to the centroid of the brightness in a disc, 0 to 2π."""
    rows, across, down = patch[_TAPS * _SIDE :], moments[0], moments[1]
    x, y = np.int32(0), np.int32(0)
    for k in range(across.size):
        value = np.int32(rows[k])
        x = np.int32(x + np.int32(value * np.int32(across[k])))
        y = np.int32(y + np.int32(value * np.int32(down[k])))
    angle = np.arctan2(np.float64(y), np.float64(x))
    return np.float32(angle if angle >= 0 else angle + 2 * np.pi)


@kernel
def _smooth(patch, line, smooth):
    """Write weighted means of seven pixels down and then across, rows of 31 as far apart as those of the patch.

    Down, 128 times the mean; across, of each product the upper half of its 32 bits counts.
    """
    a, b, c, m = patch, patch[_SIDE:], patch[2 * _SIDE :], patch[3 * _SIDE :]
    d, e, f = patch[4 * _SIDE :], patch[5 * _SIDE :], patch[6 * _SIDE :]
    for k in range(_INNER):
        one, two = np.uint16(c[k]) + np.uint16(d[k]), np.uint16(b[k]) + np.uint16(e[k])
        three = np.uint16(a[k]) + np.uint16(f[k])
        total = np.uint16(np.uint16(m[k]) * np.uint16(_MIDDLE) + np.uint16(one * np.uint16(_ONE)))
        rest = np.uint16(np.uint16(two * np.uint16(_TWO)) + np.uint16(three * np.uint16(_THREE)))
        line[k] = np.uint16(total + rest)
    w, u, v, t = np.uint16(_MIDDLE << 8), np.uint16(_ONE << 8), np.uint16(_TWO << 8), np.uint16(_THREE << 8)
    half, down = np.uint16(32), np.uint16(6)
    o, p, q, n, r, s, z = line, line[1:], line[2:], line[3:], line[4:], line[5:], line[6:]
    for k in range(_INNER - 2 * _TAPS):
        total = plus(upper_half(n[k], w), upper_half(plus(q[k], r[k]), u))
        rest = plus(upper_half(plus(p[k], s[k]), v), upper_half(plus(o[k], z[k]), t))
        smooth[k] = np.uint8(shifted(plus(plus(total, rest), half), down))
