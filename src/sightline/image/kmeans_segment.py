"""K-means segmentation: k colours that stand for all, and each pixel belongs to the nearest one.

Lloyd 1982, "Least squares quantization in PCM", IEEE Trans. Information Theory 28(2): assign, average, repeat. The
start is that of Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", SODA.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import array_of, as_image, contiguous, describe, flag, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range, Seed
from sightline.image.grey_levels import as_grey_levels

_STRIP = 1 << 15  # pixels
_NONE = np.empty(0, np.float32)
_BLOCK = 512  # pixels whose distances are in the first cache together


@method(task="segmentation", paper="Lloyd 1982", lesson="w2d3", example={"k": 3})
def kmeans_segment(
    image: Image,
    k: Annotated[int, Range(1, 256, 1)],
    seed: Seed = 0,
    *,
    iterations: Annotated[int, Range(1, 1000, 1)] = 10,
    eps: Annotated[float, Range(0, 255)] = 0.0,
    position: Annotated[float, Range(0, 10, 0.05)] = 0.0,
    attempts: Annotated[int, Range(1, 100, 1)] = 1,
    start: Array | None = None,
    centres: bool = False,
) -> Labels | tuple[Labels, Array]:
    """Return which of ``k`` colours each pixel is nearest to.

    The colours are moved to the mean of their pixels until they rest, so that the sum of squared distances falls. A
    colour that loses all its pixels is moved to the pixel that is worst served. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32. Distances are measured in grey levels of 0–255.
    k
        Number of segments, 1–256; at most the number of different colours.
    seed
        Chooses the first colours: a whole number ≥ 0 or a generator.
    iterations
        Rounds of averaging at most, 1–1000.
    eps
        Stop when no centre moves farther, in grey levels; 0 stops when none moves at all.
    position
        Grey levels that a distance of one pixel counts for; 0 looks at colour alone. Greater values give segments
        that hold together.
    attempts
        How many starts are tried, 1–100; the one of the least sum of squares is kept.
    start
        k×D first centres instead of a random choice: three grey levels (of a grey image the level and two zeros),
        and x and y times ``position`` after them where that is not 0.
    centres
        Return the centres, too.

    Returns
    -------
    labels
        H×W int32, 0 … k − 1; label 0 is the darkest centre, the others follow in the order of brightness.
    centres
        k×D float32 in grey levels, when they were asked for.

    Raises
    ------
    InputError
        When there are fewer different colours than ``k``.

    References
    ----------
    S. P. Lloyd, "Least squares quantization in PCM", IEEE Transactions on Information Theory 28(2), 1982.

    D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding", ACM-SIAM Symposium on Discrete
    Algorithms, 2007.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.array([[10, 12, 200], [11, 201, 90]], np.uint8)
    >>> kmeans_segment(image, 3).tolist()
    [[0, 0, 2], [0, 2, 1]]
    """
    pixels = _pixels(image, position)
    k = _checked_k(pixels, k)
    iterations = integer("kmeans_segment", "iterations", iterations, 1, 1000)
    eps = number("kmeans_segment", "eps", eps, 0, 255, unit="grey levels")
    attempts = integer("kmeans_segment", "attempts", attempts, 1, 100)
    random = generator(seed)
    labels = empty((len(pixels.values),), np.int32)
    tries: list[tuple[float, Array]] = []
    for _ in range(attempts if start is None else 1):
        tries.append(_rounds(pixels, _start(pixels, k, random, start, labels), iterations, eps, labels))
    _, found = min(tries, key=lambda r: r[0])
    if found is not tries[-1][1]:
        _assigned(pixels, found, labels)
    labels, found = _by_brightness(labels, found)
    labels = labels.reshape(image.shape[:2])
    return (labels, found) if flag("kmeans_segment", "centres", centres) else labels


@kmeans_segment.steps
def _steps(image: Image, k: int, seed: Seed = 0, **options: Any) -> Iterator[Step]:
    yield Step("image", Picture(image))
    first = {**options, "attempts": 1, "centres": True}
    sums = []
    for rounds in (1, 2, 4, 8):
        given: dict[str, Any] = {**first, "iterations": rounds}
        labels, palette = kmeans_segment(image, k, _copy(seed), **given)
        note = "Each pixel in the colour of its centre." if rounds == 1 else ""
        yield Step(f"after {rounds} round{'s' * (rounds > 1)}", Picture(_painted(labels, palette)), note=note)
        sums.append((rounds, _sum_of_squares(image, palette, options.get("position", 0.0))))
    curve = Curve(np.array(sums, np.float64), ("rounds", "sum of squares"))
    yield Step("sum of squares", curve, note="It falls in every round.")
    result = kmeans_segment(image, k, seed, **options)
    labels = result[0] if isinstance(result, tuple) else result
    yield Step("segments", Value(result), Picture((labels * (255 // max(1, k - 1))).astype(np.uint8)))


def _copy(seed: Any) -> Any:
    return np.random.default_rng(0) if isinstance(seed, np.random.Generator) else seed


def _painted(labels: Array, palette: Array) -> Array:
    colours = np.clip(np.rint(palette[:, :3]), 0, 255).astype(np.uint8)
    return colours[labels] if colours[:, 1:].any() else colours[labels][..., 0]


def _sum_of_squares(image: Any, palette: Array, position: float) -> float:
    pixels = _pixels(image, position)
    return float(_assigned(pixels, palette, empty((len(pixels.values),), np.int32))[:, -1].sum())


class _Pixels(NamedTuple):
    """Pixels as a kernel reads them; their features are red, green, blue, and x and y times ``position``."""

    values: Array  # N×C grey levels, uint8 as they are or float32; of one channel, green and blue are 0
    width: int
    position: np.float32
    dims: int  # 3, or 5 with the place


def _pixels(image: Any, position: Any) -> _Pixels:
    image = as_image("kmeans_segment", image, finite=True, most=1e12)
    position = number("kmeans_segment", "position", position, 0, 10, unit="grey levels per pixel")
    levels = image if image.dtype == np.uint8 else as_grey_levels("kmeans_segment", image)
    values = contiguous(levels).reshape(image.shape[0] * image.shape[1], -1)
    return _Pixels(values, image.shape[1], np.float32(position), 5 if position > 0 else 3)


def _checked_k(pixels: _Pixels, k: Any) -> int:
    k = integer("kmeans_segment", "k", k, 1, 256)
    found = int(_different(*pixels, k))
    if found < k:
        raise InputError(f"kmeans_segment: k must be ≤ {found}, the number of different colours; got {k}.")
    return k


def _start(pixels: _Pixels, k: int, random: np.random.Generator, start: Any, room: Array) -> Array:
    """Return k×D first centres: each is a pixel, chosen with a chance that grows with its squared distance.

    ``room`` is N int32, which holds the distances for the while.
    """
    if start is not None:
        given = array_of(start)
        if given.shape != (k, pixels.dims) or given.dtype.kind not in "iuf" or not np.isfinite(given).all():
            raise InputError(f"kmeans_segment: start must be {k}×{pixels.dims} finite numbers; got {describe(start)}.")
        return contiguous(given.astype(np.float32))
    count, distances = len(room), room.view(np.float32)
    centres = np.empty((k, pixels.dims), np.float32)
    centres[0] = _features(pixels, int(random.integers(count)))
    distances.fill(np.inf)
    for i in range(1, k):
        strips = np.array(over_rows(_nearer, count, *pixels, centres[i - 1], distances, strip=_STRIP))
        ends = np.cumsum(strips)
        target = random.random() * ends[-1]
        strip = min(int(np.searchsorted(ends, target, "right")), len(ends) - 1)
        part = np.cumsum(distances[strip * _STRIP : (strip + 1) * _STRIP], dtype=np.float64)
        rest = target - (ends[strip] - strips[strip])
        pixel = strip * _STRIP + min(int(np.searchsorted(part, rest, "right")), len(part) - 1)
        centres[i] = _features(pixels, pixel if distances[pixel] > 0 else int(np.argmax(distances)))
    return centres


def _features(pixels: _Pixels, pixel: int) -> Array:
    """Return the D features of one pixel."""
    features, place = np.zeros(5, np.float32), np.array(divmod(pixel, pixels.width)[::-1], np.float32)
    features[: pixels.values.shape[1]] = pixels.values[pixel]
    features[3:] = place * pixels.position
    return features[: pixels.dims]


def _rounds(pixels: _Pixels, centres: Array, iterations: int, eps: float, labels: Array) -> tuple[float, Array]:
    """Let the centres move until they rest; write the labels, and return the sum of squares and the centres."""
    for turn in range(iterations + 1):
        sums = _assigned(pixels, centres, labels)
        if turn == iterations:
            break
        means = sums[:, :-2] / np.maximum(sums[:, -2:-1], 1)
        lost = np.flatnonzero(sums[:, -2] == 0)
        if lost.size:  # the labels are found once more: their memory holds the distances for the while
            distances = labels.view(np.float32)
            over_rows(_assign, len(labels), *pixels, centres, labels[:0], distances, strip=_STRIP)
            for centre in lost:
                worst = int(np.argmax(distances))
                means[centre], distances[worst] = _features(pixels, worst), 0
        moved = float(np.sqrt(((means - centres) ** 2).sum(axis=1).max()))
        if moved <= eps:
            if lost.size:
                _assigned(pixels, centres, labels)
            break
        centres = means.astype(np.float32)
    return float(sums[:, -1].sum()), centres


def _assigned(pixels: _Pixels, centres: Array, labels: Array) -> Array:
    """Write each pixel's nearest centre; return k×(D + 2) sums: features, number of pixels, squared distances."""
    return np.sum(over_rows(_assign, len(labels), *pixels, centres, labels, _NONE, strip=_STRIP), axis=0)


