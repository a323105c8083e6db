"""Multi-band blending: two images are joined under a mask, fine details over a short distance, broad ones over a long.

Burt & Adelson 1983, "A multiresolution spline with application to image mosaics", ACM Transactions on Graphics 2(4),
which the code follows in its order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, describe, integer, output
from sightline.core.errors import InputError
from sightline.core.layers import Grid, Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Mask, Range
from sightline.image.correlation import finish
from sightline.image.gaussian_pyramid import MOST, pyramid_of
from sightline.image.laplacian_pyramid import bands_of, sum_of_bands


def _mirrored(a: Any) -> Any:
    return a[:, ::-1] if isinstance(a, np.ndarray) and a.ndim > 1 else a


def _left_half(a: Any) -> Array:
    height, width = a.shape[:2] if isinstance(a, np.ndarray) and a.ndim > 1 else (1, 1)
    return np.broadcast_to(np.arange(width) < (width + 1) // 2, (height, width))


@method(task="blending", paper="Burt & Adelson 1983", lesson="w2d1", example={"b": _mirrored, "mask": _left_half})
def blend(
    a: Image,
    b: Image,
    mask: Mask | Float32[np.ndarray, "h w"],
    levels: Annotated[int, Range(1, MOST, 1)] = 6,
    *,
    out: Array | None = None,
) -> Image:
    """Return ``a`` where the mask is true and ``b`` elsewhere, without a seam.

    The bands of both Laplacian pyramids are mixed by the Gaussian pyramid of the mask and summed up again. NaN and
    infinity are refused.

    Parameters
    ----------
    a, b
        Two images of the same shape and dtype, H×W or H×W×C; uint8, uint16 or float32.
    mask
        H×W bool, true for ``a``; or float32, the share of ``a``, 0–1.
    levels
        Bands, 1–32: the coarsest is mixed over about 2 to the power of ``levels`` pixels; 1 mixes pixel by pixel.
    out
        Array to write to, of the images' shape and dtype; None for a new one.

    Returns
    -------
    The joined image, of the images' shape and dtype; integers are rounded and clipped, float32 is not clipped.

    Raises
    ------
    InputError
        When images or mask have different shapes or dtypes, or an argument is out of its range.

    References
    ----------
    P. J. Burt, E. H. Adelson, "A multiresolution spline with application to image mosaics", ACM Transactions on
    Graphics 2(4), 1983.

    Examples
    --------
    >>> import numpy as np
    >>> black, white = np.zeros((1, 8), np.uint8), np.full((1, 8), 200, np.uint8)
    >>> blend(white, black, np.arange(8)[None] < 4, 2)
    array([[197, 194, 173, 125,  70,  31,   8,   0]], dtype=uint8)
    """
    a, b, share = _checked(a, b, mask)
    levels = integer("blend", "levels", levels, 1, MOST)
    result = output("blend", out, a.shape, a.dtype, [a, b])
    mixed, _ = _mixed_bands(a, b, share, levels)
    finish(sum_of_bands(mixed), result)
    return result


@blend.steps
def _(a: Image, b: Image, mask: Array, levels: int = 6, *, out: Array | None = None) -> Iterator[Step]:
    a_, b_, share = _checked(a, b, mask)
    levels = integer("blend", "levels", levels, 1, MOST)
    yield Step("pictures", Grid(np.stack([a_, b_])))
    mixed, weights = _mixed_bands(a_, b_, share, levels)
    parts = bands_of(a_, levels), bands_of(b_, levels)
    for index, (of_a, of_b, weight, band) in enumerate(zip(*parts, weights, mixed, strict=True)):
        flat = [x if x.ndim == 2 else x.mean(axis=2) for x in (of_a, of_b, band)]
        yield Step(f"bands {index}", Heat(np.hstack(flat[:2])), note="Of the two pictures.")
        yield Step(f"mask {index}", Heat(weight), note="The share of the first picture.")
        yield Step(f"mixed {index}", Heat(flat[2]))
    yield Step("collapsed", Picture(blend(a, b, mask, levels, out=out)), note="The mixed bands, summed up.")


def _mixed_bands(a: Array, b: Array, share: Array, levels: int) -> tuple[list[Array], list[Array]]:
    """Return the bands of ``a`` and ``b``, mixed, and the mask of each band."""
    of_a, of_b = bands_of(a, levels), bands_of(b, levels)
    weights = pyramid_of(share, levels)
    for first, second, weight in zip(of_a, of_b, weights, strict=True):
        first -= second
        first *= weight if first.ndim == 2 else weight[..., None]
        first += second
    return of_a, weights


def _checked(a: Any, b: Any, mask: Any) -> tuple[Array, Array, Array]:
    a = as_image("blend", a, argument="a", channels=(), finite=True, most=1e30)
    b = as_image("blend", b, argument="b", channels=(), finite=True, most=1e30)
    if a.shape != b.shape or a.dtype != b.dtype:
        raise InputError(f"blend: b must have the shape and dtype of a, {describe(a)}; got {describe(b)}.")
    if isinstance(mask, np.ndarray) and mask.dtype == np.bool_:
        return a, b, as_mask("blend", mask, shape=(a.shape[0], a.shape[1])).astype(np.float32)
    wanted = isinstance(mask, np.ndarray) and mask.dtype.name == "float32" and mask.shape == a.shape[:2]
    if not wanted:
        size = f"{a.shape[0]}×{a.shape[1]}"
        raise InputError(f"blend: mask must be {size} bool or float32; got {describe(mask)}. Compare first: mask > 0.")
    if not (mask.min() >= 0 and mask.max() <= 1):
        raise InputError(
            f"blend: mask must lie in 0–1; got {mask.min():g} to {mask.max():g}. Divide it by its maximum."
        )
    return a, b, np.require(mask, np.float32, "C").copy()
