"""Kernels for small systems: null vectors, symmetric equations, least eigenvectors, turns.

Golub & Van Loan 2013, "Matrix Computations", 4th ed.: Gauss-Jordan elimination with complete pivoting, Cholesky,
Jacobi.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel


@kernel
def null_vectors(rows, basis):
    """Fill ``basis`` ((n − m)×n) with vectors that ``rows`` (m×n, spoiled) maps to 0; False when m are not there."""
    m, n = rows.shape
    place, largest = np.empty(n, np.int64), 0.0
    for j in range(n):
        place[j] = j
    for k in range(m):
        best, p, q = 0.0, k, k
        for i in range(k, m):
            for j in range(k, n):
                if abs(rows[i, j]) > best:
                    best, p, q = abs(rows[i, j]), i, j
        largest = max(largest, best)
        if not best > 1e-11 * largest:
            return False
        for j in range(n):
            rows[k, j], rows[p, j] = rows[p, j], rows[k, j]
        for i in range(m):
            rows[i, k], rows[i, q] = rows[i, q], rows[i, k]
        place[k], place[q] = place[q], place[k]
        pivot = 1 / rows[k, k]
        for j in range(k, n):
            rows[k, j] *= pivot
        for i in range(m):
            factor = rows[i, k]
            if i != k and factor != 0:
                for j in range(k, n):
                    rows[i, j] -= factor * rows[k, j]
    for v in range(n - m):
        for j in range(n):
            basis[v, j] = 0
        basis[v, place[m + v]] = 1
        for i in range(m):
            basis[v, place[i]] = -rows[i, m + v]
    for v in range(n - m):  # Gram-Schmidt
        for w in range(v):
            along = 0.0
            for j in range(n):
                along += basis[v, j] * basis[w, j]
            for j in range(n):
                basis[v, j] -= along * basis[w, j]
        size = 0.0
        for j in range(n):
            size += basis[v, j] * basis[v, j]
        size = 1 / np.sqrt(size)
        for j in range(n):
            basis[v, j] *= size
    return True


@kernel
def solve_symmetric(square, right):
    """Replace ``right`` by the solution of a symmetric positive system (Cholesky); False when it is singular."""
    if not factorise(square):
        return False
    substitute(square, right)
    return True


@kernel
def factorise(square):
    """Replace the lower half of a symmetric positive matrix by its Cholesky factor; False when it is singular."""
    n = square.shape[0]
    for j in range(n):
        pivot = square[j, j]
        whole = pivot
        for k in range(j):
            pivot -= square[j, k] * square[j, k]
        if not pivot > 1e-13 * whole:
            return False
        root = np.sqrt(pivot)
        square[j, j] = root
        for i in range(j + 1, n):
            total = square[i, j]
            for k in range(j):
                total -= square[i, k] * square[j, k]
            square[i, j] = total / root
    return True


@kernel
def substitute(square, right):
    """Replace ``right`` by the solution of the system whose factor this is."""
    n = square.shape[0]
    for i in range(n):
        for k in range(i):
            right[i] -= square[i, k] * right[k]
        right[i] /= square[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            right[i] -= square[k, i] * right[k]
        right[i] /= square[i, i]


@kernel(fastmath=True)
def fill_products(rows, square):
    """Fill the lower half of ``square`` (m×m) with the inner products of the rows of an m×n array."""
    for i in range(rows.shape[0]):
        for j in range(i + 1):
            total, a, b = 0.0, rows[i], rows[j]
            for k in range(a.size):
                total += a[k] * b[k]
            square[i, j] = total


@kernel
def fill_turn(x, y, z, turn):
    """Fill 3×3 ``turn`` with the rotation by a vector: its axis, times the angle."""
    square = x * x + y * y + z * z
    angle = np.sqrt(square)
    a, b = 1 - square / 6, 0.5 - square / 24  # the first terms of both series
    if angle > 1e-4:
        a, b = np.sin(angle) / angle, 2 * (np.sin(angle / 2) / angle) ** 2
    turn[0, 0], turn[0, 1], turn[0, 2] = 1 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y
    turn[1, 0], turn[1, 1], turn[1, 2] = b * x * y + a * z, 1 - b * (x * x + z * z), b * y * z - a * x
    turn[2, 0], turn[2, 1], turn[2, 2] = b * x * z - a * y, b * y * z + a * x, 1 - b * (x * x + y * y)


@kernel
def least_eigenvector(square, vectors):
    """Return which column of ``vectors`` belongs to the least eigenvalue of a symmetric matrix (spoiled): Jacobi."""
    n = square.shape[0]
    for i in range(n):
        for j in range(n):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(30):
        off, diagonal = 0.0, 0.0
        for i in range(n):
            diagonal += square[i, i] * square[i, i]
            for j in range(i):
                off += square[i, j] * square[i, j]
        if not off > 1e-32 * diagonal:
            break
        for p in range(n - 1):
            for q in range(p + 1, n):
                if square[p, q] == 0:
                    continue
                theta = (square[q, q] - square[p, p]) / (2 * square[p, q])
                t = (1.0 if theta >= 0 else -1.0) / (abs(theta) + np.sqrt(theta * theta + 1))
                c = 1 / np.sqrt(t * t + 1)
                s = t * c
                for k in range(n):
                    u, v = square[k, p], square[k, q]
                    square[k, p], square[k, q] = c * u - s * v, s * u + c * v
                for k in range(n):
                    u, v = square[p, k], square[q, k]
                    square[p, k], square[q, k] = c * u - s * v, s * u + c * v
                for k in range(n):
                    u, v = vectors[k, p], vectors[k, q]
                    vectors[k, p], vectors[k, q] = c * u - s * v, s * u + c * v
    least = 0
    for k in range(1, n):
        if square[k, k] < square[least, least]:
            least = k
    return least
