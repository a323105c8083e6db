"""Corners for alignment: where brightness changes in two directions, spread evenly over the picture.

Harris & Stephens 1988, "A Combined Corner and Edge Detector", Alvey Vision Conference; chosen and placed as by Brown,
Szeliski & Winder 2005, "Multi-Image Matching Using Multi-Scale Oriented Patches", CVPR, sections 2 and 3: the harmonic
mean of the eigenvalues, adaptive non-maximal suppression, and a parabola through the neighbours.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from sightline.core.buffers import empty
from sightline.core.conversions import to_float
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.gaussian_blur import blurred_rows, reached
from sightline.image.gradient import MIRROR, as_gray, derivatives_of_row

DERIVATIVE, INTEGRATION = 1.0, 1.5  # σ in pixels of a level
_ROBUST = np.float32(0.9)  # a neighbour suppresses a corner only when it is stronger by this factor
_MOST = 4000  # corners of a level that compete
_BAND, _ROWS = 33 << 13, 42  # pixels of a level whose tensors are held at once, and its rows at least
_AROUND = 22  # rows beyond a band that it takes
_READ = 32  # rows that are read by one thread
_FAINT = np.float32(1e-5)  # least strength, for brightness 0–1


class RowsOnDemand(Protocol):
    """A grey picture whose pixels are made when they are asked for, float32 0–1."""

    shape: tuple[int, ...]

    def write(self, y0: int, y1: int, out: Array) -> None:
        """Write rows ``y0`` to ``y1``."""
        ...

    def windows(self, x: Array, y: Array, down: Array, across: Array, out: Array) -> None:
        """Write squares side by side, of the pixels in rows ``down[y]``, ``down[y + 1]`` …, and such columns."""
        ...


class GrayRows:
    """A photo whose colours are mixed to grey when rows are asked for.

    Parameters
    ----------
    photo
        H×W or H×W×3; uint8, uint16 or float32. It may be cut out of a larger one.
    """

    def __init__(self, photo: Array) -> None:
        self.photo, self.shape = photo, photo.shape[:2]

    def write(self, y0: int, y1: int, out: Array) -> None:
        """Write rows ``y0`` to ``y1``."""
        out[...] = as_gray("corners", to_float(self.photo[y0:y1]))

    def windows(self, x: Array, y: Array, down: Array, across: Array, out: Array) -> None:
        """Write squares side by side, of the pixels in rows ``down[y]``, ``down[y + 1]`` …, and such columns."""
        side, pixels = len(out), empty((*out.shape, *self.photo.shape[2:]), self.photo.dtype)
        for k in range(out.shape[1] // side):  # the last one again where that is too narrow
            top, left = (int(places[min(k, len(places) - 1)]) for places in (y, x))
            places = np.ix_(down[top : top + side], across[left : left + side])
            pixels[:, k * side : (k + 1) * side] = self.photo[places]
        out[...] = as_gray("corners", to_float(pixels))


Rows = Array | RowsOnDemand  # float32 0–1, or uint8 or uint16, which are read as such


def read_rows(gray: Rows, y0: int, y1: int, out: Array) -> Array:
    """Write rows ``y0`` to ``y1`` as float32 0–1 to ``out``, and return it."""
    if not isinstance(gray, np.ndarray):
        gray.write(y0, y1, out)
    elif gray.dtype == np.float32:
        out[...] = gray[y0:y1]
    else:
        np.divide(gray[y0:y1], np.float32(np.iinfo(gray.dtype).max), out=out, dtype=np.float32, casting="unsafe")
    return out


def corner_strength(gray: Rows, y0: int = 0, y1: int | None = None) -> Array:
    """Return det / trace of the structure tensor in rows of an H×W picture, h×W float32.

    Parameters
    ----------
    gray
        Float32 brightness 0–1, or uint8 or uint16, which are read as such.
    y0, y1
        The first of the rows, and their end; None for all.
    """
    height, width = gray.shape
    y1 = height if y1 is None else y1
    first, last = reached(INTEGRATION, y0, y1, height)  # of the products
    above, below = max(0, first - 1), min(height, last + 1)  # of what is differentiated
    start, stop = reached(DERIVATIVE, above, below, height)
    blurred = planes_for(below - above, width)
    blurred_rows(band_of(gray, start, stop), start, DERIVATIVE, above, below, height, blurred)
    products = planes_for(last - first, width, 3)
    over_rows(_products, last - first, blurred, first - above, products.reshape(last - first, -1))
    del blurred
    smooth = blurred_rows(products, first, INTEGRATION, y0, y1, height, planes_for(y1 - y0, width, 3))
    del products
    strength = planes_for(y1 - y0, width)
    over_rows(_harmonic_mean, y1 - y0, smooth.reshape(y1 - y0, -1), strength)
    return strength


@kernel
def _products(blurred, above, out, y0, y1):
    """Write the products of derivatives; row 0 is the one ``above`` rows below the first that is given."""
    width, side, middle = blurred.shape[1], np.float32(1), np.float32(2)
    dx, dy = np.empty(width, np.float32), np.empty(width, np.float32)
    for y in range(y0, y1):
        derivatives_of_row(blurred, above + y, MIRROR, np.float32, side, middle, dx, dy)
        _multiply(dx, dy, out[y])


@kernel
def _multiply(dx, dy, row):
    eighth = np.float32(1 / 8)  # a Sobel sum of a ramp of 1 is 8
    for x in range(dx.size):
        u, v = dx[x] * eighth, dy[x] * eighth
        row[3 * x], row[3 * x + 1], row[3 * x + 2] = u * u, u * v, v * v


@kernel
def _harmonic_mean(tensor, out, y0, y1):
    tiny = np.float32(1e-12)
    for y in range(y0, y1):
        row, line = tensor[y], out[y]
        for x in range(line.size):
            xx, xy, yy = row[3 * x], row[3 * x + 1], row[3 * x + 2]
            line[x] = (xx * yy - xy * xy) / (xx + yy + tiny)


def bands_of(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the first row, and the end, of parts of a picture that are worked on at once, so that memory stays small.

    One comes after the other: threads share the rows of each.
    """
    height, width = shape[:2]
    rows = max(_ROWS, _BAND // width - _AROUND)
    return ((y, min(y + rows, height)) for y in range(0, height, rows))


def planes_for(rows: int, width: int, *channels: int) -> Array:
    """Return float32 planes for a band, of memory that bands of pictures of any width share."""
    count, least = rows * width * math.prod(channels), _BAND * math.prod(channels)
    return empty((max(count, least),), np.float32)[:count].reshape(rows, width, *channels)


def band_of(gray: Rows, y0: int, y1: int) -> Array:
    """Return rows ``y0`` to ``y1`` as float32 0–1, those of an array of floats as they are."""
    if isinstance(gray, np.ndarray) and gray.dtype == np.float32:
        return gray[y0:y1]
    band = planes_for(y1 - y0, gray.shape[1])
    over_rows(lambda a, b: read_rows(gray, y0 + a, y0 + b, band[a:b]), y1 - y0, strip=_READ)
    return band


def corners_of(gray: Rows, count: int, margin: int = 4) -> Array:
    """Return at most ``count`` corners of an H×W picture, N×2 float64 (x, y), placed between pixels.

    It is float32 0–1, or uint8 or uint16, which are read as such.
    """
    places, around = np.empty((0, 2), np.int64), np.empty((0, 9), np.float32)
    for y0, y1 in bands_of(gray.shape):
        found = _peaks(gray, max(margin, 1), y0, y1)
        places, around = _strongest(*map(np.concatenate, zip((places, around), found, strict=True)))
    radii = _reach(places[:, ::-1].astype(np.float32), around[:, 4].copy())
    kept = np.argsort(-radii, kind="stable")[:count]
    return _between_pixels(around[kept], places[kept])


def _peaks(gray: Rows, margin: int, y0: int, y1: int) -> tuple[Array, Array]:
    """Return the peaks of strength in rows, N×2 (y, x), and the strength at each and its eight neighbours, N×9."""
    height, width = gray.shape
    first, last = max(0, y0 - 1), min(height, y1 + 1)
    strength = corner_strength(gray, first, last)
    peaks = np.empty((y1 - y0, width), np.bool_)
    over_rows(_mark_peaks, y1 - y0, strength, y0, y0 - first, height, margin, peaks)
    y, x = np.divmod(np.flatnonzero(peaks), width)
    y += y0
    around = np.empty((len(y), 9), np.float32)
    for k in range(9):
        around[:, k] = strength[y - first + k // 3 - 1, x + k % 3 - 1]
    return np.stack([y, x], axis=1), around


def _strongest(places: Array, around: Array) -> tuple[Array, Array]:
    """Return those that compete, the strongest first; of equal ones, those that come first."""
    order = np.argsort(-around[:, 4], kind="stable")[:_MOST]
    return places[order], around[order]


@kernel
def _mark_peaks(strength, top, above, height, margin, peaks, y0, y1):
    """Mark what is no weaker than its eight neighbours, and farther than ``margin`` from the border.

    Row 0 is number ``top`` of the picture's ``height``, and ``above`` rows of strengths lie above it.
    """
    width = strength.shape[1]
    for y in range(y0, y1):
        marks, at = peaks[y], y + above
        marks[:] = False
        if y + top < margin or y + top >= height - margin or width <= 2 * margin:
            continue
        higher, row, lower = strength[at - 1], strength[at], strength[at + 1]
        for x in range(margin, width - margin):
            here = row[x]
            around = max(max(higher[x - 1], higher[x]), max(higher[x + 1], row[x - 1]))
            around = max(around, max(max(row[x + 1], lower[x - 1]), max(lower[x], lower[x + 1])))
            marks[x] = (here >= around) & (here > _FAINT)


@kernel
def _reach(points, strength):
    """Return the squared distance of each corner (strongest first) to the nearest that is clearly stronger."""
    n = len(points)
    radii = np.full(n, np.float32(np.inf))
    for i in range(n):
        x, y, nearest = points[i, 0], points[i, 1], np.float32(np.inf)
        for j in range(i):
            if strength[i] < _ROBUST * strength[j]:
                a, b = points[j, 0] - x, points[j, 1] - y
                nearest = min(nearest, a * a + b * b)
        radii[i] = nearest
    return radii


def _between_pixels(around: Array, places: Array) -> Array:
    """Return the tops of the parabolas through the strengths around whole positions, N×2 (x, y)."""
    s = {(i, j): around[:, 3 * i + j + 4].astype(np.float64) for i in (-1, 0, 1) for j in (-1, 0, 1)}
    dx, dy = (s[0, 1] - s[0, -1]) / 2, (s[1, 0] - s[-1, 0]) / 2
    xx, yy = s[0, 1] + s[0, -1] - 2 * s[0, 0], s[1, 0] + s[-1, 0] - 2 * s[0, 0]
    xy = (s[1, 1] + s[-1, -1] - s[1, -1] - s[-1, 1]) / 4
    det = xx * yy - xy * xy
    with np.errstate(invalid="ignore", divide="ignore"):
        u, v = (xy * dy - yy * dx) / det, (xy * dx - xx * dy) / det
    good = (np.abs(u) < 1) & (np.abs(v) < 1)
    return places[:, ::-1] + np.stack([np.where(good, u, 0), np.where(good, v, 0)], axis=1)
