"""Bars to text: EAN-13, UPC-A, EAN-8, UPC-E and Code 128.

ISO/IEC 15420:2009, "EAN/UPC bar code symbology specification"; ISO/IEC 15417:2007, "Code 128 bar code symbology
specification"; for UPC-E, GS1 General Specifications, section 5.2. Each character is the one whose widths are nearest,
after the spread of the ink is taken off.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.codes.linear_scan import BACKWARDS, CODE128, COUNT, EAN8, EAN13, HEAD, KIND, LINE, UPCE

# Widths of a digit's space, bar, space, bar in the left half (set A); set B is its mirror image, in the right half
# bars and spaces change places.
DIGITS = ("3211", "2221", "2122", "1411", "1132", "1231", "1114", "1312", "1213", "3112")
# Which sets the left half of an EAN-13 takes for each first digit.
FIRST = ("AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB", "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA")
# Which sets the digits of a UPC-E take for each check digit: first those of number system 0, then those of 1.
UPCE_SETS = tuple(sets.translate(str.maketrans("AB", "BA")) for sets in ("AAABBB", *FIRST[1:])), ("AAABBB", *FIRST[1:])
START_A, START_B, START_C, STOP = 103, 104, 105, 106
STOP_WIDTHS = "2331112"
_FNC1, _FNC2, _FNC3, _SHIFT, _TO_C, _TO_B, _TO_A = 102, 97, 96, 98, 99, 100, 101
_ROUGH = 0.45  # modules of deviation that a reading may have
_CHARACTERS = 100  # at most in a row of bars


class Line(NamedTuple):
    """A row of bars that passed its check.

    Parameters
    ----------
    kind, text, gs1
        What it says.
    roughness
        How far its widths are from the nearest ones that mean something, in modules.
    ends
        Where it begins and ends in the picture: x1, y1, x2, y2.
    piece, backwards
        Which line it lies on, and whether that runs against it.
    times
        How many of the depths found it.
    """

    kind: str
    text: str
    gs1: bool
    roughness: float
    ends: tuple[float, float, float, float]
    piece: int
    backwards: bool
    times: int


def decode_rows(rows: Float32[np.ndarray, "n columns"], pieces: Float64[np.ndarray, "pieces 5"]) -> list[Line]:
    """Return what those rows of bars say that are codes with the right check digit.

    Parameters
    ----------
    rows, pieces
        What :func:`~sightline.image.codes.linear_scan.scan` returned, and the lines that it was given.
    """
    said = np.empty((len(rows), _CHARACTERS), np.uint8)
    roughness = np.empty(len(rows))
    tables = _digits(), _code128_table(), _sets(), _upce_sets()
    over_rows(_decode, len(rows), rows, *tables, said, roughness, strip=64)
    good = np.flatnonzero(roughness <= _ROUGH)
    if not len(good):
        return []
    heads = rows[good, :HEAD].astype(np.int64)
    known: dict[tuple[int, bytes], tuple[str, str, bool] | None] = {}  # most rows say the same
    lines = []
    places = zip(good.tolist(), roughness[good].tolist(), heads.tolist(), _ends(rows[good], pieces), strict=True)
    for i, rough, (kind, piece, backwards, count, times), ends in places:
        key = kind, said[i, : _characters(kind, count)].tobytes()
        if key not in known:
            known[key] = _text(*key)
        found = known[key]
        if found is not None:
            lines.append(Line(*found, rough, ends, piece, bool(backwards), times))
    return lines


def _ends(rows: Array, pieces: Array) -> list[tuple[float, float, float, float]]:
    """Return where rows begin and end in the picture."""
    heads = rows[:, :HEAD].astype(np.int64)
    lines = pieces[heads[:, LINE]]
    away = rows[np.arange(len(rows))[:, None], HEAD + np.stack([0 * heads[:, COUNT], heads[:, COUNT] - 1], axis=1)]
    away = np.where(heads[:, BACKWARDS, None] == 1, lines[:, 4:] - away, away)
    points = lines[:, None, :2] + away[:, :, None] * lines[:, None, 2:4]
    return [tuple(ends) for ends in points.reshape(-1, 4).tolist()]


def _characters(kind: int, edges: int) -> int:
    """Return how many values a row of so many edges has: digits, or characters before the stop of Code 128."""
    return {EAN13: 13, EAN8: 8, UPCE: 8}.get(kind, (edges - 8) // 6)


def _text(kind: int, values: bytes) -> tuple[str, str, bool] | None:
    """Return kind, text and whether it is GS1 data."""
    if kind == CODE128:
        read = read_values(list(values[:-1]))
        return None if read is None else ("code128", *read)
    text = "".join(map(str, values))
    if kind == EAN8:
        return "ean8", text, False
    if kind == UPCE:  # the check digit, which the sets said, is that of the UPC-A
        return ("upce", text, False) if check_digit(expanded(text[:7])) == text[7] else None
    return ("upca", text[1:], False) if text[0] == "0" else ("ean13", text, False)


def check_digit(digits: str) -> str:
    """Return the digit that makes a number of GS1 complete: weights 3, 1, 3 … from the right."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


