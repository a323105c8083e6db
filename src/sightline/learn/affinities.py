"""How likely one sample would take another for its neighbour: the probabilities that t-SNE keeps.

van der Maaten & Hinton 2008, "Visualizing Data using t-SNE", JMLR 9, section 2: around each sample stands a Gaussian
pⱼ|ᵢ ∝ exp(-βᵢ ‖xᵢ - xⱼ‖²), as narrow as it takes to have the perplexity, exp(-Σⱼ pⱼ|ᵢ log pⱼ|ᵢ), that was asked for.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.learn.lloyd import row_squares
from sightline.learn.nearest_rows import NearestRows

_TURNS, _NEAR = 100, 1e-5  # bisections at most, and how near the logarithm of the perplexity must come
_LEAST = np.finfo(np.float64).eps


def dense_affinities(table: Array, perplexity: float) -> Array:
    """Return the N×N float64 probabilities pᵢⱼ = (pⱼ|ᵢ + pᵢ|ⱼ) / 2N of all pairs, 0 on the diagonal."""
    centred = (table - table.mean(axis=0)).astype(np.float64)
    squares = row_squares(centred)
    apart = np.maximum(squares[:, None] - 2 * (centred @ centred.T) + squares, 0)
    np.fill_diagonal(apart, np.inf)
    shares = conditional(apart, perplexity)
    both = shares + shares.T
    both = np.maximum(both / max(both.sum(), _LEAST), _LEAST)
    np.fill_diagonal(both, 0)
    return both


def sparse_affinities(table: Array, perplexity: float) -> csr_matrix:
    """Return the N×N probabilities of pairs of which one is among the other's 3·perplexity + 1 nearest."""
    count = len(table)
    k = min(count - 1, int(3 * perplexity + 1))
    places, distances = NearestRows(table).nearest(table, k + 1)
    itself = places == np.arange(count)[:, None]
    itself[~itself.any(axis=1), -1] = True  # among many equal ones it may not be met: then the last one goes
    places, distances = places[~itself].reshape(count, k), distances[~itself].reshape(count, k)
    shares = conditional(distances**2, perplexity)
    one = csr_matrix((shares.ravel(), places.ravel(), np.arange(0, count * k + 1, k)), (count, count))
    both = one + one.T
    both.sort_indices()
    both.data /= max(both.sum(), _LEAST)
    return both


def conditional(apart: Array, perplexity: float) -> Array:
    """Return pⱼ|ᵢ for N×M squared distances, each row of the perplexity; infinite ones have none."""
    shares = np.empty(apart.shape)
    over_rows(_bisect, len(apart), np.ascontiguousarray(apart, np.float64), np.log(perplexity), shares, strip=64)
    return shares


@kernel
def _bisect(apart, wanted, shares, y0, y1):
    """Find β of each row: the entropy log Σ e^(-βd) + β Σ d p falls when β grows."""
    for y in range(y0, y1):
        row, here = apart[y], shares[y]
        beta, low, high = 1.0, -np.inf, np.inf
        for _ in range(_TURNS):
            total, mean = 0.0, 0.0
            for j in range(row.size):
                here[j] = np.exp(-row[j] * beta)
                total += here[j]
                mean += here[j] * (row[j] if here[j] > 0 else 0.0)
            total = total if total > 0 else 1e-8
            entropy = np.log(total) + beta * mean / total
            for j in range(row.size):
                here[j] /= total
            if abs(entropy - wanted) <= _NEAR:
                break
            if entropy > wanted:
                low = beta
                beta = beta * 2 if high == np.inf else (beta + high) / 2
            else:
                high = beta
                beta = beta / 2 if low == -np.inf else (beta + low) / 2
