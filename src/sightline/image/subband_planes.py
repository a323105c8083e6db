"""Planes of an image for its sub-band coding: channels as wavelet bands in whole steps, and the pixels of them.

Antonini, Barlaud, Mathieu, Daubechies 1992, "Image coding using wavelet transform", IEEE TIP 1(2). Where in their
intervals a band's values lie on average is kept as a byte for those of one step, and one for those of more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.image.band_coder import decode_plane
from sightline.image.coefficients import Coefficients
from sightline.image.lifting import Rows, join_rows, rows_of, sizes, split_rows

STRIP = 32  # rows of the bands to make at a time
_SAMPLES = 1 << 16  # more rows where there are few samples in them
_ROUNDING = 0.40  # below 1/2: values near the border of two intervals go to the cheaper one

# ITU-R BT.601: the rows of RGB → Y, Cb, Cr, each scaled so that an error of one costs RGB as much as one in Y.
_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], np.float32)
_YCC[1:] *= np.sqrt(np.square(np.linalg.inv(_YCC)).sum(axis=0)[1:, None] / 3)
_RGB = np.linalg.inv(_YCC)


# --- decorrelated channels ---


def channels_of(image: np.ndarray, lossless: bool) -> list[np.ndarray]:
    """Return the channels around 0: int32 for the exact path, float32 else; RGB as luminance and two differences."""
    middle = 1 << (8 * image.itemsize - 1)
    if image.ndim == 2 or image.shape[2] == 1:
        values = image.reshape(image.shape[:2]).astype(np.int32) - middle
        return [values if lossless else values.astype(np.float32)]
    if lossless:  # the reversible transform of JPEG 2000, ISO/IEC 15444-1, annex G
        red, green, blue = (image[..., c].astype(np.int32) for c in range(3))
        return [((red + 2 * green + blue) >> 2) - middle, blue - green, red - green]
    mixed = image.astype(np.float32) @ _YCC.T
    return [mixed[..., 0] - np.float32(middle), mixed[..., 1].copy(), mixed[..., 2].copy()]


def image_of(planes: list[np.ndarray], channels: int, dtype: Any, *, lossless: bool) -> np.ndarray:
    """Return the pixels of what :func:`channels_of` made; 0 channels are H×W."""
    middle, top = 1 << (8 * np.dtype(dtype).itemsize - 1), np.iinfo(dtype).max
    if channels < 3:
        values = np.rint(planes[0]) + middle
        image = np.clip(values, 0, top).astype(dtype)
        return image[..., None] if channels == 1 else image
    if lossless:
        y, u, v = planes
        green = y + middle - ((u + v) >> 2)
        return np.clip(np.stack([v + green, green, u + green], axis=2), 0, top).astype(dtype)
    mixed = np.stack([planes[0] + np.float32(middle), planes[1], planes[2]], axis=2)
    return np.clip(np.rint(mixed @ _RGB.T), 0, top).astype(dtype)


# --- whole steps ---


def quantised(image: np.ndarray, index: int, levels: int, step: float) -> tuple[Coefficients, bytes]:
    """Return a plane's coefficients in whole steps, and where in their intervals they lie on average.

    The floats of a level are gone once the next one is made of its low-pass part: only whole numbers stay.
    """
    coefficients = Coefficients(image.shape[:2], levels)
    offsets = np.zeros((len(coefficients.bands), 2, 2))  # sum and number of those of size 1, and of more
    height, width = image.shape[:2]

    def rows(y0: int, y1: int) -> np.ndarray:
        return channels_of(image[y0:y1], lossless=step == 0)[index]

    def keep(number: int, y: int, values: np.ndarray) -> None:
        if step:
            values = _whole(values, step, offsets[number])
        coefficients.put(number, y, values)

    for level in range(levels):
        half, across = -(-height // 2), -(-width // 2)
        below = np.empty((half, across), np.float32 if step else np.int32)
        number = 3 * (levels - level) - 2
        strip = max(STRIP, _SAMPLES // width)
        for y0 in range(0, half, strip):
            low, high = split_rows(rows, height, y0, min(y0 + strip, half))
            below[y0 : y0 + strip] = low[:, :across]
            for direction, part in enumerate((low[:, across:], high[:, :across], high[:, across:])):
                keep(number + direction, y0, part)
        rows, height, width = rows_of(below), half, across
    keep(0, 0, rows(0, height))
    return coefficients, _centres(offsets) if step else b""


def _whole(values: np.ndarray, step: float, offsets: np.ndarray) -> np.ndarray:
    """Return values in whole steps, int32, and add to ``offsets`` how far into their intervals they lie."""
    size = np.abs(values) / np.float32(step)
    whole = np.floor(size + np.float32(_ROUNDING)).astype(np.int32)
    for total, chosen in zip(offsets, (whole == 1, whole > 1), strict=True):
        total += np.sum(size[chosen] - whole[chosen], dtype=np.float64), np.count_nonzero(chosen)
    return np.where(values < 0, -whole, whole)


def _centres(offsets: np.ndarray) -> bytes:
    """Return where values of 1, and of more, lie on average in their intervals: a byte each, for every band."""
    found = bytearray()
    for total, count in offsets.reshape(-1, 2):
        offset = total / count if count else 0.0
        found.append(int(np.clip(round(offset * 128) + 128, 0, 255)))
    return bytes(found)


def decoded(part: memoryview, shape: tuple[int, int], levels: int, step: float) -> Rows:
    """Return what gives pairs of rows of a plane: the finest level is only undone where it is asked for."""
    count = 3 * levels + 1
    centres = bytes(part[: 2 * count]).ljust(2 * count, b"\x80") if step else b""
    coefficients = decode_plane(part[2 * count :] if step else part, shape, levels)

    def read(number: int, y0: int, y1: int) -> np.ndarray:
        whole = coefficients.bands[number][y0:y1].astype(np.int32)
        return _values(whole, step, centres[2 * number : 2 * number + 2]) if step else whole

    heights = sizes(shape[0], levels)
    plane = read(0, 0, heights[-1])
    coefficients.bands[0] = plane[:0]

    def joining(smooth: np.ndarray, level: int) -> Rows:
        number = 3 * (levels - level) + 1

        def low(y0: int, y1: int) -> np.ndarray:
            return np.concatenate([smooth[y0:y1], read(number, y0, y1)], axis=1)

        def high(y0: int, y1: int) -> np.ndarray:
            return np.concatenate([read(number + 1, y0, y1), read(number + 2, y0, y1)], axis=1)

        return lambda y0, y1: join_rows(low, high, heights[level - 1], y0, y1)

    if levels == 0:
        return lambda y0, y1: plane[2 * y0 : 2 * y1]
    for level in range(levels, 1, -1):
        rows = joining(plane, level)
        pairs = range(0, heights[level], STRIP)
        plane = np.concatenate([rows(y, min(y + STRIP, heights[level])) for y in pairs])
    return joining(plane, 1)


def _values(whole: np.ndarray, step: float, centres: bytes) -> np.ndarray:
    """Return float32 values of coefficients in whole steps."""
    values, size = whole.astype(np.float32), np.abs(whole)
    offsets = [(byte - 128) / 128 for byte in centres]
    values += np.sign(values) * np.select([size == 1, size > 1], offsets, 0).astype(np.float32)
    values *= np.float32(step)
    return values
