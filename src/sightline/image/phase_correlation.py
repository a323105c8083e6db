"""Phase correlation: how far one picture is shifted against another, read off the phases of their waves.

Kuglin and Hines 1975, "The Phase Correlation Image Alignment Method", Proc. Int. Conf. Cybernetics and Society; to a
fraction of a pixel by Guizar-Sicairos, Thurman and Fienup 2008, "Efficient Subpixel Image Registration Algorithms",
Optics Letters 33(2): the surface is computed anew around its peak, on a finer grid, by two products of matrices. It has
no waves shorter than two pixels, so that a few samples (at the nodes of Chebyshev) say what it is anywhere near.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.polynomial.chebyshev import chebvander

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import describe, flag, integer
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Heat, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.core.vectors import LANES, load, store
from sightline.image.fft import from_half_transform
from sightline.image.gradient import as_gray
from sightline.image.row_column import Waves
from sightline.image.scipy_fft import scipy_fft
from sightline.image.spectrum_room import Room
from sightline.image.spectrum_store import BLOCK, FloatStore

_AROUND, _FINER = 0.75, 10  # a finer grid reaches that far from the last peak, in steps of the last one
_SAMPLES = 14  # along each axis, over two pixels: they give the surface to 1e-7
_AT_ONCE = 32  # rows of a matrix that stay near while they are multiplied
_TINY = np.float32(1e-20)
_LARGE, _HUGE = 1 << 21, 1 << 24  # pixels: to make numbers shorter takes time, to transform rows twice even more


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
    a, b = (as_gray("phase_correlation", picture) for picture in (a, b))
    readers, (height, width) = (_reader(a, taper), _reader(b, taper)), a.shape
    step = _columns_at_once(height)
    if a.dtype == b.dtype == np.uint8 and a.size > _LARGE:  # these are coarser
        room = Room(height, width, 2 * step, whole=a.size < _HUGE)
        phases = Waves(a.shape, store=room.kept)
        for start, end, *stores in room.groups():
            spectra = [Waves(a.shape, store=store) for store in stores]
            part = start * step, min(end * step, phases.count)
            _compare_columns(readers, spectra, phases, part, (4 * BLOCK, 2 * step))
        return phases
    phases, other = (Waves(a.shape, store=FloatStore(height, width, None)) for _ in readers)
    _compare_columns(readers, [phases, other], phases, (0, phases.count), (2 * BLOCK, step))
    return phases


def _reader(picture: Array, taper: bool) -> Callable[[int, int], Array]:
    """Return what reads rows as float32, faded out towards the borders where ``taper``."""
    height, width = picture.shape
    down, across = (np.sin(np.pi * (np.arange(n) + 0.5) / n).astype(np.float32) ** 2 for n in picture.shape)
    mean = np.float32(sum(over_rows(_sum, height, picture)) / picture.size)
    if not np.isfinite(mean):
        as_gray("phase_correlation", picture, finite=True)

    def rows(y0: int, y1: int) -> Array:
        if not taper:
            return picture[y0:y1].astype(np.float32, copy=False)
        strip = empty((y1 - y0, width), np.float32)
        _fade(picture[y0:y1], mean, down[y0:y1], across, strip)
        return strip

    return rows


def _compare_columns(
    readers: tuple[Callable[[int, int], Array], ...],
    spectra: list[Waves],
    phases: Waves,
    part: tuple[int, int],
    strips: tuple[int, int],
) -> None:
    """Keep in ``phases`` how the spectra of two pictures compare at a part of the frequencies u.

    ``strips`` says how many rows and columns one thread does: neighbours in memory, which two would write to in turns.
    """
    (height, width), (start, end) = phases.shape, part
    few, step = _rows_at_once(width), _columns_at_once(height)

    def rows(read: Callable[[int, int], Array], waves: Waves) -> Callable[[int, int], None]:
        def transform(y0: int, y1: int) -> None:
            for y in range(y0, y1, few):
                waves.rows(y, read(y, min(y + few, y1)), start, end)

        return transform

    def columns(k0: int, k1: int) -> None:
        for u0 in range(start + k0, start + k1, step):
            u1 = min(u0 + step, start + k1)
            cross = spectra[0].transforms(u0, u1)
            _compare(cross.view(np.float32), spectra[1].transforms(u0, u1).view(np.float32))
            phases.keep(u0, u1, cross)

    for read, waves in zip(readers, spectra, strict=True):
        over_rows(rows(read, waves), height, strip=strips[0])
    over_rows(columns, end - start, strip=strips[1])


def _rows_at_once(width: int) -> int:
    """Return how many rows to transform at a time: whole blocks, of half a MB where they are long."""
    return BLOCK * min(2, max(1, (1 << 17) // (BLOCK * width)))


def _columns_at_once(height: int) -> int:
    """Return how many columns to transform at a time: those of half a MB where they are long.

    Fewer than of rows that are kept whole (:func:`sightline.image.row_column.columns_of`): panels lie in one piece.
    """
    return min(64, max(16, (1 << 16) // height))


def _highest(phases: Waves) -> tuple[int, int, float]:
    """Return (dy, dx) and height of the surface's peak; what is beyond half the size lies on the other side of 0."""
    height, width = phases.shape

    def rows(y0: int, y1: int) -> tuple[float, int]:
        strip = phases.rows_back(y0, y1)
        place = int(strip.argmax())
        return float(strip.flat[place]), -(y0 * width + place)

    top, place = max(over_rows(rows, height, strip=_rows_at_once(width)))
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

    over_rows(columns, u.size, strip=_columns_at_once(height))
    del down
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
    turns -= np.rint(turns)
    angles = (2 * np.pi * turns).astype(np.float32)
    del turns
    waves = np.empty(angles.shape, np.complex64)
    waves.real, waves.imag = np.cos(angles), np.sin(angles)
    return waves


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
    """Write the product of two complex matrices, the left one of an even number of rows, to columns from ``u0`` on."""
    count, columns = right.shape[1] // 2, -(-right.shape[1] // (2 * LANES)) * LANES
    parts, sums = np.zeros((2, _AT_ONCE * columns), np.float32), np.zeros((2, len(left) * columns), np.float32)
    real, imaginary = parts[0], parts[1]
    for v in range(0, len(right), _AT_ONCE):
        rows = min(_AT_ONCE, len(right) - v)
        for k in range(rows):
            for u in range(count):
                real[k * columns + u], imaginary[k * columns + u] = right[v + k, 2 * u], right[v + k, 2 * u + 1]
        for i in range(0, len(left), 2):
            one, two = left[i, 2 * v : 2 * (v + rows)], left[i + 1, 2 * v : 2 * (v + rows)]
            _add_products(one, two, real, imaginary, sums, i * columns, columns)
    for i in range(len(left)):
        for u in range(count):
            at = i * columns + u
            out[i, 2 * (u0 + u)], out[i, 2 * (u0 + u) + 1] = sums[0, at], sums[1, at]


@kernel(contract=True)
def _add_products(one, two, real, imaginary, sums, at, columns):
    """Add two rows of numbers times a matrix to sums, real and imaginary ones, of two rows."""
    real_sums, other_sums = sums[0], sums[1]
    for u in range(0, columns, LANES):
        first, second = at + u, at + columns + u
        p, q = load(real_sums, first), load(other_sums, first)
        r, s = load(real_sums, second), load(other_sums, second)
        for k in range(one.size // 2):
            x, y = load(real, k * columns + u), load(imaginary, k * columns + u)
            a, b, c, d = one[2 * k], one[2 * k + 1], two[2 * k], two[2 * k + 1]
            p, q = p + (x * a - y * b), q + (x * b + y * a)
            r, s = r + (x * c - y * d), s + (x * d + y * c)
        store(p, real_sums, first)
        store(q, other_sums, first)
        store(r, real_sums, second)
        store(s, other_sums, second)
