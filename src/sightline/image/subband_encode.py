"""Sub-band coding of images: split into wavelet bands, quantise, price each bit by its neighbours, write bytes.

Woods & O'Neil 1986, "Subband coding of images", IEEE TASSP 34(5); Antonini, Barlaud, Mathieu, Daubechies 1992, "Image
coding using wavelet transform", IEEE TIP 1(2). The stream is little-endian: ``SLW1 | flags | channels | height | width
| step | length of each plane | planes | CRC-32``; a plane is a byte for each band and size class (where in its interval
a value lies on average), then the coded coefficients.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, describe, flag, integer, number
from sightline.core.errors import FormatError, InputError
from sightline.core.kernels import over_rows
from sightline.core.layers import Curve, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Image, NewImage, Range
from sightline.image.band_coder import encode_plane
from sightline.image.lifting import lift
from sightline.image.subband_planes import STRIP, channels_of, decoded, image_of, quantised

_MAGIC = b"SLW1"
_HEADER = struct.Struct("<4sBBIIf")
_LOSSLESS, _DEEP = 1, 2
_MAX_LEVELS = 6
_MAX_PIXELS = 120_000_000


@method(task="compression", paper="Antonini 1992", lesson="w2d4")
def subband_encode(
    image: Image,
    *,
    quality: Annotated[int, Range(1, 100)] = 75,
    bits_per_pixel: Annotated[float, Range(0.01, 48, 0.05)] | None = None,
    lossless: bool = False,
) -> bytes:
    """Return an image as a compressed stream of bytes; ``subband_decode`` gives it back.

    Lossy streams use the 9/7 wavelet and quantise; lossless ones the 5/3 wavelet, whose numbers stay whole. Integers
    have no NaN; float32 images are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8 or uint16.
    quality
        1 (small) to 100 (close to the original): the quantiser's interval is 0.5 + 160·(1 - quality/100)² grey levels
        of 0–255.
    bits_per_pixel
        Size to aim at, in bits for each pixel, all channels together; overrides ``quality``. The stream is at most
        that long, unless even the coarsest one is longer.
    lossless
        Whether every pixel is kept exactly; ``quality`` and ``bits_per_pixel`` have no say then.

    Returns
    -------
    bytes
        The stream.

    Raises
    ------
    InputError
        When the image has another dtype or number of channels, or an argument is out of its range.

    References
    ----------
    M. Antonini, M. Barlaud, P. Mathieu, I. Daubechies, "Image coding using wavelet transform", IEEE Transactions on
    Image Processing 1(2), 1992.

    Examples
    --------
    >>> import numpy as np
    >>> ramp = np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)
    >>> stream = subband_encode(ramp, lossless=True)
    >>> len(stream) < ramp.size / 5, bool((subband_decode(stream) == ramp).all())
    (True, True)
    """
    image = as_image("subband_encode", image, dtypes=("uint8", "uint16"))
    quality = integer("subband_encode", "quality", quality, 1, 100)
    if bits_per_pixel is not None:
        bits_per_pixel = number("subband_encode", "bits_per_pixel", bits_per_pixel, 0.01, 48, unit="bits")
    if image.shape[0] * image.shape[1] > _MAX_PIXELS:
        raise InputError(f"subband_encode: image must have at most {_MAX_PIXELS:,} pixels; got {describe(image)}.")
    lossless = flag("subband_encode", "lossless", lossless)
    levels = _levels(image.shape)
    if lossless:
        return _coded(image, levels, 0.0)
    if bits_per_pixel is None:
        return _coded(image, levels, _step_of(quality, image.dtype))
    return _of_size(image, levels, math.floor(bits_per_pixel * image.shape[0] * image.shape[1] / 8))


@subband_encode.steps
def _steps(
    image: Image, *, quality: int = 75, bits_per_pixel: float | None = None, lossless: bool = False
) -> Iterator[Step]:
    image = as_image("subband_encode", image, dtypes=("uint8", "uint16"))
    yield Step("image", Picture(image))
    levels = _levels(image.shape)
    sheet = lift(channels_of(image, lossless)[0], levels).astype(np.float32)
    yield Step("bands", Picture(_visible(sheet)), note=f"{levels} halvings; most coefficients are near 0.")
    stream = subband_encode(image, quality=quality, bits_per_pixel=bits_per_pixel, lossless=lossless)
    pixels = image.shape[0] * image.shape[1]
    bits = 8 * len(stream) / pixels
    if not lossless:
        rates = []
        for other in (20, 40, 55, 65, 75, 85, 95):
            coded = subband_encode(image, quality=other)
            error = np.square(subband_decode(coded).astype(np.float64) - image).mean()
            rates.append((8 * len(coded) / pixels, _decibels(error, image.dtype)))
        yield Step("rate and quality", Curve(np.array(rates), ("bits per pixel", "PSNR (dB)"), mark=bits))
    yield Step("decoded", Picture(subband_decode(stream)), note=f"{len(stream)} bytes, {bits:.3f} bits per pixel.")
    yield Step("stream", Value(stream))


@method(
    task="compression",
    paper="Antonini 1992",
    lesson="w2d4",
    example={"data": lambda _: subband_encode(np.full((4, 6), 7, np.uint8))},
)
def subband_decode(data: bytes) -> NewImage:
    """Return the image of a stream that ``subband_encode`` wrote.

    Every stream carries a checksum: one that was changed or cut off is refused. Integers have no NaN.

    Parameters
    ----------
    data
        The stream: bytes, bytearray or memoryview.

    Returns
    -------
    NewImage
        H×W or H×W×3, uint8 or uint16.

    Raises
    ------
    InputError
        When ``data`` are no bytes.
    FormatError
        When they are no such stream, or a damaged one.

    References
    ----------
    M. Antonini, M. Barlaud, P. Mathieu, I. Daubechies, "Image coding using wavelet transform", IEEE Transactions on
    Image Processing 1(2), 1992.

    Examples
    --------
    >>> import numpy as np
    >>> subband_decode(subband_encode(np.full((2, 3), 9, np.uint16), lossless=True)).tolist()
    [[9, 9, 9], [9, 9, 9]]
    >>> subband_decode(b"no stream")
    Traceback (most recent call last):
    sightline.core.errors.FormatError: subband_decode: data is no stream of subband_encode (9 bytes).
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InputError(f"subband_decode: data must be bytes; got {describe(data)}.")
    data = bytes(data)
    flags, channels, shape, step, parts = _parsed(data)
    levels = _levels(shape)
    planes: list[Any] = [None] * len(parts)

    def decode(y0: int, y1: int) -> None:
        for index in range(y0, y1):
            planes[index] = decoded(parts[index], shape, levels, step)

    over_rows(decode, len(parts), strip=1)
    result = empty((*shape, channels) if channels else shape, np.uint16 if flags & _DEEP else np.uint8)

    def write(y0: int, y1: int) -> None:
        rows = slice(2 * y0, 2 * y1)
        parts = [plane(y0, y1) for plane in planes]
        result[rows] = image_of(parts, channels, result.dtype, lossless=bool(flags & _LOSSLESS))

    over_rows(write, -(-shape[0] // 2), strip=STRIP)
    return result


# --- the stream ---


def _stream(image: np.ndarray, step: float, planes: list[bytes]) -> bytes:
    flags = (_LOSSLESS if step == 0 else 0) | (_DEEP if image.dtype == np.uint16 else 0)
    channels = image.shape[2] if image.ndim == 3 else 0
    head = _HEADER.pack(_MAGIC, flags, channels, image.shape[0], image.shape[1], step)
    parts = [head, struct.pack(f"<{len(planes)}I", *map(len, planes)), *planes]
    check = 0
    for part in parts:
        check = zlib.crc32(part, check)
    return b"".join((*parts, struct.pack("<I", check)))


def _parsed(data: bytes) -> tuple[int, int, tuple[int, int], float, list[memoryview]]:
    """Return flags, channels (0 for H×W), shape, step and the bytes of each plane; refuse what does not fit."""
    if len(data) < _HEADER.size + 8 or data[:4] != _MAGIC:
        raise FormatError(f"subband_decode: data is no stream of subband_encode ({len(data)} bytes).")
    if zlib.crc32(memoryview(data)[:-4]) != struct.unpack("<I", data[-4:])[0]:
        raise FormatError(f"subband_decode: data is damaged or cut off ({len(data)} bytes): its checksum is wrong.")
    _, flags, channels, height, width, step = _HEADER.unpack_from(data)
    count = channels or 1
    at = _HEADER.size + 4 * count
    lengths = struct.unpack_from(f"<{count}I", data, _HEADER.size) if len(data) >= at + 4 else (-1,)
    good = channels in (0, 1, 3) and flags < 4 and 0 < height * width <= _MAX_PIXELS
    good = good and math.isfinite(step) and step >= 0 and (step == 0) == bool(flags & _LOSSLESS)
    if not good or at + sum(lengths) + 4 != len(data):
        raise FormatError("subband_decode: data has a header that does not fit its length or has values out of range.")
    parts = []
    for length in lengths:
        parts.append(memoryview(data)[at : at + length])
        at += length
    return flags, channels, (height, width), step, parts


def _levels(shape: tuple[int, ...]) -> int:
    return min(_MAX_LEVELS, int(math.log2(min(shape[:2]))))


# --- how coarsely ---


def _step_of(quality: int, dtype: Any) -> float:
    return (0.5 + 160 * (1 - quality / 100) ** 2) * (257 if dtype == np.uint16 else 1)


def _coded(image: np.ndarray, levels: int, step: float) -> bytes:
    """Return the stream of an image; a step of 0 keeps every pixel."""
    return _coded_within(image, levels, step, math.inf) or b""


def _coded_within(image: np.ndarray, levels: int, step: float, most: float) -> bytes | None:
    """Return the stream of an image, None when it would have more than ``most`` bytes."""
    step = float(np.float32(step))
    count = image.shape[2] if image.ndim == 3 else 1
    found: list[bytes] = [b""] * count

    def encode(y0: int, y1: int) -> None:
        for index in range(y0, y1):
            coefficients, centres = quantised(image, index, levels, step)
            data = encode_plane(coefficients, most)
            found[index] = b"" if data is None else centres + data

    over_rows(encode, count, strip=1)
    if not all(found):
        return None
    stream = _stream(image, step, found)
    return stream if len(stream) <= most else None


def _of_size(image: np.ndarray, levels: int, size: int) -> bytes:
    """Return the best stream of at most ``size`` bytes: the interval is halved in on."""
    low, high = -4.0, 8.0 + 8 * image.itemsize  # log2 of the step
    best = _coded(image, levels, 2**high)
    for _ in range(10):
        middle = (low + high) / 2
        stream = _coded_within(image, levels, 2**middle, size)
        if stream is not None:
            best, high = stream, middle
        else:
            low = middle
    return best


# --- for the steps ---


def _decibels(error: float, dtype: Any) -> float:
    return 10 * math.log10(np.iinfo(dtype).max ** 2 / max(error, 1e-3))


def _visible(sheet: np.ndarray) -> np.ndarray:
    top = float(np.abs(sheet).max()) or 1.0
    return (np.abs(sheet) / np.float32(top)) ** np.float32(0.35)
