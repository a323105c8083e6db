"""Warps that points pull along against scikit-image and SciPy: piecewise affine and thin-plate splines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from scipy.interpolate import RBFInterpolator
from scipy.spatial import Delaunay
from skimage.transform import PiecewiseAffineTransform
from skimage.transform import warp as skimage_warp

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

SHAPE = (110, 130)


def points_for(picture: np.ndarray, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return a jittered grid over the picture and one over the result, corners in place."""
    random = np.random.default_rng(seed)
    grid = np.array([(x, y) for y in np.linspace(0, 1, 4) for x in np.linspace(0, 1, 5)])
    inner = ((grid > 0) & (grid < 1)).all(axis=1)[:, None]
    old = (grid + inner * random.normal(0, 0.05, grid.shape)) * (picture.shape[1] - 1, picture.shape[0] - 1)
    new = (grid + inner * random.normal(0, 0.05, grid.shape)) * (SHAPE[1] - 1, SHAPE[0] - 1)
    return old, new


@evidence.equals("image.piecewise_affine", peer="scikit-image", tolerance="1e-3 on float32 0–1", data="photos")
def test_piecewise_affine_is_scikit_images(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for picture in photos.values():
        if min(picture.shape[:2]) < 2:
            continue
        image = picture.astype(np.float32) / 255
        old, new = points_for(picture)
        transform = PiecewiseAffineTransform.from_estimate(old, new)
        theirs = skimage_warp(image.astype(np.float64), transform.inverse, output_shape=SHAPE)
        ours = sl.image.piecewise_affine(image, old, new, SHAPE)
        inside = np.s_[1:-1, 1:-1]  # the hull's rim is inside for one and outside for the other
        worst = max(worst, float(np.abs(ours - theirs)[inside].max()))
    measured(worst)
    assert worst < 1e-3


def test_points_that_stay_change_nothing(photos: dict[str, np.ndarray]) -> None:
    for picture in photos.values():
        height, width = picture.shape[:2]
        if min(height, width) < 2:
            continue
        corners = np.array([(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)], float)
        points = np.vstack([corners, [(width / 3, height / 2)]])
        np.testing.assert_array_equal(sl.image.piecewise_affine(picture, points, points), picture)
        assert np.abs(sl.image.thin_plate_spline(picture, points, points).astype(int) - picture).max() <= 1


def test_outside_the_hull_is_value_and_the_hull_is_full() -> None:
    image = np.full((60, 70), 200, np.uint8)
    old = np.array([(5, 5), (60, 8), (30, 50), (20, 20)], float)
    new = np.array([(10.5, 4.2), (64, 12), (28, 55), (30, 22)], float)
    result = sl.image.piecewise_affine(image, old, new, value=7)
    y, x = np.mgrid[:60, :70]
    inside = Delaunay(new).find_simplex(np.stack([x, y], axis=2).astype(float)) >= 0
    np.testing.assert_array_equal(result, np.where(inside, 200, 7))


@evidence.equals("image.thin_plate_spline", peer="scipy", tolerance="5e-4 on float32 0–1", data="photos")
def test_thin_plate_spline_is_scipys(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    everywhere = np.stack([x, y], axis=2).reshape(-1, 2).astype(float)
    for picture in photos.values():
        image = (picture if picture.ndim == 2 else picture[..., 0])[:300, :300].astype(np.float32) / 255
        if min(image.shape) < 2:
            continue
        old, new = points_for(image)
        for smoothing in (0.0, 50.0):
            # SciPy's kernel is r² log r, half of r² log r².
            spline = RBFInterpolator(new, old, kernel="thin_plate_spline", smoothing=smoothing / 2)
            places = spline(everywhere).reshape(*SHAPE, 2)
            exact = ndimage.map_coordinates(
                image.astype(np.float64), (places[..., 1], places[..., 0]), order=1, mode="grid-constant"
            )
            ours = sl.image.thin_plate_spline(image, old, new, SHAPE, smoothing=smoothing)
            worst = max(worst, float(np.abs(ours - exact).max()))
    measured(worst)
    assert worst < 5e-4


def test_a_spline_of_an_affine_map_is_that_map() -> None:
    image = np.random.default_rng(1).random((50, 60), np.float32)
    matrix = np.array([[0.9, 0.2, 3], [-0.1, 1.1, 2.0]])
    old, _ = points_for(image)
    new = old @ matrix[:, :2].T + matrix[:, 2]
    for function in (sl.image.thin_plate_spline, sl.image.piecewise_affine):
        inner = np.s_[8:40, 12:40]
        difference = function(image, old, new)[inner] - sl.image.warp_affine(image, matrix)[inner]
        assert np.abs(difference).max() < 1e-4, function.__name__


@pytest.mark.parametrize("function", [sl.image.piecewise_affine, sl.image.thin_plate_spline])
def test_bad_points_are_refused_by_name(function: Callable[..., Any]) -> None:
    image, name = np.zeros((9, 9), np.uint8), function.__name__
    good = np.array([(0, 0), (8, 0), (0, 8), (8, 8)], float)
    line = np.array([(0, 0), (1, 1), (2, 2), (3, 3)], float)
    refused = [
        (good[:2], good[:2], f"{name}: points must hold at least 3 points"),
        (good, good[:3], f"{name}: targets must be as many as points"),
        (good, line, f"{name}: targets must"),
        (good * np.nan, good, f"{name}: points must be finite"),
        (good, good * 1e9, f"{name}: targets must be finite and below"),
        (None, good, f"{name}: points must be N×2"),
        (good, good.astype(str), f"{name}: targets must be N×2"),
    ]
    for points, targets, sentence in refused:
        with pytest.raises(InputError, match=sentence):
            function(image, points, targets)
    with pytest.raises(InputError, match=f"{name}: shape must hold at most"):
        function(image, good, good, (1 << 20, 1 << 20))


def test_targets_that_coincide_bend_no_plate() -> None:
    good = np.array([(0, 0), (8, 0), (0, 8), (8, 8)], float)
    with pytest.raises(InputError, match="thin_plate_spline: targets must be different"):
        sl.image.thin_plate_spline(np.zeros((9, 9), np.uint8), good, good[[0, 1, 2, 2]])
