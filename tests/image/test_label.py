"""Connected components against SciPy (same numbers) and OpenCV (same groups)."""

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

label = sl.image.label


def masks(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return masks of photos, and random ones of awkward sizes, from empty to full."""
    rng = np.random.default_rng(0)
    made = [photo > 127 if photo.ndim == 2 else photo[..., 1] > 100 for photo in photos.values()]
    for shape in ((1, 1), (1, 9), (9, 1), (64, 64), (65, 63), (130, 7), (129, 131)):
        made += [rng.random(shape) < share for share in (0, 0.3, 0.5, 0.6, 0.9, 1)]
    return made


@evidence.equals("image.label", peer="scipy", tolerance="identical, numbers and all", data="photos, noise")
@pytest.mark.parametrize("connectivity", [4, 8])
def test_equals_scipy(photos: dict[str, np.ndarray], measured: Callable[[float], None], connectivity: int) -> None:
    wrong = 0
    for mask in masks(photos):
        labels, count = label(mask, connectivity)
        theirs, their_count = ndimage.label(mask, np.ones((3, 3)) if connectivity == 8 else None)
        wrong += int((labels != theirs).sum()) + abs(count - their_count)
    measured(wrong)
    assert wrong == 0


@evidence.equals("image.label", peer="opencv", tolerance="the same groups", data="photos, noise")
@pytest.mark.parametrize("connectivity", [4, 8])
def test_groups_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None], connectivity: int) -> None:
    wrong = 0
    for mask in masks(photos):
        labels, count = label(mask, connectivity)
        their_count, theirs = cv2.connectedComponents(mask.view(np.uint8), connectivity=connectivity)
        pairs = np.unique(labels.astype(np.int64) * 2**32 + theirs).size  # one partner each
        wrong += abs(count + 1 - their_count) + abs(pairs - np.unique(labels).size)
    measured(wrong)
    assert wrong == 0


def test_a_spiral_is_one_group() -> None:
    mask = np.zeros((301, 301), bool)
    radius = np.arange(0, 140, 0.01)
    mask[
        np.rint(150 + radius * np.sin(radius / 3)).astype(int), np.rint(150 + radius * np.cos(radius / 3)).astype(int)
    ] = 1
    labels, count = label(mask)
    assert count == 1
    assert np.array_equal(labels > 0, mask)


def test_bytes_other_than_one_are_true() -> None:
    mask = np.array([[0, 255, 2, 0, 4]], np.uint8).view(bool)
    assert label(mask)[0].tolist() == [[0, 1, 1, 0, 2]]


def test_writes_to_out() -> None:
    mask = np.eye(5, dtype=bool)
    out = np.empty((5, 5), np.int32)
    assert label(mask, 4, out=out)[0] is out
    assert out.max() == 5
    with pytest.raises(InputError, match="label: out must be 5×5 int32; got 5×5 int64"):
        label(mask, out=np.empty((5, 5), np.int64))


@pytest.mark.parametrize("connectivity", [0, 6, 2.5, "8", True, None])
def test_other_connectivities_are_refused(connectivity: Any) -> None:
    with pytest.raises(InputError, match="label: connectivity must be 4 or 8; got"):
        label(np.ones((2, 2), bool), connectivity)


def test_an_image_is_refused() -> None:
    with pytest.raises(InputError, match=r"label: mask must be H×W bool; got 4×4 uint8\. Compare first"):
        label(np.zeros((4, 4), np.uint8))


def test_steps_end_in_the_labels(photos: dict[str, np.ndarray]) -> None:
    mask = photos["rings"] > 127
    labels, count = sl.trace(label, mask).result
    assert count == label(mask)[1]
    assert np.array_equal(labels, label(mask)[0])
