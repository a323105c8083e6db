"""The villa of Balbianello from five photos of unknown focal length: as exact as COLMAP, and where it places them.

The peer was run once: COLMAP 4.2.1 (pycolmap, one SIMPLE_RADIAL camera, exhaustive matching). It placed 5 photos with
499 points and a mean reprojection error of 0.255 pixels; it is run again where it is installed. The photos are small
(640×427 pixels) and taken along a path that is nearly straight, so the worlds are turned over one another by the
directions of the cameras, and shifted and scaled by their centres.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from sightline.cli.folders import load_file
from sightline.core import evidence
from sightline.data.named import local_folder
from sightline.geometry import structure_from_motion
from sightline.geometry.bundle_problem import rotation_matrices
from sightline.geometry.pose_errors import pose_errors

COLMAP = 0.255246  # pixels
FIGURE = {
    "figure": "mean reprojection error of Balbianello, in pixels",
    "published": round(1.1 * COLMAP, 3),
    "source": "COLMAP 4.2.1 on the same photos, and a tenth more",
    "data": "sfm_problems: five photos of Balbianello",
}
CENTRES = np.array(
    [
        [-2.59068, 0.11172, 3.55014],
        [-1.68100, 0.06901, 1.69137],
        [-0.77803, 0.04054, 0.24546],
        [0.90619, -0.04875, -1.64997],
        [4.14352, -0.17252, -3.83699],
    ]
)  # of COLMAP's cameras
TURNS = np.array(
    [
        [-0.17162, -0.82519, 0.09716],
        [-0.20090, -0.66579, 0.09284],
        [-0.08307, -0.53373, 0.05942],
        [-0.10356, -0.46326, 0.06811],
        [-0.13249, -0.20777, 0.02588],
    ]
)  # rotation vectors, world to camera


@evidence.reaches("geometry.structure_from_motion", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Reconstruct the villa, ours and COLMAP's; return the mean reprojection error."""
    photos = sorted(local_folder("sfm_problems").glob("Balbianello*.jpg"))
    start = time.perf_counter()
    found = structure_from_motion(photos)
    seconds = time.perf_counter() - start
    peer = load_file("reproduce", "sceaux").colmap(photos)
    now = {"rotations": rotation_matrices(TURNS), "centres": CENTRES, "error": COLMAP, "points": 499} | (peer or {})
    rotations = np.stack([found.rotation(number) for number in range(len(found.names))])
    places, angles = pose_errors(rotations, found.centres, now["rotations"], now["centres"])
    when = "of the recorded run" if peer is None else f"in {peer['seconds']:.1f} s"
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": found.mean_reprojection,
        "sd": 0.0,
        "seconds": round(seconds, 1),
        "holds": bool(
            len(found) == 5
            and found.mean_reprojection <= 1.1 * now["error"]
            and angles.max() < 0.5
            and places.max() < 0.01
        ),
        "note": (
            f"{len(found)} of 5 placed, {len(found.points)} points; COLMAP: {now['error']:.3f} pixels, {now['points']} "
            f"points, {when}; its poses are at most {angles.max():.3f} degrees and {100 * places.max():.3f} % of the "
            f"extent away"
        ),
    }
