"""How a model of parts learns although nobody says where the parts are: place them, learn, place them again.

Felzenszwalb, Girshick, McAllester & Ramanan 2010, "Object Detection with Discriminatively Trained Part-Based Models",
IEEE Transactions on Pattern Analysis and Machine Intelligence 32(9), sections 4 and 5. With the parts of the positives
held fast the problem is that of a linear support vector machine, which is solved with hard negatives found anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sightline.core.box_overlap import pairwise_iou
from sightline.core.types import Array
from sightline.detect.gradient_cells import gradient_cells
from sightline.detect.part_model import (
    CellLevel,
    PartModel,
    Placed,
    blank,
    cell_levels,
    features_at,
    model_of,
    place_all,
    root_box,
)
from sightline.image.resize import resize
from sightline.learn.linear_svm import LinearSVM

_INTERVAL = 4  # levels of an octave while it learns
_NEAR = -1.0  # negatives above this score are worth learning from: they lie in the street or beyond it
_LEAST = 0.01  # what the square of a step must cost
_OVERLAP = 0.6  # a positive's root lies on its box by as much


@dataclass(frozen=True)
class LatentRound:
    """What became of a round of training.

    Parameters
    ----------
    round
        Its number: 0 for the root alone, from 1 on with parts.
    positives
        How many boxes a root could be placed on.
    negatives
        How many places of the backgrounds it was taught with.
    hit_rate
        Share of the positives with a score above 0.
    """

    round: int
    positives: int
    negatives: int
    hit_rate: float


@dataclass(frozen=True, eq=False)
class Taught:
    """What a view learns from: pictures with one box each that it must be found on, and backgrounds."""

    pictures: Sequence[Array]
    boxes: Array
    backgrounds: Sequence[Array]
    cell: int


def train_view(
    taught: Taught,
    root: tuple[int, int],
    parts: int,
    part: tuple[int, int],
    *,
    cost: float,
    negatives: int,
    rounds: int,
    random: np.random.Generator,
    progress: Callable[[LatentRound], object] | None,
) -> tuple[PartModel, list[LatentRound]]:
    """Return the model of one view and the report of each round; see ``DeformableParts.train``."""
    history: list[LatentRound] = []

    def tell(report: LatentRound) -> None:
        history.append(report)
        if progress is not None:
            progress(report)

    model = _start(taught, root, cost, negatives, random, tell)
    model = add_parts(model, parts, part)
    kept = np.zeros((0, _length(model)), np.float32)
    for number in range(1, rounds + 1):
        found = [_best_on(model, p, b, taught.cell) for p, b in zip(taught.pictures, taught.boxes, strict=True)]
        positives = np.stack([features for features in found if features is not None])
        for _ in range(2):  # the machine, and the negatives that it is wrong about
            hard = [_hard(model, b, taught.cell, -(-negatives // len(taught.backgrounds))) for b in taught.backgrounds]
            kept = np.concatenate([kept, *hard])
            model, scores, own = _solve(model, positives, kept, cost, random)
            kept = kept[own > _NEAR][-3 * negatives :]
        tell(LatentRound(number, len(positives), len(kept), float((scores > 0).mean())))
    return model, history


def _solve(
    model: PartModel, positives: Array, negatives: Array, cost: float, random: np.random.Generator
) -> tuple[PartModel, Array, Array]:
    """Return the model that a linear machine makes of these, and its scores of both."""
    samples = np.concatenate([positives, negatives])
    machine = LinearSVM(cost, tolerance=1e-2, iterations=2000, seed=random)
    machine.fit(samples, np.arange(len(samples)) < len(positives))
    model = model_of(machine.coef_[0], machine.intercept_[0], model, _LEAST)
    scores = samples @ _vector(model) + np.float32(model.offset)
    return model, scores[: len(positives)], scores[len(positives) :]


def _start(
    taught: Taught,
    root: tuple[int, int],
    cost: float,
    negatives: int,
    random: np.random.Generator,
    tell: Callable[[LatentRound], object],
) -> PartModel:
    """Return a model without parts, taught on the boxes stretched to the root, and on any windows, then hard ones."""
    model = blank(root, 0, (1, 1))
    positives = np.stack(
        [_stretched(p, b, root, taught.cell) for p, b in zip(taught.pictures, taught.boxes, strict=True)]
    )
    kept = np.zeros((0, model.root.size), np.float32)
    share = -(-negatives // len(taught.backgrounds))
    for turn in range(3):
        drawn = random if turn == 0 else None
        kept = np.concatenate([kept, *(_hard(model, b, taught.cell, share, drawn) for b in taught.backgrounds)])
        model, scores, _ = _solve(model, positives, kept, cost, random)
    tell(LatentRound(0, len(positives), len(kept), float((scores > 0).mean())))
    return model


def _stretched(picture: Array, box: Array, root: tuple[int, int], cell: int) -> Array:
    """Return the cells of a box that is stretched to the root's shape, with a cell around it that is left out."""
    x1, y1, x2, y2 = box
    down, across = (y2 - y1) / root[0], (x2 - x1) / root[1]
    top, bottom, left, right = (round(v) for v in (y1 - down, y2 + down, x1 - across, x2 + across))
    beyond = max(0, -top, -left, bottom - picture.shape[0], right - picture.shape[1])
    wide = np.pad(picture, ((beyond, beyond), (beyond, beyond), (0, 0))[: picture.ndim], mode="edge")
    cut = np.ascontiguousarray(wide[top + beyond : bottom + beyond, left + beyond : right + beyond])
    sized = resize(cut, ((root[0] + 2) * cell, (root[1] + 2) * cell))
    return gradient_cells(sized, cell)[1:-1, 1:-1].ravel()


