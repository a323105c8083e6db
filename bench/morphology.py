"""Morphology, connected components and distances at 1080p against OpenCV; SciPy or scikit-image where it has none."""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage
from skimage import filters, morphology

from sightline import image

from . import scenes
from .timing import Case

HEIGHT, WIDTH = 1080, 1920
PIXELS = HEIGHT * WIDTH


def cases() -> list[Case]:
    """Return the cases; the peer's image is a copy, so that neither side finds the other's data in its cache."""
    gray = scenes.gray(HEIGHT, WIDTH)
    return [*_grey(gray, gray.copy()), *_masks(gray > 127), *_distances(gray > 100, gray)]


def _grey(a: np.ndarray, b: np.ndarray) -> list[Case]:
    out, peer_out = np.empty((2, HEIGHT, WIDTH), np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (31, 31))
    footprints = {"5×5": (5, np.ones((5, 5), np.uint8)), "31×31": (31, np.ones((31, 31), np.uint8))}
    footprints["disc 31"] = (disc > 0, disc)
    operations = {
        "opening": (image.opening, cv2.MORPH_OPEN),
        "closing": (image.closing, cv2.MORPH_CLOSE),
        "top_hat": (image.top_hat, cv2.MORPH_TOPHAT),
        "black_hat": (image.black_hat, cv2.MORPH_BLACKHAT),
        "morphological_gradient": (image.morphological_gradient, cv2.MORPH_GRADIENT),
    }
    return [
        Case(
            f"image.{name} {what}",
            "opencv",
            lambda f=ours, call=call: call(a, f, out=out),
            lambda s=theirs, code=code: cv2.morphologyEx(b, code, s, dst=peer_out),
            bytes=2 * PIXELS,
        )
        for name, (call, code) in operations.items()
        for what, (ours, theirs) in footprints.items()
    ]


def _masks(mask: np.ndarray) -> list[Case]:
    pixels = mask.astype(np.uint8)
    labels, peer_labels = np.empty((2, HEIGHT, WIDTH), np.int32)
    out = np.empty((HEIGHT, WIDTH), np.bool_)
    rows = [
        Case(
            f"image.label {connectivity}",
            "opencv",
            lambda c=connectivity: image.label(mask, c, out=labels)[0] > 0,
            lambda c=connectivity: cv2.connectedComponents(pixels, labels=peer_labels, connectivity=c)[1] > 0,
            bytes=5 * PIXELS,
        )
        for connectivity in (4, 8)
    ]
    rows.append(
        Case(
            "image.label and regions",
            "opencv",
            lambda: len(image.regions(image.label(mask, out=labels)[0])),
            lambda: cv2.connectedComponentsWithStats(pixels, labels=peer_labels)[0] - 1,
            bytes=5 * PIXELS,
        )
    )
    rows.append(
        Case(
            "image.fill_holes",
            "scipy",
            lambda: image.fill_holes(mask),
            lambda: ndimage.binary_fill_holes(mask),
            2 * PIXELS,
        )
    )
    rows.append(
        Case(
            "image.skeletonize",
            "scikit-image",
            lambda: image.skeletonize(mask, out=out),
            lambda: morphology.skeletonize(mask),
            bytes=2 * PIXELS,
        )
    )
    rows.append(
        Case(
            "image.majority 5×5",
            "scikit-image",
            lambda: image.majority(mask, 5, out=out),
            lambda: filters.rank.majority(pixels, np.ones((5, 5), np.uint8)),
            bytes=2 * PIXELS,
        )
    )
    rows.append(
        Case(
            "image.remove_small",
            "scikit-image",
            lambda: image.remove_small(mask, 64, out=out),
            lambda: morphology.remove_small_objects(mask, max_size=63, connectivity=2),
            bytes=2 * PIXELS,
        )
    )
    return rows


def _distances(mask: np.ndarray, gray: np.ndarray) -> list[Case]:
    out, peer_out = np.empty((2, HEIGHT, WIDTH), np.float32)
    metrics = {
        "euclidean": (cv2.DIST_L2, cv2.DIST_MASK_PRECISE),
        "l1": (cv2.DIST_L1, 3),
        "chessboard": (cv2.DIST_C, 3),
    }
    scenes_ = {"scene": mask, "edges": cv2.Canny(gray, 50, 150) == 0}
    return [
        Case(
            f"image.distance_transform {metric} {name}",
            "opencv",
            lambda m=picture, metric=metric: image.distance_transform(m, metric=metric, out=out),
            lambda m=picture, codes=codes: cv2.distanceTransform(m.view(np.uint8), *codes, dst=peer_out),
            bytes=5 * PIXELS,
            within=1e-3,
        )
        for name, picture in scenes_.items()
        for metric, codes in metrics.items()
    ]
