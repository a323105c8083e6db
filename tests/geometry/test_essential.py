"""Essential matrices, relative pose and triangulation against OpenCV and a known motion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from geometry.two_views import MATRIX, SHIFT, TURN, apart, photos_matched, truth, views
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.geometry import Camera, essential, project, recover_pose, rodrigues, triangulate
from sightline.geometry.triangulate import corrected, fundamental_of

RANDOM = np.random.default_rng(9)


@pytest.mark.parametrize("count", [5, 6, 60])
@evidence.equals("geometry.essential", peer="the truth", tolerance="1e-6", data="exact pairs")
def test_exact_pairs_give_the_true_matrix(count: int, measured: Callable[[float], None]) -> None:
    a, b = views(count)
    found = essential(a, b, MATRIX)
    known = MATRIX.T @ truth() @ MATRIX
    worst = apart(found.model, known)
    measured(worst if count > 5 else 0.0)
    assert count == 5 or worst < 1e-6  # five pairs agree with up to ten matrices
    assert found.inliers.all()
    assert np.allclose(np.linalg.svd(found.model)[1], (0.5**0.5, 0.5**0.5, 0))


@evidence.equals("geometry.essential", peer="opencv", tolerance="inliers ± 2 %", data="400 pairs, half of them wrong")
def test_wrong_pairs_are_found_as_usac_finds_them(measured: Callable[[float], None]) -> None:
    a, b = views(400, 0.5, 0.5)
    _, mask = cv2.findEssentialMat(a, b, MATRIX, cv2.USAC_DEFAULT, 0.999, 1.5)
    counts = np.array([essential(a, b, MATRIX, 1.5, seed).inliers.sum() for seed in range(3)])
    theirs = int(mask.sum())
    off = int(np.abs(counts - theirs).max())
    measured(off / theirs)
    assert 100 * off <= 2 * theirs


@evidence.equals("geometry.essential", peer="opencv", tolerance="inliers ± 2 %", data="sceaux_castle, one pair")
@evidence.equals("geometry.recover_pose", peer="opencv", tolerance="1°", data="sceaux_castle, one pair")
def test_photos_of_a_castle_agree_with_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    a, b = photos_matched(shared_data / "sceaux_castle", "100_7101.jpg", "100_7102.jpg")
    matrix = np.loadtxt(shared_data / "sceaux_castle/K_scaled.txt")
    theirs, mask = cv2.findEssentialMat(a, b, matrix, cv2.USAC_DEFAULT, 0.999, 2.0)
    found = essential(a, b, matrix, 2.0)
    _, rotation, translation, _ = cv2.recoverPose(theirs, a, b, matrix, mask=mask.copy())
    pose = recover_pose(found, a, b, matrix)
    off = np.linalg.norm(rodrigues(pose.rotation @ rotation.T))
    away = np.arccos(np.clip(pose.translation @ translation[:, 0], -1, 1))
    measured(max(abs(found.inliers.sum() / mask.sum() - 1), np.degrees(off) / 50))
    assert abs(found.inliers.sum() / mask.sum() - 1) <= 0.02
    assert np.degrees(off) < 1
    assert np.degrees(away) < 5
    assert pose.mask.sum() > 0.9 * found.inliers.sum()


@evidence.equals("geometry.recover_pose", peer="opencv", tolerance="1e-6", data="60 exact pairs")
def test_the_motion_equals_opencvs(measured: Callable[[float], None]) -> None:
    a, b = views(60)
    known = MATRIX.T @ truth() @ MATRIX
    _, rotation, translation, _ = cv2.recoverPose(known, a, b, MATRIX)
    pose = recover_pose(essential(a, b, MATRIX), a, b, MATRIX)
    worst = max(np.abs(pose.rotation - rotation).max(), np.abs(pose.translation - translation[:, 0]).max())
    measured(float(worst))
    assert worst < 1e-6
    assert np.allclose(pose.rotation, rodrigues(TURN), atol=1e-7)
    assert np.allclose(pose.translation, SHIFT / np.linalg.norm(SHIFT), atol=1e-7)
    assert pose.mask.all()


def test_two_different_cameras_with_lenses() -> None:
    world = RANDOM.uniform((-2, -2, 4), (2, 2, 9), (50, 3))
    wide = Camera(np.array([[500, 0, 300], [0, 510, 200], [0, 0, 1.0]]), (-0.2, 0.03, 0.001, 0))
    a, b = project(world, MATRIX), project(world, wide, TURN, SHIFT)
    pose = recover_pose(essential(a, b, (MATRIX, wide), 1.0), a, b, (MATRIX, wide))
    assert np.allclose(pose.rotation, rodrigues(TURN), atol=1e-6)


def test_a_camera_that_only_turns_is_refused() -> None:
    world = RANDOM.uniform((-3, -3, 4), (3, 3, 12), (80, 3))
    a, b = project(world, MATRIX), project(world, MATRIX, TURN)
    b = b + RANDOM.normal(0, 0.1, b.shape)
    with pytest.raises(InputError, match=r"^recover_pose: a and b must be seen from two places; got 80 pairs"):
        recover_pose(essential(a, b, MATRIX, 1.0), a, b, MATRIX)
    with pytest.raises(InputError, match="two places"):
        recover_pose(essential(a, a, MATRIX, 1.0), a, a, MATRIX)


@evidence.equals("geometry.triangulate", peer="opencv", tolerance="1e-6 of the depth", data="300 exact pairs")
def test_triangulation_equals_opencvs(measured: Callable[[float], None]) -> None:
    world = RANDOM.uniform((-3, -3, 4), (3, 3, 12), (300, 3))
    projections = [MATRIX @ np.eye(3, 4), MATRIX @ np.column_stack([rodrigues(TURN), SHIFT])]
    seen = [project(world, MATRIX), project(world, MATRIX, TURN, SHIFT)]
    expected = cv2.triangulatePoints(*projections, *(points.T.copy() for points in seen))
    worst = 0.0
    for optimal in (False, True):
        found = triangulate(projections, seen, optimal=optimal)
        worst = max(worst, float(np.abs(found - (expected[:3] / expected[3]).T).max()), np.abs(found - world).max())
    measured(worst)
    assert worst < 1e-6


@evidence.equals("geometry.triangulate", peer="opencv", tolerance="1e-8 pixels (correctMatches)", data="noisy pairs")
def test_corrected_pairs_equal_opencvs(measured: Callable[[float], None]) -> None:
    a, b = views(100, 1.0)
    projections = np.array([MATRIX @ np.eye(3, 4), MATRIX @ np.column_stack([rodrigues(TURN), SHIFT])])
    expected = cv2.correctMatches(fundamental_of(*projections), a[None], b[None])
    found = corrected(projections, np.array([a, b]))
    worst = max(float(np.abs(one - two[0]).max()) for one, two in zip(found, expected, strict=True))
    measured(worst)
    assert worst < 1e-8


def test_many_views_and_places_that_some_do_not_see() -> None:
    world = RANDOM.uniform((-1, -1, 4), (1, 1, 8), (20, 3))
    shifts = [np.array([x, 0, 0.1]) for x in (-1.0, 0, 1, 2)]
    projections = [MATRIX @ np.column_stack([np.eye(3), shift]) for shift in shifts]
    seen = np.stack([project(world, MATRIX, None, shift) for shift in shifts])
    seen[0, :5], seen[1:, 7] = np.nan, np.nan
    found = triangulate(projections, seen)
    assert np.isnan(found[7]).all()
    assert np.allclose(np.delete(found, 7, 0), np.delete(world, 7, 0), atol=1e-9)


def test_the_rounds_end_in_the_result() -> None:
    a, b = views(60, 0.3, 0.3)
    assert np.array_equal(sl.trace(essential, a, b, MATRIX, 1.5).result.model, essential(a, b, MATRIX, 1.5).model)


LINE = np.stack([np.arange(12.0), 2 * np.arange(12.0)], axis=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: essential(LINE[:4], LINE[:4], MATRIX),
        lambda: essential(LINE, LINE, "camera"),
        lambda: essential(LINE, LINE, MATRIX, 0),
        lambda: essential(LINE * np.nan, LINE, MATRIX),
        lambda: essential(np.ones((9, 2)), np.ones((9, 2)), MATRIX, 1.0),
        lambda: recover_pose(np.zeros((3, 3)), LINE, LINE, MATRIX),
        lambda: recover_pose(np.eye(4), LINE, LINE, MATRIX),
        lambda: recover_pose(np.eye(3), LINE, LINE[:5], MATRIX),
        lambda: triangulate([np.eye(3, 4)], [LINE]),
        lambda: triangulate([np.eye(3, 4)] * 2, [LINE, LINE[:3]]),
        lambda: triangulate([np.eye(3, 4)] * 2, [LINE, np.full((12, 2), np.inf)]),
        lambda: triangulate([np.eye(3, 4)] * 3, [LINE] * 3, optimal=True),
    ],
)
def test_bad_input_is_refused_by_name(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"^(essential|recover_pose|triangulate): .*got "):
        call()
