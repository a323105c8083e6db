"""Real roots beside NumPy's eigenvalues: random polynomials, powers that are missing, roots at 0, 1 and far away."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.geometry.real_roots import real_roots


def _found(coefficients: np.ndarray) -> np.ndarray:
    roots = np.empty(12)
    return roots[: real_roots(coefficients, len(coefficients) - 1, roots)].copy()


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 10])
def test_random_polynomials_have_numpys_roots(degree: int) -> None:
    random = np.random.default_rng(degree)
    for _ in range(100):
        coefficients = random.normal(size=degree + 1)
        known = np.roots(coefficients[::-1])
        known = np.sort(known[np.abs(known.imag) < 1e-9].real)
        found = _found(coefficients)
        assert len(found) == len(known)
        assert np.allclose(found, known, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize(
    "roots", [(-1.0, 1.0), (0.0, 2.0), (-1e6, 1e-6, 3.0), (-0.5, -0.499, 0.5, 0.501), (-3.0, -1.0, 0.0, 1.0, 3.0)]
)
def test_known_roots_come_in_rising_order(roots: tuple[float, ...]) -> None:
    found = _found(np.poly(roots)[::-1].copy())
    assert np.allclose(found, roots, rtol=1e-9, atol=1e-14)


def test_missing_powers_and_none() -> None:
    assert np.allclose(_found(np.array([-1.0, 0, 0, 0, 1])), [-1, 1])  # x⁴ = 1
    assert len(_found(np.array([1.0, 0, 0, 0, 1]))) == 0
    assert np.allclose(_found(np.array([-8.0, 0, 0, 1, 0, 0])), [2])  # the leading coefficients are 0
    assert len(_found(np.array([3.0, 0]))) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_comes_to_an_end(value: float) -> None:
    for k in range(5):
        coefficients = np.array([1.0, -3, 2, 1, 4])
        coefficients[k] = value
        assert len(_found(coefficients)) <= 4
