"""Incremental structure from motion: two views first, then one photo after another.

Snavely, Seitz & Szeliski 2006, "Photo Tourism", SIGGRAPH; Schönberger & Frahm 2016, "Structure-from-Motion Revisited",
CVPR, whose order of registration, triangulation, adjustment and filtering this follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.geometry.bundle_adjust import bundle_adjust
from sightline.geometry.bundle_problem import BundleProblem, rotation_matrices, rotation_vectors
from sightline.geometry.camera import Camera
from sightline.geometry.pnp import pnp
from sightline.geometry.tracks import Tracks, opening_angles, place_tracks
from sightline.geometry.undistort import undistort_points

LEAST_SEEN = 20  # known points that agree with the pose of a new photo
_NEAR = 4.0  # pixels (of a photo of 1600) within which a point is seen where it should be
_LEAST_ANGLE = np.deg2rad(1.5)  # between the rays to a point
_BEND = 2.0  # medians of the error, where a robust loss bends: 2.385 standard deviations, 1.18 of which are the median
_LEAST_BEND = 0.05  # pixels
_LOCAL = 5  # photos that move with a new one
_GROWN = 1.1  # photos since all were adjusted, over those before


@dataclass(frozen=True)
class Settings:
    """What a reconstruction is told.

    Parameters
    ----------
    refine
        Names of the intrinsics that may change.
    seed
        Of the samples.
    """

    refine: tuple[str, ...]
    seed: int


class Mapper:
    """Cameras and points as they grow.

    Parameters
    ----------
    sizes
        C×2 (height, width) of the photos.
    places
        N×2 float64: the features of the tracks, in pixels.
    tracks
        Which features belong together.
    intrinsics, group_of
        G×9 as in :class:`BundleProblem`, and the row of each photo.
    settings
        What may change, and the seed.
    """

    def __init__(
        self, sizes: Array, places: Array, tracks: Tracks, intrinsics: Array, group_of: Array, settings: Settings
    ) -> None:
        self.places, self.tracks, self.settings = places, tracks, settings
        self.intrinsics, self.group_of = intrinsics.copy(), group_of
        self.near = _NEAR * np.maximum(1, sizes.max(axis=1) / 1600)
        count = len(sizes)
        self.rotation, self.translation = np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3))
        self.registered = np.zeros(count, bool)
        self.order: list[int] = []
        self.points, self.known = np.zeros((len(tracks), 3)), np.zeros(len(tracks), bool)
        self.active = np.zeros(len(places), bool)  # features that are pictures of their track's point
        self.rays = self._rays()
        self._adjusted = 0

    def camera(self, number: int) -> Camera:
        """Return the camera of a photo as it is now."""
        return camera_of(self.intrinsics[self.group_of[number]])

    def start(self, first: int, second: int, rotation: Array, translation: Array) -> int:
        """Begin with two photos; return how many points they see."""
        self.registered[:], self.known[:], self.active[:] = False, False, False
        self.order = [first, second]
        self.registered[self.order] = True
        self.rotation[first], self.translation[first] = np.eye(3), 0
        self.rotation[second], self.translation[second] = rotation, translation
        self.triangulate()
        if self.known.sum() >= LEAST_SEEN:
            self.adjust(fixed=self.settings.refine)  # two views say little about the lens
            self.filter()
        return int(self.known.sum())

    def candidates(self) -> list[int]:
        """Return the photos that are not registered and see enough points, most points first."""
        seen = self.known[self.tracks.track_of] & ~self.registered[self.tracks.image_of]
        counts = np.bincount(self.tracks.image_of[seen], minlength=len(self.registered))
        order = np.argsort(-counts, kind="stable")
        return [int(number) for number in order if counts[number] >= LEAST_SEEN]

    def register(self, number: int) -> bool:
        """Find the pose of a photo from the points that it sees; return whether it was found."""
        mine = np.flatnonzero((self.tracks.image_of == number) & self.known[self.tracks.track_of])
        points = self.points[self.tracks.track_of[mine]]
        reach = float(2 * self.near[number])
        try:
            found = pnp(points, self.places[mine], self.camera(number), threshold=reach, seed=self.settings.seed)
        except InputError:  # no pose explains them
            return False
        agree = found.inliers
        if agree.sum() < max(LEAST_SEEN, 0.25 * len(mine)):
            return False
        self.rotation[number], self.translation[number] = found.rotation, found.translation
        self.registered[number] = True
        self.order.append(number)
        self.active[mine[agree]] = True
        self._adjust_part(np.array([number]), ("points", *self.settings.refine))
        self.complete()
        self.triangulate()
        return True

    def triangulate(self) -> None:
        """Find the places of the tracks that have none."""
        usable = self.registered[self.tracks.image_of] & ~self.known[self.tracks.track_of]
        limits = self.near / self.intrinsics[self.group_of, 0]
        places, known, agrees = place_tracks(
            self.tracks, self.rotation, self.translation, self.rays, usable, limits, _LEAST_ANGLE
        )
        self.points[known] = places[known]
        self.known |= known
        self.active |= agrees

    def complete(self) -> None:
        """Let every feature that agrees with the point of its track count, and no other."""
        known = np.flatnonzero(self.known[self.tracks.track_of] & self.registered[self.tracks.image_of])
        self.active[:] = False
        self.active[known] = self.errors(known) <= self.near[self.tracks.image_of[known]]

    def errors(self, which: Array) -> Array:
        """Return the reprojection errors of features in pixels; infinite behind the camera."""
        image, track = self.tracks.image_of[which], self.tracks.track_of[which]
        depth = np.einsum("nj,nj->n", self.rotation[image, 2], self.points[track]) + self.translation[image, 2]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            found = np.hypot(*self._problem(which, np.arange(len(self.registered))).residuals().T)
        return np.where(depth > 0, found, np.inf)

    def grow(self) -> None:
        """Adjust after a photo was added: its neighbours, or everything when enough photos were."""
        if len(self.order) >= _GROWN * self._adjusted:
            self.adjust()
        else:
            newest = self.order[-1]
            shared = np.zeros(len(self.points), bool)
            shared[self.tracks.track_of[self.active & (self.tracks.image_of == newest)]] = True
            near = self.active & shared[self.tracks.track_of]
            counts = np.bincount(self.tracks.image_of[near], minlength=len(self.registered))
            self._adjust_part(np.argsort(-counts)[: _LOCAL + 1], self.settings.refine)
        self.filter()

    def adjust(
        self, *, fixed: Sequence[str] = (), tolerance: float = 1e-4, most: int = 20, robust: bool = False
    ) -> None:
        """Move everything until it fits best; ``robust``: until most of it does."""
        which = np.flatnonzero(self.active)
        scale = max(_BEND * float(np.median(self.errors(which))), _LEAST_BEND) if robust else None
        self._move(which, (), fixed, tolerance, most, scale)
        self._adjusted = len(self.order)

    def finish(self) -> None:
        """Adjust, drop what does not fit, take in what does, until nothing changes.

        Squares first; then by Cauchy's loss, for the few matches that are wrong by less than what is dropped would pull
        the focal length along.
        """
        for turn in range(5):
            self.adjust(tolerance=1e-6, most=50, robust=turn > 0)
            before = self.active.copy()
            self.complete()
            self.triangulate()
            self.filter()
            if turn > 0 and (before != self.active).mean() < 2e-3:
                break
        self.adjust(tolerance=1e-7, most=50, robust=True)
        self.filter()

    def filter(self) -> None:
        """Drop features that are far from where their points are seen, and points seen from one direction only."""
        self.rays = self._rays()
        self.complete()
        centres = -np.einsum("cji,cj->ci", self.rotation, self.translation)
        angle = opening_angles(self.tracks, centres, self.points, self.active)
        self.known &= angle >= _LEAST_ANGLE
        self.active &= self.known[self.tracks.track_of]

    def _adjust_part(self, moving: Array, fixed: Sequence[str]) -> None:
        """Adjust some photos with the points that they see; the other photos that see these stay."""
        mine = np.isin(self.tracks.image_of, moving) & self.active
        seen = np.zeros(len(self.points), bool)
        seen[self.tracks.track_of[mine]] = True
        which = np.flatnonzero(self.active & seen[self.tracks.track_of] if "points" not in fixed else mine)
        self._move(which, np.setdiff1d(self.tracks.image_of[which], moving), fixed, 1e-4, 20)

    def _move(
        self,
        which: Array,
        stay: Array | Sequence[int],
        fixed: Sequence[str],
        tolerance: float,
        most: int,
        scale: float | None = None,
    ) -> None:
        if len(which) < LEAST_SEEN:
            return
        cameras = np.unique(self.tracks.image_of[which])
        problem = self._problem(which, cameras)
        squared = len(self.order) > 2 and "points" not in fixed and scale is None
        if len(cameras) < 3:
            fixed = ("points", *problem.free) if "points" in fixed else problem.free
        found = bundle_adjust(
            problem,
            "squared" if squared else "cauchy",
            scale=1.0 if scale is None else scale,
            fixed=fixed,
            fixed_cameras=np.flatnonzero(np.isin(cameras, np.asarray(stay, int))).tolist(),
            tolerance=tolerance,
            max_iterations=most,
        ).problem
        self.rotation[cameras] = rotation_matrices(found.poses[:, :3])
        self.translation[cameras] = found.poses[:, 3:]
        self.points[np.unique(self.tracks.track_of[which])] = found.points
        self.intrinsics = found.intrinsics

    def _problem(self, which: Array, cameras: Array) -> BundleProblem:
        """Return the problem of some features, of these cameras and the points that they show."""
        tracks, point_of = np.unique(self.tracks.track_of[which], return_inverse=True)
        place = np.zeros(len(self.registered), np.int32)
        place[cameras] = np.arange(len(cameras))
        return BundleProblem(
            np.hstack([rotation_vectors(self.rotation[cameras]), self.translation[cameras]]),
            self.points[tracks],
            self.intrinsics,
            self.places[which],
            place[self.tracks.image_of[which]],
            point_of.astype(np.int32),
            self.group_of[cameras],
            self.settings.refine,
        )

    def result(self) -> BundleProblem:
        """Return all that is registered and known as one problem, the cameras in the order of the photos."""
        return self._problem(np.flatnonzero(self.active), np.flatnonzero(self.registered))

    def _rays(self) -> Array:
        """Return the features on the plane at depth 1, without distortion."""
        found = np.empty_like(self.places)
        group = self.group_of[self.tracks.image_of]
        for number, model in enumerate(self.intrinsics):
            mine = group == number
            found[mine] = undistort_points(self.places[mine], camera_of(model), np.eye(3))
        return found


def camera_of(model: Array) -> Camera:
    """Return the camera of a row of intrinsics."""
    focal, aspect, cx, cy, k1, k2, p1, p2, k3 = (float(value) for value in model)
    return Camera(np.array([[focal, 0, cx], [0, focal * aspect, cy], [0, 0, 1]]), (k1, k2, p1, p2, k3))
