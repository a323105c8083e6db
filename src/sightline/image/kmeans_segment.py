"""K-means segmentation: k colours that stand for all, and each pixel belongs to the nearest one.

Lloyd 1982, "Least squares quantization in PCM", IEEE Trans. Information Theory 28(2): assign, average, repeat. The
start is that of Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", SODA.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import array_of, contiguous, describe, flag, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Curve, Picture, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range, Seed
from sightline.image.grey_levels import as_planes

_STRIP = 1 << 15  # pixels
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
    features, shape = _features(image, position)
    k = _checked_k(features, k)
    iterations = integer("kmeans_segment", "iterations", iterations, 1, 1000)
    eps = number("kmeans_segment", "eps", eps, 0, 255, unit="grey levels")
    attempts = integer("kmeans_segment", "attempts", attempts, 1, 100)
    random = generator(seed)
    tries = [_start(features, k, random, start) for _ in range(attempts if start is None else 1)]
    _, found, labels = min((_last(_rounds(features, first, iterations, eps)) for first in tries), key=lambda r: r[0])
    labels, found = _by_brightness(labels, found)
    return (labels.reshape(shape), found) if flag("kmeans_segment", "centres", centres) else labels.reshape(shape)


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
        sums.append((rounds, _sum_of_squares(image, labels, palette, options.get("position", 0.0))))
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


def _sum_of_squares(image: Any, labels: Array, palette: Array, position: float) -> float:
    features, _ = _features(image, position)
    return float(((features - palette[labels.reshape(-1)].T) ** 2).sum(dtype=np.float64))


def _features(image: Any, position: Any) -> tuple[Array, tuple[int, int]]:
    """Return D×N features of the pixels, and the image's shape."""
    planes = as_planes("kmeans_segment", image)
    position = number("kmeans_segment", "position", position, 0, 10, unit="grey levels per pixel")
    shape = planes.shape[1:]
    if len(planes) == 1:  # grey: two channels that are 0 let one kernel do for both
        planes = np.concatenate([planes, np.zeros((2, *shape), np.float32)])
    if position > 0:
        y, x = np.mgrid[0 : shape[0], 0 : shape[1]].astype(np.float32) * np.float32(position)
        planes = np.concatenate([planes, x[None], y[None]])
    return planes.reshape(len(planes), -1), shape


def _checked_k(features: Array, k: Any) -> int:
    k = integer("kmeans_segment", "k", k, 1, 256)
    found = int(_different(features, k))
    if found < k:
        raise InputError(f"kmeans_segment: k must be ≤ {found}, the number of different colours; got {k}.")
    return k


def _start(features: Array, k: int, random: np.random.Generator, start: Any) -> Array:
    """Return k×D first centres: each is a pixel, chosen with a chance that grows with its squared distance."""
    dims, count = features.shape
    if start is not None:
        given = array_of(start)
        if given.shape != (k, dims) or given.dtype.kind not in "iuf" or not np.isfinite(given).all():
            raise InputError(f"kmeans_segment: start must be {k}×{dims} finite numbers; got {describe(start)}.")
        return contiguous(given.astype(np.float32))
    centres = np.empty((k, dims), np.float32)
    centres[0] = features[:, random.integers(count)]
    distances = np.full(count, np.inf, np.float32)
    for i in range(1, k):
        strips = np.array(over_rows(_nearer, count, features, centres[i - 1], distances, strip=_STRIP))
        ends = np.cumsum(strips)
        target = random.random() * ends[-1]
        strip = min(int(np.searchsorted(ends, target, "right")), len(ends) - 1)
        part = np.cumsum(distances[strip * _STRIP : (strip + 1) * _STRIP], dtype=np.float64)
        rest = target - (ends[strip] - strips[strip])
        pixel = strip * _STRIP + min(int(np.searchsorted(part, rest, "right")), len(part) - 1)
        centres[i] = features[:, pixel if distances[pixel] > 0 else int(np.argmax(distances))]
    return centres


