"""Histograms of oriented gradients against scikit-image, and what a detector asks of the block map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from skimage import feature

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

PEER_NORMS = {"l2_hys": "L2-Hys", "l2": "L2", "l1": "L1", "l1_sqrt": "L1-sqrt"}


def peer(image: np.ndarray, cell: int, block: int, bins: int, norm: str = "l2_hys") -> np.ndarray:
    axis = -1 if image.ndim == 3 else None
    values = image.astype(np.float64)
    return feature.hog(
        values, bins, (cell, cell), (block, block), PEER_NORMS[norm], feature_vector=False, channel_axis=axis
    )


# A 256th of a level is exact: of two orientations or channels that are equal, rounding would choose one.
@pytest.mark.parametrize("norm", list(PEER_NORMS))
@evidence.equals("features.hog", peer="scikit-image", tolerance="1e-5", data="photos, gray and colour")
def test_equals_scikit_image(norm: str, photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for photo in photos.values():
        image = (photo[:160, :240] / 256).astype(np.float32)
        for cell, block, bins in ((8, 2, 9), (5, 3, 8)):
            if min(image.shape[:2]) >= cell * block:
                ours = sl.features.hog(image, cell, block, bins, norm=norm)
                worst = max(worst, float(np.abs(ours - peer(image, cell, block, bins, norm).ravel()).max()))
    measured(worst)
    assert worst <= 1e-5


def test_the_square_root_is_taken_first() -> None:
    image = np.random.default_rng(3).random((40, 48), np.float32)
    expected = peer(np.sqrt(image), 8, 2, 9).ravel()
    assert np.abs(sl.features.hog(image, root=True) - expected).max() <= 1e-5


def test_all_dtypes_are_taken_from_0_to_1() -> None:
    image = np.random.default_rng(4).integers(0, 256, (32, 40, 3), dtype=np.uint8)
    wide = sl.features.hog(image.astype(np.uint16) * np.uint16(257))
    assert np.abs(sl.features.hog(image) - wide).max() <= 1e-5
    assert np.abs(sl.features.hog(image) - sl.features.hog(sl.to_float(image))).max() <= 0.05  # equal lengths may part


def test_a_window_of_the_map_is_the_descriptor_of_the_window() -> None:
    image = np.random.default_rng(5).random((80, 96), np.float32)
    blocks = sl.features.hog_blocks(image)
    assert blocks.shape == (9, 11, 2, 2, 9)
    window = sl.features.hog_blocks(image[16:64, 24:72])  # only its outermost cells meet another border
    assert np.abs(blocks[3:6, 4:7] - window[1:4, 1:4]).max() <= 1e-6


@evidence.equals(
    "features.hog_picture", peer="invariant: strokes run along the edges", tolerance="0.9 of the ink", data="made"
)
def test_strokes_run_along_the_edges(measured: Callable[[float], None]) -> None:
    shares = []
    for turn in range(0, 180, 20):  # stripes whose gradient has this direction
        y, x = np.mgrid[0:96, 0:96]
        angle = np.deg2rad(turn + 10)
        waves = (127 + 120 * np.sin((x * np.cos(angle) + y * np.sin(angle)) / 2.5)).astype(np.uint8)
        drawn = sl.features.hog_picture(waves, 16)[32:48, 32:48].astype(np.float64)
        off = np.mgrid[0:16, 0:16] - 7.5
        away = np.abs(off[1] * np.cos(angle) + off[0] * np.sin(angle))
        shares.append(drawn[away <= 2.5].sum() / drawn.sum())
    measured(min(shares))
    assert min(shares) >= 0.9


def test_what_is_smaller_than_a_block_has_an_empty_descriptor() -> None:
    assert sl.features.hog(np.zeros((12, 30), np.uint8)).shape == (0,)
    assert sl.features.hog_picture(np.zeros((3, 3), np.uint8)).tolist() == [[0]]


def test_no_texture_gives_zeros() -> None:
    assert not sl.features.hog(np.full((32, 32, 3), 90, np.uint8)).any()


def test_nan_is_refused_by_name() -> None:
    image = np.zeros((32, 32), np.float32)
    image[3, 4] = np.nan
    with pytest.raises(InputError, match="hog: image must be finite"):
        sl.features.hog(image)
