"""What the modules of a QR symbol say: format, mask, blocks put right, text.

ISO/IEC 18004:2015, section 11, steps c to k of the reference decode algorithm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.types import Array
from sightline.image.codes.qr_grid import (
    Modules,
    blocks_of,
    format_places,
    layout,
    mask_pattern,
    nearest_format,
    nearest_version,
    version_places,
)
from sightline.image.codes.qr_text import Message, read_message
from sightline.image.codes.reed_solomon import correct


@dataclass(frozen=True)
class Decoded:
    """A symbol that was read: its message, how it was made, and how many bytes had to be corrected."""

    message: Message
    version: int
    level: str
    mask: int
    corrected: int
    mirrored: bool


def decode(modules: Modules) -> Decoded | None:
    """Return what square modules say, seen as they are or in a mirror; None when too much of them is wrong."""
    for mirrored in (False, True):
        found = _decode(modules.T if mirrored else modules, mirrored)
        if found is not None:
            return found
    return None


def read_version(modules: Modules) -> int | None:
    """Return the version that large symbols (7–40) say they have, None where it cannot be read."""
    return nearest_version([_word(modules, places) for places in version_places(len(modules))])


def _decode(modules: Modules, mirrored: bool) -> Decoded | None:
    version = (len(modules) - 17) // 4
    found = nearest_format([_word(modules, places) for places in format_places(len(modules))])
    if found is None:
        return None
    level, mask = found
    shape = layout(version)
    bits = (modules ^ mask_pattern(mask, shape.size))[shape.rows, shape.columns]
    fixed = _corrected(np.packbits(bits[: len(bits) // 8 * 8]), version, level)
    if fixed is None:
        return None
    data, corrected = fixed
    message = read_message(data, version)
    return None if message is None else Decoded(message, version, level, mask, corrected, mirrored)


def _word(modules: Modules, places: Array) -> int:
    return sum(int(bit) << i for i, bit in enumerate(modules[places[:, 0], places[:, 1]]))


def _corrected(codewords: Array, version: int, level: str) -> tuple[bytes, int] | None:
    """Return the data bytes of all blocks in order, and the number of corrected bytes; None where one is beyond."""
    blocks = blocks_of(version, level)
    shortest, total = min(blocks.data), blocks.capacity
    even = codewords[: shortest * blocks.count].reshape(shortest, blocks.count)
    parity = codewords[total : total + blocks.parity * blocks.count].reshape(blocks.parity, blocks.count)
    extra = iter(codewords[shortest * blocks.count : total])
    result, errors = [], 0
    for i, length in enumerate(blocks.data):
        last = [next(extra)] if length > shortest else []
        block = np.concatenate([even[:, i], np.array(last, np.uint8), parity[:, i]])
        fixed = correct(block, blocks.parity, blocks.correctable)
        if fixed is None:
            return None
        result.append(fixed[0][:length].tobytes())
        errors += fixed[1]
    return b"".join(result), errors
