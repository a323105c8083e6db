"""Sheets to draw on: points lie on them, lines are cut at their border, clouds leave out what is far."""

from __future__ import annotations

import numpy as np

from sightline.geometry.sheets import scene_of, segments_of, sheet_for


def test_all_points_lie_on_their_sheet() -> None:
    points = np.array([[-5.0, 2.0], [1000.0, 7.0], [3.0, 300.0], [np.nan, 1.0]])
    sheet, placed = sheet_for(points)
    there = placed(points[:3])
    assert (there >= 0).all()
    assert (there < np.array(sheet.shape[::-1])).all()
    np.testing.assert_allclose(np.diff(there, axis=0) / np.diff(points[:3], axis=0), 440 / 1005, rtol=1e-5)


def test_lines_are_cut_at_the_border_of_the_box() -> None:
    low, high = np.zeros(2), np.array([10.0, 4.0])
    lines = np.array([[0, 1, -2], [1, 0, -3], [0, 1, -9], [np.nan] * 3, [0.6, -0.8, 0]])
    parts = segments_of(lines, low, high)
    assert len(parts) == 3
    for (x1, y1, x2, y2), (a, b, c) in zip(parts, lines[[0, 1, 4]], strict=True):
        for x, y in ((x1, y1), (x2, y2)):
            assert abs(a * x + b * y + c) < 1e-9
            assert -1e-9 <= x <= 10 + 1e-9
            assert -1e-9 <= y <= 4 + 1e-9


def test_a_scene_leaves_out_what_is_far() -> None:
    points = np.vstack([np.random.default_rng(0).random((20, 3)), [[1e6, 0, 0], [np.nan, 0, 0]]])
    cloud = scene_of(points, np.zeros((2, 3)))
    assert cloud.shape == (22, 7)
    assert (cloud[-2:, 6] == 3).all()
