"""Levenberg–Marquardt where many small groups of unknowns hang on a few that all share: the views of a calibration.

Moré 1978, "The Levenberg-Marquardt Algorithm: Implementation and Theory", Numerical Analysis; the groups are eliminated
one by one (Schur complement), so that the cost grows with their number and not with its cube.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.linalg import solve

from sightline.core.types import Array

_ROUNDS = 100
_DONE = 1e-10  # fall of the cost, as a share of it, at which nothing is left to gain
_EXACT = 1e-16  # mean square of residuals, in pixels, that rounding alone leaves


@dataclass(frozen=True, eq=False)
class View:
    """One view's residuals and how they change with the shared unknowns and with its own.

    Parameters
    ----------
    residuals
        M float64.
    shared, own
        M×S and M×6 derivatives.
    """

    residuals: Array
    shared: Array
    own: Array


State = tuple[Array, ...]
Linearise = Callable[[State], list[View]]
Move = Callable[[State, Array, Array], State]


def minimise(state: State, linearise: Linearise, move: Move) -> State:
    """Return the state with the least sum of squares.

    Parameters
    ----------
    state
        Where to begin.
    linearise
        Gives the views at a state.
    move
        Gives the state after a step of the shared unknowns, S, and of each view's own, V×6.
    """
    views = linearise(state)
    cost, damping = _cost(views), 1e-3
    floor = _EXACT * sum(len(view.residuals) for view in views)
    for _ in range(_ROUNDS):
        while True:
            further = move(state, *_step(views, damping))
            after = linearise(further)
            new = _cost(after)
            if new <= cost or damping > 1e12:
                break
            damping *= 10
        gain = cost - new
        if not new <= cost:
            return state
        state, views, cost, damping = further, after, new, max(damping / 10, 1e-12)
        if gain <= _DONE * cost or cost <= floor:
            break
    return state


def _cost(views: list[View]) -> float:
    return float(sum((view.residuals**2).sum() for view in views))


def deviations(views: list[View], noise: float) -> Array:
    """Return the shared unknowns' standard deviations, for residuals of that of ``noise``; infinity if unknown."""
    try:
        spread = np.diag(np.linalg.inv(_reduced(views, 0.0)[0]))
    except np.linalg.LinAlgError:
        return np.full(views[0].shared.shape[1], np.inf)
    return noise * np.sqrt(np.where(spread >= 0, spread, np.inf))


def _step(views: list[View], damping: float) -> tuple[Array, Array]:
    matrix, right, folded = _reduced(views, damping)
    shared = solve(matrix, right) if len(right) else right
    return shared, np.array([solved[:, -1] - solved[:, :-1] @ shared for solved in folded])


def _reduced(views: list[View], damping: float) -> tuple[Array, Array, list[Array]]:
    """Return the normal equations of the shared unknowns alone, and how each view's own follow from them."""
    count = views[0].shared.shape[1]
    matrix, right = np.zeros((count, count)), np.zeros(count)
    for view in views:
        matrix += view.shared.T @ view.shared
        right -= view.shared.T @ view.residuals
    matrix[np.diag_indices(count)] *= 1 + damping
    folded = []
    for view in views:
        own = view.own.T @ view.own
        own[np.diag_indices(6)] *= 1 + damping
        between = view.own.T @ view.shared
        solved = solve(own, np.column_stack([between, -(view.own.T @ view.residuals)]))
        matrix -= between.T @ solved[:, :-1]
        right -= between.T @ solved[:, -1]
        folded.append(solved)
    return matrix, right, folded
