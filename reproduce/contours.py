"""Contours of OpenCV's own sample pictures: the share of borders that are the same, with the same parent."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np

from sightline.core import evidence
from sightline.data.named import local_folder
from sightline.image import convert, find_contours, otsu_threshold, read

FIGURE = {
    "figure": "contours identical to OpenCV's (%)",
    "published": 100.0,
    "source": "cv2.findContours, RETR_TREE, CHAIN_APPROX_NONE and CHAIN_APPROX_SIMPLE",
    "data": "opencv_samples: pic1 to pic6, HappyFish, messi5, and six more",
}
PICTURES = ("pic1.png", "pic2.png", "pic3.png", "pic4.png", "pic5.png", "pic6.png", "HappyFish.jpg", "messi5.jpg")
MORE = ("fruits.jpg", "baboon.jpg", "building.jpg", "sudoku.png", "smarties.png", "stuff.jpg")
KINDS = {"none": cv2.CHAIN_APPROX_NONE, "simple": cv2.CHAIN_APPROX_SIMPLE}


@evidence.reaches("image.find_contours", **FIGURE)
def reproduce() -> dict[str, Any]:
    """Compare every border of every picture, thresholded by Otsu's method; return the share that is the same."""
    start = time.perf_counter()
    folder = local_folder("opencv_samples")
    same = count = 0
    for name in (*PICTURES, *MORE):
        picture = read(folder / name)
        gray = picture if picture.ndim == 2 else convert(picture, "rgb", "gray")
        mask = gray > otsu_threshold(gray)
        for word, code in KINDS.items():
            ours, theirs = borders(mask, word), peer_borders(mask, code)
            count += max(len(ours), len(theirs))
            same += sum(theirs.get(points) == parent for points, parent in ours.items())
    share = 100 * same / count
    return {
        "figure": FIGURE["figure"],
        "published": FIGURE["published"],
        "ours": round(share, 4),
        "sd": 0.0,
        "seconds": round(time.perf_counter() - start, 1),
        "holds": share >= 100.0,
        "note": f"{count} borders of {len(PICTURES) + len(MORE)} pictures: points in the same order, the same parent",
    }


def borders(mask: np.ndarray, approximation: str) -> dict[bytes, bytes]:
    """Return the points of each border of ours, as bytes, with those of its parent."""
    found = find_contours(mask, approximation=approximation)
    names = [contour.points.tobytes() for contour in found]
    return {name: names[c.parent] if c.parent >= 0 else b"" for name, c in zip(names, found, strict=True)}


def peer_borders(mask: np.ndarray, code: int) -> dict[bytes, bytes]:
    """Return the same of OpenCV's."""
    found, hierarchy = cv2.findContours(mask.view(np.uint8), cv2.RETR_TREE, code)
    names = [np.ascontiguousarray(points[:, 0], np.int32).tobytes() for points in found]
    parents = hierarchy[0][:, 3].tolist() if names else []
    return {name: names[p] if p >= 0 else b"" for name, p in zip(names, parents, strict=True)}
