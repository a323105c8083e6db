"""One camera and two from their chessboards, against OpenCV on the same corners and against truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from geometry.boards import BOARD, SHAPE, SIZE, views
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.geometry import Camera

TURNS = np.array([(0.3, 0.1, 0), (0.1, 0.4, 0.2), (-0.2, -0.3, 0.1), (-0.4, 0.2, -0.5)])
TRUTH = Camera(np.array([[520.0, 0, 310], [0, 515, 250], [0, 0, 1]]), (-0.2, 0.05, 1e-3, -5e-4, 0.01), SIZE)
FAR = np.array([-0.1, -0.06, 0.45])


@pytest.fixture(scope="module")
def corners(request: pytest.FixtureRequest) -> dict[str, list[np.ndarray]]:
    """OpenCV's corners in each view of both cameras."""
    folder, found = request.getfixturevalue("shared_data"), {}
    for side in ("left", "right"):
        found[side] = []
        for gray in views(folder, side).values():
            _, raw = cv2.findChessboardCorners(gray, SHAPE)
            found[side].append(cv2.cornerSubPix(gray, raw, (11, 11), (-1, -1), (3, 30, 0.01)).reshape(-1, 2))
    return found


def seen(camera: Camera = TRUTH, board: np.ndarray = BOARD) -> list[np.ndarray]:
    return [sl.geometry.project(board, camera, turn, FAR) for turn in TURNS]


