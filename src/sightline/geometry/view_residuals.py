"""How the picture of a point moves with the camera, its lens, and where it stands.

Zhang 2000, "A Flexible New Technique for Camera Calibration", IEEE PAMI 22(11), section 3.2: the residuals of maximum
likelihood, with Brown's lens (k1, k2, p1, p2, k3). Poses are 12 numbers: a rotation, row by row, and a translation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.geometry.distortion import bent
from sightline.geometry.least_squares import OWN
from sightline.geometry.refine_pose import fill_slopes, move_pose

INTRINSICS = 9  # fx, fy, cx, cy, k1, k2, p1, p2, k3


@dataclass(frozen=True, eq=False)
class Views:
    """Points of a board and where they were seen, as many in each view: the last one repeats where there are fewer.

    Parameters
    ----------
    boards, seen
        V×3×N and V×2×N float64.
    counts
        V int64: points that a view really has.
    """

    boards: Array
    seen: Array
    counts: Array

    @classmethod
    def of(cls, boards: list[Array], seen: list[Array]) -> Views:
        """Return the views of lists of boards, N×3, and of points, N×2."""
        counts = np.array([len(points) for points in seen])
        places = np.minimum(np.arange(counts.max()), counts[:, None] - 1)
        a, b = (np.array([one[at].T for one, at in zip(part, places, strict=True)]) for part in (boards, seen))
        return cls(a, b, counts)


def slopes_of(intrinsics: Array, poses: Array, views: Views, shared: int) -> tuple[Array, float]:
    """Return how far points are from where they were seen, and how their pictures move.

    Parameters
    ----------
    intrinsics
        9 numbers, of which the first ``shared`` may move.
    poses
        V×12, from the board to the camera.
    views
        The points.

    Returns
    -------
    The slopes of :mod:`sightline.geometry.least_squares`, V×(7 + shared)×2N (the N of x, then those of y), 0 where a
    view has no more points; and the sum of squares, infinity when a point is not in front of the camera.
    """
    fx, fy, cx, cy = intrinsics[:4]
    camera, lens = np.array([fx, 0, cx, fy, cy]), np.concatenate([intrinsics[4:], np.zeros(12 - INTRINSICS + 4)])
    slopes = np.empty((len(poses), OWN + 1 + shared, 2 * views.seen.shape[2]))
    return slopes, _fill_views(camera, lens, poses, views.boards, views.seen, views.counts, slopes)


def moved(poses: Array, steps: Array) -> Array:
    """Return V×12 poses after further turns (rotation vectors) and shifts, V×6."""
    further = np.empty_like(poses)
    _move_poses(poses, steps, further)
    return further


@kernel
def _move_poses(poses, steps, further):
    turn = np.empty((3, 3))
    for v in range(poses.shape[0]):
        move_pose(poses[v], steps[v], turn, further[v])


@kernel
def _fill_views(camera, lens, poses, boards, seen, counts, slopes):
    total, whole = 0.0, boards.shape[2]
    for v in range(poses.shape[0]):
        rows = slopes[v]
        total += fill_slopes(poses[v], boards[v], seen[v], camera, lens, rows)
        _fill_intrinsics(poses[v], boards[v], camera, lens, rows)
        for k in range(counts[v], whole):
            total -= rows[OWN, k] * rows[OWN, k] + rows[OWN, whole + k] * rows[OWN, whole + k]
            for j in range(rows.shape[0]):
                rows[j, k], rows[j, whole + k] = 0, 0
    return total


@kernel
def _fill_intrinsics(pose, board, camera, lens, slopes):
    """Fill the rows after what is missing: derivatives by focal lengths, centre and lens, as many as there is room."""
    of_x, of_y, count = np.zeros(INTRINSICS), np.zeros(INTRINSICS), board.shape[1]
    of_x[2], of_y[3] = 1, 1
    fx, fy = camera[0], camera[3]
    for k in range(count):
        x, y, z = board[0, k], board[1, k], board[2, k]
        near = 1 / (pose[6] * x + pose[7] * y + pose[8] * z + pose[11])
        p = (pose[0] * x + pose[1] * y + pose[2] * z + pose[9]) * near
        q = (pose[3] * x + pose[4] * y + pose[5] * z + pose[10]) * near
        of_x[0], of_y[1], _, _, _, _ = bent(p, q, lens)
        square = p * p + q * q
        of_x[4], of_y[4] = fx * p * square, fy * q * square
        of_x[5], of_y[5] = of_x[4] * square, of_y[4] * square
        of_x[6], of_y[6] = fx * 2 * p * q, fy * (square + 2 * q * q)
        of_x[7], of_y[7] = fx * (square + 2 * p * p), fy * 2 * p * q
        of_x[8], of_y[8] = of_x[5] * square, of_y[5] * square
        for j in range(OWN + 1, slopes.shape[0]):
            slopes[j, k], slopes[j, count + k] = of_x[j - OWN - 1], of_y[j - OWN - 1]
