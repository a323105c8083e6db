"""Consensus against scikit-image and OpenCV, on data with a known answer; what it refuses, and that it repeats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.measure import CircleModel, LineModelND
from skimage.measure import ransac as peer_ransac

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.features import ransac

RANDOM = np.random.default_rng(11)


def line_data(wrong: int = 60, right: int = 40) -> np.ndarray:
    x = RANDOM.uniform(0, 200, right)
    good = np.stack([x, 0.7 * x + 12], axis=1) + RANDOM.normal(0, 0.3, (right, 2))
    return np.vstack([good, RANDOM.uniform(0, 200, (wrong, 2))])


def circle_data(wrong: int = 50, right: int = 50) -> np.ndarray:
    turn = RANDOM.uniform(0, 2 * np.pi, right)
    good = np.stack([90 + 40 * np.cos(turn), 70 + 40 * np.sin(turn)], axis=1) + RANDOM.normal(0, 0.2, (right, 2))
    return np.vstack([good, RANDOM.uniform(0, 180, (wrong, 2))])


def moved(matrix: np.ndarray, rows: np.ndarray) -> np.ndarray:
    points = np.column_stack([rows[:, :2], np.ones(len(rows))]) @ matrix.T
    return points[:, :2] / points[:, 2:]


def pairs(matrix: np.ndarray, wrong: int = 100, right: int = 100) -> np.ndarray:
    a = RANDOM.uniform(0, 500, (right + wrong, 2))
    b = moved(matrix, a) + RANDOM.normal(0, 0.3, a.shape)
    b[right:] = RANDOM.uniform(0, 500, (wrong, 2))
    return np.hstack([a, b])


TURN = np.array([[0.8, -0.5, 100], [0.5, 0.8, -20], [0, 0, 1]])
SHEAR = np.array([[0.9, -0.2, 80], [0.4, 1.1, -30], [0, 0, 1]])
VIEW = np.array([[0.76, -0.3, 225], [0.33, 1.01, -77], [3.4e-4, -1.4e-5, 1]])


@pytest.mark.parametrize(("name", "peer"), [("line", LineModelND), ("circle", CircleModel)])
@evidence.equals("features.ransac", peer="skimage", tolerance="the same inliers, 99 %", data="half of the points wrong")
def test_lines_and_circles_agree_with_skimage(name: str, peer: Any, measured: Callable[[float], None]) -> None:
    data, least = (line_data(), 2) if name == "line" else (circle_data(), 3)
    _, expected = peer_ransac(data, peer, least, 1.0, max_trials=2000, rng=0)
    share = min(float((ransac(name, data, 1.0, seed).inliers == expected).mean()) for seed in range(5))
    measured(share)
    assert share >= 0.97


@pytest.mark.parametrize(("name", "truth"), [("similarity", TURN), ("affine", SHEAR), ("homography", VIEW)])
@pytest.mark.parametrize("method", ["ransac", "msac", "lo"])
@evidence.equals("features.ransac", peer="opencv", tolerance="the same inliers ± 2 %", data="half of 200 pairs wrong")
def test_transforms_agree_with_opencv(name: str, truth: Any, method: str, measured: Callable[[float], None]) -> None:
    data = pairs(truth)
    peer: dict[str, Callable[..., Any]] = {
        "similarity": cv2.estimateAffinePartial2D,
        "affine": cv2.estimateAffine2D,
        "homography": cv2.findHomography,
    }
    flag = cv2.RANSAC if name == "similarity" else cv2.USAC_DEFAULT
    _, mask = peer[name](data[:, :2].copy(), data[:, 2:].copy(), flag, ransacReprojThreshold=2.0)
    worst = 0.0
    for seed in range(5):
        found = ransac(name, data, 2.0, seed, method=method)
        worst = max(worst, abs(found.inliers.sum() / mask.sum() - 1))
        assert found.inliers[:100].mean() > 0.98
        assert np.abs(moved(np.asarray(found), data[:100]) - moved(truth, data[:100])).max() < 0.5
    measured(worst)
    assert worst <= 0.02


class Parabola:
    """y = a x² + b x + c, as somebody else might write it."""

    size = 3

    def fit(self, sample: np.ndarray) -> list[np.ndarray]:
        if len(np.unique(sample[:, 0])) < 3:
            return []
        return [np.polyfit(sample[:, 0], sample[:, 1], 2)]

    def residuals(self, model: np.ndarray, data: np.ndarray) -> np.ndarray:
        return np.polyval(model, data[:, 0]) - data[:, 1]


@pytest.mark.parametrize("method", ["ransac", "msac", "lo"])
def test_a_model_of_ones_own(method: str) -> None:
    x = np.linspace(-3, 3, 60)
    data = np.stack([x, 2 * x * x - x + 1], axis=1)
    data[::3, 1] += RANDOM.uniform(3, 9, 20)
    found = ransac(Parabola(), data, 0.1, method=method)
    assert np.allclose(found.model, (2, -1, 1), atol=1e-6)
    assert found.inliers.sum() == 40
    assert found.name == "Parabola"


def test_the_same_seed_gives_the_same_fit() -> None:
    data = pairs(VIEW)
    first, again = ransac("homography", data, 2.0, 7), ransac("homography", data, 2.0, 7)
    assert np.array_equal(first.model, again.model)
    assert first.rounds == again.rounds
    assert np.array_equal(ransac("line", line_data(), 1.0, np.random.default_rng(3)).model.shape, (3,))


def test_more_wrong_rows_need_more_rounds_and_a_limit_is_kept() -> None:
    easy, hard = pairs(VIEW, wrong=20), pairs(VIEW, wrong=200)
    assert ransac("homography", easy, 2.0).rounds < ransac("homography", hard, 2.0).rounds
    assert ransac("homography", hard, 2.0, iterations=40).rounds <= 40


def test_exactly_a_sample_is_fitted_exactly() -> None:
    found = ransac("line", np.array([[0, 0], [3, 4]]), 0.1)
    assert found.inliers.all()
    assert np.allclose(np.abs(found.model), (0.8, 0.6, 0))


def test_the_rounds_are_shown_and_end_in_the_result() -> None:
    data = line_data()
    shown = sl.trace(ransac, "line", data, 1.0)
    assert np.array_equal(shown.result.model, ransac("line", data, 1.0).model)
    assert shown[0].name == "data"
    assert any(step.name.startswith("round ") for step in shown)
    assert all(step.picture() is not None for step in shown if step.name != "agreement")
    assert ransac("circle", circle_data(), 1.0).draw(np.zeros((180, 180), np.uint8)).max() > 0
    assert sl.trace(ransac, "homography", pairs(VIEW), 2.0)[0].picture() is not None
    assert ransac("line", data, 1.0).to_json()["name"] == "line"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ransac("lines", line_data(), 1.0), "Did you mean 'line'"),
        (lambda: ransac("line", pairs(TURN), 1.0), "data must be N×2"),
        (lambda: ransac("line", np.full((5, 2), np.nan), 1.0), "finite"),
        (lambda: ransac("line", line_data(), 0.0), "threshold"),
        (lambda: ransac("line", line_data(), 1.0, method="magic"), "method"),
        (lambda: ransac("circle", np.zeros((2, 2)), 1.0), "at least 3 rows"),
        (lambda: ransac("line", np.ones((9, 2)), 1.0), "no line agrees"),
        (lambda: ransac("circle", np.stack([np.arange(9.0), np.arange(9.0)], 1), 0.1), "no circle agrees"),
        (lambda: ransac("homography", np.arange(32.0).reshape(8, 4), 1.0), "no homography agrees"),
        (lambda: ransac("homography", RANDOM.uniform(0, 1e6, (40, 4)), 1e-3, iterations=100), "no homography agrees"),
        (lambda: ransac(3, line_data(), 1.0), "size, fit and residuals"),
    ],
)
def test_bad_input_is_refused_by_name(call: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=r"^ransac: ") as refusal:
        call()
    assert words in str(refusal.value)
