"""One view of a thing: a coarse template of the whole, finer ones of its parts, and the price of a part out of place.

Felzenszwalb, Girshick, McAllester & Ramanan 2010, "Object Detection with Discriminatively Trained Part-Based Models",
IEEE Transactions on Pattern Analysis and Machine Intelligence 32(9), sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sightline.core.types import Array
from sightline.detect.gradient_cells import DEPTH, gradient_cells
from sightline.detect.part_placement import place
from sightline.features.hog_windows import score_map
from sightline.image.resize import resize

PAD = 3  # cells of nothing around a level: so far may a root reach beyond the picture
_LOW = np.float32(-1e4)  # score of a part beyond its level


@dataclass(frozen=True, eq=False)
class PartModel:
    """The filters of one view, and what a part pays for each step off its anchor.

    Parameters
    ----------
    root
        M×N×31 float32, for cells of the coarse level.
    parts
        P×m×n×31 float32, for cells of the level at twice its resolution.
    anchors
        P×2 int64 (row, column): where a part's first cell belongs, in fine cells from the root's first cell.
    deformations
        P×4 float32: what a part pays for each fine cell across and down, and for their squares.
    offset
        Added to each score.
    """

    root: Array
    parts: Array
    anchors: Array
    deformations: Array
    offset: float


@dataclass(frozen=True, eq=False)
class CellLevel:
    """A picture at one size: its cells, those at twice the resolution, and how many pixels a coarse cell measures.

    Parameters
    ----------
    coarse, fine
        Rows×columns×31 float32, with ``PAD`` cells of zeros around the coarse one and twice as many around the other.
    steps
        Pixels of the picture for one coarse cell, down and across.
    """

    coarse: Array
    fine: Array
    steps: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Placed:
    """Where the roots of a level score how much, and where their parts sit.

    Parameters
    ----------
    scores
        R×C float32, for a root whose first cell is there.
    parts
        For each part the rows and columns (R×C int32 each) of its first fine cell.
    """

    scores: Array
    parts: list[tuple[Array, Array]]


def cell_levels(
    image: Array, cell: int, interval: int, root: tuple[int, int], enlarge: float = 1.0
) -> Iterator[CellLevel]:
    """Yield the levels of a picture, the finest first, ``interval`` for each octave, while a root fits.

    Parameters
    ----------
    image
        H×W or H×W×3 uint8.
    cell
        Pixels on a side of a cell.
    interval
        Levels from one size to its half, ≥ 1.
    root
        Rows and columns of the smallest root in cells.
    enlarge
        Factor of the first level, ≤ 2: above 1 finds what is smaller than the root.
    """
    made: dict[int, tuple[Array, tuple[float, float]]] = {}
    number = 0
    while True:
        coarse = _cells(made, image, cell, enlarge * 2 ** (-number / interval), number)
        fine = _cells(made, image, cell, enlarge * 2 ** (1 - number / interval), number - interval)
        if coarse is None or fine is None or any(coarse[0].shape[k] + PAD < root[k] for k in (0, 1)):
            return
        yield CellLevel(_padded(coarse[0], PAD), _padded(fine[0], 2 * PAD), coarse[1])
        number += 1


def _cells(
    made: dict[int, tuple[Array, tuple[float, float]]], image: Array, cell: int, factor: float, number: int
) -> tuple[Array, tuple[float, float]] | None:
    """Return the cells of the picture at a factor, and the pixels of a cell down and across; made once for each."""
    if number not in made:
        height, width = (round(side * factor) for side in image.shape[:2])
        if height < cell or width < cell:
            return None
        sized = image if (height, width) == image.shape[:2] else resize(image, (height, width))
        made[number] = gradient_cells(sized, cell), (cell * image.shape[0] / height, cell * image.shape[1] / width)
    return made[number]


def _padded(cells: Array, width: int) -> Array:
    return np.pad(cells, ((width, width), (width, width), (0, 0)))


def place_all(model: PartModel, level: CellLevel) -> Placed:
    """Score each root of a level with its parts at their best places."""
    scores = score_map(level.coarse, model.root, model.offset)
    rows, columns = scores.shape
    parts = []
    for weights, (down, across), deformation in zip(model.parts, model.anchors, model.deformations, strict=True):
        responses = score_map(level.fine, weights, 0.0)
        if not responses.size or not scores.size:
            empty = np.zeros(scores.shape, np.int32)
            scores = np.full_like(scores, _LOW)
            parts.append((empty, empty))
            continue
        best, y, x = place(responses, deformation)
        at = 2 * np.arange(rows) + down, 2 * np.arange(columns) + across
        inside = tuple(np.clip(axis, 0, side - 1) for axis, side in zip(at, best.shape, strict=True))
        chosen = np.ix_(*inside)
        gain = best[chosen].copy()
        gain[inside[0] != at[0]] = _LOW
        gain[:, inside[1] != at[1]] = _LOW
        scores += gain
        parts.append((y[chosen], x[chosen]))
    return Placed(scores, parts)


def features_at(model: PartModel, level: CellLevel, placed: Placed, row: int, column: int) -> Array:
    """Return the numbers that the model's score of a root is the weighted sum of, but for the offset."""
    height, width = model.root.shape[:2]
    found = [level.coarse[row : row + height, column : column + width].ravel()]
    m, n = model.parts.shape[1:3]
    steps = []
    for (y, x), (down, across) in zip(placed.parts, model.anchors, strict=True):
        top, left = int(y[row, column]), int(x[row, column])
        found.append(level.fine[top : top + m, left : left + n].ravel())
        dx, dy = left - (2 * column + across), top - (2 * row + down)
        steps.append([-dx, -dy, -dx * dx, -dy * dy])
    return np.concatenate([*found, np.asarray(steps, np.float32).ravel()]).astype(np.float32)


