"""The sums of products of a template with every window of an image, in the frequency domain.

The image is cut into overlapping blocks (Stockham 1966, "High-speed convolution and correlation", AFIPS Spring Joint
Computer Conference). Two of them are transformed at once, as the real and the imaginary part of one complex block: the
template is real, so that each part of the product is the answer for its block.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.fft

from sightline.core.buffers import empty
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.image.butterflies import (
    LANES,
    add_groups,
    frequencies,
    move_groups,
    transform,
    transform_back,
    transpose_tile,
    twiddles,
)

_CACHED = 256  # rows of sixteen complex numbers that stay in the nearest cache
_LARGEST = 1 << 26  # numbers in a block


def products(function: str, image: np.ndarray, template: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Return Σ image[y + v, x + u] · template[v, u] for each window, (H - h + 1)×(W - w + 1) float32.

    Parameters
    ----------
    function
        Name for errors.
    image
        H×W float32. Sums are as exact as single precision is for the largest values: take a mean away first.
    template
        h×w float32, no larger than the image.
    out
        Array to add to; None for a new one.
    """
    shape = image.shape[0] - template.shape[0] + 1, image.shape[1] - template.shape[1] + 1
    if out is None:
        out = empty(shape, np.float32)
        out[...] = 0
    Products(function, image.shape, template).add(image, out)
    return out


