"""Pose from many points by linear equations, of sums that are taken once.

Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", 2nd ed., section 7.1: the direct linear transform
of a projection, its first two rows eliminated; then the rotation that is nearest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.geometry.small_systems import factorise, least_eigenvector, substitute


class Moments(NamedTuple):
    """Where the points of rows lie, 3; their spread; sums of products of points of mean 0 and spread 1; their extents.

    The sums, 4×4×4, are those of p pᵀ with p = (X, Y, Z, 1), times 1, the ray's x, its y, and x² + y². The extents, 3,
    are the singular values of the points around their mean, the greatest first.
    """

    middle: Array
    scale: float
    sums: Array
    sizes: Array


def moments_of(rows: Array) -> Moments:
    """Return the moments of rows (ray x, y, and X, Y, Z), N×5."""
    middle, sums = np.empty(3), np.zeros((4, 4, 4))
    scale = _add_products(rows, middle, sums)
    values = np.linalg.eigvalsh(sums[0, :3, :3])[::-1]
    if values[2] > 1e-8 * values[0]:  # else their roots are not precise enough
        return Moments(middle, scale, sums, scale * np.sqrt(values))
    return Moments(middle, scale, sums, np.linalg.svd(rows[:, 2:] - rows[:, 2:].mean(axis=0), compute_uv=False))


def linear_pose(moments: Moments) -> Array:
    """Return the pose of many points that fill space, by the linear equations of the 3×4 projection."""
    matrix = np.empty((3, 4))
    _solve_projection(moments.sums, matrix)
    u, sizes, v = np.linalg.svd(matrix[:, :3])
    rotation = u @ v
    if np.linalg.det(rotation) < 0:
        rotation = (u * (1, 1, -1)) @ v
    return np.append(rotation.ravel(), matrix[:, 3] * (moments.scale * 3 / sizes.sum()) - rotation @ moments.middle)


@kernel
def _add_products(rows, middle, sums):
    """Fill the mean of the points, add the products to ``sums``, and return the spread."""
    count, p, scale = rows.shape[0], np.ones(4), 0.0
    for j in range(3):
        middle[j] = 0
        for k in range(count):
            middle[j] += rows[k, 2 + j]
        middle[j] /= count
        for k in range(count):
            scale += (rows[k, 2 + j] - middle[j]) ** 2
    scale = np.sqrt(scale / (3 * count))
    inverse = 1 / scale if scale > 0 else 0.0
    for k in range(count):
        x, y = rows[k, 0], rows[k, 1]
        square = x * x + y * y
        for j in range(3):
            p[j] = (rows[k, 2 + j] - middle[j]) * inverse
        for i in range(4):
            for j in range(i + 1):
                product = p[i] * p[j]
                sums[0, i, j] += product
                sums[1, i, j] += product * x
                sums[2, i, j] += product * y
                sums[3, i, j] += product * square
    for which in range(4):
        for i in range(4):
            for j in range(i):
                sums[which, j, i] = sums[which, i, j]
    return scale


@kernel
def _solve_projection(sums, matrix):
    """Fill the 3×4 projection that sends the points to their rays, as near as linear equations take it."""
    factor, left, vectors, follow = np.empty((4, 4)), np.empty((4, 4)), np.empty((4, 4)), np.empty((2, 4, 4))
    for i in range(4):
        for j in range(4):
            factor[i, j], left[i, j] = sums[0, i, j], sums[3, i, j]
            follow[0, i, j], follow[1, i, j] = sums[1, i, j], sums[2, i, j]
    factorise(factor)
    # The first two rows follow from the third: the least squares of S r₁ = S_x r₃, and so on.
    for which in range(2):
        for j in range(4):
            substitute(factor, follow[which, j])  # of a symmetric matrix, columns are rows
            for i in range(4):
                for k in range(4):
                    left[i, j] -= sums[1 + which, i, k] * follow[which, j, k]
    least, depth = least_eigenvector(left, vectors), 0.0
    for k in range(4):
        depth += vectors[k, least] * sums[0, 3, k]
    for k in range(4):
        matrix[2, k] = vectors[k, least] if depth > 0 else -vectors[k, least]
    for which in range(2):
        for i in range(4):
            matrix[which, i] = 0
            for j in range(4):
                matrix[which, i] += follow[which, j, i] * matrix[2, j]
