"""What shows a method best: the sample photo, and options where the example that the tests use shows little."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Sized = Callable[[np.ndarray], Any]

# Names of sample photos, by method; all other methods show the cat.
_BY_SAMPLE = """
coins: watershed label regions distance_transform fill_holes remove_small otsu_threshold multi_otsu triangle_threshold
coins: threshold hysteresis_threshold opening closing erode dilate majority region_grow hough_circles reconstruct
coins: morphological_gradient labels histogram
page: adaptive_threshold sauvola_threshold black_hat top_hat homomorphic
horse: skeletonize find_contours moments hu_moments match_shapes hit_or_miss
sheet: hough_lines hough_segments scan_document find_page
shapes: hough_ellipses simple_blobs blobs_log blobs_dog blobs_doh
road: find_lanes
codes: scan_codes
rocket: seam_carve resize blend wavelet_blend
astronaut: grab_cut mesh_morph line_morph keypoints
retina: clahe equalize histogram
flower: kmeans_segment slic mean_shift_segment felzenszwalb selective_search normalized_cut agglomerative_segment
china: stitch register phase_correlation fft spectrum frequency_filter
coffee: gaussian_pyramid laplacian_pyramid find_template match_template convert
camera: canny sobel scharr prewitt roberts gradient laplacian difference_of_gaussians gabor dwt unsharp_mask
camera: wavelet_denoise non_local_means
"""
_ROWS = [line.partition(":") for line in _BY_SAMPLE.split("\n") if line]
SAMPLE_OF = {method: sample for sample, _, names in _ROWS for method in names.split()}
USUAL_SAMPLE = "cat"


def sample_for(name: str) -> str:
    """Return the name of the sample photo that shows a method best."""
    return SAMPLE_OF.get(name, USUAL_SAMPLE)


def _middle_box(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return np.array([0.3 * width, 0.05 * height, 0.72 * width, 0.95 * height]).round()


def _two_boxes(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    return np.array([[0.15, 0.2, 0.5, 0.6], [0.55, 0.3, 0.9, 0.8]]) * (width, height, width, height)


def _person(image: np.ndarray) -> np.ndarray:
    points = [(0.5, 0.2), (0.5, 0.35), (0.35, 0.5), (0.65, 0.5), (0.5, 0.6), (0.42, 0.85), (0.58, 0.85)]
    return np.array([points]) * (image.shape[1], image.shape[0])


def _at(*shares: tuple[float, ...]) -> Sized:
    """Return what turns shares of the width and the height into pixels of a picture."""
    return lambda image: np.array(shares) * ([image.shape[1], image.shape[0]] * (len(shares[0]) // 2))


def _narrower(image: np.ndarray) -> tuple[int, int]:
    return image.shape[0], image.shape[1] * 2 // 3


def _half(image: np.ndarray) -> tuple[int, int]:
    return max(1, image.shape[0] // 2), max(1, image.shape[1] // 2)


def _turned(image: np.ndarray) -> np.ndarray:
    """Return the 2×3 matrix of a turn by 15° about the middle."""
    height, width = image.shape[:2]
    cos, sin = np.cos(np.pi / 12), np.sin(np.pi / 12)
    x, y = (width - 1) / 2, (height - 1) / 2
    return np.array([[cos, -sin, x - cos * x + sin * y], [sin, cos, y - sin * x - cos * y]])


def _markers(relief: np.ndarray) -> np.ndarray:
    """Return a marker on the darkest ground and one in the middle of each bright thing."""
    from sightline import image as methods

    gray = relief if relief.ndim == 2 else methods.convert(relief, "rgb", "gray")
    smooth = methods.gaussian_blur(gray, 2.0)
    bright = methods.fill_holes(smooth > methods.otsu_threshold(smooth))
    depth = methods.distance_transform(bright)
    middles, _ = methods.label(depth > 0.5 * max(float(depth.max()), 1e-6))
    ground = methods.distance_transform(~bright) > 4
    return np.where(ground, 1, np.where(middles > 0, middles + 1, 0)).astype(np.int32)


def _same_as(image: np.ndarray) -> tuple[int, int]:
    return image.shape[0], image.shape[1]


def _tilted(image: np.ndarray) -> np.ndarray:
    """Return the 3×3 matrix of a page that leans back."""
    height = image.shape[0]
    return np.array([[1.0, -0.25, 0.1 * height], [0.0, 0.8, 0.05 * height], [0.0, -0.6 / height, 1.0]])


# None leaves an option at its default, where the tests' example sets it.
OPTIONS: dict[str, dict[str, Any]] = {
    "scan_document": {"corners": None},
    "adaptive_threshold": {"size": 31, "offset": 10.0},
    "bilateral_filter": {"size": 9, "sigma_color": 40.0, "sigma_space": 3.0},
    "box_blur": {"size": 15},
    "boxes": {"boxes": _two_boxes, "labels": ("one", "two")},
    "contours": {"contours": lambda image: [_at((0.2, 0.2), (0.8, 0.25), (0.65, 0.85), (0.3, 0.7))(image)]},
    "find_template": {"threshold": 0.7},
    "gaussian_blur": {"sigma": 4.0},
    "grab_cut": {"box": _middle_box},
    "hough_ellipses": {"min_size": 20.0, "max_size": 90.0},
    "hysteresis_threshold": {"low": 100.0, "high": 160.0},
    "keypoints": {"points": _at((0.3, 0.4), (0.7, 0.4), (0.5, 0.7)), "links": [(0, 2), (1, 2)]},
    "circles": {"circles": lambda image: np.array([[0.5, 0.5, 0.3], [0.3, 0.35, 0.12]]) * min(image.shape[:2])},
    "ellipses": {
        "ellipses": lambda image: np.array([[0.5, 0.5, 0.4, 0.2, 0]]) * min(image.shape[:2]) + [[0, 0, 0, 0, 0.5]]
    },
    "lines": {"lines": _at((0.1, 0.1, 0.9, 0.9), (0.1, 0.9, 0.9, 0.2))},
    "local_maxima": {"distance": 20},
    "matches": {"matches": _at((0.3, 0.4, 0.7, 0.4), (0.7, 0.4, 0.3, 0.4), (0.5, 0.7, 0.5, 0.7))},
    "normalized_cut": {"segments": 8, "superpixels": 100},
    "region_grow": {"seeds": _at((0.5, 0.5)), "tolerance": 40.0},
    "resize": {"shape": _half},
    "seam_carve": {"shape": _narrower},
    "skeletons": {"keypoints": _person, "links": [(0, 1), (1, 2), (1, 3), (1, 4), (4, 5), (4, 6)]},
    "slic": {"segments": 200},
    "kmeans_segment": {"k": 4},
    "agglomerative_segment": {"segments": 8},
    "tracks": {"paths": lambda image: [_at((0.1, 0.9), (0.3, 0.6), (0.6, 0.5), (0.9, 0.2))(image)], "ids": (7,)},
    "warp_affine": {"matrix": _turned, "shape": _same_as},
    "warp_perspective": {"matrix": _tilted, "shape": _same_as},
    "watershed": {"markers": _markers},
}