def expanded(digits: str) -> str:
    """Return the UPC-A, without check digit, of a UPC-E of seven digits: the last says where zeros were left out."""
    number, last = digits[:6], digits[6]
    if last in "012":
        return number[:3] + last + "0000" + number[3:]
    kept = {"3": 4, "4": 5}.get(last, 6)
    tail = number[kept:] + (last if kept == 6 else "")
    return number[:kept] + tail.rjust(11 - kept, "0")


# --- the nearest widths ---


@lru_cache(maxsize=1)
def _digits() -> Array:
    return _table(DIGITS)


@lru_cache(maxsize=1)
def _code128_table() -> Array:
    return _table(code128_patterns())


def _table(patterns: tuple[str, ...]) -> Array:
    return np.array([[int(w) for w in pattern] for pattern in patterns], np.float64)


@lru_cache(maxsize=1)
def _sets() -> Array:
    """Return which digits of the left half are in set B, by the first digit of an EAN-13 and as read backwards."""
    return _in_b((*FIRST, "BBBBBB"))


@lru_cache(maxsize=1)
def _upce_sets() -> Array:
    """Return which digits of a UPC-E are in set B, by ten times the number system and the check digit."""
    return _in_b((*UPCE_SETS[0], *UPCE_SETS[1]))


def _in_b(rows: tuple[str, ...]) -> Array:
    return np.array([[which == "B" for which in sets] for sets in rows])


@lru_cache(maxsize=1)
def code128_patterns() -> tuple[str, ...]:
    """Return the widths of the 106 characters with six runs, by value; :data:`STOP_WIDTHS` is the 107th."""
    with open(Path(__file__).with_name("code128.csv"), newline="", encoding="utf-8") as table:
        return tuple(row[1] for row in list(csv.reader(table))[1:])


@kernel
def _decode(rows, digits, characters, sets, upce_sets, said, roughness, y0, y1):
    """Write the values of the rows ``y0`` to ``y1`` and how rough they are; infinity when they are no code."""
    for y in range(y0, y1):
        row = rows[y]
        edges = row[HEAD : HEAD + np.int64(row[COUNT])]
        if row[KIND] == CODE128:
            roughness[y] = _read_code128(edges, characters, said[y])
        elif row[KIND] == UPCE:
            roughness[y] = _read_upce(edges, digits, upce_sets, said[y])
        else:
            roughness[y] = _read_ean(edges, 6 if row[KIND] == EAN13 else 4, digits, sets, said[y])


@kernel
def _read_ean(edges, half, digits, sets, said):
    """Read two halves of ``half`` digits; return the roughness, infinity when it is no code."""
    module = (edges[edges.size - 1] - edges[0]) / (14 * half + 11)
    middle, last = 3 + 4 * half, 8 + 8 * half
    # The bars of the guards and the spaces between them are all one module wide: 6 and 5 of them.
    dark = light = 0.0
    for first, runs in ((0, 3), (middle, 5), (last, 3)):
        for i in range(runs):
            width = edges[first + i + 1] - edges[first + i]
            bar = (i % 2 == 0) == (runs == 3)
            dark, light = dark + (width if bar else 0.0), light + (0.0 if bar else width)
    spread = min(max((dark / 6 - light / 5) / (2 * module), -0.6), 0.6)
    rows = sets if half == 6 else sets[:: sets.shape[0] - 1]  # an EAN-8 has all of them in set A
    left, best, cost = _nearest_sets(edges, half, spread, digits, rows)
    if best == rows.shape[0] - 1:  # read backwards, the left half is in set B throughout, which no code has
        return np.inf
    at = half - 4 >> 1  # an EAN-13 begins with the digit that its sets say
    said[0] = best
    for i in range(half):
        said[at + i] = np.uint8(left[1 if rows[best, i] else 0, i, 0])
        digit, distance = _nearest(edges, middle + 5 + 4 * i, 1, spread, digits, False)
        said[at + half + i] = np.uint8(digit)
        cost += distance
    total = 0
    for i in range(2 * half + at):  # weights 1, 3, 1 … from the right
        total += said[2 * half + at - 1 - i] * (3 if i % 2 == 1 else 1)
    return np.sqrt(cost / (8 * half)) if total % 10 == 0 else np.inf


