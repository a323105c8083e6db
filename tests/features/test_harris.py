"""Harris' response against OpenCV, which has the same derivatives and a square window."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import scipy.ndimage
import skimage.feature

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("features.harris", peer="opencv", tolerance="1e-5 of the largest response", data="photos")
def test_a_square_window_gives_the_response_of_opencv(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    for name, image in photos.items():
        gray = image if image.ndim == 2 else sl.image.convert(image, "rgb", "gray")
        for picture in (gray, sl.to_float(gray)):
            for block in (1, 3, 5, 9):
                peer = cv2.cornerHarris(picture, block, 3, 0.05)
                ours = 16 * sl.features.harris(picture, 0.05, block=block)
                assert ours.dtype == np.float32, name
                worst = max(worst, float(np.abs(ours - peer).max() / max(np.abs(peer).max(), 1e-6)))
    measured(worst)
    assert worst < 1e-5


def test_a_gaussian_window_finds_the_corners_of_scikit_image(photos: dict[str, np.ndarray]) -> None:
    gray = sl.to_float(photos.get("camera", photos["rings"])[:150, :180])
    dx, dy = (scipy.ndimage.sobel(gray, axis, mode="mirror") / 8 for axis in (1, 0))
    xx, xy, yy = (
        scipy.ndimage.gaussian_filter(part, 1.5, mode="mirror", truncate=4) for part in (dx * dx, dx * dy, dy * dy)
    )
    expected = xx * yy - xy * xy - 0.04 * (xx + yy) ** 2
    ours = sl.features.harris(gray, sigma=1.5)
    assert np.allclose(ours, expected, atol=1e-5 * np.abs(expected).max())
    peer = skimage.feature.corner_harris(gray, sigma=1.5, k=0.04)[12:-12, 12:-12]
    inner = ours[12:-12, 12:-12]
    assert np.corrcoef(peer.ravel(), inner.ravel())[0, 1] > 0.99


def test_nan_spoils_the_window_only() -> None:
    image = np.random.default_rng(1).random((40, 40), np.float32)
    image[20, 20] = np.nan
    bad = np.isnan(sl.features.harris(image, block=3))
    assert bad[18:23, 18:23].any()
    assert not bad[:17].any()
    assert not bad[:, 24:].any()


def test_a_window_has_a_middle() -> None:
    with pytest.raises(InputError, match=r"harris: block must be an odd whole number in 1–63; got 4\. Use 5"):
        sl.features.harris(np.zeros((9, 9), np.uint8), block=4)
