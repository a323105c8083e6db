"""Kalman filter: what is known of a moving thing, as a mean and a covariance, through prediction and measurement.

Kalman 1960, "A New Approach to Linear Filtering and Prediction Problems", Journal of Basic Engineering 82(1); the
covariance in the form of Bucy & Joseph 1968; smoothing by Rauch, Tung & Striebel 1965.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array


class KalmanFilter:
    """The best linear estimate of a state that moves by x ← F x + B u and is measured as z = H x, both with noise.

    NaN in a measurement stands for what was not measured: those components are left out. In all else NaN is refused.

    Parameters
    ----------
    transition
        F, n×n: the state one step later.
    observation
        H, m×n: what is measured of a state.
    process_noise
        Q, n×n covariance of what the transition does not know.
    measurement_noise
        R, m×m covariance of a measurement's error.
    control
        B, n×k: what a known push of k numbers does to the state; None when there is none.
    state
        n numbers to start from; zeros when None.
    covariance
        P, n×n of the start; the identity when None.

    Attributes
    ----------
    state, covariance
        What is known now.
    innovation, innovation_covariance, gain
        Of the last update: measurement minus prediction, its covariance, and how much of it was believed.

    References
    ----------
    R. E. Kalman, "A New Approach to Linear Filtering and Prediction Problems", Journal of Basic Engineering 82(1),
    1960.

    Examples
    --------
    >>> filter = KalmanFilter([[1, 1], [0, 1]], [[1, 0]], np.eye(2) * 1e-4, [[1.0]], covariance=np.eye(2) * 100)
    >>> for place in (0.0, 1.1, 1.9, 3.0):
    ...     _ = filter.predict()
    ...     _ = filter.update([place])
    >>> filter.state.round(1).tolist()
    [3.0, 1.0]
    """

    def __init__(
        self,
        transition: Any,
        observation: Any,
        process_noise: Any,
        measurement_noise: Any,
        *,
        control: Any = None,
        state: Any = None,
        covariance: Any = None,
    ) -> None:
        self.transition = _matrix("transition", transition)
        size = len(self.transition)
        self.transition = _matrix("transition", transition, (size, size))
        self.observation = _matrix("observation", observation, (None, size))
        width = len(self.observation)
        self.process_noise = _covariance("process_noise", process_noise, size)
        self.measurement_noise = _covariance("measurement_noise", measurement_noise, width)
        self.control = None if control is None else _matrix("control", control, (size, None))
        self.state = np.zeros(size) if state is None else _vector("state", state, size)
        self.covariance = np.eye(size) if covariance is None else _covariance("covariance", covariance, size)
        self.innovation, self.innovation_covariance = np.zeros(0), np.zeros((0, 0))
        self.gain = np.zeros((size, 0))

    def predict(self, control: Any = None) -> Array:
        """Move one step on; return the predicted state.

        Parameters
        ----------
        control
            u, k numbers, the known push; None for none.
        """
        self.state, self.covariance = predicted(self.state, self.covariance, self.transition, self.process_noise)
        if control is not None:
            if self.control is None:
                raise InputError("KalmanFilter.predict: control needs the filter's matrix B; got none. Pass control=B.")
            self.state = self.state + self.control @ _vector("control", control, self.control.shape[1])
        return self.state

    def update(self, measurement: Any) -> Array:
        """Learn from a measurement; return the corrected state.

        Parameters
        ----------
        measurement
            z, m numbers; NaN for those that were not measured. None when nothing was: the state stays as predicted.
        """
        if measurement is None:
            return self.state
        z = _vector("measurement", measurement, len(self.observation), finite=False)
        observation, noise = self.observation, self.measurement_noise
        if not np.isfinite(z).all():
            seen = ~np.isnan(z)
            if np.isinf(z).any():
                raise InputError(f"KalmanFilter.update: measurement must be finite, or NaN; got {z.tolist()}.")
            if not seen.any():
                return self.state
            z, observation, noise = z[seen], observation[seen], noise[np.ix_(seen, seen)]
        corrected = correct(self.state, self.covariance, z, observation, noise)
        self.state, self.covariance, self.innovation, self.innovation_covariance, self.gain = corrected
        return self.state

    @property
    def log_likelihood(self) -> float:
        """Logarithm of the density that the prediction gave to the last measurement; 0 before the first one."""
        if not len(self.innovation):
            return 0.0
        s, y = self.innovation_covariance, self.innovation
        return float(-0.5 * (y @ np.linalg.solve(s, y) + np.linalg.slogdet(2 * np.pi * s)[1]))

    def gating_distance(self, measurements: Any) -> Array:
        """Return how far measurements are from what is expected, as squared Mahalanobis distances, N float64.

        Parameters
        ----------
        measurements
            N×m, or one of m numbers. For Gaussian errors the distances follow χ² with m degrees of freedom.
        """
        width = len(self.observation)
        rows = np.asarray(measurements, np.float64).reshape(-1, width)
        off = rows - self.observation @ self.state
        spread = self.observation @ self.covariance @ self.observation.T + self.measurement_noise
        return np.einsum("ni,ni->n", off, np.linalg.solve(spread, off.T).T)

    def smooth(self, measurements: Sequence[Any]) -> tuple[Array, Array]:
        """Filter a whole series, then go back through it: each state from all measurements, later ones too.

        The filter itself stays as it is.

        Parameters
        ----------
        measurements
            T entries, each as in :meth:`update`; a prediction comes before each of them.

        Returns
        -------
        tuple
            States T×n and covariances T×n×n.
        """
        own = self.state, self.covariance, self.innovation, self.innovation_covariance, self.gain
        rows = []
        try:
            for z in measurements:
                self.predict()
                self.update(z)
                rows.append((self.state, self.covariance))
        finally:
            self.state, self.covariance, self.innovation, self.innovation_covariance, self.gain = own
        if not rows:
            raise InputError("KalmanFilter.smooth: measurements must hold at least one entry; got none.")
        states, covariances = np.array([x for x, _ in rows]), np.array([p for _, p in rows])
        for t in range(len(rows) - 2, -1, -1):
            x, p = predicted(states[t], covariances[t], self.transition, self.process_noise)
            back = np.linalg.solve(p, self.transition @ covariances[t]).T
            states[t] += back @ (states[t + 1] - x)
            covariances[t] += back @ (covariances[t + 1] - p) @ back.T
        return states, covariances


_POSITION = np.array([[1.0, 1.0], [0.0, 1.0]])
method(
    task="state estimation",
    paper="Kalman 1960",
    lesson="w3d7",
    example={
        "transition": _POSITION,
        "observation": np.eye(1, 2),
        "process_noise": np.eye(2) * 0.01,
        "measurement_noise": np.eye(1),
    },
)(KalmanFilter)


def predicted(state: Array, covariance: Array, transition: Array, noise: Array) -> tuple[Array, Array]:
    """Return x ← F x and P ← F P Fᵀ + Q, of one filter or of a stack of them.

    Parameters
    ----------
    state, covariance
        …×n and …×n×n.
    transition, noise
        F and Q, n×n or …×n×n.
    """
    return _times(transition, state), transition @ covariance @ transition.mT + noise


def correct(
    state: Array, covariance: Array, measurement: Array, observation: Array, noise: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Return corrected state and covariance, innovation, its covariance and the gain, of one filter or of a stack.

    Parameters
    ----------
    state, covariance
        …×n and …×n×n, as predicted.
    measurement
        z, …×m.
    observation, noise
        H, m×n, and R, m×m or …×m×m.
    """
    innovation = measurement - _times(observation, state)
    crossed = observation @ covariance  # H P, …×m×n
    spread = crossed @ observation.T + noise  # S = H P Hᵀ + R
    gain = _solved(spread, crossed).mT  # K = P Hᵀ S⁻¹
    kept = _identity(state.shape[-1]) - gain @ observation
    # Joseph's form, (I − K H) P (I − K H)ᵀ + K R Kᵀ: symmetric and positive whatever the rounding of K.
    rest = kept @ covariance @ kept.mT + gain @ noise @ gain.mT
    return state + _times(gain, innovation), rest, innovation, spread, gain


