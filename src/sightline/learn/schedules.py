"""Schedules: what the learning rate is multiplied by as a training goes on.

Loshchilov & Hutter 2017, "SGDR: Stochastic Gradient Descent with Warm Restarts" (``CosineDecay``); Goyal et al. 2017,
"Accurate, Large Minibatch SGD" (``LinearWarmup``); Smith & Topin 2018, "Super-Convergence" (``OneCycle``); Krizhevsky,
Sutskever & Hinton 2012 (``StepDecay``, ``ReduceOnPlateau``: "divide by 10 when the validation error stopped
improving"); Robbins & Monro 1951 (``ConstantRate``), whose steps must fall (``ExponentialDecay``) for noise to die out.

Each is called with the share of the training that is behind, 0–1, so that it fits a training of any length, and a
training that goes on from a checkpoint needs no memory of it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer, number
from sightline.core.errors import InputError


class Schedule(ABC):
    """A factor of the learning rate for each share of the training."""

    @abstractmethod
    def __call__(self, share: float) -> float:
        """Return what the learning rate is multiplied by.

        Parameters
        ----------
        share
            Of the training that is behind, 0–1.
        """


class ConstantRate(Schedule):
    """1 all the way.

    Examples
    --------
    >>> ConstantRate()(0.7)
    1.0
    """

    def __call__(self, share: float) -> float:
        """Return 1."""
        return 1.0


class StepDecay(Schedule):
    """Down by a factor at each of some places.

    Parameters
    ----------
    at
        Shares of the training, each 0–1.
    factor
        What the rate is multiplied by there, 0–1.

    Examples
    --------
    >>> [round(StepDecay((0.5, 0.75))(share), 12) for share in (0.4, 0.5, 0.9)]
    [1.0, 0.1, 0.01]
    """

    def __init__(self, at: Sequence[float] = (0.5, 0.75), *, factor: float = 0.1) -> None:
        if not isinstance(at, (tuple, list)):
            raise InputError(f"StepDecay: at must be shares of the training, such as (0.5, 0.75); got {describe(at)}.")
        self.at = tuple(number("StepDecay", f"at[{i}]", share, 0, 1) for i, share in enumerate(at))
        self.factor = number("StepDecay", "factor", factor, 0, 1)

    def __call__(self, share: float) -> float:
        """Return ``factor`` to the power of the places that are behind."""
        return self.factor ** sum(share >= place for place in self.at)


class ExponentialDecay(Schedule):
    """Down evenly by the same share in the same time: end^share.

    Parameters
    ----------
    end
        The factor when all is behind, 0 < end ≤ 1.

    Examples
    --------
    >>> round(ExponentialDecay(0.01)(0.5), 12)
    0.1
    """

    def __init__(self, end: float = 0.01) -> None:
        self.end = number("ExponentialDecay", "end", end, 0, 1, above=0)

    def __call__(self, share: float) -> float:
        """Return end^share."""
        return self.end**share


class CosineDecay(Schedule):
    """Half a wave from 1 to ``end``: slowly at first and at last.

    Parameters
    ----------
    end
        The factor when all is behind, 0–1.

    Examples
    --------
    >>> [round(CosineDecay()(share), 3) for share in (0, 0.5, 1)]
    [1.0, 0.5, 0.0]
    """

    def __init__(self, end: float = 0.0) -> None:
        self.end = number("CosineDecay", "end", end, 0, 1)

    def __call__(self, share: float) -> float:
        """Return end + (1 - end)(1 + cos π share) / 2."""
        return half_wave(1.0, self.end, share)


class LinearWarmup(Schedule):
    """Up along a line first, then another schedule for the rest.

    Parameters
    ----------
    share
        Of the training in which it rises, 0 < share < 1.
    start
        The factor at the beginning, 0–1.
    then
        The schedule of the rest; :class:`ConstantRate` when None.

    Examples
    --------
    >>> warm = LinearWarmup(0.1, then=CosineDecay())
    >>> [round(warm(share), 3) for share in (0, 0.05, 0.1, 0.55, 1)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, share: float = 0.1, *, start: float = 0.0, then: Schedule | None = None) -> None:
        self.share = number("LinearWarmup", "share", share, 0, 1, above=0)
        if self.share == 1:
            raise InputError("LinearWarmup: share must be below 1; got 1. Nothing would be left to train at the rate.")
        self.start = number("LinearWarmup", "start", start, 0, 1)
        self.then = ConstantRate() if then is None else then
        if not isinstance(self.then, Schedule):
            raise InputError(f"LinearWarmup: then must be a schedule of sightline.learn; got {describe(then)}.")

    def __call__(self, share: float) -> float:
        """Return the line's height, then the other schedule's."""
        if share < self.share:
            return self.start + (1 - self.start) * share / self.share
        return self.then((share - self.share) / (1 - self.share))


