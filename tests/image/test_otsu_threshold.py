"""Otsu's threshold against OpenCV and scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage.filters import threshold_otsu

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

otsu = sl.image.otsu_threshold


def grays(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the photos in grey."""
    return [image if image.ndim == 2 else sl.image.convert(image, "rgb", "gray") for image in photos.values()]


@evidence.equals("image.otsu_threshold", peer="opencv", tolerance="identical (uint8, uint16)", data="photos")
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in grays(photos):
        for image in (gray, gray.astype(np.uint16) * np.uint16(200) + np.uint16(13)):
            white = np.iinfo(image.dtype).max
            worst = max(worst, abs(otsu(image) - cv2.threshold(image, 0, white, cv2.THRESH_OTSU)[0]))
    measured(worst)
    assert worst == 0


@evidence.equals(
    "image.otsu_threshold", peer="scikit-image", tolerance="identical (integers), 1e-6 (float32)", data="photos"
)
def test_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in grays(photos):
        smooth = cv2.GaussianBlur(gray, (0, 0), 1.3) / np.float32(255)
        worst = max(worst, abs(otsu(gray) - float(threshold_otsu(gray))), abs(otsu(smooth) - threshold_otsu(smooth)))
    measured(worst)
    assert worst <= 1e-6


@pytest.mark.parametrize("size", [1, 7, 8, 9, 300])
def test_every_pixel_is_counted(size: int) -> None:
    image = np.full((1, size), 40, np.uint8)
    image[0, -1] = 90
    assert otsu(image) == (90 if size == 1 else 40)


@pytest.mark.parametrize(("dtype", "value"), [("uint8", 7), ("uint16", 700), ("float32", 0.25)])
def test_an_image_of_one_value_gives_that_value(dtype: str, value: float) -> None:
    image = np.full((4, 5), value, dtype)
    assert otsu(image) == value
    assert not sl.image.threshold(image, otsu(image)).any()


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="otsu_threshold: image must be finite"):
        otsu(np.array([[0.1, np.nan]], np.float32))


def test_steps_end_in_the_threshold(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(otsu, photos["rings"])
    assert trace.result == otsu(photos["rings"])
    assert trace["variance between the classes"].layers[0].mark == trace.result
    curve = trace["variance between the classes"].value
    assert curve[np.argmax(curve[:, 1]), 0] == trace.result
    assert np.array_equal(trace[-1].layers[1].value, sl.image.threshold(photos["rings"], trace.result))
