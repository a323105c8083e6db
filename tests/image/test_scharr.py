"""Scharr's gradient length against OpenCV and scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.filters

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("image.scharr", peer="opencv", tolerance="relative 1e-6 of the largest", data="photos")
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in (picture for picture in photos.values() if picture.ndim == 2 and min(picture.shape) > 1):
        for image in (gray, gray.astype(np.uint16) * 257, gray / np.float32(255)):
            peer = cv2.magnitude(cv2.Scharr(image, cv2.CV_32F, 1, 0), cv2.Scharr(image, cv2.CV_32F, 0, 1))
            worst = max(worst, float(np.abs(sl.image.scharr(image) - peer).max() / peer.max()))
    measured(worst)
    assert worst <= 1e-6


@evidence.equals("image.scharr", peer="scikit-image", tolerance="1e-6 inside the border, scaled", data="photos")
def test_agrees_with_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in (picture for picture in photos.values() if picture.ndim == 2 and min(picture.shape) > 2):
        peer = skimage.filters.scharr(gray / 255.0)
        ours = sl.image.scharr(sl.to_float(gray)) / (16 * np.sqrt(2))
        worst = max(worst, float(np.abs(ours - peer)[1:-1, 1:-1].max()))
    measured(worst)
    assert worst <= 1e-6


def test_is_the_length_of_the_gradient(photos: dict[str, np.ndarray]) -> None:
    dx, dy = sl.image.gradient(photos["rings"], operator="scharr")
    expected = np.hypot(dx.astype(np.float32), dy.astype(np.float32))
    np.testing.assert_allclose(sl.image.scharr(photos["rings"]), expected, rtol=1e-6)


def test_a_transposed_image_has_the_transposed_edges(photos: dict[str, np.ndarray]) -> None:
    turned = sl.image.scharr(np.ascontiguousarray(photos["rings"].T))
    np.testing.assert_allclose(turned, sl.image.scharr(photos["rings"]).T, rtol=1e-6)


def test_out_is_checked_in_its_name() -> None:
    image = np.zeros((4, 5), np.uint8)
    out = np.empty((4, 5), np.float32)
    assert sl.image.scharr(image, out=out) is out
    with pytest.raises(InputError, match="scharr: out must be 4×5 float32"):
        sl.image.scharr(image, out=np.empty((4, 5), np.uint8))


def test_the_last_step_is_the_result(photos: dict[str, np.ndarray]) -> None:
    played = sl.trace(sl.image.scharr, photos["rings"])
    assert [step.name for step in played] == ["grey", "dx", "dy", "magnitude"]
    assert np.array_equal(played.result, sl.image.scharr(photos["rings"]))
