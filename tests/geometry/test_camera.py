"""Cameras against OpenCV: projection, lens, rotation vectors, and camera files read by one another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from sightline.core import evidence
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.geometry import (
    Camera,
    distort_points,
    from_homogeneous,
    project,
    rodrigues,
    to_homogeneous,
    undistort,
    undistort_points,
)

RANDOM = np.random.default_rng(3)
MATRIX = np.array([[535.9, 0, 342.3], [0, 530.1, 235.6], [0, 0, 1]])
LENSES = {
    "none": (),
    "four": (-0.27, 0.04, 0.0018, -0.0003),
    "five": (-0.266, -0.0386, 0.0018, -0.0003, 0.238),
    "rational": (0.8, -0.3, 0.001, -0.002, 0.05, 1.1, -0.1, 0.02),
    "prism": (0.8, -0.3, 0.001, -0.002, 0.05, 1.1, -0.1, 0.02, 0.003, -0.001, 0.002, 0.001),
}
WORLD = RANDOM.uniform((-1, -1, 4), (1, 1, 8), (200, 3))


@pytest.mark.parametrize("lens", LENSES)
@evidence.equals("geometry.project", peer="opencv", tolerance="1e-8 pixels", data="200 points, five lenses")
def test_projection_equals_opencv(lens: str, measured: Callable[[float], None]) -> None:
    turn, shift = np.array([0.1, -0.3, 0.2]), np.array([0.1, 0.2, 0.3])
    expected, _ = cv2.projectPoints(WORLD, turn, shift, MATRIX, np.array(LENSES[lens]) if LENSES[lens] else None)
    found = project(WORLD, Camera(MATRIX, LENSES[lens]), turn, shift)
    worst = float(np.abs(found - expected[:, 0]).max())
    measured(worst)
    assert worst < 1e-8
    assert np.array_equal(project(WORLD, Camera(MATRIX, LENSES[lens]), rodrigues(turn), shift), found)


def test_what_is_behind_the_camera_is_not_seen() -> None:
    seen = project(np.array([[0, 0, 1.0], [0, 0, -1], [1, 0, 0]]), MATRIX)
    assert np.isfinite(seen).all(axis=1).tolist() == [True, False, False]
    assert project(np.zeros((0, 3)), MATRIX).shape == (0, 2)


@pytest.mark.parametrize("lens", LENSES)
@evidence.equals("geometry.undistort_points", peer="opencv", tolerance="1e-8 pixels", data="150 pixels, five lenses")
def test_undistorted_points_equal_opencv(lens: str, measured: Callable[[float], None]) -> None:
    pixels = RANDOM.uniform((60, 40), (600, 440), (150, 2))
    camera = Camera(MATRIX, LENSES[lens])
    found = undistort_points(pixels, camera)
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 1000, 1e-15)
    bent = np.array(LENSES[lens]) if LENSES[lens] else None
    expected = cv2.undistortPoints(pixels[:, None], MATRIX, bent, None, None, MATRIX, criteria)[:, 0]
    worst = float(np.abs(found - expected).max())
    measured(worst)
    assert worst < 1e-8


@evidence.equals("geometry.distort_points", peer="the inverse", tolerance="1e-9 pixels", data="150 pixels, five lenses")
def test_distortion_is_the_inverse_of_undistortion(measured: Callable[[float], None]) -> None:
    pixels = RANDOM.uniform((60, 40), (600, 440), (150, 2))
    other = np.array([[400, 0, 300], [0, 410, 200], [0, 0, 1.0]])
    worst = 0.0
    for lens in LENSES.values():
        camera = Camera(MATRIX, lens)
        back = distort_points(undistort_points(pixels, camera, other), camera, other)
        worst = max(worst, float(np.abs(back - pixels).max()))
        seen = project(np.hstack([undistort_points(pixels, camera, np.eye(3)), np.ones((150, 1))]), camera)
        worst = max(worst, float(np.abs(seen - pixels).max()))
    measured(worst)
    assert worst < 1e-9


def test_where_no_point_comes_from_there_is_none() -> None:
    fold = Camera(MATRIX, (-0.3, 0, 0, 0))  # x − 0.3 x³ never exceeds 0.703
    found = undistort_points(np.array([[342.3 + 0.6 * 535.9, 235.6], [342.3 + 0.9 * 535.9, 235.6]]), fold)
    assert np.isfinite(found).all(axis=1).tolist() == [True, False]


@evidence.equals(
    "geometry.undistort", peer="opencv", tolerance="1 grey level on 99.5 % of pixels, 2 elsewhere", data="left01.jpg"
)
def test_undistorted_photo_equals_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    photo = cv2.imread(str(shared_data / "opencv_samples/left01.jpg"), cv2.IMREAD_GRAYSCALE)
    camera = Camera.read(shared_data / "opencv_samples/left_intrinsics.yml")
    expected = cv2.undistort(photo, camera.matrix, np.array(camera.distortion))
    away = np.abs(undistort(photo, camera).astype(int) - expected)
    share = float((away <= 1).mean())
    measured(share)
    assert share >= 0.995
    assert away.max() <= 2


@evidence.equals("geometry.rodrigues", peer="opencv", tolerance="1e-8", data="rotations of 0 to π")
def test_rotation_vectors_equal_opencv(measured: Callable[[float], None]) -> None:
    axes = RANDOM.normal(size=(60, 3))
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    angles = np.concatenate(
        [[0, 1e-12, 1e-7, 1e-5, 1e-4, 1e-3, np.pi - 1e-3, np.pi - 1e-5], RANDOM.uniform(0, np.pi, 52)]
    )
    worst = 0.0
    for axis, angle in zip(axes, angles, strict=True):
        matrix = rodrigues(axis * angle)
        worst = max(worst, float(np.abs(matrix - cv2.Rodrigues(axis * angle)[0]).max()))
        worst = max(worst, float(np.abs(rodrigues(matrix) - axis * angle).max()))
    measured(worst)
    assert worst < 1e-8


def test_half_a_turn_keeps_its_axis() -> None:
    for axis in np.vstack([np.eye(3), RANDOM.normal(size=(20, 3))]):
        turn = axis / np.linalg.norm(axis) * np.pi
        assert np.allclose(rodrigues(rodrigues(rodrigues(turn))), rodrigues(turn), atol=1e-9)
        assert np.isclose(np.linalg.norm(rodrigues(rodrigues(turn))), np.pi)


@evidence.equals("geometry.to_homogeneous", peer="opencv", tolerance="identical", data="200 points")
@evidence.equals("geometry.from_homogeneous", peer="opencv", tolerance="1e-12", data="200 points")
def test_homogeneous_points_equal_opencv(measured: Callable[[float], None]) -> None:
    assert np.array_equal(to_homogeneous(WORLD), cv2.convertPointsToHomogeneous(WORLD)[:, 0])
    worst = float(np.abs(from_homogeneous(WORLD) - cv2.convertPointsFromHomogeneous(WORLD)[:, 0]).max())
    measured(worst)
    assert worst < 1e-12


def test_camera_files_travel_to_opencv_and_back(tmp_path: Path) -> None:
    camera = Camera(MATRIX, LENSES["five"], (480, 640))
    for name in ("camera.json", "camera.yml", "camera.yaml"):
        camera.write(tmp_path / name)
        again = Camera.read(tmp_path / name)
        assert np.array_equal(again.matrix, MATRIX)
        assert again.distortion == camera.distortion
        assert again.size == (480, 640)
    storage = cv2.FileStorage(str(tmp_path / "camera.yml"), cv2.FILE_STORAGE_READ)
    assert np.array_equal(storage.getNode("camera_matrix").mat(), MATRIX)
    assert np.array_equal(storage.getNode("distortion_coefficients").mat().ravel(), LENSES["five"])
    storage.release()
    storage = cv2.FileStorage(str(tmp_path / "theirs.yml"), cv2.FILE_STORAGE_WRITE)
    storage.write("camera_matrix", MATRIX)
    storage.write("distortion_coefficients", np.array(LENSES["rational"]))
    storage.write("grid_points", RANDOM.random((54, 1, 3)).astype(np.float32))
    storage.release()
    theirs = Camera.read(tmp_path / "theirs.yml")
    assert np.array_equal(theirs.matrix, MATRIX)
    assert theirs.distortion == LENSES["rational"]


def test_a_camera_file_of_another_tool_is_refused_in_one_sentence(tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "kalibr.yaml").write_text("cam0:\n  intrinsics: [500, 500, 320, 240]\n")
    (tmp_path / "empty.json").write_text("{}")
    with pytest.raises(FormatError, match=r"no YAML of OpenCV"):
        Camera.read(tmp_path / "kalibr.yaml")
    with pytest.raises(FormatError, match="must have matrix"):
        Camera.read(tmp_path / "empty.json")
    with pytest.raises(FormatError, match="two cameras"):
        Camera.read(shared_data / "opencv_samples/intrinsics.yml")
    with pytest.raises(FormatError, match="camera_matrix"):
        Camera.read(shared_data / "opencv_samples/calibration.yml")
    with pytest.raises(MissingFileError, match="missing"):
        Camera.read(tmp_path / "missing.yml")


@pytest.mark.parametrize(
    "call",
    [
        lambda: Camera(np.eye(4)),
        lambda: Camera(np.array([[0, 0, 1], [0, 1, 1], [0, 0, 1.0]])),
        lambda: Camera(np.array([[5, 0, 1], [1, 5, 1], [0, 0, 1.0]])),
        lambda: Camera(np.eye(3), (0.1, 0.2)),
        lambda: Camera(np.eye(3), (np.nan,) * 4),
        lambda: Camera(np.eye(3), (0.1,) * 14),
        lambda: Camera(np.eye(3), (), (0, 5)),
        lambda: project(np.full((2, 3), np.nan), MATRIX),
        lambda: project(WORLD, "camera"),
        lambda: project(WORLD, MATRIX, np.diag([1, 1, -1.0])),
        lambda: project(WORLD, MATRIX, None, np.ones(4)),
        lambda: rodrigues(np.full(3, np.nan)),
        lambda: undistort_points(WORLD, MATRIX),
    ],
)
def test_bad_input_is_refused_by_name(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"^(Camera|project|rodrigues|undistort_points): .*; got "):
        call()
