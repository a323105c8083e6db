"""Discrete wavelet transform: a small picture, and the details that were lost at each halving, by direction.

Mallat 1989, "A theory for multiresolution signal decomposition: the wavelet representation", IEEE PAMI 11(7).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, integer, output
from sightline.core.errors import InputError
from sightline.core.kernels import over_rows
from sightline.core.layers import Grid, Picture, Table, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage, Range
from sightline.image.border import BORDERS
from sightline.image.wavelet_bands import Halving, analyse, synthesise, write_rows
from sightline.image.wavelets import filters_of

Band = Float64[np.ndarray, "rows columns *channels"]


@dataclass(frozen=True, eq=False)
class Wavelets:
    """The coefficients of an image, in the field's order: ``[approximation, coarsest details, …, finest details]``.

    Parameters
    ----------
    approximation
        h×w or h×w×C float64, in the image's units times 2 for each level.
    details
        For each level, the coarsest first: horizontal, vertical and diagonal details (edges that run along x, along y,
        and neither), float64.
    wavelet, border
        What they were made with.
    shape, dtype
        The image's.
    """

    approximation: Band
    details: tuple[tuple[Band, Band, Band], ...]
    wavelet: str
    border: str
    shape: tuple[int, ...]
    dtype: str

    def __len__(self) -> int:
        """Return the number of levels and one."""
        return 1 + len(self.details)

    def __getitem__(self, index: int) -> Any:
        """Return the approximation (0) or the details of a level (1 is the coarsest)."""
        return (self.approximation, *self.details)[index]

    def __iter__(self) -> Iterator[Any]:
        return iter((self.approximation, *self.details))

    def mosaic(self) -> np.ndarray:
        """Return all bands on one float32 sheet, 0–1, each level stretched to its own range: something to look at."""
        sheet = _stretched(self.approximation, signed=False)
        for details in self.details:
            height, width = details[0].shape[:2]
            level = np.zeros((2 * height, 2 * width, *self.shape[2:]), np.float32)
            level[:height, :width] = sheet[:height, :width]
            for band, (y, x) in zip(details, ((height, 0), (0, width), (height, width)), strict=True):
                level[y : y + height, x : x + width] = _stretched(band, signed=True)
            sheet = level
        return sheet


def _stretched(band: np.ndarray, *, signed: bool) -> np.ndarray:
    size = np.abs(band) if signed else band - band.min()
    top = float(np.nanmax(size)) if size.size else 0.0
    # Most details are small: the root shows them.
    scaled = size / top if top > 0 else np.zeros_like(size)
    return np.nan_to_num(np.sqrt(scaled) if signed else scaled).astype(np.float32)


@method(task="wavelets", paper="Mallat 1989", lesson="w2d4")
def dwt(
    image: Image,
    wavelet: str = "haar",
    levels: Annotated[int, Range(1, 12)] = 3,
    *,
    border: Annotated[str, Choice("symmetric", "reflect", "edge", "wrap")] = "symmetric",
) -> Wavelets:
    """Return the discrete wavelet transform of an image.

    Each level filters the approximation along columns and rows with a low-pass and a high-pass filter and keeps every
    second sample. NaN and infinity spoil the coefficients within the filter's reach; nothing is refused.

    Parameters
    ----------
    image
        H×W or H×W×C, each channel on its own; uint8, uint16 or float32.
    wavelet
        ``haar``, ``db1``–``db20``, ``sym2``–``sym19``, ``bior1.1``–``bior6.8`` or ``rbio1.1``–``rbio6.8``.
    levels
        How often to halve; from 1 to log₂ of the shorter side.
    border
        What lies beyond the border: ``"symmetric"`` (1 0 | 0 1 2), ``"reflect"`` (2 1 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).

    Returns
    -------
    Wavelets
        Approximation and details; ``idwt`` gives the image back.

    Raises
    ------
    InputError
        When the wavelet is unknown or the image is too small for so many levels.

    References
    ----------
    S. G. Mallat, "A theory for multiresolution signal decomposition: the wavelet representation", IEEE Transactions on
    Pattern Analysis and Machine Intelligence 11(7), 1989.

    Examples
    --------
    >>> import numpy as np
    >>> found = dwt(np.array([[1, 3], [5, 7]], np.uint8), "haar", 1)
    >>> found.approximation.round(6).tolist(), [band.round(6).tolist() for band in found[1]]
    ([[8.0]], [[[-4.0]], [[-2.0]], [[0.0]]])
    """
    image = as_image("dwt", image, channels=())
    levels = levels_within("dwt", image, levels)
    choice("dwt", "border", border, BORDERS)
    filters = filters_of("dwt", wavelet)
    planes, shape = channels_of(image), image.shape[:2]
    details: list[tuple[np.ndarray, ...]] = []
    joined: list[np.ndarray] = []
    for number in range(levels):
        level = Halving(filters, shape, border)
        bands = [np.empty((*level.half, *image.shape[2:])) for _ in range(3)]
        # The last approximations are joined; others go on as planes by themselves.
        joined = [] if number < levels - 1 else [np.empty((*level.half, *image.shape[2:]))]
        smooth = channels_of(joined[0]) if joined else [np.empty(level.half) for _ in planes]
        for channel, plane in enumerate(planes):
            analyse(plane, level, [smooth[channel], *(channels_of(band)[channel] for band in bands)])
        details.insert(0, tuple(bands))
        planes, shape = smooth, level.half
    return Wavelets(joined[0], tuple(details), wavelet, border, image.shape, image.dtype.name)  # type: ignore[arg-type]


def levels_within(function: str, image: np.ndarray, levels: Any) -> int:
    """Return how often an image is halved: at least once, and no oftener than its shorter side allows."""
    levels = integer(function, "levels", levels, 1)
    most = max(1, int(np.log2(min(image.shape[:2]))))
    if levels > most:
        raise InputError(f"{function}: levels must be ≤ {most} for {describe(image)}; got {levels}.")
    return levels


@dwt.steps
def _steps(image: Image, wavelet: str = "haar", levels: int = 3, *, border: str = "symmetric") -> Iterator[Step]:
    image = as_image("dwt", image, channels=())
    yield Step("image", Picture(image))
    filters = filters_of("dwt", wavelet)
    taps = np.stack([filters.low, filters.high])
    yield Step("filters", Table(taps, tuple(f"tap {i}" for i in range(len(filters.low)))), note="Low pass, high pass.")
    found = dwt(image, wavelet, levels, border=border)
    for number, bands in enumerate(reversed(found.details), 1):
        tiles = np.stack([_stretched(band, signed=True) for band in bands])
        yield Step(f"level {number}", Grid(tiles), note="What was lost: edges along x, along y, and neither.")
    yield Step("coefficients", Value(found), Picture(found.mosaic()))


@method(
    task="wavelets",
    paper="Mallat 1989",
    lesson="w2d4",
    example={"coefficients": lambda _: dwt(np.full((4, 6), 7, np.uint8), "haar", 1)},
)
def idwt(coefficients: Wavelets, *, out: Array | None = None) -> NewImage:
    """Return the image that wavelet coefficients stand for.

    Integer images are rounded and clipped to their range. NaN and infinity in the coefficients spoil the pixels within
    the filter's reach in float images, and are refused for integer ones.

    Parameters
    ----------
    coefficients
        What ``dwt`` returned, or a copy with other bands of the same shapes.
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    NewImage
        H×W or H×W×C of the dtype that the transform was made of.

    Raises
    ------
    InputError
        When these are no coefficients, or their bands do not fit together.

    References
    ----------
    S. G. Mallat, "A theory for multiresolution signal decomposition: the wavelet representation", IEEE Transactions on
    Pattern Analysis and Machine Intelligence 11(7), 1989.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.arange(35, dtype=np.uint8).reshape(5, 7)
    >>> bool((idwt(dwt(image, "db2", 2)) == image).all())
    True
    """
    if not isinstance(coefficients, Wavelets):
        raise InputError(f"idwt: coefficients must be what dwt returned; got {describe(coefficients)}.")
    levels = _levels_of(coefficients)
    dtype = np.dtype(coefficients.dtype)
    result = output("idwt", out, coefficients.shape, dtype)
    fine = []
    for channel, plane in enumerate(channels_of(result)):
        bands = _finest(coefficients, levels, channel)
        fine += over_rows(_write_strip, -(-plane.shape[0] // 2), levels[0], plane, *bands, strip=levels[0].strip)
    if not all(fine):
        raise InputError(f"idwt: coefficients must be finite for a {dtype.name} image; got NaN or infinity.")
    return result


def reconstructed(coefficients: Wavelets) -> np.ndarray:
    """Return the image of the coefficients in float64, neither rounded nor clipped."""
    levels = _levels_of(coefficients)
    planes = [
        synthesise(_finest(coefficients, levels, channel), levels[0])
        for channel in range(math.prod(coefficients.shape[2:]))
    ]
    return planes[0] if len(coefficients.shape) == 2 else np.stack(planes, axis=2)


def _levels_of(coefficients: Wavelets) -> list[Halving]:
    """Return the halvings, the finest first, with which all bands fit together."""
    filters = filters_of("idwt", coefficients.wavelet)
    if not coefficients.details:
        raise InputError("idwt: coefficients must have details of at least one level; got none.")
    levels: list[Halving] = []
    shape = coefficients.shape[:2]
    for bands in reversed(coefficients.details):
        levels.append(Halving(filters, shape, coefficients.border))
        shape = levels[-1].half
        for band in bands:
            _check_band(band, shape, coefficients)
    _check_band(coefficients.approximation, shape, coefficients)
    return levels


def _finest(coefficients: Wavelets, levels: list[Halving], channel: int) -> tuple[np.ndarray, ...]:
    """Return the four bands of a channel that its plane is made of; approximations before it are not kept."""
    plane = channels_of(coefficients.approximation)[channel]
    for level, bands in zip(levels[:0:-1], coefficients.details[:-1], strict=True):
        plane = synthesise((plane, *(channels_of(band)[channel] for band in bands)), level)
    return plane, *(channels_of(band)[channel] for band in coefficients.details[-1])


def _write_strip(level: Halving, plane: np.ndarray, *bands_and_rows: Any) -> bool:
    *bands, y0, y1 = bands_and_rows
    first, last = level.reach(y0, y1)
    values = level.plane([band[first:last] for band in bands], y0, y1)
    return write_rows(values, plane[2 * y0 : 2 * y1], check=True)


def _check_band(band: Any, half: tuple[int, ...], coefficients: Wavelets) -> None:
    wanted = (*half, *coefficients.shape[2:])
    if not isinstance(band, np.ndarray) or band.shape != wanted or band.dtype.kind not in "fiu":
        raise InputError(f"idwt: a band must be {'×'.join(map(str, wanted))} numbers; got {describe(band)}.")


def channels_of(values: np.ndarray) -> list[np.ndarray]:
    """Return views of the channels of an H×W or H×W×C array, each H×W."""
    return [values] if values.ndim == 2 else [values[..., c] for c in range(values.shape[2])]
