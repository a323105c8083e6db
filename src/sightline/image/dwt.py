"""Discrete wavelet transform: a small picture, and the details that were lost at each halving, by direction.

Mallat 1989, "A theory for multiresolution signal decomposition: the wavelet representation", IEEE PAMI 11(7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float64

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, describe, integer, output
from sightline.core.errors import InputError
from sightline.core.layers import Grid, Picture, Table, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Image, NewImage, Range
from sightline.image.border import BORDERS
from sightline.image.wavelet_bands import analyse, synthesise
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
    planes = [np.ascontiguousarray(plane, np.float64) for plane in _planes(image)]
    details: list[tuple[np.ndarray, ...]] = []
    for _ in range(levels):
        bands = [analyse(plane, filters, border) for plane in planes]
        planes = [band[0] for band in bands]
        details.insert(0, tuple(_joined([band[i] for band in bands], image.ndim) for i in (1, 2, 3)))
    approximation = _joined(planes, image.ndim)
    return Wavelets(approximation, tuple(details), wavelet, border, image.shape, image.dtype.name)  # type: ignore[arg-type]


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
    values = reconstructed(coefficients)
    dtype = np.dtype(coefficients.dtype)
    result = output("idwt", out, coefficients.shape, dtype)
    if dtype.kind == "u":
        if not np.isfinite(values).all():
            raise InputError(f"idwt: coefficients must be finite for a {dtype.name} image; got NaN or infinity.")
        values = np.clip(np.rint(values), 0, np.iinfo(dtype).max)
    result[...] = values
    return result


def reconstructed(coefficients: Wavelets) -> np.ndarray:
    """Return the image of the coefficients in float64, neither rounded nor clipped."""
    filters = filters_of("idwt", coefficients.wavelet)
    shapes = [coefficients.shape[:2]]
    for _ in coefficients.details:
        shapes.append(tuple((size + len(filters.low) - 1) // 2 for size in shapes[-1]))
    planes = _planes(_checked(coefficients.approximation, shapes[-1], coefficients))
    for bands, half, shape in zip(coefficients.details, shapes[:0:-1], shapes[-2::-1], strict=True):
        parts = [_planes(_checked(band, half, coefficients)) for band in bands]
        planes = [synthesise((plane, *part), filters, shape) for plane, *part in zip(planes, *parts, strict=True)]
    return _joined(planes, len(coefficients.shape))


def _checked(band: Any, half: tuple[int, ...], coefficients: Wavelets) -> np.ndarray:
    wanted = (*half, *coefficients.shape[2:])
    if not isinstance(band, np.ndarray) or band.shape != wanted or band.dtype.kind not in "fiu":
        raise InputError(f"idwt: a band must be {'×'.join(map(str, wanted))} numbers; got {describe(band)}.")
    return band


def _planes(values: np.ndarray) -> list[np.ndarray]:
    """Return the channels as H×W float64 arrays of their own memory layout."""
    channels = [values] if values.ndim == 2 else [values[..., c] for c in range(values.shape[2])]
    return [np.ascontiguousarray(channel, np.float64) for channel in channels]


def _joined(planes: list[np.ndarray], ndim: int) -> np.ndarray:
    return planes[0] if ndim == 2 else np.stack(planes, axis=2)