def add_parts(model: PartModel, count: int, shape: tuple[int, int]) -> PartModel:
    """Return the model with parts where its root's weights for the thing are strongest, one after the other.

    Parameters
    ----------
    model
        One without parts.
    count
        How many parts.
    shape
        Their rows and columns in fine cells.
    """
    fine = np.maximum(model.root, 0).repeat(2, axis=0).repeat(2, axis=1)
    energy, anchors, parts = (fine**2).sum(axis=2), [], []
    m, n = min(shape[0], fine.shape[0]), min(shape[1], fine.shape[1])
    for _ in range(count):
        sums = np.pad(energy.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        inside = sums[m:, n:] - sums[:-m, n:] - sums[m:, :-n] + sums[:-m, :-n]
        top, left = np.unravel_index(int(inside.argmax()), inside.shape)
        anchors.append((int(top), int(left)))
        parts.append(fine[top : top + m, left : left + n] / 4)
        energy[top : top + m, left : left + n] = 0
    if not count:
        return model
    start = blank((1, 1), count, (m, n))
    return replace(start, root=model.root, offset=model.offset, anchors=np.array(anchors), parts=np.stack(parts))


def _best_on(model: PartModel, picture: Array, box: Array, cell: int) -> Array | None:
    """Return the features of the best root that lies on a box by ``_OVERLAP``; None where none does."""
    x1, y1, x2, y2 = box
    room = np.array([x2 - x1, y2 - y1]) * 0.3
    left, top = np.maximum(np.floor(np.array([x1, y1]) - room), 0).astype(int)
    right, bottom = np.ceil(np.array([x2, y2]) + room).astype(int)
    cut = np.ascontiguousarray(picture[top:bottom, left:right])
    asked = (np.array(box) - [left, top, left, top])[None]
    root = model.root.shape[:2]
    # only sizes at which the root can lie on the box: a factor of 1.6 smaller or larger
    factor = min(2.0, 1.6 * np.sqrt(root[0] * root[1] / ((x2 - x1) * (y2 - y1))) * cell)
    best, found = -np.inf, None
    for level in cell_levels(cut, cell, _INTERVAL, root, float(factor)):
        placed = place_all(model, level)
        rows, columns = np.indices(placed.scores.shape)
        covers = pairwise_iou(root_box(level, root, rows.ravel(), columns.ravel()), asked)[:, 0] >= _OVERLAP
        scores = np.where(covers.reshape(placed.scores.shape), placed.scores, -np.inf)
        if scores.size and scores.max() > best:
            best = float(scores.max())
            row, column = np.unravel_index(int(scores.argmax()), scores.shape)
            found = features_at(model, level, placed, int(row), int(column))
    return found


def _hard(
    model: PartModel, background: Array, cell: int, most: int, random: np.random.Generator | None = None
) -> Array:
    """Return the features of up to ``most`` roots of a background: those with the best scores, or any."""
    found: list[tuple[float, CellLevel, Placed, int, int]] = []
    for level in cell_levels(background, cell, _INTERVAL, model.root.shape[:2]):
        placed = place_all(model, level)
        if random is None:
            rows, columns = np.nonzero(placed.scores > _NEAR)
        else:
            chosen = random.permutation(placed.scores.size)[:most]
            rows, columns = np.unravel_index(chosen, placed.scores.shape)
        order = np.argsort(-placed.scores[rows, columns], kind="stable")[:most]
        found += [
            (float(placed.scores[rows[i], columns[i]]), level, placed, int(rows[i]), int(columns[i])) for i in order
        ]
    if random is None:
        found.sort(key=lambda item: -item[0])
    elif found:
        found = [found[i] for i in random.permutation(len(found))]
    chosen = [features_at(model, level, placed, row, column) for _, level, placed, row, column in found[:most]]
    return np.stack(chosen) if chosen else np.zeros((0, _length(model)), np.float32)


def _length(model: PartModel) -> int:
    return model.root.size + model.parts.size + model.deformations.size


def _vector(model: PartModel) -> Array:
    return np.concatenate([model.root.ravel(), model.parts.ravel(), model.deformations.ravel()])
