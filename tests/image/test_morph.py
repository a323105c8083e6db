"""Morphs by lines and by triangles, against the papers' formulas and scikit-image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage
from skimage.transform import PiecewiseAffineTransform
from skimage.transform import warp as skimage_warp

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def two_of(photos: dict[str, np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pairs of pictures of one shape, float32."""
    pairs = []
    for picture in photos.values():
        if min(picture.shape[:2]) > 60:
            image = picture[:90, :110].astype(np.float32) / 255
            pairs.append((image, np.ascontiguousarray(1 - image[::-1])))
    return pairs


def followed(lines: np.ndarray, old: np.ndarray, shape: tuple[int, ...], a: float, b: float, p: float) -> np.ndarray:
    """Return X' of every pixel by the paper's multiple-line algorithm, in whole arrays."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    pixel = np.stack([x, y], axis=2)
    total, weights = np.zeros_like(pixel), np.zeros(shape[:2])
    for line, other in zip(lines, old, strict=True):
        start, end, old_start, old_end = line[:2], line[2:], other[:2], other[2:]
        along, old_along = end - start, old_end - old_start
        beside, old_beside = np.array([-along[1], along[0]]), np.array([-old_along[1], old_along[0]])
        u = (pixel - start) @ along / (along @ along)
        v = (pixel - start) @ beside / np.linalg.norm(along)
        moved = old_start + u[..., None] * old_along + v[..., None] * old_beside / np.linalg.norm(old_along)
        distance = np.where(
            u < 0,
            np.linalg.norm(pixel - start, axis=2),
            np.where(u > 1, np.linalg.norm(pixel - end, axis=2), np.abs(v)),
        )
        weight = (np.linalg.norm(along) ** p / (a + distance)) ** b
        total += (moved - pixel) * weight[..., None]
        weights += weight
    return pixel + total / weights[..., None]


def read_at(image: np.ndarray, places: np.ndarray) -> np.ndarray:
    planes = image.reshape(*image.shape[:2], -1).astype(np.float64)
    at = (places[..., 1], places[..., 0])
    read = [ndimage.map_coordinates(planes[..., c], at, order=1, mode="nearest") for c in range(planes.shape[2])]
    return np.stack(read, axis=2).reshape(image.shape)


@evidence.equals("image.line_morph", peer="scipy", tolerance="5e-4 on float32 0–1 (formula in NumPy)", data="photos")
def test_line_morph_is_the_papers_formula(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    random = np.random.default_rng(6)
    for a, b in two_of(photos):
        lines_a, lines_b = random.uniform(5, 85, (2, 4, 4))
        for t, (softness, falloff, power) in ((0.3, (1.0, 2.0, 0.0)), (0.7, (3.0, 1.3, 0.6))):
            between = (1 - t) * lines_a + t * lines_b
            parts = [
                read_at(image, followed(between, old, image.shape, softness, falloff, power))
                for image, old in ((a, lines_a), (b, lines_b))
            ]
            options = {"softness": softness, "falloff": falloff, "length_power": power}
            ours = sl.image.line_morph(a, b, lines_a, lines_b, t, **options)
            worst = max(worst, float(np.abs(ours - ((1 - t) * parts[0] + t * parts[1])).max()))
    measured(worst)
    assert worst < 5e-4


@evidence.equals("image.mesh_morph", peer="scikit-image", tolerance="1e-3 on float32 0–1", data="photos")
def test_mesh_morph_is_two_warps_of_scikit_image(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    random = np.random.default_rng(2)
    for a, b in two_of(photos):
        height, width = a.shape[:2]
        corners = np.array([(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)], float)
        points_a = np.array([(30, 30), (70, 25), (50, 55), (40, 45)], float)
        points_b = points_a + random.normal(0, 4, points_a.shape)
        t = 0.4
        old = [np.vstack([points, corners]) for points in (points_a, points_b)]
        between = (1 - t) * old[0] + t * old[1]
        parts = [
            skimage_warp(image.astype(np.float64), PiecewiseAffineTransform.from_estimate(o, between).inverse)
            for image, o in ((a, old[0]), (b, old[1]))
        ]
        difference = sl.image.mesh_morph(a, b, points_a, points_b, t) - ((1 - t) * parts[0] + t * parts[1])
        worst = max(worst, float(np.abs(difference)[1:-1, 1:-1].max()))
    measured(worst)
    assert worst < 1e-3


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_the_ends_are_the_pictures(dtype: str) -> None:
    a, b = (np.random.default_rng(4).random((2, 40, 50, 3)) * 200).astype(dtype)
    points = np.array([(20, 20), (30, 10)], float)
    lines = np.hstack([points, points + 7])
    for function, first, second in (
        (sl.image.mesh_morph, points, points + 5),
        (sl.image.line_morph, lines, lines[:, ::-1].copy()),
    ):
        np.testing.assert_array_equal(function(a, b, first, second, 0), a)
        np.testing.assert_array_equal(function(a, b, first, second, 1), b)


def test_a_picture_and_itself_give_itself() -> None:
    a = np.random.default_rng(4).integers(0, 256, (40, 50), dtype=np.uint8)
    points = np.array([(20, 20), (30, 10)], float)
    np.testing.assert_array_equal(sl.image.mesh_morph(a, a, points, points, 0.3), a)
    np.testing.assert_array_equal(
        sl.image.line_morph(a, a, np.hstack([points, points + 7]), np.hstack([points, points + 7]), 0.3), a
    )


def test_bad_morphs_are_refused_by_name() -> None:
    a = np.zeros((9, 9), np.uint8)
    points, lines = np.array([(4, 4)], float), np.array([(1, 1, 5, 5)], float)
    for function, good in ((sl.image.mesh_morph, points), (sl.image.line_morph, lines)):
        name = function.__name__
        with pytest.raises(InputError, match=f"{name}: b must have the shape and dtype of a"):
            function(a, a[1:], good, good)
        with pytest.raises(InputError, match=f"{name}: b must be"):
            function(a, None, good, good)
        with pytest.raises(InputError, match=f"{name}: t must be a number"):
            function(a, a, good, good, 1.5)
        with pytest.raises(InputError, match=f"{name}: .*must be as many as"):
            function(a, a, good, np.vstack([good, good]))
        with pytest.raises(InputError, match=f"{name}: .*finite"):
            function(a, a, good * np.nan, good)
        with pytest.raises(InputError, match=f"{name}: .*must be N×"):
            function(a, a, [1, 2], good)
    for options in ({"softness": 0}, {"falloff": 9}, {"length_power": -1}):
        with pytest.raises(InputError, match=f"line_morph: {next(iter(options))} must be a number"):
            sl.image.line_morph(a, a, lines, lines, **options)
    with pytest.raises(InputError, match="line_morph: lines_b must be longer than 0"):
        sl.image.line_morph(a, a, lines, lines[:, [0, 1, 0, 1]])
    with pytest.raises(InputError, match="lines between the two must be longer"):
        sl.image.line_morph(a, a, lines, lines[:, [2, 3, 0, 1]])
