"""Chessboards: crossings of two edges, grown into a grid from one neighbour to the next, placed between pixels.

Geiger, Moosmann, Car & Schuster 2012, "Automatic Camera and Range Sensor Calibration Using a Single Shot", ICRA;
Bennett & Lasenby 2014, "ChESS - Quick and Robust Detection of Chess-board Features", Computer Vision and Image
Understanding 118.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.conversions import to_float
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Lines, Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image
from sightline.features.corner_subpixel import corner_subpixel
from sightline.geometry.board_grid import board_of, grids_of
from sightline.geometry.saddles import saddles_of, strength_of
from sightline.image.gradient import as_gray
from sightline.image.resize import resize

_SIDES = (640, 1280)  # pixels along the longer side at which a picture is looked at, in turn, and as it is
_FINEST = 0.25  # of the distance of two corners: half of the window in which a corner is placed
_MOST_WINDOW = 11


@method(task="calibration", paper="Geiger et al. 2012", lesson="w3d4", example={"shape": (9, 6)})
def find_chessboard(image: Image, shape: tuple[int, int]) -> Float32[np.ndarray, "n 2"] | None:
    """Return the inner corners of a chessboard, or None where no whole board of that shape is seen.

    The corners come row by row. Rows and columns turn as x and y do (a board is not seen from behind), and the first
    corner is the one whose square towards the board's middle is dark; where that holds for several, it is the one
    nearest to the picture's top left. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W, or H×W×3, which is turned to grey first; uint8, uint16 or finite float32.
    shape
        How many inner corners lie along a row and along a column of the board: (columns, rows), 3 or more of each.

    Returns
    -------
    ndarray or None
        N×2 float32 (x, y), N = columns · rows, to about 0.1 pixels.

    Raises
    ------
    InputError
        When ``shape`` is not two whole numbers ≥ 3.

    Examples
    --------
    >>> import numpy as np
    >>> squares = (np.indices((6, 7)).sum(axis=0) % 2).astype(np.float32)
    >>> board = np.pad(np.kron(squares, np.ones((20, 20), np.float32)), 20, constant_values=1)
    >>> find_chessboard(board, (6, 5))[:2].round(1).tolist()
    [[39.5, 39.5], [59.5, 39.5]]

    References
    ----------
    A. Geiger, F. Moosmann, Ö. Car, B. Schuster, "Automatic Camera and Range Sensor Calibration Using a Single Shot",
    ICRA 2012.
    """
    columns, rows = _as_shape(shape)
    gray = to_float(as_gray("find_chessboard", image, finite=True))
    for small, factor in _sizes(gray):
        board = _board(small, columns, rows)
        if board is not None:
            return _placed(gray, (board + 0.5) / factor - 0.5)
    return None


@find_chessboard.steps
def _steps(image: Image, shape: tuple[int, int]) -> Iterator[Step]:
    columns, rows = _as_shape(shape)
    gray = to_float(as_gray("find_chessboard", image, finite=True))
    small, _ = next(_sizes(gray))
    yield Step("saddles", Heat(np.maximum(strength_of(small), 0)), note="Bright where two edges cross.")
    saddles = saddles_of(small, _most(columns, rows))
    if len(saddles.points):
        note = "The ring around each is bright, dark, bright and dark."
        yield Step("crossings", Picture(small), Points(saddles.points.astype(np.float32)), note=note)
    grids = grids_of(saddles)
    if grids:
        lines = _joined(grids[0], saddles.points)
        yield Step("the largest grid", Picture(small), Lines(lines), note="Grown from neighbour to neighbour.")
    found = find_chessboard(image, shape)
    if found is None:
        yield Step("corners", Value(None), note="No board of this shape is there as a whole.")
        return
    yield Step("corners", Points(found), note="Each moved to where the brightness around it is symmetric.")


def _as_shape(shape: Any) -> tuple[int, int]:
    whole = (
        isinstance(shape, (tuple, list)) and len(shape) == 2 and all(isinstance(n, (int, np.integer)) for n in shape)
    )
    if not whole or min(shape) < 3:
        raise InputError(
            f"find_chessboard: shape must be (columns, rows) of inner corners, both ≥ 3, such as (9, 6); "
            f"got {describe(shape)}."
        )
    return int(shape[0]), int(shape[1])


def _most(columns: int, rows: int) -> int:
    return 4 * columns * rows + 200


def _sizes(gray: Array) -> Iterator[tuple[Array, float]]:
    """Yield the picture as it is looked at, with its size as a share of the original's."""
    longer = max(gray.shape)
    for side in _SIDES:
        if longer > 1.2 * side:
            factor = side / longer
            height, width = (max(1, round(n * factor)) for n in gray.shape)
            yield resize(gray, (height, width), "area"), width / gray.shape[1]
    yield gray, 1.0


def _board(gray: Array, columns: int, rows: int) -> Array | None:
    saddles = saddles_of(gray, _most(columns, rows))
    for grid in grids_of(saddles)[:2]:
        board = board_of(saddles, grid, columns, rows)
        if board is not None:
            return _upright(gray, board).reshape(-1, 2)
    return None


def _upright(gray: Array, board: Array) -> Array:
    """Return the board, rows×columns×2, turned so that its first corner is where the docstring says."""
    shape, choices = board.shape, []
    for turns, mirrored in itertools.product(range(4), (False, True)):
        turned = np.rot90(board[:, ::-1] if mirrored else board, turns)
        along, down = turned[0, 1] - turned[0, 0], turned[1, 0] - turned[0, 0]
        if turned.shape == shape and along[0] * down[1] - along[1] * down[0] > 0:
            x, y = turned[:2, :2].mean(axis=(0, 1))
            beside = (turned[0, 1] + turned[0, 2] + turned[1, 1] + turned[1, 2]) / 4  # the next square of the row
            darker = _at(gray, x, y) < _at(gray, *beside)
            choices.append((not darker, float(turned[0, 0].sum()), len(choices), turned))
    return min(choices)[-1]


def _at(gray: Array, x: float, y: float) -> float:
    return float(gray[min(max(round(y), 0), len(gray) - 1), min(max(round(x), 0), gray.shape[1] - 1)])


def _placed(gray: Array, corners: Array) -> Array:
    """Return the corners placed between pixels, in a window that no neighbouring corner reaches."""
    apart = np.linalg.norm(corners[:, None] - corners, axis=2)
    np.fill_diagonal(apart, np.inf)
    window = int(np.clip(apart.min() * _FINEST, 2, _MOST_WINDOW))
    return corner_subpixel(gray, corners.astype(np.float32), window)


def _joined(grid: dict[tuple[int, int], int], points: Array) -> Array:
    pairs = [
        (points[grid[cell]], points[grid[beside]])
        for cell in grid
        for beside in ((cell[0] + 1, cell[1]), (cell[0], cell[1] + 1))
        if beside in grid
    ]
    return np.array([[*a, *b] for a, b in pairs], np.float32)
