"""The Roberts cross against scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import skimage.filters

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("image.roberts", peer="scikit-image", tolerance="1e-6, scaled", data="photos")
def test_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for gray in (picture for picture in photos.values() if picture.ndim == 2):
        peer = skimage.filters.roberts(gray / 255.0) * np.sqrt(2)
        for image, unit in ((gray, 255), (gray.astype(np.uint16) * 257, 65535), (sl.to_float(gray), 1)):
            worst = max(worst, float(np.abs(sl.image.roberts(image) / unit - peer).max()))
    measured(worst)
    assert worst <= 1e-6


def test_colour_is_turned_to_gray(photos: dict[str, np.ndarray]) -> None:
    gray = sl.image.convert(photos["noise"], "rgb", "gray")
    np.testing.assert_array_equal(sl.image.roberts(photos["noise"]), sl.image.roberts(gray))


def test_nan_spreads_left_and_up() -> None:
    image = np.zeros((7, 7), np.float32)
    image[3, 3] = np.nan
    assert np.argwhere(np.isnan(sl.image.roberts(image))).tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]


def test_out_is_checked_in_its_name() -> None:
    image = np.zeros((4, 5), np.uint8)
    out = np.empty((4, 5), np.float32)
    assert sl.image.roberts(image, out=out) is out
    with pytest.raises(InputError, match="roberts: out must be 4×5 float32"):
        sl.image.roberts(image, out=np.empty((4, 5), np.uint8))


def test_steps_show_both_diagonals(photos: dict[str, np.ndarray]) -> None:
    played = sl.trace(sl.image.roberts, photos["rings"])
    assert [step.name for step in played] == ["grey", "falling", "rising", "magnitude"]
    length = np.hypot(played["falling"].value, played["rising"].value)
    np.testing.assert_allclose(played.result, length, rtol=1e-6)
