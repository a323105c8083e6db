"""Linear support vector machines, learnt through their dual, one sample at a time.

Cortes & Vapnik 1995, "Support-Vector Networks", Machine Learning 20, for the machine; Hsieh, Chang, Lin, Keerthi &
Sundararajan 2008, "A Dual Coordinate Descent Method for Large-scale Linear SVM", ICML, for the descent: algorithm 1,
with the random order of section 3.3 and the shrinking of algorithm 3.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.kernels import kernel, over_rows
from sightline.core.seeds import generator
from sightline.core.types import Array, Seed
from sightline.learn.estimator import as_table, as_targets
from sightline.learn.linear_classifier import LinearClassifier

_NEVER = 1e300


class LinearSVM(LinearClassifier):
    """Linear support vector machine: two classes are divided by a plane, each of more from the rest by one.

    It minimises ½ (‖w‖² + b²) + C Σ loss(1 - y (w·x + b)) over w and b, with y = 1 for the class and -1 for the rest.

    Parameters
    ----------
    cost
        C, > 0: what a sample in the street or beyond it costs.
    loss
        ``"squared_hinge"`` max(0, z)², or ``"hinge"`` max(0, z).
    tolerance
        > 0: how much the conditions of the optimum may be violated.
    iterations
        Passes through the samples after which it gives up with a warning, ≥ 1.
    seed
        Whole number ≥ 0 or a generator: of the order in which samples are looked at.

    Attributes
    ----------
    classes_
        C labels, sorted.
    coef_, intercept_
        C×D weights and C offsets, 1×D and 1 for two classes, which speak for the second one.
    passes_
        Passes that each machine took.

    References
    ----------
    C.-J. Hsieh, K.-W. Chang, C.-J. Lin, S. S. Keerthi, S. Sundararajan, "A Dual Coordinate Descent Method for
    Large-scale Linear SVM", ICML, 2008.

    Examples
    --------
    >>> svm = LinearSVM(cost=100).fit([[0, 0], [1, 0], [3, 0], [4, 0]], ["left", "left", "right", "right"])
    >>> svm.predict([[1.8, 7], [2.2, -7]]).tolist()
    ['left', 'right']
    """

    passes_: Array

    def __init__(
        self,
        cost: float = 1.0,
        *,
        loss: str = "squared_hinge",
        tolerance: float = 1e-4,
        iterations: int = 1000,
        seed: Seed = 0,
    ) -> None:
        self.cost = cost
        self.loss = loss
        self.tolerance = tolerance
        self.iterations = iterations
        self.seed = seed

    def fit(self, samples: Any, y: Any) -> LinearSVM:
        """Find the planes; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers; float32 is faster and less exact.
        y
            N whole numbers or words, of two classes at least.
        """
        table = as_table("LinearSVM.fit", samples)
        self.classes_, index = as_targets("LinearSVM.fit", y, len(table))
        cost = number("LinearSVM", "cost", self.cost, 0, above=0)
        squared = choice("LinearSVM", "loss", self.loss, ("squared_hinge", "hinge")) == "squared_hinge"
        tolerance = number("LinearSVM", "tolerance", self.tolerance, 0, above=0)
        most = integer("LinearSVM", "iterations", self.iterations, 1)
        padded = np.concatenate([table, np.ones((len(table), 1), table.dtype)], axis=1)
        machines = 1 if len(self.classes_) == 2 else len(self.classes_)
        speaks_for = index - 1 if machines == 1 else index  # machine 0 speaks for the second of two classes
        weights, passes = np.zeros((machines, padded.shape[1]), table.dtype), np.zeros(machines, np.int64)
        start = int(generator(self.seed).integers(1, 2**62))
        most_alpha, slack = (_NEVER, 1 / (2 * cost)) if squared else (cost, 0.0)
        over_rows(
            _descend, machines, padded, speaks_for, weights, passes, most_alpha, slack, tolerance, most, start, strip=1
        )
        if (passes > most).any():
            warnings.warn(
                f"LinearSVM.fit: the planes must come to rest; they still move after {most} passes."
                " Scale the samples, lower the cost, or raise iterations.",
                stacklevel=2,
            )
        self.coef_, self.intercept_ = np.ascontiguousarray(weights[:, :-1]), weights[:, -1].copy()
        self.passes_, self.n_features_in_ = np.minimum(passes, most), table.shape[1]
        return self


@kernel(fastmath=True)
def _descend(samples, index, weights, passes, most_alpha, slack, tolerance, most, start, y0, y1):
    """Raise the dual of one class against the rest, one multiplier at a time, until no gradient is left."""
    count = len(samples)
    squares = np.empty(count)
    for i in range(count):
        squares[i] = _dot(samples[i], samples[i])
    for c in range(y0, y1):
        alphas, w, active = np.zeros(count), weights[c], np.arange(count)
        state, left = np.uint64(start + c), count
        high, low = _NEVER, -_NEVER  # gradients beyond which a multiplier at its bound will stay there
        while passes[c] <= most:
            passes[c] += 1
            highest, lowest, k = -_NEVER, _NEVER, 0
            state = _shuffle(active, left, state)
            while k < left:
                i = active[k]
                sign = 1.0 if index[i] == c else -1.0
                slope = sign * np.float64(_dot(samples[i], w)) - 1 + alphas[i] * slack
                at_zero, at_most = alphas[i] == 0, alphas[i] >= most_alpha
                if (at_zero and slope > high) or (at_most and slope < low):
                    left -= 1
                    active[k], active[left] = active[left], i
                    continue
                k += 1
                if (at_zero and slope > 0) or (at_most and slope < 0):
                    slope = 0.0
                highest, lowest = max(highest, slope), min(lowest, slope)
                if abs(slope) > 1e-12:
                    new = min(max(alphas[i] - slope / (squares[i] + slack), 0.0), most_alpha)
                    _add(w, samples[i], samples.dtype.type(sign * (new - alphas[i])))
                    alphas[i] = new
            if highest - lowest <= tolerance:
                if left == count:
                    break
                left, high, low = count, _NEVER, -_NEVER  # what was left aside is looked at once more
            else:
                high = highest if highest > 0 else _NEVER
                low = lowest if lowest < 0 else -_NEVER


@kernel(fastmath=True)
def _dot(a, b):
    total = a[0] * b[0]
    for d in range(1, a.size):
        total += a[d] * b[d]
    return total


@kernel(fastmath=True)
def _add(w, sample, step):
    for d in range(w.size):
        w[d] += sample[d] * step


@kernel
def _shuffle(items, count, state):
    """Put the first items in a random order (Fisher & Yates; xorshift of Marsaglia 2003); return the next state."""
    for k in range(count - 1, 0, -1):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        j = np.int64(state % np.uint64(k + 1))
        items[k], items[j] = items[j], items[k]
    return state


method(task="classification", paper="Hsieh et al. 2008", lesson="w4d6")(LinearSVM)
