"""The castle of Sceaux from eleven photos: all placed, as exact as COLMAP, and where COLMAP places them.

The peer was run once: COLMAP 4.2.1 (pycolmap, one SIMPLE_RADIAL camera that began with the focal length of
``K_scaled.txt``, exhaustive matching). It placed 11 photos with 6,516 points and a mean reprojection error of 0.373
pixels; the centres of its cameras and their rotation vectors stand below.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sightline.core import evidence
from sightline.core.kernels import set_threads
from sightline.data.named import local_folder
from sightline.geometry import Camera, structure_from_motion
from sightline.geometry.bundle_problem import rotation_matrices
from sightline.geometry.pose_errors import pose_errors

THREADS = 2
COLMAP = 0.372915  # pixels
FIGURE = {
    "figure": "mean reprojection error of Sceaux castle, in pixels",
    "published": round(1.1 * COLMAP, 3),
    "source": "COLMAP 4.2.1 on the same photos, and a tenth more",
    "data": "sceaux_castle: 11 photos, K_scaled.txt",
}
CENTRES = np.array(
    [
        [-6.38511, 0.13218, 1.00092],
        [-4.72837, -0.12533, -0.40274],
        [-3.44721, -0.26370, -1.19074],
        [-2.59124, -0.28710, -1.34562],
        [-1.13518, -0.31644, -1.60749],
        [0.22718, -0.27905, -1.52377],
        [1.43987, -0.16031, -1.00525],
        [2.46443, 0.06856, 0.20449],
        [3.49835, 0.33995, 1.51480],
        [4.27217, 0.57481, 2.74793],
        [4.59417, 0.84024, 4.28438],
    ]
)  # of COLMAP's cameras
TURNS = np.array(
    [
        [-0.04014, -0.44534, 0.07086],
        [-0.02170, -0.32226, 0.02723],
        [0.01707, -0.20958, 0.00792],
        [-0.01818, -0.12622, 0.00794],
        [-0.00097, 0.00999, -0.00494],
        [-0.01740, 0.09615, -0.01793],
        [-0.01835, 0.19356, -0.02510],
        [-0.07659, 0.35673, -0.05248],
        [-0.05655, 0.43777, -0.07822],
        [-0.05915, 0.58895, -0.08806],
        [0.06402, 0.62925, -0.13492],
    ]
)  # rotation vectors, world to camera


@evidence.reaches("geometry.structure_from_motion", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Reconstruct the castle, and once more beside COLMAP where it is installed; return the mean reprojection error."""
    folder = local_folder("sceaux_castle")
    matrix = np.array((folder / "K_scaled.txt").read_text().split(), float).reshape(3, 3)
    matrix[:2, 2] -= 0.5  # the file counts from the corner of the first pixel
    photos, camera = sorted(folder.glob("*.jpg")), Camera(matrix)
    set_threads(THREADS)
    structure_from_motion(photos[:3], camera)  # what is compiled is not timed
    start = time.perf_counter()
    found = structure_from_motion(photos, camera)
    seconds = time.perf_counter() - start
    rotations = np.stack([found.rotation(number) for number in range(len(found.names))])
    places, angles = pose_errors(rotations, found.centres, rotation_matrices(TURNS), CENTRES)
    note = (
        f"{len(found)} of 11 placed, {len(found.points)} points; COLMAP: {COLMAP} pixels; its poses are at most "
        f"{angles.max():.3f} degrees and {100 * places.max():.3f} % of the extent away"
    )
    peer = colmap(photos, matrix[0, 0])
    if peer is not None:
        note += (
            f". Beside it on {THREADS} threads: ours {seconds:.1f} s, COLMAP {peer['seconds']:.1f} s and "
            f"{peer['error']:.3f} pixels"
        )
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": found.mean_reprojection,
        "sd": 0.0,
        "seconds": round(seconds, 1),
        "holds": bool(
            len(found) == 11
            and found.mean_reprojection <= FIGURE["published"]
            and angles.max() < 0.5
            and places.max() < 0.01
            and (peer is None or seconds <= 1.5 * peer["seconds"])
        ),
        "note": note,
    }


def colmap(photos: Sequence[Path], focal: float | None = None) -> dict[str, Any] | None:
    """Run COLMAP on photos of one folder, on two threads; None where it is not installed.

    Returns ``error`` (mean reprojection error in pixels), ``rotations``, ``centres`` (in the order of the photos),
    ``points`` and ``seconds``. ``focal`` in pixels is what the camera begins with, its centre in the middle.
    """
    try:
        import pycolmap
    except ImportError:
        return None
    pycolmap.logging.minloglevel = 2
    reader, extraction = pycolmap.ImageReaderOptions(), pycolmap.FeatureExtractionOptions()
    reader.camera_model = "SIMPLE_RADIAL"
    if focal is not None:
        with Image.open(photos[0]) as first:
            reader.camera_params = f"{focal},{first.width / 2},{first.height / 2},0"
    matching, mapping = pycolmap.FeatureMatchingOptions(), pycolmap.IncrementalPipelineOptions()
    for options in (extraction, matching, mapping):
        options.num_threads = THREADS
    start, folder = time.perf_counter(), photos[0].parent
    with tempfile.TemporaryDirectory() as place:
        database, names, cpu = Path(place) / "database.db", [photo.name for photo in photos], pycolmap.Device.cpu
        single = pycolmap.CameraMode.SINGLE
        pycolmap.extract_features(database, folder, names, single, reader, extraction, cpu)
        pycolmap.match_exhaustive(database, matching_options=matching, device=cpu)
        (found, *_) = pycolmap.incremental_mapping(database, folder, place, mapping).values()
    seconds = time.perf_counter() - start
    images = sorted(found.images.values(), key=lambda image: image.name)
    return {
        "error": found.compute_mean_reprojection_error(),
        "rotations": np.array([image.cam_from_world().rotation.matrix() for image in images]),
        "centres": np.array([image.projection_center() for image in images]),
        "points": found.num_points3D(),
        "seconds": seconds,
    }
