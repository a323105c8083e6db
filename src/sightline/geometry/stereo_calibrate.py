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
from sightline.geometry.calibrate import as_views, pose_of, views_of_example
from sightline.geometry.camera import Camera, as_camera
from sightline.geometry.least_squares import State, View, minimise
from sightline.geometry.rodrigues import rodrigues
from sightline.geometry.undistort import undistort_points
from sightline.geometry.view_residuals import by_pose, moved, residuals_of

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
    poses = [
        [pose_of(board, undistort_points(points, camera), numbers) for board, points in zip(boards, seen, strict=True)]
        for camera, numbers, seen in ((left, cameras[0], seen_left), (right, cameras[1], seen_right))
    ]
    state = _first_guess(*poses)

    def linearise(state: State) -> list[View]:
        rotation, translation, rotations, translations = state
        views = []
        for board, a, b, turn, shift in zip(boards, seen_left, seen_right, rotations, translations, strict=True):
            turned = board @ turn.T
            here, _, by_here = residuals_of(cameras[0], turned + shift, a)
            there, _, by_there = residuals_of(cameras[1], (turned + shift) @ rotation.T + translation, b)
            # The right camera sees a step of the left one's pose through the rotation between them.
            through = (by_there.reshape(-1, 2, 3) @ rotation).reshape(-1, 3)
            own = np.vstack([by_pose(by_here, turned), by_pose(through, turned)])
            shared = by_pose(by_there, (turned + shift) @ rotation.T)
            views.append(View(np.r_[here, there], np.vstack([np.zeros_like(shared), shared]), own))
        return views

    def move(state: State, shared: Array, own: Array) -> State:
        turned, shifted = moved(state[0][None], state[1][None], shared[None])
        return (turned[0], shifted[0], *moved(state[2], state[3], own))

    state = minimise(state, linearise, move)
    views = linearise(state)
    residuals = np.concatenate([view.residuals for view in views])
    return _result(left, right, state[0], state[1], float(np.sqrt(2 * (residuals**2).mean())))


def _intrinsics_of(name: str, camera: Any) -> Array:
    camera = as_camera("stereo_calibrate", camera, argument=name)
    lens = camera.coefficients
    if lens[5:].any():
        raise InputError(
            f"stereo_calibrate: {name} must have a lens of at most 5 coefficients; got {camera.distortion}."
        )
    return np.r_[camera.focal, camera.center, lens[:5]]


def _first_guess(left: list[tuple[Array, Array]], right: list[tuple[Array, Array]]) -> State:
    """Return the middle (by medians) of the motions that the views give one by one, and the left camera's poses."""
    turns = np.array([rodrigues(b[0] @ a[0].T) for a, b in zip(left, right, strict=True)])
    rotation = rodrigues(np.median(turns, axis=0))
    shifts = np.array([b[1] - rotation @ a[1] for a, b in zip(left, right, strict=True)])
    return rotation, np.median(shifts, axis=0), np.array([r for r, _ in left]), np.array([t for _, t in left])


def _result(left: Camera, right: Camera, rotation: Array, translation: Array, rms: float) -> StereoCalibration:
    x, y, z = translation
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ rotation
    fundamental = np.linalg.inv(right.matrix).T @ essential @ np.linalg.inv(left.matrix)
    fundamental = fundamental / np.linalg.norm(fundamental)
    return StereoCalibration(left, right, rotation, translation, essential, fundamental, rms)
