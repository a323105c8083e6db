"""The camera: a pinhole and the bend of its lens.

Brown 1966, "Decentering Distortion of Lenses", Photogrammetric Engineering 32(3), with the rational and the thin-prism
terms that OpenCV adds; axes x right, y down, z forward.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from sightline.core.checks import describe, number, size_2d
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.files import read_json, write_json, write_text
from sightline.core.types import Array, PathLike
from sightline.geometry.camera_file import camera_of, matrices_of, yaml_of

COUNTS = (0, 4, 5, 8, 12)  # how many coefficients a lens may have


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera with a lens.

    Parameters
    ----------
    matrix
        3×3 float64: focal lengths, skew and principal point in pixels, ``[[fx, s, cx], [0, fy, cy], [0, 0, 1]]``; the
        centre of the top-left pixel is (0, 0).
    distortion
        ``k1, k2, p1, p2, k3, k4, k5, k6, s1, s2, s3, s4`` in this order, as OpenCV has it: 0, 4, 5, 8 or 12 of them.
        The lens moves a point x, y of the plane at depth 1 to ``x·r + 2·p1·x·y + p2·(ρ² + 2x²) + s1·ρ² + s2·ρ⁴``, and
        y likewise, with ``r = (1 + k1·ρ² + k2·ρ⁴ + k3·ρ⁶) / (1 + k4·ρ² + k5·ρ⁴ + k6·ρ⁶)`` and ``ρ² = x² + y²``.
    size
        (height, width) of its pictures in pixels; None when unknown.
    """

    matrix: Array
    distortion: tuple[float, ...] = field(default=())
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", as_camera_matrix("Camera", "matrix", self.matrix))
        object.__setattr__(self, "distortion", _as_distortion(self.distortion))
        if self.size is not None:
            object.__setattr__(self, "size", size_2d("Camera", "size", self.size))

    @classmethod
    def from_focal(cls, focal: float, size: tuple[int, int]) -> Camera:
        """Return a camera without distortion that looks through the middle of its picture.

        Parameters
        ----------
        focal
            Focal length in pixels, > 0.
        size
            (height, width) in pixels.
        """
        f = number("Camera.from_focal", "focal", focal, above=0, unit="pixels")
        height, width = size_2d("Camera.from_focal", "size", size)
        return cls(np.array([[f, 0, (width - 1) / 2], [0, f, (height - 1) / 2], [0, 0, 1]]), (), (height, width))

    @property
    def focal(self) -> tuple[float, float]:
        """Focal lengths (fx, fy) in pixels."""
        return float(self.matrix[0, 0]), float(self.matrix[1, 1])

    @property
    def center(self) -> tuple[float, float]:
        """Principal point (cx, cy) in pixels."""
        return float(self.matrix[0, 2]), float(self.matrix[1, 2])

    @property
    def coefficients(self) -> Array:
        """All 12 numbers of the lens as float64, those that it does not have as 0."""
        return np.array(self.distortion + (0.0,) * (12 - len(self.distortion)))

    def scaled(self, factor: float) -> Camera:
        """Return the camera of its pictures resized by ``factor``."""
        s = number("Camera.scaled", "factor", factor, above=0)
        matrix = self.matrix * s
        matrix[:2, 2] += (s - 1) / 2  # the edge of the picture stays where it was, and not the centre of a pixel
        matrix[2, 2] = 1
        size = None if self.size is None else (max(1, round(self.size[0] * s)), max(1, round(self.size[1] * s)))
        return Camera(matrix, self.distortion, size)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "matrix": self.matrix.tolist(),
            "distortion": list(self.distortion),
            "size": None if self.size is None else list(self.size),
        }

    @classmethod
    def from_json(cls, value: Any) -> Camera:
        """Return the camera of :meth:`to_json`; raise :class:`FormatError` for anything else."""
        if not isinstance(value, dict) or "matrix" not in value:
            raise FormatError(f"Camera.from_json: value must have matrix, distortion and size; got {describe(value)}.")
        size = value.get("size")
        try:
            matrix, distortion = np.array(value["matrix"], np.float64), tuple(value.get("distortion") or ())
            return cls(matrix, distortion, None if size is None else (size[0], size[1]))
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise FormatError(f"Camera.from_json: value must describe a camera: {error}") from error

    def write(self, path: PathLike) -> None:
        """Write a camera file: JSON, or OpenCV's YAML when the name ends in ``.yml`` or ``.yaml``."""
        if Path(path).suffix.lower() in (".yml", ".yaml"):
            write_text(path, yaml_of(self.matrix, self.distortion, self.size))
        else:
            write_json(path, self.to_json())

    @classmethod
    def read(cls, path: PathLike) -> Camera:
        """Read a camera file: ours (JSON), or one of OpenCV's (YAML) with a camera matrix in it.

        Raises
        ------
        FormatError
            When the file holds no camera, or more than one.
        """
        if Path(path).suffix.lower() not in (".yml", ".yaml"):
            return cls.from_json(read_json(path))
        try:
            text = Path(path).read_text("utf-8", "replace")
        except OSError as error:
            raise MissingFileError(f"Camera.read: '{path}' does not exist or cannot be opened.") from error
        name = f"'{path}'"
        matrix, distortion, size = camera_of(name, matrices_of(name, text))
        try:
            return cls(matrix, distortion, size)
        except InputError as error:
            raise FormatError(f"Camera.read: {name} holds no camera of this kind: {error}") from error


