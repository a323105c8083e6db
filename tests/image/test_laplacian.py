"""The Laplacian against OpenCV, at every size and on every dtype."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

PEER_BORDERS = {"reflect": cv2.BORDER_REFLECT_101, "symmetric": cv2.BORDER_REFLECT, "edge": cv2.BORDER_REPLICATE}


@evidence.equals("image.laplacian", peer="opencv", tolerance="identical (uint8), relative 1e-6", data="photos")
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        for size in (1, 3, 5, 7, 13):
            for image in (picture, picture.astype(np.uint16) * 257, sl.to_float(picture)):
                wide = image.astype(np.float64)  # OpenCV has no float32 to float64
                peer = cv2.Laplacian(wide, cv2.CV_64F, ksize=size, borderType=cv2.BORDER_REPLICATE)
                ours = sl.image.laplacian(image, size=size, border="edge")
                error = float(np.abs(ours - peer.reshape(ours.shape)).max())
                assert error <= (0 if ours.dtype == np.int16 else 1e-6 * max(1, 4.0 ** (size - 1) * image.max()))
                worst = max(worst, error / max(1, float(np.abs(peer).max())))
    measured(worst)


@pytest.mark.parametrize("border", list(PEER_BORDERS))
@pytest.mark.parametrize("shape", [(20, 31), (21, 30, 3), (9, 12, 2)])
def test_borders_equal_opencv(border: str, shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(7).integers(0, 256, shape, dtype=np.uint8)
    for size in (1, 3, 5):
        peer = cv2.Laplacian(picture, cv2.CV_16S, ksize=size, borderType=PEER_BORDERS[border])
        np.testing.assert_array_equal(sl.image.laplacian(picture, size=size, border=border), peer)


@pytest.mark.parametrize("size", [1, 3, 5, 7])
@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1)])
def test_thin_images_wrap_around(size: int, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(7).random(shape, np.float32)
    ours = sl.image.laplacian(picture, size=size, border="wrap")
    np.testing.assert_allclose(ours.sum(dtype=np.float64), 0, atol=1e-4)
    np.testing.assert_allclose(
        np.roll(ours, 2, 1), sl.image.laplacian(np.roll(picture, 2, 1), size=size, border="wrap")
    )


def test_result_types() -> None:
    kinds = {
        (dtype, size): sl.image.laplacian(np.zeros((9, 9), dtype), size=size).dtype.name
        for dtype in ("uint8", "uint16", "float32")
        for size in (1, 5, 7)
    }
    assert [key for key, kind in kinds.items() if kind == "int16"] == [("uint8", 1), ("uint8", 5)]
    assert set(kinds.values()) == {"int16", "float32"}


def test_the_extremes_of_bytes_fit() -> None:
    board = (np.indices((9, 9)).sum(0) % 2 * 255).astype(np.uint8)
    peer = cv2.Laplacian(board, cv2.CV_64F, ksize=1)
    np.testing.assert_array_equal(sl.image.laplacian(board), peer)
    rows = np.zeros((9, 9), np.uint8)
    rows[::4] = 255
    np.testing.assert_array_equal(sl.image.laplacian(rows, size=5), cv2.Laplacian(rows, cv2.CV_64F, ksize=5))


@pytest.mark.parametrize("size", [1, 3, 5])
def test_nan_spoils_what_a_weight_carries_it_to(size: int) -> None:
    picture = np.zeros((9, 9), np.float32)
    picture[4, 4] = 1
    weights = np.nonzero(sl.image.laplacian(picture, size=size))
    picture[4, 4] = np.nan
    assert np.isnan(sl.image.laplacian(picture, size=size)[weights]).all()
    assert np.isnan(sl.image.laplacian(picture, size=size)).sum() == {1: 5, 3: 5, 5: 21}[size]


def test_steps_show_the_kernel() -> None:
    picture = np.random.default_rng(7).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    played = sl.trace(sl.image.laplacian, picture, size=3)
    assert [step.name for step in played] == ["picture", "kernel", "laplacian"]
    assert played["kernel"].value.tolist() == [[2, 0, 2], [0, -8, 0], [2, 0, 2]]


@pytest.mark.parametrize("size", [0, 2, 33, 3.0, "3", True])
def test_sizes_are_refused_by_name(size: object) -> None:
    with pytest.raises(InputError, match="laplacian: size must be an odd whole number"):
        sl.image.laplacian(np.zeros((4, 4), np.uint8), size=size)
