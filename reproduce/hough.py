"""Smarties counted by Hough circles: as many, and in the places, that OpenCV's gradient method finds.

The peer's circles were measured once with OpenCV 5.0.0 (``HoughCircles``, HOUGH_GRADIENT, cell 1, least distance 30,
thresholds 100 and 30, radii 10 to 40, on the grey picture under a median of 5×5) and stand below as constants.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from sightline import image
from sightline.core import evidence
from sightline.data.named import local_folder

FIGURE = {
    "figure": "circles on smarties.png within 2 pixels of OpenCV's twelve",
    "published": 12.0,
    "source": "OpenCV 5.0.0 HoughCircles on its own sample",
    "data": "opencv_samples: smarties.png",
}
PEER = np.array(
    [
        [376.5, 81.5, 26.6],
        [347.5, 238.5, 26.6],
        [99.5, 259.5, 27.5],
        [293.5, 320.5, 27.9],
        [205.5, 210.5, 26.8],
        [386.5, 169.5, 26.4],
        [32.5, 230.5, 27.5],
        [269.5, 116.5, 25.7],
        [219.5, 306.5, 27.7],
        [134.5, 328.5, 26.8],
        [151.5, 273.5, 25.7],
        [286.5, 214.5, 25.7],
    ]
)  # x, y, radius


@evidence.reaches("image.hough_circles", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Find the circles; return how many of the peer's were found."""
    start = time.perf_counter()
    gray = image.read(local_folder("opencv_samples") / "smarties.png", mode="gray")
    circles = image.hough_circles(image.median_blur(gray, 5), 30, min_radius=10, max_radius=40, min_distance=30)
    apart = np.abs(PEER[:, None] - circles[None]).max(axis=2)
    found = int((apart.min(axis=1) <= 2).sum())
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": float(found),
        "sd": 0.0,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": found >= FIGURE["published"] and len(circles) == len(PEER),
        "note": f"{len(circles)} circles found; the farthest lies {apart.min(axis=1).max():.2f} pixels from the peer's",
    }
