"""A step along a line that goes down far enough and far enough along: the strong Wolfe conditions.

Moré & Thuente 1994, "Line Search Algorithms with Guaranteed Sufficient Decrease", ACM Transactions on Mathematical
Software 20(3): the interval that is updated in section 2, the trial steps of section 4.

φ(t) = f(x + t p) along a direction p with φ'(0) < 0. A step t is taken when

    φ(t) ≤ φ(0) + c1 t φ'(0)        and        |φ'(t)| ≤ c2 |φ'(0)|
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

GROWTH = 1.1, 4.0  # how far beyond the last step the next one lies, while no minimum is enclosed
SHRINK = 0.66  # share to which two steps must shrink the interval, or it is halved


@dataclass
class End:
    """One end of the interval: a step, φ there and φ' there."""

    step: float
    value: float
    slope: float

    def less(self, tilt: float) -> End:
        """Return the same of φ(t) - tilt · t."""
        return End(self.step, self.value - tilt * self.step, self.slope - tilt)


def wolfe_step(
    phi: Callable[[float], tuple[float, float]],
    value: float,
    slope: float,
    first: float,
    *,
    c1: float = 1e-4,
    c2: float = 0.9,
    trials: int = 20,
) -> float | None:
    """Return a step that holds the strong Wolfe conditions; None when none was found.

    Parameters
    ----------
    phi
        Returns φ and φ' at a step.
    value, slope
        φ(0) and φ'(0), the latter < 0.
    first
        The first step to try, > 0.
    c1, c2
        0 < c1 < c2 < 1.
    trials
        How often φ is asked at most.

    Examples
    --------
    >>> wolfe_step(lambda t: ((t - 3) ** 2, 2 * (t - 3)), 9.0, -6.0, 1.0, c2=0.1)
    3.0
    """
    best = other = End(0.0, value, slope)
    enclosed, modified = False, True  # first the minimum of φ(t) - c1 φ'(0) t is looked for, as section 2 says
    low, high = 0.0, first * (1 + GROWTH[1])
    width = before = math.inf  # of the interval, and before the last trial
    step, tilt = first, c1 * slope
    for _ in range(trials):
        here = End(step, *phi(step))
        enough = here.value <= value + step * tilt
        if enough and abs(here.slope) <= -c2 * slope:
            return step
        if not math.isfinite(here.value) or (enclosed and not low < step < high):
            return None
        modified = modified and not (enough and here.slope >= 0)
        shift = tilt if modified and here.value <= best.value and not enough else 0.0
        ends = best.less(shift), other.less(shift), here.less(shift)
        step = trial_step(*ends, enclosed, low, high)
        enclosed, best, other = _updated(ends, enclosed)
        best, other = best.less(-shift), other.less(-shift)
        if enclosed:
            if abs(other.step - best.step) >= SHRINK * before:
                step = best.step + 0.5 * (other.step - best.step)
            before, width = width, abs(other.step - best.step)
            low, high = sorted((best.step, other.step))
        else:
            low, high = (step + growth * (step - best.step) for growth in GROWTH)
    return None


def trial_step(best: End, other: End, here: End, enclosed: bool, low: float, high: float) -> float:
    """Return the next step to try: minima of cubics and parabolas through what is known, in four cases.

    Parameters
    ----------
    best
        The step of least value so far.
    other
        The other end of the interval.
    here
        The last trial.
    enclosed
        Whether a minimum lies between the ends.
    low, high
        Where the step must lie.
    """
    opposite = here.slope * best.slope < 0
    if here.value > best.value:  # case 1: it went up, so there is a minimum between
        cubic = _cubic(best, here)
        rise = (best.value - here.value) / (here.step - best.step) + best.slope
        parabola = best.step + 0.5 * best.slope / rise * (here.step - best.step)
        near = abs(cubic - best.step) < abs(parabola - best.step)
        return cubic if near else cubic + 0.5 * (parabola - cubic)
    secant = here.step + _share(here.slope, best.slope) * (best.step - here.step)
    if opposite:  # case 2: it went down, and up again in slope
        cubic = _cubic(here, best)
        return cubic if abs(cubic - here.step) > abs(secant - here.step) else secant
    if abs(here.slope) <= abs(best.slope):  # case 3: down, and less steep
        return _flatter(best, other, here, secant, enclosed, (low, high))
    if enclosed:  # case 4: down, and steeper
        return _cubic(here, other)
    return high if here.step > best.step else low


def _updated(ends: tuple[End, End, End], enclosed: bool) -> tuple[bool, End, End]:
    """Return whether a minimum is enclosed now, the end of least value, and the other end."""
    best, other, here = ends
    if here.value > best.value:
        return True, best, here
    if here.slope * best.slope < 0:
        return True, here, best
    return enclosed, here, other


def _flatter(best: End, other: End, here: End, secant: float, enclosed: bool, bounds: tuple[float, float]) -> float:
    """Return the step of case 3: the farther guess while nothing is enclosed, else the nearer, and not too far."""
    cubic = _cubic_beyond(best, here, bounds)
    cubic_is_nearer = abs(cubic - here.step) < abs(secant - here.step)
    if not enclosed:
        far = secant if cubic_is_nearer else cubic
        return min(max(far, bounds[0]), bounds[1])
    near = cubic if cubic_is_nearer else secant
    most = here.step + SHRINK * (other.step - here.step)
    return min(most, near) if here.step > best.step else max(most, near)


def _share(a: float, b: float) -> float:
    return a / (a - b) if a != b else 0.0


def _bend(a: End, b: End) -> tuple[float, float]:
    """Return θ and γ ≥ 0, of which the minimum of the cubic through two ends is made."""
    theta = 3 * (a.value - b.value) / (b.step - a.step) + a.slope + b.slope
    scale = max(abs(theta), abs(a.slope), abs(b.slope))
    inside = (theta / scale) ** 2 - (a.slope / scale) * (b.slope / scale)
    return theta, scale * math.sqrt(max(0.0, inside))


def _cubic(a: End, b: End) -> float:
    """Return the minimum of the cubic with both ends' values and slopes."""
    theta, gamma = _bend(a, b)
    gamma = gamma if b.step > a.step else -gamma
    share = ((gamma - a.slope) + theta) / (((gamma - a.slope) + gamma) + b.slope)
    return a.step + share * (b.step - a.step)


def _cubic_beyond(best: End, here: End, bounds: tuple[float, float]) -> float:
    """Return the minimum of the cubic where it lies beyond the last trial, else how far one may go."""
    theta, gamma = _bend(best, here)
    gamma = gamma if here.step < best.step else -gamma
    if gamma == 0:  # a straight line, or an inflexion: it has no minimum
        return bounds[1] if here.step > best.step else bounds[0]
    share = ((gamma - here.slope) + theta) / ((gamma + (best.slope - here.slope)) + gamma)
    if share < 0:
        return here.step + share * (best.step - here.step)
    return bounds[1] if here.step > best.step else bounds[0]
