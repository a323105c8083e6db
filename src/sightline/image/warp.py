"""Warp by a field: each new pixel says at which point of the old image it is found.

Wolberg 1990, "Digital Image Warping", IEEE Computer Society Press, section 3.1 (inverse mapping).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import as_image, describe
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage
from sightline.image.sampling import sample, sampled

Field = Float[np.ndarray, "new_h new_w 2"]
Band = Callable[[int, int], Array]


def _ripple(image: Any) -> Array:
    """Return positions that waver about their own, for an example."""
    height, width = image.shape[:2] if isinstance(image, np.ndarray) and image.ndim > 1 else (48, 64)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x + 2 * np.sin(y / 9), y + 3 * np.sin(x / 13)], axis=2).astype(np.float32)


@catalogued(task="sampling", paper="Wolberg 1990", lesson="w1d3", example={"coordinates": _ripple})
def warp(
    image: Image,
    coordinates: Field,
    *,
    method: Annotated[str, Choice("nearest", "bilinear", "bicubic")] = "bilinear",
    border: Annotated[str, Choice("constant", "reflect", "symmetric", "edge", "wrap")] = "constant",
    value: float | Sequence[float] = 0.0,
    out: Array | None = None,
) -> NewImage:
    """Return the image read at given positions.

    NaN and infinity in the image spoil the new pixels whose window holds them. In ``coordinates``, NaN and infinity lie
    beyond a constant border; the other borders refuse them.

    Parameters
    ----------
    image
        H×W or H×W×C; uint8, uint16 or float32.
    coordinates
        h×w×2 float32, ``(x, y)`` of each new pixel in the image, in pixels; the centre of the top-left one is (0, 0).
    method
        ``nearest``, ``bilinear`` or ``bicubic`` (Keys's cubic with a = −¾).
    border
        What lies beyond the image: ``constant`` (``value``), ``reflect`` (2 1 | 0 1 2), ``symmetric`` (1 0 | 0 1 2),
        ``edge`` (0 0 | 0 1 2) or ``wrap`` (8 9 | 0 1 2).
    value
        Beyond a constant border, in the image's units: a number, or one for each channel.
    out
        Array to write to, h×w or h×w×C of the image's dtype; None for a new one.

    Returns
    -------
    The warped image, h×w or h×w×C, same dtype.

    References
    ----------
    G. Wolberg, "Digital Image Warping", IEEE Computer Society Press, 1990.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 20, 30]], np.uint8)
    >>> warp(image, np.array([[[2, 0], [0.5, 0], [9, 9]]], np.float32))
    array([[30, 15,  0]], dtype=uint8)
    """
    image = as_image("warp", image, channels=())
    return warp_by("warp", image, as_field("warp", coordinates), method, border, value, out)


@warp.steps
def _steps(image: Image, coordinates: Field, **options: Any) -> Iterator[Step]:
    field = as_field("warp", coordinates)
    yield Step("image", Picture(as_image("warp", image, channels=())))
    yield Step("x", Heat(np.nan_to_num(field[..., 0])), note="The column that each new pixel comes from.")
    yield Step("y", Heat(np.nan_to_num(field[..., 1])), note="The row that each new pixel comes from.")
    yield Step("warped", Picture(warp(image, coordinates, **options)))


def as_field(function: str, coordinates: Any, shape: tuple[int, ...] | None = None) -> Array:
    """Return positions as contiguous h×w×2 float32, of the given ``shape`` (h, w) where there is one, or raise."""
    fits = isinstance(coordinates, np.ndarray) and coordinates.ndim == 3 and coordinates.shape[2] == 2
    if not fits or coordinates.dtype.kind != "f" or coordinates.size == 0:
        raise InputError(f"{function}: coordinates must be h×w×2 float32 of (x, y); got {describe(coordinates)}.")
    if shape is not None and coordinates.shape[:2] != tuple(shape):
        raise InputError(
            f"{function}: coordinates must be {shape[0]}×{shape[1]}×2, as the image; got {describe(coordinates)}."
        )
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(coordinates, np.float32)


def warp_by(
    function: str, image: Array, field: Array, method: str, border: str, value: Any, out: Array | None = None
) -> Array:
    """Return a checked image read at the positions of a checked field, refusing in the name of ``function``."""
    _check_finite(function, field, border)
    result = sampled(function, image, field.shape[:2], out)
    return sample(function, image, result, method, border, value, field=field.reshape(len(field), -1))


def warp_by_bands(
    function: str,
    image: Array,
    band: Band,
    shape: tuple[int, int],
    method: str,
    border: str,
    value: Any,
    out: Array | None = None,
) -> Array:
    """Return what :func:`warp_by` does for a field that is never held as a whole.

    ``band`` returns its rows y0 to y1, (y1 - y0)×w×2 float32; it is called from several threads.
    """

    def flat(y0: int, y1: int) -> Array:
        field = band(y0, y1)
        _check_finite(function, field, border)
        return field.reshape(y1 - y0, -1)

    return sample(function, image, sampled(function, image, shape, out), method, border, value, band=flat)


def _check_finite(function: str, field: Array, border: str) -> None:
    if isinstance(border, str) and border in ("reflect", "symmetric", "edge", "wrap") and not np.isfinite(field).all():
        raise InputError(
            f'{function}: coordinates must be finite with border {border!r}; got NaN or infinity. Use "constant".'
        )
