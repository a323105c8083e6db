"""K-means against scikit-learn and OpenCV: from the same start, the same sum of squares."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from sklearn.cluster import KMeans

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

kmeans = sl.image.kmeans_segment


def sum_of_squares(image: np.ndarray, labels: np.ndarray) -> float:
    """Return the sum of squared distances of the pixels from the mean of their label."""
    pixels = image.reshape(labels.size, -1).astype(np.float64)
    groups = (pixels[labels.ravel() == label] for label in np.unique(labels))
    return float(sum(((group - group.mean(axis=0)) ** 2).sum() for group in groups))


@pytest.mark.slow
@evidence.equals("image.kmeans_segment", peer="scikit-learn", tolerance="sum of squares within 0.1 %", data="photos")
def test_reaches_the_sum_of_squares_of_scikit_learn(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 0.0
    for image in (photo for photo in photos.values() if photo.ndim == 3):
        pixels = image.reshape(-1, 3).astype(np.float32)
        colours = np.unique(pixels, axis=0)  # of two equal centres one is empty, and each library moves it elsewhere
        start = colours[np.random.default_rng(1).choice(len(colours), 6, replace=False)]
        ours = sum_of_squares(image, kmeans(image, 6, start=start, iterations=20))
        model = KMeans(6, init=start, n_init=1, max_iter=20, tol=0, algorithm="lloyd").fit(pixels)
        worst = max(worst, abs(ours / model.inertia_ - 1))
    measured(worst)
    assert worst <= 1e-3


@pytest.mark.slow
@evidence.equals("image.kmeans_segment", peer="opencv", tolerance="sum of squares at most 1 % greater", data="photos")
def test_is_as_good_as_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    cv2.setRNGSeed(3)
    for name in ("noise", "coffee" if "coffee" in photos else "noise"):
        image = photos[name]
        pixels = image.reshape(-1, 3).astype(np.float32)
        theirs = cv2.kmeans(pixels, 5, None, (3, 50, 0), 8, cv2.KMEANS_PP_CENTERS)[0]
        ours = sum_of_squares(image, kmeans(image, 5, iterations=50, attempts=8))
        worst = max(worst, ours / theirs - 1)
    measured(worst)
    assert worst <= 0.01


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_three_colours_are_found_in_every_dtype(dtype: str) -> None:
    levels = np.random.default_rng(0).integers(0, 3, (40, 37))
    image = np.array([20, 120, 250], np.uint8)[levels]
    image = image if dtype == "uint8" else image.astype(np.uint16) * 257 if dtype == "uint16" else sl.to_float(image)
    assert np.array_equal(kmeans(image, 3), levels)


def test_every_pixel_is_nearest_to_its_own_centre(photos: dict[str, np.ndarray]) -> None:
    image = photos["noise"]
    labels, centres = kmeans(image, 7, centres=True)
    distances = ((image.reshape(-1, 1, 3).astype(np.float32) - centres) ** 2).sum(axis=2)
    chosen = distances[np.arange(labels.size), labels.ravel()]
    assert (chosen <= distances.min(axis=1) + 1e-2).all()
    assert (np.diff(centres.sum(axis=1)) >= 0).all()


def test_more_rounds_never_raise_the_sum(photos: dict[str, np.ndarray]) -> None:
    sums = [sum_of_squares(photos["rings"], kmeans(photos["rings"], 5, iterations=n)) for n in (1, 2, 5, 20)]
    assert all(a >= b - 1e-6 for a, b in itertools.pairwise(sums))


def test_position_makes_segments_hold_together() -> None:
    image = np.random.default_rng(0).integers(0, 30, (40, 40), dtype=np.uint8)
    labels = kmeans(image, 4, position=5.0, iterations=50)
    quarters = [np.mean(labels[y : y + 20, x : x + 20] == labels[y + 10, x + 10]) for y in (0, 20) for x in (0, 20)]
    assert np.mean(quarters) > 0.75


def test_seeds_are_repeated_and_differ(photos: dict[str, np.ndarray]) -> None:
    image = photos["noise"]
    assert np.array_equal(kmeans(image, 9, 4), kmeans(image, 9, 4))
    assert not np.array_equal(kmeans(image, 9, 4, iterations=1), kmeans(image, 9, 5, iterations=1))


def test_steps_fall_to_the_result(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(kmeans, photos["rings"], 4)
    assert np.array_equal(trace.result, kmeans(photos["rings"], 4))
    sums = trace["sum of squares"].value[:, 1]
    assert (np.diff(sums) <= 1e-6 * sums[0]).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"k": 4}, "k must be ≤ 3, the number of different colours; got 4"),
        ({"k": 0}, "k must be a whole number in 1–256"),
        ({"k": 2, "seed": -1}, "generator: seed must be"),
        ({"k": 2, "start": np.zeros((3, 3))}, "start must be 2×3 finite numbers; got 3×3"),
        ({"k": 2, "position": -1}, "position must be a number in 0–10"),
        ({"k": 2, "iterations": 0}, "iterations must be a whole number in 1–1000"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        kmeans(np.array([[1, 2, 2, 3]], np.uint8), **arguments)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="kmeans_segment: image must be finite"):
        kmeans(np.full((3, 3), np.nan, np.float32), 1)
