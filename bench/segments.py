"""Segmentation at 640×480 against OpenCV, scikit-image and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from skimage import segmentation as peer

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 480, 640
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases. Labels are numbered differently on both sides; the tests hold what is equal."""
    rgb = scenes.rgb(HEIGHT, WIDTH)
    gray = np.ascontiguousarray(rgb[..., 1])
    relief = cv2.morphologyEx(gray, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    markers = np.zeros((HEIGHT, WIDTH), np.int32)
    here = markers[20::40, 20::40]
    here[...] = 1 + np.arange(here.size).reshape(here.shape)
    box, given = np.array([100, 80, 540, 400]), (100, 80, 440, 320)
    colours = rgb.reshape(-1, 3).astype(np.float32)
    labels = np.empty((HEIGHT, WIDTH), np.int32)
    seeds = np.array([[300, 200]])

    def their_grab_cut() -> Any:
        mask = np.zeros((HEIGHT, WIDTH), np.uint8)
        return cv2.grabCut(rgb, mask, given, None, None, 5, cv2.GC_INIT_WITH_RECT)[0]

    def their_kmeans() -> Any:
        return cv2.kmeans(colours, 8, None, (cv2.TERM_CRITERIA_MAX_ITER, 10, 0), 1, cv2.KMEANS_PP_CENTERS)[1]

    rows: list[tuple[str, str, Callable[[], Any], Callable[[], Any]]] = [
        (
            "watershed colour",
            "opencv",
            lambda: image.watershed(rgb, markers, lines=True, out=labels),
            lambda: cv2.watershed(rgb, markers.copy()),
        ),
        (
            "watershed relief",
            "scikit-image",
            lambda: image.watershed(relief, markers, out=labels),
            lambda: peer.watershed(relief, markers),
        ),
        ("kmeans_segment 8", "opencv", lambda: image.kmeans_segment(rgb, 8), their_kmeans),
        (
            "mean_shift_filter 10, 20",
            "opencv",
            lambda: image.mean_shift_filter(rgb, 10, 20.0),
            lambda: cv2.pyrMeanShiftFiltering(rgb, 10, 20, maxLevel=0),
        ),
        ("slic 400", "scikit-image", lambda: image.slic(rgb, 400), lambda: peer.slic(rgb, 400)),
        ("felzenszwalb", "scikit-image", lambda: image.felzenszwalb(rgb), lambda: peer.felzenszwalb(rgb, 100)),
        ("grab_cut 5 rounds", "opencv", lambda: image.grab_cut(rgb, box), their_grab_cut),
        (
            "region_grow",
            "scikit-image",
            lambda: image.region_grow(gray, seeds, 60, out=labels),
            lambda: peer.flood(gray, (200, 300), tolerance=60),
        ),
    ]
    return [Case(f"image.{name}", who, ours, theirs, bytes=4 * PIXELS, within=None) for name, who, ours, theirs in rows]
