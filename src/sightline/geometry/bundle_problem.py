"""A bundle adjustment problem: cameras, points, and which camera saw which point where.

Agarwal, Snavely, Seitz & Szeliski 2010, "Bundle Adjustment in the Large", ECCV: its text files are read, and the binary
ones of libmv. Both are turned into the house's axes (x right, y down, z forward) and pixels (x, y).
"""

from __future__ import annotations

import bz2
import gzip
import struct
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32

from sightline.core.checks import describe
from sightline.core.errors import FormatError, InputError, MissingFileError
from sightline.core.kernels import over_rows
from sightline.core.types import Array, PathLike
from sightline.geometry.bundle_kernels import reproject

INTRINSICS = ("focal", "aspect", "cx", "cy", "k1", "k2", "p1", "p2", "k3")
_FLIP = np.array([1.0, -1.0, -1.0])  # from axes x right, y up, z backward


@dataclass(frozen=True, eq=False)
class BundleProblem:
    """Cameras, points, and the pictures of the points.

    Parameters
    ----------
    poses
        C×6 float64: rotation vector (radians) and translation of each camera, world to camera.
    points
        P×3 float64 in the world.
    intrinsics
        G×9 float64: focal length in pixels, aspect (focal length along y over that along x), principal point cx, cy,
        and the distortion k1, k2, p1, p2, k3 of Brown's model, as OpenCV names them.
    observations
        N×2 float64 (x, y) in pixels.
    camera_of, point_of
        N int32: camera and point of each observation.
    group_of
        C int32: row of ``intrinsics`` that each camera has; cameras of one group share it.
    free
        Names of the intrinsics that an adjustment may change, out of ``focal aspect cx cy k1 k2 p1 p2 k3``.
    """

    poses: Float64[np.ndarray, "c 6"]
    points: Float64[np.ndarray, "p 3"]
    intrinsics: Float64[np.ndarray, "g 9"]
    observations: Float64[np.ndarray, "n 2"]
    camera_of: Int32[np.ndarray, " n"]
    point_of: Int32[np.ndarray, " n"]
    group_of: Int32[np.ndarray, " c"]
    free: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, width in (("poses", 6), ("points", 3), ("intrinsics", 9), ("observations", 2)):
            values = np.ascontiguousarray(getattr(self, name), np.float64)
            if values.ndim != 2 or values.shape[1] != width or not np.isfinite(values).all():
                raise InputError(f"BundleProblem: {name} must be N×{width} finite numbers; got {describe(values)}.")
            object.__setattr__(self, name, values)
        counts = {
            "camera_of": (len(self.observations), len(self.poses)),
            "point_of": (len(self.observations), len(self.points)),
            "group_of": (len(self.poses), len(self.intrinsics)),
        }
        for name, (length, top) in counts.items():
            values = np.ascontiguousarray(getattr(self, name), np.int32)
            if values.shape != (length,) or (length and not 0 <= values.min() <= values.max() < top):
                raise InputError(f"BundleProblem: {name} must be {length} numbers from 0 to {top - 1}.")
            object.__setattr__(self, name, values)
        strange = [name for name in self.free if name not in INTRINSICS]
        if strange:
            raise InputError(f"BundleProblem: free must name intrinsics ({', '.join(INTRINSICS)}); got {strange}.")

    def residuals(self) -> Float64[np.ndarray, "n 2"]:
        """Return where each point is seen by the model minus where it was seen, in pixels."""
        found = np.empty_like(self.observations)
        over_rows(
            reproject,
            len(found),
            rotation_matrices(self.poses[:, :3]),
            self.poses[:, 3:].copy(),
            self.intrinsics,
            self.group_of,
            self.points,
            self.observations,
            self.camera_of,
            self.point_of,
            found,
            strip=4096,
        )
        return found

    @property
    def mean_reprojection(self) -> float:
        """Mean distance between where points are seen and where the model says, in pixels; 0 for no observation."""
        found = self.residuals()
        return float(np.hypot(*found.T).mean()) if len(found) else 0.0

    @property
    def centres(self) -> Float64[np.ndarray, "c 3"]:
        """Where the cameras stand in the world."""
        return -np.einsum("cji,cj->ci", rotation_matrices(self.poses[:, :3]), self.poses[:, 3:])

    def to_json(self) -> dict[str, Any]:
        """Return the sizes of the problem and its mean reprojection error."""
        return {
            "cameras": len(self.poses),
            "points": len(self.points),
            "observations": len(self.observations),
            "mean_reprojection_px": self.mean_reprojection,
        }

    def with_free(self, *names: str) -> BundleProblem:
        """Return the problem with these intrinsics free."""
        return replace(self, free=names)


