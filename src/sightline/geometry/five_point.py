"""Five pairs of rays give up to ten essential matrices.

Nistér 2004, "An Efficient Solution to the Five-Point Relative Pose Problem", IEEE PAMI 26(6), sections 3.1 and 3.2: the
null space of the five equations, the ten cubic conditions in x, y, z, elimination, and a polynomial of degree ten in z.
"""

from __future__ import annotations

import itertools

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.geometry.real_roots import real_roots
from sightline.geometry.small_systems import null_vectors

Powers = tuple[int, int, int]

# Powers of (x, y, z) of the cubic monomials, in the order of the paper's elimination.
_CUBIC = [(3, 0, 0), (0, 3, 0), (2, 1, 0), (1, 2, 0), (2, 0, 1), (2, 0, 0), (0, 2, 1), (0, 2, 0), (1, 1, 1), (1, 1, 0)]
_CUBIC += [(1, 0, 2), (1, 0, 1), (1, 0, 0), (0, 1, 2), (0, 1, 1), (0, 1, 0), (0, 0, 3), (0, 0, 2), (0, 0, 1), (0, 0, 0)]
_WANTED = 4  # the first of the ten conditions that the polynomials are made of
_LINEAR = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 0, 0)]


def _times(p: Powers, q: Powers) -> Powers:
    return p[0] + q[0], p[1] + q[1], p[2] + q[2]


_SQUARE = sorted({_times(p, q) for p, q in itertools.product(_LINEAR, repeat=2)})
# Where the product of two monomials stands. Without a sign, no number counts from the end.
_TO_SQUARE = np.array([[_SQUARE.index(_times(p, q)) for q in _LINEAR] for p in _LINEAR], np.uint64)
_TO_CUBIC = np.array([[_CUBIC.index(_times(p, q)) for p in _SQUARE] for q in _LINEAR], np.uint64)
_TURNS = [(i, (i + 1) % 3, (i + 2) % 3) for i in range(3)]
# Quadratics: products of two numbers of E, their sign, and to which of E Eᵀ (on and above its diagonal) and three
# minors they are added. Cubics: which quadratic is multiplied with which number of E, and for which condition.
_QUADRATICS = [(3 * i + k, 3 * j + k, 1, 3 * i + j) for i in range(3) for j in range(i, 3) for k in range(3)]
_QUADRATICS += [(3 + j, 6 + k, 1, 9 + i) for i, j, k in _TURNS] + [(3 + k, 6 + j, -1, 9 + i) for i, j, k in _TURNS]
_CUBICS = [(3 * min(i, k) + max(i, k), 3 * k + j, 3 * i + j) for k in range(3) for i in range(3) for j in range(3)]
_CUBICS += [(9 + i, i, 9) for i in range(3)]
_TABLES = np.array(_QUADRATICS), np.array(_CUBICS), _TO_SQUARE, _TO_CUBIC


def solve_five(rows: Array, picks: Array, out: Array) -> None:
    """Fill ``out`` (B×10×9, of NaN) with the essential matrices of five pairs of rays each."""
    _solve_five(rows, picks, *_TABLES, out)


# The sizes of all loops are those of arrays: LLVM would unroll constant ones, into minutes of compiling.


@kernel
def _solve_five(rows, picks, quadratics, cubics, to_square, to_cubic, out):
    system, basis = np.empty((5, 9)), np.empty((4, 9))
    conditions, squares, roots = np.empty((10, 20)), np.empty((12, 10)), np.empty(12)
    b, poly = np.empty((3, 3, 5)), np.empty(11)
    for s in range(picks.shape[0]):
        for k in range(picks.shape[1]):
            fill_equation(rows[picks[s, k]], system[k])
        if not null_vectors(system, basis):
            continue
        _add_squares(basis, quadratics, to_square, squares)
        _add_cubics(basis, cubics, to_cubic, squares, conditions)
        if not _eliminate(conditions):
            continue
        _fill_polynomials(conditions, b)
        _determinant(b, poly)
        count = real_roots(poly, poly.size - 1, roots)
        for r in range(count):
            x, y = _back(b, roots[r])
            for k in range(basis.shape[1]):
                out[s, r, k] = x * basis[0, k] + y * basis[1, k] + roots[r] * basis[2, k] + basis[3, k]


@kernel
def fill_equation(pair, row):
    """Fill the nine products of a pair (x, y, x', y') that its epipolar equation is made of."""
    x, y, u, v = pair[0], pair[1], pair[2], pair[3]
    row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8] = u * x, u * y, u, v * x, v * y, v, x, y, 1.0


