"""Homographies against OpenCV: exact data, noisy data, and the graf pair with its known homography."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.geometry import homography

RANDOM = np.random.default_rng(2)
TRUTH = np.array([[0.76, -0.3, 225], [0.33, 1.01, -77], [3.4e-4, -1.4e-5, 1]])


def move(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    moved = np.column_stack([points, np.ones(len(points))]) @ matrix.T
    return moved[:, :2] / moved[:, 2:]


@pytest.mark.parametrize("count", [4, 5, 100])
@evidence.equals("geometry.homography", peer="opencv", tolerance="1e-4 pixels (the truth: 1e-9)", data="exact pairs")
def test_exact_pairs_give_opencvs_homography(count: int, measured: Callable[[float], None]) -> None:
    a = RANDOM.uniform(0, (800, 640), (count, 2))
    expected, _ = cv2.findHomography(a, move(TRUTH, a), 0)
    found = homography(a, move(TRUTH, a)).model
    worst = float(np.abs(move(found, a) - move(expected, a)).max())
    measured(worst)
    assert worst < 1e-4
    assert np.abs(found - TRUTH).max() < 1e-9


@evidence.equals("geometry.homography", peer="opencv", tolerance="residual ≤ OpenCV's", data="100 noisy pairs")
def test_least_squares_are_no_worse_than_opencvs(measured: Callable[[float], None]) -> None:
    a = RANDOM.uniform(0, (800, 640), (100, 2))
    b = move(TRUTH, a) + RANDOM.normal(0, 1, (100, 2))
    expected, _ = cv2.findHomography(a, b, 0)
    ours, theirs = (float(((move(m, a) - b) ** 2).sum()) for m in (homography(a, b).model, expected))
    measured(ours / theirs)
    assert ours <= theirs * (1 + 1e-9)


def graf(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return OpenCV's SIFT matches of the graf pair, and its true homography."""
    photos = [cv2.imread(str(folder / f"opencv_samples/graf{n}.png"), cv2.IMREAD_GRAYSCALE) for n in (1, 3)]
    (ka, da), (kb, db) = (cv2.SIFT_create(2000).detectAndCompute(photo, None) for photo in photos)
    best = [m for m, n in cv2.BFMatcher().knnMatch(da, db, k=2) if m.distance < 0.8 * n.distance]
    storage = cv2.FileStorage(str(folder / "opencv_samples/H1to3p.xml"), cv2.FILE_STORAGE_READ)
    truth = storage.getNode("H13").mat()
    return np.array([ka[m.queryIdx].pt for m in best]), np.array([kb[m.trainIdx].pt for m in best]), truth


def corner_error(matrix: np.ndarray, truth: np.ndarray) -> float:
    corners = np.array([(0, 0), (799, 0), (799, 639), (0, 639.0)])
    return float(np.linalg.norm(move(matrix, corners) - move(truth, corners), axis=1).mean())


@evidence.equals(
    "geometry.homography", peer="opencv", tolerance="inliers ± 2 %, corner error ≤ USAC's", data="graf1, graf3"
)
def test_graf_is_no_worse_than_usac(shared_data: Path, measured: Callable[[float], None]) -> None:
    a, b, truth = graf(shared_data)
    matrix, mask = cv2.findHomography(a, b, cv2.USAC_DEFAULT, 3.0, maxIters=10000, confidence=0.999)
    found = [homography(a, b, 3.0, seed) for seed in range(8)]
    ours = float(np.median([corner_error(one.model, truth) for one in found]))
    measured(ours / corner_error(matrix, truth))
    assert ours <= corner_error(matrix, truth)
    counts = np.array([one.inliers.sum() for one in found])
    assert np.abs(counts / mask.sum() - 1).max() <= 0.02


def test_the_scale_of_the_numbers_does_not_matter() -> None:
    a = RANDOM.uniform(0, 1, (60, 2))
    b = move(np.array([[1, 0.2, 3], [0, 1, 2], [0.1, 0, 1]]), a)
    for scale in (1e-4, 1e5):
        assert np.allclose(move(homography(a * scale, b).model, a * scale), b, atol=1e-9)
        assert homography(a * scale, b * scale, 1e-6 * scale).inliers.all()


def test_a_horizon_between_the_points_and_the_origin_does_no_harm() -> None:
    truth = np.array([[1, 0, 0], [0, 1, 0], [-0.01, 0, 1.0]])  # the origin lies behind the points' horizon
    a = RANDOM.uniform((200, 0), (500, 300), (80, 2))
    assert np.allclose(move(homography(a, move(truth, a), 0.5).model, a), move(truth, a), atol=1e-6)
    assert np.allclose(move(homography(a, move(truth, a)).model, a), move(truth, a), atol=1e-6)


def test_the_rounds_end_in_the_result() -> None:
    a = RANDOM.uniform(0, 500, (90, 2))
    b = np.where(np.arange(90)[:, None] % 3 == 0, RANDOM.uniform(0, 500, (90, 2)), move(TRUTH, a))
    shown = sl.trace(homography, a, b, 2.0)
    assert np.array_equal(shown.result.inliers, homography(a, b, 2.0).inliers)
    assert np.array_equal(shown.result.model, homography(a, b, 2.0).model)


LINE = np.stack([np.arange(9.0), 2 * np.arange(9.0)], axis=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: homography(LINE[:3], LINE[:3]),
        lambda: homography(LINE, LINE),
        lambda: homography(LINE, LINE, 1.0),
        lambda: homography(LINE[:4], LINE[:4]),
        lambda: homography(np.ones((6, 2)), LINE[:6]),
        lambda: homography(LINE, LINE[:8]),
        lambda: homography(LINE * np.nan, LINE),
        lambda: homography(LINE, LINE, -1),
        lambda: homography("points", LINE),
    ],
)
def test_bad_input_is_refused_by_name(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"^homography: .*got "):
        call()
