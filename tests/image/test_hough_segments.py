"""Segments by progressive voting against OpenCV's, by what they cover, and against segments that were drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError

hough_segments = sl.image.hough_segments


def drawn(segments: np.ndarray, shape: tuple[int, int], width: int) -> np.ndarray:
    canvas = np.zeros(shape, np.uint8)
    for x1, y1, x2, y2 in np.rint(segments).astype(int).tolist():
        cv2.line(canvas, (x1, y1), (x2, y2), 255, width)
    return canvas > 0


@evidence.equals(
    "image.hough_segments",
    peer="opencv",
    tolerance="≥ 85 % of the edges under its segments lie under ours; ours cover as many edges",
    data="photos",
)
def test_the_same_edges_are_covered_as_by_opencv(
    photos: dict[str, np.ndarray], measured: Callable[[float], None]
) -> None:
    worst = 1.0
    for name in photos.keys() & {"rings", "sudoku", "building", "camera"}:
        edges = sl.image.canny(photos[name], 50, 150, sigma=0)
        options = (20, 12, 3) if name == "rings" else (80, 30, 10)
        ours = hough_segments(edges, options[0], min_length=options[1], max_gap=options[2])
        peer = cv2.HoughLinesP(
            edges.astype(np.uint8), 1, math.pi / 180, options[0], minLineLength=options[1], maxLineGap=options[2]
        ).reshape(-1, 4)
        under = edges & drawn(peer, edges.shape, 3)
        worst = min(worst, (under & drawn(ours, edges.shape, 7)).sum() / under.sum())
        assert (edges & drawn(ours, edges.shape, 3)).sum() >= 0.95 * under.sum()
    measured(worst)
    assert worst >= 0.85


@pytest.mark.parametrize(
    "segment", [(10, 12, 90, 12), (30, 5, 30, 70), (10, 10, 70, 70), (5, 60, 95, 20), (50, 5, 70, 75), (0, 0, 99, 79)]
)
def test_a_drawn_segment_is_found_whole(segment: tuple[int, int, int, int]) -> None:
    mask = drawn(np.array([segment]), (80, 100), 1)
    found = hough_segments(mask, 20, min_length=20, max_gap=3, theta=math.pi / 360)
    ends = found.reshape(-1, 2)
    for x, y in np.array(segment).reshape(2, 2):
        assert np.hypot(*(ends - (x, y)).T).min() <= 3
    assert (mask & drawn(found, mask.shape, 3)).sum() >= 0.9 * mask.sum()


def test_ends_are_pixels_of_the_mask(photos: dict[str, np.ndarray]) -> None:
    edges = sl.image.canny(photos["rings"])
    found = hough_segments(edges, 12, min_length=8)
    assert len(found) > 5
    for x, y in found.reshape(-1, 2).astype(int):
        assert edges[y, x]


def test_short_ones_are_left_out(photos: dict[str, np.ndarray]) -> None:
    edges = sl.image.canny(photos["rings"])
    found = hough_segments(edges, 12, min_length=15.5)
    assert len(found) > 0
    assert np.hypot(found[:, 2] - found[:, 0], found[:, 3] - found[:, 1]).min() >= 15.5


def test_a_gap_ends_a_segment() -> None:
    mask = np.zeros((20, 80), bool)
    mask[10, 5:35] = mask[10, 40:75] = True  # five pixels are missing
    assert len(hough_segments(mask, 15, min_length=10, max_gap=4)) == 2
    (whole,) = hough_segments(mask, 15, min_length=10, max_gap=5)
    assert sorted((whole[0], whole[2])) == [5, 74]


def test_the_seed_decides_the_order_alone(photos: dict[str, np.ndarray]) -> None:
    edges = sl.image.canny(photos["rings"])
    first, same, other = (hough_segments(edges, 12, min_length=8, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, same)
    assert not np.array_equal(first[:10], other[:10])
    assert np.array_equal(first[:4], hough_segments(edges, 12, min_length=8, seed=3, max_segments=4))
    assert np.array_equal(
        first,
        hough_segments(edges, 12, min_length=8, seed=np.random.default_rng(np.random.PCG64(np.random.SeedSequence(3)))),
    )


def test_single_pixels_are_segments_of_no_length() -> None:
    mask = np.zeros((12, 12), bool)
    mask[::4, ::4] = True
    found = hough_segments(mask, 1, min_length=0, max_gap=0)
    assert len(found) == 9
    assert np.array_equal(found[:, :2], found[:, 2:])


def test_an_empty_mask_has_no_segments() -> None:
    assert hough_segments(np.zeros((9, 7), bool), 1).shape == (0, 4)


def test_steps_end_in_the_segments(photos: dict[str, np.ndarray]) -> None:
    edges = sl.image.canny(photos["rings"])
    trace = sl.trace(hough_segments, edges, 12, min_length=8)
    assert [step.name for step in trace] == ["edges", "first segments", "segments"]
    assert np.array_equal(trace["first segments"].value, trace.result[:8])


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"threshold": 0}, "hough_segments: threshold must be a whole number ≥ 1; got 0"),
        ({"min_length": -1}, "hough_segments: min_length must be a number ≥ 0 pixels; got -1"),
        ({"min_length": np.nan}, "hough_segments: min_length must be a number ≥ 0 pixels"),
        ({"max_gap": 1.5}, "hough_segments: max_gap must be a whole number"),
        ({"seed": -1}, "seed must be a whole number"),
        ({"max_segments": 0}, "hough_segments: max_segments must be a whole number ≥ 1"),
    ],
)
def test_bad_options_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        hough_segments(np.zeros((5, 5), bool), **arguments)


def test_a_cell_holds_more_votes_than_two_bytes() -> None:
    mask = np.ones((300, 800), np.bool_)
    assert len(hough_segments(mask, 70_000, rho=100.0, theta=np.pi / 2)) >= 1
    assert len(hough_segments(mask, 90_000, rho=100.0, theta=np.pi / 2)) == 0