def _rounds(features: Array, centres: Array, iterations: int, eps: float) -> Iterator[tuple[float, Array, Array]]:
    """Yield the sum of squares, the centres and the labels after each round."""
    count = features.shape[1]
    labels, distances = empty((count,), np.int32), empty((count,), np.float32)
    for turn in range(iterations + 1):
        strips = over_rows(_assign, count, features, centres, labels, distances, strip=_STRIP)
        sums = np.sum(strips, axis=0)  # k×(D + 2): the features' sums, the number of pixels, the squared distances
        yield float(sums[:, -1].sum()), centres, labels
        if turn == iterations:
            return
        means = sums[:, :-2] / np.maximum(sums[:, -2:-1], 1)
        for lost in np.flatnonzero(sums[:, -2] == 0):
            worst = int(np.argmax(distances))
            means[lost], distances[worst] = features[:, worst], 0
        moved = float(np.sqrt(((means - centres) ** 2).sum(axis=1).max()))
        centres = means.astype(np.float32)
        if moved <= eps:
            return


def clusters(features: Array, k: int, random: np.random.Generator, iterations: int) -> Array:
    """Return which of ``k`` clusters each of D×N features (D is 3 or 5) belongs to, after k-means++ and Lloyd."""
    k = min(k, int(_different(features, k)))
    return _last(_rounds(features, _start(features, k, random, None), iterations, 0.0))[2]


def _last(rounds: Iterator[tuple[float, Array, Array]]) -> tuple[float, Array, Array]:
    *_, last = rounds
    return last


def _by_brightness(labels: Array, centres: Array) -> tuple[Array, Array]:
    order = np.argsort(centres[:, :3].sum(axis=1), kind="stable")
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    for first in range(0, labels.size, _STRIP):  # what NumPy takes as indices it makes 64-bit numbers of
        part = labels[first : first + _STRIP]
        part[...] = place[part]
    return labels, np.ascontiguousarray(centres[order])


@kernel
def _different(features, k):
    """Return the number of different pixels, k at most."""
    dims, count = features.shape
    known = np.empty((k, dims), np.float32)
    found = 0
    for i in range(count):
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
                break
    return found


@kernel
def _nearer(features, centre, distances, p0, p1):
    """Lower each pixel's squared distance to the nearest centre by one more centre; return their sum."""
    total = 0.0
    for first in range(p0, p1, _BLOCK):
        here = distances[first : min(first + _BLOCK, p1)]
        new = np.zeros(here.size, np.float32)
        for d in range(features.shape[0]):
            values, middle = features[d, first : first + here.size], centre[d]
            for i in range(here.size):
                new[i] += (values[i] - middle) * (values[i] - middle)
        for i in range(here.size):
            here[i] = min(here[i], new[i])
        for i in range(here.size):
            total += np.float64(here[i])
    return total


@kernel(fastmath=True)
def _assign(features, centres, labels, distances, p0, p1):
    """Write each pixel's nearest centre and squared distance; return the sums of each centre's pixels.

    The last two of a centre's D + 2 sums are the number of its pixels and their squared distances. Sums run over a
    block in float32, which is exact for whole grey levels, and over blocks in float64.
    """
    (k, dims), zero = centres.shape, np.float32(0)
    sums = np.zeros((k, dims + 2))
    for first in range(p0, p1, _BLOCK):
        last = min(first + _BLOCK, p1)
        nearest, best = labels[first:last], distances[first:last]
        r, g, b = features[0, first:last], features[1, first:last], features[2, first:last]
        x, y = features[dims - 2, first:last], features[dims - 1, first:last]
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
                values, total = features[d, first:last] if d < dims else best, zero
                for i in range(nearest.size):
                    total += values[i] if nearest[i] == number else zero
                sums[c, d if d < dims else dims + 1] += total
    return sums