def read_bundle_problem(path: PathLike) -> BundleProblem:
    """Read a bundle adjustment problem: a text file of the BAL collection, plain or packed, or a binary one of libmv.

    Parameters
    ----------
    path
        ``.txt``, ``.txt.bz2``, ``.txt.gz`` (BAL) or ``.bin`` (libmv); told apart by what is in it.

    Returns
    -------
    problem
        In the house's axes. Of a BAL problem each camera's focal length, k1 and k2 are free; of libmv's none is.

    Raises
    ------
    FormatError
        When the file is neither, or ends early.
    """
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError as error:
        raise MissingFileError(f"read_bundle_problem: '{path}' does not exist.") from error
    try:
        if data[:3] == b"BZh":
            data = bz2.decompress(data)
        elif data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return _from_libmv(data) if data[:1] in (b"v", b"V") else _from_bal(data)
    except (ValueError, IndexError, struct.error, EOFError, OSError) as error:
        raise FormatError(
            f"read_bundle_problem: '{path}' must be a BAL text file or a libmv problem; got {len(data)} bytes that "
            f"cannot be read as one ({error})."
        ) from error


def _from_bal(data: bytes) -> BundleProblem:
    numbers = np.array(data.split(), np.float64)
    cameras, points, count = (int(n) for n in numbers[:3])
    if len(numbers) != 3 + 4 * count + 9 * cameras + 3 * points:
        raise ValueError(f"{len(numbers)} numbers do not fit {cameras} cameras, {points} points, {count} observations")
    seen = numbers[3 : 3 + 4 * count].reshape(-1, 4)
    rest = numbers[3 + 4 * count :]
    models = rest[: 9 * cameras].reshape(-1, 9)
    turned = _FLIP[:, None] * rotation_matrices(np.ascontiguousarray(models[:, :3]))
    intrinsics = np.zeros((cameras, 9))
    intrinsics[:, [0, 4, 5]] = models[:, 6:]
    intrinsics[:, 1] = 1
    return BundleProblem(
        np.hstack([rotation_vectors(turned), models[:, 3:6] * _FLIP]),
        rest[9 * cameras :].reshape(-1, 3),
        intrinsics,
        seen[:, 2:] * (1, -1),
        seen[:, 0].astype(np.int32),
        seen[:, 1].astype(np.int32),
        np.arange(cameras, dtype=np.int32),
        ("focal", "k1", "k2"),
    )


def _from_libmv(data: bytes) -> BundleProblem:
    order = "<" if data[:1] == b"v" else ">"
    if data[1:2] != b"P":
        raise ValueError("its observations are not in pixels")
    focal, cx, cy, k1, k2, k3, p1, p2 = struct.unpack_from(f"{order}8f", data, 2)
    at = 34

    def table(fields: list[tuple[str, str, int]]) -> Array:
        nonlocal at
        (count,) = struct.unpack_from(f"{order}i", data, at)
        kind = np.dtype([(name, f"{order}{code}4", (size,)) for name, code, size in fields])
        found = np.frombuffer(data, kind, count, at + 4)
        at += 4 + count * kind.itemsize
        return found

    cameras = table([("image", "i", 1), ("rotation", "f", 9), ("translation", "f", 3)])
    tracks = table([("track", "i", 1), ("place", "f", 3)])
    marks = table([("image", "i", 1), ("track", "i", 1), ("place", "f", 2)])
    camera_of, known_camera = _positions(cameras["image"][:, 0], marks["image"][:, 0])
    point_of, known_point = _positions(tracks["track"][:, 0], marks["track"][:, 0])
    known = known_camera & known_point
    rotations = cameras["rotation"].astype(np.float64).reshape(-1, 3, 3).transpose(0, 2, 1)  # column by column
    return BundleProblem(
        np.hstack([rotation_vectors(rotations), cameras["translation"].astype(np.float64)]),
        tracks["place"].astype(np.float64),
        np.array([[focal, 1.0, cx, cy, k1, k2, p1, p2, k3]]),
        marks["place"][known].astype(np.float64),
        camera_of[known].astype(np.int32),
        point_of[known].astype(np.int32),
        np.zeros(len(cameras), np.int32),
    )


def _positions(names: Array, wanted: Array) -> tuple[Array, Array]:
    """Return where each wanted name stands among ``names``, and whether it does."""
    order = np.argsort(names, kind="stable")
    places = order[np.minimum(np.searchsorted(names[order], wanted), len(names) - 1)]
    return places, names[places] == wanted


def rotation_vectors(matrices: Array) -> Array:
    """Return C×3 rotation vectors of C×3×3 matrices; what is not quite a rotation is taken to the nearest one."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_matrix(matrices).as_rotvec() if len(matrices) else np.zeros((0, 3))


def rotation_matrices(vectors: Array) -> Array:
    """Return C×3×3 rotation matrices of C×3 rotation vectors."""
    from scipy.spatial.transform import Rotation

    return Rotation.from_rotvec(vectors).as_matrix() if len(vectors) else np.zeros((0, 3, 3))