@kernel
def _add_squares(basis, quadratics, to_square, squares):
    """Fill E Eᵀ − ½ trace(E Eᵀ) and three minors for E = x·X + y·Y + z·Z + W: ten coefficients each."""
    squares[:] = 0
    for product in range(quadratics.shape[0]):
        i, j, row = quadratics[product, 0], quadratics[product, 1], quadratics[product, 3]
        for p in range(to_square.shape[0]):
            weight = quadratics[product, 2] * basis[p, i]
            for q in range(to_square.shape[1]):
                squares[row, to_square[p, q]] += weight * basis[q, j]
    for p in range(squares.shape[1]):
        half = 0.5 * (squares[0, p] + squares[4, p] + squares[8, p])
        squares[0, p] -= half
        squares[4, p] -= half
        squares[8, p] -= half


@kernel
def _add_cubics(basis, cubics, to_cubic, squares, conditions):
    """Fill ten rows: E Eᵀ E − ½ trace(E Eᵀ) E = 0, and det E = 0."""
    conditions[:] = 0
    for product in range(cubics.shape[0]):
        square, j, row = cubics[product, 0], cubics[product, 1], cubics[product, 2]
        for q in range(to_cubic.shape[0]):
            for p in range(to_cubic.shape[1]):  # no two of which go to the same place
                conditions[row, to_cubic[q, p]] += squares[square, p] * basis[q, j]


@kernel
def _eliminate(rows):
    """Make the first ten columns of 10×20 the identity, as far as rows 4 to 9 go; False when singular.

    Gaussian elimination with partial pivoting.
    """
    n, m = rows.shape
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(rows[i, k]) > abs(rows[best, k]):
                best = i
        if not abs(rows[best, k]) > 1e-14:
            return False
        for j in range(k, m):
            rows[k, j], rows[best, j] = rows[best, j], rows[k, j]
        pivot = 1 / rows[k, k]
        for j in range(k, m):
            rows[k, j] *= pivot
        for i in range(min(k + 1, _WANTED), n):
            if i != k:
                factor = rows[i, k]
                for j in range(k, m):
                    rows[i, j] -= factor * rows[k, j]
    return True


@kernel
def _fill_polynomials(conditions, b):
    """Fill the 3×3 polynomials in z: rows e − z f, g − z h, i − z j of the paper; columns for x, y and 1."""
    for r in range(b.shape[0]):
        e, f = _WANTED + 2 * r, _WANTED + 1 + 2 * r
        for c in range(b.shape[1]):
            at, top = 10 + 3 * c, 2 if c < 2 else 3
            for p in range(b.shape[2]):
                b[r, c, p] = conditions[e, at + top - p] if p <= top else 0.0
                b[r, c, p] -= conditions[f, at + top + 1 - p] if 0 < p <= top + 1 else 0.0


@kernel
def _determinant(b, poly):
    """Fill the eleven coefficients of the determinant of 3×3 polynomials, expanded along the third column."""
    side, size = b.shape[0], b.shape[2]
    minor = np.empty(2 * size - 1)
    for p in range(poly.size):
        poly[p] = 0
    for r in range(side):
        i, j = r + 1 if r + 1 < side else 0, r - 1 if r > 0 else side - 1
        for p in range(minor.size):
            minor[p] = 0
        for p in range(size - 1):
            for q in range(size - 1):
                minor[p + q] += b[i, 0, p] * b[j, 1, q] - b[j, 0, p] * b[i, 1, q]
        for p in range(2 * size - 3):
            for q in range(size):
                poly[p + q] += minor[p] * b[r, 2, q]


@kernel
def _back(b, z):
    """Return x and y for a root: the null vector of the matrix at z, from its two rows that are farthest apart."""
    side = b.shape[0]
    m = np.empty((side, side))
    for i in range(side):
        for j in range(side):
            value = 0.0
            for p in range(b.shape[2] - 1, -1, -1):
                value = value * z + b[i, j, p]
            m[i, j] = value
    x, y, largest = np.nan, np.nan, 0.0
    for r in range(side):
        i, j = r + 1 if r + 1 < side else 0, r - 1 if r > 0 else side - 1
        w = m[i, 0] * m[j, 1] - m[i, 1] * m[j, 0]
        if abs(w) > largest:
            largest = abs(w)
            x = (m[i, 1] * m[j, 2] - m[i, 2] * m[j, 1]) / w
            y = (m[i, 2] * m[j, 0] - m[i, 0] * m[j, 2]) / w
    return x, y
