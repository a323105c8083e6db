"""Multi-band blending against the same bands mixed with OpenCV, and what must hold for any two images."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def noise(shape: tuple[int, ...], dtype: str = "uint8") -> np.ndarray:
    values = np.random.default_rng(7).random(shape, np.float32)
    return values if dtype == "float32" else (values * (np.iinfo(dtype).max + 1)).astype(dtype)


def disc(shape: tuple[int, ...]) -> np.ndarray:
    y, x = np.mgrid[0 : shape[0], 0 : shape[1]]
    return np.hypot(y - shape[0] / 2, x - shape[1] / 2) < min(shape[:2]) / 3


def by_opencv(a: np.ndarray, b: np.ndarray, mask: np.ndarray, levels: int) -> np.ndarray:
    """Return float32 images blended as the tutorials do, with pyrDown and pyrUp."""

    def gaussian(image: np.ndarray) -> list[np.ndarray]:
        pyramid = [image]
        for _ in range(levels - 1):
            pyramid.append(cv2.pyrDown(pyramid[-1]))
        return pyramid

    def bands(image: np.ndarray) -> list[np.ndarray]:
        pyramid = gaussian(image)
        fine = [g - cv2.pyrUp(c, dstsize=g.shape[1::-1]) for g, c in pairwise(pyramid)]
        return [*fine, pyramid[-1]]

    weights = gaussian(np.dstack([mask.astype(np.float32)] * 3))
    mixed = [w * x + (1 - w) * y for w, x, y in zip(weights, bands(a), bands(b), strict=True)]
    total = mixed[-1]
    for band in mixed[-2::-1]:
        total = cv2.pyrUp(total, dstsize=band.shape[1::-1]) + band
    return total


@evidence.equals("image.blend", peer="opencv", tolerance="1e-5", data="photos")
def test_agrees_with_the_bands_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        if picture.ndim == 2:
            continue
        a, mask = sl.to_float(picture), disc(picture.shape)
        b = np.ascontiguousarray(a[::-1, ::-1])
        for levels in (1, 2, 6):
            worst = max(worst, float(np.abs(sl.image.blend(a, b, mask, levels) - by_opencv(a, b, mask, levels)).max()))
    measured(worst)
    assert worst <= 1e-5


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(33, 20), (17, 40, 3), (1, 9), (1, 1)])
def test_a_full_mask_gives_the_first_and_an_empty_one_the_second(dtype: str, shape: tuple[int, ...]) -> None:
    a = noise(shape, dtype)
    b = np.ascontiguousarray(a[::-1, ::-1])
    full = np.ones(shape[:2], bool)
    tolerance = 1e-6 if dtype == "float32" else 0
    np.testing.assert_allclose(sl.image.blend(a, b, full), a, atol=tolerance)
    np.testing.assert_allclose(sl.image.blend(a, b, ~full), b, atol=tolerance)


def test_an_image_blended_with_itself_is_itself() -> None:
    a = noise((40, 31, 3))
    np.testing.assert_array_equal(sl.image.blend(a, a.copy(), disc(a.shape)), a)


def test_both_orders_agree() -> None:
    a, mask = noise((40, 31), "float32"), disc((40, 31))
    b = np.ascontiguousarray(a[::-1])
    np.testing.assert_allclose(sl.image.blend(a, b, mask), sl.image.blend(b, a, ~mask), atol=1e-6)


def test_a_step_becomes_as_wide_as_the_bands_ask() -> None:
    black, white = np.zeros((64, 256), np.float32), np.ones((64, 256), np.float32)
    left = np.broadcast_to(np.arange(256) < 128, (64, 256))
    widths = []
    for levels in (1, 3, 5):
        row = sl.image.blend(white, black, left, levels)[32]
        widths.append(int(((row > 0.01) & (row < 0.99)).sum()))
        assert np.all(np.diff(row) <= 1e-6)
    assert widths[0] == 0
    assert 4 < widths[1] < widths[2] / 2


def test_a_float_mask_mixes_by_its_share() -> None:
    a, b = noise((30, 40), "float32"), np.full((30, 40), 0.25, np.float32)
    share = np.full((30, 40), 0.3, np.float32)
    np.testing.assert_allclose(sl.image.blend(a, b, share), 0.3 * a + 0.7 * b, atol=1e-6)
    mask = disc((30, 40))
    np.testing.assert_array_equal(sl.image.blend(a, b, mask), sl.image.blend(a, b, mask.astype(np.float32)))


def test_steps_show_bands_masks_and_mixtures() -> None:
    a = noise((30, 40, 3))
    played = sl.trace(sl.image.blend, a, a[::-1].copy(), disc(a.shape), 2)
    names = ["pictures", "bands 0", "mask 0", "mixed 0", "bands 1", "mask 1", "mixed 1", "collapsed"]
    assert [step.name for step in played] == names


def test_out_is_filled_and_no_input_changed() -> None:
    a, share = noise((20, 25)), np.full((20, 25), 0.5, np.float32)
    b, before, out = a[::-1].copy(), a.copy(), np.empty_like(a)
    assert sl.image.blend(a, b, share, out=out) is out
    np.testing.assert_array_equal(out, sl.image.blend(a, b, share))
    np.testing.assert_array_equal(a, before)
    np.testing.assert_array_equal(b, before[::-1])
    assert (share == 0.5).all()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"b": np.zeros((4, 6), np.uint8)}, "b must have the shape and dtype of a"),
        ({"b": np.zeros((4, 5), np.float32)}, "b must have the shape and dtype of a"),
        ({"b": None}, "b must be"),
        ({"a": np.full((4, 5), np.nan, np.float32)}, "a must be finite"),
        ({"mask": np.zeros((4, 4), bool)}, "mask must have the image's shape"),
        ({"mask": np.zeros((4, 5), np.uint8)}, "mask must be 4×5 bool or float32"),
        ({"mask": None}, "mask must be 4×5 bool or float32"),
        ({"mask": np.full((4, 5), 2, np.float32)}, "mask must lie in 0–1"),
        ({"mask": np.full((4, 5), np.nan, np.float32)}, "mask must lie in 0–1"),
        ({"levels": 0}, "levels must be a whole number"),
    ],
)
def test_refusals_say_what_is_wrong(changed: dict[str, object], sentence: str) -> None:
    picture = np.zeros((4, 5), np.uint8)
    with pytest.raises(InputError, match=f"blend: {sentence}"):
        sl.image.blend(**{"a": picture, "b": picture, "mask": np.ones((4, 5), bool), **changed})
