"""Fourier transform: an image as a sum of waves, each with its amplitude and phase.

Cooley and Tukey 1965, "An Algorithm for the Machine Calculation of Complex Fourier Series", Mathematics of Computation
19(90). The transforms themselves are SciPy's, over as many threads as kernels use.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Complex, Complex64, Float32

from sightline.core import kernels
from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, flag
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array, Image
from sightline.image.row_column import Waves, columns_of, rows_of
from sightline.image.scipy_fft import scipy_fft

Transform = Complex64[np.ndarray, "h w *c"]
Shade = Float32[np.ndarray, "h w *c"]

_ROWS = 64  # whose transforms stay in the second-level cache
_COLUMNS = 32
_FEW = 1 << 14  # values, which are not worth sharing out


@method(task="frequency", paper="Cooley & Tukey 1965", lesson="w1d7")
def fft(image: Image, *, centred: bool = False) -> Transform:
    """Return the two-dimensional discrete Fourier transform of an image, channel by channel.

    Element (v, u) is Σ image[y, x] · exp(−2πi (u·x / W + v·y / H)), without a factor in front: element (0, 0) is the
    sum of the pixels. The transform knows no border: it takes the image as repeated in all directions. NaN and infinity
    spread over the whole result.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32, in its own units.
    centred
        Put frequency 0 at (H // 2, W // 2) instead of (0, 0), as pictures of a spectrum do.

    Returns
    -------
    complex64, of the image's shape; rows are frequencies 0, 1/H, … of a cycle per pixel, the negative ones last.

    Examples
    --------
    >>> import numpy as np
    >>> wave = np.array([[2, 1, 0, 1]], np.uint8)
    >>> fft(wave).real.tolist()
    [[4.0, 2.0, 0.0, 2.0]]

    References
    ----------
    J. W. Cooley, J. W. Tukey, "An Algorithm for the Machine Calculation of Complex Fourier Series", Mathematics of
    Computation 19(90), 1965.
    """
    image = as_image("fft", image)
    centred = flag("fft", "centred", centred)
    result = empty(image.shape, np.complex64)
    half = result[:, : image.shape[1] // 2 + 1]
    _along_rows(image, half)

    (height, width), channels = image.shape[:2], half[0, 0].size
    words = result.view(np.uint64).reshape(height, -1)

    def columns(u0: int, u1: int) -> None:
        part = scipy_fft().fft(half[:, u0:u1].copy(), axis=0, overwrite_x=True)
        half[:, u0:u1] = part
        first, end = max(u0, 1), min(u1, (width + 1) // 2)  # all but the lowest and the highest have another side
        if first < end:
            sizes = channels, (first - u0) * channels, (width + 1 - end) * channels, (end - first) * channels
            _mirror(part.view(np.uint64).reshape(height, -1), words, *sizes)

    over_rows(columns, half.shape[1], strip=_COLUMNS)
    return np.fft.fftshift(result, axes=(0, 1)) if centred else result


@method(
    task="frequency",
    paper="Cooley & Tukey 1965",
    lesson="w1d7",
    example={"transform": np.array([[4, 2, 0, 2]], np.complex64)},
)
def ifft(transform: Complex[np.ndarray, "h w *c"], *, centred: bool = False) -> Shade:
    """Return the real image whose Fourier transform this is: the inverse of :func:`sightline.image.fft`.

    NaN and infinity spread over the whole result.

    Parameters
    ----------
    transform
        H×W or H×W×3, complex64 or complex128. What would give an imaginary part is left out.
    centred
        Whether frequency 0 lies at (H // 2, W // 2) instead of (0, 0).

    Returns
    -------
    float32, of the transform's shape, in the units of the image that it came from.

    Examples
    --------
    >>> import numpy as np
    >>> ifft(np.array([[4, 2, 0, 2]], np.complex64)).tolist()
    [[2.0, 1.0, 0.0, 1.0]]

    References
    ----------
    J. W. Cooley, J. W. Tukey, "An Algorithm for the Machine Calculation of Complex Fourier Series", Mathematics of
    Computation 19(90), 1965.
    """
    if (
        not isinstance(transform, np.ndarray)
        or transform.dtype.kind != "c"
        or transform.ndim not in (2, 3)
        or 0 in transform.shape
    ):
        raise InputError(f"ifft: transform must be H×W or H×W×3 complex; got {describe(transform)}. Use fft(image).")
    native = transform.astype(np.result_type(np.complex64, transform.dtype.newbyteorder("=")), copy=False)
    shape, result = native.shape, empty(native.shape, np.float32)
    middle = (shape[0] // 2, shape[1] // 2) if flag("ifft", "centred", centred) else (0, 0)
    waves, planes = Waves(shape, result), _in_pairs(np.ascontiguousarray(native))

    def columns(u0: int, u1: int) -> None:
        half = np.empty((shape[0], u1 - u0, *shape[2:]), native.dtype)
        _take_half(planes, waves.channels, *middle, u0, _in_pairs(half))
        waves.keep(u0, u1, half)

    def rows(y0: int, y1: int) -> None:
        result[y0:y1] = waves.rows_back(y0, y1)

    over_rows(columns, waves.count, strip=max(1, columns_of(shape[0]) // waves.channels))
    over_rows(rows, shape[0], strip=_ROWS)
    return result


@method(task="frequency", paper="Cooley & Tukey 1965", lesson="w1d7")
def spectrum(image: Image) -> Shade:
    """Return how strong each frequency of an image is, to look at: log(1 + |F|), centred, from 0 to 1.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3, each channel by itself; uint8, uint16 or finite float32.

    Returns
    -------
    float32 of the image's shape; frequency 0 at (H // 2, W // 2), the strongest frequency 1. Amplitudes are counted in
    grey levels of 0–255 for every dtype.

    Examples
    --------
    >>> import numpy as np
    >>> stripes = np.tile(np.array([0, 255, 0, 255], np.uint8), (4, 1))
    >>> spectrum(stripes)[2].round(2).tolist()
    [1.0, 0.0, 1.0, 0.0]

    References
    ----------
    J. W. Cooley, J. W. Tukey, "An Algorithm for the Machine Calculation of Complex Fourier Series", Mathematics of
    Computation 19(90), 1965.
    """
    image = as_image("spectrum", image, finite=True, most=1e30)
    level = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}[image.dtype.name]
    strength = empty(image.shape, np.float32)
    height, waves, read = len(image), Waves(image.shape, strength), rows_of(image)
    strip = max(1, columns_of(height) // waves.channels)

    def columns(u0: int, u1: int) -> float:
        part = np.abs(waves.transforms(u0, u1))
        part /= np.float32(level)
        np.log1p(part, out=part)
        waves.replace(u0, u1, np.roll(part, height // 2, axis=0))
        return float(part.max())

    over_rows(lambda y0, y1: waves.rows(y0, read(y0, y1)), height, strip=_ROWS)
    top = np.float32(max(over_rows(columns, waves.count, strip=strip)))
    flat = strength.reshape(height, -1)
    over_rows(_centre, height // 2 + 1, flat, waves.channels, strip, top if top > 0 else np.float32(1), strip=_ROWS)
    return strength


def half_transform(planes: Array) -> Array:
    """Return the transform of real H×W (or H×W×C) values at the frequencies u ≥ 0, H×(W // 2 + 1) complex64."""
    if planes.size <= _FEW:
        return scipy_fft().rfft2(planes.astype(np.float32, copy=False), axes=(0, 1))
    half = empty((len(planes), planes.shape[1] // 2 + 1, *planes.shape[2:]), np.complex64)
    return along_columns(_along_rows(planes, half))


def from_half_transform(transform: Array, shape: tuple[int, ...]) -> Array:
    """Return the real values of height and width ``shape`` whose half transform this is; float32.

    The transform is written over.
    """
    if transform.size <= _FEW:
        return scipy_fft().irfft2(transform, shape[:2], axes=(0, 1), overwrite_x=True)
    result = empty((*shape[:2], *transform.shape[2:]), np.float32)
    _back_along_rows(along_columns(transform, back=True), result)
    return result


def _along_rows(planes: Array, half: Array) -> Array:

    def rows(y0: int, y1: int) -> None:
        row_transforms(planes[y0:y1].astype(np.float32, copy=False), half[y0:y1])

    over_rows(rows, len(planes), strip=_ROWS)
    return half


def _back_along_rows(half: Array, out: Array) -> None:
    def rows(y0: int, y1: int) -> None:
        out[y0:y1] = rows_of_transforms(half[y0:y1], out.shape[1])

    over_rows(rows, len(out), strip=_ROWS)


@kernel
def _mirror(part, whole, channels, first, place, count):
    """Write the conjugates of ``count`` columns of a part, from ``first`` on, to the other side of frequency 0."""
    height = len(whole)
    sign = np.uint64(1) << np.uint64(63)  # of the imaginary part, the upper half of a word
    end, one, step = np.uint64(count), np.uint64(1), np.uint64(channels)
    for v in range(height):
        row, mirrored = part[v, first : first + count], whole[(height - v) % height, place : place + count]
        if step == one:  # a loop of its own, in which the compiler sees neighbours
            for u in range(end):
                mirrored[end - one - u] = row[u] ^ sign
        else:
            for u in range(np.uint64(0), end, step):
                for c in range(step):
                    mirrored[end - step - u + c] = row[u + c] ^ sign


def _in_pairs(transform: Array) -> Array:
    return transform.reshape(len(transform), -1).view(transform.real.dtype)


@kernel
def _take_half(whole, channels, v0, u0, first, half):
    """Write, of the frequencies u from ``first`` on, what gives a real image: the mean with the other side of 0.

    Complex numbers are pairs of neighbours. Frequency 0 is at (``v0``, ``u0``) of the whole.
    """
    height, numbers = len(whole), 2 * channels
    width, columns = whole.shape[1] // numbers, half.shape[1] // numbers
    share, zero, step = whole.dtype.type(0.5), np.uint64(0), np.uint64(numbers)
    for v in range(height):
        here, there, k = (v + v0) % height, (height - v + v0) % height, 0
        while k < columns:
            u, back = (first + k + u0) % width, (width - first - k + u0) % width
            count = min(columns - k, width - u, back + 1)  # up to where one of them goes around
            one = whole[here, numbers * u : numbers * (u + count)]
            other = whole[there, numbers * (back + 1 - count) : numbers * (back + 1)]
            target, last = half[v, numbers * k : numbers * (k + count)], np.uint64(numbers * (count - 1))
            if numbers == 2:  # a loop of its own, in which the compiler sees neighbours
                for x in range(zero, last + np.uint64(2), np.uint64(2)):
                    target[x] = share * one[x] + share * other[last - x]
                    x, y = x + np.uint64(1), last - x + np.uint64(1)
                    target[x] = share * one[x] - share * other[y]
            else:
                for x in range(zero, last + step, step):
                    for c in range(zero, step, np.uint64(2)):
                        at, y = x + c, last - x + c
                        target[at] = share * one[at] + share * other[y]
                        at, y = at + np.uint64(1), y + np.uint64(1)
                        target[at] = share * one[at] - share * other[y]
            k += count


@kernel
def _centre(values, channels, strip, top, y0, y1):
    """Move values of frequencies u ≥ 0, over ``top``, to the middle, and add those of u < 0: as on the other side of 0.

    Columns come ``strip`` at a time where the transforms were: two numbers for each. Rows are in the middle already,
    and those on either side of it are done together.
    """
    height, width = values.shape[0], values.shape[1] // channels
    halves = np.empty((2, (width // 2 + 1) * channels), np.float32)
    for y in range(y0, y1):
        opposite = (2 * (height // 2) - y) % height
        _gather(values[y], channels, strip, top, halves[0])
        _gather(values[opposite], channels, strip, top, halves[1])
        _unfold(halves[0], halves[1], channels, values[y])
        if opposite != y:
            _unfold(halves[1], halves[0], channels, values[opposite])


@kernel
def _gather(row, channels, strip, top, half):
    step = strip * channels
    for first in range(0, half.size, step):
        place, count = max(0, 2 * first - channels), min(step, half.size - first)
        part, target = row[place : place + count], half[first : first + count]
        for k in range(count):
            target[k] = part[k] / top


@kernel
def _unfold(half, opposite, channels, row):
    middle = row.size // channels // 2 * channels
    upper = row[middle:]
    for k in range(upper.size):
        upper[k] = half[k]
    end, step = np.uint64(middle), np.uint64(channels)
    if channels == 1:  # a loop of its own, in which the compiler sees neighbours
        for x in range(end):
            row[x] = opposite[end - x]
    else:
        for x in range(np.uint64(0), end, step):
            for c in range(step):
                row[x + c] = opposite[end - x + c]
    if row.size == 2 * middle:  # the highest frequency of an even number has no other side
        for c in range(channels):
            row[c] = half[middle + c]


def row_transforms(rows: Array, out: Array) -> None:
    """Write the transform of each float32 row, at the frequencies u ≥ 0, to complex64 ``out``; by one thread."""
    out[:] = scipy_fft().rfft(rows, axis=1)


def rows_of_transforms(transforms: Array, width: int) -> Array:
    """Return the float32 rows whose transforms these are; by one thread."""
    return scipy_fft().irfft(transforms, width, axis=1)


def along_columns(transform: Array, *, back: bool = False) -> Array:
    """Return the transform of each column, or where ``back`` what it is the transform of; complex64, in its place."""
    function = scipy_fft().ifft if back else scipy_fft().fft
    return function(transform, axis=0, overwrite_x=True, workers=kernels.threads())
