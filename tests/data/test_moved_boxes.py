"""Boxes under a map: what a polygon's outline of pixels says, and maps that leave nothing."""

from __future__ import annotations

import cv2
import numpy as np

from sightline.data.move import Move

SHAPE = (60, 80)


def test_what_is_left_of_a_box_is_where_its_filled_quadrangle_is_seen() -> None:
    random = np.random.default_rng(0)
    for _ in range(40):
        angle, scale = random.uniform(-3, 3), random.uniform(0.5, 2)
        linear = scale * np.array([np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)])
        move = Move.about_centre(SHAPE, tuple(linear), tuple(random.uniform(-30, 30, 2)))
        low = random.uniform(-10, 50, (5, 2))
        boxes = np.hstack([low, low + random.uniform(4, 40, (5, 2))])
        found, shares = move.boxes(boxes)
        for box, left, share in zip(boxes, found, shares, strict=True):
            corners = move.points(box[[0, 1, 2, 1, 2, 3, 0, 3]].reshape(4, 2) - 0.5)
            seen = np.zeros(SHAPE, np.uint8)
            cv2.fillConvexPoly(seen, np.rint(256 * corners).astype(np.int32), 1, shift=8)
            y, x = np.nonzero(seen)
            if len(x) == 0:
                assert share < 0.1
                continue
            assert np.abs(left - (x.min(), y.min(), x.max() + 1, y.max() + 1)).max() <= 1.6
            whole = corners.max(axis=0) - corners.min(axis=0)
            assert abs(share - (left[2] - left[0]) * (left[3] - left[1]) / whole.prod()) < 1e-9


def test_nothing_is_left_of_a_box_outside_or_of_a_flattened_one() -> None:
    flat = Move(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]), SHAPE, SHAPE)
    away = Move.shift(SHAPE, 500.0, 0.0)
    for move, box in ((away, [0, 0, 20, 20]), (flat, [10, 10, 10, 10]), (flat, [-9, -9, -5, -5])):
        found, shares = move.boxes(np.array([box], np.float64))
        assert (found.tolist(), shares.tolist()) == ([[0.0] * 4], [0.0])
    assert flat.boxes(np.array([[5.0, 5, 20, 20]]))[0].min() > 0
    assert [part.shape for part in away.boxes(np.empty((0, 4)))] == [(0, 4), (0,)]
