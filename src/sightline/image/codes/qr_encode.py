"""A QR symbol from text: bits, blocks with parity, modules, and the mask that disturbs a reader least.

ISO/IEC 18004:2015, sections 7.4–7.10.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.image.codes.qr_grid import (
    VERSIONS,
    Layout,
    Modules,
    blocks_of,
    format_places,
    format_word,
    layout,
    mask_pattern,
    version_places,
    version_word,
)
from sightline.image.codes.qr_text import bits_of, segments_of
from sightline.image.codes.reed_solomon import parity_of


@dataclass(frozen=True, eq=False)
class Symbol:
    """A QR symbol: its modules (true is dark), and how it was made."""

    modules: Modules
    version: int
    level: str
    mask: int


def encode(
    text: str | bytes, level: str, version: int | None, mask: int | None, mode: str = "auto", *, gs1: bool = False
) -> Symbol:
    """Return the symbol of ``text``; a version or mask that is None is chosen: the smallest, the best."""
    version, data = _data_bytes(text, level, version, mode, gs1)
    shape = layout(version)
    modules = shape.dark.copy()
    bits = np.unpackbits(_interleaved(data, version, level))
    modules[shape.rows[: len(bits)], shape.columns[: len(bits)]] = bits != 0
    if version >= 7:
        _write(modules, version_places(shape.size), version_word(version))
    masked = {m: _masked(modules, shape, level, m) for m in (range(8) if mask is None else (mask,))}
    best = min(masked, key=lambda m: penalty(masked[m])) if mask is None else mask
    return Symbol(masked[best], version, level, best)


def _data_bytes(text: str | bytes, level: str, version: int | None, mode: str, gs1: bool) -> tuple[int, bytes]:
    """Return the version, and the data bytes with end mark and padding."""
    wanted = range(1, VERSIONS + 1) if version is None else (version,)
    bits: str | None = None
    for number in wanted:
        if number in (wanted[0], 10, 27):  # where the fields that count become wider
            segments = segments_of(text, number, mode)
            if segments is None:
                raise InputError(
                    f"make_code: text must consist of what mode '{mode}' can say; got {_short(text)}. Use mode='auto'."
                )
            bits = bits_of(segments, number, gs1=gs1)
        room = 8 * blocks_of(number, level).capacity
        if bits is not None and len(bits) <= room:
            bits += "0" * min(4, room - len(bits))
            bits += "0" * (-len(bits) % 8)
            data = int(bits or "0", 2).to_bytes(len(bits) // 8, "big")
            return number, (data + bytes([0xEC, 0x11]) * (room // 16 + 1))[: room // 8]
    room = blocks_of(wanted[-1], level).capacity
    needs = f"{-(-len(bits) // 8)} bytes" if bits is not None else "more than its fields can count"
    fix = "Use a lower level, or several symbols." if version in (None, VERSIONS) else "Leave version to None."
    raise InputError(
        f"make_code: text must fit into the {room} bytes of version {wanted[-1]} at level {level}; got {_short(text)}, "
        f"which needs {needs}. {fix}"
    )


def _short(text: str | bytes) -> str:
    return f"{text[:20]!r}{'…' if len(text) > 20 else ''} of length {len(text)}"


def _interleaved(data: bytes, version: int, level: str) -> Array:
    """Return data and parity bytes in the order of the symbol: the first of each block, the second of each, …"""
    blocks = blocks_of(version, level)
    starts = np.concatenate([[0], np.cumsum(blocks.data)])
    longest = max(blocks.data)
    # A short block is filled up in front, with zeros, which do not change its parity.
    padded = np.zeros((blocks.count, longest), np.uint8)
    order = np.full((blocks.count, longest), -1)
    for i, length in enumerate(blocks.data):
        padded[i, longest - length :] = np.frombuffer(data[starts[i] : starts[i + 1]], np.uint8)
        order[i, :length] = np.arange(starts[i], starts[i + 1])
    turns = order.T.reshape(-1)
    parity = parity_of(padded, blocks.parity)
    return np.concatenate([np.frombuffer(data, np.uint8)[turns[turns >= 0]], parity.T.reshape(-1)])


def _write(modules: Modules, copies: tuple[Array, Array], word: int) -> None:
    for places in copies:
        bits = word >> np.arange(len(places)) & 1
        modules[places[:, 0], places[:, 1]] = bits != 0


def _masked(modules: Modules, shape: Layout, level: str, mask: int) -> Modules:
    result = modules ^ (mask_pattern(mask, shape.size) & ~shape.fixed)
    _write(result, format_places(shape.size), format_word(level, mask))
    return result


def penalty(modules: Modules) -> int:
    """Return how much a symbol may disturb a reader: the sum of the four features of table 11."""
    size = len(modules)
    both = np.concatenate([modules, modules.T])  # each row is looked at along itself
    total = 0
    # Runs of five or more of one colour: 3, and 1 for each further module.
    edges = np.ones((2 * size, size + 1), np.bool_)
    edges[:, 1:-1] = both[:, 1:] != both[:, :-1]
    lengths = np.diff(np.flatnonzero(edges.reshape(-1)))  # those of 1 lead from row to row
    total += int((lengths[lengths >= 5] - 2).sum())
    # Blocks of 2×2 of one colour: 3 each.
    a, b, c, d = modules[:-1, :-1], modules[:-1, 1:], modules[1:, :-1], modules[1:, 1:]
    total += 3 * int(((a == b) & (a == c) & (a == d)).sum())
    # What looks like a finder (1 : 1 : 3 : 1 : 1) with four light modules on either side: 40 each.
    wide = np.zeros((2 * size, size + 8), np.bool_)
    wide[:, 4:-4] = both
    windows = np.lib.stride_tricks.sliding_window_view(wide, 15, axis=1)
    finder = np.array([1, 0, 1, 1, 1, 0, 1], np.bool_)
    free = ~windows[:, :, :4].any(axis=2) | ~windows[:, :, 11:].any(axis=2)
    total += 40 * int(((windows[:, :, 4:11] == finder).all(axis=2) & free).sum())
    # Each full 5 % by which the share of dark modules is off one half: 10.
    return total + 10 * int(abs(20 * int(modules.sum()) - 10 * size * size) // (size * size))
