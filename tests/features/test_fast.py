"""FAST-9 against OpenCV: the same points and scores."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals("features.fast", peer="opencv", tolerance="identical points and scores", data="photos")
def test_corners_are_those_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    different = 0
    for photo in photos.values():
        gray = photo if photo.ndim == 2 else sl.image.convert(photo, "rgb", "gray")
        for threshold in (1, 10, 40):
            for nonmax in (True, False):
                ours = sl.features.fast(gray, threshold, nonmax=nonmax)
                peers = cv2.FastFeatureDetector_create(threshold, nonmax).detect(gray)
                points = np.array([one.pt for one in peers], np.float32).reshape(-1, 2)
                scores = [one.response for one in peers] if nonmax else ours.responses
                same = np.array_equal(ours.points, points) and np.array_equal(ours.responses, scores)
                different += not same
    measured(different)
    assert different == 0


def test_the_response_is_the_last_threshold(photos: dict[str, np.ndarray]) -> None:
    gray = photos["rings"]
    found = sl.features.fast(gray, 5, nonmax=False)
    least = int(np.median(found.responses))
    again = sl.features.fast(gray, least, nonmax=False)
    assert np.array_equal(found[found.responses >= least].points, again.points)


@pytest.mark.parametrize("shape", [(1, 1), (6, 50), (7, 7), (40, 3)])
def test_small_and_flat_images_have_no_corners(shape: tuple[int, int]) -> None:
    assert len(sl.features.fast(np.full(shape, 9, np.uint8))) == 0


def test_the_threshold_is_a_number_of_levels() -> None:
    with pytest.raises(InputError, match=r"fast: threshold must be a whole number in 1–254; got 0\."):
        sl.features.fast(np.zeros((9, 9), np.uint8), 0)
