"""The castle of Sceaux from eleven photos: all placed, as exact as COLMAP, and where COLMAP places them.

The peer was run once: COLMAP 4.2.1 (pycolmap, one SIMPLE_RADIAL camera that began with the focal length of
``K_scaled.txt``, exhaustive matching). It placed 11 photos with 6,516 points and a mean reprojection error of 0.373
pixels; the centres of its cameras and their rotation vectors stand below.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from sightline.core import evidence
from sightline.data.named import local_folder
from sightline.geometry import Camera, structure_from_motion
from sightline.geometry.bundle_problem import rotation_matrices

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
    """Reconstruct the castle; return the mean reprojection error."""
    start = time.perf_counter()
    folder = local_folder("sceaux_castle")
    matrix = np.array((folder / "K_scaled.txt").read_text().split(), float).reshape(3, 3)
    matrix[:2, 2] -= 0.5  # the file counts from the corner of the first pixel
    found = structure_from_motion(sorted(folder.glob("*.jpg")), Camera(matrix))
    seconds = time.perf_counter() - start
    place, angle = apart(found.centres, np.stack([found.rotation(n) for n in range(len(found.names))]))
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": found.mean_reprojection,
        "sd": 0.0,
        "seconds": round(seconds, 1),
        "holds": bool(
            len(found) == 11 and found.mean_reprojection <= FIGURE["published"] and angle < 0.5 and place < 0.01
        ),
        "note": (
            f"{len(found)} of 11 placed, {len(found.points)} points; COLMAP: {COLMAP} pixels; its poses are at most "
            f"{angle:.3f} degrees and {100 * place:.3f} % of the extent away"
        ),
    }


def apart(centres: np.ndarray, rotations: np.ndarray) -> tuple[float, float]:
    """Return how far our cameras are from COLMAP's once laid over them: over the extent, and in degrees (largest)."""
    a, b = centres.mean(axis=0), CENTRES.mean(axis=0)
    left, values, right = np.linalg.svd((CENTRES - b).T @ (centres - a))
    sign = np.array([1, 1, np.linalg.det(left @ right)])
    turn = left @ np.diag(sign) @ right
    scale = (values * sign).sum() / ((centres - a) ** 2).sum()
    far = np.linalg.norm(scale * (centres - a) @ turn.T + b - CENTRES, axis=1).max()
    extent = np.linalg.norm(CENTRES[:, None] - CENTRES[None], axis=2).max()
    between = rotation_matrices(TURNS) @ turn @ rotations.transpose(0, 2, 1)
    cosine = (np.trace(between, axis1=1, axis2=2) - 1) / 2
    return float(far / extent), float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).max())