def clusters(values: Array, k: int, random: np.random.Generator, iterations: int) -> Array:
    """Return which of ``k`` clusters each of N×3 uint8 or float32 colours belongs to, after k-means++ and Lloyd."""
    pixels = _Pixels(values, len(values), np.float32(0), 3)
    k, labels = (
        min(k, int(_different(*pixels, k))),
        np.empty(len(values), np.int32),
    )  # none that would wait to be reused
    _rounds(pixels, _start(pixels, k, random, None, labels), iterations, 0.0, labels)
    return labels


def _by_brightness(labels: Array, centres: Array) -> tuple[Array, Array]:
    order = np.argsort(centres[:, :3].sum(axis=1), kind="stable")
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    for first in range(0, labels.size, _STRIP):  # what NumPy takes as indices it makes 64-bit numbers of
        part = labels[first : first + _STRIP]
        part[...] = place[part]
    return labels, np.ascontiguousarray(centres[order])


@kernel(inline=True)
def _load(values, width, position, first, planes):
    """Write the features of as many pixels as the D planes hold, from pixel ``first`` on."""
    red, green, blue = planes[0], planes[1], planes[2]
    if values.shape[1] == 3:
        flat = values.reshape(-1)[3 * first : 3 * (first + red.size)]
        for i in range(red.size):
            red[i], green[i], blue[i] = flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]
    else:
        flat = values.reshape(-1)[first : first + red.size]
        for i in range(red.size):
            red[i] = flat[i]
            green[i], blue[i] = 0, 0
    if planes.shape[0] == 5:
        y, x = first // width, first % width
        across, down = planes[3], planes[4]
        for i in range(red.size):
            across[i], down[i] = np.float32(x) * position, np.float32(y) * position
            x += 1
            if x == width:
                x, y = 0, y + 1


