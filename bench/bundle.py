"""Bundle adjustment against Ceres, from the same start to the same cost, and structure from motion against COLMAP."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sightline.cli.folders import load_file
from sightline.core.errors import DataError
from sightline.data.named import local_folder
from sightline.geometry import BundleProblem, bundle_adjust, structure_from_motion, synthetic_bundle_problem
from sightline.geometry.bundle_problem import rotation_matrices

from .timing import THREADS, Case


def cases() -> list[Case]:
    """Return the cases; without pycolmap there is nothing to compare with."""
    try:
        import pycolmap  # noqa: F401 - asked for here, used below
    except ImportError:
        return []
    rows = []
    for cameras, points in ((50, 20_000), (10, 2_000)):
        problem, _ = synthetic_bundle_problem(cameras, points)
        rows.append(
            Case(
                f"geometry.bundle_adjust {cameras} cameras {points} points",
                "pycolmap",
                lambda problem=problem: np.array([bundle_adjust(problem).costs[-1]]),
                ceres(problem),
                bytes=16 * len(problem.observations),
                within=None,  # the tests hold that the costs are the same
            )
        )
    return [*rows, *_photos()]


def _photos() -> list[Case]:
    """Return three photos of Balbianello, where they are: features, matches and structure, from the files on."""
    try:
        photos = sorted(local_folder("sfm_problems").glob("Balbianello*.jpg"))[:3]
    except DataError:
        return []
    colmap = load_file("reproduce", "sceaux").colmap
    return [
        Case(
            "geometry.structure_from_motion 3 photos 640×427",
            "pycolmap",
            lambda: np.array([len(structure_from_motion(photos))]),
            lambda: np.array([len(colmap(photos)["centres"])]),
            bytes=3 * 3 * 640 * 427,
        )
    ]


def ceres(problem: BundleProblem) -> Callable[[], np.ndarray]:
    """Return a function that adjusts a fresh copy of the problem by Ceres, and returns its cost."""
    import pycolmap

    made = _reconstruction(problem)
    options, config = pycolmap.BundleAdjustmentOptions(), pycolmap.BundleAdjustmentConfig()
    options.print_summary = False
    solver = options.ceres.solver_options
    solver.function_tolerance, solver.gradient_tolerance, solver.num_threads = 1e-6, 1e-10, THREADS
    for camera in range(len(problem.poses)):
        config.add_image(camera + 1)

    def run() -> np.ndarray:
        copy = pycolmap.Reconstruction(made)
        summary = pycolmap.create_default_ceres_bundle_adjuster(options, config, copy).solve().ceres_summary
        return np.array([summary.final_cost])

    return run


def _reconstruction(problem: BundleProblem) -> object:
    import pycolmap

    made, rotation = pycolmap.Reconstruction(), rotation_matrices(problem.poses[:, :3])
    focal, _, cx, cy, k1, k2, *_ = problem.intrinsics[0]
    made.add_camera_with_trivial_rig(
        pycolmap.Camera(camera_id=1, model="RADIAL", width=1281, height=961, params=[focal, cx, cy, k1, k2])
    )
    place = np.empty(len(problem.observations), int)
    for camera in range(len(rotation)):
        seen = problem.camera_of == camera
        place[seen] = np.arange(seen.sum())
        image = pycolmap.Image(str(camera), problem.observations[seen], 1, camera + 1)
        pose = pycolmap.Rigid3d(pycolmap.Rotation3d(rotation[camera]), problem.poses[camera, 3:])
        made.add_image_with_trivial_frame(image, pose)
    starts = np.searchsorted(problem.point_of, np.arange(len(problem.points) + 1))
    for point, where in enumerate(problem.points):
        track = pycolmap.Track()
        for o in range(starts[point], starts[point + 1]):
            track.add_element(int(problem.camera_of[o]) + 1, int(place[o]))
        made.add_point3D(where, track, np.zeros(3, np.uint8))
    return made
