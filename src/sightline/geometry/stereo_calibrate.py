"""Two cameras that are fixed to one another: how the second one stands to the first, from views of a flat board.

Zhang 2000, "A Flexible New Technique for Camera Calibration", IEEE PAMI 22(11), with one motion between the cameras for
all views; Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., section 9.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.geometry.calibrate import as_views, homographies_of, poses_of, views_of_example
from sightline.geometry.camera import Camera, as_camera
from sightline.geometry.least_squares import OWN, State, minimise
from sightline.geometry.rodrigues import rodrigues
from sightline.geometry.undistort import undistort_points
from sightline.geometry.view_residuals import Views, moved, slopes_of

_CAMERA = Camera.from_focal(500, (480, 640))  # of the example


@dataclass(frozen=True, eq=False)
class StereoCalibration:
    """How two cameras stand to one another.

    Parameters
    ----------
    left, right
        The cameras.
    rotation, translation
        3×3 and 3 float64: what is at X in the left camera is at ``rotation @ X + translation`` in the right one.
    essential, fundamental
        3×3 float64: x' · essential · x = 0 for points of the planes at depth 1, and the same in pixels, of norm 1.
    rms
        Root mean square of the distances between corners and where they should be, over both pictures, in pixels.
    """

    left: Camera
    right: Camera
    rotation: Float64[np.ndarray, "3 3"]
    translation: Float64[np.ndarray, 3]
    essential: Float64[np.ndarray, "3 3"]
    fundamental: Float64[np.ndarray, "3 3"]
    rms: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "left": self.left.to_json(),
            "right": self.right.to_json(),
            "rotation": self.rotation.tolist(),
            "translation": self.translation.tolist(),
            "rms": self.rms,
        }


@method(
    task="calibration",
    paper="Zhang 2000",
    lesson="w3d5",
    example={
        "left_points": lambda _: views_of_example(_CAMERA),
        "right_points": lambda _: views_of_example(_CAMERA),
        "left": lambda _: _CAMERA,
        "right": lambda _: _CAMERA,
    },
)
def stereo_calibrate(
    object_points: Any,
    left_points: Sequence[Any],
    right_points: Sequence[Any],
    left: Camera,
    right: Camera,
) -> StereoCalibration:
    """Return how two cameras stand to one another, from views of a flat board that both saw at once.

    The cameras themselves are kept as they are: calibrate each before. NaN and infinity are refused.

    Parameters
    ----------
    object_points
        N×3 points of the board, in the unit of length that the translation shall have; or a list, one for each view.
    left_points, right_points
        Lists of V ≥ 1 arrays N×2, (x, y) in pixels: the same points in each view of both cameras.
    left, right
        The cameras, with lenses of at most 5 coefficients.

    Returns
    -------
    StereoCalibration
        The motion between the cameras, their essential and fundamental matrix, and the error.

    Raises
    ------
    InputError
        When the views do not fit together, or a lens has more than 5 coefficients.

    References
    ----------
    Z. Zhang, "A Flexible New Technique for Camera Calibration", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 22(11), 2000.
    """
    boards, seen_left = as_views("stereo_calibrate", object_points, left_points, 1)
    _, seen_right = as_views("stereo_calibrate", object_points, right_points, 1)
    if len(seen_left) != len(seen_right):
        raise InputError(
            f"stereo_calibrate: right_points must have as many views as left_points, {len(seen_left)}; "
            f"got {len(seen_right)}."
        )
    cameras = (_intrinsics_of("left", left), _intrinsics_of("right", right))
    poses = []
    for camera, seen in ((left, seen_left), (right, seen_right)):
        rays = [undistort_points(points, camera, np.eye(3)) for points in seen]
        poses.append(poses_of(boards, homographies_of("stereo_calibrate", boards, rays)))
    points = [board.points for board in boards]
    here, there = Views.of(points, seen_left), Views.of(points, seen_right)

    def linearise(state: State) -> tuple[Array, float]:
        motion, poses = state
        rotation, shift = motion[0, :9].reshape(3, 3), motion[0, 9:]
        turns, centres = rotation @ poses[:, :9].reshape(-1, 3, 3), poses[:, 9:] @ rotation.T
        first, cost = slopes_of(cameras[0], poses, here, 0)
        second, more = slopes_of(cameras[1], np.hstack([turns.reshape(-1, 9), centres + shift]), there, 0)
        # The right camera sees a step of the left one's pose through the rotation between them; a step of that rotation
        # turns the left camera's centre, too.
        by_turn, by_shift = second[:, :3], second[:, 3:OWN]
        of_motion = np.concatenate([by_turn + np.cross(centres[..., None], by_shift, axis=1), by_shift], axis=1)
        second = np.concatenate([rotation.T @ by_turn, rotation.T @ by_shift, second[:, OWN:]], axis=1)
        shared = np.concatenate([np.zeros_like(of_motion), of_motion], axis=2)
        return np.concatenate([np.concatenate([first, second], axis=2), shared], axis=1), cost + more

    def move(state: State, shared: Array, own: Array) -> State:
        return moved(state[0], shared[None]), moved(state[1], own)

    state = minimise(_first_guess(*poses), linearise, move)
    motion, rms = state[0], float(np.sqrt(linearise(state)[1] / (2 * here.counts.sum())))
    return _result(left, right, motion[0, :9].reshape(3, 3), motion[0, 9:], rms)


def _intrinsics_of(name: str, camera: Any) -> Array:
    camera = as_camera("stereo_calibrate", camera, argument=name)
    lens = camera.coefficients
    if lens[5:].any():
        raise InputError(
            f"stereo_calibrate: {name} must have a lens of at most 5 coefficients; got {camera.distortion}."
        )
    return np.r_[camera.focal, camera.center, lens[:5]]


def _first_guess(left: Array, right: Array) -> State:
    """Return the middle (by medians) of the motions that the views' poses give one by one, and the left camera's."""
    turns = right[:, :9].reshape(-1, 3, 3) @ left[:, :9].reshape(-1, 3, 3).swapaxes(1, 2)
    vectors = np.array([rodrigues(turn) for turn in turns])
    rotation = rodrigues(np.median(vectors, axis=0))
    return np.append(rotation, np.median(right[:, 9:] - left[:, 9:] @ rotation.T, axis=0))[None], left


def _result(left: Camera, right: Camera, rotation: Array, translation: Array, rms: float) -> StereoCalibration:
    x, y, z = translation
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ rotation
    fundamental = np.linalg.inv(right.matrix).T @ essential @ np.linalg.inv(left.matrix)
    fundamental = fundamental / np.linalg.norm(fundamental)
    return StereoCalibration(left, right, rotation, translation, essential, fundamental, rms)
