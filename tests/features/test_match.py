"""Matching against OpenCV's brute force: the same pairs, the same distances."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import InputError


def sift_like(n: int, seed: int) -> np.ndarray:
    """Return N×128 whole numbers as float32, of length 512 or so."""
    vectors = np.random.default_rng(seed).gamma(0.6, 1, (n, 128))
    return np.rint(512 * vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def pairs(kind: str, n: int = 600, m: int = 700) -> tuple[np.ndarray, np.ndarray]:
    """Return two lists of descriptors, of which many in the first are near one in the second."""
    random = np.random.default_rng(5)
    if kind == "float":
        b = sift_like(m, 1)
        return np.maximum(np.rint(b[:n] + random.normal(0, 55, (n, 128))), 0).astype(np.float32)[::-1].copy(), b
    b = random.integers(0, 256, (m, 32), dtype=np.uint8)
    flips = np.packbits(random.random((n, 256)) < 0.38, axis=1)
    return b[:n] ^ flips, b


def peer(a: np.ndarray, b: np.ndarray, ratio: float) -> tuple[list[tuple[int, int]], list[float]]:
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING if a.dtype == np.uint8 else cv2.NORM_L2)
    rows = [first for first, second in matcher.knnMatch(a, b, 2) if first.distance < ratio * second.distance]
    return [(row.queryIdx, row.trainIdx) for row in rows], [row.distance for row in rows]


@pytest.mark.parametrize("kind", ["float", "bits"])
@evidence.equals("features.match", peer="opencv", tolerance="the same pairs; distances 1e-5", data="made descriptors")
def test_equals_opencv(kind: str, measured: Callable[[float], None]) -> None:
    worst = 0.0
    a, b = pairs(kind)
    for ratio in (0.7, 0.8, 0.9):
        found = sl.features.match(a, b, ratio)
        expected, distances = peer(a, b, ratio)
        assert [tuple(pair) for pair in found.indices.tolist()] == expected
        worst = max(worst, float((np.abs(found.distances - distances) / distances).max()))
    assert 50 < len(found) < len(a)
    measured(worst)
    assert worst <= 1e-5


@pytest.mark.parametrize("kind", ["float", "bits"])
def test_cross_check_equals_opencv(kind: str) -> None:
    a, b = pairs(kind)
    norm = cv2.NORM_HAMMING if kind == "bits" else cv2.NORM_L2
    expected = [(row.queryIdx, row.trainIdx) for row in cv2.BFMatcher(norm, crossCheck=True).match(a, b)]
    found = sl.features.match(a, b, 1, cross_check=True)
    assert [tuple(pair) for pair in found.indices.tolist()] == expected


def test_every_block_is_merged() -> None:
    """More columns than a block has, and vectors far from zero that differ in the last digits."""
    random = np.random.default_rng(6)
    b = (1000 + random.random((9000, 8))).astype(np.float32)
    order = random.permutation(9000)[:300]
    found = sl.features.match(b[order], b, 1)
    assert np.array_equal(found.indices[:, 1], order)
    assert not found.distances.any()


def test_of_equals_the_first_and_no_clear_winner() -> None:
    a, b = np.ones((3, 4), np.float32), np.ones((5, 4), np.float32)
    assert sl.features.match(a, b, 1).indices.tolist() == [[0, 0], [1, 0], [2, 0]]
    assert len(sl.features.match(a, b)) == 0
    codes = np.zeros((2, 5), np.uint8)  # five bytes: words are filled up
    assert sl.features.match(codes, codes, 1, cross_check=True).indices.tolist() == [[0, 0]]


def test_too_few_descriptors_give_no_matches() -> None:
    none, one, two = (np.ones((n, 4), np.float32) for n in range(3))
    for kind in ("exact", "approximate"):
        assert len(sl.features.match(none, two, method=kind)) == 0
        assert len(sl.features.match(two, none, 1, cross_check=True, method=kind)) == 0
        assert len(sl.features.match(two, one, method=kind)) == 0  # nothing to hold it against
        assert len(sl.features.match(two, one, 1, method=kind)) == 2


def test_the_graph_finds_nearly_all() -> None:
    for kind, least in (("float", 0.97), ("bits", 0.97)):
        a, b = pairs(kind)
        exact = {tuple(pair) for pair in sl.features.match(a, b, 0.9).indices.tolist()}
        near = {tuple(pair) for pair in sl.features.match(a, b, 0.9, method="approximate").indices.tolist()}
        assert len(exact & near) >= least * len(exact)


def test_features_bring_their_points_and_matches_draw_themselves() -> None:
    points, marks = np.float32([[3, 4], [20, 9], [11, 30]]), np.zeros(3, np.float32)
    found = sl.features.Features(points, marks + 1, marks, np.eye(3, dtype=np.float32), marks)
    moved = sl.features.Features(points[::-1] + 5, marks + 1, marks, np.eye(3, dtype=np.float32)[::-1].copy(), marks)
    pairs = sl.features.match(found, moved)
    assert np.array_equal(pairs.points_b, pairs.points_a + 5)
    picture = np.zeros((40, 40), np.uint8)
    both = pairs.draw(picture, np.zeros((50, 30, 3), np.uint8))
    assert both.shape == (50, 70, 3)
    assert both[:, :40].any()
    assert both[:, 40:].any()
    assert pairs.draw(picture).any()
    assert pairs.to_json()[0] == {"a": 0, "b": 2, "distance": 0.0, "points": [3.0, 4.0, 8.0, 9.0]}
    assert len(pairs[pairs.points_a[:, 0] > 5]) == 2
    with pytest.raises(InputError, match="must know their points"):
        sl.features.match(found.descriptors, moved.descriptors).draw(picture)


def test_steps_end_in_the_result() -> None:
    a, b = pairs("bits")
    trace = sl.trace(sl.features.match, a, b, ratio=0.9, cross_check=True)
    assert [step.name for step in trace] == ["distances", "ratios", "ratio test", "matches"]
    assert np.array_equal(trace.result.indices, sl.features.match(a, b, 0.9, True).indices)


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        (np.zeros((2, 3)), np.zeros((2, 3), np.float32), "a must be Features.*got 2×3 float64"),
        (
            np.zeros((2, 3), np.float32),
            np.zeros((2, 3), np.uint8),
            "one kind and length; got 2×3 float32 and 2×3 uint8",
        ),
        (np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32), "one kind and length"),
        (np.full((2, 3), np.nan, np.float32), np.zeros((2, 3), np.float32), "a must be finite"),
        (sl.features.Features([[1, 2]], [1], [0], None, [1]), np.zeros((2, 3), np.float32), "a must have descriptors"),
    ],
)
def test_refuses_by_name(a: object, b: object, sentence: str) -> None:
    with pytest.raises(InputError, match=f"match: .*{sentence}"):
        sl.features.match(a, b)
