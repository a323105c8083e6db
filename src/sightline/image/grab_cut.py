"""GrabCut: a box is enough; colours tell foreground from background, and a cut finds the border between them.

Rother, Kolmogorov & Blake 2004, "GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts", ACM TOG 23(3),
which the code follows in its order: assign each pixel a Gaussian, learn the Gaussians, cut, repeat.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import array_of, as_image, contiguous, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Boxes as BoxesLayer
from sightline.core.layers import Heat, Picture
from sightline.core.layers import Mask as MaskLayer
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Mask, Range, Seed
from sightline.image.grey_levels import as_grey_levels
from sightline.image.grid_max_flow import MOST, GridCut
from sightline.image.kmeans_segment import clusters

BACKGROUND, FOREGROUND, LIKELY_BACKGROUND, LIKELY_FOREGROUND = 0, 1, 2, 3  # what a mask of whole numbers says
_STRIP, _BLOCK, _ROWS = 1 << 14, 512, 64  # pixels that are shared out, those rated together; rows


def _middle(image: Any) -> Array:
    """Return a box around the middle of an image."""
    height, width = (*np.shape(image), 1, 1)[:2]
    return np.array([width / 4, height / 4, width * 3 / 4, height * 3 / 4], np.float32)


@method(task="segmentation", paper="Rother 2004", lesson="w2d3", example={"box": _middle})
def grab_cut(
    image: Image,
    box: Array | None = None,
    mask: Array | None = None,
    *,
    iterations: Annotated[int, Range(1, 50, 1)] = 5,
    components: Annotated[int, Range(1, 20, 1)] = 5,
    gamma: Annotated[float, Range(0, 1000, 1)] = 50.0,
    seed: Seed = 0,
) -> Mask:
    """Return the foreground of a photo, given a box around it or a mask that is roughly right.

    Colours of foreground and background are learnt as mixtures of Gaussians; a minimum cut weighs how well a pixel's
    colour fits against how long the border is, which is cheap where neighbours differ. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W×3; uint8, uint16 or float32.
    box
        Box (x1, y1, x2, y2) around the foreground: pixels whose centre is outside are background for good.
    mask
        Instead of the box, or where it was corrected: H×W bool, a first guess of the foreground; or H×W whole numbers:
        0 background and 1 foreground for good, 2 likely background, 3 likely foreground.
    iterations
        Rounds of learning and cutting, 1–50.
    components
        Gaussians in each mixture, 1–20.
    gamma
        What a border between two equal pixels costs, ≥ 0; the paper's 50.
    seed
        Chooses the first Gaussians: a whole number ≥ 0 or a generator.

    Returns
    -------
    foreground
        H×W bool.

    Raises
    ------
    InputError
        When neither or both of box and mask are given, or one side has no pixel.

    References
    ----------
    C. Rother, V. Kolmogorov, A. Blake, "GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts", ACM
    Transactions on Graphics 23(3), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.full((6, 8, 3), 30, np.uint8)
    >>> image[2:4, 2:6] = (200, 180, 40)
    >>> grab_cut(image, np.array([1, 1, 7, 5]))[2].astype(int).tolist()
    [0, 0, 1, 1, 1, 1, 0, 0]
    """
    rounds = _rounds(image, box, mask, iterations, components, gamma, seed)
    return deque((foreground for _, foreground in rounds), maxlen=1)[0]


@grab_cut.steps
def _steps(image: Image, box: Any = None, mask: Any = None, *, iterations: int = 5, **options: Any) -> Iterator[Step]:
    pixels = as_image("grab_cut", image, channels=(3,), finite=True, most=1e12)
    picture = Picture(pixels)
    trimap = _trimap(pixels, box, mask)
    guess = MaskLayer((trimap & 1).astype(np.bool_))
    shown = [BoxesLayer(np.asarray(box, np.float32).reshape(1, 4))] if mask is None else []
    yield Step("guess", guess, picture, guess, *shown, note="What is inside may be foreground.")
    given = {"components": 5, "gamma": 50.0, "seed": 0, **options}
    found = list(_rounds(image, box, mask, iterations, **given))
    for turn, (evidence, foreground) in enumerate(found, 1):
        if turn == 1:
            yield Step("colours", Heat(evidence()), note="Bright where a pixel's colour fits the foreground better.")
        if turn < len(found):
            yield Step(f"cut {turn}", MaskLayer(foreground), picture, MaskLayer(foreground))
    yield Step("foreground", MaskLayer(found[-1][1]), picture, MaskLayer(found[-1][1]))


def _rounds(
    image: Any, box: Any, mask: Any, iterations: Any, components: Any, gamma: Any, seed: Any
) -> Iterator[tuple[Callable[[], Array], Array]]:
    """Yield what tells what the colours say (see :func:`_evidence`), and the foreground, after each round."""
    pixels = as_image("grab_cut", image, channels=(3,), finite=True, most=1e12)
    trimap = _trimap(pixels, box, mask)
    iterations = integer("grab_cut", "iterations", iterations, 1, 50)
    components = integer("grab_cut", "components", components, 1, 20)
    gamma = number("grab_cut", "gamma", gamma, 0, 1e6)
    random = generator(seed)
    levels = contiguous(pixels if pixels.dtype == np.uint8 else as_grey_levels("grab_cut", pixels))
    models = _first_models(levels.reshape(-1, 3), trimap.reshape(-1), components, random)
    rows, columns = _window(trimap)
    near, known = levels[rows, columns], trimap[rows, columns]
    unit = max(gamma, 1e-6) / MOST  # of the grid's capacities
    bound = math.ceil((9 * gamma + 1) / unit)  # more than all the links of a pixel
    grid = GridCut(*known.shape)
    beta = _beta(levels)
    over_rows(_link, len(known), levels, rows.start, columns.start, gamma / unit, beta, grid.links, strip=_ROWS)

    def terminals(models: tuple[Array, Array], y: int) -> Array:
        likely = np.rint(_evidence(models, near[y : y + _ROWS]) / np.float64(unit))
        likely = np.clip(likely, -bound, bound).astype(np.int32)
        some = known[y : y + _ROWS]
        for_good = np.where(some == FOREGROUND, np.int32(bound), np.int32(-bound))
        return np.where(some < LIKELY_BACKGROUND, for_good, likely)

    for turn in range(iterations):
        before, models = models, _learnt(levels.reshape(-1, 3), trimap.reshape(-1), models)
        for y in range(0, len(known), _ROWS):
            grid.give(y, terminals(models, y) - (terminals(before, y) if turn > 0 else np.int32(0)))
        front = grid.cut()
        for y in range(0, len(known), _ROWS):
            some = known[y : y + _ROWS]
            some[...] = np.where(some < LIKELY_BACKGROUND, some, front[y : y + _ROWS] + np.uint8(LIKELY_BACKGROUND))
        foreground = (trimap & 1).view(np.bool_)
        yield partial(_evidence, models, levels), foreground
        if not foreground.any() or foreground.all():
            return  # one side has nothing left to learn from


def _trimap(pixels: Array, box: Any, mask: Any) -> Array:
    """Return H×W uint8 of 0–3 from a box or a mask."""
    shape = pixels.shape[:2]
    if (box is None) == (mask is None):
        raise InputError(
            f"grab_cut: box or mask must be given, one of them; got {'neither' if box is None else 'both'}."
        )
    if mask is not None:
        if not isinstance(mask, np.ndarray) or mask.shape != shape or mask.dtype.kind not in "biu":
            wanted = "×".join(map(str, shape))
            raise InputError(f"grab_cut: mask must be {wanted} bool or whole numbers 0–3; got {describe(mask)}.")
        if mask.dtype.kind != "b" and (mask.min() < 0 or mask.max() > 3):
            raise InputError(f"grab_cut: mask must hold 0–3; got {int(mask.min())}–{int(mask.max())}.")
        trimap = (mask + np.uint8(2) if mask.dtype.kind == "b" else mask).astype(np.uint8)
    else:
        corners = array_of(box)
        if corners.size != 4 or corners.dtype.kind not in "iuf" or not np.isfinite(corners).all():
            raise InputError(f"grab_cut: box must be four numbers (x1, y1, x2, y2); got {describe(box)}.")
        x1, y1, x2, y2 = corners.astype(np.float64).ravel()
        rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
        trimap = np.full(shape, BACKGROUND, np.uint8)
        trimap[np.ix_((rows > y1) & (rows < y2), (columns > x1) & (columns < x2))] = LIKELY_FOREGROUND
    front = int(np.count_nonzero(trimap & 1))
    if front in (0, trimap.size):
        side = "foreground" if front == 0 else "background"
        name = "box" if mask is None else "mask"
        raise InputError(f"grab_cut: {name} must leave pixels of both foreground and background; got no {side}.")
    return contiguous(trimap)


def _window(trimap: Array) -> tuple[slice, slice]:
    """Return the rows and columns of all pixels that may change and of their neighbours.

    What lies beyond is certain and touches nothing that is not, so that the cut need not see it.
    """
    likely = trimap >= LIKELY_BACKGROUND
    spans = []
    for axis in (1, 0):
        found = np.flatnonzero(likely.any(axis=axis))
        first, last = (found[0], found[-1]) if found.size else (0, 0)
        spans.append(slice(max(int(first) - 1, 0), int(last) + 2))
    return spans[0], spans[1]


def _first_models(colours: Array, trimap: Array, components: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Return the models of background and foreground (see :func:`_learn`) with a Gaussian for each cluster."""
    sides = np.empty_like(colours)
    back = _gather(colours, trimap, sides)
    models = []
    for mine in (sides[:back], sides[back:]):
        table = np.zeros((components, 10))
        _add_groups(mine, clusters(mine, components, random, 10), table)
        models.append(_learn(table))
    return models[0], models[1]


