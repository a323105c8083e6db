"""Support vector machines with kernels: the widest street between two classes, in a space that is never entered.

Boser, Guyon & Vapnik 1992, "A Training Algorithm for Optimal Margin Classifiers", COLT; Cortes & Vapnik 1995,
"Support-Vector Networks", Machine Learning 20, for streets that some samples may stand in. More than two classes are
told apart by a machine for each two of them (Knerr, Personnaz & Dreyfus 1990), which vote.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array
from sightline.learn.decision_picture import decision_picture
from sightline.learn.estimator import as_seen, as_table, as_targets
from sightline.learn.kernel_products import KERNELS, KernelProducts
from sightline.learn.linear_classifier import DecisionClassifier
from sightline.learn.smo import Machine, PairwiseDescent

_BLOCK = 1 << 24  # bytes of products that are made at once when asked
_MEGABYTE = 1 << 20


class KernelSVM(DecisionClassifier):
    """Support vector machine: classes are divided by a surface as far as possible from the samples next to it.

    For two classes it decides by Σ_s α_s y_s K(x_s, x) + b over the support vectors x_s, where w = Σ α_s y_s φ(x_s)
    minimises ½ ‖w‖² + C Σ max(0, 1 - y (w·φ(x) + b)).

    Parameters
    ----------
    kernel
        ``"rbf"`` exp(-γ ‖x - y‖²), ``"poly"`` (γ x·y + shift)^degree, or ``"linear"`` x·y.
    cost
        C, > 0: what a sample in the street or beyond it costs, for each unit that it is too far.
    gamma
        γ > 0; ``"scale"`` is 1 / (D · variance of all numbers).
    degree
        Of ``poly``, 1–20.
    shift
        Of ``poly``.
    tolerance
        > 0: how much the conditions of the optimum may be violated.
    memory
        Megabytes for products that are kept while it learns, ≥ 1.
    iterations
        Steps for two classes after which it gives up with a warning, ≥ 1.

    Attributes
    ----------
    classes_
        C labels, sorted.
    support_, support_vectors_
        S indices of the samples on which a machine stands, and those samples, S×D.
    dual_coef_
        P×S: α y of each support vector in each of the P = C (C - 1) / 2 machines, in the order (0, 1), (0, 2), …,
        (1, 2), …; positive is the second class of the two.
    intercept_
        P offsets b.
    steps_
        P counts of steps taken.

    References
    ----------
    C. Cortes, V. Vapnik, "Support-Vector Networks", Machine Learning 20, 1995.
    R.-E. Fan, P.-H. Chen, C.-J. Lin, "Working Set Selection Using Second Order Information for Training Support Vector
    Machines", Journal of Machine Learning Research 6, 2005.

    Examples
    --------
    >>> ring = [[0, 0], [0.2, 0.1], [1, 0], [0, 1], [-1, 0], [0, -1]]
    >>> svm = KernelSVM(cost=10, gamma=1.0).fit(ring, ["in", "in", "out", "out", "out", "out"])
    >>> svm.predict([[0.1, 0], [0.8, 0.8]]).tolist()
    ['in', 'out']
    """

    support_: Array
    support_vectors_: Array
    dual_coef_: Array
    intercept_: Array
    steps_: Array

    def __init__(
        self,
        kernel: str = "rbf",
        *,
        cost: float = 1.0,
        gamma: float | str = "scale",
        degree: int = 3,
        shift: float = 0.0,
        tolerance: float = 1e-3,
        memory: float = 400,
        iterations: int = 10_000_000,
    ) -> None:
        self.kernel = kernel
        self.cost = cost
        self.gamma = gamma
        self.degree = degree
        self.shift = shift
        self.tolerance = tolerance
        self.memory = memory
        self.iterations = iterations

    def fit(self, samples: Any, y: Any) -> KernelSVM:
        """Find the support vectors; return the estimator itself.

        Parameters
        ----------
        samples
            N×D numbers; float32 is faster and less exact.
        y
            N whole numbers or words, of two classes at least.
        """
        table = as_table("KernelSVM.fit", samples)
        self.classes_, index = as_targets("KernelSVM.fit", y, len(table))
        pairs = list(combinations(range(len(self.classes_)), 2))
        coefficients = np.zeros((len(pairs), len(table)), table.dtype)
        machines, gamma = [], self._gamma_of(table)
        for p, (a, b) in enumerate(pairs):
            rows = np.flatnonzero((index == a) | (index == b))
            signs = np.where(index[rows] == b, 1.0, -1.0)
            descent = self._descent(table[rows], signs, gamma)
            closed = descent.run(self.iterations)
            machines.append(descent.state())
            coefficients[p, rows] = machines[-1].alphas * signs
            if not closed:
                warnings.warn(
                    f"KernelSVM.fit: the gap must close; {machines[-1].gap:.2g} is left after {self.iterations} steps."
                    " Scale the samples, lower the cost, or raise iterations.",
                    stacklevel=2,
                )
        self._keep(table, coefficients, machines)
        return self

    def decision_function(self, samples: Any) -> Array:
        """Return N×C scores of N×D samples, the votes for each class, and of equal votes by how sure they are.

        For two classes it is N distances from the middle of the street, in half widths, above 0 for the second class.
        """
        values = self.pairwise(as_seen(self, "decision_function", samples))
        if len(self.classes_) == 2:
            return values[:, 0]
        votes, sure = np.zeros((2, len(values), len(self.classes_)))
        for (a, b), value in zip(combinations(range(len(self.classes_)), 2), values.T, strict=True):
            votes[np.arange(len(values)), np.where(value > 0, b, a)] += 1
            sure[:, a] -= value
            sure[:, b] += value
        return votes + sure / (3 * (np.abs(sure) + 1))  # never as much as half a vote

    def pairwise(self, samples: Any) -> Array:
        """Return the N×P decisions of the machines on N×D samples; see ``dual_coef_`` for their order."""
        table = as_seen(self, "pairwise", samples).astype(self.support_vectors_.dtype, copy=False)
        products = KernelProducts(self.support_vectors_, *self._kernel)
        height = max(1, _BLOCK // self.support_vectors_[:, 0].nbytes)
        parts = [products.of(table[y : y + height]) @ self.dual_coef_.T for y in range(0, len(table), height)]
        return np.concatenate(parts) + self.intercept_

    def _descent(self, table: Array, signs: Array, gamma: float) -> PairwiseDescent:
        """Return the descent that divides a table by its signs, before its first step."""
        choice("KernelSVM", "kernel", self.kernel, KERNELS)
        degree = integer("KernelSVM", "degree", self.degree, 1, 20)
        shift = number("KernelSVM", "shift", self.shift, -1e6, 1e6)
        integer("KernelSVM", "iterations", self.iterations, 1)
        cost = number("KernelSVM", "cost", self.cost, 0, above=0)
        tolerance = number("KernelSVM", "tolerance", self.tolerance, 0, above=0)
        memory = int(number("KernelSVM", "memory", self.memory, 1) * _MEGABYTE)
        self._kernel = self.kernel, gamma, degree, shift
        return PairwiseDescent(KernelProducts(table, *self._kernel), signs, cost, tolerance, memory)

    def _keep(self, table: Array, coefficients: Array, machines: list[Machine]) -> None:
        """Keep the samples on which a machine stands, P×N coefficients being 0 for the others."""
        self.support_ = np.flatnonzero(coefficients.any(axis=0))
        self.support_vectors_ = table[self.support_]
        self.dual_coef_ = np.ascontiguousarray(coefficients[:, self.support_])
        self.intercept_ = np.array([machine.offset for machine in machines], table.dtype)
        self.steps_ = np.array([machine.steps for machine in machines])
        self.n_features_in_ = table.shape[1]

    def _gamma_of(self, table: Array) -> float:
        if isinstance(self.gamma, str):
            choice("KernelSVM", "gamma", self.gamma, ("scale",))
            variance = float(table.var(dtype=np.float64))
            return 1 / (table.shape[1] * variance) if variance > 0 else 1.0
        return number("KernelSVM", "gamma", self.gamma, 0, above=0)


_listed = method(task="classification", paper="Cortes & Vapnik 1995", lesson="w4d6")(KernelSVM)


@_listed.steps
def _steps(svm: KernelSVM, samples: Any, y: Any) -> Iterator[Step]:
    table = as_table("KernelSVM.fit", samples, columns=2)
    svm.classes_, index = as_targets("KernelSVM.fit", y, len(table))
    if len(svm.classes_) > 2:
        raise InputError(f"KernelSVM: y must be of two classes to be watched; got {len(svm.classes_)}.")
    signs = np.where(index == 1, 1.0, -1.0)
    descent = svm._descent(table, signs, svm._gamma_of(table))
    done, count = False, 1
    gaps: list[tuple[int, float]] = []
    pictures: list[Array] = []
    while not done:
        done = descent.run(count)
        machine = descent.state()
        svm._keep(table, (machine.alphas * signs)[None], [machine])
        gaps.append((machine.steps, machine.gap))
        pictures.append(decision_picture(svm, table, y, marked=svm.support_, levels=(-1, 0, 1)))
        held = f"{len(svm.support_)} samples hold the street; a gap of {machine.gap:.2g} is left."
        yield Step(f"{machine.steps} pairs", Picture(pictures[-1]), note=held)
        count *= 2
    yield Step("gap", Curve(np.array(gaps, np.float64), ("pairs", "gap")), note="It is closed when no pair helps.")
    yield Step("classes", Value(svm.predict(table)), Picture(pictures[-1]), note="The street at its widest.")
