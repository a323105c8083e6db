"""Kernels: products of two samples as if they had been carried into a space of more dimensions first.

Boser, Guyon & Vapnik 1992, "A Training Algorithm for Optimal Margin Classifiers", COLT. With x·y for the dot product:
``linear`` x·y; ``poly`` (γ x·y + c)^d; ``rbf`` exp(-γ ‖x - y‖²), whose space has no end of dimensions.
"""

from __future__ import annotations

import numpy as np

from sightline.core.types import Array

KERNELS = ("linear", "poly", "rbf")


class KernelProducts:
    """The products of any samples with those of one table.

    Parameters
    ----------
    table
        N×D float32 or float64; the products have its dtype.
    kernel
        One of :data:`KERNELS`.
    gamma, degree, shift
        γ, d and c of the equations above.
    """

    def __init__(self, table: Array, kernel: str, gamma: float, degree: int, shift: float) -> None:
        kind = table.dtype.type
        self.kernel, self.degree = kernel, degree
        self.gamma, self.shift = kind(gamma), kind(shift)
        # Distances do not change when all samples move; near zero, less is lost in their squares.
        self.middle = table.mean(axis=0, dtype=np.float64).astype(kind) if kernel == "rbf" else None
        self.table = self._moved(table)
        self.squares = np.einsum("ij,ij->i", self.table, self.table)

    def diagonal(self) -> Array:
        """Return the N products of each sample of the table with itself, float64."""
        if self.kernel == "rbf":
            return np.ones(len(self.table))
        squares = self.squares.astype(np.float64)
        return squares if self.kernel == "linear" else (self.gamma * squares + self.shift) ** self.degree

    def of_rows(self, rows: Array, out: Array) -> Array:
        """Write the R×N products of R samples of the table, named by their indices, to float32; return them."""
        found = self._products(self.table[rows], self.squares[rows], out if out.dtype == self.table.dtype else None)
        if found is not out:
            out[...] = found
        return out

    def of(self, samples: Array) -> Array:
        """Return the M×N products of M×D samples of the table's dtype."""
        moved = self._moved(samples)
        return self._products(moved, np.einsum("ij,ij->i", moved, moved), None)

    def _moved(self, samples: Array) -> Array:
        return samples if self.middle is None else samples - self.middle

    def _products(self, samples: Array, squares: Array, out: Array | None) -> Array:
        found = np.matmul(samples, self.table.T, out=out)
        if self.kernel == "poly":
            found *= self.gamma
            found += self.shift
            found **= self.degree
        elif self.kernel == "rbf":  # -γ (|x|² - 2 x·y + |y|²)
            found *= 2
            found -= squares[:, None]
            found -= self.squares
            found *= self.gamma
            np.minimum(found, 0, out=found)
            np.exp(found, out=found)
        return found
