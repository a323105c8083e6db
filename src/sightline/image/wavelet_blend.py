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
from sightline.core.kernels import over_rows
from sightline.core.layers import Mask as MaskLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Mask, Range
from sightline.image.dwt import Wavelets, channels_of, dwt, levels_within
from sightline.image.wavelet_bands import Halving, Rows
from sightline.image.wavelet_cascade import Cascade
from sightline.image.wavelets import Filters, filters_of


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
    levels = _levels_for(a, levels)
    result = output("wavelet_blend", out, a.shape, a.dtype, [a, b])
    weights = _Weights(mask, wavelet, levels)
    planes = list(zip(channels_of(a), channels_of(b), channels_of(result), strict=True))
    for left in range(len(planes), 0, -1):
        _blend(*planes[-left], weights, filters_of("wavelet_blend", wavelet), levels, last=left == 1)
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


class _Weights:
    """The mask at the size of each level's bands; at the finest level's, made of the mask where it is asked for."""

    def __init__(self, mask: np.ndarray, wavelet: str, levels: int) -> None:
        self._filters, self._levels = filters_of("wavelet_blend", wavelet), levels
        self._mask, self._finest = mask, Halving(self._filters, mask.shape)
        self._below: list[np.ndarray] = []

    def make(self) -> None:
        """Make those of all levels but the finest, where they are not there."""
        rows, shape = self._under_mask, self._finest.half
        while len(self._below) < self._levels - 1:
            level = Halving(self._filters, shape)
            weights = np.empty(level.half, np.float32)
            over_rows(_halve_rows, level.half[0], level, rows, weights, strip=self._finest.strip)
            self._below.append(weights)
            rows, shape = _rows_of(weights), level.half

    def drop(self) -> None:
        """Forget what :meth:`make` made."""
        self._below.clear()

    def rows(self, number: int, y0: int, y1: int) -> np.ndarray:
        """Return rows of the weights of level ``number``, of which 1 is the finest: float32, 0–1."""
        return self._under_mask(y0, y1) if number == 1 else self._below[number - 2][y0:y1]

    def _under_mask(self, y0: int, y1: int) -> np.ndarray:
        return _halved(self._finest, _rows_of(self._mask), y0, y1)


def _rows_of(plane: np.ndarray) -> Rows:
    return lambda y0, y1: plane[y0:y1]


def _halved(level: Halving, rows: Rows, y0: int, y1: int) -> np.ndarray:
    """Return rows of the weights at half the size; a low-pass filter sums to √2 along each axis."""
    return np.clip(level.bands(rows, y0, y1)[0] / 2, 0, 1).astype(np.float32)


def _halve_rows(level: Halving, rows: Rows, weights: np.ndarray, y0: int, y1: int) -> None:
    weights[y0:y1] = _halved(level, rows, y0, y1)


def _blend(
    a: np.ndarray, b: np.ndarray, blended: np.ndarray, weights: _Weights, filters: Filters, levels: int, *, last: bool
) -> None:
    """Write b and, band by band, the mask's share of what a differs by: the transform of a sum is a sum.

    Weights are made when the bands of one channel are there, and dropped when those of the ``last`` one are changed.
    """

    def difference(y0: int, y1: int) -> np.ndarray:
        return np.subtract(a[y0:y1], b[y0:y1], dtype=np.float64)

    def change(number: int, y: int, bands: list[np.ndarray]) -> None:
        share = weights.rows(number, y, y + len(bands[0]))
        for band in bands:
            band *= share

    def finish(y: int, values: np.ndarray) -> None:
        values += b[y : y + len(values)]

    cascade = Cascade(difference, a.shape, filters, levels)
    weights.make()
    cascade.change(change)
    if last:
        weights.drop()
    cascade.write(blended, finish)


def _mixed(a: np.ndarray, b: np.ndarray, mask: np.ndarray, levels: int, wavelet: str) -> Wavelets:
    """Return the bands of ``a`` and ``b`` mixed under the mask's weights at each size, to look at them."""
    first, second = dwt(a, wavelet, levels), dwt(b, wavelet, levels)
    weights = _Weights(mask, wavelet, levels)
    weights.make()

    def mixed(number: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        share = weights.rows(number, 0, len(one))
        return other + (share if one.ndim == 2 else share[..., None]) * (one - other)

    details = [
        tuple(mixed(levels - index, *bands) for bands in zip(first[index + 1], second[index + 1], strict=True))
        for index in range(levels)
    ]
    approximation = mixed(levels, first.approximation, second.approximation)
    return replace(first, approximation=approximation, details=tuple(details))  # type: ignore[arg-type]
