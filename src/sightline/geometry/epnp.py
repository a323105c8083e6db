"""Pose from many points in closed form: four control points whose places in the camera's axes solve linear equations.

Lepetit, Moreno-Noguer & Fua 2009, "EPnP: An Accurate O(n) Solution to the PnP Problem", International Journal of
Computer Vision 81(2), sections 3 and 4.
"""

from __future__ import annotations

import itertools

import numpy as np

from sightline.core.types import Array
from sightline.geometry.p3p import ray_squares

_PAIRS = list(itertools.combinations(range(4), 2))
_PRODUCTS = [(0, 0), (0, 1), (1, 1), (0, 2), (1, 2), (2, 2), (0, 3), (1, 3), (2, 3), (3, 3)]


def epnp(rows: Array) -> Array:
    """Return the pose (12 numbers) of four or more rows (ray x, y, and X, Y, Z) that do not lie on a plane."""
    world = rows[:, 2:]
    middle = world.mean(axis=0)
    _, sizes, axes = np.linalg.svd(world - middle, full_matrices=False)
    control = np.vstack([middle, middle + axes * (sizes / np.sqrt(len(rows)))[:, None]])
    shares = np.linalg.solve(np.vstack([control.T, np.ones(4)]), np.vstack([world.T, np.ones(len(rows))])).T
    system = np.zeros((2 * len(rows), 12))
    for c in range(4):
        system[::2, 3 * c], system[::2, 3 * c + 2] = shares[:, c], -shares[:, c] * rows[:, 0]
        system[1::2, 3 * c + 1], system[1::2, 3 * c + 2] = shares[:, c], -shares[:, c] * rows[:, 1]
    kernel = np.linalg.eigh(system.T @ system)[1][:, :4].T.reshape(4, 4, 3)  # four vectors of four control points
    sides = np.stack([kernel[:, i] - kernel[:, j] for i, j in _PAIRS])  # pair, vector, axis
    lengths = np.array([((control[i] - control[j]) ** 2).sum() for i, j in _PAIRS])
    products = np.stack([(sides[:, p] * sides[:, q]).sum(axis=1) * (1 + (p != q)) for p, q in _PRODUCTS], axis=1)
    found = []
    for betas in _starts(products, lengths):
        better = _descend(products, lengths, betas)
        found.append(_pose(np.tensordot(better, kernel, 1), shares, world))
    poses = np.array(found)
    costs = ray_squares(poses, np.ascontiguousarray(rows.T)).sum(axis=1)
    return poses[int(np.argmin(costs))]


def _starts(products: Array, lengths: Array) -> list[Array]:
    """Return first values of the four weights, for a null space of dimension 4, 2 and 3 (section 3.3)."""
    starts = []
    for columns in ((0, 1, 3, 6), (0, 1, 2), (0, 1, 2, 3, 4)):
        known = dict(zip(columns, np.linalg.lstsq(products[:, columns], lengths)[0], strict=True))
        sign = -1.0 if known[0] < 0 else 1.0
        first = np.sqrt(abs(known[0]))
        betas = np.array([first, 0, 0, 0])
        if 2 in known:
            betas[1] = np.sqrt(max(sign * known[2], 0.0)) * (1 if sign * known[1] >= 0 else -1)
            betas[2] = sign * known[3] / max(first, 1e-300) if 3 in known else 0.0
        else:
            betas[1:] = [sign * known[k] / max(first, 1e-300) for k in (1, 3, 6)]
        starts.append(betas)
    return starts


def _descend(products: Array, lengths: Array, betas: Array) -> Array:
    """Return weights that keep the distances of the control points better: Gauss-Newton (section 4)."""
    for _ in range(10):
        values = np.array([betas[p] * betas[q] for p, q in _PRODUCTS])
        slopes = np.zeros((10, 4))
        for k, (p, q) in enumerate(_PRODUCTS):
            slopes[k, p] += betas[q]
            slopes[k, q] += betas[p]
        step = np.linalg.lstsq(products @ slopes, lengths - products @ values)[0]
        betas = betas + step
        if np.abs(step).max() < 1e-12 * np.abs(betas).max():
            break
    return betas


def _pose(control: Array, shares: Array, world: Array) -> Array:
    """Return the pose that lays the world's points over those that the control points (4×3) make in the camera."""
    seen = shares @ control
    seen = seen * (-1 if np.median(seen[:, 2]) < 0 else 1)
    return laid_over(world, seen)


def laid_over(world: Array, seen: Array) -> Array:
    """Return rotation and translation (12 numbers) from N×3 points to others with the least squares: Kabsch 1976."""
    a, b = world.mean(axis=0), seen.mean(axis=0)
    left, _, right = np.linalg.svd((seen - b).T @ (world - a))
    rotation = left @ np.diag([1, 1, np.sign(np.linalg.det(left @ right))]) @ right
    return np.append(rotation.ravel(), b - rotation @ a)
