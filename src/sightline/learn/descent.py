"""Steps down a loss: what is returned of a minimum, how a loss gives its derivatives, and the walk along directions.

Nocedal & Wright 2006, "Numerical Optimization", 2nd ed., chapter 3: a direction that goes down, a step along it that
holds the Wolfe conditions, and again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.checks import describe, integer, number
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.autograd import Tensor, gradients
from sightline.learn.line_search import wolfe_step

Seen = Callable[[Array, float], object]


@dataclass(frozen=True)
class Minimum:
    """Where a loss is lowest, as far as it was found.

    Parameters
    ----------
    point
        N numbers.
    value
        The loss there.
    slope
        Its N derivatives there.
    steps
        Steps taken.
    calls
        How often the function was asked.
    found
        Whether every derivative is within the tolerance; otherwise the steps were used up, or no step went down.
    """

    point: Array
    value: float
    slope: Array
    steps: int
    calls: int
    found: bool


def differentiated(function: Callable[[Tensor], Tensor], *, bend: bool = False) -> Callable[[Array], tuple[Any, ...]]:
    """Return ``x → (value, slope)`` of a function of one Tensor, with ``bend`` ``x → (value, slope, bend)``.

    Parameters
    ----------
    function
        Takes a Tensor of N numbers, returns a Tensor with one value.
    bend
        Whether the N×N second derivatives come, too.

    Examples
    --------
    >>> value, slope, bend = differentiated(lambda x: (x**3).sum(), bend=True)(np.array([2.0]))
    >>> float(value), slope.tolist(), bend.tolist()
    (8.0, [12.0], [[12.0]])
    """

    def derivatives(x: Array) -> tuple[Any, ...]:
        place = Tensor(np.array(x, np.float64))
        value = function(place)
        (slope,) = gradients(value, [place])
        found = float(value.value.reshape(())), slope.value
        if not bend:
            return found
        rows = [gradients(slope[i], [place])[0].value for i in range(len(place))]
        return *found, np.stack(rows)

    return derivatives


class Walk:
    """Steps along directions, each as long as the Wolfe conditions want it, until the slope is flat.

    Parameters
    ----------
    name
        Of the function, for the error's sentence.
    function, start, steps, tolerance, progress
        As in :func:`~sightline.learn.newton.bfgs`.
    c1
        How far down is enough.
    """

    def __init__(
        self,
        name: str,
        function: Any,
        start: Any,
        steps: int,
        tolerance: float,
        progress: Seen | None,
        c1: float = 1e-4,
    ) -> None:
        self.name, self.function, self.progress, self.c1 = name, function, progress, c1
        x = np.array(start, np.float64) if np.asarray(start).dtype.kind in "fiub" else np.empty(())
        if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
            raise InputError(f"{name}: start must be N ≥ 1 finite numbers; got {describe(np.asarray(start))}.")
        self.steps, self.tolerance = integer(name, "steps", steps, 1), number(name, "tolerance", tolerance, 0)
        self.x, self.calls = x, 0
        self.value, self.slope = self.ask(x)
        self.before = self.value

    def ask(self, x: Array) -> tuple[float, Array]:
        """Return value and slope at a place."""
        self.calls += 1
        answer = self.function(x.copy())
        if not isinstance(answer, tuple) or len(answer) != 2 or np.shape(answer[1]) != x.shape:
            raise InputError(
                f"{self.name}: function must return a value and {len(x)} derivatives; got {describe(answer)}."
                " Use differentiated(function) for a function of Tensors."
            )
        return float(answer[0]), np.asarray(answer[1], np.float64)

    def run(
        self,
        direction: Callable[[Array], Array],
        learn: Callable[[Array, Array], None],
        first: Callable[[Array], float],
    ) -> Minimum:
        """Go, learning from each step, and return where it ended."""
        taken = 0
        while True:
            if self.progress is not None:
                self.progress(self.x.copy(), self.value)
            flat = bool(np.abs(self.slope).max() <= self.tolerance)
            if flat or taken == self.steps or not self.step(direction(self.slope), learn, first):
                return Minimum(self.x, self.value, self.slope, taken, self.calls, flat)
            taken += 1

    def step(self, p: Array, learn: Callable[[Array, Array], None], first: Callable[[Array], float]) -> bool:
        """Take one step along p; return whether there was one that goes down."""
        down = float(self.slope @ p)
        if not down < 0:
            return False
        seen: dict[float, tuple[float, Array]] = {}

        def phi(t: float) -> tuple[float, float]:
            seen[t] = self.ask(self.x + t * p)
            return seen[t][0], float(seen[t][1] @ p)

        length = wolfe_step(phi, self.value, down, first(p), c1=self.c1)
        if length is None:
            return False
        value, slope = seen[length]
        s, y = length * p, slope - self.slope
        self.x, self.before, self.value, self.slope = self.x + s, self.value, value, slope
        if float(y @ s) > 0:
            learn(s, y)
        return True
