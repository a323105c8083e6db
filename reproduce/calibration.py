"""OpenCV's sample chessboards: as many boards found as OpenCV finds, and the focal length that is published with them.

The peer's figures were measured once with OpenCV 5.0.0 (``findChessboardCorners``, ``cornerSubPix`` in windows of
23×23, ``calibrateCamera`` with k1, k2, p1, p2, k3) and stand below as constants. In windows of that size, corners
of small squares see their neighbours; ours are chosen to see none.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from sightline import features, geometry, image
from sightline.core import evidence
from sightline.data.named import local_folder

FIGURE = {
    "figure": "focal length of the left camera in pixels, from corners placed as its publisher did",
    "published": 535.916,
    "source": "OpenCV, samples/data/left_intrinsics.yml",
    "data": "opencv_samples: left01.jpg to left14.jpg",
}
PEER = {"left": (13, 0.4080), "right": (13, 0.4578)}  # boards found, and error in pixels
BOARD = np.array([[x * 0.025, y * 0.025, 0] for y in range(6) for x in range(9)])
SIZE = (480, 640)


@evidence.reaches("geometry.calibrate", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Find the boards, calibrate both cameras with the publisher's windows and with our own, and the pair."""
    start = time.perf_counter()
    cameras, found, notes, same = {}, {}, [], {}
    for side in ("left", "right"):
        photos = [
            image.read(path, mode="gray") for path in sorted(local_folder("opencv_samples").glob(f"{side}[01]*.jpg"))
        ]
        corners = [geometry.find_chessboard(photo, (9, 6)) for photo in photos]
        seen = [(photo, points) for photo, points in zip(photos, corners, strict=True) if points is not None]
        found[side] = [points for _, points in seen]
        wide = [features.corner_subpixel(photo, points, 11, iterations=30, eps=0.01) for photo, points in seen]
        same[side] = geometry.calibrate(BOARD, wide, SIZE)
        own = geometry.calibrate(BOARD, found[side], SIZE)
        cameras[side] = own.camera
        boards, rms = PEER[side]
        notes.append(
            f"{side}: {len(seen)} boards (OpenCV {boards}), error {same[side].rms:.3f} px in windows of 23×23 (OpenCV "
            f"{rms:.3f}), {own.rms:.3f} in ours, where the focal length is {own.camera.focal[0]:.2f}"
        )
    pair = geometry.stereo_calibrate(BOARD, found["left"], found["right"], cameras["left"], cameras["right"])
    notes.append(f"the pair {1000 * np.linalg.norm(pair.translation):.2f} mm apart, error {pair.rms:.3f} px")
    focal = same["left"].camera.focal[0]
    holds = abs(focal / FIGURE["published"] - 1) < 1e-3
    holds &= all(len(found[side]) >= PEER[side][0] and same[side].rms <= 1.01 * PEER[side][1] for side in PEER)
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(focal, 3),
        "sd": 0.0,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": bool(holds),
        "note": "; ".join(notes),
    }
