"""Local binary patterns against scikit-image: the same numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
import pytest
from skimage import feature

import sightline as sl
from sightline.core import evidence

METHODS = ("default", "ror", "uniform", "nri_uniform", "var")


@pytest.mark.parametrize("method", METHODS)
@evidence.equals(
    "features.lbp", peer="scikit-image", tolerance="identical (variance: 1e-6 of the largest)", data="photos"
)
def test_equals_scikit_image(method: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in (photo[:90, :120] for photo in photos.values() if photo.ndim == 2):
        for image in (photo, photo.astype(np.uint16) * np.uint16(257)):
            for points, radius in ((8, 1), (12, 2.5), (18, 3)):
                with np.errstate(invalid="ignore", divide="ignore"):
                    theirs = np.nan_to_num(feature.local_binary_pattern(image, points, radius, method))
                ours = sl.features.lbp(image, points, radius, method)
                assert ours.dtype == (np.float32 if method == "var" else np.int32)
                worst = max(worst, float(np.abs(ours - theirs).max() / (theirs.max() or 1 if method == "var" else 1)))
    measured(worst)
    assert worst <= (1e-6 if method == "var" else 0)


def test_float_images_have_the_same_patterns() -> None:
    image = np.random.default_rng(2).random((40, 50), np.float32)
    with warnings.catch_warnings():  # it warns of what rounding does to equal neighbours
        warnings.simplefilter("ignore")
        theirs = feature.local_binary_pattern(image, 8, 1, "default")
    assert np.array_equal(sl.features.lbp(image), theirs)


def test_a_quarter_turn_of_the_picture_keeps_its_histogram() -> None:
    image = np.random.default_rng(3).integers(0, 256, (64, 64), dtype=np.uint8)
    inner = slice(2, -2), slice(2, -2)  # beyond the border is 0
    for method in ("ror", "uniform"):
        counts = [
            np.bincount(sl.features.lbp(turned, method=method)[inner].ravel(), minlength=256)
            for turned in (image, np.rot90(image).copy())
        ]
        assert np.array_equal(*counts)


def test_flat_ground_has_all_bits_set_and_no_variance() -> None:
    flat = np.full((9, 9), 77, np.uint8)
    assert sl.features.lbp(flat)[4, 4] == 255
    assert sl.features.lbp(flat, method="var")[4, 4] == 0
