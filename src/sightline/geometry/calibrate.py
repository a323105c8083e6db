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
from sightline.geometry.least_squares import OWN, State, deviations, minimise
from sightline.geometry.project import project
from sightline.geometry.view_residuals import INTRINSICS, Views, moved, slopes_of
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
    matrices = homographies_of("calibrate", boards, seen)
    intrinsics = _first_guess(matrices, size)
    state = (intrinsics, poses_of(boards, np.linalg.inv(_matrix_of(intrinsics)) @ matrices))
    views = Views.of([board.points for board in boards], seen)
    for unknown in (4, 4 + count):  # the lens once the camera is about right
        state = _improved(state, views, unknown)
    slopes = slopes_of(*state, views, 4 + count)[0]
    result = _result(state, slopes, views, size, count)
    if (deviations(slopes, max(result.rms, _FINEST))[:2] > _UNSURE * np.array(result.camera.focal)).any():
        raise InputError(_STRAIGHT)
    return result


@dataclass(frozen=True, eq=False)
class Board:
    """A flat board.

    Parameters
    ----------
    points
        N×3 float64.
    flat
        N×2: the points in the board's own plane.
    axes, middle
        3×3 and 3: the plane's axes in the space of the points, as columns, and where its origin is.
    """

    points: Array
    flat: Array
    axes: Array
    middle: Array


def as_views(function: str, object_points: Any, image_points: Any, least: int) -> tuple[list[Board], list[Array]]:
    """Return the board and the picture's points, N×2, of each view, or raise."""
    if not isinstance(image_points, (list, tuple)) or len(image_points) < least:
        came = len(image_points) if isinstance(image_points, (list, tuple)) else describe(image_points)
        raise InputError(f"{function}: image_points must be a list of {least} or more views, N×2 each; got {came}.")
    given = list(object_points) if isinstance(object_points, (list, tuple)) else [object_points] * len(image_points)
    if len(given) != len(image_points):
        raise InputError(
            f"{function}: object_points must be one array N×3, or as many as there are views, {len(image_points)}; "
            f"got {len(given)}."
        )
    boards: dict[int, Board] = {}  # most often there is one
    seen = []
    for k, (board, points) in enumerate(zip(given, image_points, strict=True)):
        if id(board) not in boards:
            boards[id(board)] = _as_board(function, k, board)
        seen.append(_as_points(function, "image_points", k, points, 2))
        count = len(boards[id(board)].points)
        if len(points) != count or count < _LEAST:
            raise InputError(
                f"{function}: view {k} must have as many points in the picture as on the board, and {_LEAST} or more; "
                f"got {len(points)} and {count}."
            )
    return [boards[id(board)] for board in given], seen


def _as_points(function: str, name: str, k: int, values: Any, wide: int) -> Array:
    array = np.asarray(values) if isinstance(values, np.ndarray) else np.asarray(values, dtype=object)
    if array.ndim != 2 or array.shape[1] != wide or array.dtype.kind not in "fiu":
        raise InputError(f"{function}: {name} of view {k} must be numbers, N×{wide}; got {describe(values)}.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{function}: {name} of view {k} must be finite; got NaN or infinity.")
    return array


def _as_board(function: str, k: int, values: Any) -> Board:
    points = _as_points(function, "object_points", k, values, 3)
    middle = points.mean(axis=0) if len(points) else np.zeros(3)
    spread, axes = np.linalg.svd(np.vstack([points - middle, np.zeros((3, 3))]), full_matrices=False)[1:]
    if spread[2] > _FLAT * spread[0] or spread[1] <= _FLAT * spread[0]:
        raise InputError(f"{function}: object_points of view {k} must span one plane, such as z = 0; these do not.")
    axes[2] *= np.sign(np.linalg.det(axes))
    return Board(points, (points - middle) @ axes[:2].T, axes.T, middle)


def homographies_of(function: str, boards: list[Board], seen: list[Array]) -> Array:
    """Return the homographies from boards' planes to what was seen of them, V×3×3; those of one size are one batch."""
    counts, matrices = np.array([len(points) for points in seen]), np.empty((len(seen), 3, 3))
    for count in np.unique(counts):
        alike = np.flatnonzero(counts == count)
        matrices[alike] = fit(
            "homography", *(np.array([a[k] for k in alike]) for a in ([b.flat for b in boards], seen))
        )
    if not np.isfinite(matrices).all():
        raise InputError(f"{function}: the points of a view must not lie on one line; these do.")
    return matrices


def _first_guess(matrices: Array, size: tuple[int, int]) -> Array:
    """Return the intrinsics of a camera that looks through the middle: two equations from each view's homography."""
    center = (np.array(size[::-1]) - 1) / 2
    columns = matrices[..., :2] - np.append(center, 0)[:, None] * matrices[:, 2:, :2]
    (a, d), (b, e), (c, f) = np.moveaxis(columns / np.linalg.norm(columns, axis=(1, 2), keepdims=True), 0, 2)
    rows = np.concatenate([np.stack([a * d, b * e], axis=1), np.stack([a * a - d * d, b * b - e * e], axis=1)])
    right = np.concatenate([-c * f, f * f - c * c])
    squares = np.linalg.lstsq(rows, right, rcond=None)[0]
    if not (squares > 0).all():
        squares = np.full(2, max(float(np.linalg.lstsq(np.sum(rows, axis=1)[:, None], right, rcond=None)[0][0]), 0))
    if not (squares > 0).all():
        raise InputError(_STRAIGHT)
    return np.r_[1 / np.sqrt(squares), center, np.zeros(INTRINSICS - 4)]


def poses_of(boards: list[Board], matrices: Array) -> Array:
    """Return poses, V×12, from boards to a camera that sees them by homographies, V×3×3, at depth 1."""
    matrices = matrices / np.sqrt(np.linalg.norm(matrices[..., :2], axis=1).prod(axis=1))[:, None, None]
    first, second, shift = np.moveaxis(matrices, 2, 0)
    u, _, v = np.linalg.svd(np.stack([first, second, np.cross(first, second)], axis=2))
    u[..., 2] *= np.linalg.det(u @ v)[:, None]
    rotations = u @ v @ np.array([board.axes.T for board in boards])
    back = (rotations @ np.array([board.middle for board in boards])[..., None])[..., 0]
    return np.hstack([rotations.reshape(-1, 9), shift - back])


def _improved(state: State, views: Views, unknown: int) -> State:
    def move(state: State, shared: Array, own: Array) -> State:
        return state[0] + np.pad(shared, (0, INTRINSICS - unknown)), moved(state[1], own)

    return minimise(state, lambda state: slopes_of(*state, views, unknown), move)


def _matrix_of(intrinsics: Array) -> Array:
    fx, fy, cx, cy = intrinsics[:4]
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def _result(state: State, slopes: Array, views: Views, size: tuple[int, int], lens: int) -> Calibration:
    intrinsics, poses = state
    coefficients = tuple(float(k) for k in intrinsics[4:]) if lens == 5 else tuple(float(k) for k in intrinsics[4:8])
    camera = Camera(_matrix_of(intrinsics), coefficients if lens else (), size)
    squares = (slopes[:, OWN] ** 2).sum(axis=1)
    rms = float(np.sqrt(squares.sum() / views.counts.sum()))
    return Calibration(camera, poses[:, :9].reshape(-1, 3, 3), poses[:, 9:], np.sqrt(squares / views.counts), rms)
