"""Skeletons: the paper's conditions pixel by pixel, and beside scikit-image, whose table adds some of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage
from skimage import morphology

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

skeletonize = sl.image.skeletonize


def as_in_the_paper(mask: np.ndarray) -> np.ndarray:
    """Thin whole images at a time, with the conditions as they are printed."""
    image = np.pad(mask, 1).astype(int)
    while True:
        before = image.copy()
        for half in (1, 2):
            offsets = [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)]
            p = [np.roll(image, (-dy, -dx), (0, 1)) for dy, dx in offsets]
            a = sum((p[k] == 0) & (p[(k + 1) % 8] == 1) for k in range(8))
            b = sum(p)
            first, second = (
                (p[0] * p[2] * p[4], p[2] * p[4] * p[6]) if half == 1 else (p[0] * p[2] * p[6], p[0] * p[4] * p[6])
            )
            image[(image == 1) & (b >= 2) & (b <= 6) & (a == 1) & (first == 0) & (second == 0)] = 0
        if np.array_equal(image, before):
            return image[1:-1, 1:-1] > 0


def test_equals_the_paper(photos: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    masks = [rng.random((40, 51)) < share for share in (0.2, 0.5, 0.8, 0.95, 1)]
    for mask in (*masks, photos["rings"] > 127, photos["row"] > 100, photos["column"] > 100, np.ones((1, 1), bool)):
        assert np.array_equal(skeletonize(mask), as_in_the_paper(mask))


@evidence.equals("image.skeletonize", peer="scikit-image", tolerance="99 % of pixels within 3 pixels", data="photos")
def test_lies_where_that_of_scikit_image_does(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    near = []
    for mask in (photos["rings"] > 127, photos.get("coins", photos["rings"]) > 110):
        ours, theirs = skeletonize(mask), morphology.skeletonize(mask)
        near += [ndimage.distance_transform_edt(~theirs)[ours] <= 3, ndimage.distance_transform_edt(~ours)[theirs] <= 3]
    share = float(np.concatenate(near).mean())
    measured(share)
    assert share >= 0.99


def test_a_skeleton_of_a_skeleton_is_itself(photos: dict[str, np.ndarray]) -> None:
    mask = photos["rings"] > 127
    skeleton = skeletonize(mask)
    assert not (skeleton & ~mask).any()
    assert np.array_equal(skeletonize(skeleton), skeleton)
    assert sl.image.label(skeleton)[1] == sl.image.label(mask)[1]


def test_an_image_is_refused() -> None:
    with pytest.raises(InputError, match="skeletonize: mask must be H×W bool; got 4×4 uint8"):
        skeletonize(np.zeros((4, 4), np.uint8))
