"""Multinomial logistic regression: a score for each class, linear in the sample, made into probabilities.

Cox 1958, "The Regression Analysis of Binary Sequences", Journal of the Royal Statistical Society B 20(2), for two
classes; Böhning 1992, "Multinomial Logistic Regression Algorithm", Annals of the Institute of Statistical Mathematics
44(1), for more. The weights are found by L-BFGS, as Malouf 2002, "A Comparison of Algorithms for Maximum Entropy
Parameter Estimation", CoNLL, advises.

With scores s = X W + b, probabilities P = softmax(s) and Y the N×C matrix that has a 1 at each sample's class,

    L = -(1/N) Σ log P_{i y_i} + ‖W‖² / (2 C N),    ∂L/∂W = Xᵀ (P - Y) / N + W / (C N),    ∂L/∂b = Σ_i (P - Y)_i / N.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.layers import Curve, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.learn.decision_picture import decision_picture
from sightline.learn.estimator import as_table, as_targets
from sightline.learn.linear_classifier import LinearClassifier, probabilities
from sightline.learn.newton import lbfgs


class SoftmaxClassifier(LinearClassifier):
    """Softmax classifier (logistic regression): probabilities of classes from scores that are linear in the sample.

    Parameters
    ----------
    cost
        C, > 0: what the errors count beside the lengths of the weights; the greater, the longer these may be.
    tolerance
        > 0: the greatest slope of L at which the descent ends.
    iterations
        Steps after which it ends with a warning, ≥ 1.

    Attributes
    ----------
    classes_
        C labels, sorted.
    coef_, intercept_
        C×D weights and C offsets, 1×D and 1 for two classes, which speak for the second one.
    losses_
        L at the start and after each step.

    References
    ----------
    D. Böhning, "Multinomial Logistic Regression Algorithm", Annals of the Institute of Statistical Mathematics
    44, 1992.

    Examples
    --------
    >>> softmax = SoftmaxClassifier(cost=100).fit([[0.0], [1.0], [3.0], [4.0]], ["low", "low", "high", "high"])
    >>> softmax.predict([[1.5], [2.5]]).tolist()
    ['low', 'high']
    """

    losses_: Array

    def __init__(self, cost: float = 1.0, *, tolerance: float = 1e-5, iterations: int = 1000) -> None:
        self.cost = cost
        self.tolerance = tolerance
        self.iterations = iterations

    def fit(self, samples: Any, y: Any) -> SoftmaxClassifier:
        """Find the weights; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers; float32 is faster and less exact.
        y
            N whole numbers or words, of two classes at least.
        """
        return self._fit(samples, y, lambda: None)

    def _fit(self, samples: Any, y: Any, seen: Callable[[], None]) -> SoftmaxClassifier:
        table = as_table("SoftmaxClassifier.fit", samples)
        self.classes_, index = as_targets("SoftmaxClassifier.fit", y, len(table))
        cost = number("SoftmaxClassifier", "cost", self.cost, 0, above=0)
        tolerance = number("SoftmaxClassifier", "tolerance", self.tolerance, 0, above=0)
        most = integer("SoftmaxClassifier", "iterations", self.iterations, 1)
        shape = self._rows(), table.shape[1] + 1  # the last column is b
        self.n_features_in_ = table.shape[1]
        losses: list[float] = []

        def note(weights: Array, loss: float) -> None:
            self._keep(weights.reshape(shape), table.dtype)
            losses.append(loss)
            seen()

        def loss_and_slope(weights: Array) -> tuple[float, Array]:
            return _loss_and_slope(weights.reshape(shape), table, index, cost)

        start = np.zeros(shape[0] * shape[1])
        found = lbfgs(loss_and_slope, start, steps=most, tolerance=tolerance, progress=note)
        if found.steps >= most and not found.found:
            warnings.warn(
                f"SoftmaxClassifier.fit: the loss must become flat; its slope is {np.abs(found.slope).max():.2g} after"
                f" {most} steps. Scale the samples, lower the cost, or raise iterations.",
                stacklevel=3,
            )
        self._keep(found.point.reshape(shape), table.dtype)
        self.losses_ = np.array(losses)
        return self

    def predict_proba(self, samples: Any) -> Array:
        """Return the N×C probabilities of the classes of N×D samples."""
        return probabilities(self.decision_function(samples))

    def _rows(self) -> int:
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _keep(self, weights: Array, kind: Any) -> None:
        self.coef_, self.intercept_ = weights[:, :-1].astype(kind), weights[:, -1].astype(kind)


def _loss_and_slope(weights: Array, table: Array, index: Array, cost: float) -> tuple[float, Array]:
    """Return L and its derivatives by R×(D + 1) weights, flat; see the equations above."""
    count = len(table)
    w = weights[:, :-1]
    scores = (table @ w.T.astype(table.dtype)).astype(np.float64) + weights[:, -1]
    likely = probabilities(scores[:, 0] if len(weights) == 1 else scores)
    rows = np.arange(count)
    with np.errstate(divide="ignore"):
        loss = -np.log(likely[rows, index]).mean() + (w * w).sum() / (2 * cost * count)
    likely[rows, index] -= 1
    errors = likely[:, -len(weights) :] / count  # of two classes, the second alone has a score
    slope = np.empty_like(weights)
    slope[:, :-1] = errors.T.astype(table.dtype) @ table + w / (cost * count)
    slope[:, -1] = errors.sum(axis=0)
    return float(loss), slope.ravel()


_listed = method(task="classification", paper="Böhning 1992", lesson="w4d6")(SoftmaxClassifier)


@_listed.steps
def _steps(softmax: SoftmaxClassifier, samples: Any, y: Any) -> Iterator[Step]:
    table = as_table("SoftmaxClassifier.fit", samples, columns=2)
    pictures: list[Array] = []
    softmax._fit(table, y, lambda: pictures.append(decision_picture(softmax, table, y)))
    for k in sorted({0, *(2**p for p in range(20) if 2**p < len(pictures)), len(pictures) - 1}):
        yield Step(f"step {k}", Picture(pictures[k]), note=f"The loss is {softmax.losses_[k]:.3g}.")
    losses = np.column_stack([np.arange(len(pictures)), softmax.losses_])
    yield Step("loss", Curve(losses, ("step", "loss")), note="What L-BFGS makes small.")
    yield Step("classes", Value(softmax.predict(table)), Picture(decision_picture(softmax, table, y)))
