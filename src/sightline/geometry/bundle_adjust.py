"""Bundle adjustment: cameras and points moved together until the points are seen where they were seen.

Triggs, McLauchlan, Hartley & Fitzgibbon 2000, "Bundle Adjustment: A Modern Synthesis", Vision Algorithms, LNCS 1883.
Levenberg-Marquardt on the reduced camera system (the Schur complement of the points), with the trust region of
Madsen, Nielsen & Tingleff 2004, "Methods for Non-Linear Least Squares Problems".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Cloud, Curve, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Range
from sightline.geometry.bundle_problem import INTRINSICS, BundleProblem
from sightline.geometry.reduced_system import LOSSES, Normal, State

_MIN_DECREASE = 1e-3  # of the decrease that the linear model promises
_SMALLEST_RADIUS = 1e-32
_FLAT = 1e-10  # largest derivative of the cost of a finished problem
_NOTHING = 1e-18  # of the cost at the start: an exact fit


@dataclass(frozen=True, eq=False)
class Adjusted:
    """An adjusted problem, and how it came to be so.

    Parameters
    ----------
    problem
        With the new poses, points and intrinsics.
    costs
        Half the sum of the losses in pixels²: at the start, then after each step that was taken.
    iterations
        Steps tried.
    converged
        Whether the tolerance ended it, not the number of iterations.
    seconds
        How long it took.
    """

    problem: BundleProblem
    costs: Float64[np.ndarray, " steps"]
    iterations: int
    converged: bool
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the costs and the sizes of the problem."""
        return {
            **self.problem.to_json(),
            "initial_cost": float(self.costs[0]),
            "final_cost": float(self.costs[-1]),
            "iterations": self.iterations,
            "converged": self.converged,
            "seconds": self.seconds,
        }


@method(task="structure", paper="Triggs 2000", lesson="w3d5")
def bundle_adjust(
    problem: BundleProblem,
    loss: Annotated[str, Choice(*LOSSES)] = "squared",
    *,
    scale: Annotated[float, Range(0.01, 100, 0.1)] = 1.0,
    fixed: Sequence[str] = (),
    fixed_cameras: Sequence[int] = (),
    max_iterations: Annotated[int, Range(1, 10000, 1)] = 100,
    tolerance: Annotated[float, Range(0, 1, 1e-6)] = 1e-6,
) -> Adjusted:
    """Move cameras and points until the points are seen as near as can be to where they were seen.

    The problem is not changed. NaN and infinity are refused when a problem is made; a point in the plane of a camera
    that sees it is refused here. Nothing holds the world in place, rotation and scale included, but ``fixed_cameras``
    and the damping of the steps.

    Parameters
    ----------
    problem
        Cameras, points and observations. :func:`read_bundle_problem` reads one.
    loss
        What a residual of r pixels costs: ``squared`` r², ``huber``, ``cauchy`` or ``soft_l1``, which tell on outliers
        less.
    scale
        Residual in pixels above which a robust loss bends, 0.01–100.
    fixed
        What stays: ``poses``, ``points``, or names of intrinsics that the problem has free.
    fixed_cameras
        Numbers of the cameras whose poses stay.
    max_iterations
        At most so many steps are tried, 1–10000.
    tolerance
        Relative decrease of the cost below which it ends, 0–1.

    Returns
    -------
    Adjusted
        The problem with its new values, the path of the cost, and the time.

    Raises
    ------
    InputError
        When nothing may move, or the model cannot see an observation at the start.

    References
    ----------
    B. Triggs, P. McLauchlan, R. Hartley, A. Fitzgibbon, "Bundle Adjustment: A Modern Synthesis", Vision Algorithms:
    Theory and Practice, LNCS 1883, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> corners = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (4, 6)], float)
    >>> seen = np.concatenate([(corners + shift)[:, :2] / corners[:, 2:] * 500 for shift in ((0, 0, 0), (1, 0, 0))])
    >>> poses, model = np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0.0]]), np.array([[500.0, 1, 0, 0, 0, 0, 0, 0, 0]])
    >>> indices = np.repeat([0, 1], 8), np.tile(np.arange(8), 2), np.zeros(2, int)
    >>> start = BundleProblem(poses, corners + 0.05, model, seen, *indices)
    >>> bundle_adjust(start).problem.mean_reprojection < 1e-3
    True
    """
    start = time.perf_counter()
    costs, iterations, state, done = [], 0, None, False
    options = (loss, scale, fixed, fixed_cameras, max_iterations, tolerance)
    for iterations, state, done in _descend(problem, *options):  # noqa: B007 - the last one counts
        if not costs or state.cost < costs[-1]:
            costs.append(state.cost)
    assert state is not None  # the first one is the start
    return Adjusted(state.as_problem(), np.array(costs), iterations, done, time.perf_counter() - start)


