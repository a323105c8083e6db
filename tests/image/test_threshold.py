"""Thresholds against OpenCV."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

KINDS = {
    "binary": cv2.THRESH_BINARY,
    "binary_inverse": cv2.THRESH_BINARY_INV,
    "truncate": cv2.THRESH_TRUNC,
    "to_zero": cv2.THRESH_TOZERO,
    "to_zero_inverse": cv2.THRESH_TOZERO_INV,
}


@pytest.mark.parametrize("kind", KINDS)
@evidence.equals("image.threshold", peer="opencv", tolerance="identical (uint8, uint16, float32)", data="photos")
def test_equals_opencv(kind: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for picture in photos.values():
        for value in (0, 99, 100.7, 255):
            wide = picture.astype(np.uint16) * np.uint16(257)
            cases = ((picture, value, 255), (wide, 257 * value, 65535), (sl.to_float(picture), value / 255, 1))
            for image, level, white in cases:
                peer = cv2.threshold(image, level, white, KINDS[kind])[1]
                wrong += int((sl.image.threshold(image, level, kind=kind) != peer).sum())
    measured(wrong)
    assert wrong == 0


@pytest.mark.parametrize("kind", KINDS)
def test_nan_stays_nan(kind: str) -> None:
    image = np.array([[np.nan, 0.2, 0.8, np.inf, -np.inf]], np.float32)
    result = sl.image.threshold(image, 0.5, kind=kind)
    assert np.isnan(result).tolist() == [[True, False, False, False, False]]


@pytest.mark.parametrize(("dtype", "value"), [("uint8", 256), ("uint8", -1), ("uint16", 70000), ("float32", np.nan)])
def test_a_value_outside_the_dtype_is_refused(dtype: str, value: float) -> None:
    with pytest.raises(InputError, match=f"threshold: value must be a number in .* for {dtype}; got"):
        sl.image.threshold(np.zeros((2, 2), dtype), value)


def test_unknown_kind_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'binary'"):
        sl.image.threshold(np.zeros((2, 2), np.uint8), 3, kind="binry")
