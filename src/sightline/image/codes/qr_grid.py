"""The grid of a QR symbol: where its fixed patterns lie, in which order the data run, and how they are masked.

ISO/IEC 18004:2015, "QR Code bar code symbology specification", sections 6.3, 6.7–6.10 and annexes C–E.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from sightline.core.types import Array

LEVELS = ("L", "M", "Q", "H")  # about 7, 15, 25 and 30 % of the codewords may be wrong
_LEVEL_BITS = {"L": 1, "M": 0, "Q": 3, "H": 2}
VERSIONS = 40
# Codewords that small symbols keep for noticing errors, not for correcting them (table 9).
_HELD_BACK = {(1, "L"): 3, (1, "M"): 2, (1, "Q"): 1, (1, "H"): 1, (2, "L"): 2, (3, "L"): 1}

Modules = Bool[np.ndarray, "n n"]  # true is dark


@dataclass(frozen=True, eq=False)
class Layout:
    """What is the same in all symbols of one version.

    Parameters
    ----------
    version, size
        1–40, and the number of modules along a side: 17 + 4 · version.
    fixed
        Modules that carry no data: patterns, and the fields of format and version.
    dark
        Their values; false where data, format or version go.
    known
        The fixed modules without the fields of format and version.
    rows, columns
        Where the bits of the data lie, in their order.
    """

    version: int
    size: int
    fixed: Modules
    dark: Modules
    known: Modules
    rows: Int64[np.ndarray, " bits"]
    columns: Int64[np.ndarray, " bits"]


@dataclass(frozen=True)
class Blocks:
    """How the codewords of a version and level are cut into blocks.

    Parameters
    ----------
    count, parity
        Number of blocks, and parity bytes in each.
    data
        Data bytes of each block, in order; later blocks may hold one more.
    correctable
        Wrong bytes that may be corrected in a block.
    """

    count: int
    parity: int
    data: tuple[int, ...]
    correctable: int

    @property
    def capacity(self) -> int:
        """Data bytes of the symbol."""
        return sum(self.data)


@lru_cache(maxsize=1)
def _block_table() -> list[list[int]]:
    with open(Path(__file__).with_name("qr_blocks.csv"), newline="", encoding="utf-8") as table:
        return [[int(cell) for cell in row] for row in list(csv.reader(table))[1:]]


@lru_cache(maxsize=160)
def blocks_of(version: int, level: str) -> Blocks:
    """Return the blocks of a version (1–40) and level (``L M Q H``)."""
    column = 1 + 2 * LEVELS.index(level)
    parity, count = _block_table()[version - 1][column : column + 2]
    total = _data_bits(version) // 8
    short = total // count - parity
    longer = total % count
    data = (short,) * (count - longer) + (short + 1,) * longer
    return Blocks(count, parity, data, (parity - _HELD_BACK.get((version, level), 0)) // 2)


def _data_bits(version: int) -> int:
    size, n = 17 + 4 * version, len(alignment_centres(version))
    bits = size * size - 3 * 64 - 2 * (size - 16) - 31  # finders with their separators, timing, format
    if n:
        bits -= 25 * (n * n - 3) - 2 * 5 * (n - 2)  # alignment patterns, of which some lie on the timing
    return bits - (36 if version >= 7 else 0)


@lru_cache(maxsize=VERSIONS)
def alignment_centres(version: int) -> tuple[int, ...]:
    """Return the coordinates at whose crossings alignment patterns are centred (annex E)."""
    if version == 1:
        return ()
    count, last = version // 7 + 2, 10 + 4 * version
    gaps = count - 1
    step = 26 if version == 32 else -(-(last - 6) // (2 * gaps)) * 2
    return (6, *(last - step * i for i in range(gaps - 1, -1, -1)))


@lru_cache(maxsize=VERSIONS)
def layout(version: int) -> Layout:
    """Return the layout of a version, 1–40."""
    size = 17 + 4 * version
    fixed, dark = np.zeros((2, size, size), np.bool_)
    timing = np.arange(size) % 2 == 0
    fixed[6], fixed[:, 6], dark[6], dark[:, 6] = True, True, timing, timing
    for y, x in ((0, 0), (0, size - 7), (size - 7, 0)):
        _place(fixed, dark, y + 3, x + 3, 4)
    centres = alignment_centres(version)
    corners = {(6, 6), (6, size - 7), (size - 7, 6)}
    for y in centres:
        for x in centres:
            if (y, x) not in corners:
                _place(fixed, dark, y, x, 2)
    dark[size - 8, 8] = fixed[size - 8, 8] = True
    known = fixed.copy()
    for places in (*format_places(size), *(version_places(size) if version >= 7 else ())):
        fixed[places[:, 0], places[:, 1]] = True
        known[places[:, 0], places[:, 1]] = False
    rows, columns = _zigzag(fixed)
    return Layout(version, size, fixed, dark, known, rows, columns)


def _place(fixed: Modules, dark: Modules, y: int, x: int, reach: int) -> None:
    """Place concentric squares: a finder with its separator (reach 4) or an alignment pattern (reach 2)."""
    size = len(fixed)
    rows, columns = np.arange(max(y - reach, 0), min(y + reach + 1, size)), None
    columns = np.arange(max(x - reach, 0), min(x + reach + 1, size))
    ring = np.maximum(abs(rows - y)[:, None], abs(columns - x)[None, :])
    light = (ring == 1) if reach == 2 else (ring == 2) | (ring == 4)
    fixed[np.ix_(rows, columns)] = True
    dark[np.ix_(rows, columns)] = ~light


def _zigzag(fixed: Modules) -> tuple[Array, Array]:
    """Return the free modules two columns at a time from the right, upwards and downwards in turn."""
    size = len(fixed)
    rows, columns = [], []
    rights = [x if x > 6 else x - 1 for x in range(size - 1, 0, -2)]
    for turn, right in enumerate(rights):
        y = np.arange(size)[:: 1 if turn % 2 else -1].repeat(2)
        x = np.tile([right, right - 1], size)
        free = ~fixed[y, x]
        rows.append(y[free])
        columns.append(x[free])
    return np.concatenate(rows), np.concatenate(columns)


@lru_cache(maxsize=16)
def mask_pattern(mask: int, size: int) -> Modules:
    """Return where mask ``mask`` (0–7) turns a module over; it does so in the data only."""
    i, j = np.mgrid[0:size, 0:size]
    value = (
        (i + j) % 2,
        i % 2,
        j % 3,
        (i + j) % 3,
        (i // 2 + j // 3) % 2,
        i * j % 2 + i * j % 3,
        (i * j % 2 + i * j % 3) % 2,
        ((i + j) % 2 + i * j % 3) % 2,
    )[mask]
    return value == 0


def format_places(size: int) -> tuple[Array, Array]:
    """Return (row, column) of the 15 bits of the format, the lowest first, in both of their copies."""
    one = [(y, 8) for y in (0, 1, 2, 3, 4, 5, 7, 8)] + [(8, x) for x in (7, 5, 4, 3, 2, 1, 0)]
    two = [(8, size - 1 - i) for i in range(8)] + [(size - 15 + i, 8) for i in range(8, 15)]
    return np.array(one), np.array(two)


def version_places(size: int) -> tuple[Array, Array]:
    """Return (row, column) of the 18 bits of the version, the lowest first, in both of their copies."""
    one = np.array([(i // 3, size - 11 + i % 3) for i in range(18)])
    return one, one[:, ::-1]


def format_word(level: str, mask: int) -> int:
    """Return the 15 bits of a format: five of data, ten of a BCH code, turned over so that it is never all light."""
    return _with_check(_LEVEL_BITS[level] << 3 | mask, 10, 0x537) ^ 0x5412


def version_word(version: int) -> int:
    """Return the 18 bits of a version, twelve of which are a Golay code."""
    return _with_check(version, 12, 0x1F25)


def _with_check(data: int, degree: int, generator: int) -> int:
    rest = data
    for _ in range(degree):
        rest = rest << 1 ^ (rest >> (degree - 1)) * generator
    return data << degree | rest


def nearest_format(words: list[int]) -> tuple[str, int] | None:
    """Return (level, mask) of the format that differs from one of ``words`` in fewest bits; None above three."""
    distance, level, mask = min(
        ((known ^ word).bit_count(), level, mask) for word in words for known, level, mask in _format_words()
    )
    return (level, mask) if distance <= 3 else None


@lru_cache(maxsize=1)
def _format_words() -> list[tuple[int, str, int]]:
    return [(format_word(level, mask), level, mask) for level in LEVELS for mask in range(8)]


def nearest_version(words: list[int]) -> int | None:
    """Return the version (7–40) whose word differs from one of ``words`` in fewest bits; None above three."""
    distance, version = min(((version_word(v) ^ word).bit_count(), v) for word in words for v in range(7, 41))
    return version if distance <= 3 else None
