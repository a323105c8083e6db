"""A face found again in OpenCV's photo: as it is, noisy, smaller, larger and turned, at the places that are known.

The template is the face in ``messi5.jpg`` as OpenCV's tutorial on template matching uses it. It is warped by known
matrices, so that the true place is known; a match counts when its centre lies within 2 pixels of it.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from sightline import image
from sightline.core import evidence
from sightline.data.named import local_folder

FIGURE = {
    "figure": "faces found within 2 pixels, of six versions of messi5.jpg",
    "published": 6.0,
    "source": "known truth: the matrices by which the photo was warped",
    "data": "opencv_samples: messi5.jpg, template of 55×55 pixels",
}
BOX = (215, 85, 270, 140)
VERSIONS = ((1.0, 0.0, 0.0), (1.0, 0.0, 25.0), (0.8, 0.0, 0.0), (1.25, 0.0, 0.0), (1.0, 0.3, 0.0), (1.25, -0.3, 10.0))


@evidence.reaches("image.find_template", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Find the face in each version; return how many were found."""
    start = time.perf_counter()
    photo = image.read(local_folder("opencv_samples") / "messi5.jpg")
    template = photo[BOX[1] : BOX[3], BOX[0] : BOX[2]].copy()
    centre = np.array([(BOX[0] + BOX[2] - 1) / 2, (BOX[1] + BOX[3] - 1) / 2, 1.0])
    distances = []
    for scale, angle, noise in VERSIONS:
        picture, matrix = version(photo, scale, angle, noise)
        found = image.find_template(
            picture, template, scales=(0.8, 1.0, 1.25), rotations=(-0.3, 0.0, 0.3), threshold=0.4, max_matches=1
        )
        middle = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - 0.5
        distances.append(float(np.hypot(*(middle[0] - matrix @ centre))) if len(middle) else math.inf)
    right = sum(distance <= 2 for distance in distances)
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": float(right),
        "sd": 0.0,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": right >= FIGURE["published"],
        "note": "distances in pixels: " + ", ".join(f"{distance:.2f}" for distance in distances),
    }


def version(photo: np.ndarray, scale: float, angle: float, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the photo scaled and turned about its centre, with noise of this standard deviation, and the matrix."""
    x, y = (photo.shape[1] - 1) / 2, (photo.shape[0] - 1) / 2
    c, s = scale * math.cos(angle), scale * math.sin(angle)
    matrix = np.array([[c, -s, x - c * x + s * y], [s, c, y - s * x - c * y]])
    picture = image.warp_affine(photo, matrix, border="reflect").astype(np.float64)
    picture += np.random.default_rng(0).normal(0, noise, picture.shape) if noise else 0
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), matrix
