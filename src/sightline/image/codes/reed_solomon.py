"""Reed–Solomon codes over GF(256): parity bytes from which wrong bytes are found and put right.

Reed & Solomon 1960, "Polynomial Codes over Certain Finite Fields", J. SIAM 8(2); errors are located as in Massey 1969,
"Shift-Register Synthesis and BCH Decoding", IEEE Trans. Information Theory 15(1), and weighed as in Forney 1965, "On
Decoding BCH Codes", IEEE Trans. Information Theory 11(4). Polynomials are lists of bytes, the constant first.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from jaxtyping import UInt8

Bytes = UInt8[np.ndarray, " n"]
Table = UInt8[np.ndarray, "256 256"]


def _powers() -> list[int]:
    """Return α⁰ … α⁵⁰⁹ for α = 2 modulo x⁸ + x⁴ + x³ + x² + 1, twice round so that exponents need no modulo."""
    powers, value = [], 1
    for _ in range(255):
        powers.append(value)
        value = value << 1 ^ (0x11D if value & 0x80 else 0)
    return powers * 2


EXP = _powers()
LOG = [0] * 256
for _exponent, _value in enumerate(EXP[:255]):
    LOG[_value] = _exponent


@lru_cache(maxsize=1)
def products() -> Table:
    """Return the multiplication table of the field."""
    log, exp = np.array(LOG), np.array(EXP, np.uint8)
    table = exp[log[:, None] + log[None, :]]
    table[0], table[:, 0] = 0, 0
    return table


@lru_cache(maxsize=64)
def generator_polynomial(degree: int) -> Bytes:
    """Return (x − α⁰)(x − α¹) … without its leading 1, the highest power first."""
    polynomial = [1]
    for root in range(degree):
        shifted = [_times(c, EXP[root]) for c in polynomial]
        polynomial = [a ^ b for a, b in zip([*polynomial, 0], [0, *shifted], strict=True)]
    return np.array(polynomial[1:], np.uint8)


def parity_of(blocks: UInt8[np.ndarray, "b k"], degree: int) -> UInt8[np.ndarray, "b p"]:
    """Return the ``degree`` parity bytes of each row: the remainder of its division by the generator."""
    generator, table = generator_polynomial(degree), products()
    remainder = np.zeros((len(blocks), degree), np.uint8)
    for column in blocks.T:
        factor = column ^ remainder[:, 0]
        remainder[:, :-1] = remainder[:, 1:]
        remainder[:, -1] = 0
        remainder ^= table[factor[:, None], generator[None, :]]
    return remainder


def correct(block: Bytes, parity: int, most: int | None = None) -> tuple[Bytes, int] | None:
    """Return a block (its last ``parity`` bytes are the check) with its errors put right, and their number.

    Parameters
    ----------
    block
        Up to 255 bytes.
    parity
        How many of them are parity bytes.
    most
        Errors that may be put right; by default half of ``parity``. None is returned when there are more.
    """
    most = parity // 2 if most is None else most
    syndromes = _syndromes(block, parity)
    if not any(syndromes):
        return block, 0
    locator = _locator(syndromes)
    count = len(locator) - 1
    if count > most:
        return None
    exponents = [e for e in range(len(block)) if _value_at(locator, EXP[255 - e]) == 0]
    if len(exponents) != count:
        return None
    evaluator = _product(syndromes, locator)[:parity]
    derivative = [c if i % 2 == 0 else 0 for i, c in enumerate(locator[1:])]
    fixed = block.copy()
    for e in exponents:
        inverse = EXP[255 - e]
        below = _value_at(derivative, inverse)
        if below == 0:
            return None
        size = _times(EXP[e], _divide(_value_at(evaluator, inverse), below))
        fixed[len(block) - 1 - e] ^= size
    return None if any(_syndromes(fixed, parity)) else (fixed, count)


def _syndromes(block: Bytes, parity: int) -> list[int]:
    """Return the block's polynomial at α⁰ … : all zero when nothing is wrong."""
    exponents = np.arange(len(block))[::-1, None] * np.arange(parity)[None, :] % 255
    terms = products()[block[:, None], np.array(EXP[:255], np.uint8)[exponents]]
    return np.bitwise_xor.reduce(terms, axis=0).tolist()


def _locator(syndromes: list[int]) -> list[int]:
    """Return the shortest Λ with Λ(0) = 1 whose shift register makes the syndromes."""
    current, previous, length, gap, last = [1], [1], 0, 1, 1
    for n in range(len(syndromes)):
        discrepancy = syndromes[n]
        for i in range(1, min(length, len(current) - 1) + 1):
            discrepancy ^= _times(current[i], syndromes[n - i])
        if discrepancy == 0:
            gap += 1
            continue
        factor = _divide(discrepancy, last)
        shifted = [0] * gap + [_times(factor, c) for c in previous]
        width = max(len(shifted), len(current))
        longer = [a ^ b for a, b in zip(_pad(current, width), _pad(shifted, width), strict=True)]
        if 2 * length <= n:
            length, previous, last, gap = n + 1 - length, current, discrepancy, 1
        else:
            gap += 1
        current = longer
    return _pad(current, length + 1)[: length + 1]


def _pad(polynomial: list[int], length: int) -> list[int]:
    return polynomial + [0] * (length - len(polynomial))


def _times(a: int, b: int) -> int:
    return EXP[LOG[a] + LOG[b]] if a and b else 0


def _divide(a: int, b: int) -> int:
    return EXP[LOG[a] + 255 - LOG[b]] if a else 0


def _product(a: list[int], b: list[int]) -> list[int]:
    result = [0] * (len(a) + len(b) - 1)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            result[i + j] ^= _times(x, y)
    return result


def _value_at(polynomial: list[int], x: int) -> int:
    value = 0
    for coefficient in reversed(polynomial):
        value = _times(value, x) ^ coefficient
    return value
