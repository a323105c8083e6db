"""Mean shift against OpenCV's filter, and what holds for its segments."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

mean_shift_filter, mean_shift_segment = sl.image.mean_shift_filter, sl.image.mean_shift_segment


def small(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return parts of the colour photos."""
    return [np.ascontiguousarray(photo[:120, :150]) for photo in photos.values() if photo.ndim == 3]


@evidence.equals(
    "image.mean_shift_filter", peer="opencv", tolerance="≥ 98 % of values (one level of pyramid)", data="photos"
)
def test_filter_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 1.0
    for image in small(photos):
        for radius, colour in ((4, 12), (8, 30)):
            theirs = cv2.pyrMeanShiftFiltering(image, radius, colour, maxLevel=0)
            worst = min(worst, float((mean_shift_filter(image, radius, colour) == theirs).mean()))
    measured(worst)
    assert worst >= 0.98


@evidence.equals("image.mean_shift_segment", peer="opencv", tolerance="2 % of pixels", data="flat patches with noise")
def test_segments_are_the_flat_patches_of_opencvs_filter(measured: Callable[[float], None]) -> None:
    random = np.random.default_rng(0)
    patches = np.kron(np.arange(6).reshape(2, 3), np.ones((25, 25), int))
    colours = random.permutation(np.linspace(20, 230, 18).astype(int)).reshape(6, 3)
    image = np.clip(colours[patches] + random.normal(0, 3, (50, 75, 3)), 0, 255).astype(np.uint8)
    flat = cv2.pyrMeanShiftFiltering(image, 8, 30, maxLevel=0).astype(int)
    theirs = np.abs(flat[:, :, None] - colours).sum(axis=3).argmin(axis=2)  # the patch whose colour is nearest
    ours = mean_shift_segment(image, 8, 12.0)
    measured(float((ours != theirs).mean()))
    assert ours.max() == 5
    assert (ours != theirs).mean() <= 0.02


def test_a_flat_image_stays_and_is_one_segment() -> None:
    image = np.full((20, 30, 3), 77, np.uint8)
    assert np.array_equal(mean_shift_filter(image), image)
    assert not mean_shift_segment(image).any()


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_filter_in_other_dtypes(dtype: str, photos: dict[str, np.ndarray]) -> None:
    image = photos["rings"][:60, :60]
    wide = image.astype(np.uint16) * 257 if dtype == "uint16" else sl.to_float(image)
    found = sl.to_uint8(mean_shift_filter(wide, 4, 15)).astype(int)
    assert np.abs(found - mean_shift_filter(image, 4, 15)).mean() < 1


def test_segments_are_no_smaller_than_asked(photos: dict[str, np.ndarray]) -> None:
    labels = mean_shift_segment(photos["rings"], 5, 6, min_size=40)
    assert np.bincount(labels.ravel()).min() >= 40


def test_greater_radius_of_colour_gives_fewer_segments(photos: dict[str, np.ndarray]) -> None:
    counts = [mean_shift_segment(photos["rings"], 4, radius, min_size=1).max() for radius in (1, 6, 100)]
    assert counts[0] > counts[1] > counts[2] == 0


def test_steps_end_in_the_segments(photos: dict[str, np.ndarray]) -> None:
    image = small(photos)[0][:60, :50]
    trace = sl.trace(mean_shift_segment, image)
    assert np.array_equal(trace.result, mean_shift_segment(image))


@pytest.mark.parametrize("function", [mean_shift_filter, mean_shift_segment])
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"radius": 0}, "radius must be a whole number in 1–1000"),
        ({"colour_radius": 0}, "colour_radius must be a number > 0"),
        ({"iterations": 0}, "iterations must be a whole number in 1–100"),
    ],
)
def test_bad_arguments_are_refused(function: Callable[..., np.ndarray], arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        function(np.zeros((5, 5), np.uint8), **arguments)


@pytest.mark.parametrize("function", [mean_shift_filter, mean_shift_segment])
def test_nan_is_refused(function: Callable[..., np.ndarray]) -> None:
    with pytest.raises(InputError, match="image must be finite"):
        function(np.full((3, 3), np.nan, np.float32))
