"""Particle filter: what is known of a state as a crowd of guesses, moved, weighed and drawn again.

Gordon, Salmond & Smith 1993, "Novel Approach to Nonlinear/Non-Gaussian Bayesian State Estimation", IEE Proceedings F
140(2); Isard & Blake 1998, "CONDENSATION", IJCV 29(1); systematic resampling by Kitagawa 1996.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, number
from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array, Seed

Motion = Callable[[Array, np.random.Generator], Array]
Likelihood = Callable[[Array, Any], Array]


@method(task="state estimation", paper="Kitagawa 1996", lesson="w3d7")
def systematic_resample(weights: Array, seed: Seed = 0) -> Array:
    """Draw N indices, each as often as its weight says, give or take one: one random number and N even steps.

    NaN and infinity are refused.

    Parameters
    ----------
    weights
        N numbers ≥ 0, not all 0; they need not add up to 1.
    seed
        Whole number ≥ 0 or a generator.

    Returns
    -------
    Array
        N int64, ascending.

    References
    ----------
    G. Kitagawa, "Monte Carlo Filter and Smoother for Non-Gaussian Nonlinear State Space Models", Journal of
    Computational and Graphical Statistics 5(1), 1996.

    Examples
    --------
    >>> systematic_resample(np.array([0.5, 0.0, 0.25, 0.25])).tolist()
    [0, 0, 2, 3]
    """
    values = _weights("systematic_resample", weights)
    share = np.cumsum(values / values.sum())
    places = (generator(seed).random() + np.arange(len(values))) / len(values)
    return np.minimum(np.searchsorted(share, places, side="right"), np.flatnonzero(values)[-1])


class ParticleFilter:
    """An estimate of any shape: several peaks, a ring, a wall that nothing passes; carried by N weighted guesses.

    Parameters
    ----------
    particles
        N×D numbers: the guesses to start from, all of one weight.
    motion
        Called with the particles N×D and a generator; returns where each is one step later, with noise of its own.
    likelihood
        Called with the particles and a measurement; returns N numbers ≥ 0: how likely each makes it.
    resample
        Draw anew when fewer than this share of the particles counts (1 / Σ w² < share · N), 0–1; 1 draws after each
        update.
    seed
        Whole number ≥ 0 or a generator.

    Attributes
    ----------
    particles, weights
        The guesses N×D, and N shares that add up to 1.

    References
    ----------
    N. J. Gordon, D. J. Salmond, A. F. M. Smith, "Novel Approach to Nonlinear/Non-Gaussian Bayesian State Estimation",
    IEE Proceedings F 140(2), 1993.

    M. Isard, A. Blake, "CONDENSATION: Conditional Density Propagation for Visual Tracking", IJCV 29(1), 1998.

    Examples
    --------
    >>> start = np.random.default_rng(0).uniform(0, 10, (500, 1))
    >>> walk = lambda at, random: at + 1 + random.normal(0, 0.1, at.shape)
    >>> near = lambda at, seen: np.exp(-0.5 * ((at[:, 0] - seen) / 0.5) ** 2)
    >>> filter = ParticleFilter(start, walk, near)
    >>> for seen in (4.0, 5.0, 6.0):
    ...     _ = filter.predict()
    ...     _ = filter.update(seen)
    >>> round(float(filter.state[0]), 1)
    6.0
    """

    def __init__(
        self, particles: Any, motion: Motion, likelihood: Likelihood, *, resample: float = 0.5, seed: Seed = 0
    ) -> None:
        self.particles = _particles("ParticleFilter", particles)
        for name, function in (("motion", motion), ("likelihood", likelihood)):
            if not callable(function):
                raise InputError(f"ParticleFilter: {name} must be a function; got {describe(function)}.")
        self._motion, self._likelihood = motion, likelihood
        self._share = number("ParticleFilter", "resample", resample, 0, 1)
        self._random = generator(seed)
        self.weights = np.full(len(self.particles), 1 / len(self.particles))

    def predict(self) -> Array:
        """Move every particle one step on; return the mean state, D float64."""
        moved = _particles("ParticleFilter.predict", self._motion(self.particles.copy(), self._random))
        if moved.shape != self.particles.shape:
            raise InputError(
                f"ParticleFilter.predict: motion must return {describe(self.particles)}; got {describe(moved)}."
            )
        self.particles = moved
        return self.state

    def update(self, measurement: Any) -> Array:
        """Weigh the particles by how likely they make a measurement; return the mean state, D float64.

        Parameters
        ----------
        measurement
            Whatever the likelihood takes; None when nothing was measured: the weights stay. :class:`InputError` is
            raised when it is impossible for every particle.
        """
        if measurement is None:
            return self.state
        likely = np.asarray(self._likelihood(self.particles.copy(), measurement), np.float64)
        if likely.shape != self.weights.shape:
            raise InputError(
                f"ParticleFilter.update: likelihood must return {len(self.weights)} numbers; got {describe(likely)}."
            )
        weights = _weights("ParticleFilter.update", self.weights * likely)
        self.weights = weights / weights.sum()
        mean = self.state
        if self.effective < self._share * len(self.weights):
            self.particles = self.particles[systematic_resample(self.weights, self._random)]
            self.weights = np.full(len(self.weights), 1 / len(self.weights))
        return mean

    @property
    def state(self) -> Array:
        """The weighted mean of the particles, D float64."""
        return self.weights @ self.particles

    @property
    def covariance(self) -> Array:
        """The weighted covariance of the particles, D×D float64."""
        off = self.particles - self.state
        return (off * self.weights[:, None]).T @ off

    @property
    def effective(self) -> float:
        """How many particles count, 1 / Σ w²: N when all weights are equal, 1 when one has it all."""
        return float(1 / (self.weights**2).sum())


method(
    task="state estimation",
    paper="Gordon 1993",
    lesson="w3d7",
    example={"motion": lambda _: lambda at, random: at, "likelihood": lambda _: lambda at, seen: np.ones(len(at))},
)(ParticleFilter)


def _particles(function: str, value: Any) -> Array:
    try:
        rows = np.array(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{function}: particles must be N×D numbers; got {describe(value)}.") from None
    if rows.ndim != 2 or 0 in rows.shape or not np.isfinite(rows).all():
        raise InputError(f"{function}: particles must be N×D finite numbers; got {describe(rows)}.")
    return rows


def _weights(function: str, value: Any) -> Array:
    try:
        weights = np.array(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{function}: weights must be N numbers; got {describe(value)}.") from None
    if weights.ndim != 1 or not len(weights) or not np.isfinite(weights).all() or (weights < 0).any():
        raise InputError(f"{function}: weights must be N finite numbers ≥ 0; got {describe(weights)}.")
    if weights.sum() <= 0:
        raise InputError(f"{function}: weights must not all be 0: no particle explains the measurement; got 0.")
    return weights
