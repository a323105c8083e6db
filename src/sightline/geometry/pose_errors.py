"""How far cameras are from where they should be, once one world is laid over the other.

Umeyama 1991, "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns", IEEE PAMI 13(4); but
the turn between the worlds is that of the cameras' directions: their centres may lie on a line, and leave a turn about
it open.
"""

from __future__ import annotations

import numpy as np

from sightline.core.types import Array


def pose_errors(rotations: Array, centres: Array, true_rotations: Array, true_centres: Array) -> tuple[Array, Array]:
    """Return how far each camera is from its place, over the extent of all places, and its direction in degrees.

    Parameters
    ----------
    rotations, true_rotations
        C×3×3, world to camera, of both worlds.
    centres, true_centres
        C×3.
    """
    left, _, right = np.linalg.svd(np.einsum("cij,cik->jk", true_rotations, rotations))
    turn = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
    mine, theirs = (centres - centres.mean(axis=0)) @ turn.T, true_centres - true_centres.mean(axis=0)
    scale = (mine * theirs).sum() / (mine * mine).sum()
    extent = np.linalg.norm(true_centres[:, None] - true_centres[None], axis=2).max()
    between = true_rotations @ turn @ rotations.transpose(0, 2, 1)
    cosine = (np.trace(between, axis1=1, axis2=2) - 1) / 2
    return np.linalg.norm(scale * mine - theirs, axis=1) / extent, np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
