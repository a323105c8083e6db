"""Multi-band blending: two images are joined under a mask, fine details over a short distance, broad ones over a long.

Burt & Adelson 1983, "A multiresolution spline with application to image mosaics", ACM Transactions on Graphics 2(4),
which the code follows in its order.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, describe, integer, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Grid, Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Mask, Range
from sightline.image.correlation import finish
from sightline.image.gaussian_pyramid import MOST, expand_row, pyramid_of, reduce_read
from sightline.image.laplacian_pyramid import bands_of

_STRIP = 32


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
    _blend(a, b, share, levels, result)
    return result


@blend.steps
def _(a: Image, b: Image, mask: Array, levels: int = 6, *, out: Array | None = None) -> Iterator[Step]:
    a_, b_, share = _checked(a, b, mask)
    levels = integer("blend", "levels", levels, 1, MOST)
    share = share.astype(np.float32)
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


def _blend(a: Array, b: Array, share: Array, levels: int, result: Array) -> None:
    """Add to ``b`` the bands of ``a - b``, each times its mask: the same sum, of one pyramid instead of two."""
    weights = []
    if levels > 1:
        first = reduce_read(lambda y0, y1: share[y0:y1].astype(np.float32), share.shape)
        weights = pyramid_of(first, levels - 1)
    planes = [(a, b, result)] if a.ndim == 2 else [(a[..., c], b[..., c], result[..., c]) for c in range(a.shape[2])]
    for index, plane in enumerate(planes):  # a channel's pyramids are all that is there of floats
        last = index == len(planes) - 1
        _blend_plane(*plane, share, weights if last else list(weights), keep=not last)


def _blend_plane(a: Array, b: Array, result: Array, share: Array, weights: list[Array], *, keep: bool) -> None:
    def less(y0: int, y1: int) -> Array:
        return np.subtract(a[y0:y1], b[y0:y1], dtype=np.float32)

    coarse = total = np.empty((0, 0), np.float32)
    if weights:
        differences = pyramid_of(reduce_read(less, a.shape), len(weights))
        coarse, total = _mixed_from(differences, weights, keep)

    def strip(y0: int, y1: int) -> None:
        rows, weight = less(y0, y1), share[y0:y1].astype(np.float32, copy=False)
        if coarse.size:
            _mix(rows, weight, coarse, total, rows, y0)
        else:
            rows *= weight
        rows += b[y0:y1]
        finish(rows, result[y0:y1])

    over_rows(strip, len(a), strip=_STRIP)


def _mixed_from(differences: list[Array], weights: list[Array], keep: bool) -> tuple[Array, Array]:
    """Return the finest level of a Gaussian pyramid, and the sum of its bands, each times its mask.

    Both lists are emptied: no level is needed once the next finer one is there. The masks are written over, or kept.
    """
    coarse = differences.pop()
    total = coarse * weights.pop()
    while differences:
        fine, weight = differences.pop(), weights.pop()
        finer = empty(fine.shape, np.float32) if keep else weight
        over_rows(_mix_strip, len(fine), fine, weight, coarse, total, finer, strip=_STRIP)
        coarse, total = fine, finer
    return coarse, total


def _mix_strip(fine: Array, weight: Array, coarse: Array, total: Array, out: Array, y0: int, y1: int) -> None:
    _mix(fine[y0:y1], weight[y0:y1], coarse, total, out[y0:y1], y0)


def _mix(fine: Array, weight: Array, coarse: Array, total: Array, out: Array, y0: int) -> None:
    """Write rows of weight · (fine − coarse at twice the size) + total at twice the size, from row ``y0`` on.

    The result may be written over what comes in.
    """
    n = coarse.shape[1]
    line, wide = np.empty(n + 2, np.float32), np.empty((3, 2 * n), np.float32)
    _mix_rows(fine, weight, coarse, total, out, line, wide[0], wide[1], wide[2, :n], wide[2, n:], y0)


@kernel
def _mix_rows(fine, weight, coarse, total, out, line, detail, broad, old, new, y0):
    for y in range(len(fine)):
        expand_row(coarse, y0 + y, 1, line, detail, old, new)
        expand_row(total, y0 + y, 1, line, broad, old, new)
        row, share, result = fine[y], weight[y], out[y]
        for x in range(row.size):
            result[x] = share[x] * (row[x] - detail[x]) + broad[x]


def _checked(a: Any, b: Any, mask: Any) -> tuple[Array, Array, Array]:
    a = as_image("blend", a, argument="a", channels=(), finite=True, most=1e30)
    b = as_image("blend", b, argument="b", channels=(), finite=True, most=1e30)
    if a.shape != b.shape or a.dtype != b.dtype:
        raise InputError(f"blend: b must have the shape and dtype of a, {describe(a)}; got {describe(b)}.")
    if isinstance(mask, np.ndarray) and mask.dtype == np.bool_:
        return a, b, as_mask("blend", mask, shape=(a.shape[0], a.shape[1]))
    wanted = isinstance(mask, np.ndarray) and mask.dtype.name == "float32" and mask.shape == a.shape[:2]
    if not wanted:
        size = f"{a.shape[0]}×{a.shape[1]}"
        raise InputError(f"blend: mask must be {size} bool or float32; got {describe(mask)}. Compare first: mask > 0.")
    if not (mask.min() >= 0 and mask.max() <= 1):
        raise InputError(
            f"blend: mask must lie in 0–1; got {mask.min():g} to {mask.max():g}. Divide it by its maximum."
        )
    return a, b, np.require(mask, np.float32, "C")
