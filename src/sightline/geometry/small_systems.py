"""Kernels for small systems: null vectors, roots of polynomials, symmetric equations, least eigenvectors, turns.

Golub & Van Loan 2013, "Matrix Computations", 4th ed.: Gauss-Jordan elimination with complete pivoting, Cholesky,
Jacobi. Roots are enclosed by those of the derivative, and found by Newton's steps that never leave their bracket.
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
def real_roots(coefficients, degree, roots):
    """Fill ``roots`` with the real roots of Σ c[k] x^k, k ≤ degree, in rising order; return how many there are.

    Those beyond ±1 are sought as their inverses, so that no search begins far away.
    """
    top = 0.0
    for k in range(degree + 1):
        top = max(top, abs(coefficients[k]))
    while degree > 0 and abs(coefficients[degree]) <= 1e-14 * top:
        degree -= 1
    if degree == 0:
        return 0
    inner, outer = np.empty(degree + 1), np.empty(degree + 1)
    table = np.empty((degree + 1, degree + 1))
    for k in range(degree + 1):
        table[0, k] = coefficients[k]
    inside = _roots_within_one(table, inner)
    for k in range(degree + 1):
        table[0, k] = coefficients[degree - k]
    outside, count = _roots_within_one(table, outer), 0
    for i in range(outside - 1, -1, -1):
        if -1 < outer[i] < 0:
            roots[count] = 1 / outer[i]
            count += 1
    for i in range(inside):
        roots[count] = inner[i]
        count += 1
    for i in range(outside - 1, -1, -1):
        if 0 < outer[i] < 1:
            roots[count] = 1 / outer[i]
            count += 1
    return count


@kernel
def _roots_within_one(table, roots):
    """Fill the roots in [-1, 1] of the polynomial in the first row; the other rows are for its derivatives."""
    degree = table.shape[0] - 1
    for order in range(1, degree):
        for k in range(degree - order + 1):
            table[order, k] = table[order - 1, k + 1] * (k + 1)
    between, count = np.empty(degree + 1), 0
    for order in range(degree - 1, -1, -1):  # of derivatives, the straight one first
        new, low = 0, -1.0
        for i in range(count + 1):
            high = between[i] if i < count else 1.0
            found, x = _root_between(table[order], degree - order, low, high, 1e-15 if order == 0 else 1e-10)
            if found:
                roots[new] = x
                new += 1
            low = high
        count = new
        for i in range(count):
            between[i] = roots[i]
    return count


@kernel
def _root_between(c, degree, low, high, near):
    """Return whether a monotonous stretch holds a root, and the root."""
    below, above = c[degree], c[degree]
    for k in range(degree - 1, -1, -1):
        below, above = below * low + c[k], above * high + c[k]
    if below == 0:
        return True, low
    if (below < 0) == (above < 0) and above != 0:
        return False, 0.0
    x = 0.5 * (low + high)
    for _ in range(200):
        value, slope = c[degree], 0.0
        for k in range(degree - 1, -1, -1):
            slope = slope * x + value
            value = value * x + c[k]
        if value == 0:
            break
        if (value < 0) == (below < 0):
            low = x
        else:
            high = x
        step = x - value / slope if slope != 0 else low
        old = x
        x = step if low < step < high else 0.5 * (low + high)
        if abs(x - old) <= near * abs(x) + 1e-300:
            break
    return True, x


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
