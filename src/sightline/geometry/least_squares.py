"""Levenberg–Marquardt where many small groups of unknowns hang on a few that all share: the views of a calibration.

Moré 1978, "The Levenberg-Marquardt Algorithm: Implementation and Theory", Numerical Analysis; the groups are eliminated
one by one (Schur complement), so that the cost grows with their number and not with its cube.

The views' derivatives are *slopes*: V×(7 + S)×M float64, for each view the rows by its own ``OWN`` unknowns, what is
still missing (measured minus predicted), and the rows by the S unknowns that all views share; M numbers are measured in
a view.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.geometry.small_systems import factorise, fill_products, substitute

OWN = 6  # unknowns of a view: its pose; the row after theirs is what is still missing
_ROUNDS = 100
_DONE = 1e-10  # fall of the cost, as a share of it, at which nothing is left to gain
_EXACT = 1e-16  # mean square of residuals, in pixels, that rounding alone leaves

State = tuple[Array, Array]  # what all views share, and their poses
Linearise = Callable[[State], tuple[Array, float]]
Move = Callable[[State, Array, Array], State]


def minimise(state: State, linearise: Linearise, move: Move) -> State:
    """Return the state with the least sum of squares.

    Parameters
    ----------
    state
        Where to begin.
    linearise
        Gives the slopes at a state, and the sum of squares of what is missing: infinity where the state is none.
    move
        Gives the state after a step of the shared unknowns, S, and of each view's own, V×6.
    """
    slopes, cost = linearise(state)
    damping, floor = 1e-3, _EXACT * slopes.shape[0] * slopes.shape[2]
    for _ in range(_ROUNDS):
        squares = _products_of(slopes)
        while True:
            further = move(state, *_step(squares, damping))
            slopes, new = linearise(further)
            if new <= cost:
                break
            if damping > 1e12:
                return state
            damping *= 10
        gain = cost - new
        state, cost, damping = further, new, max(damping / 10, 1e-12)
        if gain <= _DONE * cost or cost <= floor:
            break
    return state


def deviations(slopes: Array, noise: float) -> Array:
    """Return the shared unknowns' standard deviations, for residuals of that of ``noise``; infinity if unknown."""
    matrix, _, _, solved = _reduced(_products_of(slopes), 0.0)
    try:
        spread = np.diag(np.linalg.inv(matrix + np.tril(matrix, -1).T)) if solved else np.full(len(matrix), np.inf)
    except np.linalg.LinAlgError:
        spread = np.full(len(matrix), np.inf)
    return noise * np.sqrt(np.where(spread >= 0, spread, np.inf))


def _products_of(slopes: Array) -> Array:
    squares = np.empty((slopes.shape[0], slopes.shape[1], slopes.shape[1]))
    _multiply(slopes, squares)
    return squares


@kernel
def _multiply(slopes, squares):
    for v in range(slopes.shape[0]):
        fill_products(slopes[v], squares[v])


def _step(squares: Array, damping: float) -> tuple[Array, Array]:
    """Return a step of the shared unknowns and of the views' own, V×6; NaN where the equations do not say which."""
    matrix, shared, folded, solved = _reduced(squares, damping)
    if not solved or not factorise(matrix):
        return np.full_like(shared, np.nan), np.full((len(squares), OWN), np.nan)
    substitute(matrix, shared)
    return shared, folded[:, -1] - shared @ folded[:, :-1]


def _reduced(squares: Array, damping: float) -> tuple[Array, Array, Array, bool]:
    """Return the normal equations of the shared unknowns alone, and how each view's own follow from them.

    The lower half of a matrix S×S, the right side, the views' V×(S + 1)×6, and whether these could be eliminated.
    """
    count = squares.shape[1] - OWN - 1
    matrix, right, folded = np.zeros((count, count)), np.zeros(count), np.empty((len(squares), count + 1, OWN))
    return matrix, right, folded, _eliminate(squares, damping, matrix, right, folded)


@kernel
def _eliminate(squares, damping, matrix, right, folded):
    """Add each view's part to the equations of the shared unknowns; False when a view's own are not determined."""
    first, own = OWN + 1, np.empty((OWN, OWN))
    for v in range(squares.shape[0]):
        square, ways = squares[v], folded[v]
        for i in range(OWN):
            for j in range(i):
                own[i, j] = square[i, j]
            own[i, i] = square[i, i] * (1 + damping)
        if not factorise(own):
            return False
        for j in range(ways.shape[0]):  # the last one is of what is missing
            row = first + j if j < right.size else OWN
            for i in range(OWN):
                ways[j, i] = square[row, i]
            substitute(own, ways[j])
        for j in range(right.size):
            for k in range(ways.shape[0]):
                through = 0.0
                for i in range(OWN):
                    through += square[first + j, i] * ways[k, i]
                if k == right.size:
                    right[j] += square[first + j, OWN] - through
                elif k <= j:
                    matrix[j, k] += square[first + j, first + k] * (1 + damping if j == k else 1.0) - through
    return True