@kernel
def _read_upce(edges, digits, sets, said):
    """Read the number system, six digits and the check digit; return the roughness, infinity when it is no code."""
    module = (edges[edges.size - 1] - edges[0]) / 51
    dark = light = 0.0  # of the guards: five bars and four spaces of one module
    for i in range(9):
        at = i if i < 3 else i + 24
        width = edges[at + 1] - edges[at]
        dark, light = dark + (width if at % 2 == 0 else 0.0), light + (0.0 if at % 2 == 0 else width)
    spread = min(max((dark / 5 - light / 4) / (2 * module), -0.6), 0.6)
    left, best, cost = _nearest_sets(edges, 6, spread, digits, sets)
    for i in range(9):  # so few digits prove little: the guards count as well
        at = i if i < 3 else i + 24
        off = (edges[at + 1] - edges[at]) / module - 1 - (spread if at % 2 == 0 else -spread)
        cost += off * off
    said[0], said[7] = best // 10, best % 10
    for i in range(6):
        said[1 + i] = np.uint8(left[1 if sets[best, i] else 0, i, 0])
    return np.sqrt(cost / 33)


@kernel
def _nearest_sets(edges, count, spread, digits, rows):
    """Return the digits after the first guard with their distances, in set A and in B, and the row that fits best."""
    left = np.empty((2, 6, 2))
    for i in range(count):
        for k in range(2):
            left[k, i] = _nearest(edges, 3 + 4 * i, -1, spread, digits, k == 1)
    best, cost = 0, np.inf
    for k in range(rows.shape[0]):
        total = 0.0
        for i in range(count):
            total += left[1 if rows[k, i] else 0, i, 1]
        if total < cost:
            best, cost = k, total
    return left, best, cost


@kernel
def _read_code128(edges, characters, said):
    """Read the characters before the stop; return the roughness, infinity when it is no code."""
    count = (edges.size - 8) // 6
    if count < 3 or count > said.size:
        return np.inf
    stop = edges.size - 8
    module = (edges[stop + 7] - edges[stop]) / 13
    spread = 0.0
    for i in range(7):  # the stop: 2 3 3 1 1 1 2
        wanted = 2 if i in (0, 6) else 3 if i in (1, 2) else 1
        off = (edges[stop + i + 1] - edges[stop + i]) / module - wanted
        spread += off / 7 if i % 2 == 0 else -off / 7
    spread = min(max(spread, -0.6), 0.6)
    cost, total = 0.0, 0
    for i in range(count):
        value, distance = _nearest(edges, 6 * i, 1, spread, characters, False)
        said[i] = np.uint8(value)
        cost += distance
        if i < count - 1:
            total += np.int64(value) * max(i, 1)
    if said[0] < START_A or said[0] > START_C or total % 103 != said[count - 1]:
        return np.inf
    return np.sqrt(cost / (6 * count))


@kernel
def _nearest(edges, at, sign, spread, patterns, reverse):
    """Return the pattern nearest to the widths from edge ``at`` on, and its squared distance in modules.

    Half of the weight lies on the distances between edges of one kind, which ink spread and blur leave as they are.
    """
    count, runs = patterns.shape
    modules = 0.0
    for i in range(runs):
        modules += patterns[0, i]
    scale = modules / (edges[at + runs] - edges[at])
    best, least = 0, np.inf
    for k in range(count):
        total, before = 0.0, 0.0
        for i in range(runs):
            width = (edges[at + i + 1] - edges[at + i]) * scale - (spread if (i % 2 == 0) == (sign > 0) else -spread)
            off = width - patterns[k, runs - 1 - i if reverse else i]
            total += off * off + (off + before) ** 2 * (1.0 if i > 0 else 0.0)
            before = off
        if total < 2 * least:
            best, least = k, 0.5 * total
    return np.float64(best), least


# --- Code 128 ---


def read_values(values: list[int]) -> tuple[str, bool] | None:
    """Return the text of Code 128 characters without check and stop, and whether it is GS1 data."""
    state = {START_A: "A", START_B: "B", START_C: "C"}[values[0]]
    text, gs1 = "", False
    shifted = high = latched = False
    for index, value in enumerate(values[1:]):
        current = {"A": "B", "B": "A"}.get(state, state) if shifted else state
        shifted = False
        if value == _FNC1:
            gs1 = gs1 or index == 0
            text += "" if index == 0 else "\x1d"
        elif current == "C":
            if value >= 100:
                state = {_TO_B: "B", _TO_A: "A"}.get(value, "")
            else:
                text += f"{value:02d}"
        elif value < 96:
            code = value + 32 if current == "B" or value < 64 else value - 64
            text += chr(code + 128 if high != latched else code)
            high = False
        elif value == _SHIFT:
            shifted = True
        elif value == _TO_C:
            state = "C"
        elif value == (_TO_B if current == "B" else _TO_A):  # in its own set it is FNC4: the upper half of Latin-1
            latched, high = (not latched, False) if high else (latched, True)
        elif value in (_TO_A, _TO_B):
            state = "A" if value == _TO_A else "B"
        elif value >= START_A:
            return None
        if not state:
            return None
    return text, gs1
