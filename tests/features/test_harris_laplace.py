"""Harris–Laplace against the paper's formulas by SciPy, and under a change of size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.ndimage
from scipy.spatial import cKDTree

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def by_scipy(gray: np.ndarray, sigmas: np.ndarray, least: float) -> np.ndarray:
    """Return N×3 (x, y, number of the scale) by the formulas of the paper."""
    corners, laplacians = [], []
    for sigma in sigmas:
        blurred = scipy.ndimage.gaussian_filter(gray, 0.7 * sigma, mode="mirror")
        dx, dy = (scipy.ndimage.sobel(blurred, axis, mode="mirror") / 8 for axis in (1, 0))
        xx, xy, yy = (scipy.ndimage.gaussian_filter(part, sigma, mode="mirror") for part in (dx * dx, dx * dy, dy * dy))
        corners.append((0.7 * sigma) ** 4 * (xx * yy - xy * xy - 0.05 * (xx + yy) ** 2))
        laplacians.append(np.abs(sigma**2 * scipy.ndimage.gaussian_laplace(gray, sigma, mode="reflect")))
    found = []
    for n in range(1, len(sigmas) - 1):
        peak = scipy.ndimage.maximum_filter(corners[n], 3) == corners[n]
        peak[[0, -1]] = peak[:, [0, -1]] = False
        kept = peak & (corners[n] > least) & (laplacians[n] > 0.01)
        kept &= (laplacians[n] > laplacians[n - 1]) & (laplacians[n] > laplacians[n + 1])
        y, x = np.nonzero(kept)
        found.append(np.column_stack([x, y, np.full(len(x), n)]))
    return np.concatenate(found)


@evidence.equals("features.harris_laplace", peer="scipy", tolerance="≥ 95 % of places and scales", data="photos")
def test_corners_are_those_of_the_formulas(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    gray = sl.to_float(photos.get("camera", photos["rings"])[100:260, 60:280])
    found = sl.features.harris_laplace(gray, scales=8)
    sigmas = 1.5 * 1.2 ** np.arange(8)
    level = np.rint(np.log(found.scales / 1.5) / np.log(1.2))
    ours = {tuple(row) for row in np.column_stack([found.points, level]).astype(int).tolist()}
    peers = {tuple(row) for row in by_scipy(gray.astype(np.float64), sigmas, 1e-6).astype(int).tolist()}
    share = len(ours & peers) / max(len(ours), len(peers))
    measured(share)
    assert len(ours) > 10
    assert share >= 0.95


def test_scales_grow_with_the_picture() -> None:
    spots = np.random.default_rng(5).random((16, 16)) > 0.8
    small, large = (np.kron(spots, np.ones((side, side))).astype(np.float32) for side in (8, 16))
    a, b = (sl.features.harris_laplace(picture) for picture in (small, large))
    inner = (a.points > 12).all(axis=1) & (a.points < 115).all(axis=1) & (a.scales < 4)
    apart, rows = cKDTree((b.points + 0.5) / 2 - 0.5).query(a.points[inner])
    near = apart < 1.5
    ratios = b.scales[rows[near]] / a.scales[inner][near]
    assert near.mean() > 0.5
    assert np.median(ratios) == pytest.approx(2, rel=0.2)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 40)])
def test_a_flat_image_has_none(shape: tuple[int, int]) -> None:
    assert len(sl.features.harris_laplace(np.full(shape, 50, np.uint8))) == 0


def test_scales_are_three_at_least() -> None:
    with pytest.raises(InputError, match="harris_laplace: scales must be a whole number in 3–20; got 2"):
        sl.features.harris_laplace(np.zeros((9, 9), np.uint8), scales=2)