def _learnt(colours: Array, trimap: Array, models: tuple[Array, Array]) -> tuple[Array, Array]:
    """Assign each pixel the likeliest Gaussian of its side, and learn background and foreground anew."""
    tables = np.sum(over_rows(_add_up, len(colours), colours, trimap, *models, strip=_STRIP), axis=0)
    return _learn(tables[0]), _learn(tables[1])


def _evidence(models: tuple[Array, Array], levels: Array) -> Array:
    """Return how much better each pixel of rows, R×W×3, fits the foreground: the logs of the densities differ by it."""
    evidence = empty(levels.shape[:2], np.float32)
    colours = np.ascontiguousarray(levels).reshape(-1, 3)
    over_rows(_rate, len(colours), colours, *models, evidence.reshape(-1), strip=_STRIP)
    return evidence


def _beta(levels: Array) -> float:
    """Return 1 over twice the mean squared difference of neighbours' colours; 0 should all be alike."""
    height, width = levels.shape[:2]
    total = sum(over_rows(_sum_squares, height, levels.reshape(height, -1), strip=_ROWS))
    count = height * (width - 1) + (height - 1) * (3 * width - 2)
    return count / (2 * total) if total > 0 else 0.0


def _learn(table: Array) -> Array:
    """Return K×11 float32 of the Gaussians: log of weight and norm, 3 means, 6 of the inverse covariance.

    Of each, ``table`` holds the number of pixels, the sums of their colours and those of their products, K×10. These
    are in the order of the inverse covariance, whose diagonal comes first (xx, yy, zz, xy, xz, yz), so that
    −½ (c − μ)ᵀ Σ⁻¹ (c − μ) is a sum of six products.
    """
    counts, sums, products = table[:, 0], table[:, 1:4], table[:, 4:]
    rows = np.zeros((len(counts), 11), np.float32)
    rows[:, 0] = -np.inf
    pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]
    for k in np.flatnonzero(counts):
        mean = sums[k] / counts[k]
        covariance = np.empty((3, 3))
        for (a, b), product in zip(pairs, products[k], strict=True):
            covariance[a, b] = covariance[b, a] = product / counts[k] - mean[a] * mean[b]
        if np.linalg.det(covariance) < 1e-6:
            covariance += 0.01 * np.eye(3)  # of one colour, or of colours on a line
        inverse = np.linalg.inv(covariance)
        rows[k, 0] = np.log(counts[k] / counts.sum()) - 0.5 * np.log(max(np.linalg.det(covariance), 1e-12))
        rows[k, 1:4] = mean
        rows[k, 4:] = [-0.5 * inverse[a, b] * (1 if a == b else 2) for a, b in pairs] + [0.0]
    return rows


