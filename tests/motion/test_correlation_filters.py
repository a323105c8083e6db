"""Correlation filters equal the ridge regressions over all shifts that they stand for, solved without transforms."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from sightline.core import evidence
from sightline.image.fft import from_half_transform, half_transform
from sightline.motion.correlation_filters import Kcf, Mosse, cosine_window, peak_of, wanted_response

SHAPE = (28, 24)


def patch(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SHAPE, 3)).astype(np.uint8)


def shifts(features: np.ndarray) -> np.ndarray:
    """Return all cyclic shifts of H×W×C, one a row; row (i, j) is moved by i down and j right."""
    height, width = features.shape[:2]
    return np.stack([np.roll(features, (i, j), (0, 1)).ravel() for i in range(height) for j in range(width)]).astype(
        np.float64
    )


@evidence.equals(
    "motion.correlation_track", peer="numpy", tolerance="1e-4, kcf: kernel ridge regression solved densely"
)
def test_kcf_is_kernel_ridge_regression(measured: Callable[[float], None]) -> None:
    model, first, second = Kcf(SHAPE, (12, 12)), patch(0), patch(1)
    model.learn(first, 1.0)
    goal = from_half_transform(model._goal.copy(), model._grid).astype(np.float64).ravel()

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        distances = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
        return np.exp(-distances / a.shape[1] / 0.5**2)

    x, z = (shifts(model._features(image)) for image in (first, second))
    weights = np.linalg.solve(kernel(x, x) + 1e-4 * np.eye(len(x)), goal)
    expected = (kernel(z, x) @ weights).reshape(model._grid)
    # Row (i, j) of z is the patch moved by (i, j); the response at (i, j) is for a target that went there.
    expected = np.roll(expected[::-1, ::-1], (1, 1), (0, 1))
    worst = float(np.abs(model.respond(second) - expected).max())
    measured(worst)
    assert worst < 1e-4
    assert peak_of(model.respond(first)) == pytest.approx((0, 0), abs=0.2)


@evidence.equals("motion.correlation_track", peer="numpy", tolerance="1e-4, mosse: least squares over all shifts")
def test_mosse_is_least_squares(measured: Callable[[float], None]) -> None:
    model, first, second = Mosse(SHAPE, np.random.default_rng(0)), patch(0)[..., 0], patch(1)[..., 0]
    model._TURNS = 0
    model.learn(first, 1.0)
    goal = from_half_transform(wanted_response(SHAPE, 2.0), SHAPE).astype(np.float64)
    x, z = (shifts(model._prepared(image)) for image in (first, second))
    h = np.linalg.solve(x.T @ x + 1e-2 * np.eye(x.shape[1]), x.T @ np.roll(goal[::-1, ::-1], (1, 1), (0, 1)).ravel())
    expected = np.roll((z @ h).reshape(SHAPE)[::-1, ::-1], (1, 1), (0, 1))
    worst = float(np.abs(model.respond(second) - expected).max())
    measured(worst)
    assert worst < 1e-4


def test_peaks_between_places_and_around_the_corner() -> None:
    y, x = np.mgrid[0:20, 0:30]
    for dx, dy in ((3.3, 2.6), (-4.2, 5.4), (7.0, -6.5)):
        u, v = (x - dx + 15) % 30 - 15, (y - dy + 10) % 20 - 10
        found = peak_of(np.exp(-(u**2 + v**2) / 8).astype(np.float32))
        assert found == pytest.approx((dx, dy), abs=0.05)


def test_a_shifted_patch_is_found() -> None:
    big = np.random.default_rng(3).integers(0, 256, (90, 90)).astype(np.uint8)
    big = (big // 8 + 60).astype(np.uint8)
    big[30:60, 30:60] = np.kron(np.random.default_rng(4).integers(0, 256, (6, 6)), np.ones((5, 5))).astype(np.uint8)
    for model, tolerance in ((Mosse((60, 60), np.random.default_rng(0)), 0.6), (Kcf((60, 60), (30, 30)), 1.5)):
        model.learn(big[15:75, 15:75], 1.0)
        dx, dy = peak_of(model.respond(big[11:71, 20:80]))
        assert (dx * model.cell, dy * model.cell) == pytest.approx((-5, 4), abs=tolerance)
    assert cosine_window((5, 4)).shape == (5, 4)
    assert np.allclose(from_half_transform(half_transform(np.float32(big)), big.shape), big, atol=1e-3)
