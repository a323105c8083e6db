"""Reconstruction, holes, small groups, majority and hit-or-miss against scikit-image, SciPy and OpenCV."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import ndimage
from skimage import filters, morphology

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

image = sl.image
CROSS = ndimage.generate_binary_structure(2, 1)


def masks(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return masks of photos and random ones, one pixel wide and full ones among them."""
    rng = np.random.default_rng(0)
    made = [photos["rings"] > 127, photos.get("coins", photos["rings"]) > 110, photos["column"] > 100]
    made += [rng.random((60, 71)) < share for share in (0.2, 0.5, 0.8, 0.95)]
    return [*made, np.ones((1, 9), bool), np.ones((1, 1), bool)]


def grays(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return a smooth grey image in every dtype."""
    rings = cv2.GaussianBlur(photos["rings"], (0, 0), 2)
    return [rings, rings.astype(np.uint16) * np.uint16(257), rings / np.float32(255)]


@evidence.equals(
    "image.reconstruct", peer="scikit-image", tolerance="identical (uint8, uint16, float32)", data="photos"
)
@pytest.mark.parametrize("connectivity", [4, 8])
def test_reconstruction_equals_scikit_image(
    photos: dict[str, np.ndarray], measured: Callable[[float], None], connectivity: int
) -> None:
    around, worst = CROSS if connectivity == 4 else np.ones((3, 3)), 0.0
    for gray in grays(photos):
        marker = np.minimum(gray, np.roll(gray, 9, axis=1))
        theirs = morphology.reconstruction(marker, gray, "dilation", around)
        worst = max(worst, float(np.abs(image.reconstruct(marker, gray, connectivity=connectivity) - theirs).max()))
        marker = np.maximum(gray, np.roll(gray, 9, axis=1))
        theirs = morphology.reconstruction(marker, gray, "erosion", around)
        ours = image.reconstruct(marker, gray, growth="erosion", connectivity=connectivity)
        worst = max(worst, float(np.abs(ours - theirs).max()))
    measured(worst)
    assert worst <= 1e-6


def test_a_mask_keeps_the_groups_that_the_marker_touches(photos: dict[str, np.ndarray]) -> None:
    mask = photos["rings"] > 127
    marker = np.zeros_like(mask)
    marker[tuple(np.argwhere(mask)[0])] = True
    labels, _ = image.label(mask)
    assert np.array_equal(image.reconstruct(marker, mask), labels == 1)
    assert np.array_equal(image.reconstruct(mask, mask), mask)


@evidence.equals("image.fill_holes", peer="scipy", tolerance="identical", data="photos, noise")
@pytest.mark.parametrize("connectivity", [4, 8])
def test_filled_holes_equal_scipy(
    photos: dict[str, np.ndarray], measured: Callable[[float], None], connectivity: int
) -> None:
    around = CROSS if connectivity == 4 else np.ones((3, 3))
    wrong = sum(
        int((image.fill_holes(m, connectivity=connectivity) != ndimage.binary_fill_holes(m, around)).sum())
        for m in masks(photos)
    )
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.remove_small", peer="scikit-image", tolerance="identical", data="photos, noise")
@pytest.mark.parametrize("connectivity", [4, 8])
def test_removed_groups_equal_scikit_image(
    photos: dict[str, np.ndarray], measured: Callable[[float], None], connectivity: int
) -> None:
    wrong = 0
    for mask in masks(photos):
        for size in (1, 2, 10, 64):
            theirs = morphology.remove_small_objects(mask, max_size=size - 1, connectivity=connectivity // 4)
            wrong += int((image.remove_small(mask, size, connectivity=connectivity) != theirs).sum())
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.majority", peer="scikit-image", tolerance="identical", data="photos, noise")
def test_majority_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = 0
    for mask in masks(photos):
        for footprint in (1, 3, 5, (3, 7), image.footprint("disk", 9), np.eye(5, dtype=bool)):
            size = footprint if isinstance(footprint, tuple) else (footprint, footprint)
            shape = footprint.astype(np.uint8) if isinstance(footprint, np.ndarray) else np.ones(size, np.uint8)
            theirs = filters.rank.majority(mask.view(np.uint8), shape) > 0
            wrong += int((image.majority(mask, footprint) != theirs).sum())
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.hit_or_miss", peer="opencv", tolerance="identical", data="photos, noise")
def test_hit_or_miss_equals_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    patterns = [np.array(rows) for rows in ([[0, -1, -1], [1, 1, -1], [0, 1, 0]], [[-1, 1, -1]], [[1], [0], [-1]])]
    wrong = 0
    for mask in masks(photos):
        for pattern in patterns:
            theirs = cv2.morphologyEx(mask.view(np.uint8) * 255, cv2.MORPH_HITMISS, pattern.astype(np.int32)) > 0
            wrong += int((image.hit_or_miss(mask, pattern) != theirs).sum())
    measured(wrong)
    assert wrong == 0


def test_majority_is_its_own_dual_without_ties(photos: dict[str, np.ndarray]) -> None:
    mask = np.pad(photos["rings"] > 127, 4)
    both = image.majority(mask, 5)[4:-4, 4:-4] ^ image.majority(~mask, 5)[4:-4, 4:-4]
    assert both.all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: image.reconstruct(m, ~m), "reconstruct: marker must be nowhere above mask; got 16 such pixels"),
        (lambda m: image.reconstruct(m, m[:3]), "reconstruct: mask must have the marker's shape; got 3×4 bool for 4×4"),
        (lambda m: image.reconstruct(m, m.astype(np.uint8)), "reconstruct: mask must be H×W, bool; got 4×4 uint8"),
        (lambda m: image.reconstruct(m, m, growth="up"), "reconstruct: growth must be one of 'dilation', 'erosion'"),
        (lambda m: image.reconstruct(m, m, connectivity=6), "reconstruct: connectivity must be 4 or 8; got int 6"),
        (lambda m: image.fill_holes(m, connectivity=5), "fill_holes: connectivity must be 4 or 8; got int 5"),
        (lambda m: image.remove_small(m, 0), "remove_small: size must be a whole number ≥ 1; got 0"),
        (lambda m: image.remove_small(m.astype(np.uint8)), "remove_small: mask must be H×W bool"),
        (lambda m: image.majority(m, np.zeros((3, 3), bool)), "majority: footprint must have a true pixel"),
        (lambda m: image.majority(m, 0), "majority: footprint must be a whole number ≥ 1; got 0"),
        (lambda m: image.hit_or_miss(m, np.zeros((3, 3), int)), "hit_or_miss: pattern must ask for a pixel"),
        (lambda m: image.hit_or_miss(m, np.full((3, 3), 2)), "hit_or_miss: pattern must be of -1, 0 and 1; got other"),
        (lambda m: image.hit_or_miss(m, "L"), "hit_or_miss: pattern must be an H×W array of -1, 0 and 1; got str"),
    ],
)
def test_bad_input_is_refused(call: Callable[[np.ndarray], Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        call(np.ones((4, 4), bool))


def test_nan_is_refused() -> None:
    spoiled = np.array([[0.1, np.nan]], np.float32)
    with pytest.raises(InputError, match="reconstruct: marker must be finite"):
        image.reconstruct(spoiled, spoiled)
