"""Rotations against OpenCV, scikit-image and NumPy's quarter turns, and what is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from skimage import transform

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

rotate = sl.image.rotate
FLAGS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


@evidence.equals("image.rotate", peer="opencv", tolerance="within 1 grey level on 99.9 %", data="photos")
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        height, width = picture.shape[:2]
        for angle, center, scale in ((0.3, None, 1.0), (-2.0, (12.5, 30.0), 1.4), (math.radians(200), None, 0.6)):
            about = ((width - 1) / 2, (height - 1) / 2) if center is None else center
            matrix = cv2.getRotationMatrix2D(about, -math.degrees(angle), scale)
            for method, flag in FLAGS.items():
                peer = cv2.warpAffine(picture, matrix, (width, height), flags=flag)
                ours = rotate(picture, angle, center=center, scale=scale, method=method)
                worst = max(worst, float((np.abs(ours.astype(int) - peer) > 1).mean()))
    measured(worst)
    assert worst <= 1e-3


@evidence.equals("image.rotate", peer="scikit-image", tolerance="1e-4 inside, where the frame grows", data="photos")
def test_a_frame_that_grows_equals_scikit_image(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    for picture in photos.values():
        values = sl.to_float(picture)
        if min(values.shape[:2]) < 2:
            continue
        height, width = values.shape[:2]
        for degrees in (10, 117, -35):
            ours = rotate(values, math.radians(-degrees), expand=True, border="edge")
            peer = transform.rotate(values, degrees, resize=True, order=1, mode="edge", preserve_range=True)
            # Frames differ by a pixel at most: compared from their middles, where pixels fall on the same places.
            away = [abs(a - b) for a, b in zip(ours.shape[:2], peer.shape[:2], strict=True)]
            assert max(away) <= 1
            if max(away) == 0:
                worst = max(worst, float(np.abs(ours - peer).max()))
            assert np.hypot(height, width) + 1 >= max(ours.shape[:2])
    measured(worst)
    assert worst <= 1e-4


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("method", FLAGS)
@pytest.mark.parametrize("shape", [(7, 11), (8, 5, 3), (1, 1), (1, 6)])
def test_quarter_turns_are_numpys(dtype: str, method: str, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(2).integers(0, 256, shape).astype(dtype)
    for turns in range(-4, 5):
        turned = rotate(image, turns * math.pi / 2, expand=True, method=method)
        np.testing.assert_array_equal(turned, np.rot90(image, -turns))


def test_positive_is_with_the_clock_and_expand_keeps_all() -> None:
    image = np.zeros((21, 41), np.uint8)
    image[9:12, 38:] = 255  # to the right of the middle
    y, x = np.nonzero(rotate(image, 0.5, expand=True, method="nearest"))
    turned = rotate(np.ones((21, 41), np.uint8), 0.5, expand=True)
    assert y.mean() > turned.shape[0] / 2 > 0, "the right end goes down"
    assert x.mean() > turned.shape[1] / 2
    for angle in (0.1, 0.7, 2.2):
        ones = np.full((31, 50), 1, np.float32)
        assert rotate(ones, angle, expand=True).sum() == pytest.approx(31 * 50, rel=0.01)
        assert rotate(ones, angle, expand=True, scale=2).sum() == pytest.approx(4 * 31 * 50, rel=0.01)


def test_there_and_back(photos: dict[str, np.ndarray]) -> None:
    picture = sl.image.gaussian_blur(photos["camera"], 3)
    back = rotate(rotate(picture, 0.4, method="bicubic"), -0.4, method="bicubic")
    inner = slice(picture.shape[0] // 3, -picture.shape[0] // 3), slice(picture.shape[1] // 3, -picture.shape[1] // 3)
    assert np.abs(back[inner].astype(int) - picture[inner]).max() <= 4
    out = np.empty_like(picture)
    assert rotate(picture, 0.4, out=out) is out


@pytest.mark.parametrize(
    ("angle", "options", "sentence"),
    [
        (math.nan, {}, "rotate: angle must be a number"),
        ("left", {}, "rotate: angle must be a number"),
        (0.1, {"scale": 0}, "rotate: scale must be a number"),
        (0.1, {"scale": -1.0}, "rotate: scale must be a number"),
        (0.1, {"center": (1, 2), "expand": True}, "rotate: center must be None where expand is True"),
        (0.1, {"center": 3}, r"rotate: center must be \(x, y\); got int 3"),
        (0.1, {"center": (1, math.inf)}, r"rotate: center\[1\] must be a number"),
        (0.1, {"expand": 1}, "rotate: expand must be True or False"),
        (0.1, {"method": "cubic"}, "rotate: method must be one of"),
    ],
)
def test_refusals(angle: Any, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        rotate(np.zeros((5, 6), np.uint8), angle, **options)