@kernel
def _different(values, width, position, dims, k):
    """Return the number of different pixels, k at most."""
    known, room, found = np.empty((k, dims), np.float32), np.empty(dims * _BLOCK, np.float32), 0
    for first in range(0, values.shape[0], _BLOCK):
        size = min(_BLOCK, values.shape[0] - first)
        features = room[: dims * size].reshape((dims, size))
        _load(values, width, position, first, features)
        for i in range(size):
            new = True
            for j in range(found):
                same = True
                for d in range(dims):
                    same &= known[j, d] == features[d, i]
                if same:
                    new = False
                    break
            if new:
                for d in range(dims):
                    known[found, d] = features[d, i]
                found += 1
                if found == k:
                    return found
    return found


@kernel
def _nearer(values, width, position, dims, centre, distances, p0, p1):
    """Lower each pixel's squared distance to the nearest centre by one more centre; return their sum."""
    total, room = 0.0, np.empty(dims * _BLOCK, np.float32)
    for first in range(p0, p1, _BLOCK):
        here = distances[first : min(first + _BLOCK, p1)]
        features, new = room[: dims * here.size].reshape((dims, here.size)), np.zeros(here.size, np.float32)
        _load(values, width, position, first, features)
        for d in range(dims):
            plane, middle = features[d], centre[d]
            for i in range(here.size):
                new[i] += (plane[i] - middle) * (plane[i] - middle)
        for i in range(here.size):
            here[i] = min(here[i], new[i])
        for i in range(here.size):
            total += np.float64(here[i])
    return total


