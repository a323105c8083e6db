"""Warps by a matrix against OpenCV and SciPy: every dtype, method and border, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import ndimage

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.image.sampling import LARGEST
from sightline.image.warp_affine import warp_to_float

FLAGS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}
PADS = {"constant": cv2.BORDER_CONSTANT, "edge": cv2.BORDER_REPLICATE}
PADS |= {"reflect": cv2.BORDER_REFLECT_101, "symmetric": cv2.BORDER_REFLECT, "wrap": cv2.BORDER_WRAP}
SCIPY = {"constant": "grid-constant", "edge": "nearest", "wrap": "grid-wrap"}
SCIPY |= {"reflect": "mirror", "symmetric": "reflect"}
TURN = np.array([[0.83, -0.31, 20.3], [0.27, 0.91, -11.7]])
TILT = np.array([[0.9, 0.2, 5.0], [-0.1, 1.1, 8.0], [4e-4, 7e-4, 1.0]])
SHAPE = (120, 150)


def off_by_more_than_one(a: np.ndarray, b: np.ndarray) -> float:
    """Return the share of values that differ by more than one level."""
    return float((np.abs(a.astype(np.float64) - b.astype(np.float64)) > 1).mean())


@pytest.mark.parametrize("method", FLAGS)
@evidence.equals(
    "image.warp_affine",
    peer="opencv",
    tolerance="within 1 grey level on 99.9 % (bilinear, bicubic: all)",
    data="photos",
)
def test_affine_is_opencv(method: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        for border in ("constant", "edge"):
            ours = sl.image.warp_affine(picture, TURN, SHAPE, method=method, border=border, value=70)
            options = {"flags": FLAGS[method], "borderMode": PADS[border], "borderValue": (70, 70, 70)}
            worst = max(worst, off_by_more_than_one(ours, cv2.warpAffine(picture, TURN, SHAPE[::-1], **options)))
    measured(worst)
    assert worst <= (1e-3 if method == "nearest" else 0)


@pytest.mark.parametrize("method", FLAGS)
@evidence.equals("image.warp_perspective", peer="opencv", tolerance="within 1 grey level on 99.9 %", data="photos")
def test_perspective_is_opencv(method: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        for border in ("constant", "edge"):
            ours = sl.image.warp_perspective(picture, TILT, SHAPE, method=method, border=border, value=70)
            options = {"flags": FLAGS[method], "borderMode": PADS[border], "borderValue": (70, 70, 70)}
            worst = max(worst, off_by_more_than_one(ours, cv2.warpPerspective(picture, TILT, SHAPE[::-1], **options)))
    measured(worst)
    assert worst <= 1e-3


@evidence.equals("image.warp_affine", peer="scipy", tolerance="1e-4 on float32 0–1", data="photos")
def test_affine_is_scipy_on_floats(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    inverse = np.linalg.inv(np.vstack([TURN, (0, 0, 1)]))
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float64)
    places = [
        inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2],
        inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2],
    ]
    worst = 0.0
    for picture in photos.values():
        gray = (picture if picture.ndim == 2 else picture[..., 1]).astype(np.float32) / 255
        if min(gray.shape) < 2:
            continue
        for border, mode in SCIPY.items():
            exact = ndimage.map_coordinates(gray.astype(np.float64), places, order=1, mode=mode, cval=0.3)
            ours = sl.image.warp_affine(gray, TURN, SHAPE, border=border, value=0.3)
            worst = max(worst, float(np.abs(ours - exact).max()))
    measured(worst)
    assert worst < 1e-4


@pytest.mark.parametrize("border", PADS)
@pytest.mark.parametrize("method", FLAGS)
def test_identity_returns_the_input_exactly(method: str, border: str, photos: dict[str, np.ndarray]) -> None:
    random = np.random.default_rng(3)
    others = {
        "uint16": random.integers(0, 65536, (33, 47, 3), dtype=np.uint16),
        "float32": random.random((33, 47, 2), np.float32),
        "pixel": np.array([[7]], np.uint8),
    }
    for picture in (photos | others).values():
        for function, matrix in ((sl.image.warp_affine, np.eye(3)[:2]), (sl.image.warp_perspective, 3 * np.eye(3))):
            result = function(picture, matrix, method=method, border=border, value=0)
            np.testing.assert_array_equal(result, picture)


@pytest.mark.parametrize("border", PADS)
@pytest.mark.parametrize("method", FLAGS)
def test_whole_shifts_show_the_border(method: str, border: str) -> None:
    image = np.random.default_rng(5).integers(0, 256, (19, 23, 3), dtype=np.uint8)
    shifted = sl.image.warp_affine(
        image, np.array([[1, 0, 9], [0, 1, 7]]), (40, 44), method=method, border=border, value=(1, 2, 3)
    )
    margins = ((7, 14), (9, 12))
    for channel in range(3):
        options: dict[str, Any] = {"constant_values": channel + 1} if border == "constant" else {}
        expected = np.pad(image[..., channel], margins, mode=border, **options)
        np.testing.assert_array_equal(shifted[..., channel], expected)


@pytest.mark.parametrize("border", PADS)
def test_bicubic_of_bytes_is_that_of_floats_at_every_border(border: str) -> None:
    image = np.random.default_rng(6).integers(0, 256, (29, 37, 3), dtype=np.uint8)
    wide = np.pad(image, ((40, 40), (60, 60), (0, 0)), mode=border)  # interior pixels have no border
    matrix = np.array([[0.9, 0.2, 10], [-0.15, 1.1, 8.0]])
    moved = matrix.copy()
    moved[:, 2] -= matrix[:, :2] @ (60, 40)
    exact = sl.image.warp_affine(wide.astype(np.float32), moved, (50, 50), method="bicubic")
    for picture in (image, image.astype(np.float32)):
        ours = sl.image.warp_affine(picture, matrix, (50, 50), method="bicubic", border=border)
        np.testing.assert_allclose(
            ours, np.clip(exact, 0, 255) if picture is image else exact, atol=0.51 if picture is image else 0.02
        )


def test_uint16_and_other_channel_counts_follow_the_floats() -> None:
    random = np.random.default_rng(8)
    for shape in ((31, 43), (31, 43, 2), (31, 43, 4)):
        image = random.integers(0, 65536, shape, dtype=np.uint16)
        exact = sl.image.warp_affine(image.astype(np.float32), TURN, (40, 50), method="bicubic")
        ours = sl.image.warp_affine(image, TURN, (40, 50), method="bicubic")
        np.testing.assert_array_equal(ours, np.clip(np.rint(exact), 0, 65535).astype(np.uint16))


@pytest.mark.parametrize("border", ["edge", "reflect", "symmetric", "wrap"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bytes_read_as_floats_are_those_of_the_picture_in_floats(channels: int, border: str) -> None:
    image = np.random.default_rng(4).integers(0, 256, (50, 60, channels), np.uint8).squeeze()
    tilt = np.array([[0.9, 0.2, -9.0], [-0.1, 1.1, 3.0], [1e-3, -2e-3, 1.0]])
    for values in (image, image.astype(np.uint16) * 257):
        for shape in ((70, 90), (40, 5)):  # narrower than a group of pixels, too
            wanted = sl.image.warp_perspective(sl.to_float(values), tilt, shape, border=border)
            np.testing.assert_array_equal(warp_to_float("find_lanes", values, tilt, shape, border), wanted)


def test_there_and_back() -> None:
    y, x = np.mgrid[:200, :220]
    image = (0.5 + 0.4 * np.sin(x / 17) * np.cos(y / 13)).astype(np.float32)
    back = np.linalg.inv(TILT)
    twice = sl.image.warp_perspective(
        sl.image.warp_perspective(image, TILT, (400, 400), method="bicubic"), back, (200, 220)
    )
    assert np.abs(twice - image)[30:120, 30:120].max() < 5e-3


def test_a_horizon_in_the_picture_is_beyond_the_border() -> None:
    image = np.full((50, 60), 200, np.uint8)
    matrix = np.linalg.inv(np.array([[1, 0, 0], [0, 1, 0], [0, -0.05, 1.0]]))
    for border in PADS:
        result = sl.image.warp_perspective(image, matrix, border=border, value=9)
        assert set(np.unique(result[:18])) <= set(range(9, 201))
        assert result[0, 0] == 200


def test_a_far_corner_is_as_exact_as_a_near_one() -> None:
    row = np.zeros((3, 30000), np.float32)
    row[:, ::2] = 1
    result = sl.image.warp_affine(row, np.array([[1, 0, -0.25], [0, 1, 0]]), border="edge")
    assert np.abs(result[1, 29000:29990:2] - 0.75).max() < 1e-4


@pytest.mark.parametrize("function", [sl.image.warp_affine, sl.image.warp_perspective])
def test_bad_arguments_are_refused_by_name(function: Callable[..., Any]) -> None:
    image, name = np.zeros((4, 5, 3), np.uint8), function.__name__
    good = np.eye(3)
    refused: list[tuple[dict[str, Any], str]] = [
        ({"matrix": np.diag([1.0, 0.0, 1.0])}, f"{name}: matrix must not be singular"),
        ({"matrix": np.diag([1.0, np.nan, 1.0])}, f"{name}: matrix must be finite"),
        ({"matrix": np.eye(2)}, f"{name}: matrix must be"),
        ({"matrix": None}, f"{name}: matrix must be"),
        ({"matrix": np.full((3, 3), "a")}, f"{name}: matrix must hold numbers"),
        ({"matrix": good, "shape": (1 << 20, 1 << 20)}, f"{name}: shape must hold at most"),
        ({"matrix": good, "shape": (0, 4)}, f"{name}: shape"),
        ({"matrix": good, "method": "lanczos"}, f"{name}: method must be one of"),
        ({"matrix": good, "border": "mirror"}, f"{name}: border must be one of"),
        ({"matrix": good, "value": 300}, f"{name}: value must be a number"),
        ({"matrix": good, "value": float("nan")}, f"{name}: value must be a number"),
        ({"matrix": good, "value": (1, 2)}, f"{name}: value must be one number or 3"),
    ]
    for arguments, sentence in refused:
        with pytest.raises(InputError, match=sentence):
            function(image, **arguments)


def test_a_tilted_matrix_is_not_affine() -> None:
    with pytest.raises(InputError, match="Use warp_perspective"):
        sl.image.warp_affine(np.zeros((4, 5), np.uint8), TILT)
    with pytest.raises(InputError, match="image must hold at most"):
        sl.image.warp_affine(np.broadcast_to(np.uint8(0), (2, LARGEST)), np.eye(3), (4, 4))


def test_a_singular_but_badly_scaled_matrix_is_told_from_a_good_one() -> None:
    image = np.zeros((4, 5), np.uint8)
    sl.image.warp_perspective(image, np.array([[1e-6, 0, 0], [0, 1e-6, 0], [0, 0, 1e-6]]))
    sl.image.warp_affine(image, np.array([[1e-5, 0, 1e6], [0, 1e-5, 1e6]]))
    with pytest.raises(InputError, match="singular"):
        sl.image.warp_perspective(image, np.array([[1.0, 2, 3], [2, 4, 6], [0, 0, 1]]))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_nearest_by_a_matrix_is_nearest_by_its_positions(channels: int) -> None:
    image = np.random.default_rng(10).integers(0, 256, (300, 400, channels), dtype=np.uint8)
    horizon = np.linalg.inv(np.array([[1.0, 0, 0], [0, 1.0, 0], [2e-3, -1e-2, 1.003]]))
    y, x = np.mgrid[:280, :390].astype(np.float64)
    for matrix in (np.vstack([TURN, (0, 0, 1)]), TILT, horizon):
        old = np.linalg.inv(matrix) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
        field = (old[:2] / old[2]).T.reshape(*x.shape, 2).astype(np.float32)
        for border in ("constant", "edge"):
            ours = sl.image.warp_perspective(image, matrix, x.shape, method="nearest", border=border, value=9)
            theirs = sl.image.warp(image, field, method="nearest", border=border, value=9)
            assert (ours != theirs).mean() < 1e-3
