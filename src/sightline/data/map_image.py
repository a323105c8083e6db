"""One map of a picture: every new pixel is fetched from where an affine map says that it was, bilinear.

Wolberg 1990, "Digital Image Warping", chapter 3. Pictures in red, green and blue with black around them, what data
loaders ask for most, go through ``map_triples``. Here are gray ones, and those whose border is repeated or mirrored:
the channels of a pixel are packed into one 64-bit number, 21 bits each, so that one multiplication weighs all three;
weights are in 8192ths. There is little to compile.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows
from sightline.data.map_triples import fetch_triples

BORDERS = ("zero", "edge", "reflect")
_UNIT = 1 << 24  # places are whole numbers of 2⁻²⁴ pixels
_STEEPEST, _FARTHEST = 1e6, 1e9  # pixels: beyond that everything is border, and whole numbers must hold it


def map_image(image: np.ndarray, matrix: np.ndarray, shape: tuple[int, int], border: str = "zero") -> np.ndarray:
    """Return the image under an affine map of its points; a map that flattens it gives its border.

    Parameters
    ----------
    image
        H×W or H×W×3, uint8, checked.
    matrix
        2×3 float64, from points (x, y) of the image to points of the result.
    shape
        ``(height, width)`` of the result.
    border
        One of :data:`BORDERS`: black, the edge pixel again, or the image mirrored, the edge pixel once.
    """
    (a, b, tx), (c, d, ty) = matrix.tolist()
    determinant = a * d - b * c
    if abs(determinant) < 1e-9:
        a, b, c, d, determinant = 1e-9, 0.0, 0.0, 1e-9, 1e-18
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    steps = (_clamp(a, _STEEPEST), _clamp(b, _STEEPEST), _clamp(c, _STEEPEST), _clamp(d, _STEEPEST))
    start = (_clamp(-a * tx - b * ty, _FARTHEST), _clamp(-c * tx - d * ty, _FARTHEST))
    if border == "zero" and image.ndim == 3:
        found, pixels = np.empty((*shape, 3), np.uint8), np.ascontiguousarray(image).reshape(-1)
        over_rows(fetch_triples, shape[0], pixels, *image.shape[:2], steps, start, found, strip=256)
        return found
    if border == "zero":  # where nothing is mirrored or repeated, what is not read can be left out
        (x0, x1), (y0, y1) = (_read(start[k], steps[2 * k : 2 * k + 2], shape, image.shape[1 - k]) for k in range(2))
        image, start = image[y0:y1, x0:x1], (start[0] - x0, start[1] - y0)
    height, width = image.shape[:2]
    planes = image.reshape(height, width, -1)
    packed = empty((height + 3, width + 3), np.uint64)  # a margin, and one more for weights of 0
    over_rows(_pack_rows, height + 3, planes, border != "zero", packed, strip=256)
    out = np.empty((*shape, planes.shape[2]), np.uint8)
    over_rows(_fetch_rows, shape[0], packed, height, width, *steps, *start, border == "reflect", out, strip=128)
    return out if image.ndim == 3 else out[..., 0]


def _read(start: float, steps: tuple[float, ...], shape: tuple[int, int], size: int) -> tuple[int, int]:
    """Return which of ``size`` places along an axis the result's corners, and so all its pixels, are fetched from."""
    across, down = steps[0] * (shape[1] - 1), steps[1] * (shape[0] - 1)
    least, most = start + min(across, 0) + min(down, 0), start + max(across, 0) + max(down, 0)
    first = int(min(max(least - 1, 0), size - 1))
    return first, int(min(max(most + 3, first + 1), size))


def _clamp(value: float, most: float) -> float:
    return min(max(value, -most), most)


@kernel
def _pack_rows(image, repeated, packed, first, last):
    """Lay pixels out as numbers of three times 21 bits, with a margin of nothing, or of the pixel beside it."""
    height, width, channels = image.shape
    for y in range(first, last):
        row = min(max(y - 1, 0), height - 1)
        seen = repeated or 1 <= y <= height
        for x in range(width):
            value = np.uint64(image[row, x, 0]) if seen else np.uint64(0)
            if seen and channels == 3:
                value |= np.uint64(image[row, x, 1]) << np.uint64(21) | np.uint64(image[row, x, 2]) << np.uint64(42)
            packed[y, x + 1] = value
        packed[y, 0] = packed[y, 1] if repeated else np.uint64(0)
        for x in range(width + 1, packed.shape[1]):
            packed[y, x] = packed[y, width] if repeated else np.uint64(0)


@kernel
def _fetch_rows(packed, height, width, a, b, c, d, x0, y0, mirrored, out, first, last):
    across, channels = out.shape[1], out.shape[2]
    flat, row = packed.reshape(-1), np.uint64(packed.shape[1])
    right, bottom = (width + 1) * _UNIT, (height + 1) * _UNIT
    step_x, step_y = int(np.rint(a * _UNIT)), int(np.rint(c * _UNIT))
    for y in range(first, last):
        p, q = int(np.rint((x0 + b * y) * _UNIT)), int(np.rint((y0 + d * y) * _UNIT))
        for x in range(across):
            u, v = min(max(p + _UNIT, 0), right), min(max(q + _UNIT, 0), bottom)
            if mirrored:
                u, v = _fold(p, right - 2 * _UNIT) + _UNIT, _fold(q, bottom - 2 * _UNIT) + _UNIT
            total = _weigh(flat, row, np.uint64(u), np.uint64(v))
            for channel in range(channels):
                out[y, x, channel] = np.uint8(total >> np.uint64(13 + 21 * channel))  # its share of the sum, rounded
            p, q = p + step_x, q + step_y


@kernel
def _fold(place, last):
    """Return a place mirrored back into 0 … last."""
    if 0 <= place <= last or last == 0:
        return min(max(place, 0), last)
    place = abs(place) % (2 * last)
    return min(place, 2 * last - place)


@kernel(inline=True)
def _weigh(flat, row, u, v):
    """Return the sum of the four packed pixels around a place (2⁻²⁴ pixels), each by its share in 8192ths."""
    right, lower = u >> np.uint64(11) & np.uint64(8191), v >> np.uint64(11) & np.uint64(8191)
    at, one = (v >> np.uint64(24)) * row + (u >> np.uint64(24)), np.uint64(1)
    both = right * lower >> np.uint64(13)
    half, whole = np.uint64(4096 | 4096 << 21 | 4096 << 42), np.uint64(8192)
    upper = (whole - right - lower + both) * flat[at] + (right - both) * flat[at + one]
    return half + upper + (lower - both) * flat[at + row] + both * flat[at + row + one]
