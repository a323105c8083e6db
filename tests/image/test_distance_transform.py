"""Distances against SciPy, which is exact, and OpenCV."""

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

distance_transform = sl.image.distance_transform


def masks(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return masks of photos and random ones, sparse to nearly full: all of them have a false pixel."""
    rng = np.random.default_rng(0)
    made = [photo > 127 if photo.ndim == 2 else photo[..., 1] > 100 for photo in photos.values()]
    for shape in ((1, 9), (9, 1), (64, 64), (65, 63), (130, 7), (301, 297)):
        made += [rng.random(shape) < share for share in (0, 0.3, 0.6, 0.9, 0.99, 0.9999)]
    lonely = np.ones((211, 190), bool)  # far beyond the reach within which neighbours are tried
    lonely[3, 150] = lonely[200, 20] = False
    return [mask for mask in (*made, lonely) if not mask.all()]


@evidence.equals(
    "image.distance_transform", peer="scipy", tolerance="identical, rounded to float32", data="photos, noise"
)
def test_equals_scipy(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for mask in masks(photos):
        theirs = np.asarray(ndimage.distance_transform_edt(mask), np.float32)
        wrong += int((distance_transform(mask) != theirs).sum())
    measured(wrong)
    assert wrong == 0


@evidence.equals(
    "image.distance_transform", peer="opencv", tolerance="2e-7 relative (float32 rounding)", data="photos, noise"
)
def test_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for mask in masks(photos):
        theirs = cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        worst = max(worst, float((np.abs(distance_transform(mask) - theirs) / np.maximum(1, theirs)).max()))
    measured(worst)
    assert worst <= 2e-7


@evidence.equals("image.distance_transform", peer="scipy", tolerance="identical (l1, chessboard)", data="photos, noise")
@pytest.mark.parametrize(("metric", "theirs"), [("l1", "taxicab"), ("chessboard", "chessboard")])
def test_steps_equal_scipy(
    photos: dict[str, np.ndarray], measured: Callable[[float], None], metric: str, theirs: str
) -> None:
    wrong = 0
    for mask in masks(photos):
        wrong += int((distance_transform(mask, metric=metric) != ndimage.distance_transform_cdt(mask, theirs)).sum())
    measured(wrong)
    assert wrong == 0


@pytest.mark.parametrize("metric", ["euclidean", "l1", "chessboard"])
def test_without_a_false_pixel_everything_is_infinitely_far(metric: str) -> None:
    assert np.isposinf(distance_transform(np.ones((40, 70), bool), metric=metric)).all()
    assert (distance_transform(np.zeros((40, 70), bool), metric=metric) == 0).all()


def test_one_false_pixel_gives_its_distance() -> None:
    mask = np.ones((150, 400), bool)
    mask[20, 7] = False
    y, x = np.mgrid[0:150, 0:400]
    assert np.array_equal(distance_transform(mask), np.hypot(y - 20.0, x - 7.0).astype(np.float32))
    assert np.array_equal(distance_transform(mask, metric="l1"), abs(y - 20) + abs(x - 7))
    assert np.array_equal(distance_transform(mask, metric="chessboard"), np.maximum(abs(y - 20), abs(x - 7)))


def test_more_than_32768_pixels_high() -> None:
    mask = np.ones((70_000, 2), bool)
    mask[0, 0] = False
    assert distance_transform(mask)[-1].tolist() == [69_999.0, np.float32(np.hypot(69_999, 1))]


@pytest.mark.parametrize("metric", ["euclidean", "l1", "chessboard"])
def test_transposing_turns_the_distances_round(photos: dict[str, np.ndarray], metric: str) -> None:
    mask = photos["rings"] > 60
    assert np.array_equal(distance_transform(mask.T, metric=metric), distance_transform(mask, metric=metric).T)


@pytest.mark.parametrize(
    ("mask", "options", "sentence"),
    [
        (np.zeros((3, 3), np.uint8), {}, "mask must be H×W bool; got 3×3 uint8. Compare first"),
        (np.zeros((0, 3), bool), {}, "mask must be H×W bool"),
        (np.ones((3, 3), bool), {"metric": "l2"}, "metric must be one of 'euclidean', 'l1', 'chessboard'; got 'l2'"),
        (np.ones((3, 3), bool), {"out": np.empty((3, 3))}, "out must be 3×3 float32; got 3×3 float64"),
    ],
)
def test_bad_input_is_refused(mask: np.ndarray, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=f"distance_transform: {sentence}"):
        distance_transform(mask, **options)