def as_camera(function: str, camera: Any, *, argument: str = "camera") -> Camera:
    """Return a camera; a 3×3 matrix is one without distortion; anything else raises by name."""
    if isinstance(camera, Camera):
        return camera
    if isinstance(camera, np.ndarray):
        return Camera(as_camera_matrix(function, argument, camera))
    raise InputError(f"{function}: {argument} must be a Camera or its 3×3 matrix; got {describe(camera)}.")


def as_camera_matrix(function: str, argument: str, matrix: Any) -> Array:
    """Return a camera's 3×3 matrix as float64, its last number 1, or raise by name."""
    if not isinstance(matrix, np.ndarray) or matrix.shape != (3, 3) or matrix.dtype.kind not in "iuf":
        raise InputError(f"{function}: {argument} must be a 3×3 array of numbers; got {describe(matrix)}.")
    rows = matrix.astype(np.float64).tolist()  # nine numbers: quicker one by one
    (fx, _, _), (below, fy, _), (*last, scale) = rows
    sizes = [abs(value) for row in rows for value in row]
    lower = max(abs(below), abs(last[0]), abs(last[1]))
    if not math.isfinite(sum(sizes)) or scale == 0 or lower > 1e-12 * max(sizes):
        raise InputError(f"{function}: {argument} must be finite, [[fx, s, cx], [0, fy, cy], [0, 0, 1]]; got {rows}.")
    if min(fx / scale, fy / scale) <= 0:
        raise InputError(f"{function}: {argument} must have focal lengths > 0; got {fx / scale}, {fy / scale}.")
    return np.array(rows) / scale


def _as_distortion(distortion: Any) -> tuple[float, ...]:
    if not isinstance(distortion, (Sequence, np.ndarray)) or isinstance(distortion, (str, bytes)):
        raise InputError(f"Camera: distortion must be a sequence of numbers; got {describe(distortion)}.")
    given = distortion.ravel().tolist() if isinstance(distortion, np.ndarray) else list(distortion)
    values = [number("Camera", f"distortion[{i}]", value) for i, value in enumerate(given)]
    if len(values) == 14 and values[12:] == [0, 0]:
        values = values[:12]
    if len(values) not in COUNTS or not np.isfinite(values).all():
        hint = " A tilted sensor (14 numbers) is not modelled." if len(values) == 14 else ""
        raise InputError(
            f"Camera: distortion must be {', '.join(map(str, COUNTS))} finite numbers; got {values}.{hint}"
        )
    return tuple(values)
