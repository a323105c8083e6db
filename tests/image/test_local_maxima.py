"""Local maxima against scikit-image, on photos, responses and plateaus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from skimage import feature

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

local_maxima = sl.image.local_maxima


def maps(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return photos, responses of a filter, distances and noise of a few levels, which has plateaus."""
    random = np.random.default_rng(5)
    grays = [photo if photo.ndim == 2 else photo[..., 1] for photo in photos.values()]
    distances = [sl.image.distance_transform(gray > 127) for gray in grays]
    sixteen = [gray.astype(np.uint16) * np.uint16(257) for gray in grays[:2]]
    return [*grays, *sixteen, *map(sl.image.sobel, grays), *distances, random.integers(0, 4, (60, 80)).astype(np.uint8)]


@evidence.equals("image.local_maxima", peer="scikit-image", tolerance="identical, in order", data="photos, responses")
def test_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for image in maps(photos):
        for distance, threshold, margin in ((1, None, 0), (3, None, 0), (7, float(image.mean()), 5), (20, 3.0, 0)):
            options: dict[str, Any] = {"min_distance": distance, "threshold_abs": threshold, "exclude_border": margin}
            peer = feature.peak_local_max(image, **options)[:, ::-1]
            ours = local_maxima(image, distance, threshold=threshold, margin=margin)
            wrong += ours.shape != peer.shape or int((ours != peer).sum())
    measured(wrong)
    assert wrong == 0


def test_what_is_found_is_apart_and_the_largest_around() -> None:
    image = np.random.default_rng(9).integers(0, 9, (70, 90)).astype(np.uint8)
    points = local_maxima(image, 6)
    values = image[points[:, 1], points[:, 0]].astype(int)
    assert (np.diff(values) <= 0).all()
    for index, (x, y) in enumerate(points):
        assert values[index] == image[max(0, y - 6) : y + 7, max(0, x - 6) : x + 7].max()
        others = np.delete(points, index, axis=0)
        assert np.abs(others - (x, y)).max(axis=1).min() >= 6
    assert np.array_equal(local_maxima(image, 6, most=3), points[:3])


def test_flat_images_and_wide_margins_have_none() -> None:
    for shape in ((1, 1), (5, 7), (1, 9)):
        assert local_maxima(np.full(shape, 7, np.uint8)).shape == (0, 2)
    hill = np.zeros((9, 11), np.float32)
    hill[4, 5] = 2.5
    assert local_maxima(hill).tolist() == [[5, 4]]
    assert local_maxima(hill, margin=4).tolist() == [[5, 4]]
    for margin in (5, 6, 100):
        assert local_maxima(hill, margin=margin).shape == (0, 2)
    assert local_maxima(hill, threshold=2.5).shape == (0, 2)


def test_a_seed_for_each_coin(photos: dict[str, np.ndarray]) -> None:
    coins = photos["coins"]
    mask = sl.image.remove_small(sl.image.fill_holes(sl.image.canny(coins, 50, 150, 2.0)), 300)
    seeds = local_maxima(sl.image.distance_transform(mask), 15, threshold=8)
    _, count = sl.image.label(mask)
    assert abs(len(seeds) - count) <= 3


def test_steps_end_in_the_points(photos: dict[str, np.ndarray]) -> None:
    steps = sl.trace(local_maxima, photos["rings"], distance=4).steps
    assert [step.name for step in steps] == ["image", "largest of its square", "maxima"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"distance": 0}, "local_maxima: distance must be a whole number in 1–1000; got 0"),
        ({"threshold": np.nan}, "local_maxima: threshold must be a number"),
        ({"margin": -1}, "local_maxima: margin must be a whole number ≥ 0"),
        ({"most": 0}, "local_maxima: most must be a whole number ≥ 1"),
    ],
)
def test_refusals(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        local_maxima(np.zeros((5, 6), np.uint8), **options)
    with pytest.raises(InputError, match="local_maxima: image must be finite"):
        local_maxima(np.full((2, 2), np.nan, np.float32))
