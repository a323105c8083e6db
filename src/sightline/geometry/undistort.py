"""Undistortion: what a camera without the bend of its lens would have seen.

Brown 1966, "Decentering Distortion of Lenses", Photogrammetric Engineering 32(3).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import as_image
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Points
from sightline.geometry.camera import Camera, as_camera, as_camera_matrix
from sightline.geometry.distortion import bend, bent, unbend
from sightline.geometry.points3 import as_rows
from sightline.image.warp import warp_by

_POINTS = np.array([[10, 20], [320, 240], [600, 400.0]])
_CAMERA = Camera(np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1.0]]), (-0.2, 0.05, 0.001, 0), (480, 640))


def example_camera(image: Any) -> Camera:
    """Return a camera with a barrel-shaped lens for an image, for an example."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    f, x, y = max(height, width, 1), (width - 1) / 2, (height - 1) / 2
    return Camera(np.array([[f, 0, x], [0, f, y], [0, 0, 1]]), (-0.3, 0.08, 0.001, -0.001))


@catalogued(task="camera", paper="Brown 1966", lesson="w3d4", example={"camera": example_camera})
def undistort(
    image: Image,
    camera: Camera | Array,
    matrix: Array | None = None,
    *,
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic")] = "bilinear",
    border: Annotated[str, Choice("constant", "reflect", "symmetric", "edge", "wrap")] = "constant",
    value: float | Sequence[float] = 0.0,
    out: Array | None = None,
) -> Image:
    """Return a photo as a camera without distortion would have taken it: straight lines are straight.

    NaN and infinity spoil the new pixels whose window holds them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    camera
        The camera that took it.
    matrix
        3×3 matrix of the camera without distortion; None for that of ``camera``.
    method
        ``nearest``, ``bilinear`` or ``bicubic``.
    border
        What lies beyond the photo: ``constant`` (``value``), ``reflect``, ``symmetric``, ``edge`` or ``wrap``.
    value
        Beyond a constant border, in the image's units: a number, or one for each channel.
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The photo, same shape and dtype.

    References
    ----------
    D. C. Brown, "Decentering Distortion of Lenses", Photogrammetric Engineering 32(3), 1966.

    Examples
    --------
    >>> photo = np.full((40, 60), 200, np.uint8)
    >>> undistort(photo, example_camera(photo))[20, 30]
    np.uint8(200)
    """
    image = as_image("undistort", image, channels=())
    field = undistortion_field("undistort", camera, matrix, image.shape[:2])
    return warp_by("undistort", image, field, method, border, value, out)


@undistort.steps
def _steps(image: Image, camera: Any, matrix: Any = None, **options: Any) -> Iterator[Step]:
    image = as_image("undistort", image, channels=())
    field = undistortion_field("undistort", camera, matrix, image.shape[:2])
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    yield Step("photo", Picture(image), note="As the lens bent it.")
    yield Step(
        "shift", Heat(np.hypot(field[..., 0] - x, field[..., 1] - y)), note="Pixels that each point is moved by."
    )
    yield Step("undistorted", Picture(undistort(image, camera, matrix, **options)), note="Straight lines are straight.")


def undistortion_field(function: str, camera: Any, matrix: Any, shape: tuple[int, ...]) -> Array:
    """Return where each pixel of the undistorted picture is found in the photo, H×W×2 float32 (x, y)."""
    lens = as_camera(function, camera)
    wanted = lens.matrix if matrix is None else as_camera_matrix(function, "matrix", matrix)
    field = np.empty((*shape, 2), np.float32)
    back = np.linalg.inv(wanted)
    over_rows(_field_rows, shape[0], back, lens.matrix, lens.coefficients, field.reshape(shape[0], -1), strip=16)
    return field


