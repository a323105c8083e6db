"""What consensus can fit: lines, circles and the transforms of the plane, each with its smallest sample and distance.

Fischler & Bolles 1981, "Random Sample Consensus", Communications of the ACM 24(6): a model is what a smallest sample
defines, and a distance of the data to it. Circles are refined after Gander, Golub & Strebel 1994, BIT 34.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, runtime_checkable

import numpy as np

from sightline.core.catalogue import find
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.fit_transform import fit

OF_GEOMETRY = ("homography", "fundamental", "essential")  # models of a higher floor, which the catalogue finds


@runtime_checkable
class Model(Protocol):
    """A model of one's own: what a smallest sample defines, and how far the data are from it."""

    size: int

    def fit(self, sample: Array) -> Sequence[Any]:
        """Return the models that ``size`` or more rows of the data define; an empty list when they define none."""
        ...

    def residuals(self, model: Any, data: Array) -> Array:
        """Return the distance of each row of the data to a model, N numbers in the unit of the threshold."""
        ...


@dataclass(frozen=True, eq=False)
class Kind:
    """A model that is fitted to many samples at once.

    Parameters
    ----------
    name
        What it is called.
    size
        Rows of a smallest sample.
    columns
        Numbers of a row: 2 for points, 4 for pairs (x, y, x', y').
    shape
        Of its parameters.
    solve
        From rows N×D and picks B×size to candidates B×C×P; NaN where a sample defines fewer than C.
    squares
        From candidates K×P and the data's columns D×N to squared distances K×N; infinity for points beyond it.
    refine
        From a candidate and the rows that agree with it to a better candidate; NaN when they define none.
    finish
        From parameters in their shape to what is handed out.
    """

    name: str
    size: int
    columns: int
    shape: tuple[int, ...]
    solve: Callable[[Array, Array], Array]
    squares: Callable[[Array, Array], Array]
    refine: Callable[[Array, Array], Array]
    finish: Callable[[Array], Any] = np.asarray


def of_one_own(model: Model) -> Kind:
    """Return a caller's model as a kind: its candidates are the caller's own objects, in arrays of objects."""

    def solve(rows: Array, picks: Array) -> Array:
        found = [list(model.fit(rows[chosen])) for chosen in picks]
        most = max(1, max(map(len, found)))
        candidates = np.full((len(picks), most, 1), None, object)
        for i, several in enumerate(found):
            for j, one in enumerate(several):
                candidates[i, j, 0] = one
        return candidates

    def squares(candidates: Array, columns: Array) -> Array:
        rows = np.ascontiguousarray(columns.T)
        return np.stack([np.square(np.asarray(model.residuals(one, rows), np.float64)) for (one,) in candidates])

    def refine(candidate: Array, rows: Array) -> Array:
        found = list(model.fit(rows))
        better = np.full(1, None, object)
        better[0] = found[0] if len(found) == 1 else candidate[0]
        return better

    return Kind(type(model).__name__, int(model.size), 0, (1,), solve, squares, refine, lambda candidate: candidate[0])


# --- lines a x + b y + c = 0 with a² + b² = 1 ---


def _solve_lines(rows: Array, picks: Array) -> Array:
    first, second = rows[picks[:, 0]], rows[picks[:, 1]]
    along = second - first
    length = np.hypot(along[:, 0], along[:, 1])
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        normal = normal / np.where(length > 0, length, np.nan)[:, None]
    return np.hstack([normal, -(normal * first).sum(axis=1, keepdims=True)])[:, None]


def _line_squares(lines: Array, columns: Array) -> Array:
    return (lines[:, :2] @ columns + lines[:, 2:]) ** 2


def _refine_line(line: Array, rows: Array) -> Array:
    middle = rows.mean(axis=0)
    values, directions = np.linalg.eigh((rows - middle).T @ (rows - middle))
    if values[1] <= 0:
        return np.full(3, np.nan)
    normal = directions[:, 0] * (1 if directions[:, 0] @ line[:2] >= 0 else -1)
    return np.append(normal, -normal @ middle)


