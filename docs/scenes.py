"""What the gallery shows a method on: the photo, what is done to it first, and the arguments besides it.

Photos come from the folder of real data where it is there, else from the few that travel with the package.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import sightline as sl
from sightline.apply.inputs import first_argument
from sightline.core.catalogue import Method

WIDTH = 480  # pixels that a photo is shrunk to
PACKAGED = sl.data.SAMPLES["cat"].path

# Where the usual photo shows little: another one, and what to do to it first.
PHOTOS: dict[str, str] = {
    **dict.fromkeys(("hough_lines", "hough_segments", "scan_document"), "opencv_samples/sudoku.png"),
    **dict.fromkeys(("hough_circles", "blobs_log", "blobs_dog", "blobs_doh"), "opencv_samples/smarties.png"),
    **dict.fromkeys(
        ("mean_shift_segment", "mean_shift_filter", "normalized_cut", "agglomerative_segment", "felzenszwalb"),
        "skimage_samples/coffee.png",
    ),
    **dict.fromkeys(("hysteresis_threshold", "region_grow"), "skimage_samples/coins.png"),
    **dict.fromkeys(
        ("label", "regions", "distance_transform", "watershed", "fill_holes", "moving_boxes"),
        "skimage_samples/coins.png",
    ),
    **dict.fromkeys(("otsu_threshold", "multi_otsu", "triangle_threshold", "threshold"), "skimage_samples/coins.png"),
    **dict.fromkeys(("adaptive_threshold", "sauvola_threshold"), "skimage_samples/page.png"),
    **dict.fromkeys(("skeletonize", "find_contours", "moments", "hu_moments"), "skimage_samples/horse.png"),
    "simple_blobs": "opencv_samples/detect_blob.png",
    "scan_codes": "barcodes/qrcode-6/1.png",
    "seam_carve": "skimage_samples/rocket.jpg",
    "grab_cut": "opencv_samples/messi5.jpg",
    "clahe": "skimage_samples/moon.png",
    "equalize": "skimage_samples/moon.png",
    "stitch": "opencv_samples/graf1.png",
    "register": "opencv_samples/graf1.png",
    "find_chessboard": "opencv_samples/left01.jpg",
    **dict.fromkeys(("sgm", "block_match"), "middlebury_stereo/cones/im2.png"),
    **dict.fromkeys(("sift", "orb", "harris", "shi_tomasi", "fast"), "opencv_samples/graf1.png"),
}


def _coin_seeds(image: np.ndarray) -> np.ndarray:
    """Return a marker for the ground and one in the middle of each coin; ``image`` is the relief."""
    gray = sl.image.convert(picture_for("watershed"), "rgb", "gray")
    bright = sl.image.fill_holes(gray > sl.image.sauvola_threshold(gray, 71, -0.1))
    middles, _ = sl.image.label(sl.image.distance_transform(sl.image.opening(bright, 9)) > 8)
    ground = ~sl.image.dilate(bright, 9)
    return np.where(ground, 1, np.where(middles > 0, middles + 1, 0)).astype(np.int32)[: image.shape[0]]


def _other_eye(image: np.ndarray) -> np.ndarray:
    """Return the right picture of the pair, where the folder of real data is there; else everything moved."""
    path = next((f / "middlebury_stereo/cones/im6.png" for f in folders() if (f / "middlebury_stereo").is_dir()), None)
    if path is None:
        return np.roll(image, -4, axis=1)
    other = sl.read(path)
    return other if image.ndim == 3 else sl.image.convert(other, "rgb", "gray")


def _person(image: np.ndarray) -> np.ndarray:
    points = [(0.5, 0.2), (0.5, 0.35), (0.35, 0.5), (0.65, 0.5), (0.5, 0.6), (0.42, 0.85), (0.58, 0.85)]
    return np.array([points]) * (image.shape[1], image.shape[0])


def _shrunk(image: np.ndarray) -> tuple[int, int]:
    return image.shape[0], image.shape[1] * 2 // 3


# Where the example that the tests use shows little.
OPTIONS: dict[str, dict[str, Any]] = {
    "watershed": {"markers": _coin_seeds},
    "sgm": {"right": _other_eye},
    "block_match": {"right": _other_eye},
    **{name: {"footprint": 9} for name in ("dilate", "erode", "opening", "closing", "top_hat", "black_hat")},
    "morphological_gradient": {"footprint": 9},
    **{name: {"size": 9} for name in ("min_filter", "max_filter")},
    "rank_filter": {"rank": None, "percentile": 90.0, "size": 9},
    "adaptive_threshold": {"size": 31, "offset": 12},
    "hysteresis_threshold": {"low": 100, "high": 170},
    "region_grow": {"seeds": np.array([[100.0, 57], [216, 54], [154, 54]]), "tolerance": 45},
    "match_histogram": {"reference": lambda _: sl.data.sample("rocket")},
    "phase_correlation": {"b": lambda a: np.roll(a, (24, -40), (0, 1))},
    "normalized_cut": {"segments": 8, "superpixels": 300},
    "mean_shift_segment": {"radius": 10, "colour_radius": 8.0, "min_size": 200},
    "mean_shift_filter": {"radius": 10, "colour_radius": 30.0},
    "agglomerative_segment": {"segments": 12},
    "simple_blobs": {"color": "bright", "area": (100.0, 20000.0)},
    "grab_cut": {"box": np.array([40.0, 34, 425, 285])},
    "hough_ellipses": {"min_size": 20.0, "max_size": 120.0, "threshold": 60},
    **{name: {"min_sigma": 8.0, "max_sigma": 30.0} for name in ("blobs_log", "blobs_doh")},
    "local_maxima": {"distance": 20, "margin": 10},
    "blobs_dog": {"threshold": 0.15, "min_sigma": 8.0, "max_sigma": 30.0},
    "warp_affine": {"shape": None, "matrix": np.array([[0.8, -0.35, 100], [0.35, 0.8, -30]])},
    "warp_perspective": {"shape": None, "matrix": np.array([[1, 0.2, -20], [0.1, 1, 0], [0.0008, 0.0006, 1]])},
    "unsharp_mask": {"sigma": 2.0, "amount": 2.0},
    "sharpen": {"amount": 1.5},
    "non_local_means": {"sigma": 20.0},
    "median_blur": {"size": 5},
    "bilateral_filter": {"size": 11, "sigma_color": 60.0, "sigma_space": 4.0},
    "wiener_deconvolve": {"psf": lambda _: DEFOCUS, "balance": 0.001},
    "gaussian_blur": {"sigma": 4.0},
    "box_blur": {"size": 15},
    "seam_carve": {"shape": _shrunk},
    "resize": {"shape": (60, 80)},
    "boxes": {"boxes": np.array([[60.0, 60, 220, 180], [250, 90, 400, 240]]), "labels": ["left eye", "right eye"]},
    "keypoints": {"points": np.array([[150.0, 120], [310, 120], [240, 230]]), "links": [(0, 2), (1, 2)]},
    "skeletons": {
        "keypoints": _person,
        "links": [(0, 1), (1, 2), (1, 3), (1, 4), (4, 5), (4, 6)],
    },
    "tracks": {"paths": [np.array([[20.0, 280], [90, 200], [200, 180], [330, 90]])], "ids": [7]},
    "contours": {"contours": [np.array([[100.0, 60], [380, 80], [300, 280], [140, 250]])]},
    "circles": {"circles": np.array([[150.0, 120, 34], [310, 120, 34]])},
    "ellipses": {"ellipses": np.array([[235.0, 160, 170, 120, 0.1]])},
    "lines": {"lines": np.array([[20.0, 20, 440, 280], [30, 300, 450, 60]])},
    "matches": {
        "second": lambda first: first[:, ::-1].copy(),
        "matches": np.array([[150.0, 120, 330, 120], [310, 120, 170, 120], [240, 230, 240, 230]]),
    },
}
SAMPLES = {"hough_ellipses": "shapes", "find_lanes": "road", "find_page": "sheet"}  # photos of the package
DEFOCUS = (np.hypot(*np.mgrid[-5:6, -5:6]) <= 4.5) / 69.0  # what a lens out of focus makes of a point: 69 pixels
INVERTED = {"horse.png"}  # dark things on a light ground
BRIGHT = {"blobs_log", "blobs_dog", "blobs_doh"}  # methods that look for what is bright
NOISY = {"non_local_means", "wavelet_denoise", "bilateral_filter", "guided_filter", "median_blur"}
EDGES = {"hough_lines", "hough_segments", "hough_ellipses"}  # masks of edges, not of things


def options_for(entry: Method, image: np.ndarray) -> dict[str, Any]:
    """Return the arguments besides the first."""
    chosen = {**entry.example, **OPTIONS.get(entry.name, {})}
    return {name: value(image) if callable(value) else value for name, value in chosen.items() if value is not None}


def picture_for(name: str) -> np.ndarray:
    """Return the photo that shows a method best."""
    wanted = PHOTOS.get(name, "")
    path = next((f / wanted for f in folders() if wanted and (f / wanted).is_file()), PACKAGED)
    if name in SAMPLES:
        path = sl.data.SAMPLES[SAMPLES[name]].path
    photo = sl.read(path)
    if path.name in INVERTED:
        photo = 255 - photo
    height = round(photo.shape[0] * WIDTH / photo.shape[1])
    if name == "scan_codes":
        return photo
    return spoilt(name, sl.image.resize(photo, (height, WIDTH)) if photo.shape[1] > WIDTH else photo)


def spoilt(name: str, photo: np.ndarray) -> np.ndarray:
    """Return the photo with what a method is there to mend: noise, specks or a blur; or its negative."""
    random = np.random.default_rng(0)
    if name == "median_blur":
        return np.where(
            random.random(photo.shape[:2])[..., None] < 0.1, random.choice([0, 255], photo.shape), photo
        ).astype(np.uint8)
    if name in NOISY:
        return np.clip(np.rint(photo + random.normal(0, 20, photo.shape)), 0, 255).astype(np.uint8)
    if name == "wiener_deconvolve":
        return sl.image.convolve(photo, DEFOCUS, border="wrap")
    return 255 - photo if name in BRIGHT else photo


def folders() -> list[Path]:
    """Return where real data may lie."""
    data = os.environ.get("SIGHTLINE_DATA", "")
    return [*([Path(data)] if data else []), Path(__file__).resolve().parents[2] / "shared" / "data"]


def scene(entry: Method, photo: np.ndarray) -> np.ndarray:
    """Return the photo as the method's first argument; grey where it takes no colour."""
    kind = entry.parameters[0].kind
    gray = sl.image.convert(photo, "rgb", "gray")
    if kind == "mask":
        return sl.image.canny(gray) if entry.name in EDGES else gray > sl.image.otsu_threshold(gray)
    if kind == "labels":
        labels: Callable[..., Any] = sl.image.label
        return labels(gray > sl.image.otsu_threshold(gray))[0]
    if entry.name == "watershed":
        slope = sl.image.sobel(sl.image.gaussian_blur(gray, 1.0))
        return np.minimum(slope, 255).astype(np.uint8)
    image = first_argument(entry, photo)
    try:
        entry.function(image, **options_for(entry, image))
    except sl.InputError:
        return gray
    return image