@kernel
def _field_rows(back, matrix, c, field, y0, y1):
    """Fill rows of a field: pixel to plane by ``back`` (3×3, may hold a rotation), bend, plane to pixel."""
    for y in range(y0, y1):
        row = field[y]
        for x in range(row.size // 2):
            depth = back[2, 0] * x + back[2, 1] * y + back[2, 2]
            a = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) / depth
            b = (back[1, 0] * x + back[1, 1] * y + back[1, 2]) / depth
            u, v, _, _, _, _ = bent(a, b, c)
            row[2 * x] = matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2]
            row[2 * x + 1] = matrix[1, 1] * v + matrix[1, 2]


@catalogued(task="camera", paper="Brown 1966", lesson="w3d4", example={"points": _POINTS, "camera": _CAMERA})
def undistort_points(points: Points, camera: Camera | Array, matrix: Array | None = None) -> Float64[np.ndarray, "n 2"]:
    """Return points of a photo where a camera without distortion would have seen them.

    Points that the lens brings nothing to become NaN. NaN and infinity in the arguments are refused.

    Parameters
    ----------
    points
        N×2 (x, y) in pixels, any real dtype.
    camera
        The camera that took the photo.
    matrix
        3×3 matrix of the camera without distortion; None for that of ``camera``. The identity gives rays: x and y at
        depth 1.

    Returns
    -------
    N×2 float64.

    References
    ----------
    D. C. Brown, "Decentering Distortion of Lenses", Photogrammetric Engineering 32(3), 1966.

    Examples
    --------
    >>> undistort_points(np.array([[320, 240], [820, 240]]), _CAMERA, np.eye(3)).round(3).tolist()
    [[0.0, 0.0], [1.232, -0.002]]
    """
    lens, rows, wanted = _checked("undistort_points", points, camera, matrix)
    plane = rays_of(lens, rows)
    return plane @ wanted[:2, :2].T + wanted[:2, 2]


def rays_of(camera: Camera, points: Array) -> Array:
    """Return checked N×2 pixels as x, y at depth 1, the bend of the lens undone."""
    (fx, skew, cx), (_, fy, cy), _ = camera.matrix.tolist()
    plane = (points - (cx, cy)) @ np.array([[1 / fx, 0], [-skew / (fx * fy), 1 / fy]])
    return unbend(np.ascontiguousarray(plane), camera.coefficients) if camera.distortion else plane


@catalogued(task="camera", paper="Brown 1966", lesson="w3d4", example={"points": _POINTS, "camera": _CAMERA})
def distort_points(points: Points, camera: Camera | Array, matrix: Array | None = None) -> Float64[np.ndarray, "n 2"]:
    """Return points that a camera without distortion sees where the lens of ``camera`` brings them.

    The inverse of :func:`undistort_points`. NaN and infinity are refused.

    Parameters
    ----------
    points
        N×2 (x, y) in pixels, any real dtype.
    camera
        The camera with the lens.
    matrix
        3×3 matrix of the camera without distortion; None for that of ``camera``. The identity takes rays: x and y at
        depth 1.

    Returns
    -------
    N×2 float64.

    References
    ----------
    D. C. Brown, "Decentering Distortion of Lenses", Photogrammetric Engineering 32(3), 1966.

    Examples
    --------
    >>> distort_points(np.array([[1.0, 0.0]]), _CAMERA, np.eye(3)).round(3).tolist()
    [[745.0, 240.5]]
    """
    lens, rows, wanted = _checked("distort_points", points, camera, matrix)
    plane = np.ascontiguousarray((rows - wanted[:2, 2]) @ np.linalg.inv(wanted[:2, :2]).T)
    return bend(plane, lens.coefficients) @ lens.matrix[:2, :2].T + lens.matrix[:2, 2]


def _checked(function: str, points: Any, camera: Any, matrix: Any) -> tuple[Camera, Array, Array]:
    lens = as_camera(function, camera)
    rows = as_rows(function, "points", points, (2,))
    if len(rows) and np.abs(rows).max() > 1e9:
        raise InputError(f"{function}: points must be below 10⁹ pixels; got {np.abs(rows).max():.3g}.")
    return lens, rows, lens.matrix if matrix is None else as_camera_matrix(function, "matrix", matrix)