def _solved(spread: Array, crossed: Array) -> Array:
    """Return S⁻¹ H P: S is positive, so one filter's is solved by its Cholesky factor, in half of NumPy's time."""
    if spread.ndim == 2:
        _, solution, failed = _by_cholesky()(spread, crossed)
        if not failed:
            return solution
    return np.linalg.solve(spread, crossed)


@lru_cache(maxsize=1)
def _by_cholesky() -> Callable[[Array, Array], tuple[Array, Array, int]]:
    from scipy.linalg import lapack  # imported late: it takes as long as all of NumPy

    return lapack.dposv  # pyrefly: ignore


def _times(matrix: Array, vector: Array) -> Array:
    """Return the product of a matrix and a vector, or of stacks of them."""
    return matrix @ vector if vector.ndim == 1 else (matrix @ vector[..., None])[..., 0]


@lru_cache(maxsize=64)
def _identity(size: int) -> Array:
    return np.eye(size)


def _matrix(argument: str, value: Any, shape: tuple[int | None, int | None] = (None, None)) -> Array:
    wanted = "×".join("N" if size is None else str(size) for size in shape)
    try:
        matrix = np.array(value, np.float64)
    except (TypeError, ValueError):
        raise InputError(f"KalmanFilter: {argument} must be {wanted} numbers; got {describe(value)}.") from None
    fits = matrix.ndim == 2 and all(size in (None, has) for size, has in zip(shape, matrix.shape, strict=True))
    if not fits or 0 in matrix.shape or not np.isfinite(matrix).all():
        raise InputError(f"KalmanFilter: {argument} must be {wanted} finite numbers; got {describe(matrix)}.")
    return matrix


def _covariance(argument: str, value: Any, size: int) -> Array:
    matrix = _matrix(argument, value, (size, size))
    if not np.allclose(matrix, matrix.T, rtol=1e-6, atol=1e-12) or (np.diag(matrix) < 0).any():
        raise InputError(f"KalmanFilter: {argument} must be a covariance: symmetric, its diagonal ≥ 0; got another.")
    return matrix


def _vector(argument: str, value: Any, size: int, *, finite: bool = True) -> Array:
    try:
        vector = np.array(value, np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise InputError(f"KalmanFilter: {argument} must be {size} numbers; got {describe(value)}.") from None
    if len(vector) != size or (finite and not np.isfinite(vector).all()):
        raise InputError(f"KalmanFilter: {argument} must be {size} finite numbers; got {describe(value)}.")
    return vector
