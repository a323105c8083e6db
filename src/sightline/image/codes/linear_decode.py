"""Bars to text: EAN-13, UPC-A, EAN-8 and Code 128.

ISO/IEC 15420:2009, "EAN/UPC bar code symbology specification"; ISO/IEC 15417:2007, "Code 128 bar code symbology
specification". Each character is the one whose widths are nearest, after the spread of the ink is taken off.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from sightline.core.types import Array
from sightline.image.codes.linear_scan import CODE128, EAN8, EAN13, Reading

# Widths of a digit's space, bar, space, bar in the left half (set A); set B is its mirror image, in the right half
# bars and spaces change places.
DIGITS = ("3211", "2221", "2122", "1411", "1132", "1231", "1114", "1312", "1213", "3112")
# Which sets the left half of an EAN-13 takes for each first digit.
FIRST = ("AAAAAA", "AABABB", "AABBAB", "AABBBA", "ABAABB", "ABBAAB", "ABBBAA", "ABABAB", "ABABBA", "ABBABA")
START_A, START_B, START_C, STOP = 103, 104, 105, 106
STOP_WIDTHS = "2331112"
_FNC1, _FNC2, _FNC3, _SHIFT, _TO_C, _TO_B, _TO_A = 102, 97, 96, 98, 99, 100, 101
_ROUGH = 0.45  # modules of deviation that a reading may have

Widths = Float64[np.ndarray, " runs"]


@dataclass(frozen=True)
class Line:
    """What a row of bars says: kind, text, and how far its widths are from the nearest ones, in modules."""

    kind: str
    text: str
    roughness: float
    gs1: bool = False


def decode_lines(readings: list[Reading]) -> list[Line | None]:
    """Return what each row of bars says; None for those that are no code or whose check digit is wrong."""
    lines: list[Line | None] = [None] * len(readings)
    for kind, digits in ((EAN13, 6), (EAN8, 4)):
        indices = [i for i, reading in enumerate(readings) if reading.kind == kind]
        if indices:
            for i, line in zip(indices, _eans(np.stack([readings[i].widths for i in indices]), digits), strict=True):
                lines[i] = line
    for i, reading in enumerate(readings):
        if reading.kind == CODE128:
            lines[i] = _code128(reading.widths)
    return lines


def check_digit(digits: str) -> str:
    """Return the digit that makes a number of GS1 complete: weights 3, 1, 3 … from the right."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return str(-total % 10)


# --- EAN ---


def _eans(widths: Float64[np.ndarray, "n runs"], digits: int) -> list[Line | None]:
    """Return what rows of widths say, all of them codes with two halves of ``digits`` digits."""
    half, count = 4 * digits, len(widths)
    guards = np.concatenate([widths[:, :3], widths[:, 3 + half : 8 + half], widths[:, -3:]], axis=1)
    module = widths.sum(axis=1) / (14 * digits + 11)
    # The bars of the guards and the spaces between them are all one module wide: 6 and 5 of them.
    dark = np.array([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1], np.bool_)
    spread = (guards[:, dark].mean(axis=1) - guards[:, ~dark].mean(axis=1)) / (2 * module)
    spread = np.clip(spread, -0.6, 0.6)
    left, right = widths[:, 3 : 3 + half], widths[:, 8 + half : 8 + 2 * half]
    a = _distances(left, -1, spread, _table(DIGITS))
    b = _distances(left, -1, spread, _table(tuple(d[::-1] for d in DIGITS)))
    c = _distances(right, 1, spread, _table(DIGITS))
    # Read backwards, the left half would be in set B throughout, which no code has.
    known = (*FIRST, "BBBBBB") if digits == 6 else ("AAAA", "BBBB")
    in_b = np.array([[which == "B" for which in sets] for sets in known])
    costs = np.where(in_b, b.min(axis=2)[:, None], a.min(axis=2)[:, None]).sum(axis=2)
    first = costs.argmin(axis=1)
    rows = np.concatenate([np.where(in_b[first][:, :, None], b, a), c], axis=1)
    roughness = np.sqrt(rows.min(axis=2).mean(axis=1) / 4)
    said = rows.argmin(axis=2)
    return [
        None if first[i] == len(known) - 1 else _line(int(first[i]), said[i], float(roughness[i]), digits)
        for i in range(count)
    ]


def _line(first: int, said: Array, roughness: float, digits: int) -> Line | None:
    text = (str(first) if digits == 6 else "") + "".join(str(int(digit)) for digit in said)
    if roughness > _ROUGH or check_digit(text[:-1]) != text[-1]:
        return None
    if digits == 4:
        return Line("ean8", text, roughness)
    return Line("upca", text[1:], roughness) if text[0] == "0" else Line("ean13", text, roughness)


@lru_cache(maxsize=8)
def _table(patterns: tuple[str, ...]) -> Array:
    return np.array([[int(w) for w in pattern] for pattern in patterns], np.float64)


def _distances(widths: Array, first_dark: int, spread: Array, table: Array) -> Float64[np.ndarray, "n characters k"]:
    """Return the squared distance of each character's widths (n×runs) to each of k patterns, in modules.

    Half of the weight lies on the distances between edges of one kind, which ink spread and blur leave as they are.
    """
    runs = widths.reshape(len(widths), -1, table.shape[1])
    runs = runs * (table[0].sum() / runs.sum(axis=2, keepdims=True))
    signs = first_dark * (1 - 2 * (np.arange(table.shape[1]) % 2))
    runs = runs - spread[:, None, None] * signs
    pairs, pair_table = runs[..., 1:] + runs[..., :-1], table[:, 1:] + table[:, :-1]
    alone = ((runs[:, :, None] - table) ** 2).sum(axis=3)
    together = ((pairs[:, :, None] - pair_table) ** 2).sum(axis=3)
    return 0.5 * alone + 0.5 * together


# --- Code 128 ---


@lru_cache(maxsize=1)
def code128_patterns() -> tuple[str, ...]:
    """Return the widths of the 106 characters with six runs, by value; :data:`STOP_WIDTHS` is the 107th."""
    with open(Path(__file__).with_name("code128.csv"), newline="", encoding="utf-8") as table:
        return tuple(row[1] for row in list(csv.reader(table))[1:])


def _code128(widths: Widths) -> Line | None:
    runs = widths[:-7]
    table = _table(code128_patterns())
    stop = np.array([int(w) for w in STOP_WIDTHS])
    module = widths[-7:].sum() / 13
    difference = (widths[-7:] / module - stop) * np.array([1, -1, 1, -1, 1, -1, 1])
    spread = float(np.clip(difference.mean(), -0.6, 0.6))
    distances = _distances(runs[None], 1, np.array([spread]), table)[0]
    values = [int(v) for v in distances.argmin(axis=1)]
    roughness = float(np.sqrt(distances.min(axis=1).mean() / 6))
    if roughness > _ROUGH or values[0] not in (START_A, START_B, START_C) or len(values) < 3:
        return None
    if (values[0] + sum(i * v for i, v in enumerate(values[1:-1], 1))) % 103 != values[-1]:
        return None
    read = read_values(values[:-1])
    return None if read is None else Line("code128", read[0], roughness, read[1])


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