@kernel
def _sum_squares(levels, y0, y1):
    """Return the sum of the squared differences of the rows' pixels from those to the right and from three below."""
    height, across = levels.shape
    total = 0.0
    for y in range(y0, y1):
        total += _distance(levels[y, 3:], levels[y, : across - 3])
        if y + 1 < height:
            total += _distance(levels[y], levels[y + 1])
            total += _distance(levels[y, 3:], levels[y + 1, : across - 3])
            total += _distance(levels[y, : across - 3], levels[y + 1, 3:])
    return total


@kernel(fastmath=True)
def _distance(one, other):
    total = 0.0
    for i in range(one.size):
        apart = np.float32(one[i]) - np.float32(other[i])
        total += np.float64(apart * apart)
    return total


@kernel
def _link(levels, top, left, most, beta, links, y0, y1):
    """Write capacities γ / distance · exp(−β ‖difference‖²) between rows of a window and the pixels right and below.

    The window's first pixel is given, and γ as ``most``.
    """
    height, width = links.shape[:2]
    weights = np.empty(width, np.float32)
    for y in range(y0, y1):
        for d in range(4, 8):
            dy, dx = (0, 1) if d == 4 else (1, d - 6)
            if y + dy == height:
                continue
            first, last = max(0, -dx), width - max(0, dx)
            for x in range(first, last):
                square = np.float32(0)
                for c in range(3):
                    one, other = levels[top + y, left + x, c], levels[top + y + dy, left + x + dx, c]
                    square += (np.float32(one) - np.float32(other)) * (np.float32(one) - np.float32(other))
                weights[x] = square
            scale = np.float32(most / np.sqrt(dy * dy + dx * dx))
            for x in range(first, last):
                weights[x] = np.rint(scale * np.exp(-beta * weights[x]))
            for x in range(first, last):
                links[y, x, d] = links[y + dy, x + dx, 7 - d] = np.uint16(weights[x])


