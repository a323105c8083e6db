"""Fundamental matrices against OpenCV: exact pairs, wrong pairs, and a real pair of photos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from geometry.two_views import apart, photos_matched, truth, views
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.geometry import epipolar_lines, fundamental

RANDOM = np.random.default_rng(8)


@evidence.equals("geometry.fundamental", peer="opencv", tolerance="1e-6", data="50 exact pairs")
def test_exact_pairs_give_opencvs_matrix(measured: Callable[[float], None]) -> None:
    a, b = views(50)
    expected, _ = cv2.findFundamentalMat(a, b, cv2.FM_8POINT)
    found = fundamental(a, b).model
    worst = max(apart(found, expected), apart(found, truth()))
    measured(worst)
    assert worst < 1e-6
    assert np.linalg.svd(found)[1][2] < 1e-12


@pytest.mark.parametrize("method", ["7-point", "8-point"])
@evidence.equals(
    "geometry.fundamental", peer="opencv", tolerance="inliers ± 2 %", data="400 pairs, 100 or 200 of them wrong"
)
def test_wrong_pairs_are_found_as_usac_finds_them(method: str, measured: Callable[[float], None]) -> None:
    a, b = views(400, 0.5, 0.5 if method == "7-point" else 0.25)
    _, mask = cv2.findFundamentalMat(a, b, cv2.USAC_DEFAULT, 1.5, 0.999, 10000)
    counts = np.array([fundamental(a, b, 1.5, seed, method=method).inliers.sum() for seed in range(4)])
    measured(float(np.abs(counts / mask.sum() - 1).max()))
    assert np.abs(counts / mask.sum() - 1).max() <= 0.02


@evidence.equals("geometry.fundamental", peer="opencv", tolerance="inliers ± 2 %", data="sceaux_castle, one pair")
def test_photos_of_a_castle_agree_with_usac(shared_data: Path, measured: Callable[[float], None]) -> None:
    a, b = photos_matched(shared_data / "sceaux_castle", "100_7101.jpg", "100_7102.jpg")
    _, mask = cv2.findFundamentalMat(a, b, cv2.USAC_DEFAULT, 2.0, 0.999, 10000)
    counts = np.array([fundamental(a, b, 2.0, seed).inliers.sum() for seed in range(4)])
    measured(float(np.abs(counts / mask.sum() - 1).max()))
    assert (counts >= 0.98 * mask.sum()).all()
    assert (counts <= 1.05 * mask.sum()).all()


@evidence.equals("geometry.epipolar_lines", peer="opencv", tolerance="1e-9", data="40 points of either view")
def test_epipolar_lines_equal_opencvs(measured: Callable[[float], None]) -> None:
    a, b = views(40)
    worst = 0.0
    for points, which in ((a, 1), (b, 2)):
        expected = cv2.computeCorrespondEpilines(points[:, None], which, truth())[:, 0]
        worst = max(worst, float(np.abs(epipolar_lines(points, truth(), reverse=which == 2) - expected).max()))
    measured(worst)
    assert worst < 1e-9
    lines = epipolar_lines(a, fundamental(a, b))
    assert np.abs((lines[:, :2] * b).sum(axis=1) + lines[:, 2]).max() < 1e-8
    assert np.isnan(epipolar_lines(np.zeros((1, 2)), np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 0.0]]))).all()


def test_the_rounds_end_in_the_result() -> None:
    a, b = views(60, 0.3, 0.4)
    assert np.array_equal(sl.trace(fundamental, a, b, 1.5).result.inliers, fundamental(a, b, 1.5).inliers)


LINE = np.stack([np.arange(12.0), 2 * np.arange(12.0)], axis=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: fundamental(LINE[:7], LINE[:7]),
        lambda: fundamental(LINE[:6], LINE[:6], 1.0),
        lambda: fundamental(LINE, LINE),
        lambda: fundamental(LINE, LINE, 1.0),
        lambda: fundamental(np.ones((9, 2)), np.ones((9, 2)), 1.0),
        lambda: fundamental(LINE * np.nan, LINE),
        lambda: fundamental(LINE, LINE, 1.0, method="6-point"),
        lambda: fundamental(*(RANDOM.uniform(0, 1e6, (2, 40, 2))), 1e-3, iterations=200),
    ],
)
def test_bad_input_is_refused_by_name(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"^fundamental: .*got "):
        call()
