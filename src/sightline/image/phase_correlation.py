"""Phase correlation: how far one picture is shifted against another, read off the phases of their waves.

Kuglin and Hines 1975, "The Phase Correlation Image Alignment Method", Proc. Int. Conf. Cybernetics and Society; to a
fraction of a pixel by Guizar-Sicairos, Thurman and Fienup 2008, "Efficient Subpixel Image Registration Algorithms",
Optics Letters 33(2): the surface is computed anew around its peak, on a finer grid, by two products of matrices. It has
no waves shorter than two pixels, so that a few samples (at the nodes of Chebyshev) say what it is anywhere near.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag, integer
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.image.fft import from_half_transform
from sightline.image.gradient import as_gray
from sightline.image.row_column import Waves, columns_of
from sightline.image.scipy_fft import scipy_fft
from sightline.image.spectrum_store import BLOCK, FloatStore, NarrowStore

_AROUND, _FINER = 0.75, 10  # a finer grid reaches that far from the last peak, in steps of the last one
_SAMPLES = 14  # along each axis, over two pixels: they give the surface to 1e-7
_TINY = np.float32(1e-20)
_LARGE = 1 << 21  # pixels; to make numbers shorter takes time


@dataclass(frozen=True)
class Shift:
    """How far a picture's content moved: what is at (x, y) in the first is at (x + dx, y + dy) in the second.

    Parameters
    ----------
    dx, dy
        Pixels to the right and down.
    response
        Height of the peak, at most 1, which two pictures reach that differ by nothing but a whole shift around the
        border.
    """

    dx: float
    dy: float
    response: float


@method(
    task="registration",
    paper="Kuglin & Hines 1975",
    lesson="w1d7",
    example={"b": lambda image: image},
)
def phase_correlation(
    a: Image,
    b: Image,
    *,
    upsample: Annotated[int, Range(1, 1000, 1)] = 100,
    taper: bool = True,
) -> Shift:
    """Return by how much ``b`` is shifted against ``a``.

    The transform takes both pictures as repeated in all directions, so that a shift beyond half the size is taken for
    one the other way. NaN and infinity are refused.

    Parameters
    ----------
    a, b
        H×W, or H×W×3, which are turned to grey first; uint8, uint16 or finite float32; both of one height and width.
    upsample
        The shift is found to 1 / ``upsample`` pixels, 1–10000.
    taper
        Fade both pictures out towards their borders by a Hann window, without their mean: borders of photographs do not
        fit together, and would correlate at shift 0. Leave it out for pictures that do wrap around.

    Returns
    -------
    Shift
        ``dx`` and ``dy`` in pixels, positive to the right and down, and the height of the peak.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.random.default_rng(0).random((64, 64), np.float32)
    >>> shift = phase_correlation(a, np.roll(a, (3, -7), (0, 1)), taper=False)
    >>> shift.dx, shift.dy, round(shift.response, 3)
    (-7.0, 3.0, 1.0)

    References
    ----------
    C. D. Kuglin, D. C. Hines, "The Phase Correlation Image Alignment Method", Proc. IEEE International Conference on
    Cybernetics and Society, 1975.

    M. Guizar-Sicairos, S. T. Thurman, J. R. Fienup, "Efficient Subpixel Image Registration Algorithms", Optics Letters
    33(2), 2008.
    """
    upsample = integer("phase_correlation", "upsample", upsample, 1, 10000)
    phases = _phases(a, b, taper)
    return _shift(phases, *_highest(phases), upsample)


@phase_correlation.steps
def _steps(a: Image, b: Image, *, upsample: int = 100, taper: bool = True) -> Iterator[Step]:
    phases = _phases(a, b, taper)
    height, width = a.shape[:2]
    cross = phases.transforms(0, phases.count)
    yield Step("phases", Heat(np.fft.fftshift(np.angle(cross), axes=0)), note="Of the waves of b against those of a.")
    surface = from_half_transform(cross, a.shape)
    y, x, _ = _highest(phases)
    result = phase_correlation(a, b, upsample=upsample, taper=taper)
    peak = np.array([[width // 2 + result.dx, height // 2 + result.dy]])
    note = "One peak, where all waves agree; no shift is in the middle."
    yield Step("surface", Heat(np.fft.fftshift(surface)), Points(peak), note=note)
    offsets = np.linspace(-1, 1, 41)
    closer = _near(_samples(phases, y, x), offsets, offsets)
    yield Step("around the peak", Heat(closer), note="Two pixels of it, computed anew at every 1/20 pixel.")
    yield Step("shift", Value(result), note="Where the finest peak is.")


def _phases(a: Any, b: Any, taper: bool) -> Waves:
    """Return the normalised cross-power spectrum, transformed back along its columns."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.shape[:2] != b.shape[:2]:
        raise InputError(
            f"phase_correlation: b must have the height and width of a, {'×'.join(map(str, a.shape[:2]))}; "
            f"got {describe(b)}."
        )
    taper = flag("phase_correlation", "taper", taper)
    first, second = (_transformed(as_gray("phase_correlation", picture), taper) for picture in (a, b))

    def compare(waves: Array, u0: int, u1: int) -> None:
        _compare(waves.view(np.float32), second.transforms(u0, u1).view(np.float32))

    def columns(u0: int, u1: int) -> None:
        first.columns(u0, u1, compare)

    over_rows(columns, first.count, strip=columns_of(first.shape[0]))
    return first


