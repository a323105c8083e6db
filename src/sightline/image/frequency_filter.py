"""Filtering in the frequency domain: transform, weigh each frequency, transform back.

Gonzalez and Woods 2018, "Digital Image Processing", 4th ed., sections 4.8 to 4.10, which the code follows in its order;
Butterworth 1930, "On the Theory of Filter Amplifiers", Experimental Wireless 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, integer, number, output
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, Range
from sightline.image.border import BORDERS, source_indices
from sightline.image.fft import half_transform
from sightline.image.row_column import extent, filter_rows_and_columns, frequencies, rows_of, rows_to, weighing

KINDS, BANDS = ("ideal", "butterworth", "gaussian"), ("low", "high", "band", "reject", "notch")
_TINY = 1e-30
_CUTOFFS = 1e-70, 1e70  # beyond these, squares of squares leave the floats; no frequency is near to either


@method(task="frequency", paper="Gonzalez & Woods 2018", lesson="w1d7")
def frequency_filter(
    image: Image,
    kind: Annotated[str, Choice(*KINDS)] = "gaussian",
    band: Annotated[str, Choice(*BANDS)] = "low",
    cutoff: Annotated[float, Range(0.001, 0.5, 0.001)] = 0.1,
    *,
    width: Annotated[float, Range(0.001, 0.5, 0.001)] = 0.05,
    order: Annotated[int, Range(1, 10, 1)] = 2,
    centres: Sequence[tuple[float, float]] = ((0.25, 0.0),),
    border: Annotated[str, Choice("wrap", "reflect", "symmetric", "edge")] = "wrap",
    out: Array | None = None,
) -> Image:
    """Return ``image`` with some of its frequencies kept and the others taken away.

    Frequencies are in cycles per pixel: 0.5 is a change at every pixel, 0.1 a wave of ten pixels. NaN and infinity are
    refused.

    Parameters
    ----------
    image
        H×W or H×W×3, each channel by itself; uint8, uint16 or finite float32.
    kind
        How the filter falls off: ``"ideal"`` at once (and rings), ``"butterworth"`` by ``order``, ``"gaussian"``
        smoothly.
    band
        ``"low"`` keeps what is slower than ``cutoff``, ``"high"`` what is faster, ``"band"`` a ring of ``width``
        around ``cutoff``, ``"reject"`` all but that ring, and ``"notch"`` all but discs of radius ``cutoff`` around
        ``centres`` and their mirror images.
    cutoff
        Distance from frequency 0, in cycles per pixel, > 0. There a Butterworth filter is ½, a Gaussian exp(−½).
    width
        Of the ring, in cycles per pixel, > 0; only for ``"band"`` and ``"reject"``.
    order
        Steepness of a Butterworth filter, 1–20.
    centres
        Frequencies (u, v), u along x and v along y, in cycles per pixel, −0.5 to 0.5; only for ``"notch"``.
    border
        ``"wrap"`` filters the image as the transform takes it, repeated in all directions. The others go on beyond the
        border for half a height and half a width first (``"reflect"`` 2 1 | 0 1 2, ``"symmetric"`` 1 0 | 0 1 2,
        ``"edge"`` 0 0 | 0 1 2), so that opposite borders do not mix.
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The filtered image, same shape and dtype. Where frequency 0 is taken away, values lie around 0: whole numbers are
    cut off there, so give float32 to see both signs.

    Examples
    --------
    >>> import numpy as np
    >>> wave = np.array([[3, 1, 3, 1, 3, 1, 3, 1]], np.float32)
    >>> frequency_filter(wave, "ideal", "low", 0.4).round(3).tolist()
    [[2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0]]

    References
    ----------
    R. C. Gonzalez, R. E. Woods, "Digital Image Processing", 4th ed., Pearson, 2018, sections 4.8 to 4.10.
    """
    image, transferred = _prepared(image, kind, band, cutoff, width, order, centres, border)
    result = output("frequency_filter", out, image.shape, image.dtype, [image])
    # Mirrored at its borders, an image is a sum of cosines, whose notches would be those of the mirrored centres, too.
    even = border == "symmetric" and band != "notch"
    weigh = weighing(transferred, image.shape, border, mirrored=band != "notch", even=even)
    filter_rows_and_columns(rows_of(image), weigh, rows_to(result), image.shape, result, border=border, even=even)
    return result


@frequency_filter.steps
def _steps(
    image: Image,
    kind: str = "gaussian",
    band: str = "low",
    cutoff: float = 0.1,
    *,
    width: float = 0.05,
    order: int = 2,
    centres: Sequence[tuple[float, float]] = ((0.25, 0.0),),
    border: str = "wrap",
    out: Array | None = None,
) -> Iterator[Step]:
    image, transferred = _prepared(image, kind, band, cutoff, width, order, centres, border)
    padded = continued(image, border)
    v, u = frequencies(image.shape, border)
    transform, weights = half_transform(padded), transferred(v[:, None], u)
    yield Step("spectrum", Heat(_look(transform, padded.shape)), note="log(1 + |F|), frequency 0 in the middle.")
    whole = np.fft.fftshift(_mirrored(weights, padded.shape[1]))
    yield Step("transfer function", Heat(whole), note=f"{kind} {band}: how much of each frequency stays.")
    kept = _look(transform * (weights if image.ndim == 2 else weights[..., None]), padded.shape)
    yield Step("filtered spectrum", Heat(kept), note="Their product.")
    options = {"width": width, "order": order, "centres": centres, "border": border, "out": out}
    yield Step("result", Picture(frequency_filter(image, kind, band, cutoff, **options)), note="Transformed back.")


def _prepared(
    image: Any, kind: str, band: str, cutoff: float, width: float, order: int, centres: Any, border: str
) -> tuple[Array, Callable[[Array, Array], Array]]:
    """Return the checked image and the transfer function: how much stays of frequencies v (upright) and u."""
    image = as_image("frequency_filter", image, finite=True, most=1e30)
    choice("frequency_filter", "kind", kind, KINDS)
    choice("frequency_filter", "band", band, BANDS)
    cutoff = number("frequency_filter", "cutoff", cutoff, above=0, unit="cycles per pixel")
    width = number("frequency_filter", "width", width, above=0, unit="cycles per pixel")
    order = integer("frequency_filter", "order", order, 1, 20)
    choice("frequency_filter", "border", border, BORDERS)
    checked = _checked_centres(centres)
    notches = checked if band == "notch" else None

    def transferred(v: Array, u: Array) -> Array:
        if notches is None:
            weights = transfer(kind, band, u**2 + v**2, cutoff, width, order)
        else:
            weights = np.ones((v.size, u.size))
            for a, b in (*notches, *-notches):  # the distance to a frequency goes around, as frequencies do
                du, dv = (u - a + 0.5) % 1 - 0.5, (v - b + 0.5) % 1 - 0.5
                weights *= 1 - _low_pass(kind, du**2 + dv**2, cutoff, order)
        return weights.astype(np.float32, copy=False)

    return image, transferred


def transfer(kind: str, band: str, squared: Array, cutoff: float, width: float, order: int) -> Array:
    """Return how much of the frequencies at the given squared distances from 0 stays."""
    cutoff, width = (min(max(float(length), _CUTOFFS[0]), _CUTOFFS[1]) for length in (cutoff, width))
    if band in ("low", "high"):
        low = _low_pass(kind, squared, cutoff, order)
        return low if band == "low" else 1 - low
    if kind == "ideal":
        ring = (np.abs(np.sqrt(squared) - cutoff) <= width / 2).astype(np.float64)
    else:
        ratio = squared * width**2 / np.maximum((squared - cutoff**2) ** 2, _TINY)  # (D·W / (D² − D0²))²
        power = np.minimum(ratio, 1e12) ** order
        ring = power / (1 + power) if kind == "butterworth" else np.exp(-1 / np.maximum(ratio, _TINY))
    return ring if band == "band" else 1 - ring


def _low_pass(kind: str, squared: Array, cutoff: float, order: int) -> Array:
    if kind == "ideal":
        return (squared <= cutoff**2).astype(np.float32)
    with np.errstate(over="ignore"):  # of what is beyond the floats, nothing stays: 1 / ∞
        ratio = (squared / cutoff**2).astype(np.float32)
        if kind == "gaussian":
            return np.exp(np.float32(-0.5) * ratio)
        power = ratio.copy()
        for _ in range(order - 1):
            power *= ratio
    return np.float32(1) / (np.float32(1) + power)


def _checked_centres(centres: Any) -> Array:
    try:
        table = np.asarray(centres, np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    pairs = table.ndim == 2 and table.shape[-1] == 2 and table.size > 0
    if not pairs or not (np.abs(table) <= 0.5).all():
        raise InputError(
            f"frequency_filter: centres must be pairs (u, v) of numbers in -0.5–0.5; got {describe(centres)}."
        )
    return table


def continued(image: Array, border: str) -> Array:
    """Return the image as float32, gone on beyond its border by half its size."""
    if border == "wrap":
        return image.astype(np.float32, copy=False)
    rows, columns = (source_indices(size, extent(size, border)[0], border) for size in image.shape[:2])
    return image[rows[:, None], columns].astype(np.float32, copy=False)


def _look(transform: Array, shape: tuple[int, ...]) -> Array:
    strength = np.abs(transform if transform.ndim == 2 else transform.mean(axis=2))
    return np.fft.fftshift(np.log1p(_mirrored(strength, shape[1])))


def _mirrored(half: Array, width: int) -> Array:
    """Return values at all frequencies from those with u ≥ 0 of a real image."""
    rest = half[:, 1 : width - half.shape[1] + 1][:, ::-1]
    return np.concatenate([half, np.roll(rest[::-1], 1, axis=0)], axis=1)
