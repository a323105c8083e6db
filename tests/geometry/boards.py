"""The chessboards of OpenCV's sample pairs: 9×6 inner corners, squares of 25 mm."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import sightline as sl

SHAPE, SIZE = (9, 6), (480, 640)
BOARD = np.array([[x * 0.025, y * 0.025, 0] for y in range(6) for x in range(9)])


def views(folder: Path, side: str) -> dict[str, np.ndarray]:
    """Return the photos of one camera, ``left`` or ``right``, in grey."""
    paths = sorted((folder / "opencv_samples").glob(f"{side}[01]*.jpg"))
    return {path.stem: sl.read(path, mode="gray") for path in paths}


def drawn(columns: int, rows: int, side: int, *, tilt: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture of a board seen aslant, and its inner corners row by row."""
    squares = (np.indices((rows + 1, columns + 1)).sum(axis=0) % 2).astype(np.float32)
    board = np.pad(np.kron(squares, np.ones((side, side), np.float32)), 2 * side, constant_values=0.9)
    height, width = board.shape
    matrix = np.array([[1, 0.15, 5], [-0.1, 1, 25], [tilt, tilt / 2, 1]])
    seen = sl.image.warp_perspective(board, matrix, (height + 40, width + 40), value=0.9)
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    corners = np.column_stack([x.ravel(), y.ravel()]) * float(side) + 3 * side - 0.5
    there = np.column_stack([corners, np.ones(len(corners))]) @ matrix.T
    return sl.image.gaussian_blur(seen, 0.8), there[:, :2] / there[:, 2:]


def photo(camera: sl.geometry.Camera, rotation: np.ndarray, translation: np.ndarray) -> np.ndarray:
    """Return how a camera without a lens sees the 9×6 board, H×W uint8."""
    side = 40  # pixels of a square in the flat picture
    squares = (np.indices((7, 10)).sum(axis=0) % 2).astype(np.float32)
    flat = np.pad(np.kron(squares, np.ones((side, side), np.float32)), side, constant_values=0.9)
    place = np.array([[0.025 / side, 0, -1.9875 * 0.025], [0, 0.025 / side, -1.9875 * 0.025], [0, 0, 1]])  # to metres
    matrix = camera.matrix @ np.column_stack([rotation[:, :2], translation]) @ place
    seen = sl.image.warp_perspective(flat, matrix, SIZE, value=0.5)
    return sl.to_uint8(sl.image.gaussian_blur(seen, 0.7))
