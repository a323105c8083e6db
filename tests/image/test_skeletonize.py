"""Skeletons against scikit-image, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage import morphology

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

skeletonize = sl.image.skeletonize


def masks(photos: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return masks of photos, noise of every density, and every mask of 4×4 pixels on one sheet."""
    rng = np.random.default_rng(0)
    crops = [photo if photo.ndim == 2 else photo[..., 1] for photo in photos.values()]
    made = [crop[:200, :200] > 110 for crop in crops]
    made += [rng.random((61, 83)) < share for share in (0.2, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99, 1)]
    sheet = np.zeros((256, 256, 5, 5), bool)
    sheet[:, :, 1:, 1:] = (np.arange(1 << 16)[:, None] >> np.arange(16) & 1).reshape(256, 256, 4, 4)
    return [*made, sheet.swapaxes(1, 2).reshape(1280, 1280), np.ones((1, 1), bool)]


@evidence.equals("image.skeletonize", peer="scikit-image", tolerance="identical", data="photos, noise, all 4×4 masks")
def test_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    wrong = sum(int((skeletonize(mask) != morphology.skeletonize(mask)).sum()) for mask in masks(photos))
    measured(wrong)
    assert wrong == 0


def test_a_diagonal_line_two_pixels_wide_keeps_a_pixel_of_each_step() -> None:
    thick = np.eye(9, dtype=bool) | np.eye(9, k=-1, dtype=bool)
    assert skeletonize(thick).any()
    stairs = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]], bool)
    assert skeletonize(stairs).sum() < stairs.sum()


def test_a_skeleton_of_a_skeleton_is_itself(photos: dict[str, np.ndarray]) -> None:
    mask = photos["rings"] > 127
    skeleton = skeletonize(mask)
    assert not (skeleton & ~mask).any()
    assert np.array_equal(skeletonize(skeleton), skeleton)
    assert sl.image.label(skeleton)[1] == sl.image.label(mask)[1]


def test_steps_end_in_the_skeleton(photos: dict[str, np.ndarray]) -> None:
    trace = sl.trace(skeletonize, photos["rings"] > 127)
    assert len(trace) > 3
    assert np.array_equal(trace.result, skeletonize(photos["rings"] > 127))


def test_an_image_is_refused() -> None:
    with pytest.raises(InputError, match="skeletonize: mask must be H×W bool; got 4×4 uint8"):
        skeletonize(np.zeros((4, 4), np.uint8))
