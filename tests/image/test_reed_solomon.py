"""Reed–Solomon codes: every error up to half of the parity is put right, and more are noticed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.image.codes.reed_solomon import correct, generator_polynomial, parity_of, products


def test_the_field_is_a_field() -> None:
    table = products()
    assert np.array_equal(table, table.T)
    assert np.array_equal(table[1], np.arange(256))
    assert all(sorted(row) == list(range(256)) for row in table[1:])
    a, b, c = np.random.default_rng(0).integers(0, 256, (3, 1000))
    assert np.array_equal(table[a, b ^ c], table[a, b] ^ table[a, c])


def test_the_generator_of_the_standard() -> None:
    # ISO/IEC 18004, annex A: x⁷ + α⁸⁷x⁶ + α²²⁹x⁵ + α¹⁴⁶x⁴ + α¹⁴⁹x³ + α²³⁸x² + α¹⁰²x + α²¹
    exponents = [87, 229, 146, 149, 238, 102, 21]
    power, powers = 1, []
    for _ in range(255):
        powers.append(power)
        power = int(products()[power, 2])
    assert generator_polynomial(7).tolist() == [powers[e] for e in exponents]


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 120), st.sampled_from([7, 10, 13, 17, 22, 30]), st.integers(0, 15), st.integers(0, 2**32 - 1))
def test_errors_up_to_half_of_the_parity_are_corrected(length: int, parity: int, errors: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = random.integers(0, 256, length, dtype=np.uint8)
    block = np.concatenate([data, parity_of(data[None], parity)[0]])
    errors = min(errors, parity // 2)
    places = random.choice(len(block), errors, replace=False)
    spoiled = block.copy()
    spoiled[places] ^= random.integers(1, 256, errors, dtype=np.uint8)
    fixed = correct(spoiled, parity)
    assert fixed is not None
    assert np.array_equal(fixed[0], block)
    assert fixed[1] == errors


def test_what_is_beyond_is_refused_or_a_codeword() -> None:
    random = np.random.default_rng(2)
    refused = 0
    for _ in range(200):
        block = random.integers(0, 256, 60, dtype=np.uint8)
        fixed = correct(block, 20)
        if fixed is None:
            refused += 1
        else:
            assert correct(fixed[0], 20) == (fixed[0], 0)
    assert refused >= 199


@pytest.mark.parametrize("most", [0, 3])
def test_fewer_may_be_allowed(most: int) -> None:
    data = np.arange(20, dtype=np.uint8)
    block = np.concatenate([data, parity_of(data[None], 10)[0]])
    block[: most + 1] ^= 1
    assert correct(block, 10, most) is None
    assert correct(block, 10) is not None