def model_of(vector: Array, offset: float, like: PartModel, least: float) -> PartModel:
    """Return the model whose weights these are; no part's square may cost less than ``least``."""
    size, count = like.root.size, len(like.parts)
    parts = vector[size : size + like.parts.size].reshape(like.parts.shape)
    deformations = vector[size + like.parts.size :].reshape(count, 4).astype(np.float32)
    deformations[:, 2:] = np.maximum(deformations[:, 2:], least)
    root = vector[:size].reshape(like.root.shape)
    return PartModel(root.astype(np.float32), parts.astype(np.float32), like.anchors, deformations, float(offset))


def root_box(level: CellLevel, shape: tuple[int, ...], row: Array, column: Array) -> Array:
    """Return the N×4 boxes, in the picture, of roots whose first cells are there."""
    down, across = level.steps
    y, x = (np.asarray(row) - PAD) * down, (np.asarray(column) - PAD) * across
    return np.stack([x, y, x + shape[1] * across, y + shape[0] * down], axis=-1).astype(np.float32)


def part_boxes(model: PartModel, level: CellLevel, placed: Placed, row: int, column: int) -> Array:
    """Return the P×4 boxes, in the picture, of a root's parts."""
    down, across = (step / 2 for step in level.steps)
    m, n = model.parts.shape[1:3]
    top = np.array([y[row, column] for y, _ in placed.parts]) - 2 * PAD
    left = np.array([x[row, column] for _, x in placed.parts]) - 2 * PAD
    boxes = np.stack([left * across, top * down, (left + n) * across, (top + m) * down], axis=1)
    return boxes.astype(np.float32)


def blank(root: tuple[int, int], parts: int, part: tuple[int, int]) -> PartModel:
    """Return a model of zeros with these shapes in cells."""
    return PartModel(
        np.zeros((*root, DEPTH), np.float32),
        np.zeros((parts, *part, DEPTH), np.float32),
        np.zeros((parts, 2), np.int64),
        np.tile(np.array([0, 0, 0.1, 0.1], np.float32), (parts, 1)),
        0.0,
    )
