"""One map of a picture: every new pixel is fetched from where an affine map says that it was, bilinear.

Wolberg 1990, "Digital Image Warping", chapter 3. The three channels of a pixel are packed into one 64-bit number, 21
bits each, so that one multiplication weighs all three; weights are in 8192ths. It is made for the small pictures of a
data loader: little to compile, and fast at any size.
"""

from __future__ import annotations

import numpy as np

from sightline.core.buffers import empty
from sightline.core.kernels import kernel, over_rows

BORDERS = ("zero", "edge", "reflect")
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
    if border == "zero":  # where nothing is mirrored or repeated, what is not read can be left out
        (x0, x1), (y0, y1) = (_read(start[k], steps[2 * k : 2 * k + 2], shape, image.shape[1 - k]) for k in range(2))
        image, start = image[y0:y1, x0:x1], (start[0] - x0, start[1] - y0)
    height, width = image.shape[:2]
    planes = image.reshape(height, width, -1)
    packed = empty((height + 2, width + 3), np.uint64)  # a margin, and one more for weights of 0
    over_rows(_pack_rows, height + 2, planes, border != "zero", packed, strip=256)
    out = np.empty((*shape, planes.shape[2]), np.uint8)
    over_rows(_fetch_rows, shape[0], packed, height, width, *steps, *start, border == "reflect", out, strip=128)
    return out if image.ndim == 3 else out[..., 0]


def _read(start: float, steps: tuple[float, ...], shape: tuple[int, int], size: int) -> tuple[int, int]:
    """Return which of ``size`` places along an axis the result's corners, and so all its pixels, are fetched from."""
    ends = [start + steps[0] * x + steps[1] * y for x in (0, shape[1] - 1) for y in (0, shape[0] - 1)]
    first = int(min(max(min(ends) - 1, 0), size - 1))
    return first, int(min(max(max(ends) + 3, first + 1), size))


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
def _fold(place, last):
    """Return a place mirrored back into 0 … last."""
    if 0 <= place <= last or last == 0:
        return min(max(place, 0), last)
    place = abs(place) % (2 * last)
    return min(place, 2 * last - place)


@kernel
def _fetch_rows(packed, height, width, a, b, c, d, x0, y0, mirrored, out, first, last):
    across, channels = out.shape[1], out.shape[2]
    flat, results = packed.reshape(-1), out.reshape(-1)
    unit = 1 << 24  # places are whole numbers of 2⁻²⁴ pixels
    right, bottom = (width + 1) * unit, (height + 1) * unit
    step_x, step_y = int(np.rint(a * unit)), int(np.rint(c * unit))
    half = np.uint64(4096 | 4096 << 21 | 4096 << 42)
    one, row, many = np.uint64(1), np.uint64(packed.shape[1]), np.uint64(channels)
    for y in range(first, last):
        p, q = int(np.rint((x0 + b * y) * unit)), int(np.rint((y0 + d * y) * unit))
        to = np.uint64(y * across * channels)
        for _ in range(across):
            if mirrored:
                u, v = _fold(p, right - 2 * unit) + unit, _fold(q, bottom - 2 * unit) + unit
            else:
                u, v = min(max(p + unit, 0), right), min(max(q + unit, 0), bottom)
            p += step_x
            q += step_y
            right_share, lower_share = np.uint64(u >> 11) & np.uint64(8191), np.uint64(v >> 11) & np.uint64(8191)
            at = np.uint64(v >> 24) * row + np.uint64(u >> 24)
            wd = right_share * lower_share >> np.uint64(13)
            wb, wc = right_share - wd, lower_share - wd
            wa = np.uint64(8192) - right_share - wc
            # At the last margin the two below would lie beyond the array; their weight is 0.
            below = at + row if lower_share else at
            total = half + wa * flat[at] + wb * flat[at + one] + wc * flat[below] + wd * flat[below + one]
            results[to] = np.uint8(total >> np.uint64(13))
            if channels == 3:
                results[to + one] = np.uint8(total >> np.uint64(34))
                results[to + one + one] = np.uint8(total >> np.uint64(55))
            to += many
