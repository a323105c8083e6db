"""The pose with the least squared distances in the picture: damped Gauss-Newton steps of turn and shift.

Levenberg 1944, "A Method for the Solution of Certain Non-Linear Problems in Least Squares", Quarterly of Applied
Mathematics 2; Marquardt 1963, Journal of the SIAM 11(2).
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.geometry.camera import Camera
from sightline.geometry.distortion import bent
from sightline.geometry.small_systems import fill_products, fill_turn, solve_symmetric

_ROUNDS = 50
_EXACT = 1e-24  # mean squared distance at depth 1 that rounding alone leaves


def refined_pose(pose: Array, world: Array, pixels: Array, lens: Camera) -> tuple[Array, float]:
    """Return the pose (12 numbers) with the least squared distances of N×2 pixels to N×3 points, from one nearby.

    And their sum; infinity if a point is not before the camera.
    """
    better = np.empty(12)
    columns = np.ascontiguousarray(world.T), np.ascontiguousarray(pixels.T)
    cost = _descend(np.ascontiguousarray(pose), *columns, _camera_numbers(lens), lens.coefficients, better)
    left, _, right = np.linalg.svd(better[:9].reshape(3, 3))
    better[:9] = (left @ right).ravel()
    return better, cost


def squared_distances(pose: Array, world: Array, pixels: Array, lens: Camera) -> float:
    """Return the sum of squared distances of N×2 pixels to N×3 points; infinity if one is not before the camera."""
    return _add_squares(np.ascontiguousarray(pose), world, pixels, _camera_numbers(lens), lens.coefficients)


def _camera_numbers(lens: Camera) -> Array:
    """Return fx, skew, cx, fy and cy."""
    return lens.matrix.ravel()[[0, 1, 2, 4, 5]]


@kernel
def _descend(pose, world, pixels, camera, lens, out):
    slopes, square = np.empty((7, 2 * world.shape[1])), np.empty((7, 7))
    grown, step, turn = np.empty((6, 6)), np.empty(6), np.empty((3, 3))
    kept, new = np.empty(12), np.empty(12)
    for i in range(12):
        kept[i] = new[i] = pose[i]
    damping, cost, floor = 1e-3, np.inf, _EXACT * camera[0] * camera[0] * world.shape[1]
    for _ in range(_ROUNDS):
        total = fill_slopes(new, world, pixels, camera, lens, slopes)
        done = total >= cost * (1 - 1e-14)
        if total < cost:
            kept, new, cost, damping = new, kept, total, damping / 10
            fill_products(slopes, square)
        else:
            damping *= 10
        if (done and total <= cost) or cost <= floor or not damping <= 1e6 or not cost < np.inf:
            break
        for i in range(6):
            step[i] = square[6, i]
            for j in range(i):
                grown[i, j] = square[i, j]
            grown[i, i] = square[i, i] * (1 + damping)
        if not solve_symmetric(grown, step):
            damping *= 10
            for i in range(6):
                step[i] = 0
        move_pose(kept, step, turn, new)
    for i in range(12):
        out[i] = kept[i]
    return cost


@kernel
def move_pose(pose, step, turn, out):
    """Fill ``out`` with a pose after a further turn (a rotation vector) and a shift; ``turn`` is scratch, 3×3."""
    fill_turn(step[0], step[1], step[2], turn)
    for i in range(3):
        out[9 + i] = pose[9 + i] + step[3 + i]
        for j in range(3):
            out[3 * i + j] = turn[i, 0] * pose[j] + turn[i, 1] * pose[3 + j] + turn[i, 2] * pose[6 + j]


@kernel
def fill_slopes(pose, world, pixels, camera, lens, slopes):
    """Fill the derivatives of the seen points by turn and shift, and how far they are off, 7×2N.

    Return the sum of the squares of those; infinity when a point is not in front of the camera.
    """
    r0, r1, r2, r3, r4, r5, r6, r7, r8 = pose[0], pose[1], pose[2], pose[3], pose[4], pose[5], pose[6], pose[7], pose[8]
    t0, t1, t2 = pose[9], pose[10], pose[11]
    fx, skew, cx, fy, cy = camera[0], camera[1], camera[2], camera[3], camera[4]
    count, total, behind = world.shape[1], 0.0, 0
    for k in range(count):
        x, y, z = world[0, k], world[1, k], world[2, k]
        a, b, c = r0 * x + r1 * y + r2 * z, r3 * x + r4 * y + r5 * z, r6 * x + r7 * y + r8 * z
        depth = c + t2
        behind += not depth > 0
        near = 1 / depth
        p, q = (a + t0) * near, (b + t1) * near
        u, v, ux, uy, vx, vy = bent(p, q, lens)
        far, off = pixels[0, k] - (fx * u + skew * v + cx), pixels[1, k] - (fy * v + cy)
        g, h = (fx * ux + skew * vx) * near, (fx * uy + skew * vy) * near
        i, at = -(g * p + h * q), k + count
        slopes[0, k], slopes[1, k], slopes[2, k] = b * i - c * h, c * g - a * i, a * h - b * g
        slopes[3, k], slopes[4, k], slopes[5, k], slopes[6, k] = g, h, i, far
        g, h = fy * vx * near, fy * vy * near
        i = -(g * p + h * q)
        slopes[0, at], slopes[1, at], slopes[2, at] = b * i - c * h, c * g - a * i, a * h - b * g
        slopes[3, at], slopes[4, at], slopes[5, at], slopes[6, at] = g, h, i, off
        total += far * far + off * off
    return total if behind == 0 and total < np.inf else np.inf


@kernel
def _add_squares(pose, world, pixels, camera, lens):
    total, behind = 0.0, 0
    for k in range(world.shape[0]):
        x, y, z = world[k, 0], world[k, 1], world[k, 2]
        depth = pose[6] * x + pose[7] * y + pose[8] * z + pose[11]
        p = (pose[0] * x + pose[1] * y + pose[2] * z + pose[9]) / depth
        u, v, _, _, _, _ = bent(p, (pose[3] * x + pose[4] * y + pose[5] * z + pose[10]) / depth, lens)
        far, off = (
            pixels[k, 0] - (camera[0] * u + camera[1] * v + camera[2]),
            pixels[k, 1] - (camera[3] * v + camera[4]),
        )
        total += far * far + off * off
        behind += not depth > 0
    return total if behind == 0 else np.inf
