"""Sobel's gradient length against OpenCV."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

import sightline as sl
from sightline.core import evidence


@evidence.equals("image.sobel", peer="opencv", tolerance="relative 1e-6 of the largest (uint8, float32)", data="photos")
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in (picture for picture in photos.values() if picture.ndim == 2 and min(picture.shape) > 1):
        for image in (gray, gray / np.float32(255)):
            peer = cv2.magnitude(cv2.Sobel(image, cv2.CV_32F, 1, 0), cv2.Sobel(image, cv2.CV_32F, 0, 1))
            worst = max(worst, float(np.abs(sl.image.sobel(image) - peer).max() / peer.max()))
    measured(worst)
    assert worst <= 1e-6


def test_is_the_length_of_the_gradient(photos: dict[str, np.ndarray]) -> None:
    dx, dy = sl.image.gradient(photos["rings"])
    expected = np.hypot(dx.astype(np.float32), dy.astype(np.float32))
    np.testing.assert_allclose(sl.image.sobel(photos["rings"]), expected, rtol=1e-6)


def test_a_step_of_a_16_bit_image_keeps_its_units() -> None:
    step = np.zeros((3, 4), np.uint16)
    step[:, 2:] = 1000
    assert sl.image.sobel(step)[1].tolist() == [0, 4000, 4000, 0]


def test_nan_spreads_to_its_neighbours() -> None:
    image = np.zeros((7, 7), np.float32)
    image[3, 3] = np.nan
    bad = np.isnan(sl.image.sobel(image))
    assert bad[2:5, 2:5].sum() == 8
    assert bad.sum() == 8


def test_the_last_step_is_the_result(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(sl.image.sobel, photos["rings"])
    assert np.array_equal(trace.result, sl.image.sobel(photos["rings"]))
