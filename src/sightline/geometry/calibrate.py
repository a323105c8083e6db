"""Calibration: a camera from a few views of a flat board.

Zhang 2000, "A Flexible New Technique for Camera Calibration", IEEE PAMI 22(11): focal lengths in closed form from the
homographies of the board, then everything at once by least squares of the reprojection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, size_2d
from sightline.core.errors import InputError
from sightline.core.types import Array, Choice
from sightline.geometry.camera import Camera
from sightline.geometry.least_squares import State, View, deviations, minimise
from sightline.geometry.project import project
from sightline.geometry.view_residuals import INTRINSICS, by_pose, moved, residuals_of
from sightline.image.fit_transform import fit

_LEAST = 4  # points of a view
_LENSES = {"none": 0, "radial": 2, "brown": 4, "full": 5}  # coefficients that are looked for
_FINEST = 0.1  # pixels to which a corner is placed at best
_UNSURE = 0.3  # share of the focal length by which it may be in doubt
_STRAIGHT = (
    "calibrate: image_points must show the board tilted in some views: seen straight on, it says nothing about the "
    "focal length."
)
_FLAT = 1e-6  # of the board's size, by which its points may leave one plane
_CAMERA = Camera.from_focal(500, (480, 640))  # of the example


def views_of_example(camera: Camera) -> list[Array]:
    """Return where a camera sees the 35 points of an example's board, in three views."""
    turns = np.array([(0.3, 0, 0), (0, 0.4, 0), (-0.2, -0.3, 0.1)])
    return [project(board_of_example(), camera, turn, np.array([-3.0, -2, 12])) for turn in turns]


def board_of_example() -> Array:
    """Return 35 points of a board, 7 by 5."""
    return np.array([[x, y, 0] for y in range(5) for x in range(7)], float)


@dataclass(frozen=True, eq=False)
class Calibration:
    """A camera, and where it stood.

    Parameters
    ----------
    camera
        The camera with its lens.
    rotations, translations
        V×3×3 and V×3 float64, from the board to the camera.
    errors
        V float64: root mean square of the distances between the corners of a view and where they should be, in pixels.
    rms
        The same over all views.
    """

    camera: Camera
    rotations: Float64[np.ndarray, "views 3 3"]
    translations: Float64[np.ndarray, "views 3"]
    errors: Array
    rms: float

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "camera": self.camera.to_json(),
            "rotations": self.rotations.tolist(),
            "translations": self.translations.tolist(),
            "errors": self.errors.tolist(),
            "rms": self.rms,
        }


