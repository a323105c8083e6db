"""Thin-plate spline: the smoothest warp that takes given points to given places, like a bent sheet of steel.

Bookstein 1989, "Principal warps: thin-plate splines and the decomposition of deformations", IEEE PAMI 11(6), which the
code follows: f(p) = a + A·p + Σ wᵢ U(|p − pᵢ|) with U(r) = r² log r².
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from scipy.linalg import LinAlgError, LinAlgWarning, solve

from sightline.core.buffers import empty
from sightline.core.catalogue import method as catalogued
from sightline.core.checks import as_image, number, size_2d
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.layers import Lines, Picture
from sightline.core.layers import Points as PointsLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage, Points, Range
from sightline.image.piecewise_affine import as_pairs, example_grid, example_targets
from sightline.image.sampling import sampled
from sightline.image.warp import Band, warp_by_bands


@catalogued(
    task="sampling", paper="Bookstein 1989", lesson="w2d7", example={"points": example_grid, "targets": example_targets}
)
def thin_plate_spline(
    image: Image,
    points: Points,
    targets: Points,
    shape: tuple[int, int] | None = None,
    *,
    smoothing: Annotated[float, Range(0, 1000)] = 0.0,
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic")] = "bilinear",
    border: Annotated[str, Choice("constant", "reflect", "symmetric", "edge", "wrap")] = "constant",
    value: float | Sequence[float] = 0.0,
    out: Array | None = None,
) -> NewImage:
    """Return the image bent so that every point lands on its target.

    The spline maps the result to the image, so that each new pixel knows where it comes from. NaN and infinity in the
    image spoil the new pixels whose window holds them; among the points they are refused.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    points
        N×2 ``(x, y)`` in the image, in pixels, N ≥ 3.
    targets
        N×2, where they are in the result; all different, and not all on a line.
    shape
        ``(height, width)`` of the result in pixels; None for the image's own.
    smoothing
        Weight of the bending energy against hitting the targets, ≥ 0, in pixels²; 0 hits them exactly.
    method
        ``nearest``, ``bilinear`` or ``bicubic``.
    border
        What lies beyond the image: ``constant`` (``value``), ``reflect``, ``symmetric``, ``edge`` or ``wrap``.
    value
        Beyond a constant border, in the image's units: a number, or one for each channel.
    out
        Array to write to, of the result's shape and the image's dtype; None for a new one.

    Returns
    -------
    The warped image, same dtype.

    Raises
    ------
    InputError
        When there are too few points, or the targets coincide or lie on a line.

    References
    ----------
    F. L. Bookstein, "Principal warps: thin-plate splines and the decomposition of deformations", IEEE Transactions on
    Pattern Analysis and Machine Intelligence 11(6), 1989.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(9, dtype=np.uint8).reshape(3, 3) * 10
    >>> corners = np.array([[0, 0], [2, 0], [0, 2], [2, 2]])
    >>> thin_plate_spline(image, corners, corners + (1, 0), border="edge")[0]
    array([ 0,  0, 10], dtype=uint8)
    """
    image = as_image("thin_plate_spline", image, channels=())
    size = image.shape[:2] if shape is None else size_2d("thin_plate_spline", "shape", shape)
    smoothing = number("thin_plate_spline", "smoothing", smoothing, 0, 1e12)
    sampled("thin_plate_spline", image, size, None)
    band = _bands(points, targets, size[1], smoothing)
    return warp_by_bands("thin_plate_spline", image, band, size, method, border, value, out)


@thin_plate_spline.steps
def _steps(
    image: Image, points: Points, targets: Points, shape: Any = None, *, smoothing: float = 0.0, **options: Any
) -> Iterator[Step]:
    image = as_image("thin_plate_spline", image, channels=())
    yield Step("points", Picture(image), PointsLayer(np.asarray(points)))
    result = thin_plate_spline(image, points, targets, shape, smoothing=smoothing, **options)
    bent = _bent_grid(_bands(points, targets, result.shape[1], smoothing)(0, len(result)))
    yield Step("grid", Picture(image), Lines(bent), note="Straight in the result, bent where it comes from.")
    yield Step("warped", Picture(result))


def _bent_grid(field: Array) -> Array:
    """Return every tenth of a field's rows and columns as short segments, N×4."""
    height, width = field.shape[:2]
    rows = np.unique(np.linspace(0, height - 1, 11).astype(int))
    columns = np.unique(np.linspace(0, width - 1, 11).astype(int))
    level = np.concatenate([field[rows, :-1], field[rows, 1:]], axis=2).reshape(-1, 4)
    upright = np.concatenate([field[:-1, columns], field[1:, columns]], axis=2).reshape(-1, 4)
    return np.concatenate([level, upright]).clip(-1e5, 1e5)


def _bands(points: Any, targets: Any, width: int, smoothing: float) -> Band:
    """Return what tells where the pixels of the result's rows come from, rows×width×2 float32."""
    old, new = as_pairs("thin_plate_spline", points, targets, 3)
    # About its middle and to unit size: the equations are then as well-conditioned as they can be.
    middle = new.mean(axis=0)
    unit = max(1e-9, float(np.abs(new - middle).max()))
    centres = (new - middle) / unit
    weights = _spline(centres, old, smoothing / unit**2)

    def band(y0: int, y1: int) -> Array:
        field = empty((y1 - y0, width, 2), np.float32)
        _evaluate(centres, weights, middle, unit, field, y0, y1)
        return field

    return band


def _spline(centres: Array, values: Array, smoothing: float) -> Array:
    """Solve for the weights w of each point and a, A: (N + 3)×2."""
    count = len(centres)
    squares = ((centres[:, None] - centres) ** 2).sum(axis=2)
    bending = squares * np.log(np.where(squares > 0, squares, 1)) + smoothing * np.eye(count)
    plane = np.hstack([np.ones((count, 1)), centres])
    system = np.block([[bending, plane], [plane.T, np.zeros((3, 3))]])
    known = np.concatenate([values, np.zeros((3, 2))])
    duplicate = np.isclose(squares + np.eye(count), 0, atol=1e-18).any()
    if duplicate or np.linalg.matrix_rank(plane) < 3:
        raise InputError(
            f"thin_plate_spline: targets must be different points, not all on a line; got {count} that are not."
        )
    try:
        return solve(system, known, assume_a="sym")
    except (LinAlgError, LinAlgWarning):
        raise InputError(f"thin_plate_spline: targets must not lie too close together; got {count} that do.") from None


@kernel
def _evaluate(centres, weights, middle, unit, field, y0, y1):
    count = len(centres)
    u, v = weights[count:, 0], weights[count:, 1]
    for y in range(y0, y1):
        q = (y - middle[1]) / unit
        for x in range(field.shape[1]):
            p = (x - middle[0]) / unit
            a, b = u[0] + u[1] * p + u[2] * q, v[0] + v[1] * p + v[2] * q
            for i in range(count):
                square = (p - centres[i, 0]) ** 2 + (q - centres[i, 1]) ** 2
                bend = square * math.log(square) if square > 0 else 0.0
                a += weights[i, 0] * bend
                b += weights[i, 1] * bend
            field[y - y0, x, 0], field[y - y0, x, 1] = a, b