@kernel
def _gather(colours, trimap, sides):
    """Write the colours of the background and then those of the foreground; return where these begin."""
    back = 0
    for i in range(trimap.size):
        back += 1 - (trimap[i] & 1)
    first, second = 0, back
    for i in range(trimap.size):
        front = trimap[i] & 1
        at = second if front else first
        for c in range(3):
            sides[at, c] = colours[i, c]
        first, second = first + 1 - front, second + front
    return back


@kernel(inline=True)
def _add_colour(row, r, g, b):
    row[0] += 1
    row[1], row[2], row[3] = row[1] + r, row[2] + g, row[3] + b
    row[4], row[5], row[6] = row[4] + r * r, row[5] + g * g, row[6] + b * b
    row[7], row[8], row[9] = row[7] + r * g, row[8] + r * b, row[9] + g * b


@kernel
def _add_groups(colours, groups, table):
    """Add up the colours of each group, and their products."""
    for i in range(groups.size):
        r, g, b = np.float32(colours[i, 0]), np.float32(colours[i, 1]), np.float32(colours[i, 2])
        _add_colour(table[groups[i]], r, g, b)


@kernel
def _add_up(colours, trimap, back, fore, p0, p1):
    """Return for background and foreground the colours that each Gaussian is the likeliest of, added up."""
    tables, channels = np.zeros((2, back.shape[0], 10)), np.empty((3, _BLOCK), np.float32)
    top, winner = np.empty(_BLOCK, np.float32), np.empty(_BLOCK, np.int32)
    logs = np.empty((back.shape[0], _BLOCK), np.float32)
    for first in range(p0, p1, _BLOCK):
        known = trimap[first : min(first + _BLOCK, p1)]
        red, green, blue = channels[0, : known.size], channels[1, : known.size], channels[2, : known.size]
        _load(colours, first, red, green, blue)
        fronts = 0
        for i in range(known.size):
            fronts += known[i] & 1
        for side in range(2):
            if fronts == (known.size if side == 0 else 0):
                continue
            _rate_block(red, green, blue, back if side == 0 else fore, logs, winner, top)
            for i in range(known.size):
                if known[i] & 1 == side:
                    _add_colour(tables[side, winner[i]], red[i], green[i], blue[i])
    return tables


@kernel
def _rate(colours, back, fore, evidence, p0, p1):
    """Write the log of how much denser the foreground's mixture is at each colour."""
    channels, tops = np.empty((3, _BLOCK), np.float32), np.empty((2, _BLOCK), np.float32)
    logs, winner = np.empty((back.shape[0], _BLOCK), np.float32), np.empty(_BLOCK, np.int32)
    for first in range(p0, p1, _BLOCK):
        size = min(_BLOCK, p1 - first)
        red, green, blue = channels[0, :size], channels[1, :size], channels[2, :size]
        _load(colours, first, red, green, blue)
        for side in range(2):
            _rate_block(red, green, blue, back if side == 0 else fore, logs, winner, tops[side])
            _sum_densities(logs, tops[side, :size])
        for i in range(size):
            evidence[first + i] = tops[1, i] - tops[0, i]


@kernel(inline=True)
def _load(colours, first, red, green, blue):
    flat = colours.reshape(-1)[3 * first : 3 * (first + red.size)]
    for i in range(red.size):
        red[i], green[i], blue[i] = flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]


@kernel
def _rate_block(r, g, b, mixture, logs, winner, top):
    """Write the log of each Gaussian's density, the number of the greatest, and that one."""
    for k in range(mixture.shape[0]):
        m, row, number = mixture[k], logs[k], np.int32(k)
        base, mr, mg, mb = m[0], m[1], m[2], m[3]
        xx, yy, zz, xy, xz, yz = m[4], m[5], m[6], m[7], m[8], m[9]
        for i in range(r.size):
            x, y, z = r[i] - mr, g[i] - mg, b[i] - mb
            value = base + x * (xx * x + xy * y + xz * z) + y * (yy * y + yz * z) + zz * z * z
            row[i] = value
            higher = k == 0 or value > top[i]
            winner[i] = number if higher else winner[i]
            top[i] = value if higher else top[i]


@kernel
def _sum_densities(logs, top):
    """Add up the densities, the greatest of whose logs is given, and write the sum's log instead of it."""
    for i in range(top.size):
        total = np.float32(0)
        for k in range(logs.shape[0]):
            total += np.exp(logs[k, i] - top[i])
        top[i] += np.log(total)
