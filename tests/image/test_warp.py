"""Warps by a field of positions, forward warps and polar images against OpenCV and SciPy."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import ndimage, sparse

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

FLAGS = {"nearest": cv2.INTER_NEAREST, "bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC}


def field_for(picture: np.ndarray, shape: tuple[int, int] = (90, 101)) -> np.ndarray:
    height, width = picture.shape[:2]
    return np.random.default_rng(2).uniform((-9, -9), (width + 9, height + 9), (*shape, 2)).astype(np.float32)


def share_off(a: np.ndarray, b: np.ndarray) -> float:
    return float((np.abs(a.astype(np.float64) - b.astype(np.float64)) > 1).mean())


@evidence.equals("image.warp", peer="opencv", tolerance="within 1 grey level on 99.9 %", data="photos")
def test_warp_is_opencvs_remap(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        field = field_for(picture)
        for method, flag in FLAGS.items():
            theirs = cv2.remap(picture, field[..., 0].copy(), field[..., 1].copy(), flag, borderValue=(9, 9, 9))
            worst = max(worst, share_off(sl.image.warp(picture, field, method=method, value=9), theirs))
    measured(worst)
    assert worst <= 1e-3


@evidence.equals("image.warp", peer="scipy", tolerance="2e-4 on float32 0–1", data="photos")
def test_warp_is_scipys_map_coordinates(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    modes = {"constant": "grid-constant", "edge": "nearest", "wrap": "grid-wrap"}
    modes |= {"reflect": "mirror", "symmetric": "reflect"}
    worst = 0.0
    for picture in photos.values():
        gray = (picture if picture.ndim == 2 else picture[..., 1]).astype(np.float32) / 255
        field = field_for(picture)
        if min(gray.shape) < 2:
            continue
        for border, mode in modes.items():
            exact = ndimage.map_coordinates(gray.astype(np.float64), (field[..., 1], field[..., 0]), order=1, mode=mode)
            worst = max(worst, float(np.abs(sl.image.warp(gray, field, border=border) - exact).max()))
    measured(worst)
    assert worst < 2e-4


def test_positions_that_are_no_numbers_lie_beyond_the_border() -> None:
    image = np.full((5, 6), 200, np.uint8)
    field = np.array([[[np.nan, 1], [1, np.nan], [np.inf, 1], [1, -np.inf], [1e30, 1], [2, 2]]], np.float32)
    for method in FLAGS:
        assert sl.image.warp(image, field, method=method, value=7).tolist() == [[7, 7, 7, 7, 7, 200]]
    for border in ("edge", "reflect", "symmetric", "wrap"):
        with pytest.raises(InputError, match=f"warp: coordinates must be finite with border '{border}'"):
            sl.image.warp(image, field, border=border)


def test_bad_fields_are_refused_by_name() -> None:
    image = np.zeros((5, 6), np.uint8)
    for wrong in (
        None,
        np.zeros((5, 6)),
        np.zeros((5, 6, 3), np.float32),
        np.zeros((5, 6, 2), int),
        np.zeros((0, 6, 2)),
    ):
        with pytest.raises(InputError, match="warp: coordinates must be h×w×2 float32"):
            sl.image.warp(image, wrong)
        with pytest.raises(InputError, match="forward_warp: coordinates must be"):
            sl.image.forward_warp(image, wrong)


def splat(
    image: np.ndarray, field: np.ndarray, weights: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums and the coverage by one product with a sparse matrix."""
    x, y = field[..., 0].ravel().astype(np.float64), field[..., 1].ravel().astype(np.float64)
    rows, columns, shares = [], [], []
    for dy in (0, 1):
        for dx in (0, 1):
            u, v = np.floor(x) + dx, np.floor(y) + dy
            share = (1 - np.abs(x - u)) * (1 - np.abs(y - v)) * weights.ravel()
            inside = (u >= 0) & (u < shape[1]) & (v >= 0) & (v < shape[0])
            rows.append((v * shape[1] + u)[inside])
            columns.append(np.nonzero(inside)[0])
            shares.append(share[inside])
    parts = (np.concatenate(shares), (np.concatenate(rows).astype(int), np.concatenate(columns)))
    matrix = sparse.coo_matrix(parts, (shape[0] * shape[1], x.size)).tocsr()
    planes = image.reshape(x.size, -1).astype(np.float64)
    return (matrix @ planes).reshape(*shape, -1), (matrix @ np.ones(x.size)).reshape(shape)


