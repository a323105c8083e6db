"""A reconstruction: where photos were taken, the points that they show, and which photo saw which point where."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64, UInt8

from sightline.core.archives import read_arrays, write_arrays
from sightline.core.files import write_text
from sightline.core.types import Array, PathLike
from sightline.geometry.bundle_problem import BundleProblem, rotation_matrices
from sightline.geometry.camera import Camera
from sightline.geometry.incremental import Mapper, camera_of
from sightline.geometry.photo_set import Photo
from sightline.geometry.point_cloud import write_ply
from sightline.geometry.tracks import Tracks
from sightline.geometry.view_pairs import ViewPair

_ARRAYS = ("sizes", "registered", "poses", "intrinsics", "group_of", "points", "colours", "observations", "camera_of",
           "point_of", "pairs")  # fmt: skip
_ORANGE, _CAMERA_SIZE = (0.84, 0.37, 0.0), 5.0
PAIR_COLUMNS = ("first", "second", "matches", "agree", "share on a plane")


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Cameras and points.

    Parameters
    ----------
    names
        Of the photos.
    sizes
        C×2 int64 (height, width) of the photos.
    registered
        C bool: photos whose place was found.
    poses
        C×6 float64: rotation vector (radians) and translation, world to camera; zeros where none was found.
    intrinsics, group_of
        G×9 float64 (focal, aspect, cx, cy, k1, k2, p1, p2, k3), and C int32: the row of each photo.
    points, colours
        P×3 float64 in the world, P×3 uint8. The world's unit is the distance of the first two photos at the start.
    observations
        N×2 float64 (x, y) in pixels: where points were seen.
    camera_of, point_of
        N int32: by which photo, and which point.
    pairs
        K×5 float64: numbers of two photos, their matches, those that agree with two views of one scene, and the share
        of these that agree with one plane.
    seconds
        What took how long.
    """

    names: tuple[str, ...]
    sizes: Int64[np.ndarray, "c 2"]
    registered: Bool[np.ndarray, " c"]
    poses: Float64[np.ndarray, "c 6"]
    intrinsics: Float64[np.ndarray, "g 9"]
    group_of: Int32[np.ndarray, " c"]
    points: Float64[np.ndarray, "p 3"]
    colours: UInt8[np.ndarray, "p 3"]
    observations: Float64[np.ndarray, "n 2"]
    camera_of: Int32[np.ndarray, " n"]
    point_of: Int32[np.ndarray, " n"]
    pairs: Float64[np.ndarray, "k 5"]
    seconds: dict[str, float]

    @classmethod
    def of(
        cls,
        photos: Sequence[Photo],
        pairs: Sequence[ViewPair],
        tracks: Tracks,
        mapper: Mapper,
        seconds: dict[str, float],
    ) -> Reconstruction:
        """Return what a mapper has found so far."""
        problem, which = mapper.result(), np.flatnonzero(mapper.active)
        poses = np.zeros((len(photos), 6))
        poses[mapper.registered] = problem.poses
        image, feature = tracks.image_of[which], tracks.feature_of[which]
        first = np.concatenate([[0], np.cumsum([len(photo.colours) for photo in photos])])
        seen = np.concatenate([photo.colours for photo in photos])[first[image] + feature].astype(float)
        count = np.bincount(problem.point_of, minlength=len(problem.points))[:, None]
        colours = np.zeros((len(problem.points), 3))
        np.add.at(colours, problem.point_of, seen)
        return cls(
            tuple(photo.name for photo in photos),
            np.array([photo.size for photo in photos]),
            mapper.registered.copy(),
            poses,
            mapper.intrinsics.copy(),
            mapper.group_of.astype(np.int32),
            problem.points,
            np.rint(colours / np.maximum(count, 1)).astype(np.uint8),
            problem.observations,
            image.astype(np.int32),
            problem.point_of,
            pair_table(pairs)[0],
            dict(seconds),
        )

    def __len__(self) -> int:
        return int(self.registered.sum())

    @property
    def problem(self) -> BundleProblem:
        """The reconstruction as a bundle adjustment problem, of the registered photos."""
        place = np.cumsum(self.registered) - 1
        return BundleProblem(
            self.poses[self.registered],
            self.points,
            self.intrinsics,
            self.observations,
            place[self.camera_of],
            self.point_of,
            self.group_of[self.registered],
        )

    @property
    def errors(self) -> Array:
        """N float64: distance of each observation to where the model sees its point, in pixels."""
        return np.hypot(*self.problem.residuals().T)

    @property
    def mean_reprojection(self) -> float:
        """Mean of the errors in pixels."""
        return self.problem.mean_reprojection

    @property
    def centres(self) -> Array:
        """C×3: where the photos were taken; NaN where that was not found."""
        found = np.full((len(self.names), 3), np.nan)
        found[self.registered] = self.problem.centres
        return found

    def rotation(self, number: int) -> Array:
        """Return the 3×3 rotation of a photo, world to camera."""
        return rotation_matrices(self.poses[number : number + 1, :3])[0]

    def camera(self, number: int) -> Camera:
        """Return the camera of a photo."""
        found = camera_of(self.intrinsics[self.group_of[number]])
        height, width = (int(n) for n in self.sizes[number])
        return Camera(found.matrix, found.distortion, (height, width))

    def shared(self, first: int, second: int) -> Array:
        """Return N×4 (x, y, x, y): where two photos saw the points that both saw."""
        mine, theirs = (np.flatnonzero(self.camera_of == number) for number in (first, second))
        _, a, b = np.intersect1d(self.point_of[mine], self.point_of[theirs], return_indices=True)
        return np.hstack([self.observations[mine[a]], self.observations[theirs[b]]])

    def cloud(self) -> Array:
        """Return the points and the way of the camera to look at: N×7 float32 (x, y, z, r, g, b from 0 to 1, size).

        Points far from most others are left out. The photos come last, in their order, large and orange.
        """
        points = self.points
        far = np.linalg.norm(points - np.median(points, axis=0), axis=1) if len(points) else np.zeros(0)
        near = far <= 2 * np.percentile(far, 80) if len(points) else np.zeros(0, bool)
        cloud = np.hstack([points[near], self.colours[near] / 255, np.ones((near.sum(), 1))])
        centres = self.centres[self.registered]
        part = np.arange(0, len(centres) - 1, 0.1)[:, None]
        at = part.astype(int)[:, 0]
        way = centres[at] + (part - at[:, None]) * (centres[at + 1] - centres[at])
        dots = np.hstack([way, np.broadcast_to((*_ORANGE, 0.7), (len(way), 4))])
        cameras = np.hstack([centres, np.broadcast_to((*_ORANGE, _CAMERA_SIZE), (len(centres), 4))])
        return np.concatenate([cloud, dots, cameras]).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return the figures that count, and the cameras, as plain JSON values."""
        cameras = {
            name: {
                "rotation_vector": self.poses[number, :3].tolist(),
                "translation": self.poses[number, 3:].tolist(),
                "centre": self.centres[number].tolist(),
                **self.camera(number).to_json(),
            }
            for number, name in enumerate(self.names)
            if self.registered[number]
        }
        return {
            "registered": len(self),
            "images": len(self.names),
            "points": len(self.points),
            "observations": len(self.observations),
            "mean_reprojection_px": self.mean_reprojection,
            "seconds": sum(self.seconds.values()),
            "left_out": [name for name, known in zip(self.names, self.registered, strict=True) if not known],
            "cameras": cameras,
        }

    def write_ply(self, path: PathLike) -> None:
        """Write the coloured points to a PLY file (binary), as MeshLab, CloudCompare and Blender open it."""
        write_ply(path, self.points, self.colours)

    def report(self, path: PathLike) -> None:
        """Write one HTML page: the cloud to turn, the figures, the errors, the photos and the pairs."""
        from sightline.geometry.reconstruction_report import report_page

        write_text(path, report_page(self))

    def save(self, path: PathLike) -> None:
        """Write the reconstruction to an ``.npz`` file that :meth:`load` reads."""
        about = json.dumps({"names": self.names, "seconds": self.seconds}).encode()
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        write_arrays(path, {**arrays, "about": np.frombuffer(about, np.uint8)})

    @classmethod
    def load(cls, path: PathLike) -> Reconstruction:
        """Read what :meth:`save` wrote; raise :class:`FormatError` for anything else."""
        with read_arrays("Reconstruction.load", path, "a saved reconstruction") as held:
            about = json.loads(held["about"].tobytes())
            arrays = {name: held[name] for name in _ARRAYS}
            made = cls(names=tuple(about["names"]), seconds=about["seconds"], **arrays)
            made.problem  # noqa: B018 - numbers that do not belong together are refused there
        return made


def pair_table(pairs: Sequence[ViewPair]) -> tuple[Array, tuple[str, ...]]:
    """Return the pairs of photos as rows of numbers, and the names of the columns."""
    rows = [(pair.first, pair.second, pair.matched, len(pair.indices), pair.flat) for pair in pairs]
    return np.array(rows, float).reshape(-1, len(PAIR_COLUMNS)), PAIR_COLUMNS