class Products:
    """The products with one template, of a large image strip by strip.

    Parameters
    ----------
    function
        Name for errors.
    image
        Height and width of the whole image.
    template
        h×w float32, no larger than the image.
    """

    def __init__(self, function: str, image: tuple[int, ...], template: np.ndarray) -> None:
        self.block = _block(function, image, template.shape)
        self.tables = [twiddles(side) for side in self.block]
        self.spectrum = _spectrum(template, self.block)
        self.advance = self.block[0] - template.shape[0] + 1, self.block[1] - template.shape[1] + 1
        self.across = -(-(image[1] - template.shape[1] + 1) // self.advance[1])

    def rows(self, least: int) -> int:
        """Return how many rows of results, ``least`` or more, a strip has that is cut as the whole image is."""
        whole = self.advance[0] * (1 + self.across % 2)  # two blocks go together
        return -(-least // whole) * whole

    def add(self, image: np.ndarray, out: np.ndarray) -> None:
        """Add Σ image[y + v, x + u] · template[v, u] to ``out``, for the rows of an image of this width."""
        blocks = -(-out.shape[0] // self.advance[0]) * self.across
        arrays = image, self.spectrum, *self.tables
        scalars = *self.block, *self.advance, self.across, blocks
        over_rows(_block_pairs, -(-blocks // 2), *arrays, *scalars, out, strip=4)


def _block(function: str, image: tuple[int, ...], template: tuple[int, ...]) -> tuple[int, int]:
    """Return the rows and columns of the block that does the work with the fewest operations."""
    best, found = math.inf, (0, 0)
    sides = [[LANES << k for k in range(20) if _fits(LANES << k, image[i], template[i])] for i in (0, 1)]
    for rows in sides[0]:
        for columns in sides[1]:
            count = math.prod(
                -(-(image[i] - template[i] + 1) // ((rows, columns)[i] - template[i] + 1)) for i in (0, 1)
            )
            work = sum(math.log2(n) * (1 if n <= _CACHED else 2) + 4 for n in (rows, columns))
            cost = -(-count // 2) * rows * columns * work
            if cost < best and rows * columns <= _LARGEST:
                best, found = cost, (rows, columns)
    if found == (0, 0):
        raise InputError(f"{function}: template must have at most about 8000×8000 pixels; got {template}. Resize both.")
    return found


def _fits(side: int, image: int, template: int) -> bool:
    """Return whether a block of this side holds the template, and is not twice as large as it need be."""
    return template <= side and (side < 2 * image or side == LANES)


def _spectrum(template: np.ndarray, block: tuple[int, int]) -> np.ndarray:
    """Return the template's transform, real parts before imaginary ones, in the order in which a block's comes."""
    whole = scipy.fft.fft2(template, block)[np.ix_(frequencies(block[0]), frequencies(block[1]))]
    strips = whole.reshape(-1, LANES, block[1]).transpose(0, 2, 1).ravel()
    return np.concatenate([strips.real, strips.imag]).astype(np.float32)


# A block lies in strips of sixteen columns (then, turned, of sixteen rows), one after the other: in a strip, sixteen
# numbers that belong together follow one another. Imaginary parts begin where the real ones end.


@kernel
def _block_pairs(image, spectrum, down, across, rows, columns, step_y, step_x, wide, blocks, out, p0, p1):
    """Add the products of the blocks of pairs ``p0`` to ``p1`` to ``out``."""
    plane, area = LANES * rows, rows * columns
    lanes, turned = np.empty(2 * plane, np.float32), np.empty(2 * area, np.float32)
    scale = np.float32(1 / area)
    for pair in range(p0, p1):
        for x in range(0, columns, LANES):
            lanes[:] = 0
            for part in range(2):
                top, left = (2 * pair + part) // wide * step_y, (2 * pair + part) % wide * step_x + x
                if 2 * pair + part < blocks:
                    _load(image, top, left, min(rows, image.shape[0] - top), lanes, part * plane)
            transform(lanes, plane, rows, down)
            _turn(lanes, plane, rows, turned, LANES * x, LANES * columns, area)
        for strip in range(0, area, LANES * columns):
            block = turned[strip:]
            transform(block, area, columns, across)
            _multiply(block, area, spectrum[strip:], LANES * columns, scale)
            transform_back(block, area, columns, across)
        for x in range(0, step_x, LANES):
            for part in range(2):
                for y in range(0, rows, LANES):
                    source = part * area + LANES * x + y * columns
                    transpose_tile(turned, source, LANES, lanes, part * plane + LANES * y, LANES)
            transform_back(lanes, plane, rows, down)
            for part in range(2):
                top, left = (2 * pair + part) // wide * step_y, (2 * pair + part) % wide * step_x + x
                if 2 * pair + part < blocks:
                    _add(lanes, part * plane, out, top, left, min(step_y, out.shape[0] - top), step_x - x)


@kernel
def _multiply(block, area, spectrum, count, scale):
    """Multiply complex numbers by the conjugates of others, and by ``scale``."""
    real, imaginary, a, b = block[:count], block[area : area + count], spectrum[:count], spectrum[area : area + count]
    for i in range(count):
        u, v = real[i] * scale, imaginary[i] * scale
        real[i], imaginary[i] = u * a[i] + v * b[i], v * a[i] - u * b[i]


@kernel
def _load(image, top, left, rows, lanes, place):
    """Copy ``rows`` rows of sixteen columns to ``lanes``; what lies beyond the image's right border stays."""
    width = image.shape[1]
    if left + LANES <= width:
        move_groups(image.reshape(-1), top * width + left, width, lanes, place, LANES, rows)
    else:
        for y in range(rows):
            for k in range(width - left):
                lanes[place + LANES * y + k] = image[top + y, left + k]


@kernel
def _add(lanes, place, out, top, left, rows, columns):
    """Add rows of at most sixteen columns to ``out``, as far as it goes."""
    width = out.shape[1]
    if columns >= LANES and left + LANES <= width:
        add_groups(lanes, place, LANES, out.reshape(-1), top * width + left, width, rows)
    else:
        for y in range(rows):
            for k in range(min(LANES, columns, width - left)):
                out[top + y, left + k] += lanes[place + LANES * y + k]


@kernel
def _turn(lanes, plane, rows, turned, place, strip, area):
    """Write sixteen columns as sixteen rows: their part of every strip."""
    for part in range(2):
        for y in range(0, rows, LANES):
            at = part * area + place + y // LANES * strip
            transpose_tile(lanes, part * plane + LANES * y, LANES, turned, at, LANES)
