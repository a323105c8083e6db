"""Chessboards in photos against OpenCV's, in drawings against the truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import sightline as sl
from geometry.boards import SHAPE, drawn, views
from sightline.core import evidence
from sightline.core.errors import InputError


@evidence.equals(
    "geometry.find_chessboard",
    peer="opencv",
    tolerance="the same corners in the same order, to 0.5 px",
    data="26 photos of a 9×6 board",
)
def test_every_board_that_opencv_finds(shared_data: Path, measured: Callable[[float], None]) -> None:
    worst = 0.0
    for side in ("left", "right"):
        for gray in views(shared_data, side).values():
            found, corners = cv2.findChessboardCorners(gray, SHAPE)
            assert found
            theirs = cv2.cornerSubPix(gray, corners, (5, 5), (-1, -1), (3, 100, 1e-4)).reshape(-1, 2)
            ours = sl.geometry.find_chessboard(gray, SHAPE)
            assert ours is not None
            worst = max(worst, float(np.abs(ours - theirs).max()))
    measured(worst)
    assert worst < 0.5


def test_another_shape_is_not_there(shared_data: Path) -> None:
    photo = next(iter(views(shared_data, "left").values()))
    for shape in ((8, 6), (9, 5), (7, 7), (10, 7)):
        assert sl.geometry.find_chessboard(photo, shape) is None


@pytest.mark.parametrize(
    ("columns", "rows", "side", "tilt"), [(7, 5, 24, 0.0), (4, 3, 40, 4e-4), (12, 9, 16, 2e-4), (5, 5, 30, 0)]
)
def test_a_drawn_board_is_found_where_it_is(columns: int, rows: int, side: int, tilt: float) -> None:
    picture, corners = drawn(columns, rows, side, tilt=tilt)
    found = sl.geometry.find_chessboard(picture, (columns, rows))
    assert found is not None
    apart = np.linalg.norm(found[:, None] - corners, axis=2)
    assert apart.min(axis=1).max() < 0.1
    assert len(set(apart.argmin(axis=1))) == columns * rows
    grid = found.reshape(rows, columns, 2)
    along, down = grid[0, 1] - grid[0, 0], grid[1, 0] - grid[0, 0]
    assert along[0] * down[1] - along[1] * down[0] > 0  # not mirrored


def test_a_large_picture_is_looked_at_from_afar() -> None:
    picture, corners = drawn(7, 5, 24)
    large = sl.image.resize(picture, (picture.shape[0] * 5, picture.shape[1] * 5))
    found = sl.geometry.find_chessboard(large, (7, 5))
    assert found is not None
    truth = (corners + 0.5) * 5 - 0.5
    assert np.linalg.norm(found[:, None] - truth, axis=2).min(axis=1).max() < 0.5


def test_nothing_is_found_in_nothing() -> None:
    for picture in (
        np.zeros((1, 1), np.uint8),
        np.full((60, 80), 9, np.uint8),
        np.random.default_rng(0).random((90, 90), np.float32),
    ):
        assert sl.geometry.find_chessboard(picture, (5, 4)) is None


def test_bad_shapes_are_refused() -> None:
    for shape in (9, (9,), (9, 2), (9.5, 6), "9x6"):
        with pytest.raises(InputError, match="shape must be"):
            sl.geometry.find_chessboard(np.zeros((9, 9), np.uint8), shape)