@bundle_adjust.steps
def _steps(problem: BundleProblem, loss: str = "squared", **options: Any) -> Iterator[Step]:
    chosen: dict[str, Any] = {
        "scale": 1.0,
        "fixed": (),
        "fixed_cameras": (),
        "max_iterations": 100,
        "tolerance": 1e-6,
        **options,
    }
    costs: list[float] = []
    for iteration, state, _ in _descend(problem, loss, *chosen.values()):
        if costs and state.cost >= costs[-1]:
            continue
        costs.append(state.cost)
        if iteration <= 6 or iteration & (iteration - 1) == 0:  # then ever more rarely
            now = state.as_problem()
            note = f"Cost {state.cost:.6g}; the mean reprojection error is {now.mean_reprojection:.3f} pixels."
            yield Step("start" if iteration == 0 else f"iteration {iteration}", Cloud(coloured(now)), note=note)
    path = np.stack([np.arange(len(costs)), np.log10(np.maximum(costs, 1e-300))], axis=1)
    yield Step("cost", Curve(path, ("step", "log10 of the cost")), note=f"From {costs[0]:.6g} to {costs[-1]:.6g}.")
    result = bundle_adjust(problem, loss, **options)
    yield Step("adjusted", Value(result), Cloud(coloured(result.problem)), note="Points blue, cameras orange.")


def coloured(problem: BundleProblem) -> Array:
    """Return the points in blue and the cameras in orange, N×6 (x, y, z, r, g, b from 0 to 1)."""
    points = np.hstack([problem.points, np.broadcast_to((0.0, 0.45, 0.7), problem.points.shape)])
    cameras = np.hstack([problem.centres, np.broadcast_to((0.84, 0.37, 0.0), problem.centres.shape)])
    return np.concatenate([points, cameras]).astype(np.float32)


def _descend(
    problem: BundleProblem,
    loss: str,
    scale: float,
    fixed: Sequence[str],
    fixed_cameras: Sequence[int],
    max_iterations: int,
    tolerance: float,
) -> Iterator[tuple[int, State, bool]]:
    """Yield (steps tried, where it is now, whether it is done), first the start."""
    if not isinstance(problem, BundleProblem):
        raise InputError(
            f"bundle_adjust: problem must be a BundleProblem; got {describe(problem)}. Read one with "
            "sightline.geometry.read_bundle_problem(path)."
        )
    choice("bundle_adjust", "loss", loss, tuple(LOSSES))
    number("bundle_adjust", "scale", scale, 0.01, 100, unit="pixels")
    number("bundle_adjust", "tolerance", tolerance, 0, 1)
    most = integer("bundle_adjust", "max_iterations", max_iterations, 1, 10000)
    held = _held(problem, fixed, fixed_cameras)
    normal = Normal(_without(problem, fixed), LOSSES[loss], float(scale), held, "points" in fixed)
    state = normal.start()
    if not np.isfinite(state.cost):
        raise InputError("bundle_adjust: problem must be seen by its cameras; got a point in the plane of one.")
    yield 0, state, False
    radius, shrink, first = 1e4, 2.0, state.cost
    normal.linearise(state)
    for iteration in range(1, most + 1):
        step = normal.solve(radius)
        tried = state.moved(step) if step is not None else None
        gained = state.cost - tried.cost if tried is not None else -np.inf
        promised = step.promised if step is not None else 0.0
        if tried is not None and gained >= _MIN_DECREASE * promised and gained >= 0 and promised > 0:
            radius = min(radius / max(1 / 3, 1 - (2 * gained / promised - 1) ** 3), 1e16)
            shrink = 2.0
            done = gained <= tolerance * state.cost or tried.cost <= _NOTHING * first
            state = tried
            normal.linearise(state)
            done = done or normal.steepest <= _FLAT
            yield iteration, state, done
            if done:
                return
            continue
        done = promised <= tolerance * 1e-3 * state.cost or radius < _SMALLEST_RADIUS
        yield iteration, state, done
        if done:
            return
        radius, shrink = radius / shrink, shrink * 2


def _held(problem: BundleProblem, fixed: Sequence[str], cameras: Sequence[int]) -> Array:
    """Return for each camera whether its pose stays."""
    known = ("poses", "points", *INTRINSICS)
    for name in fixed:
        choice("bundle_adjust", "fixed", name, known)
    numbers = np.asarray(cameras, np.int64).reshape(-1)
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(problem.poses):
        raise InputError(
            f"bundle_adjust: fixed_cameras must be numbers from 0 to {len(problem.poses) - 1}; got {list(cameras)}."
        )
    held = np.full(len(problem.poses), "poses" in fixed)
    held[numbers] = True
    moves = not held.all() or "points" not in fixed or set(problem.free) - set(fixed)
    if len(problem.observations) == 0 or not moves:
        raise InputError("bundle_adjust: problem must have observations and something that may move; got neither.")
    return held


def _without(problem: BundleProblem, fixed: Sequence[str]) -> BundleProblem:
    return replace(problem, free=tuple(name for name in problem.free if name not in fixed))
