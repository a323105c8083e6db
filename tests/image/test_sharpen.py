"""Sharpening by the Laplacian against OpenCV's filter2D."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

FOUR, EIGHT = np.float32([[0, 1, 0], [1, -4, 1], [0, 1, 0]]), np.float32([[1, 1, 1], [1, -8, 1], [1, 1, 1]])
SAME = np.float32([[0, 0, 0], [0, 1, 0], [0, 0, 0]])


@evidence.equals("image.sharpen", peer="opencv", tolerance="1 grey level, 1e-5 (float32)", data="photos")
def test_agrees_with_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        for neighbours, table in ((4, FOUR), (8, EIGHT)):
            for amount in (1.0, 0.3):
                kernel = SAME - np.float32(amount) * table
                for image, bound in ((picture, 1), (sl.to_float(picture), 1e-5)):
                    peer = cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE).reshape(image.shape)
                    ours = sl.image.sharpen(image, amount, neighbours=neighbours, border="edge")
                    error = float(np.abs(ours.astype(np.float64) - peer).max())
                    assert error <= bound
                    worst = max(worst, error)
    measured(worst)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_amount_zero_and_flat_images_change_nothing(dtype: str) -> None:
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    picture = (np.random.default_rng(3).random((20, 31, 3)) * top).astype(dtype)
    np.testing.assert_array_equal(sl.image.sharpen(picture, 0), picture)
    flat = np.full((5, 6), top, dtype)
    np.testing.assert_allclose(sl.image.sharpen(flat, 3, neighbours=8), flat, rtol=1e-6)


def test_is_the_image_less_its_laplacian(photos: dict[str, np.ndarray]) -> None:
    image = sl.to_float(photos["rings"])
    expected = image - 0.5 * sl.image.laplacian(image)
    np.testing.assert_allclose(sl.image.sharpen(image, 0.5), expected, atol=1e-6)


def test_nan_spoils_the_neighbours_that_count() -> None:
    picture = np.zeros((7, 7), np.float32)
    picture[3, 3] = np.nan
    assert np.isnan(sl.image.sharpen(picture)).sum() == 5
    assert np.isnan(sl.image.sharpen(picture, neighbours=8)).sum() == 9


def test_steps_show_the_kernel(photos: dict[str, np.ndarray]) -> None:
    played = sl.trace(sl.image.sharpen, photos["noise"], 0.5)
    assert [step.name for step in played] == ["kernel", "sharpened"]
    assert played["kernel"].value.tolist() == [[0, -0.5, 0], [-0.5, 3, -0.5], [0, -0.5, 0]]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"amount": -1}, "amount must be a number in 0–10"),
        ({"neighbours": 6}, "neighbours must be 4 or 8; got 6"),
        ({"neighbours": "4"}, "neighbours must be a whole number"),
        ({"border": "mirror"}, "border must be one of"),
    ],
)
def test_refusals_say_what_is_wrong(options: dict[str, object], sentence: str) -> None:
    with pytest.raises(InputError, match=f"sharpen: {sentence}"):
        sl.image.sharpen(np.zeros((4, 6), np.uint8), **options)