@method(
    task="calibration",
    paper="Zhang 2000",
    lesson="w3d4",
    example={"image_points": lambda _: views_of_example(_CAMERA), "size": (480, 640)},
)
def calibrate(
    object_points: Any,
    image_points: Sequence[Any],
    size: tuple[int, int],
    *,
    lens: Annotated[str, Choice("none", "radial", "brown", "full")] = "full",
) -> Calibration:
    """Return the camera that took some views of a flat board.

    The skew is 0. NaN and infinity are refused.

    Parameters
    ----------
    object_points
        N×3 points of the board, in the unit of length that the translations shall have; all in one plane. Or a list of
        them, one for each view.
    image_points
        A list of V ≥ 3 arrays N×2, (x, y) in pixels: the same points in each view.
    size
        (height, width) of the pictures in pixels.
    lens
        How much of the lens is looked for: ``"none"``, ``"radial"`` (k1, k2), ``"brown"`` (k1, k2, p1, p2) or
        ``"full"`` (with k3).

    Returns
    -------
    Calibration
        The camera, the views' poses and errors.

    Raises
    ------
    InputError
        When there are too few views or points, the board is not flat, or the views say nothing about the camera (all of
        them seen straight on, or of one direction).

    Examples
    --------
    >>> import numpy as np
    >>> from sightline.geometry import Camera, project
    >>> board = np.array([[x, y, 0] for y in range(5) for x in range(7)], float)
    >>> camera = Camera.from_focal(500, (480, 640))
    >>> turns = [(0.3, 0, 0), (0, 0.4, 0), (-0.2, -0.3, 0.1)]
    >>> views = [project(board, camera, np.array(turn), np.array([-3, -2, 12])) for turn in turns]
    >>> found = calibrate(board, views, (480, 640))
    >>> [round(f, 3) for f in found.camera.focal], found.rms < 1e-6
    ([500.0, 500.0], True)

    References
    ----------
    Z. Zhang, "A Flexible New Technique for Camera Calibration", IEEE Transactions on Pattern Analysis and Machine
    Intelligence 22(11), 2000.
    """
    boards, seen = as_views("calibrate", object_points, image_points, 3)
    size = size_2d("calibrate", "size", size)
    count = _LENSES[choice("calibrate", "lens", lens, tuple(_LENSES))]
    intrinsics = _first_guess(boards, seen, size)
    poses = [pose_of(board, points, intrinsics) for board, points in zip(boards, seen, strict=True)]
    state = (intrinsics, np.array([r for r, _ in poses]), np.array([t for _, t in poses]))
    for unknown in (4, 4 + count):  # the lens once the camera is about right
        state = _improved(state, boards, seen, np.arange(unknown))
    views = _linearised(state, boards, seen, np.arange(4 + count))
    result = _result(state, views, size, count)
    if (deviations(views, max(result.rms, _FINEST))[:2] > _UNSURE * np.array(result.camera.focal)).any():
        raise InputError(_STRAIGHT)
    return result


def as_views(function: str, object_points: Any, image_points: Any, least: int) -> tuple[list[Array], list[Array]]:
    """Return the board, N×3, and the picture's points, N×2, of each view, or raise."""
    if not isinstance(image_points, (list, tuple)) or len(image_points) < least:
        came = len(image_points) if isinstance(image_points, (list, tuple)) else describe(image_points)
        raise InputError(f"{function}: image_points must be a list of {least} or more views, N×2 each; got {came}.")
    boards = list(object_points) if isinstance(object_points, (list, tuple)) else [object_points] * len(image_points)
    if len(boards) != len(image_points):
        raise InputError(
            f"{function}: object_points must be one array N×3, or as many as there are views, {len(image_points)}; "
            f"got {len(boards)}."
        )
    pairs = [_as_view(function, k, *view) for k, view in enumerate(zip(boards, image_points, strict=True))]
    return [board for board, _ in pairs], [points for _, points in pairs]


def _as_view(function: str, k: int, board: Any, points: Any) -> tuple[Array, Array]:
    arrays = []
    for name, values, wide in (("object_points", board, 3), ("image_points", points, 2)):
        array = np.asarray(values) if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)
        if array.ndim != 2 or array.shape[1] != wide or array.dtype.kind not in "fiu":
            raise InputError(f"{function}: {name} of view {k} must be numbers, N×{wide}; got {describe(values)}.")
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            raise InputError(f"{function}: {name} of view {k} must be finite; got NaN or infinity.")
        arrays.append(array)
    board, points = arrays
    if len(board) != len(points) or len(board) < _LEAST:
        raise InputError(
            f"{function}: view {k} must have as many points in the picture as on the board, and {_LEAST} or more; "
            f"got {len(points)} and {len(board)}."
        )
    spread = np.linalg.svd(board - board.mean(axis=0), compute_uv=False)
    if spread[2:].max(initial=0) > _FLAT * spread[0] or spread[1] <= _FLAT * spread[0]:
        raise InputError(f"{function}: object_points of view {k} must span one plane, such as z = 0; these do not.")
    return board, points


def _flat(board: Array) -> tuple[Array, Array, Array]:
    """Return a board's points in its own plane, N×2, and the frame: its axes 3×3 (columns) and its middle."""
    middle = board.mean(axis=0)
    axes = np.linalg.svd(board - middle)[2].T
    if np.linalg.det(axes) < 0:
        axes[:, 2] *= -1
    return (board - middle) @ axes[:, :2], axes, middle


