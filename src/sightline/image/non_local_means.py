"""Non-local means: each pixel becomes the mean of those whose surroundings look like its own, wherever they lie.

Buades, Coll and Morel 2005, "A Non-Local Algorithm for Image Denoising", CVPR. Patch distances for one displacement of
the whole image at a time, by running sums, so that the size of a patch costs next to nothing: Darbon, Cunha, Chan,
Osher and Jensen 2008, "Fast Nonlocal Filtering Applied to Electron Cryomicroscopy", ISBI. What noise adds to every
distance is taken off: Buades, Coll and Morel 2011, "Non-Local Means Denoising", Image Processing On Line 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Grid, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Range
from sightline.image.border import source_indices
from sightline.image.weighted_mean import LOG2_E, divide, gather, power_of_two, start

STRENGTH = (0.4, 1.2)  # k and m of (k + m / patch) · sigma, which does best on photographs for sigma 10 to 50
_STRIP, _TILE = 64, 480  # rows and columns that are denoised at a time
_PIXELS = 1 << 21  # that are held as float32 at a time, in whole strips
_MAD = 0.6744897501960817  # median of |x| of normal x with standard deviation 1
_LEAST = 1e-12  # a strength at which none but the same patches count, and whose square float32 can divide by
_ZERO = np.float32(0)


@method(task="denoising", paper="Buades 2005", lesson="w1d4")
def non_local_means(
    image: Image,
    patch: Annotated[int, Range(1, 15, 2)] = 7,
    window: Annotated[int, Range(1, 35, 2)] = 21,
    *,
    strength: Annotated[float, Range(0, 100, 0.5)] | None = None,
    sigma: Annotated[float, Range(0, 100, 0.5)] | None = None,
    out: Array | None = None,
) -> Image:
    """Return ``image`` denoised by averaging pixels with similar surroundings.

    Pixel q of the search window around p counts exp(−max(d² − 2·sigma², 0) / strength²), where d² is the mean squared
    difference of the patches around p and q, over all channels. Beyond the border the image is mirrored at its
    outermost pixels. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or finite float32.
    patch
        Side of the patches that are compared, in pixels, odd, 1–63.
    window
        Side of the neighbourhood that is searched, in pixels, odd, 1–101; 1 returns an equal copy.
    strength
        How much patches may differ, in the image's own units (0–255 for uint8), > 0; None takes
        (0.4 + 1.2 / patch) · sigma.
    sigma
        Standard deviation of the noise, in the image's own units, ≥ 0. None takes 0 where ``strength`` is given, and
        estimates it from the image otherwise (the median of its finest diagonal differences, Donoho 1994).
    out
        Array to write to, of the image's shape and dtype; None for a new one.

    Returns
    -------
    The denoised image, same shape and dtype.

    Examples
    --------
    >>> import numpy as np
    >>> import sightline as sl
    >>> noisy = np.clip(np.random.default_rng(0).normal(100, 10, (40, 40)), 0, 255).astype(np.uint8)
    >>> bool(noisy.std() > 9 and sl.image.non_local_means(noisy, sigma=10.0).std() < 3)
    True

    References
    ----------
    A. Buades, B. Coll, J.-M. Morel, "A Non-Local Algorithm for Image Denoising", CVPR, 2005.

    A. Buades, B. Coll, J.-M. Morel, "Non-Local Means Denoising", Image Processing On Line 1, 2011.
    """
    image = as_image("non_local_means", image, finite=True)
    patch = integer("non_local_means", "patch", patch, 1, 63, odd=True)
    window = integer("non_local_means", "window", window, 1, 101, odd=True)
    strength, sigma = _noise(image, patch, strength, sigma)
    result = output("non_local_means", out, image.shape, image.dtype, [image])
    if window == 1 or strength == 0:
        np.copyto(result, image)
        return result
    height, width = image.shape[:2]
    reach = window // 2
    shifts = np.array([(dy, dx) for dy in range(reach + 1) for dx in range(-reach, reach + 1) if (dy, dx) > (0, 0)])
    exponent = _exponent(image.shape[2] if image.ndim == 3 else 1, patch, strength, sigma)
    many = -(-max(1, _PIXELS // width) // _STRIP) * _STRIP
    for y in range(0, height, many):  # what needs float32 is held for these rows alone
        part = result[y : y + many]
        rows = len(part)
        planes = _padded_planes(image, patch // 2 + reach, y, rows)
        target = part if image.dtype == np.float32 else empty(part.shape, np.float32)
        over_rows(
            _denoise, rows, planes, target.reshape(rows, -1), width, shifts, reach, patch, *exponent, strip=_STRIP
        )
        if target is not part:
            np.copyto(part, np.rint(target, out=target), casting="unsafe")
    return result


@non_local_means.steps
def _steps(
    image: Image,
    patch: int = 7,
    window: int = 21,
    *,
    strength: float | None = None,
    sigma: float | None = None,
    out: Array | None = None,
) -> Iterator[Step]:
    result = non_local_means(image, patch, window, strength=strength, sigma=sigma, out=out)
    image = as_image("non_local_means", image)
    used, noise = _noise(image, patch, strength, sigma)
    yield Step("noise", Value(noise), note=f"Standard deviation; patches may differ by {used:g}.")
    squared, patches = _distances_at(image, image.shape[0] // 2, image.shape[1] // 2, patch, window)
    order = np.argsort(squared, axis=None, kind="stable")[:25]
    yield Step("similar patches", Grid(patches[order]), note="The patch around the centre, and those most like it.")
    yield Step("distances", Heat(np.sqrt(squared)), note="How far the patches of the search window are from it.")
    weights = np.exp(-np.maximum(squared - 2 * noise**2, 0) / max(used, 1e-30) ** 2).astype(np.float32)
    yield Step("weights", Heat(weights), note="How much each pixel of the window counts for the one in its middle.")
    yield Step("result", Picture(result))


def _distances_at(image: Array, y: int, x: int, patch: int, window: int) -> tuple[Array, Array]:
    """Return the mean squared differences of the patch around one pixel to all of its window, and those patches."""
    margin = patch // 2 + window // 2
    planes = _padded_planes(image, margin, 0, len(image))[:, y : y + 2 * margin + 1, x : x + 2 * margin + 1]
    views = np.lib.stride_tricks.sliding_window_view(planes, (patch, patch), axis=(1, 2))  # C×window×window×patch×patch
    centre = views[:, window // 2, window // 2][:, None, None]
    squared = ((views - centre) ** 2).mean(axis=(0, 3, 4))
    tiles = np.moveaxis(views, 0, -1).reshape(window * window, patch, patch, -1)
    return squared, tiles[..., 0] if len(planes) == 1 else tiles


def _noise(image: Array, patch: int, strength: float | None, sigma: float | None) -> tuple[float, float]:
    """Return strength and sigma, each from the other one or from the image where it is not given."""
    if sigma is not None:
        sigma = number("non_local_means", "sigma", sigma, 0, 1e6)
    if strength is not None:
        return number("non_local_means", "strength", strength, 0, 1e6, above=0), sigma or 0.0
    sigma = _estimate(image) if sigma is None else sigma
    return (STRENGTH[0] + STRENGTH[1] / patch) * sigma, sigma


def _estimate(image: Array) -> float:
    """Return the noise's standard deviation, from the diagonal differences of 2×2 pixels (Donoho 1994)."""
    height, width = (n // 2 * 2 for n in image.shape[:2])
    if height == 0 or width == 0:
        return 0.0
    if image.dtype == np.float32:
        return float(np.median(_differences(image[:height, :width])) / 2 / _MAD)
    counts = np.zeros(2 * np.iinfo(image.dtype).max + 1, np.int64)  # of each difference there can be
    many = 2 * max(1, _PIXELS // (8 * width))
    for y in range(0, height, many):
        found = _differences(image[y : min(y + many, height), :width]).reshape(-1).astype(np.int64)
        counts += np.bincount(found, minlength=counts.size)
    up_to = np.cumsum(counts)
    low, high = (int(np.searchsorted(up_to, place, "right")) for place in ((up_to[-1] - 1) // 2, up_to[-1] // 2))
    return float(np.float32((low + high) / 2) / 2 / _MAD)


def _differences(image: Array) -> Array:
    """Return |a - b - c + d| of each 2×2 pixels, and channel, as float32."""
    result = np.subtract(image[0::2, 0::2], image[0::2, 1::2], dtype=np.float32)
    result -= image[1::2, 0::2]
    result += image[1::2, 1::2]
    return np.abs(result, out=result)


def _padded_planes(image: Array, margin: int, y: int, count: int) -> Array:
    """Return ``count`` rows from ``y`` on as C×H×W float32, ``margin`` pixels larger on every side."""
    rows = source_indices(image.shape[0], margin, "reflect")[y : y + count + 2 * margin]
    columns = source_indices(image.shape[1], margin, "reflect")
    planes = image[None] if image.ndim == 2 else np.moveaxis(image, 2, 0)
    return planes[:, rows[:, None], columns].astype(np.float32, order="C")


def _exponent(channels: int, patch: int, strength: float, sigma: float) -> tuple[np.float32, np.float32]:
    """Return ``(slope, offset)``: a sum of squared differences d weighs 2^min(slope · d + offset, 0)."""
    scale = LOG2_E / max(strength, _LEAST) ** 2
    return np.float32(-scale / (channels * patch * patch)), np.float32(2 * sigma * sigma * scale)


@kernel
def _denoise(planes, result, width, shifts, reach, patch, slope, offset, y0, y1):
    """Visit each pair of pixels p, q = p + shift of a tile once: its weight is the same from both sides."""
    channels, half = planes.shape[0], patch // 2
    margin = reach + half
    tall, wide = y1 - y0, -(-width // -(-width // _TILE))
    left = np.int64(0)  # a bare 0 is a type of its own, for which the shared kernels would be compiled once more
    sums = np.empty((channels + 1, tall, wide), np.float32)  # of the weighted channels, and of the weights
    columns, weights = np.empty(wide + margin + half, np.float32), np.empty(wide + reach, np.float32)
    for x0 in range(0, width, wide):
        x1 = min(x0 + wide, width)
        for i in range(tall):
            start(sums, i, planes, margin + y0 + i, margin + x0, x1 - x0)
        for s in range(shifts.shape[0]):
            dy, dx = shifts[s, 0], shifts[s, 1]
            first = x0 - max(dx, 0)  # p or q lies in the tile
            sum_, weight = columns[: x1 - x0 + abs(dx) + 2 * half], weights[: x1 - x0 + abs(dx)]
            for x in range(sum_.size):
                sum_[x] = _ZERO
            for y in range(y0 - dy - 2 * half, y1):  # until the sums are of `patch` rows, they lose nothing
                lost = max(y - half - 1, -margin)
                share = np.float32(y > y0 - dy)
                _slide(planes, margin + y + half, margin + lost, margin + first - half, dy, dx, sum_, share)
                if y < y0 - dy:
                    continue
                _weigh(sum_, patch, slope, offset, weight)
                for side in range(2):
                    i, k, right = (y - y0, y + dy, x0 + dx) if side == 0 else (y + dy - y0, y, x0 - dx)
                    skip = max(dx, 0) if side == 0 else max(-dx, 0)
                    if 0 <= i < tall:
                        gather(sums, i, left, planes, margin + k, margin + right, weight[skip : skip + x1 - x0])
        for i in range(tall):
            divide(sums, i, left, x1 - x0, result[y0 + i], x0)


@kernel(contract=True)
def _slide(planes, fresh, old, x, dy, dx, sums, before):
    """Add the squared differences of row ``fresh``, take those of row ``old`` away where ``before`` is 1, not 0."""
    n = sums.size
    for c in range(planes.shape[0]):
        p, q = planes[c, fresh, x : x + n], planes[c, fresh + dy, x + dx : x + dx + n]
        r, s = planes[c, old, x : x + n], planes[c, old + dy, x + dx : x + dx + n]
        for i in range(n):
            d, e = p[i] - q[i], (r[i] - s[i]) * before
            sums[i] += d * d - e * e


@kernel(contract=True)
def _weigh(columns, patch, slope, offset, weights):
    """Add ``patch`` neighbours along the row, six at a time, and turn the sums into weights."""
    n, k = weights.size, 1
    for i in range(n):
        weights[i] = columns[i]
    while k + 6 <= patch:
        a, b, c = columns[k : k + n], columns[k + 1 : k + 1 + n], columns[k + 2 : k + 2 + n]
        d, e, f = columns[k + 3 : k + 3 + n], columns[k + 4 : k + 4 + n], columns[k + 5 : k + 5 + n]
        for i in range(n):
            weights[i] += ((a[i] + b[i]) + (c[i] + d[i])) + (e[i] + f[i])
        k += 6
    while k < patch:
        a, b = columns[k : k + n], columns[k + 1 : k + 1 + n]
        for i in range(n):
            weights[i] += a[i] + b[i]
        k += 2
    for i in range(n):
        weights[i] = power_of_two(min(weights[i] * slope + offset, _ZERO))