@kernel(fastmath=True)
def _assign(values, width, position, dims, centres, labels, distances, p0, p1):
    """Write each pixel's nearest centre or, without labels, its squared distance; return the sums of the centres.

    The last two of a centre's D + 2 sums are the number of its pixels and their squared distances. Sums run over a
    block in float32, which is exact for whole grey levels, and over blocks in float64.
    """
    k, zero = centres.shape[0], np.float32(0)
    sums, room = np.zeros((k, dims + 2)), np.empty(dims * _BLOCK, np.float32)
    numbers, squares = np.empty(_BLOCK, np.int32), np.empty(_BLOCK, np.float32)
    for first in range(p0, p1, _BLOCK):
        last = min(first + _BLOCK, p1)
        nearest = labels[first:last] if labels.size > 0 else numbers[: last - first]
        best = squares[: last - first] if labels.size > 0 else distances[first:last]
        features = room[: dims * (last - first)].reshape((dims, last - first))
        _load(values, width, position, first, features)
        r, g, b, x, y = features[0], features[1], features[2], features[dims - 2], features[dims - 1]
        for i in range(nearest.size):
            nearest[i], best[i] = 0, np.float32(3e38)
        for c in range(k):
            number, cr, cg, cb = np.int32(c), centres[c, 0], centres[c, 1], centres[c, 2]
            cx, cy = centres[c, dims - 2], centres[c, dims - 1]
            far = np.float32(1 if dims == 5 else 0)  # of three features, the last two are counted already
            for i in range(nearest.size):
                u, v, w, s, t, old = r[i] - cr, g[i] - cg, b[i] - cb, x[i] - cx, y[i] - cy, best[i]
                new = u * u + v * v + w * w + far * (s * s + t * t)
                nearest[i] = number if new < old else nearest[i]
                best[i] = new if new < old else old
        for c in range(k):
            number, many = np.int32(c), np.int32(0)
            for i in range(nearest.size):
                many += np.int32(1) if nearest[i] == number else np.int32(0)
            if many == 0:
                continue
            sums[c, dims] += many
            for d in range(dims + 1):
                plane, total = features[d] if d < dims else best, zero
                for i in range(nearest.size):
                    total += plane[i] if nearest[i] == number else zero
                sums[c, d if d < dims else dims + 1] += total
    return sums
