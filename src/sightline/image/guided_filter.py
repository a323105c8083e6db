"""Guided filter: the output is a straight-line function of a guide in every window, so that it has the guide's edges.

He, Sun and Tang 2010, "Guided Image Filtering", ECCV, Algorithm 1, and for a guide in colour equations 14 to 16 of He,
Sun and Tang 2013, "Guided Image Filtering", IEEE PAMI 35(6), which the code follows in its order. All means are running
sums, so that every size of window costs the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core import kernels
from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice, integer, number, output
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Grid, Picture
from sightline.core.trace import Step
from sightline.core.types import AnyImage, Array, Choice, Image, Range
from sightline.image.border import BORDERS, source_indices

_RANGE = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
_STRIP = 64
_FLOATS = 6 << 20  # that are held at a time


@method(task="smoothing", paper="He 2010", lesson="w1d4")
def guided_filter(
    image: Image,
    guide: AnyImage | None = None,
    size: Annotated[int, Range(1, 101, 2)] = 9,
    eps: Annotated[float, Range(1e-6, 1, 0.001)] = 0.01,
    *,
    border: Annotated[str, Choice("symmetric", "reflect", "edge", "wrap")] = "symmetric",
    out: Array | None = None,
) -> Image:
    """Return ``image`` smoothed, with the edges of ``guide``.

    In each window the output is a · guide + b, with the a and b that come nearest to the image while a² is held small
    by ``eps``; a pixel takes the mean of the windows that it lies in. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3, which is filtered channel by channel; uint8, uint16 or finite float32.
    guide
        H×W or H×W×3 of the image's height and width, of any dtype of images; None is the image itself.
    size
        Side of the square window in pixels (the paper's 2·r + 1), odd, 1–1023.
    eps
        Variance below which a window counts as flat, for intensities counted 0–1 in every dtype, as in the paper; > 0.
        0.01 smooths away what differs by less than a tenth of the range.
    border
        What lies beyond the border: ``"symmetric"`` (1 0 | 0 1 2), ``"reflect"`` (2 1 | 0 1 2), ``"edge"``
        (0 0 | 0 1 2) or ``"wrap"`` (8 9 | 0 1 2).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The filtered image, same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> step = np.array([[10, 14, 10, 14, 200, 204, 200, 204]], np.uint8)
    >>> sl.image.guided_filter(step, size=3, eps=0.001)
    array([[ 11,  12,  11,  14, 200, 203, 202, 203]], dtype=uint8)

    References
    ----------
    K. He, J. Sun, X. Tang, "Guided Image Filtering", ECCV, 2010.

    K. He, J. Sun, X. Tang, "Guided Image Filtering", IEEE Transactions on Pattern Analysis and Machine Intelligence
    35(6), 2013.
    """
    image, guide, rows, columns, size, eps = _checked(image, guide, size, eps, border)
    result = output("guided_filter", out, image.shape, image.dtype, [image, guide])
    height, width = image.shape[:2]
    many = height if border == "wrap" else _rows_at_a_time(image, guide, size)  # the first rows need the last ones
    each = guide.size // (height * width) + 1
    slopes = empty((image.size // (height * width) * each, min(height, many + size + 2 * _STRIP), width), np.float32)
    top = bottom = 0  # the rows whose a and b are there
    for y in range(0, height, many):
        stop = min(y + many, height)
        near = rows[y : stop + size - 1]  # whose a and b are needed
        first, until = int(near.min()), min(-(-(int(near.max()) + 1) // _STRIP) * _STRIP, height)
        if top <= first <= bottom and bottom > 0:
            slopes[:, : bottom - first] = slopes[:, first - top : bottom - top].copy()
        else:
            bottom = first = first // _STRIP * _STRIP
        top, start, bottom = first, bottom, max(bottom, until)  # sums begin anew at strips of the whole
        under = rows[start : bottom + size - 1] if bottom > start else rows[y : y + 1]
        above, below = min(int(under.min()), y), max(int(under.max()) + 1, stop)
        room = min(height, many + 2 * (_STRIP + size))  # of every band, so that each takes over the memory of the last
        guides = _planes(guide[above:below], room)
        planes = guides if guide is image else _planes(image[above:below], room)
        if bottom > start:
            _coefficients(planes, guides, under - above, columns, size, eps, slopes, start - top)
        _answer(slopes, guides, near - top, columns, size, y - above, result[y:stop])
        del guides, planes
    return result


@guided_filter.steps
def _steps(
    image: Image,
    guide: Image | None = None,
    size: int = 9,
    eps: float = 0.01,
    *,
    border: str = "symmetric",
    out: Array | None = None,
) -> Iterator[Step]:
    result = guided_filter(image, guide, size, eps, border=border, out=out)
    image, guide, rows, columns, size, eps = _checked(image, guide, size, eps, border)
    yield Step("guide", Picture(guide))
    guides = _planes(guide)
    planes = guides if guide is image else _planes(image)
    slopes = _coefficients(planes, guides, rows, columns, size, eps)[: len(guides) + 1]
    yield Step("a and b", Grid(slopes), note="Of the first channel. a is near 1 at edges, near 0 where it is flat.")
    means = _box_means(slopes, rows, columns, size)
    yield Step("means", Grid(means), note="A pixel lies in many windows: it takes the mean of their a and b.")
    yield Step("result", Picture(result), note="Mean a times the guide, plus mean b.")


def _rows_at_a_time(image: Array, guide: Array, size: int) -> int:
    """Return how many rows to filter at a time, in whole strips: what they need is held as float32, up to a limit."""
    height, width = image.shape[:2]
    guides, channels = guide.size // (height * width), image.size // (height * width)
    planes = guides + (0 if guide is image else channels) + channels * (guides + 1)
    least = max(4, kernels.threads()) * max(_STRIP, size)
    return -(-max(_FLOATS // (planes * width), least) // _STRIP) * _STRIP


def _checked(
    image: Any, guide: Any, size: int, eps: float, border: str
) -> tuple[Array, Array, Array, Array, int, float]:
    image = as_image("guided_filter", image, finite=True)
    guide = image if guide is None else as_image("guided_filter", guide, argument="guide", finite=True)
    if guide.shape[:2] != image.shape[:2]:
        wanted, got = ("×".join(map(str, a.shape[:2])) for a in (image, guide))
        raise InputError(f"guided_filter: guide must have the image's height and width {wanted}; got {got}.")
    size = integer("guided_filter", "size", size, 1, 1023, odd=True)
    eps = number("guided_filter", "eps", eps, above=0)
    choice("guided_filter", "border", border, BORDERS)
    rows, columns = (source_indices(n, size // 2, border) for n in image.shape[:2])
    return image, guide, rows, columns, size, eps


def _planes(image: Array, room: int = 0) -> Array:
    """Return the channels as C×H×W float32, 0–1."""
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, 2, 0)
    scale = np.float32(1 / _RANGE[image.dtype.name])
    return np.multiply(planes, scale, out=_roomy(planes.shape, room), dtype=np.float32)


def _roomy(shape: tuple[int, ...], room: int) -> Array:
    """Return a C×H×W float32 array in memory that would hold ``room`` rows."""
    count, height, width = shape
    memory = empty((count * max(room, height) * width,), np.float32)
    return memory[: count * height * width].reshape(shape)


def _coefficients(
    planes: Array,
    guides: Array,
    rows: Array,
    columns: Array,
    size: int,
    eps: float,
    slopes: Array | None = None,
    place: int = 0,
) -> Array:
    """Return, for each channel, a of each channel of the guide and then b: C·(G + 1) planes, from row ``place`` on."""
    count, height, width = len(guides), len(rows) - size + 1, planes.shape[2]
    if slopes is None:
        slopes = empty((len(planes) * (count + 1), height, width), np.float32)
    options = rows, columns, size, np.float64(eps), slopes, place
    if planes is guides and count == 1:
        over_rows(_fit_itself, height, guides[0], *options, strip=_STRIP)
    else:
        over_rows(_fit, height, planes, guides, *options, strip=_STRIP)
    return slopes


def _box_means(planes: Array, rows: Array, columns: Array, size: int) -> Array:
    means = empty(planes.shape, np.float32)
    over_rows(_means, planes.shape[1], planes, rows, columns, size, means, strip=_STRIP)
    return means


def _answer(slopes: Array, guides: Array, rows: Array, columns: Array, size: int, above: int, result: Array) -> None:
    """Write mean a · guide + mean b in the units and the dtype of the result, whose row 0 is ``above`` of the guide."""
    count = len(slopes) // (len(guides) + 1)
    direct = result.dtype == np.float32 and result.ndim == 2
    totals = result[None] if direct else empty((count, *result.shape[:2]), np.float32)
    over_rows(_combine, len(result), slopes, guides, rows, columns, size, above, totals, strip=_STRIP)
    if direct:
        return
    top = np.float32(_RANGE[result.dtype.name])
    for c, total in enumerate(totals):
        target = result if result.ndim == 2 else result[..., c]
        if result.dtype != np.float32:
            np.clip(np.rint(np.multiply(total, top, out=total), out=total), 0, top, out=total)
        np.copyto(target, total, casting="unsafe")


# --- running sums ---


@kernel
def _window_sums(planes, rows, columns, size, y, first, down, across):
    """Move the sums down the columns on to the window of row ``y``, and sum them along the row."""
    for p in range(planes.shape[0]):
        if first:
            for row in range(y, y + size - 1):
                _exchange(planes[p, rows[row]], planes[p, rows[row]], 0.0, down[p])
        fresh, old = rows[y + size - 1], rows[max(y - 1, 0)]
        _exchange(planes[p, fresh], planes[p, old], 0.0 if first else 1.0, down[p])
    _slide_all(down, columns, size, across)


@kernel
def _means(planes, rows, columns, size, means, y0, y1):
    """Write the mean over the window around each pixel of every plane."""
    count, width = planes.shape[0], planes.shape[2]
    down, across = np.zeros((count, width), np.float64), np.empty((count, width), np.float64)
    share = 1.0 / (size * size)
    for y in range(y0, y1):
        _window_sums(planes, rows, columns, size, y, y == y0, down, across)
        for p in range(count):
            to, sums = means[p, y], across[p]
            for x in range(width):
                to[x] = np.float32(sums[x] * share)


@kernel
def _combine(slopes, guides, rows, columns, size, above, totals, y0, y1):
    """Write mean a · guide + mean b of each channel."""
    count, width = slopes.shape[0], slopes.shape[2]
    down, across = np.zeros((count, width), np.float64), np.empty((count, width), np.float64)
    share, each = 1.0 / (size * size), guides.shape[0] + 1
    for y in range(y0, y1):
        _window_sums(slopes, rows, columns, size, y, y == y0, down, across)
        for c in range(totals.shape[0]):
            to, sums = totals[c, y], across[c * each + each - 1]
            for x in range(width):
                to[x] = np.float32(sums[x] * share)
            for g in range(each - 1):
                slope, guide = across[c * each + g], guides[g, y + above]
                for x in range(width):
                    to[x] += np.float32(slope[x] * share) * guide[x]


@kernel
def _exchange(fresh, old, share, sums):
    """Add a row, take another one away: wholly where ``share`` is 1, not at all where it is 0."""
    for x in range(sums.size):
        sums[x] += np.float64(fresh[x]) - share * np.float64(old[x])


@kernel
def _exchange_products(fresh, with_fresh, old, with_old, share, sums):
    for x in range(sums.size):
        one, other = np.float64(fresh[x]) * np.float64(with_fresh[x]), np.float64(old[x]) * np.float64(with_old[x])
        sums[x] += one - share * other


@kernel
def _slide_all(down, columns, size, across):
    """Write the sums over ``size`` neighbours along the rows; four rows side by side, each waits for its last sum."""
    count, width = down.shape
    for p in range(0, count, 4):
        i, j, k = min(p + 1, count - 1), min(p + 2, count - 1), min(p + 3, count - 1)
        a, b, c, d = down[p], down[i], down[j], down[k]
        to_a, to_b, to_c, to_d = across[p], across[i], across[j], across[k]
        s = t = u = v = 0.0
        for x in range(size - 1):
            at = columns[x]
            s, t, u, v = s + a[at], t + b[at], u + c[at], v + d[at]
        for x in range(width):
            at = columns[x + size - 1]
            s, t, u, v = s + a[at], t + b[at], u + c[at], v + d[at]
            to_a[x], to_b[x], to_c[x], to_d[x] = s, t, u, v
            at = columns[x]
            s, t, u, v = s - a[at], t - b[at], u - c[at], v - d[at]


@kernel
def _fit(planes, guides, rows, columns, size, eps, slopes, place, y0, y1):
    """Write a and b of the windows around each pixel, from the means of I, p, I·I and I·p."""
    channels, count, width = planes.shape[0], guides.shape[0], planes.shape[2]
    pairs = count * (count + 1) // 2
    total = count + pairs + channels * (count + 1)
    down, across = np.zeros((total, width), np.float64), np.empty((total, width), np.float64)
    for y in range(y0 - size + 1, y1):
        fresh, old = rows[y + size - 1], rows[max(y - 1, 0)]
        share = 1.0 if y > y0 else 0.0
        at = 0
        for g in range(count):
            _exchange(guides[g, fresh], guides[g, old], share, down[at])
            at += 1
        for g in range(count):
            for h in range(g, count):
                _exchange_products(guides[g, fresh], guides[h, fresh], guides[g, old], guides[h, old], share, down[at])
                at += 1
        for c in range(channels):
            _exchange(planes[c, fresh], planes[c, old], share, down[at])
            at += 1
            for g in range(count):
                _exchange_products(planes[c, fresh], guides[g, fresh], planes[c, old], guides[g, old], share, down[at])
                at += 1
        if y < y0:
            continue
        _slide_all(down, columns, size, across)
        if count == 1:
            _solve_gray(across, channels, 1.0 / (size * size), eps, slopes, place + y)
        else:
            _solve_colour(across, channels, 1.0 / (size * size), eps, slopes, place + y)


@kernel
def _fit_itself(plane, rows, columns, size, eps, slopes, place, y0, y1):
    """Write a and b where a grey image is its own guide: two sums instead of four."""
    width = plane.shape[1]
    down, across = np.zeros((2, width), np.float64), np.empty((2, width), np.float64)
    share = 1.0 / (size * size)
    for y in range(y0 - size + 1, y1):
        fresh, old = plane[rows[y + size - 1]], plane[rows[max(y - 1, 0)]]
        old_share = 1.0 if y > y0 else 0.0
        _exchange(fresh, old, old_share, down[0])
        _exchange_products(fresh, fresh, old, old, old_share, down[1])
        if y < y0:
            continue
        _slide_all(down, columns, size, across)
        levels, squares, to_a, to_b = across[0], across[1], slopes[0, place + y], slopes[1, place + y]
        for x in range(width):
            mean = levels[x] * share
            variance = squares[x] * share - mean * mean
            a = variance / (variance + eps)
            to_a[x] = np.float32(a)
            to_b[x] = np.float32(mean - a * mean)


@kernel
def _solve_gray(sums, channels, share, eps, slopes, y):
    """Write a = cov(I, p) / (var(I) + eps) and b = mean(p) - a · mean(I)."""
    guide, square = sums[0], sums[1]
    for c in range(channels):
        plane, product = sums[2 + 2 * c], sums[3 + 2 * c]
        to_a, to_b = slopes[2 * c, y], slopes[2 * c + 1, y]
        for x in range(to_a.size):
            mean_i, mean_p = guide[x] * share, plane[x] * share
            variance = square[x] * share - mean_i * mean_i
            a = (product[x] * share - mean_i * mean_p) / (variance + eps)
            to_a[x] = np.float32(a)
            to_b[x] = np.float32(mean_p - a * mean_i)


@kernel
def _solve_colour(sums, channels, share, eps, slopes, y):
    """Solve (Σ + eps · 1) a = cov(I, p) for the guide's 3×3 covariance Σ by cofactors; b = mean(p) - a · mean(I)."""
    for x in range(sums.shape[1]):
        r, g, b = sums[0, x] * share, sums[1, x] * share, sums[2, x] * share
        rr, rg = sums[3, x] * share - r * r + eps, sums[4, x] * share - r * g
        rb, gg = sums[5, x] * share - r * b, sums[6, x] * share - g * g + eps
        gb, bb = sums[7, x] * share - g * b, sums[8, x] * share - b * b + eps
        c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
        c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
        scale = 1.0 / (rr * c_rr + rg * c_rg + rb * c_rb)
        for c in range(channels):
            at = 9 + 4 * c
            p = sums[at, x] * share
            u, v, w = sums[at + 1, x] * share - r * p, sums[at + 2, x] * share - g * p, sums[at + 3, x] * share - b * p
            a0 = (c_rr * u + c_rg * v + c_rb * w) * scale
            a1 = (c_rg * u + c_gg * v + c_gb * w) * scale
            a2 = (c_rb * u + c_gb * v + c_bb * w) * scale
            slopes[4 * c, y, x], slopes[4 * c + 1, y, x], slopes[4 * c + 2, y, x] = a0, a1, a2
            slopes[4 * c + 3, y, x] = p - (a0 * r + a1 * g + a2 * b)