# --- circles (x, y, radius) ---


def _solve_circles(rows: Array, picks: Array) -> Array:
    first = rows[picks[:, 0]]
    (a, b), (c, d) = (rows[picks[:, 1]] - first).T, (rows[picks[:, 2]] - first).T
    twice = 2 * (a * d - b * c)
    u, v = a * a + b * b, c * c + d * d
    with np.errstate(invalid="ignore", divide="ignore"):
        twice = np.where(np.abs(twice) > 1e-12 * (u + v), twice, np.nan)
        x, y = (u * d - v * b) / twice, (v * a - u * c) / twice
    return np.stack([first[:, 0] + x, first[:, 1] + y, np.hypot(x, y)], axis=1)[:, None]


def _circle_squares(circles: Array, columns: Array) -> Array:
    away = np.hypot(columns[0] - circles[:, :1], columns[1] - circles[:, 1:2])
    return (away - circles[:, 2:]) ** 2


def _refine_circle(circle: Array, rows: Array) -> Array:
    """Return the circle with the least sum of squared distances: steps of Gauss and Newton."""
    for _ in range(8):
        ray = rows - circle[:2]
        away = np.maximum(np.hypot(ray[:, 0], ray[:, 1]), 1e-12)
        slopes = np.column_stack([ray / away[:, None], np.ones(len(rows))])
        step, _, rank, _ = np.linalg.lstsq(slopes, away - circle[2])
        if rank < 3:
            return np.full(3, np.nan)
        circle = circle + step
        if np.abs(step).max() < 1e-10 * (1 + np.abs(circle).max()):
            break
    return circle


# --- transforms of the plane, 3×3 ---


def move_squares(matrices: Array, columns: Array) -> Array:
    """Return squared distances K×N of the second points of pairs to the first ones moved by K×9 matrices."""
    out = np.empty((len(matrices), columns.shape[1]))
    over_rows(_move_squares, len(matrices), matrices, columns, out, strip=max(1, 65536 // (columns.shape[1] + 1)))
    return out


@kernel(contract=True)
def _move_squares(matrices, columns, out, y0, y1):
    xs, ys, us, vs = columns[0], columns[1], columns[2], columns[3]
    for m in range(y0, y1):
        row, h = out[m], matrices[m]
        a, b, c, d, e, f, g, i, j = h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], h[8]
        for k in range(row.size):
            x, y = xs[k], ys[k]
            depth = g * x + i * y + j
            away = 1 / depth
            u, v = (a * x + b * y + c) * away - us[k], (d * x + e * y + f) * away - vs[k]
            square = u * u + v * v
            square = square if square < np.inf else np.inf  # also where it is no number
            row[k] = square if depth > 0 else np.inf


def _solver(name: str) -> Callable[[Array, Array], Array]:
    def solve(rows: Array, picks: Array) -> Array:
        chosen = rows[picks]
        return fit(name, chosen[..., :2], chosen[..., 2:]).reshape(-1, 1, 9)

    return solve


def _refiner(name: str) -> Callable[[Array, Array], Array]:
    return lambda matrix, rows: fit(name, rows[:, :2], rows[:, 2:]).ravel()


KINDS = {
    kind.name: kind
    for kind in (
        Kind("line", 2, 2, (3,), _solve_lines, _line_squares, _refine_line),
        Kind("circle", 3, 2, (3,), _solve_circles, _circle_squares, _refine_circle),
        Kind("similarity", 2, 4, (3, 3), _solver("similarity"), move_squares, _refiner("similarity")),
        Kind("affine", 3, 4, (3, 3), _solver("affine"), move_squares, _refiner("affine")),
    )
}


@cache
def kind_of(name: str) -> Kind:
    """Return a built-in kind by its name; those of two views are an attribute of their catalogued function."""
    return KINDS[name] if name in KINDS else find(f"geometry.{name}").function.kind  # type: ignore[attr-defined]
