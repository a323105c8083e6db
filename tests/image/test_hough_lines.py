"""Lines by voting against OpenCV, and against lines that were drawn."""

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

hough_lines = sl.image.hough_lines


def edges_of(picture: np.ndarray) -> np.ndarray:
    return sl.image.canny(picture, 50, 150, sigma=0)


def peers(edges: np.ndarray, threshold: int, rho: float = 1.0, theta: float = math.pi / 180, **limits: float) -> Any:
    found = cv2.HoughLinesWithAccumulator(edges.astype(np.uint8) * 255, rho, theta, threshold, **limits)
    return np.zeros((0, 3), np.float32) if found is None else found.reshape(-1, 3)


@evidence.equals(
    "image.hough_lines", peer="opencv", tolerance="the same lines and votes in the same order", data="photos"
)
def test_lines_are_those_of_opencv(photos: dict[str, np.ndarray], measured: Callable[[float], None]) -> None:
    worst, total = 0.0, 0
    for name in photos.keys() & {"rings", "sudoku", "building", "coins", "row", "column"}:
        edges = edges_of(photos[name])
        for threshold, rho, theta in ((40, 1, math.pi / 180), (120, 1, math.pi / 180), (60, 2.5, math.pi / 90)):
            lines, votes = hough_lines(edges, threshold, rho=rho, theta=theta, votes=True)
            peer = peers(edges, threshold, rho, theta)
            assert lines.shape == (len(peer), 2)
            assert lines.dtype == np.float32
            assert np.array_equal(votes, peer[:, 2].astype(np.int32))
            shift = peer[:, 0] - lines[:, 0]  # the peer halves an odd number of cells one way, then the other
            assert np.unique(np.round(shift, 3)).size <= 1
            assert abs(shift).max(initial=0) <= rho / 2 + 1e-3
            if rho == 1:
                worst = max(worst, float(np.abs(lines - peer[:, :2]).max(initial=0)))
            total += len(lines)
    measured(worst)
    assert worst < 1e-5
    assert total > (100 if "sudoku" in photos else 5)  # without the folder of real data there are drawings only


def test_angles_between_limits_are_those_of_opencv(photos: dict[str, np.ndarray]) -> None:
    edges = edges_of(photos["rings"])
    lines = hough_lines(edges, 20, min_theta=0.5, max_theta=1.5)
    peer = peers(edges, 20, min_theta=0.5, max_theta=1.5)
    np.testing.assert_allclose(lines, peer[:, :2], atol=1e-5)
    assert len(lines) > 3
    assert lines[:, 1].min() >= 0.5
    assert lines[:, 1].max() <= 1.5


@pytest.mark.parametrize(("rho", "theta"), [(31.0, 0.3), (50.0, 1.2), (90.0, math.pi / 2), (-20.0, 2.8), (64.0, 0.0)])
def test_a_drawn_line_is_found(rho: float, theta: float) -> None:
    y, x = np.mgrid[0:150, 0:200]
    mask = np.abs(x * math.cos(theta) + y * math.sin(theta) - rho) <= 0.5
    (found, *_) = hough_lines(mask, 10, theta=math.pi / 360)
    assert abs(found[0] - rho) <= 1
    assert abs(found[1] - theta) <= math.pi / 180


def test_a_threshold_is_exceeded() -> None:
    mask = np.zeros((40, 40), bool)
    mask[5, 3:33] = True
    assert len(hough_lines(mask, 29)) >= 1
    assert len(hough_lines(mask, 30)) == 0
    lines, votes = hough_lines(mask, 29, votes=True)
    assert votes[0] == 30
    assert lines[0] == pytest.approx([5, math.pi / 2])


def test_no_more_than_asked_for(photos: dict[str, np.ndarray]) -> None:
    edges = edges_of(photos["rings"])
    assert np.array_equal(hough_lines(edges, 20, max_lines=3), hough_lines(edges, 20)[:3])


def test_turning_the_picture_by_180_degrees_turns_the_lines() -> None:
    mask = np.zeros((61, 81), bool)
    for i in range(50):
        mask[5 + i, 10 + i] = True
    line, turned = hough_lines(mask, 40)[0], hough_lines(mask[::-1, ::-1], 40)[0]
    c, s = np.cos(line[1]), np.sin(line[1])
    assert turned[1] == pytest.approx(line[1], abs=0.02)
    assert turned[0] == pytest.approx(80 * c + 60 * s - line[0], abs=1)


def test_an_empty_mask_has_no_lines() -> None:
    lines, votes = hough_lines(np.zeros((9, 7), bool), 1, votes=True)
    assert lines.shape == (0, 2)
    assert votes.shape == (0,)


def test_steps_end_in_the_lines(photos: dict[str, np.ndarray]) -> None:
    edges = edges_of(photos["rings"])
    trace = sl.trace(hough_lines, edges, 25)
    assert [step.name for step in trace] == ["edges", "accumulator", "peaks", "lines"]
    assert trace["accumulator"].value[:180].sum() == 180 * edges.sum()  # each pixel votes once an angle
    assert len(trace["peaks"].value) == len(trace.result)
    assert trace["lines"].picture().shape == (*edges.shape, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"threshold": 0}, "hough_lines: threshold must be a whole number ≥ 1; got 0"),
        ({"rho": np.nan}, "hough_lines: rho must be a number in 0.1–100 pixels"),
        ({"theta": 0}, "hough_lines: theta must be a number"),
        ({"min_theta": 2, "max_theta": 1}, "hough_lines: min_theta must be ≤ max_theta; got 2 and 1. Swap them."),
        ({"max_lines": 0}, "hough_lines: max_lines must be a whole number ≥ 1"),
    ],
)
def test_bad_options_are_refused(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        hough_lines(np.zeros((5, 5), bool), **arguments)


def test_cells_that_do_not_fit_in_memory_are_refused() -> None:
    with pytest.raises(InputError, match="hough_lines: rho and theta must leave at most"):
        hough_lines(np.zeros((9, 20000), bool), rho=0.1, theta=0.0005)


def test_what_is_no_mask_is_refused() -> None:
    with pytest.raises(InputError, match=r"hough_lines: mask must be H×W bool; got 4×4 uint8\. Compare first"):
        hough_lines(np.zeros((4, 4), np.uint8))
