"""Shape and motion from tracked points, by one factorisation of all their places.

Tomasi & Kanade 1992, "Shape and Motion from Image Streams under Orthography: a Factorization Method", International
Journal of Computer Vision 9(2); with a scale of its own for each frame (weak perspective): Poelman & Kanade 1997, "A
Paraperspective Factorization Method for Shape and Motion Recovery", IEEE PAMI 19(3), section 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Real

from sightline.core.catalogue import method
from sightline.core.checks import choice, describe
from sightline.core.errors import InputError
from sightline.core.layers import Cloud, Curve, Heat, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice
from sightline.geometry.rodrigues import matrix_of

MODELS = ("orthographic", "weak_perspective")
_THIN = 1e-6  # the third singular value as a share of the first: less is a plane, or a camera that never turns


def _example() -> Array:
    """Return where eight views of a turning box see its corners, for an example."""
    box = np.array([(x, y, z) for x in (-2, 2) for y in (-1, 1) for z in (-1.5, 1.5)], float)
    turns = [matrix_of((0.15 * k, 0.25 * k, 0.05 * k)) for k in range(8)]
    return np.stack([box @ turn[:2].T * 20 + (40, 30 + turn[0, 1]) for turn in turns])


@dataclass(frozen=True, eq=False)
class Factorization:
    """Shape and motion.

    Parameters
    ----------
    motion
        F×2×3 float64: the x and y axes of each camera in the world, times the frame's scale (1 when orthographic). The
        first camera's axes are those of the world.
    structure
        N×3 float64 in pixels of the first frame, their mean at the origin. The mirror image in depth explains the
        tracks as well: the signs of z, and of the turns, are a choice.
    translation
        F×2 float64: where each frame sees the origin, in pixels.
    values
        Singular values of the centred tracks, falling; the fourth is the first that only noise explains.
    error
        Root of the mean squared distance between tracks and model, in pixels.
    """

    motion: Array
    structure: Array
    translation: Array
    values: Array
    error: float

    def project(self) -> Array:
        """Return where the model sees its points, F×N×2."""
        return np.einsum("fij,nj->fni", self.motion, self.structure) + self.translation[:, None]

    def rotations(self) -> Array:
        """Return F×3×3 rotations from the world to the cameras."""
        x, y = (self.motion[:, i] / np.linalg.norm(self.motion[:, i], axis=1, keepdims=True) for i in (0, 1))
        frames = np.stack([x, y, np.cross(x, y)], axis=1)
        left, _, right = np.linalg.svd(frames)
        return left @ right

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        names = ("motion", "structure", "translation", "values")
        return {**{name: getattr(self, name).tolist() for name in names}, "error": self.error}


@method(task="structure", paper="Tomasi 1992", lesson="w3d5", example={"tracks": _example()})
def factorize(
    tracks: Real[np.ndarray, "f n 2"], model: Annotated[str, Choice(*MODELS)] = "orthographic"
) -> Factorization:
    """Return the shape of a scene and the motion of a far camera from points tracked through all frames.

    NaN and infinity are refused: leave out tracks that not every frame sees.

    Parameters
    ----------
    tracks
        F×N×2 (x, y) in pixels, F ≥ 3, N ≥ 4, any real dtype: the same points in each frame, y down.
    model
        ``orthographic``: the scene keeps its size; ``weak_perspective``: each frame has a scale.

    Returns
    -------
    Factorization
        ``motion``, ``structure``, ``translation``, the singular ``values`` and the ``error`` in pixels.

    Raises
    ------
    InputError
        When the points lie on a plane, the camera never turns, or no such camera explains the tracks.

    References
    ----------
    C. Tomasi, T. Kanade, "Shape and Motion from Image Streams under Orthography: a Factorization Method", International
    Journal of Computer Vision 9(2), 1992.

    Examples
    --------
    >>> found = factorize(_example())
    >>> round(float(np.ptp(found.structure[:, 0]))), round(found.error, 6)  # the box is 4 wide, of 20 pixels each
    (80, 0.0)
    """
    checked = _checked(tracks, model)
    affine, shape, translation, values = _affine(checked)
    upgrade = _metric(affine, model)
    motion, structure = affine @ upgrade, shape @ np.linalg.inv(upgrade).T
    turn = _first_frame(motion[0])
    found = Factorization(motion @ turn, structure @ turn, translation, values, 0.0)
    away = ((found.project() - checked) ** 2).sum(axis=2)
    return Factorization(found.motion, found.structure, translation, values, float(np.sqrt(away.mean())))


@factorize.steps
def _steps(tracks: Any, model: str = "orthographic") -> Iterator[Step]:
    checked = _checked(tracks, model)
    _, shape, translation, values = _affine(checked)
    centred = (checked - translation[:, None]).transpose(0, 2, 1).reshape(-1, checked.shape[1])
    yield Step("tracks", Heat(centred.astype(np.float32)), note="x and y of each frame, a column each point, centred.")
    curve = np.column_stack([np.arange(1, len(values) + 1), values])
    yield Step("singular values", Curve(curve, ("number", "value"), 3.0), note="Three of them are the scene.")
    yield Step("affine shape", Cloud(shape.astype(np.float32)), note="Right up to a stretch and a shear.")
    found = factorize(tracks, model)
    yield Step("metric shape", Cloud(found.structure.astype(np.float32)), note="The cameras' axes are at right angles.")
    yield Step("result", Value(found), note=f"{found.error:.3f} pixels from the tracks.")


def _checked(tracks: Any, model: Any) -> Array:
    choice("factorize", "model", model, MODELS)
    good = isinstance(tracks, np.ndarray) and tracks.ndim == 3 and tracks.shape[2] == 2 and tracks.dtype.kind in "iuf"
    if not good or tracks.shape[0] < 3 or tracks.shape[1] < 4:
        raise InputError(
            f"factorize: tracks must be F×N×2 numbers, 3 frames and 4 points or more; got {describe(tracks)}."
        )
    result = tracks.astype(np.float64)
    if not np.isfinite(result).all():
        count = int((~np.isfinite(result).all(axis=(0, 2))).sum())
        raise InputError(
            f"factorize: tracks must be finite; got {count} points with NaN or infinite values. Leave them out."
        )
    return result


def _affine(tracks: Array) -> tuple[Array, Array, Array, Array]:
    """Return motion F×2×3, shape N×3, translation F×2 and singular values: right up to a linear map of space."""
    translation = tracks.mean(axis=1)
    matrix = (tracks - translation[:, None]).transpose(0, 2, 1).reshape(-1, tracks.shape[1])
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    if not values[2] > _THIN * max(values[0], 1e-300):
        raise InputError(
            "factorize: tracks must be of points off a plane, by a camera that turns; got singular values "
            f"{', '.join(f'{value:.3g}' for value in values[:4])}, of which the third is nearly 0."
        )
    root = np.sqrt(values[:3])
    return (left[:, :3] * root).reshape(-1, 2, 3), right[:3].T * root, translation, values


def _metric(affine: Array, model: str) -> Array:
    """Return the 3×3 matrix that makes the axes of all cameras perpendicular and equally long (section 3.3)."""
    x, y = affine[:, 0], affine[:, 1]
    ones, zeros = np.ones(len(affine)), np.zeros(len(affine))
    if model == "orthographic":
        system, wanted = [_form(x, x), _form(y, y), _form(x, y)], [ones, ones, zeros]
    else:
        system, wanted = [_form(x, x) - _form(y, y), _form(x, y), _form(x, x)[:1]], [zeros, zeros, ones[:1]]
    solved, _, rank, _ = np.linalg.lstsq(np.vstack(system), np.concatenate(wanted), 1e-9)
    a, b, c, d, e, f = solved
    values, axes = np.linalg.eigh(np.array([[a, b, c], [b, d, e], [c, e, f]]))
    if rank < 6 or not values[0] > 1e-9 * values[2]:
        raise InputError(
            f"factorize: tracks must be of a rigid scene seen from far away, by a camera that turns about two axes; "
            f"got {len(affine)} frames that no such camera explains. Try model 'weak_perspective', or more frames."
        )
    return axes * np.sqrt(values)


def _form(u: Array, v: Array) -> Array:
    """Return rows that give uᵀ L v of a symmetric L from its six numbers."""
    (a, b, c), (d, e, f) = u.T, v.T
    return np.stack([a * d, a * e + b * d, a * f + c * d, b * e, b * f + c * e, c * f], axis=1)


def _first_frame(axes: Array) -> Array:
    """Return the rotation that makes the first camera's axes those of the world."""
    x, y = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    y = y - (x @ y) * x
    y = y / np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)
