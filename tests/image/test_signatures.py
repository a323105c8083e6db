"""What callers rely on: the first parameters of the classical methods, their names, their order and their defaults."""

from __future__ import annotations

import inspect

import pytest

import sightline as sl

EMPTY = inspect.Parameter.empty
KEYWORD_ONLY = inspect.Parameter.KEYWORD_ONLY
FIXED = {
    "adaptive_threshold": "image, size, offset, method='mean'",
    "bilateral_filter": "image, size, sigma_color, sigma_space",
    "blend": "a, b, mask, levels",
    "box_blur": "image, size",
    "canny": "image, low, high, sigma=1.4",
    "clahe": "image, clip_limit=2.0, tiles=(8, 8)",
    "closing": "image, footprint",
    "convert": "image, source, target",
    "convolve": "image, kernel, stride=1, padding='same'",
    "correlate": "image, kernel, stride=1, padding='same'",
    "dilate": "image, footprint",
    "distance_transform": "mask",
    "dwt": "image, wavelet, levels",
    "equalize": "image",
    "erode": "image, footprint",
    "fft": "image",
    "find_contours": "mask",
    "frequency_filter": "image, kind, band, cutoff",
    "gaussian_blur": "image, sigma",
    "gaussian_pyramid": "image, levels",
    "gradient": "image, operator='sobel'",
    "grab_cut": "image, box, mask",
    "histogram": "image, bins=256",
    "hough_circles": "image",
    "hough_lines": "mask",
    "hough_segments": "mask",
    "kmeans_segment": "image, k, seed",
    "label": "mask, connectivity=8",
    "laplacian": "image",
    "laplacian_pyramid": "image, levels",
    "match_template": "image, template, score='ncc'",
    "median_blur": "image, size",
    "opening": "image, footprint",
    "otsu_threshold": "image",
    "register": "fixed, moving, model",
    "resize": "image, shape, method='bilinear', antialias=None",
    "seam_carve": "image, shape, protect=None, remove=None",
    "slic": "image, segments",
    "sobel": "image",
    "stitch": "images",
    "threshold": "image, value, kind='binary'",
    "warp_affine": "image, matrix, shape",
    "warp_perspective": "image, matrix, shape",
    "watershed": "image, markers",
}


@pytest.mark.parametrize("name", FIXED)
def test_the_first_parameters_of(name: str) -> None:
    fixed = inspect.signature(eval(f"lambda {FIXED[name]}: None")).parameters.values()
    found = list(inspect.signature(getattr(sl.image, name)).parameters.values())
    assert [one.name for one in found[: len(fixed)]] == [one.name for one in fixed]
    for one, other in zip(fixed, found, strict=False):
        assert other.kind is not KEYWORD_ONLY, f"{name}: {one.name} can be given by its place"
        assert one.default is EMPTY or other.default == one.default, f"{name}: the default of {one.name}"
    others = [one.name for one in found[len(fixed) :] if one.default is EMPTY]
    assert others == [], f"{name}: cannot be called without {others}"