@evidence.equals("image.forward_warp", peer="scipy", tolerance="1e-4 on float32 0–1", data="photos")
def test_forward_warp_is_a_sparse_product(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    random = np.random.default_rng(4)
    for picture in photos.values():
        image = picture[:150, :160].astype(np.float32) / 255
        y, x = np.mgrid[: image.shape[0], : image.shape[1]]
        field = np.stack([1.1 * x - 7.3, 0.8 * y + 0.1 * x], axis=2) + random.normal(0, 0.7, (*image.shape[:2], 2))
        field, weights = field.astype(np.float32), random.random(image.shape[:2], np.float32)
        ours, coverage = sl.image.forward_warp(image, field, (140, 170), weights=weights, value=0.5)
        sums, exact = splat(image, field, weights, (140, 170))
        worst = max(worst, float(np.abs(coverage - exact).max()))
        firm = exact > 0.01
        difference = ours.reshape(140, 170, -1)[firm] - (sums[firm] / exact[firm][:, None])
        worst = max(worst, float(np.abs(difference).max(initial=0)))
        assert (ours[exact == 0] == 0.5).all()
    measured(worst)
    assert worst < 1e-4


@pytest.mark.parametrize("shape", [(33, 130), (33, 130, 3), (1, 9), (9, 1)])
def test_forward_warp_in_bands_is_as_in_one(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(8)
    image = random.random(shape, np.float32)
    y, x = np.mgrid[: shape[0], : shape[1]]
    turned = np.stack([shape[1] - y * 3.7, x / 4 + 0.3], axis=2).astype(np.float32)
    scattered = (random.random((*shape[:2], 2)) * (shape[1] + 4, shape[0] + 4) - 2).astype(np.float32)
    scattered[::5, ::7], scattered[1::5, ::3, 1] = np.nan, np.inf
    for field in (turned, scattered):
        one = sl.image.forward_warp(image, field, (40, 50), value=0.5)
        with monkeypatch.context() as patch:
            patch.setattr(importlib.import_module("sightline.image.forward_warp"), "_SUMS", 1)
            bands = sl.image.forward_warp(image, field, (40, 50), value=0.5)
        np.testing.assert_array_equal(bands[0], one[0])
        np.testing.assert_array_equal(bands[1], one[1])


def test_forward_warp_to_the_same_places_changes_nothing() -> None:
    image = np.random.default_rng(1).integers(0, 65536, (13, 17, 3), dtype=np.uint16)
    y, x = np.mgrid[:13, :17].astype(np.float32)
    result, coverage = sl.image.forward_warp(image, np.stack([x, y], axis=2))
    np.testing.assert_array_equal(result, image)
    assert (coverage == 1).all()
    lost, nothing = sl.image.forward_warp(image, np.full((13, 17, 2), np.nan, np.float32), value=(1, 2, 3))
    assert nothing.sum() == 0
    assert (lost == (1, 2, 3)).all()


def test_bad_weights_are_refused_by_name() -> None:
    image, field = np.zeros((4, 5), np.uint8), np.zeros((4, 5, 2), np.float32)
    for wrong in (np.ones((4, 4), np.float32), np.ones((4, 5), int), "a"):
        with pytest.raises(InputError, match="forward_warp: weights must be 4×5 float32"):
            sl.image.forward_warp(image, field, weights=wrong)
    for wrong in (-1.0, np.nan):
        with pytest.raises(InputError, match="forward_warp: weights must be finite"):
            sl.image.forward_warp(image, field, weights=np.full((4, 5), wrong, np.float32))


@pytest.mark.parametrize("scale", ["linear", "log"])
@evidence.equals("image.polar", peer="opencv", tolerance="within 1 grey level on 99.9 %", data="photos")
def test_polar_is_opencvs_warp_polar(
    scale: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    flags = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS | (cv2.WARP_POLAR_LOG if scale == "log" else 0)
    for picture in photos.values():
        height, width = picture.shape[:2]
        center, radius = (width * 0.45, height * 0.55), 0.5 * max(4, *picture.shape[:2])
        options: dict[str, Any] = {"center": center, "radius": radius, "scale": scale}
        polar = sl.image.polar(picture, (144, 100), **options)
        worst = max(worst, share_off(polar, cv2.warpPolar(picture, (100, 144), center, radius, flags)))
        back = sl.image.polar(polar, (height, width), inverse=True, **options)
        theirs = cv2.warpPolar(polar, (width, height), center, radius, flags | cv2.WARP_INVERSE_MAP)
        worst = max(worst, share_off(back, theirs))
    measured(worst)
    assert worst <= 1e-3


def test_polar_there_and_back() -> None:
    y, x = np.mgrid[:101, :121]
    image = (0.5 + 0.4 * np.sin(x / 9) * np.cos(y / 11)).astype(np.float32)
    unrolled = sl.image.polar(image, (700, 160), radius=60, method="bicubic")
    back = sl.image.polar(unrolled, (101, 121), radius=60, inverse=True, method="bicubic")
    near = np.hypot(x - 60, y - 50) < 45
    assert np.abs(back - image)[near].max() < 5e-3


def test_turning_is_a_shift_of_the_polar_image() -> None:
    image = np.random.default_rng(9).random((65, 65), np.float32)
    image = sl.image.gaussian_blur(image, 3.0)
    quarter = np.ascontiguousarray(np.rot90(image))  # against the clock
    a, b = (sl.image.polar(i, (80, 30), radius=30) for i in (image, quarter))
    assert np.abs(np.roll(a, -20, axis=0) - b).max() < 1e-4


def test_bad_polar_arguments_are_refused_by_name() -> None:
    image = np.zeros((9, 9), np.uint8)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"center": 3}, "center must be"),
        ({"center": (1, np.nan)}, r"center\[1\] must be a number"),
        ({"radius": 1}, "radius must be a number > 1"),
        ({"radius": np.nan}, "radius must be a number"),
        ({"scale": "cubic"}, "scale must be one of"),
        ({"inverse": 2}, "inverse must be True or False"),
        ({"shape": (1 << 20, 1 << 20)}, "shape must hold at most"),
    ]
    for arguments, sentence in wrong:
        with pytest.raises(InputError, match=f"polar: {sentence}"):
            sl.image.polar(image, **arguments)
