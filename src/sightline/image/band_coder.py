"""Entropy coding of quantised wavelet coefficients: each bit is priced by what its neighbours were.

Shapiro 1993, "Embedded image coding using zerotrees of wavelet coefficients", IEEE TSP 41(12): large coefficients lie
beside large ones and under large ones. Wu 1997, "High-order context modeling and embedded conditional entropy coding
of wavelet coefficients", Asilomar: so let their neighbours choose the statistics. Martin 1979, "Range encoding".

A coefficient becomes yes-or-no questions: zero? the sign? more than 1? more than 2? … Each question has a probability
that learns, one for each context, and the range coder spends -log₂ p bits on the answer.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from sightline.core.kernels import kernel
from sightline.image.coefficients import Coefficients

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
# The encoder's waiting byte and how many 255s wait behind it; where the next byte goes; the interval; what was read.
_CACHE, _RUN, _AT, _LOW, _SPAN, _CODE = range(6)
_NOBODY = np.zeros((0, 0), np.int32)


def encode_plane(coefficients: Coefficients, most: float = math.inf) -> bytes | None:
    """Return the coefficients of a plane as bytes; None, and soon, when these are more than ``most``."""
    room = coefficients.shape[0] * coefficients.shape[1] + 1024
    while True:
        out = np.empty(room, np.uint8)
        coder = _Coder(out, encoding=True)
        coder.code(coefficients, most)
        used = coder.finish()
        if used > most:
            return None
        if used <= room:
            return out[:used].tobytes()
        room *= 3


def decode_plane(data: bytes | memoryview, shape: tuple[int, int], levels: int) -> Coefficients:
    """Return the coefficients that :func:`encode_plane` wrote of an H×W plane; any bytes give some."""
    coefficients = Coefficients(shape, levels)
    _Coder(np.frombuffer(data, np.uint8).copy(), encoding=False).code(coefficients)
    return coefficients


class _Coder:
    """What is learned and what is under way in a stream: bands are written, or read, one after the other."""

    def __init__(self, data: np.ndarray, *, encoding: bool) -> None:
        self.data, self.encoding = data, encoding
        self.odds = np.full(_CONTEXTS, 0x80008000, np.uint32)
        self.ages = np.zeros(_CONTEXTS, np.uint8)  # what is new learns fast
        self.state = np.zeros(6, np.uint64)
        self.state[_SPAN] = 0xFFFFFFFF
        if not encoding:
            _begin(data, self.state)

    def code(self, coefficients: Coefficients, most: float = math.inf) -> None:
        """Write all coefficients, or read them into their places; give up beyond ``most`` bytes."""
        for number, (*_, kind, up, beside) in enumerate(coefficients.places.tolist()):
            width = coefficients.bands[number].shape[1]
            # What is coded of this band, in a frame of zeros: no neighbour is of another band.
            done = np.zeros((3, width + 4), np.int32)
            for y0, y1 in coefficients.strips(number):
                if self.state[_AT] > most:
                    return
                rows, parents, beyond = coefficients.bands[number][y0:y1].astype(np.int32), _NOBODY, (False, False)
                if up >= 0:
                    bottom, right = up + (y1 + 1) // 2, beside + (width + 1) // 2
                    parents = coefficients.sheet(up + y0 // 2, bottom, beside, right)
                    # The last of an odd number may have no parent: what lies behind the parents stands in for it.
                    beyond = bottom > coefficients.places[number - 3, 1], right > coefficients.places[number - 3, 3]
                learned = self.state, self.odds, self.ages
                _code_rows((rows, parents, done), y0, kind, beyond, _size_classes(), self.data, learned, self.encoding)
                if not self.encoding:
                    coefficients.put(number, y0, rows)

    def finish(self) -> int:
        """Write what waits; return how many bytes the stream has, or would have had with room."""
        _end(self.data, self.state)
        return int(self.state[_AT])


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
def _begin(data, state):
    """Read the first bytes of a stream."""
    for _ in range(5):  # the first byte is the empty cache of the encoder
        state[_CODE] = (state[_CODE] << np.uint64(8)) | _next_byte(data, state)


@kernel
def _end(data, state):
    """Write the last bytes of a stream."""
    for _ in range(5):
        state[_LOW] = _shift(state[_LOW], data, state)


@kernel
def _code_rows(arrays, y0, kind, beyond, classes, data, learned, encoding):
    """Write (or read) rows of a band from row ``y0`` on.

    Of the rows before, ``done`` holds the last ones. The band's first coefficients may stand in for parents below or
    to the right of all parents.
    """
    rows, parents, done = arrays
    below, right = beyond
    state, odds, ages = learned
    two, four, bound = np.uint32(2), np.uint32(4), np.uint64(0)
    low, span, code = state[_LOW], state[_SPAN], state[_CODE]
    for r in range(rows.shape[0]):
        y = y0 + r
        here, above, top = done[y % 3], done[(y + 2) % 3], done[(y + 1) % 3]
        row = rows[r]
        elder = parents[r >> 1] if parents.size else row
        for x in range(row.size):
            west, north = here[x + 1], above[x + 2]
            beside, over = np.uint32(abs(west)), np.uint32(abs(north))
            corners = np.uint32(abs(above[x + 1])) + np.uint32(abs(above[x + 3]))
            energy = four * (beside + over) + two * corners + np.uint32(abs(here[x])) + np.uint32(abs(top[x + 2]))
            if kind == 1:  # an edge goes on along its axis
                energy += over - beside
            elif kind == 2:
                energy += beside - over
            parent = np.uint32(abs(elder[x >> 1])) if parents.size else np.uint32(0)
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
            if y0 == 0 and (
                (kind == 1 and right and x == 0 and y < parents.shape[0])
                or (kind == 2 and below and y == 0 and x < parents.shape[1])
                or (kind == 3 and below and right and x == 0 and y == 0)
            ):
                parents[y if kind == 1 else parents.shape[0] - 1, x if kind == 2 else parents.shape[1] - 1] = value
    state[_LOW], state[_SPAN], state[_CODE] = low, span, code


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
