"""Pose from points against OpenCV: exact, noisy, planar, few and wrong points; lenses; what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.geometry import Camera, pnp, project, rodrigues

RANDOM = np.random.default_rng(6)
MATRIX = np.array([[620, 0, 330], [0, 600, 230], [0, 0, 1.0]])
LENS = Camera(MATRIX, (-0.25, 0.06, 0.001, -0.0008, 0.01))
TURN, SHIFT = np.array([0.3, -0.4, 0.2]), np.array([0.2, -0.1, 6.0])
PEERS = {"iterative": cv2.SOLVEPNP_ITERATIVE, "epnp": cv2.SOLVEPNP_EPNP, "p3p": cv2.SOLVEPNP_P3P}


def scene(count: int, flat: bool = False) -> np.ndarray:
    world = RANDOM.uniform(-1.5, 1.5, (count, 3))
    if flat:
        world[:, 2] = 0.4 * world[:, 0] - 0.2 * world[:, 1] + 1
    return world


def apart(pose: object, turn: np.ndarray, shift: np.ndarray) -> float:
    rotation, translation = pose.rotation, pose.translation  # type: ignore[attr-defined]
    return float(max(np.abs(rotation - rodrigues(turn)).max(), np.abs(translation - shift).max()))


@pytest.mark.parametrize("method", PEERS)
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("count", [4, 5, 12, 200])
@evidence.equals("geometry.pnp", peer="the truth", tolerance="1e-6", data="exact points, general and planar, a lens")
def test_exact_points_give_the_true_pose(
    method: str, flat: bool, count: int, measured: Callable[[float], None]
) -> None:
    world = scene(count, flat)
    found = pnp(world, project(world, LENS, TURN, SHIFT), LENS, method)
    ambiguous = method == "epnp" and count < 6 and not flat  # too few for a closed form in four control points
    worst = 0.0 if ambiguous else apart(found, TURN, SHIFT)
    measured(worst)
    assert worst < 1e-6
    assert found.inliers.all()


@pytest.mark.parametrize("flat", [False, True])
@evidence.equals("geometry.pnp", peer="opencv", tolerance="1e-5, error ≤ OpenCV's", data="60 noisy points, a lens")
def test_noisy_points_give_opencvs_pose(flat: bool, measured: Callable[[float], None]) -> None:
    world = scene(60, flat)
    seen = project(world, LENS, TURN, SHIFT) + RANDOM.normal(0, 0.5, (60, 2))
    _, turn, shift = cv2.solvePnP(world, seen, MATRIX, np.array(LENS.distortion), flags=cv2.SOLVEPNP_ITERATIVE)
    turn, shift = cv2.solvePnPRefineLM(world, seen, MATRIX, np.array(LENS.distortion), turn, shift)
    found = pnp(world, seen, LENS)
    worst = apart(found, turn[:, 0], shift[:, 0])
    measured(worst)
    assert worst < 1e-5
    theirs = np.sqrt(((project(world, LENS, turn, shift) - seen) ** 2).sum(axis=1).mean())
    assert found.error <= theirs * (1 + 1e-9)


@evidence.equals("geometry.pnp", peer="opencv", tolerance="1e-6 (EPnP)", data="30 exact points")
def test_the_closed_form_equals_opencvs(measured: Callable[[float], None]) -> None:
    world = scene(30)
    seen = project(world, MATRIX, TURN, SHIFT)
    _, turn, shift = cv2.solvePnP(world, seen, MATRIX, None, flags=cv2.SOLVEPNP_EPNP)
    worst = apart(pnp(world, seen, MATRIX, "epnp"), turn[:, 0], shift[:, 0])
    measured(worst)
    assert worst < 1e-6


@evidence.equals("geometry.pnp", peer="opencv", tolerance="inliers ± 2 %", data="300 points, 60 % of them wrong")
def test_wrong_points_are_left_out(measured: Callable[[float], None]) -> None:
    world = scene(300)
    seen = project(world, LENS, TURN, SHIFT) + RANDOM.normal(0, 0.4, (300, 2))
    seen[:180] = RANDOM.uniform(0, (640, 480), (180, 2))
    _, _, _, chosen = cv2.solvePnPRansac(
        world, seen, MATRIX, np.array(LENS.distortion), reprojectionError=2.0, iterationsCount=2000, confidence=0.999
    )
    counts = [pnp(world, seen, LENS, threshold=2.0, seed=seed).inliers.sum() for seed in range(4)]
    measured(float(np.abs(np.array(counts) / len(chosen) - 1).max()))
    assert np.abs(np.array(counts) / len(chosen) - 1).max() <= 0.02
    assert apart(pnp(world, seen, LENS, threshold=2.0), TURN, SHIFT) < 0.02


@evidence.equals("geometry.pnp", peer="opencv", tolerance="1e-4", data="the chessboard of left01.jpg")
def test_a_photo_of_a_chessboard(shared_data: Path, measured: Callable[[float], None]) -> None:
    photo = cv2.imread(str(shared_data / "opencv_samples/left01.jpg"), cv2.IMREAD_GRAYSCALE)
    camera = Camera.read(shared_data / "opencv_samples/left_intrinsics.yml")
    _, corners = cv2.findChessboardCorners(photo, (9, 6))
    board = np.array([(x, y, 0) for y in range(6) for x in range(9)], float) * 0.025
    _, turn, shift = cv2.solvePnP(board, corners, camera.matrix, np.array(camera.distortion))
    found = pnp(board, corners.reshape(-1, 2), camera)
    worst = apart(found, turn[:, 0], shift[:, 0])
    measured(worst)
    assert worst < 1e-4
    assert found.error < 1
    assert np.isfinite(found.to_json()["error"])


def test_where_the_camera_is() -> None:
    world = scene(20)
    found = pnp(world, project(world, MATRIX, TURN, SHIFT), MATRIX)
    assert np.allclose(found.rotation @ found.center + found.translation, 0, atol=1e-12)


LINE = np.stack([np.arange(9.0), 2 * np.arange(9.0), 3 + np.arange(9.0)], axis=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: pnp(LINE[:3], LINE[:3, :2], MATRIX),
        lambda: pnp(LINE, LINE[:, :2], MATRIX),
        lambda: pnp(np.ones((6, 3)), LINE[:6, :2], MATRIX),
        lambda: pnp(scene(9), LINE[:8, :2], MATRIX),
        lambda: pnp(scene(9) * np.nan, LINE[:, :2], MATRIX),
        lambda: pnp(scene(9), LINE[:, :2], np.eye(4)),
        lambda: pnp(scene(9), LINE[:, :2], MATRIX, "magic"),
        lambda: pnp(scene(9), LINE[:, :2], MATRIX, threshold=-1),
        lambda: pnp(scene(60), RANDOM.uniform(0, 1e5, (60, 2)), MATRIX, threshold=1e-4, iterations=50),
    ],
)
def test_bad_input_is_refused_by_name(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"^pnp: .*got "):
        call()
