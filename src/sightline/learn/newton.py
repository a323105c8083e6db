"""Newton's method and two that learn the curvature on the way: fewer, better steps for losses without noise.

Nocedal & Wright 2006, "Numerical Optimization", 2nd ed.: ``newton`` is algorithm 3.2 with the shift of 3.3; ``bfgs`` is
algorithm 6.1 (Broyden, Fletcher, Goldfarb, Shanno 1970); ``lbfgs`` is 7.5 with the two loops of 7.4 (Liu & Nocedal
1989). All take their steps by :mod:`sightline.learn.line_search`.

Around x the loss is about f + gᵀp + ½ pᵀBp, whose lowest place is p = -B⁻¹g: Newton's B is the second derivative, the
others' is built from how g changed, y = g₊ - g, along the step s = x₊ - x: B s = y.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.types import Array, Range
from sightline.learn.descent import Minimum, Seen, Walk


@method(task="optimisation", paper="Nocedal & Wright 2006", lesson="w5d7")
def newton(
    function: Callable[[Array], tuple[Any, ...]],
    start: Any,
    *,
    steps: Annotated[int, Range(1, 10**6)] = 100,
    tolerance: Annotated[float, Range(0, 1)] = 1e-8,
    progress: Seen | None = None,
) -> Minimum:
    """Find a minimum by Newton's steps: to the lowest place of the parabola that fits value, slope and curvature.

    Where the curvature is not positive a multiple of the identity is added, so that every step goes down. Near a
    minimum the number of right digits doubles with each step. NaN ends it, not found.

    Parameters
    ----------
    function
        Takes N float64 numbers, returns the loss, its N derivatives and its N×N second derivatives;
        :func:`~sightline.learn.descent.differentiated` makes one of a function of Tensors.
    start
        N numbers, not changed.
    steps
        Most steps, ≥ 1.
    tolerance
        The greatest derivative at which it ends, ≥ 0.
    progress
        Called with the point and its value at the start and after each step.

    Returns
    -------
    Minimum

    Raises
    ------
    InputError
        When the start is no row of numbers, or the function returns something else.

    References
    ----------
    J. Nocedal, S. J. Wright, "Numerical Optimization", 2nd edition, Springer, 2006, chapter 3.

    Examples
    --------
    >>> from sightline.learn import differentiated
    >>> valley = lambda x: (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
    >>> found = newton(differentiated(valley, bend=True), [-1.2, 1.0])
    >>> found.point.round(6).tolist(), found.steps < 25
    ([1.0, 1.0], True)
    """
    bends: list[Array] = []

    def asked(x: Array) -> tuple[float, Array]:
        answer = function(x)
        if len(answer) != 3 or np.shape(answer[2]) != (len(x), len(x)):
            n = len(x)
            raise InputError(f"newton: function must return a value, {n} derivatives and {n}×{n} second ones.")
        bends[:] = [np.asarray(answer[2], np.float64)]
        return answer[0], answer[1]

    def direction(slope: Array) -> Array:
        return -_solved(bends[0], slope)

    walk = Walk("newton", asked, start, steps, tolerance, progress)
    return walk.run(direction, lambda s, y: None, first=lambda p: 1.0)


@method(task="optimisation", paper="Fletcher 1970", lesson="w5d7")
def bfgs(
    function: Callable[[Array], tuple[Any, ...]],
    start: Any,
    *,
    steps: Annotated[int, Range(1, 10**6)] = 200,
    tolerance: Annotated[float, Range(0, 1)] = 1e-6,
    progress: Seen | None = None,
) -> Minimum:
    """Find a minimum by Newton's steps with a curvature that is learnt from the slopes: N×N numbers are kept.

    H ← (I - ρ s yᵀ) H (I - ρ y sᵀ) + ρ s sᵀ with ρ = 1 / yᵀs is the nearest matrix to the last one that sends y to s.
    NaN ends it, not found.

    Parameters
    ----------
    function
        Takes N float64 numbers, returns the loss and its N derivatives.
    start
        N numbers, not changed.
    steps
        Most steps, ≥ 1.
    tolerance
        The greatest derivative at which it ends, ≥ 0.
    progress
        Called with the point and its value at the start and after each step.

    Returns
    -------
    Minimum

    Raises
    ------
    InputError
        When the start is no row of numbers, or the function returns something else.

    References
    ----------
    R. Fletcher, "A New Approach to Variable Metric Algorithms", The Computer Journal 13(3), 1970.
    J. Nocedal, S. J. Wright, "Numerical Optimization", 2nd edition, Springer, 2006, chapter 6.

    Examples
    --------
    >>> from sightline.learn import differentiated
    >>> found = bfgs(differentiated(lambda x: ((x - 3) ** 2).sum()), [0.0, 9.0])
    >>> found.point.round(6).tolist(), found.found
    ([3.0, 3.0], True)
    """
    walk = Walk("bfgs", function, start, steps, tolerance, progress)
    inverse = np.eye(len(walk.x))
    # As if the last step had gained half the slope's length: the first trial is then about as long.
    walk.before = walk.value + float(np.linalg.norm(walk.slope)) / 2

    def first(p: Array) -> float:
        guess = 1.01 * 2 * (walk.value - walk.before) / float(walk.slope @ p)
        return min(1.0, guess) if guess > 0 else 1.0

    def learn(s: Array, y: Array) -> None:
        rho = 1 / float(y @ s)
        turned = np.eye(len(s)) - rho * np.outer(s, y)
        inverse[...] = turned @ inverse @ turned.T + rho * np.outer(s, s)

    return walk.run(lambda slope: -inverse @ slope, learn, first)


@method(task="optimisation", paper="Liu & Nocedal 1989", lesson="w5d7")
def lbfgs(
    function: Callable[[Array], tuple[Any, ...]],
    start: Any,
    *,
    memory: Annotated[int, Range(1, 1000)] = 10,
    steps: Annotated[int, Range(1, 10**6)] = 500,
    tolerance: Annotated[float, Range(0, 1)] = 1e-6,
    progress: Seen | None = None,
) -> Minimum:
    """Find a minimum as BFGS does, but from the last few steps alone: for losses of many parameters.

    H is never written down: two loops over the remembered s and y turn the slope into H times the slope. NaN ends it,
    not found.

    Parameters
    ----------
    function
        Takes N float64 numbers, returns the loss and its N derivatives.
    start
        N numbers, not changed.
    memory
        Steps that are remembered, ≥ 1.
    steps
        Most steps, ≥ 1.
    tolerance
        The greatest derivative at which it ends, ≥ 0.
    progress
        Called with the point and its value at the start and after each step.

    Returns
    -------
    Minimum

    Raises
    ------
    InputError
        When the start is no row of numbers, or the function returns something else.

    References
    ----------
    D. C. Liu, J. Nocedal, "On the Limited Memory BFGS Method for Large Scale Optimization", Mathematical Programming
    45, 1989.

    Examples
    --------
    >>> from sightline.learn import differentiated
    >>> found = lbfgs(differentiated(lambda x: ((x - 3) ** 4).sum()), np.zeros(50))
    >>> bool(np.abs(found.point - 3).max() < 0.02), found.found
    (True, True)
    """
    walk = Walk("lbfgs", function, start, steps, tolerance, progress, c1=1e-3)
    kept: deque[tuple[Array, Array, float]] = deque(maxlen=integer("lbfgs", "memory", memory, 1))

    def learn(s: Array, y: Array) -> None:
        kept.append((s, y, 1 / float(y @ s)))

    def first(p: Array) -> float:
        return 1.0 if kept else min(1.0, 1 / float(np.linalg.norm(p)))

    return walk.run(lambda slope: -_two_loops(kept, slope), learn, first)


def _two_loops(kept: deque[tuple[Array, Array, float]], slope: Array) -> Array:
    """Return H g: back through the steps, scaled by the last one's curvature, and forward again."""
    q, shares = slope.copy(), []
    for s, y, rho in reversed(kept):
        shares.append(rho * float(s @ q))
        q -= shares[-1] * y
    if kept:
        s, y, _ = kept[-1]
        q *= float(s @ y) / float(y @ y)
    for s, y, rho in kept:
        q += (shares.pop() - rho * float(y @ q)) * s
    return q


def _solved(bend: Array, slope: Array) -> Array:
    """Return B⁻¹ g, with as much of the identity added to B as makes it positive (algorithm 3.3)."""
    least = float(np.diag(bend).min())
    size = 1e-3 * max(1.0, float(np.abs(bend).max()))
    shift = 0.0 if least > 0 else size - least
    while np.isfinite(bend).all():
        try:
            lower = np.linalg.cholesky(bend + shift * np.eye(len(bend)))
        except np.linalg.LinAlgError:
            shift = max(2 * shift, size)
            continue
        return np.linalg.solve(lower.T, np.linalg.solve(lower, slope))
    return slope