class OneCycle(Schedule):
    """Half a wave up from ``start`` to 1, half a wave down to almost nothing.

    Parameters
    ----------
    rise
        Share of the training in which it rises, 0–1.
    start
        The factor at the beginning, 0–1.
    end
        The factor when all is behind, 0–1.

    Examples
    --------
    >>> [round(OneCycle()(share), 4) for share in (0, 0.3, 1)]
    [0.04, 1.0, 0.0]
    """

    def __init__(self, rise: float = 0.3, *, start: float = 1 / 25, end: float = 1 / 25e4) -> None:
        self.rise = number("OneCycle", "rise", rise, 0, 1)
        self.start, self.end = number("OneCycle", "start", start, 0, 1), number("OneCycle", "end", end, 0, 1)

    def __call__(self, share: float) -> float:
        """Return the wave's height."""
        if share < self.rise:
            return half_wave(self.start, 1.0, share / self.rise)
        return half_wave(1.0, self.end, (share - self.rise) / (1 - self.rise) if self.rise < 1 else 0.0)


class ReduceOnPlateau:
    """Down by a factor when the loss has not become smaller for a while. It looks at losses, not at the time.

    Parameters
    ----------
    factor
        What the rate is multiplied by, 0–1.
    patience
        Epochs without a better loss that are borne, ≥ 0.
    threshold
        A loss is better when it is below (1 - threshold) times the best, 0–1.
    least
        The factor never falls below this, 0–1.

    Examples
    --------
    >>> ReduceOnPlateau(patience=1).after([3.0, 2.0, 2.0, 2.0, 1.0])
    0.1
    """

    def __init__(self, factor: float = 0.1, *, patience: int = 10, threshold: float = 1e-4, least: float = 0.0) -> None:
        name = "ReduceOnPlateau"
        self.factor, self.patience = number(name, "factor", factor, 0, 1), integer(name, "patience", patience, 0)
        self.threshold, self.least = number(name, "threshold", threshold, 0, 1), number(name, "least", least, 0, 1)

    def after(self, losses: Sequence[float]) -> float:
        """Return what the learning rate is multiplied by after these losses; NaN is no better loss.

        Parameters
        ----------
        losses
            One an epoch, the first one first.
        """
        factor, best, waited = 1.0, math.inf, 0
        for loss in losses:
            if loss < best * (1 - self.threshold):
                best, waited = loss, 0
                continue
            waited += 1
            if waited > self.patience:
                factor, waited = max(factor * self.factor, self.least), 0
        return factor


def half_wave(start: float, end: float, share: float) -> float:
    """Return the height of half a cosine wave from ``start`` to ``end`` when a share of it, 0–1, is behind."""
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


method(task="schedules", paper="Robbins & Monro 1951", lesson="w5d7")(ConstantRate)
method(task="schedules", paper="Krizhevsky et al. 2012", lesson="w5d7")(StepDecay)
method(task="schedules", paper="Robbins & Monro 1951", lesson="w5d7")(ExponentialDecay)
method(task="schedules", paper="Loshchilov & Hutter 2017", lesson="w5d7")(CosineDecay)
method(task="schedules", paper="Goyal et al. 2017", lesson="w5d7")(LinearWarmup)
method(task="schedules", paper="Smith & Topin 2018", lesson="w5d7")(OneCycle)
method(task="schedules", paper="Krizhevsky et al. 2012", lesson="w5d7")(ReduceOnPlateau)