@evidence.equals(
    "geometry.calibrate",
    peer="opencv",
    tolerance="RMS to 1e-5 px, focal lengths to 1e-6",
    data="13 + 13 photos of a chessboard",
)
def test_equals_opencv(corners: dict[str, list[np.ndarray]], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for side in ("left", "right"):
        ours = sl.geometry.calibrate(BOARD, corners[side], SIZE)
        boards = [BOARD.astype(np.float32)] * len(corners[side])
        rms, matrix, lens, *_ = cv2.calibrateCamera(boards, corners[side], SIZE[::-1], None, None)
        worst = max(worst, abs(ours.rms - rms))
        assert ours.rms <= rms * 1.01
        np.testing.assert_allclose(ours.camera.matrix, matrix, rtol=1e-6, atol=1e-3)
        np.testing.assert_allclose(ours.camera.distortion, lens.ravel(), atol=1e-3)
        if side == "left":  # published with these photos
            assert abs(ours.camera.focal[0] / 535.91573396163199 - 1) < 1e-3
    measured(worst)
    assert worst < 1e-5


@pytest.mark.parametrize(("lens", "count"), [("none", 0), ("radial", 4), ("brown", 4), ("full", 5)])
def test_truth_is_found(lens: str, count: int) -> None:
    kept = {"none": 0, "radial": 2, "brown": 4, "full": 5}[lens]
    camera = Camera(TRUTH.matrix, TRUTH.distortion[:kept] + (0.0,) * (count - kept), SIZE)
    found = sl.geometry.calibrate(BOARD, seen(camera), SIZE, lens=lens)
    np.testing.assert_allclose(found.camera.matrix, TRUTH.matrix, atol=1e-4)
    np.testing.assert_allclose(found.camera.distortion, camera.distortion, atol=1e-5)
    np.testing.assert_allclose(found.translations, [FAR] * 4, atol=1e-6)
    np.testing.assert_allclose(found.rotations, [sl.geometry.rodrigues(turn) for turn in TURNS], atol=1e-6)
    assert found.rms < 1e-6


def test_a_board_may_stand_anywhere_in_its_own_space() -> None:
    turn = sl.geometry.rodrigues(np.array([0.5, -1.0, 0.3]))
    elsewhere = BOARD @ turn.T + (3, -2, 1)
    found = sl.geometry.calibrate(elsewhere, seen(), SIZE)
    np.testing.assert_allclose(found.camera.matrix, TRUTH.matrix, atol=1e-4)


@evidence.equals(
    "geometry.stereo_calibrate",
    peer="opencv",
    tolerance="rotation to 1e-6, translation to 1e-7 m",
    data="13 pairs of photos of a chessboard",
)
def test_stereo_equals_opencv(corners: dict[str, list[np.ndarray]], measured: Callable[[float], None]) -> None:
    left, right = (sl.geometry.calibrate(BOARD, corners[side], SIZE).camera for side in ("left", "right"))
    ours = sl.geometry.stereo_calibrate(BOARD, corners["left"], corners["right"], left, right)
    boards = [BOARD.astype(np.float32)] * len(corners["left"])
    lenses = [np.array(camera.distortion) for camera in (left, right)]
    out = cv2.stereoCalibrate(
        boards, corners["left"], corners["right"], left.matrix, lenses[0], right.matrix, lenses[1], SIZE[::-1],
        flags=cv2.CALIB_FIX_INTRINSIC, criteria=(3, 200, 1e-12),
    )  # fmt: skip
    measured(float(np.abs(ours.rotation - out[5]).max()))
    np.testing.assert_allclose(ours.rotation, out[5], atol=1e-6)
    np.testing.assert_allclose(ours.translation, out[6].ravel(), atol=1e-7)
    np.testing.assert_allclose(ours.essential, out[7], atol=1e-7)
    assert abs(ours.rms - out[0]) < 1e-4


def test_two_cameras_of_which_we_know() -> None:
    turn, shift = sl.geometry.rodrigues(np.array([0.02, -0.05, 0.01])), np.array([-0.1, 0.002, 0.005])
    other = Camera(np.array([[530.0, 0, 320], [0, 530, 240], [0, 0, 1]]), (0.1, -0.02, 0, 0), SIZE)
    there = []
    for pose in TURNS:
        rotation = sl.geometry.rodrigues(pose)
        there.append(sl.geometry.project(BOARD, other, turn @ rotation, turn @ FAR + shift))
    found = sl.geometry.stereo_calibrate(BOARD, seen(), there, TRUTH, other)
    np.testing.assert_allclose(found.rotation, turn, atol=1e-7)
    np.testing.assert_allclose(found.translation, shift, atol=1e-7)
    a, b = (np.column_stack([points[0], np.ones(54)]) for points in (
        [sl.geometry.undistort_points(points, TRUTH) for points in seen()],
        [sl.geometry.undistort_points(points, other) for points in there],
    ))  # fmt: skip
    assert np.abs(np.einsum("ni,ij,nj->n", b, found.fundamental, a)).max() < 1e-6


@evidence.equals(
    "geometry.rectify",
    peer="opencv",
    tolerance="turns to 1e-9, focal length to 1e-6, principal point to 0.5 px",
    data="13 pairs of photos of a chessboard",
)
def test_rectification_equals_opencv(
    corners: dict[str, list[np.ndarray]], shared_data: Path, measured: Callable[[float], None]
) -> None:
    left, right = (sl.geometry.calibrate(BOARD, corners[side], SIZE).camera for side in ("left", "right"))
    pair = sl.geometry.stereo_calibrate(BOARD, corners["left"], corners["right"], left, right)
    ours = sl.geometry.rectify(left, right, pair.rotation, pair.translation, SIZE)
    lenses = [np.array(camera.distortion) for camera in (left, right)]
    a, b, first, _, q = cv2.stereoRectify(
        left.matrix, lenses[0], right.matrix, lenses[1], SIZE[::-1], pair.rotation, pair.translation[:, None],
        flags=cv2.CALIB_ZERO_DISPARITY, alpha=-1,
    )[:5]  # fmt: skip
    measured(float(max(np.abs(a - ours.rotation_left).max(), np.abs(b - ours.rotation_right).max())))
    np.testing.assert_allclose(ours.rotation_left, a, atol=1e-9)
    np.testing.assert_allclose(ours.rotation_right, b, atol=1e-9)
    assert abs(ours.camera.focal[0] - first[0, 0]) < 1e-6
    np.testing.assert_allclose(ours.camera.matrix[:2, 2], first[:2, 2], atol=0.5)
    np.testing.assert_allclose(ours.disparity_to_space[3], q[3], atol=1e-6)
    places = cv2.initUndistortRectifyMap(left.matrix, lenses[0], a, ours.camera.matrix, SIZE[::-1], cv2.CV_32FC1)
    np.testing.assert_allclose(ours.places(left, a), np.dstack(places), atol=1e-3)
    photos = [next(iter(views(shared_data, side).values())) for side in ("left", "right")]
    found = [sl.geometry.find_chessboard(photo, SHAPE) for photo in ours.apply(*photos)]
    assert found[0] is not None
    assert found[1] is not None
    assert np.abs(found[0][:, 1] - found[1][:, 1]).max() < 0.6  # the same rows


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_points": seen()[:2]}, "list of 3 or more"),
        ({"image_points": [view[:50] for view in seen()]}, "as many points"),
        ({"object_points": BOARD + np.arange(54)[:, None] % 2 * (0, 0, 0.01)}, "one plane"),
        ({"object_points": BOARD * (1, 0, 0)}, "one plane"),
        ({"image_points": [view * np.nan for view in seen()]}, "finite"),
        ({"object_points": [BOARD] * 3}, "as many as there are views"),
        ({"lens": "fisheye"}, "lens"),
        ({"image_points": [sl.geometry.project(BOARD, TRUTH, np.zeros(3), FAR)] * 3}, "tilted"),
    ],
)
def test_refusals(change: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        sl.geometry.calibrate(**{"object_points": BOARD, "image_points": seen(), "size": SIZE, **change})


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_views_from_straight_in_front_are_refused(noise: float) -> None:
    random = np.random.default_rng(0)
    straight = [
        sl.geometry.project(BOARD, TRUTH, np.zeros(3), FAR + np.array([0.02 * k, 0.01 * k, 0])) for k in range(5)
    ]
    views = [view + random.normal(0, noise, view.shape) for view in straight]
    with pytest.raises(InputError, match="tilted"):
        sl.geometry.calibrate(BOARD, views, SIZE)


def test_cameras_above_one_another_are_refused() -> None:
    with pytest.raises(InputError, match="along the rows"):
        sl.geometry.rectify(TRUTH, TRUTH, np.eye(3), (0, 0.1, 0), SIZE)
