"""Rotation vector and rotation matrix, each from the other.

Rodrigues 1840, "Des lois géométriques qui régissent les déplacements d'un système solide", Journal de Mathématiques 5.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.geometry.points3 import as_rotation, as_vector3

Turn = Float[np.ndarray, "3"] | Float[np.ndarray, "3 3"]


@method(task="rotation", paper="Rodrigues 1840", lesson="w3d4", example={"rotation": np.array([0.1, -0.2, 0.3])})
def rodrigues(rotation: Turn) -> Turn:
    """Return the rotation matrix of a rotation vector, or the rotation vector of a matrix.

    NaN and infinity are refused.

    Parameters
    ----------
    rotation
        3 numbers: the axis, times the angle in radians; or a 3×3 rotation matrix, which may be off by rounding.

    Returns
    -------
    3×3 float64 for a vector; for a matrix 3 float64, of an angle in 0–π.

    References
    ----------
    O. Rodrigues, "Des lois géométriques qui régissent les déplacements d'un système solide dans l'espace", Journal de
    Mathématiques Pures et Appliquées 5, 1840.

    Examples
    --------
    >>> turn = rodrigues(np.array([0, 0, np.pi / 2]))
    >>> turn.round(6).tolist()
    [[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    >>> rodrigues(turn).round(6).tolist()
    [0.0, 0.0, 1.570796]
    """
    if not isinstance(rotation, np.ndarray) or rotation.dtype.kind not in "iuf":
        raise InputError(f"rodrigues: rotation must be 3 numbers or a 3×3 matrix; got {describe(rotation)}.")
    if rotation.shape == (3, 3):
        return vector_of(as_rotation("rodrigues", rotation))
    return matrix_of(as_vector3("rodrigues", "rotation", rotation))


def matrix_of(vector: Any) -> Array:
    """Return the 3×3 matrix of a checked rotation vector."""
    x, y, z = (float(value) for value in vector)
    angle = math.sqrt(x * x + y * y + z * z)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    if angle < 1e-4:  # the first terms of both series
        a, b = 1 - angle * angle / 6, 0.5 - angle * angle / 24
    else:
        a, b = math.sin(angle) / angle, 2 * (math.sin(angle / 2) / angle) ** 2
    return np.eye(3) + a * cross + b * (cross @ cross)


def vector_of(matrix: Array) -> Array:
    """Return the rotation vector of a checked matrix, after the nearest rotation has taken its place."""
    left, _, right = np.linalg.svd(matrix)
    r = left @ right
    twist = np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]]) / 2
    sine, cosine = float(np.sqrt(twist @ twist)), float(np.trace(r) - 1) / 2
    angle = math.atan2(sine, cosine)
    if angle < 1e-6:
        return twist
    if math.pi - angle > 1e-3:
        return twist * (angle / sine)
    # Near half a turn the twist vanishes; the symmetric part, (1 - cos) n nᵀ + cos I, still knows the axis.
    squares = ((r + r.T) / 2 - cosine * np.eye(3)) / (1 - cosine)
    axis = squares[:, int(np.argmax(np.diag(squares)))]
    axis = axis / np.sqrt(axis @ axis)
    along = axis @ twist
    first = axis[np.abs(axis) > 1e-9][0]
    return axis * angle * (np.sign(along) if abs(along) > 1e-12 else np.sign(first))
