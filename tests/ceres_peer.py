"""Ceres, by way of pycolmap, on the same problem with the same residuals: the peer of bundle adjustment."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.geometry import BundleProblem
from sightline.geometry.bundle_problem import rotation_matrices


def solve(problem: BundleProblem, tolerance: float = 1e-6) -> Any:
    """Return Ceres's summary; cameras have COLMAP's RADIAL model: focal length, k1 and k2."""
    import pycolmap

    made = _reconstruction(problem)
    options, config = pycolmap.BundleAdjustmentOptions(), pycolmap.BundleAdjustmentConfig()
    options.print_summary = False
    options.refine_focal_length = "focal" in problem.free
    options.refine_extra_params = "k1" in problem.free
    solver = options.ceres.solver_options
    solver.function_tolerance, solver.gradient_tolerance, solver.num_threads = tolerance, 1e-10, 2
    for camera in range(len(problem.poses)):
        config.add_image(camera + 1)
    return pycolmap.create_default_ceres_bundle_adjuster(options, config, made).solve().ceres_summary


def _reconstruction(problem: BundleProblem) -> Any:
    import pycolmap

    made, rotation = pycolmap.Reconstruction(), rotation_matrices(problem.poses[:, :3])
    for group, (focal, _, cx, cy, k1, k2, *_) in enumerate(problem.intrinsics):
        made.add_camera_with_trivial_rig(
            pycolmap.Camera(
                camera_id=group + 1, model="RADIAL", width=4000, height=4000, params=[focal, cx, cy, k1, k2]
            )
        )
    place = np.empty(len(problem.observations), int)
    for camera in range(len(rotation)):
        seen = problem.camera_of == camera
        place[seen] = np.arange(seen.sum())
        image = pycolmap.Image(
            name=str(camera),
            keypoints=problem.observations[seen],
            camera_id=int(problem.group_of[camera]) + 1,
            image_id=camera + 1,
        )
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(rotation[camera]), problem.poses[camera, 3:])
        made.add_image_with_trivial_frame(image, pose)
    for point, where in enumerate(problem.points):
        track = pycolmap.Track()
        for o in np.flatnonzero(problem.point_of == point):
            track.add_element(int(problem.camera_of[o]) + 1, int(place[o]))
        made.add_point3D(where, track, np.zeros(3, np.uint8))
    return made
