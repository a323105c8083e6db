"""Entropy coding of quantised wavelet coefficients: each bit is priced by what its neighbours were.

Shapiro 1993, "Embedded image coding using zerotrees of wavelet coefficients", IEEE TSP 41(12): large coefficients lie
beside large ones and under large ones. Wu 1997, "High-order context modeling and embedded conditional entropy coding
of wavelet coefficients", Asilomar: so let their neighbours choose the statistics. Martin 1979, "Range encoding".

A coefficient becomes yes-or-no questions: zero? the sign? more than 1? more than 2? … Each question has a probability
that learns, one for each context, and the range coder spends -log₂ p bits on the answer.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from sightline.core.kernels import kernel
from sightline.image.lifting import sizes

_LEVELS = 24  # contexts of a coefficient, by the size of its neighbours
_KINDS = 4  # low-pass, edges along y, along x, diagonal: their statistics differ
_UNARY = 18  # questions "more than n?" before the exponent is written
_ZERO, _MORE = 0, _KINDS * 3 * _LEVELS
_SIGN = _MORE + _KINDS * _LEVELS * _UNARY
_EXPONENT = _SIGN + _KINDS * 9
_EXPONENTS = 28
_CONTEXTS = _EXPONENT + _EXPONENTS + 1
_IS_ZERO, _IS_NEGATIVE, _IS_MORE, _IS_LONGER, _BELOW, _DONE = range(6)  # what is asked of a coefficient
_TOP = np.uint64(1 << 24)
_FAST, _SLOW = 4, 7  # how slowly probabilities learn at last, as powers of 1/2
_CACHE, _RUN, _AT = range(3)  # the encoder's waiting byte and how many 255s wait behind it; where the next byte goes


def encode_plane(sheet: np.ndarray, levels: int) -> bytes:
    """Return the coefficients of a sheet of bands as bytes.

    Parameters
    ----------
    sheet
        H×W int32, as :func:`sightline.image.lifting.lift` lays bands out.
    levels
        Number of halvings.
    """
    room = sheet.size + 1024
    while True:
        out = np.empty(room, np.uint8)
        used = _code_bands(np.ascontiguousarray(sheet), bands_of(sheet.shape, levels), _size_classes(), out, True)
        if used >= 0:
            return out[:used].tobytes()
        room *= 3


def decode_plane(data: bytes, shape: tuple[int, int], levels: int) -> np.ndarray:
    """Return the H×W int32 coefficients that :func:`encode_plane` wrote; any bytes give some."""
    sheet = np.zeros(shape, np.int32)
    _code_bands(sheet, bands_of(shape, levels), _size_classes(), np.frombuffer(data, np.uint8).copy(), False)
    return sheet


def bands_of(shape: tuple[int, ...], levels: int) -> np.ndarray:
    """Return the bands in coding order as rows of (top, bottom, left, right, kind, parents' top, parents' left).

    ``kind`` is 0 for the low-pass band, 1 for edges along y, 2 along x, 3 for diagonals; -1 where there are no parents.
    """
    heights, widths = sizes(shape[0], levels), sizes(shape[1], levels)
    bands = [(0, heights[-1], 0, widths[-1], 0, -1, -1)]
    for level in range(levels, 0, -1):
        h, tall, w, wide = heights[level], heights[level - 1], widths[level], widths[level - 1]
        up, left = (-1, -1) if level == levels else (heights[level + 1], widths[level + 1])
        bands.append((0, h, w, wide, 1, -1 if level == levels else 0, left))
        bands.append((h, tall, 0, w, 2, up, -1 if level == levels else 0))
        bands.append((h, tall, w, wide, 3, up, left))
    return np.array(bands, np.int64)


@lru_cache(maxsize=1)
def _size_classes() -> np.ndarray:
    """Return the class of each energy of neighbours: one each where they are small, two for each doubling beyond."""
    energy = np.arange(2, 1 << 14)
    bits = np.frexp(energy)[1] - 1
    return (
        np.concatenate([[0, 1], np.where(energy < 8, energy, 2 + 2 * bits + (energy >> (bits - 1) & 1))])
        .clip(max=_LEVELS - 1)
        .astype(np.uint8)
    )


@kernel
def _code_bands(sheet, bands, classes, data, encoding):
    """Write (or read) all coefficients; return the bytes used, -1 when there is no room."""
    two, four, bound = np.uint32(2), np.uint32(4), np.uint64(0)
    odds = np.full(_CONTEXTS, 0x80008000, np.uint32)
    ages = np.zeros(_CONTEXTS, np.uint8)  # what is new learns fast
    state = np.zeros(3, np.uint64)
    low, span, code = np.uint64(0), np.uint64(0xFFFFFFFF), np.uint64(0)
    if not encoding:
        for _ in range(5):  # the first byte is the empty cache of the encoder
            code = (code << np.uint64(8)) | _next_byte(data, state)
    for number in range(len(bands)):
        y0, y1, x0, x1, kind, up, left = bands[number]
        # What is coded of this band, in a frame of zeros: no neighbour is of another band.
        done = np.zeros((y1 - y0 + 2, x1 - x0 + 4), np.int32)
        for y in range(y0, y1):
            here, above, top = done[y - y0 + 2], done[y - y0 + 1], done[y - y0]
            row = sheet[y, x0:x1]
            parents = sheet[up + (y - y0) // 2, left:] if up >= 0 else row
            for x in range(row.size):
                west, north = here[x + 1], above[x + 2]
                beside, over = np.uint32(abs(west)), np.uint32(abs(north))
                corners = np.uint32(abs(above[x + 1])) + np.uint32(abs(above[x + 3]))
                energy = four * (beside + over) + two * corners + np.uint32(abs(here[x])) + np.uint32(abs(top[x + 2]))
                if kind == 1:  # an edge goes on along its axis
                    energy += over - beside
                elif kind == 2:
                    energy += beside - over
                parent = np.uint32(abs(parents[x >> 1])) if up >= 0 else np.uint32(0)
                energy += four * parent
                level = np.int64(classes[energy]) if energy < classes.size else _LEVELS - 1
                signs = 3 * ((west > 0) - (west < 0) + 1) + (north > 0) - (north < 0) + 1
                place = kind, level, np.int64(min(parent, two)), signs
                value, size = row[x], np.int64(abs(row[x]))
                found, negative, exponent, rest, stage = 0, False, 0, 1, _IS_ZERO
                while stage != _DONE:
                    context, yes = _question(stage, place, value, size, found, exponent)
                    pair = odds[context]
                    bound = (span >> np.uint64(16)) * _likely(pair)
                    if not encoding:
                        yes = code < bound
                    age = ages[context]
                    odds[context] = _learned(pair, yes, np.uint32(age))
                    ages[context] = min(age + np.uint8(1), np.uint8(2 * _SLOW))
                    if yes:
                        span = bound
                    else:
                        span -= bound
                        low += bound
                        code -= bound
                    while span < _TOP:
                        span <<= np.uint64(8)
                        if encoding:
                            low = _shift(low, data, state)
                        else:
                            code = (code << np.uint64(8)) | _next_byte(data, state)
                    found, negative, exponent, rest, stage = _answered(stage, yes, found, negative, exponent, rest)
                found += rest - 1
                value = np.int32(-found if negative else found)
                here[x + 2] = value
                row[x] = value
    if encoding:
        for _ in range(5):
            low = _shift(low, data, state)
    return np.int64(state[_AT]) if state[_AT] <= np.uint64(data.size) else -1


@kernel(inline=True)
def _question(stage, place, value, size, found, exponent):
    """Return which context is asked, and the answer (which the decoder does not know yet)."""
    kind, level, parent, signs = place
    if stage == _IS_ZERO:
        context, yes = _ZERO + (kind * 3 + parent) * _LEVELS + level, size > 0
    elif stage == _IS_NEGATIVE:
        context, yes = _SIGN + kind * 9 + signs, value < 0
    elif stage == _IS_MORE:
        context, yes = _MORE + (kind * _LEVELS + level) * _UNARY + found - 1, size > found
    elif stage == _IS_LONGER:
        context, yes = _EXPONENT + exponent, (size - found + 1) >> (exponent + 1) > 0
    else:
        context, yes = _EXPONENT + _EXPONENTS, ((size - found + 1) >> (exponent - 1)) & 1 == 1
    return context, yes


@kernel(inline=True)
def _answered(stage, yes, found, negative, exponent, rest):
    """Return what is known of the coefficient after an answer, and what is asked next."""
    if stage == _IS_ZERO:
        stage = _IS_NEGATIVE if yes else _DONE
    elif stage == _IS_NEGATIVE:
        negative, found, stage = yes, 1, _IS_MORE
    elif stage == _IS_MORE:
        found += 1 if yes else 0
        stage = _DONE if not yes else _IS_LONGER if found > _UNARY else _IS_MORE
    elif stage == _IS_LONGER and yes and exponent < _EXPONENTS - 1:
        exponent += 1
    else:
        if stage == _BELOW:
            rest = 2 * rest + (1 if yes else 0)
            exponent -= 1
        stage = _BELOW if exponent > 0 else _DONE
    return found, negative, exponent, rest, stage


@kernel(inline=True)
def _likely(pair):
    """Return the probability of yes, of 65,536: the mean of one that learns fast and one that learns slowly."""
    mean = ((pair >> np.uint32(16)) + (pair & np.uint32(0xFFFF))) >> np.uint32(1)
    return np.uint64(min(max(mean, np.uint32(24)), np.uint32(65512)))


@kernel(inline=True)
def _learned(pair, yes, age):
    """Return both probabilities after an answer; each moves by 1/2 at first and by 2^-_FAST or 2^-_SLOW at last."""
    fast, slow = pair >> np.uint32(16), pair & np.uint32(0xFFFF)
    step = np.uint32(1) + (age >> np.uint32(1))
    quick, calm = min(step, np.uint32(_FAST)), min(step, np.uint32(_SLOW))
    if yes:
        fast += (np.uint32(65535) - fast) >> quick
        slow += (np.uint32(65535) - slow) >> calm
    else:
        fast -= fast >> quick
        slow -= slow >> calm
    return (fast << np.uint32(16)) | slow


@kernel
def _shift(low, data, state):
    """Send the top byte of the low end out; one that a carry may still change waits, with the 255s behind it."""
    if low < np.uint64(0xFF000000) or low > np.uint64(0xFFFFFFFF):
        carry = low >> np.uint64(32)
        byte = state[_CACHE] + carry
        for _ in range(np.int64(state[_RUN]) + 1):
            if state[_AT] < np.uint64(data.size):
                data[np.int64(state[_AT])] = np.uint8(byte & np.uint64(0xFF))
            state[_AT] += np.uint64(1)
            byte = np.uint64(0xFF) + carry
        state[_RUN] = np.uint64(0)
        state[_CACHE] = (low >> np.uint64(24)) & np.uint64(0xFF)
    else:
        state[_RUN] += np.uint64(1)
    return (low << np.uint64(8)) & np.uint64(0xFFFFFFFF)


@kernel
def _next_byte(data, state):
    """Return the next byte, 0 beyond the end."""
    at = np.int64(state[_AT])
    state[_AT] += np.uint64(1)
    return np.uint64(data[at]) if at < data.size else np.uint64(0)