def _first_guess(boards: list[Array], seen: list[Array], size: tuple[int, int]) -> Array:
    """Return the intrinsics of a camera that looks through the middle: two equations from each view's homography."""
    center = (np.array(size[::-1]) - 1) / 2
    rows, right = [], []
    for board, points in zip(boards, seen, strict=True):
        matrix = fit("homography", _flat(board)[0], points - center)
        if not np.isfinite(matrix).all():
            raise InputError("calibrate: the points of a view must not lie on one line; these do.")
        (a, b, c), (d, e, f) = (matrix[:, k] / np.linalg.norm(matrix[:, :2]) for k in range(2))
        rows += [[a * d, b * e], [a * a - d * d, b * b - e * e]]
        right += [-c * f, f * f - c * c]
    squares = np.linalg.lstsq(np.array(rows), np.array(right), rcond=None)[0]
    if not (squares > 0).all():
        squares = np.full(2, max(float(np.linalg.lstsq(np.sum(rows, axis=1)[:, None], right, rcond=None)[0][0]), 0))
    if not (squares > 0).all():
        raise InputError(_STRAIGHT)
    return np.r_[1 / np.sqrt(squares), center, np.zeros(INTRINSICS - 4)]


def pose_of(board: Array, points: Array, intrinsics: Array) -> tuple[Array, Array]:
    """Return rotation and translation from a flat board to the camera, by its homography; without the lens."""
    flat, axes, middle = _flat(board)
    matrix = fit("homography", flat, (points - intrinsics[2:4]) / intrinsics[:2])
    matrix = matrix / np.sqrt(np.linalg.norm(matrix[:, 0]) * np.linalg.norm(matrix[:, 1]))
    if matrix[2, 2] < 0:  # the board is in front of the camera
        matrix = -matrix
    u, _, v = np.linalg.svd(np.column_stack([matrix[:, 0], matrix[:, 1], np.cross(matrix[:, 0], matrix[:, 1])]))
    rotation = u @ np.diag([1, 1, np.linalg.det(u @ v)]) @ v @ axes.T
    return rotation, matrix[:, 2] - rotation @ middle


def _improved(state: State, boards: list[Array], seen: list[Array], free: Array) -> State:
    def move(state: State, shared: Array, own: Array) -> State:
        further = state[0].copy()
        further[free] += shared
        return (further, *moved(state[1], state[2], own))

    return minimise(state, lambda state: _linearised(state, boards, seen, free), move)


def _linearised(state: State, boards: list[Array], seen: list[Array], free: Array) -> list[View]:
    intrinsics, rotations, translations = state
    view = np.repeat(np.arange(len(boards)), [len(board) for board in boards])
    turned = np.einsum("nij,nj->ni", rotations[view], np.concatenate(boards))
    residuals, shared, by_there = residuals_of(intrinsics, turned + translations[view], np.concatenate(seen))
    ends = 2 * np.cumsum([len(board) for board in boards])[:-1]
    parts = (np.split(values, ends) for values in (residuals, shared[:, free], by_pose(by_there, turned)))
    return [View(*part) for part in zip(*parts, strict=True)]


def _result(state: State, views: list[View], size: tuple[int, int], lens: int) -> Calibration:
    intrinsics, rotations, translations = state
    fx, fy, cx, cy = intrinsics[:4]
    coefficients = tuple(float(k) for k in intrinsics[4:]) if lens == 5 else tuple(float(k) for k in intrinsics[4:8])
    camera = Camera(np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), coefficients if lens else (), size)
    squares = [(2 * float((view.residuals**2).mean()), len(view.residuals)) for view in views]
    total = sum(square * count for square, count in squares) / sum(count for _, count in squares)
    return Calibration(
        camera, rotations, translations, np.sqrt([square for square, _ in squares]), float(np.sqrt(total))
    )
