"""Phase correlation: how far one picture is shifted against another, read off the phases of their waves.

Kuglin and Hines 1975, "The Phase Correlation Image Alignment Method", Proc. Int. Conf. Cybernetics and Society; to a
fraction of a pixel by Guizar-Sicairos, Thurman and Fienup 2008, "Efficient Subpixel Image Registration Algorithms",
Optics Letters 33(2): the surface is computed anew around its peak, on a finer grid, by two products of matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag, integer
from sightline.core.errors import InputError
from sightline.core.layers import Heat, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.image.fft import from_half_transform, half_transform
from sightline.image.gradient import as_gray

_AROUND, _FINER = 0.75, 10  # a finer grid reaches that far from the last peak, in steps of the last one
_TINY = 1e-20


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
    cross, shape = _phases(a, b, taper)
    upsample = integer("phase_correlation", "upsample", upsample, 1, 10000)
    surface = from_half_transform(cross.copy(), shape)
    return _peak(cross, surface, upsample)


@phase_correlation.steps
def _steps(a: Image, b: Image, *, upsample: int = 100, taper: bool = True) -> Iterator[Step]:
    cross, shape = _phases(a, b, taper)
    height, width = shape
    yield Step("phases", Heat(np.fft.fftshift(np.angle(cross), axes=0)), note="Of the waves of b against those of a.")
    surface = from_half_transform(cross.copy(), shape)
    result = phase_correlation(a, b, upsample=upsample, taper=taper)
    peak = np.array([[width // 2 + result.dx, height // 2 + result.dy]])
    note = "One peak, where all waves agree; no shift is in the middle."
    yield Step("surface", Heat(np.fft.fftshift(surface)), Points(peak), note=note)
    y, x = _whole_peak(surface)
    closer = _surface(cross, width, y + np.linspace(-1, 1, 41), x + np.linspace(-1, 1, 41))
    yield Step("around the peak", Heat(closer), note="Two pixels of it, computed anew at every 1/20 pixel.")
    yield Step("shift", Value(result), note="Where the finest peak is.")


def _phases(a: Any, b: Any, taper: bool) -> tuple[Array, tuple[int, int]]:
    """Return the normalised cross-power spectrum at the frequencies u ≥ 0, and the pictures' height and width."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.shape[:2] != b.shape[:2]:
        raise InputError(
            f"phase_correlation: b must have the height and width of a, {'×'.join(map(str, a.shape[:2]))}; "
            f"got {describe(b)}."
        )
    first, second = (as_gray("phase_correlation", picture, finite=True) for picture in (a, b))
    transforms = [half_transform(_faded(picture, taper)) for picture in (first, second)]
    cross = np.conj(transforms[0])
    cross *= transforms[1]
    cross *= np.float32(1) / np.maximum(np.abs(cross), np.float32(_TINY))
    return cross, (first.shape[0], first.shape[1])


def _faded(picture: Array, taper: bool) -> Array:
    values = picture.astype(np.float32)  # a copy, which is written to
    if not flag("phase_correlation", "taper", taper):
        return values
    down, across = (np.sin(np.pi * (np.arange(n) + 0.5) / n).astype(np.float32) ** 2 for n in values.shape)
    values -= np.float32(values.mean(dtype=np.float64))
    values *= down[:, None] * across
    return values


def _whole_peak(surface: Array) -> tuple[int, int]:
    """Return (dy, dx) of the highest value; what is beyond half the size lies on the other side of 0."""
    height, width = surface.shape
    y, x = divmod(int(surface.argmax()), width)
    return (y if y <= height // 2 else y - height), (x if x <= width // 2 else x - width)


def _refined(cross: Array, width: int, y: float, x: float, upsample: int) -> tuple[Array, Array, Array]:
    """Return the surface around (y, x) at every 1/upsample pixel, and where its rows and columns are."""
    step = 1.0
    fine, rows, columns = np.empty((0, 0)), np.array([y]), np.array([x])
    while step > 1 / upsample:  # ten times finer in each round, around the best of the last one
        before, step = step, max(step / _FINER, 1 / upsample)
        reach = int(np.ceil(before * _AROUND / step))
        offsets = np.arange(-reach, reach + 1) * step
        rows, columns = y + offsets, x + offsets
        fine = _surface(cross, width, rows, columns)
        i, k = divmod(int(fine.argmax()), len(offsets))
        y, x = rows[i], columns[k]
    return fine, rows, columns


def _surface(cross: Array, width: int, rows: Array, columns: Array) -> Array:
    """Return the correlation for shifts by any fractions of a pixel: a transform back, by two products of matrices."""
    v, u = np.fft.fftfreq(len(cross)), np.fft.rfftfreq(width)
    twice = np.where((u > 0) & (u < 0.5), 2, 1)  # the frequencies u < 0 are the conjugates of these
    down = np.exp(2j * np.pi * np.outer(rows, v)).astype(np.complex64)
    across = (np.exp(2j * np.pi * np.outer(u, columns)) * twice[:, None]).astype(np.complex64)
    return (down @ (cross @ across)).real / (len(cross) * width)


def _peak(cross: Array, surface: Array, upsample: int) -> Shift:
    y, x = _whole_peak(surface)
    if upsample == 1:
        return Shift(float(x), float(y), float(surface[y, x]))
    fine, rows, columns = _refined(cross, surface.shape[1], y, x, upsample)
    i, k = divmod(int(fine.argmax()), len(columns))
    dy = round(rows[i] * upsample) / upsample if surface.shape[0] > 1 else 0.0  # one row tells nothing about dy
    dx = round(columns[k] * upsample) / upsample if surface.shape[1] > 1 else 0.0
    return Shift(dx, dy, float(fine[i, k]))
