"""How the picture of a point moves with the camera, its lens, and where it stands.

Zhang 2000, "A Flexible New Technique for Camera Calibration", IEEE PAMI 22(11), section 3.2: the residuals of maximum
likelihood, with Brown's lens (k1, k2, p1, p2, k3).
"""

from __future__ import annotations

import numpy as np

from sightline.core.types import Array
from sightline.geometry.distortion import bend_slopes
from sightline.geometry.rodrigues import rodrigues

INTRINSICS = 9  # fx, fy, cx, cy, k1, k2, p1, p2, k3


def residuals_of(intrinsics: Array, there: Array, seen: Array) -> tuple[Array, Array, Array]:
    """Return how far points of the camera's space, N×3, are from where they were seen, N×2, in pixels.

    Residuals 2N, and their derivatives by the 9 intrinsics (2N×9) and by the points (2N×3).
    """
    depth = there[:, 2:]
    flat = there[:, :2] / depth
    bent, slopes = bend_slopes(flat, np.r_[intrinsics[4:9], np.zeros(7)])
    focal = intrinsics[:2]
    residuals = bent * focal + intrinsics[2:4] - seen
    by_intrinsics = np.zeros((len(there), 2, INTRINSICS))
    for axis in range(2):
        by_intrinsics[:, axis, axis] = bent[:, axis]
        by_intrinsics[:, axis, 2 + axis] = 1
    by_intrinsics[:, :, 4:] = focal[:, None] * _by_lens(flat)
    by_flat = focal[:, None] * slopes
    by_there = np.concatenate([by_flat, -(by_flat * flat[:, None]).sum(axis=2, keepdims=True)], axis=2) / depth[:, None]
    return residuals.ravel(), by_intrinsics.reshape(-1, INTRINSICS), by_there.reshape(-1, 3)


def by_pose(by_there: Array, turned: Array) -> Array:
    """Return derivatives (2N×6) by a further turn (a rotation vector) of the N×3 points ``turned``, and by a shift."""
    slopes = by_there.reshape(-1, 2, 3)
    return np.concatenate([np.cross(turned[:, None], slopes), slopes], axis=2).reshape(-1, 6)


def moved(rotations: Array, translations: Array, steps: Array) -> tuple[Array, Array]:
    """Return poses after further turns and shifts, V×6."""
    turns = np.array([rodrigues(step[:3]) for step in steps])
    return turns @ rotations, translations + steps[:, 3:]


def _by_lens(flat: Array) -> Array:
    x, y = flat.T
    square = x * x + y * y
    of_x = [x * square, x * square**2, 2 * x * y, square + 2 * x * x, x * square**3]
    of_y = [y * square, y * square**2, square + 2 * y * y, 2 * x * y, y * square**3]
    return np.stack([np.column_stack(of_x), np.column_stack(of_y)], axis=1)