def _transformed(picture: Array, taper: bool) -> Waves:
    """Return the transforms of the rows; of a large picture of bytes, which are coarser, 16 bits a number."""
    height, width = picture.shape
    narrow = picture.dtype == np.uint8 and picture.size > _LARGE
    waves = Waves(
        picture.shape, store=NarrowStore(height, width, None, 2) if narrow else FloatStore(height, width, None)
    )
    down, across = (np.sin(np.pi * (np.arange(n) + 0.5) / n).astype(np.float32) ** 2 for n in picture.shape)
    mean = np.float32(sum(over_rows(_sum, height, picture)) / picture.size)
    if not np.isfinite(mean):
        as_gray("phase_correlation", picture, finite=True)

    def rows(y0: int, y1: int) -> None:
        if not taper:
            strip = picture[y0:y1].astype(np.float32, copy=False)
        else:
            strip = np.empty((y1 - y0, width), np.float32)
            _fade(picture[y0:y1], mean, down[y0:y1], across, strip)
        waves.rows(y0, strip)

    over_rows(rows, height, strip=2 * BLOCK)
    return waves


def _highest(phases: Waves) -> tuple[int, int, float]:
    """Return (dy, dx) and height of the surface's peak; what is beyond half the size lies on the other side of 0."""
    height, width = phases.shape

    def rows(y0: int, y1: int) -> tuple[float, int]:
        strip = phases.rows_back(y0, y1)
        place = int(strip.argmax())
        return float(strip.flat[place]), -(y0 * width + place)

    top, place = max(over_rows(rows, height, strip=2 * BLOCK))
    y, x = divmod(-place, width)
    return (y if y <= height // 2 else y - height), (x if x <= width // 2 else x - width), top


def _refined(samples: Array, upsample: int) -> tuple[float, float, float]:
    """Return (dy, dx) of the peak from the middle of the samples, a multiple of 1/upsample, and its height."""
    step, y, x, height = 1.0, 0.0, 0.0, 0.0
    while step > 1 / upsample:  # ten times finer in each round, around the best of the last one
        before, step = step, max(step / _FINER, 1 / upsample)
        reach = int(np.ceil(before * _AROUND / step))
        offsets = np.arange(-reach, reach + 1) * step
        fine = _near(samples, y + offsets, x + offsets)
        i, k = divmod(int(fine.argmax()), len(offsets))
        y, x, height = y + offsets[i], x + offsets[k], float(fine[i, k])
    return y, x, height


def _samples(phases: Waves, y: int, x: int) -> Array:
    """Return the surface at the nodes within a pixel of (y, x): a transform back, by two products of matrices."""
    nodes = _nodes()
    height, width = phases.shape
    v, u = np.fft.fftfreq(height), np.fft.rfftfreq(width)
    twice = np.where(
        (u > 0) & (u < 0.5), np.float32(2), np.float32(1)
    )  # the frequencies u < 0 are the conjugates of these
    down, across = _waves(y + nodes, v), _waves(x + nodes, u)
    # The columns are transformed back already: between their numbers, they are the sum of the waves of each one alone.
    down = scipy_fft().fft(down, axis=1, overwrite_x=True)
    half = np.empty((_SAMPLES, u.size), np.complex64)

    def columns(u0: int, u1: int) -> None:
        _multiply(down.view(np.float32), phases.strip(u0, u1).view(np.float32), half.view(np.float32), u0)

    over_rows(columns, u.size, strip=columns_of(height))
    # No library of linear algebra: for so few numbers it would wake threads that go on spinning beside ours.
    sums = np.einsum("iu,ku->ik", (half * twice).astype(np.complex128), across.astype(np.complex128))
    return sums.real / (height * width)


def _near(samples: Array, rows: Array, columns: Array) -> Array:
    """Return the surface at fractions of a pixel, at most 1, from the middle of the samples."""
    inverse = np.linalg.inv(chebvander(_nodes(), _SAMPLES - 1))
    return chebvander(rows, _SAMPLES - 1) @ inverse @ samples @ (chebvander(columns, _SAMPLES - 1) @ inverse).T


def _nodes() -> Array:
    return np.cos(np.pi * (np.arange(_SAMPLES) + 0.5) / _SAMPLES)


def _waves(places: Array, frequencies: Array) -> Array:
    """Return exp(2πi · place · frequency), complex64."""
    turns = np.outer(places, frequencies)
    angles = (2 * np.pi * (turns - np.rint(turns))).astype(np.float32)
    return np.cos(angles) + np.complex64(1j) * np.sin(angles)


def _shift(phases: Waves, y: int, x: int, height: float, upsample: int) -> Shift:
    shape = phases.shape
    if upsample == 1:
        return Shift(float(x), float(y), height)
    further_y, further_x, height = _refined(_samples(phases, y, x), upsample)
    dy = round((y + further_y) * upsample) / upsample if shape[0] > 1 else 0.0  # one row tells nothing of dy
    dx = round((x + further_x) * upsample) / upsample if shape[1] > 1 else 0.0
    return Shift(dx, dy, height)


# Scratch memory is handed over: loops over arrays that are made in the same function are not vectorised.
@kernel
def _sum(picture, y0, y1):
    sums = np.zeros(picture.shape[1], np.float64)
    _add_rows(sums, picture, y0, y1)
    return sums.sum()


@kernel
def _add_rows(sums, picture, y0, y1):
    for y in range(y0, y1):
        row = picture[y]
        for x in range(row.size):
            sums[x] += np.float64(row[x])


@kernel
def _fade(picture, mean, down, across, out):
    for y in range(len(out)):
        row, result, weight = picture[y], out[y], down[y]
        for x in range(row.size):
            result[x] = (row[x] - mean) * (weight * across[x])


# Complex numbers as pairs of neighbours.
@kernel(contract=True)
def _compare(first, second):
    """Write conj(first) · second, of length 1, over the first."""
    for v in range(len(first)):
        one, other = first[v], second[v]
        for u in range(one.size // 2):
            a, b, c, d = one[2 * u], one[2 * u + 1], other[2 * u], other[2 * u + 1]
            length = np.sqrt(a * a + b * b) * np.sqrt(c * c + d * d)  # one by one: their product's square overflows
            scale = np.float32(1) / max(length, _TINY)
            one[2 * u], one[2 * u + 1] = (a * c + b * d) * scale, (a * d - b * c) * scale


@kernel(contract=True)
def _multiply(left, right, out, u0):
    """Write the product of two complex matrices to the columns from ``u0`` on."""
    count = right.shape[1] // 2
    _sum_products(left, right, out, u0, np.empty((2, count), np.float32), np.zeros((2, len(left), count), np.float32))


@kernel(contract=True)
def _sum_products(left, right, out, u0, parts, sums):
    real, imaginary = parts[0], parts[1]
    for v in range(len(right)):
        row = right[v]
        for u in range(real.size):
            real[u], imaginary[u] = row[2 * u], row[2 * u + 1]
        for i in range(len(left)):
            a, b = left[i, 2 * v], left[i, 2 * v + 1]
            total, other = sums[0, i], sums[1, i]
            for u in range(real.size):
                total[u] += a * real[u] - b * imaginary[u]
                other[u] += a * imaginary[u] + b * real[u]
    for i in range(len(left)):
        for u in range(real.size):
            out[i, 2 * (u0 + u)], out[i, 2 * (u0 + u) + 1] = sums[0, i, u], sums[1, i, u]
