"""Watershed against scikit-image and OpenCV, and what holds for any flooding."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import segmentation as peer

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

watershed = sl.image.watershed


def seeds(shape: tuple[int, ...], step: int = 31) -> np.ndarray:
    """Return single pixels as markers, on a grid."""
    markers = np.zeros(shape[:2], np.int32)
    here = markers[step // 3 :: step, step // 3 :: step]
    here[...] = 1 + np.arange(here.size).reshape(here.shape)
    return markers


@evidence.equals(
    "image.watershed", peer="scikit-image", tolerance="identical (reliefs without ties)", data="gradients of photos"
)
def test_equals_scikit_image(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst, random = 0.0, np.random.default_rng(0)
    for name in ("rings", "noise", "coins" if "coins" in photos else "rings"):
        relief = sl.image.sobel(photos[name]).astype(np.float32)
        order = np.argsort((relief + 1e-3 * random.random(relief.shape)).ravel())
        relief = np.empty(relief.size, np.float32)
        relief[order] = np.arange(relief.size, dtype=np.float32)  # every pixel at a height of its own
        relief = relief.reshape(photos[name].shape[:2])
        mask = random.random(relief.shape) > 0.1
        markers = seeds(relief.shape)
        for connectivity in (4, 8):
            for within in (None, mask):
                ours = watershed(relief, markers, connectivity=connectivity, mask=within)
                theirs = peer.watershed(relief, markers, connectivity // 4, mask=within)
                worst = max(worst, float((ours != theirs).mean()))
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize("connectivity", [4, 8])
def test_ties_are_broken_as_in_scikit_image(connectivity: int) -> None:
    relief = np.random.default_rng(0).integers(20, 26, (60, 70)).astype(np.uint8)
    markers = seeds(relief.shape, 20)
    relief[markers > 0] = markers[markers > 0]  # which of two markers of one height is first, its heap leaves open
    expected = peer.watershed(relief, markers, connectivity // 4)
    assert np.array_equal(watershed(relief, markers, connectivity=connectivity), expected)


@evidence.equals("image.watershed", peer="opencv", tolerance="identical (colour, with lines)", data="photos")
def test_equals_opencv_in_colour(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst = 0.0
    for name, image in photos.items():
        if image.ndim == 3:
            markers = seeds(image.shape)
            framed = np.pad(image, ((1, 1), (1, 1), (0, 0)), mode="edge")  # OpenCV gives the frame away
            theirs = cv2.watershed(framed, np.pad(markers, 1))[1:-1, 1:-1]
            ours = watershed(image, markers, lines=True)
            worst = max(worst, float((ours != np.maximum(theirs, 0)).mean()))
            assert watershed(image, markers).all(), name
    measured(worst)
    assert worst == 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_two_basins_meet_at_the_ridge(dtype: str) -> None:
    x = np.arange(21)
    relief = np.tile(100 - np.abs(x - 10) * 9, (15, 1)).astype(dtype)
    markers = np.zeros((15, 21), np.int32)
    markers[7, 0], markers[7, 20] = 3, 8
    labels = watershed(relief, markers)
    assert (labels[:, :10] == 3).all()
    assert (labels[:, 11:] == 8).all()
    lines = watershed(relief, markers, lines=True)
    assert (lines[:, 10] == 0).all()
    assert (lines[:, :10] == 3).all()


def test_water_stays_within_the_mask() -> None:
    mask = np.ones((5, 9), bool)
    mask[:, 4] = False
    markers = np.zeros((5, 9), np.int32)
    markers[2, 2] = 1
    labels = watershed(np.zeros((5, 9), np.uint8), markers, mask=mask)
    assert (labels[:, :4] == 1).all()
    assert not labels[:, 4:].any()


def test_every_relief_of_one_order_floods_alike(photos: dict[str, np.ndarray]) -> None:
    relief = photos["rings"]
    markers = seeds(relief.shape)
    expected = watershed(relief, markers)
    assert np.array_equal(watershed(relief.astype(np.uint16) * 201, markers), expected)
    assert np.array_equal(watershed(np.sqrt(relief.astype(np.float32)), markers), expected)


@pytest.mark.parametrize(
    ("options", "height"), [({}, 1030), ({"connectivity": 8, "lines": True}, 1030), ({"lines": True}, 4100)]
)
def test_a_large_relief_floods_as_with_one_list_a_height(options: dict, height: int) -> None:
    y, x = np.mgrid[0:height, 0:1040].astype(np.float32)
    relief = (127 + 60 * np.sin(x / 13) + 60 * np.sin(y / 9)).astype(np.uint8)
    relief ^= np.random.default_rng(4).integers(0, 4, relief.shape, np.uint8)
    markers = np.zeros(relief.shape, np.int32)
    markers[::61, ::47] = np.arange(1, 1 + markers[::61, ::47].size).reshape(markers[::61, ::47].shape)
    deep = relief.astype(np.uint16) * 257  # more heights than have several lists
    assert np.array_equal(watershed(relief, markers, **options), watershed(deep, markers, **options))


def test_steps_show_the_water_rise(photos: dict[str, np.ndarray]) -> None:
    markers = seeds(photos["rings"].shape)
    trace = sl.trace(watershed, photos["rings"], markers)
    assert np.array_equal(trace.result, watershed(photos["rings"], markers))
    flooded = [np.count_nonzero(trace[f"water at {i}/4"].value) for i in (1, 2, 3)]
    assert flooded == sorted(flooded)
    assert flooded[0] < flooded[2]


@pytest.mark.parametrize(
    ("markers", "options", "sentence"),
    [
        (np.zeros((5, 5), np.int32), {}, "markers must be 0 or 1 … N with at least one above 0; got 0 … 0"),
        (np.ones((4, 5), np.int32), {}, "markers must be whole numbers of the image's shape 5×5; got 4×5 int32"),
        (-np.ones((5, 5), np.int32), {}, "markers must be 0 or 1"),
        (np.ones((5, 5), np.float32), {}, "markers must be whole numbers"),
        (np.ones((5, 5), np.int32), {"connectivity": 6}, "connectivity must be 4 or 8; got int 6"),
        (np.ones((5, 5), np.int32), {"mask": np.ones((3, 3), bool)}, "mask must have the image's shape 5×5"),
    ],
)
def test_bad_arguments_are_refused(markers: np.ndarray, options: dict, sentence: str) -> None:
    with pytest.raises(InputError, match=f"watershed: {sentence}"):
        watershed(np.zeros((5, 5), np.uint8), markers, **options)


def test_nan_is_refused() -> None:
    with pytest.raises(InputError, match="watershed: image must be finite"):
        watershed(np.full((3, 3), np.nan, np.float32), np.ones((3, 3), np.int32))
