"""Region growing against scikit-image's flood."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from skimage.segmentation import flood

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

grow = sl.image.region_grow


@evidence.equals("image.region_grow", peer="scikit-image", tolerance="identical", data="photos")
def test_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for image in photos.values():
        gray = image if image.ndim == 2 else np.ascontiguousarray(image[..., 1])
        height, width = gray.shape
        for x, y in ((0, 0), (width // 2, height // 3), (width - 1, height - 1)):
            for tolerance, connectivity in ((0, 8), (12, 4), (60, 8)):
                ours = grow(gray, np.array([[x, y]]), tolerance, connectivity=connectivity) > 0
                theirs = flood(gray, (y, x), tolerance=tolerance, connectivity=connectivity // 4)
                worst = max(worst, float((ours != theirs).mean()))
    measured(worst)
    assert worst == 0


def test_a_seed_in_an_earlier_region_has_none_of_its_own() -> None:
    image = np.array([[5, 5, 90, 5]], np.uint8)
    assert grow(image, np.array([[0, 0], [1, 0], [3, 0]]), 0).tolist() == [[1, 1, 0, 3]]


def test_every_channel_counts() -> None:
    image = np.zeros((1, 3, 3), np.uint8)
    image[0, 2, 2] = 9
    assert grow(image, np.array([[0, 0]]), 8).tolist() == [[1, 1, 0]]


def test_a_diagonal_is_crossed_by_eight_neighbours_only() -> None:
    image = np.array([[0, 9], [9, 0]], np.uint8)
    assert grow(image, np.array([[0, 0]]), 0).tolist() == [[1, 0], [0, 1]]
    assert grow(image, np.array([[0, 0]]), 0, connectivity=4).tolist() == [[1, 0], [0, 0]]


def test_regions_grow_with_the_tolerance(photos: dict[str, np.ndarray]) -> None:
    seeds = np.array([[60, 40]])
    masks = [grow(photos["rings"], seeds, tolerance) > 0 for tolerance in (0, 20, 100, 255)]
    assert all((a <= b).all() for a, b in itertools.pairwise(masks))
    assert masks[-1].all()


def test_steps_end_in_the_regions(photos: dict[str, np.ndarray]) -> None:
    seeds = np.array([[60, 40], [3, 3]])
    trace = sl.trace(grow, photos["rings"], seeds, tolerance=30)
    assert np.array_equal(trace.result, grow(photos["rings"], seeds, 30))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"seeds": np.zeros((0, 2))}, "seeds must be N×2 points"),
        ({"seeds": np.array([[9, 0]])}, r"seeds must lie in the 3×4 image; got \(9, 0\)"),
        ({"seeds": np.array([[np.nan, 0]])}, "seeds must be finite"),
        ({"tolerance": -1}, "tolerance must be a number in 0–65535"),
        ({"connectivity": 5}, "connectivity must be 4 or 8"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, sentence: str) -> None:
    given = {"seeds": np.zeros((1, 2)), "tolerance": 1, **arguments}
    with pytest.raises(InputError, match=f"region_grow: {sentence}"):
        grow(np.zeros((3, 4), np.uint8), **given)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="region_grow: image must be finite"):
        grow(np.full((3, 3), np.nan, np.float32), np.zeros((1, 2)), 1)
