"""Wavelet blending: two pictures joined band by band, each band with the mask at its own size.

Burt & Adelson 1983, "A multiresolution spline with application to image mosaics", ACM TOG 2(4), with the bands of an
orthonormal wavelet transform in place of a Laplacian pyramid's (Mallat 1989): as many numbers as pixels, three
directions at each size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, as_mask, describe, output
from sightline.core.errors import InputError
from sightline.core.layers import Mask as MaskLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Mask, Range
from sightline.image.dwt import Wavelets, dwt, levels_within, reconstructed
from sightline.image.wavelets import filters_of


def _left_half(a: np.ndarray) -> np.ndarray:
    return np.arange(a.shape[1])[None, :] < np.full((a.shape[0], 1), a.shape[1] / 2)


@method(
    task="blending",
    paper="Burt & Adelson 1983",
    lesson="w2d4",
    example={"b": lambda a: a[::-1].copy(), "mask": _left_half},
)
def wavelet_blend(
    a: Image,
    b: Image,
    mask: Mask,
    levels: Annotated[int, Range(1, 12)] | None = None,
    *,
    wavelet: str = "db2",
    out: Array | None = None,
) -> Image:
    """Return ``a`` where the mask is true and ``b`` elsewhere, without a visible seam.

    NaN and infinity are refused: they would spread over the seam.

    Parameters
    ----------
    a
        H×W or H×W×C; uint8, uint16 or float32.
    b
        Same shape and dtype.
    mask
        H×W bool: where ``a`` is shown.
    levels
        Number of halvings: coarse bands are mixed over about 2^levels pixels. None takes as many as fit, at most six.
    wavelet
        As in ``dwt``.
    out
        Array to write to, of the shape and dtype of ``a``; None for a new one.

    Returns
    -------
    Image
        Same shape and dtype.

    Raises
    ------
    InputError
        When the pictures or the mask differ in shape, or the pictures in dtype.

    References
    ----------
    P. J. Burt, E. H. Adelson, "A multiresolution spline with application to image mosaics", ACM Transactions on
    Graphics 2(4), 1983.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.full((4, 8), 200, np.uint8), np.full((4, 8), 100, np.uint8)
    >>> left = np.arange(8)[None, :] < np.full((4, 1), 4)
    >>> wavelet_blend(a, b, left, 1, wavelet="haar")[0].tolist()
    [200, 200, 200, 200, 100, 100, 100, 100]
    """
    a, b, mask = _checked(a, b, mask, wavelet)
    mixed = _mixed(a, b, mask, _levels_for(a, levels), wavelet)
    result = output("wavelet_blend", out, a.shape, a.dtype, [a, b])
    values = reconstructed(mixed)
    if a.dtype.kind == "u":
        values = np.clip(np.rint(values), 0, np.iinfo(a.dtype).max)
    result[...] = values
    return result


@wavelet_blend.steps
def _steps(
    a: Image, b: Image, mask: Mask, levels: int | None = None, *, wavelet: str = "db2", out: Array | None = None
) -> Iterator[Step]:
    a, b, mask = _checked(a, b, mask, wavelet)
    yield Step("a", Picture(a), MaskLayer(mask))
    yield Step("b", Picture(b))
    count = _levels_for(a, levels)
    for name, image in (("bands of a", a), ("bands of b", b)):
        yield Step(name, Picture(dwt(image, wavelet, count).mosaic()))
    yield Step(
        "bands mixed", Picture(_mixed(a, b, mask, count, wavelet).mosaic()), note="The mask is halved with them."
    )
    yield Step("blended", Picture(wavelet_blend(a, b, mask, levels, wavelet=wavelet, out=out)))


def _checked(a: Any, b: Any, mask: Any, wavelet: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    a = as_image("wavelet_blend", a, argument="a", channels=(), finite=True)
    b = as_image("wavelet_blend", b, argument="b", channels=(), finite=True)
    if a.shape != b.shape or a.dtype != b.dtype:
        raise InputError(f"wavelet_blend: b must be {describe(a)} like a; got {describe(b)}. Resize or convert it.")
    filters_of("wavelet_blend", wavelet)
    return a, b, as_mask("wavelet_blend", mask, shape=a.shape[:2])


def _levels_for(a: np.ndarray, levels: int | None) -> int:
    if levels is not None:
        return levels_within("wavelet_blend", a, levels)
    return max(1, min(6, int(np.log2(min(a.shape[:2])))))


def _mixed(a: np.ndarray, b: np.ndarray, mask: np.ndarray, levels: int, wavelet: str) -> Wavelets:
    """Return the bands of ``a`` and ``b`` mixed under the mask's approximation at each size."""
    first, second = dwt(a, wavelet, levels), dwt(b, wavelet, levels)
    weights = mask.astype(np.float32)
    details, approximation = [], first.approximation
    for level in range(levels, 0, -1):
        halved = dwt(weights, wavelet, 1).approximation / 2  # a low-pass filter sums to √2 along each axis
        weights = np.clip(halved, 0, 1).astype(np.float32)
        share = weights if first.approximation.ndim == 2 else weights[..., None]
        bands = zip(first[level], second[level], strict=True)
        details.insert(0, tuple(share * one + (1 - share) * other for one, other in bands))
        approximation = (
            share * first.approximation + (1 - share) * second.approximation if level == 1 else approximation
        )
    return replace(first, approximation=approximation, details=tuple(details))
