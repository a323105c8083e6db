"""Semi-global matching against its formula written out, and beside OpenCV's on Middlebury's pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from geometry.stereo_scenes import bad, scene
from sightline.core import evidence
from sightline.core.errors import InputError
from sightline.geometry.census import matching_costs
from sightline.geometry.disparity_choice import choose_row, limits_of
from sightline.geometry.sgm_paths import path_sums
from sightline.geometry.speckles import fill_gaps, remove_speckles

RANDOM = np.random.default_rng(3)
WAYS = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]


def written_out(costs: np.ndarray, way: tuple[int, int], p1: int, p2: int) -> np.ndarray:
    """Return L along one path, pixel by pixel."""
    height, width, count = costs.shape
    result = costs.astype(int)
    for y in range(height)[:: way[0] or 1]:
        for x in range(width)[:: way[1] or 1]:
            v, u = y - way[0], x - way[1]
            if 0 <= v < height and 0 <= u < width:
                before = result[v, u]
                lower, higher = np.r_[999, before[:-1]] + p1, np.r_[before[1:], 999] + p1
                result[y, x] += (
                    np.minimum.reduce([before, lower, higher, np.full(count, before.min() + p2)]) - before.min()
                )
    return result


@pytest.mark.parametrize(
    ("shape", "paths", "p1", "p2"), [((9, 13, 32), 8, 18, 60), ((6, 5, 64), 4, 0, 180), ((1, 7, 32), 8, 5, 5)]
)
def test_the_paths_are_the_formula(shape: tuple[int, int, int], paths: int, p1: int, p2: int) -> None:
    costs = RANDOM.integers(0, 52, shape, np.uint8)
    found = sum(volume.astype(int) for volume in path_sums(costs, p1, p2, paths))
    expected = sum(written_out(costs, way, p1, p2) for way in WAYS[:paths])
    assert (found == expected).all()


def test_the_costs_are_counted_bits_and_differences() -> None:
    left, right = RANDOM.integers(0, 256, (2, 12, 20), np.uint8)
    costs = matching_costs(left, right, 2, 10)
    assert costs.shape == (12, 20, 32)
    assert (costs[..., 10:] == 255).all()
    a, b = (np.pad(picture, ((3, 3), (4, 4)), mode="edge") for picture in (left, right))
    for y, x, k in ((0, 5, 0), (6, 13, 4), (11, 19, 9)):
        there = x - 2 - k
        one = np.delete((a[y : y + 7, x : x + 9] < left[y, x]).ravel(), 31)
        other = np.delete((b[y : y + 7, there : there + 9] < right[y, there]).ravel(), 31)
        assert costs[y, x, k] == (one != other).sum() // 2 + min(20, abs(int(left[y, x]) - int(right[y, there])))
    assert (costs[:, 1, :10] == 51).all()  # nothing is there in the right picture


@evidence.reaches(
    "geometry.sgm",
    figure="bad-2.0 of cones and teddy, seen by both, %",
    published=12.0,
    source="OpenCV 5 StereoSGBM, 8 paths, window 3, same range",
    data="middlebury_stereo",
)
def test_fewer_bad_pixels_than_opencv(shared_data: Path, measured: Callable[[float], None]) -> None:
    for name in ("teddy", "cones"):
        left, right, truth, seen = scene(shared_data, name)
        peer = cv2.StereoSGBM.create(0, 64, 3, 216, 864, 1, 0, 10, 100, 2, cv2.STEREO_SGBM_MODE_HH)
        theirs = peer.compute(left, right) / 16
        ours = sl.geometry.sgm(left, right, 64)
        assert bad(ours, truth, seen) < 0.6 * bad(theirs, truth, seen)
        assert bad(ours, truth, seen, 1) < 0.6 * bad(theirs, truth, seen, 1)
    measured(bad(ours, truth, seen))
    assert bad(sl.geometry.sgm(left, right, 64, fill=True), truth, seen) < 3


def test_another_exposure_does_little_harm(shared_data: Path) -> None:
    left, right, truth, seen = scene(shared_data, "cones")
    darker = (right * 0.8).astype(np.uint8)
    assert bad(sl.geometry.sgm(left, darker, 64), truth, seen) < 5


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_plane_is_found_in_every_dtype(dtype: type) -> None:
    right = RANDOM.random((40, 80))
    scaled = right * np.iinfo(dtype).max if dtype != np.float32 else right
    moved = np.roll(scaled, 9, axis=1).astype(dtype)
    found = sl.geometry.sgm(moved, scaled.astype(dtype), (4, 20))
    assert found.dtype == np.float32
    assert np.nanmax(np.abs(found[:, 20:] - 9)) < 0.5
    assert np.isfinite(found[:, 20:]).mean() > 0.95


def test_what_is_not_held_is_not_said() -> None:
    left, right = RANDOM.random((2, 100, 140), np.float32)
    assert np.isfinite(sl.geometry.sgm(left, right, 32)).mean() < 0.1
    assert np.isfinite(sl.geometry.sgm(left, right, 32, check=-1, speckles=0)).all()
    assert np.isfinite(sl.geometry.sgm(left, right, 32, unique=0.9, check=-1, speckles=0)).mean() < 0.1


@pytest.mark.parametrize(("sums", "known"), [((9, 3, 1, 2), True), ((9, 2, 1, 3), False)])
def test_a_disparity_between_two_pixels_may_agree_with_either(sums: tuple[int, ...], known: bool) -> None:
    volume = np.full((6, 4), 9, np.uint16)
    volume[3, 0] = volume[4, 2] = volume[4, 0] = 0  # of the right picture, 3 and 4 have disparity 0, and 2 has 2
    volume[5] = sums  # 2.25, between 3 and 2; or 1.75, between 3 and 4
    out, scratch, found = np.empty(6, np.float32), np.empty((2, 10), np.uint16), np.empty((2, 6), np.float32)
    choose_row(volume, 0, 4, np.float32(0), limits_of(0), scratch, found, out)
    assert np.isfinite(out[5]) == known


def test_speckles_go_as_in_opencv() -> None:
    levels = cv2.GaussianBlur(RANDOM.random((60, 80)), (0, 0), 2)
    steps = np.rint((levels - levels.min()) / np.ptp(levels) * 12)
    for size in (5, 40):
        ours, theirs = steps.astype(np.float32), (steps * 16).astype(np.int16)
        remove_speckles(ours, size, 1.0)
        cv2.filterSpeckles(theirs, -160, size, 16)
        assert (np.isnan(ours) == (theirs == -160)).all()


def test_gaps_are_filled_from_the_farther_side() -> None:
    rows = np.float32([[np.nan, 5, np.nan, np.nan, 3], [np.nan] * 5, [2, np.nan, 7, 7, np.nan]])
    fill_gaps(rows)
    assert rows[0].tolist() == [5, 5, 3, 3, 3]
    assert np.isnan(rows[1]).all()
    assert rows[2].tolist() == [2, 2, 7, 7, 7]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"right": np.zeros((10, 11), np.uint8)}, "right must have the height"),
        ({"disparities": 1}, "disparities"),
        ({"disparities": (8, 8)}, "disparities must be a range"),
        ({"p1": 70}, "p1"),
        ({"p2": 200}, "p2"),
        ({"unique": 2}, "unique"),
    ],
)
def test_refusals(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        sl.geometry.sgm(**{"left": np.zeros((10, 12), np.uint8), "right": np.zeros((10, 12), np.uint8), **options})
