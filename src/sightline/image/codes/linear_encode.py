"""Text to bars: EAN-13, UPC-A, EAN-8, UPC-E and Code 128, as runs of modules.

ISO/IEC 15420:2009 and ISO/IEC 15417:2007, as in :mod:`sightline.image.codes.linear_decode`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool

from sightline.core.errors import InputError
from sightline.image.codes.linear_decode import (
    DIGITS,
    FIRST,
    START_A,
    STOP_WIDTHS,
    UPCE_SETS,
    check_digit,
    code128_patterns,
    expanded,
)

LENGTHS = {"ean13": 13, "upca": 12, "ean8": 8, "upce": 8}
_FNC1, _SHIFT = 102, 98
_SETS: tuple[str, ...] = ("A", "B", "C")
_TO = {"A": 101, "B": 100, "C": 99}  # the character that changes into a set; in that set it is FNC4 (A and B)


def retail_digits(kind: str, text: str) -> str:
    """Return the digits of a retail code with the check digit, which is added or verified."""
    length = LENGTHS[kind]
    if not (text.isascii() and text.isdigit()) or len(text) not in (length - 1, length):
        raise InputError(
            f"make_code: text must be {length - 1} digits, or {length} with the check digit, for kind '{kind}'; "
            f"got {text[:40]!r}."
        )
    if kind == "upce" and text[0] not in "01":
        raise InputError(f"make_code: text must begin with number system 0 or 1 for kind 'upce'; got {text!r}.")
    number = text[: length - 1]
    full = expanded(number) if kind == "upce" else number
    if kind == "upce" and shortened(full) != number:
        raise InputError(
            f"make_code: text must be '{shortened(full)}' for kind 'upce', the short form of {full}; got {text!r}."
        )
    right = check_digit(full)
    if len(text) == length and text[-1] != right:
        raise InputError(
            f"make_code: text must end in its check digit {right}; got {text!r}. Leave it away: it is computed."
        )
    return number + right


def shortened(full: str) -> str | None:
    """Return the seven digits of the UPC-E for eleven of a UPC-A, neither with check digit; None when there is none."""
    ways = full[:3] + full[8:] + full[3], full[:4] + full[9:] + "3", full[:5] + full[10] + "4", full[:6] + full[10]
    return next((way for way in ways if full[0] in "01" and expanded(way) == full), None)


def ean_modules(kind: str, text: str) -> Bool[np.ndarray, " n"]:
    """Return the modules (true is a bar) of an EAN or UPC code."""
    digits = retail_digits(kind, text)
    if kind == "ean8":
        left, sets, right = digits[:4], "AAAA", digits[4:]
    elif kind == "upce":
        left, sets, right = digits[1:7], UPCE_SETS[int(digits[0])][int(digits[7])], ""
    else:
        full = "0" + digits if kind == "upca" else digits
        left, sets, right = full[1:7], FIRST[int(full[0])], full[7:]
    halves = ["", ""]
    for digit, which in zip(left, sets, strict=True):
        pattern = DIGITS[int(digit)]
        halves[0] += pattern if which == "A" else pattern[::-1]
    for digit in right:
        halves[1] += DIGITS[int(digit)]
    return _modules("111" + halves[0] + ("11111" + halves[1] + "111" if right else "111111"))


def code128_modules(text: str, *, gs1: bool = False) -> Bool[np.ndarray, " n"]:
    """Return the modules of a Code 128 with as few characters as there can be."""
    values = code128_values(text, gs1=gs1)
    check = (values[0] + sum(i * v for i, v in enumerate(values[1:], 1))) % 103
    patterns = code128_patterns()
    return _modules("".join(patterns[v] for v in [*values, check]) + STOP_WIDTHS)


def code128_values(text: str, *, gs1: bool = False) -> list[int]:
    """Return the characters of a text, from start to before the check: the shortest way through the three sets."""
    wrong = [c for c in text if ord(c) > 255]
    if wrong or not text:
        got = f"{wrong[0]!r}" if wrong else "an empty text"
        raise InputError(f"make_code: text must consist of Latin-1 characters for kind 'code128'; got {got}.")
    n = len(text)
    # best[i][s]: fewest characters for text[i:] in set s, and what to say first.
    best: list[dict[str, tuple[int, list[int], int, str]]] = [{} for _ in range(n + 1)]
    best[n] = {s: (0, [], n, s) for s in _SETS}
    for i in range(n - 1, -1, -1):
        for s in _SETS:
            options = [(len(v) + best[j][s][0], v, j, s) for v, j in _ways(text, i, s, gs1)]
            if options:
                best[i][s] = min(options, key=lambda option: option[0])
        here = dict(best[i])
        for s in _SETS:
            for t, (cost, values, j, end) in here.items():
                if t != s and (s not in best[i] or cost + 1 < best[i][s][0]):
                    best[i][s] = (cost + 1, [_TO[t], *values], j, end)
    current = min(_SETS, key=lambda s: best[0][s][0])
    values = [START_A + _SETS.index(current)] + ([_FNC1] if gs1 else [])
    i = 0
    while i < n:
        _, said, i, current = best[i][current]
        values += said
    return values


def _ways(text: str, i: int, current: str, gs1: bool) -> list[tuple[list[int], int]]:
    """Return what can be said next in a set, and up to where in the text that leads."""
    code = ord(text[i])
    if gs1 and code == 0x1D:
        return [([_FNC1], i + 1)]
    if current == "C":
        pair = text[i : i + 2]
        return [([int(pair)], i + 2)] if len(pair) == 2 and pair.isascii() and pair.isdigit() else []
    high = [_TO[current]] if code > 127 else []  # FNC4: the next one is of the upper half
    low = code & 127
    in_a, in_b = low < 96, low >= 32
    value = low - 32 if low >= 32 else low + 64
    if (current == "A" and in_a) or (current == "B" and in_b):
        return [([*high, value], i + 1)]
    return [([*high, _SHIFT, value], i + 1)]


def _modules(widths: str) -> Bool[np.ndarray, " n"]:
    counts = np.array([int(w) for w in widths])
    return (np.arange(len(counts)) % 2 == 0).repeat(counts)
