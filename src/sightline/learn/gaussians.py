"""K weighted Gaussians: their densities at samples, and what samples make of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import solve_triangular

from sightline.core.errors import InputError
from sightline.core.types import Array

COVARIANCES = ("full", "tied", "diag", "spherical")


@dataclass(frozen=True, eq=False)
class Gaussians:
    """K weighted Gaussians in D dimensions.

    Parameters
    ----------
    weights, means
        K and K×D.
    covariances
        K×D×D (``full``), D×D (``tied``), K×D (``diag``) or K (``spherical``).
    kind
        Which of these.
    """

    weights: Array
    means: Array
    covariances: Array
    kind: str

    @classmethod
    def of(cls, table: Array, shares: Array, kind: str, room: float) -> Gaussians:
        """Return the Gaussians of N×D samples that belong to each by N×K ``shares``; ``room`` is added to variances."""
        counts = shares.sum(axis=0) + 10 * np.finfo(np.float64).eps
        means = shares.T @ table / counts[:, None]
        width = table.shape[1]
        if kind == "full":
            covariances = np.empty((len(means), width, width))
            for k, mean in enumerate(means):
                apart = table - mean
                covariances[k] = (shares[:, k] * apart.T) @ apart / counts[k]
            covariances += room * np.eye(width)
        elif kind == "tied":
            covariances = (table.T @ table - (counts * means.T) @ means) / counts.sum() + room * np.eye(width)
        else:
            covariances = shares.T @ table**2 / counts[:, None] - means**2 + room
            covariances = covariances.mean(axis=1) if kind == "spherical" else covariances
        return cls(counts / counts.sum(), means, covariances, kind)

    @cached_property
    def roots(self) -> Array:
        """P with P Pᵀ = Σ⁻¹, in the shape of the covariances."""
        if self.kind in ("diag", "spherical"):
            if (self.covariances <= 0).any():
                raise _flat()
            return 1 / np.sqrt(self.covariances)
        try:
            lower = np.linalg.cholesky(self.covariances)
        except np.linalg.LinAlgError as error:
            raise _flat() from error
        one = np.eye(lower.shape[-1])
        each = [np.asarray(solve_triangular(part, one, lower=True)).T for part in lower.reshape(-1, *one.shape)]
        return np.stack(each).reshape(lower.shape)

    def scores(self, table: Array) -> Array:
        """Return log πₖ + log N(xₙ | μₖ, Σₖ) of N×D samples, N×K."""
        width, roots = self.means.shape[1], self.roots
        squares = np.empty((len(table), len(self.means)))
        for k, mean in enumerate(self.means):
            if self.kind in ("full", "tied"):
                apart = (table - mean) @ (roots[k] if self.kind == "full" else roots)
            else:
                apart = (table - mean) * roots[k]
            squares[:, k] = np.einsum("ij,ij->i", apart, apart)
        return np.log(self.weights) - 0.5 * (width * np.log(2 * np.pi) + squares) + self._log_root()

    def _log_root(self) -> Array:
        """Return half the logarithm of det Σ⁻¹, one number or K."""
        if self.kind == "spherical":
            return self.means.shape[1] * np.log(self.roots)
        if self.kind == "diag":
            return np.log(self.roots).sum(axis=1)
        return np.log(np.diagonal(self.roots, axis1=-2, axis2=-1)).sum(axis=-1)

    def matrices(self) -> Array:
        """Return the covariances as K×D×D."""
        (k, width), one = self.means.shape, np.eye(self.means.shape[1])
        if self.kind == "full":
            return self.covariances
        if self.kind == "tied":
            return np.broadcast_to(self.covariances, (k, width, width))
        return self.covariances.reshape(k, -1, 1) * one

    def freedom(self) -> int:
        """Return how many numbers are free to be fitted."""
        k, width = self.means.shape
        square = width * (width + 1) // 2
        of_covariances = {"full": k * square, "tied": square, "diag": k * width, "spherical": k}[self.kind]
        return k - 1 + k * width + of_covariances


def _flat() -> InputError:
    return InputError(
        "GaussianMixture: samples must spread in every direction within a cluster; a covariance has no inverse."
        " Take fewer clusters, or a greater reg_covar."
    )
