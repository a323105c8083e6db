"""GrabCut: a box is enough; colours tell foreground from background, and a cut finds the border between them.

Rother, Kolmogorov & Blake 2004, "GrabCut: Interactive Foreground Extraction using Iterated Graph Cuts", ACM TOG 23(3),
which the code follows in its order: assign each pixel a Gaussian, learn the Gaussians, cut, repeat.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
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
from sightline.image.grid_max_flow import WAYS, GridCut
from sightline.image.kmeans_segment import clusters

BACKGROUND, FOREGROUND, LIKELY_BACKGROUND, LIKELY_FOREGROUND = 0, 1, 2, 3  # what a mask of whole numbers says
_STRIP, _BLOCK, _ROWS = 1 << 14, 512, 64


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
            yield Step("colours", Heat(evidence), note="Bright where a pixel's colour fits the foreground better.")
        if turn < len(found):
            yield Step(f"cut {turn}", MaskLayer(foreground), picture, MaskLayer(foreground))
    yield Step("foreground", MaskLayer(found[-1][1]), picture, MaskLayer(found[-1][1]))


def _rounds(
    image: Any, box: Any, mask: Any, iterations: Any, components: Any, gamma: Any, seed: Any
) -> Iterator[tuple[Array, Array]]:
    """Yield what the colours say (positive for the foreground) and the foreground after each round."""
    pixels = as_image("grab_cut", image, channels=(3,), finite=True, most=1e12)
    trimap = _trimap(pixels, box, mask)
    iterations = integer("grab_cut", "iterations", iterations, 1, 50)
    components = integer("grab_cut", "components", components, 1, 20)
    gamma = number("grab_cut", "gamma", gamma, 0, 1e6)
    random, shape = generator(seed), trimap.shape
    levels = contiguous(pixels if pixels.dtype == np.uint8 else as_grey_levels("grab_cut", pixels))
    grid = GridCut(*shape)
    _link(levels, gamma, grid.links)
    colours = levels.reshape(-1, 3)
    front = (trimap & 1).astype(np.bool_).ravel()
    groups = np.empty((2, front.size), np.uint8)  # of a pixel among the background's Gaussians, and the foreground's
    for side in (False, True):
        groups[int(side), front == side] = clusters(colours[front == side], components, random, 10)
    _rate_sides(colours, front, groups, components)
    for _ in range(iterations):
        evidence = _rate_sides(colours, front, groups, components).reshape(shape)
        bound = np.float32(9 * gamma + 1)  # more than all the links of a pixel
        for y in range(0, shape[0], _ROWS):
            known, likely = trimap[y : y + _ROWS], evidence[y : y + _ROWS]
            grid.give(y, np.where(known == FOREGROUND, bound, np.where(known == BACKGROUND, -bound, likely)))
        foreground = grid.cut()
        yield evidence, foreground
        front = foreground.ravel()
        if not front.any() or front.all():
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
        inside = ((rows > y1) & (rows < y2))[:, None] & ((columns > x1) & (columns < x2))
        trimap = np.where(inside, LIKELY_FOREGROUND, BACKGROUND).astype(np.uint8)
    front = int(np.count_nonzero(trimap & 1))
    if front in (0, trimap.size):
        side = "foreground" if front == 0 else "background"
        name = "box" if mask is None else "mask"
        raise InputError(f"grab_cut: {name} must leave pixels of both foreground and background; got no {side}.")
    return contiguous(trimap)


def _link(levels: Array, gamma: float, links: Array) -> None:
    """Write H×W×8 capacities γ / distance · exp(−β ‖difference‖²), where β halves the mean squared difference."""
    total, count = 0.0, 0
    for *_, squares in _squares(levels):
        total, count = total + float(squares.sum(dtype=np.float64)), count + squares.size
    beta = count / (2 * total) if total > 0 else 0.0
    for d, here, there, squares in _squares(levels):
        weight = gamma / np.hypot(*WAYS[d]) * np.exp(np.float32(-beta) * squares)
        links[(*here, d)] = weight
        links[(*there, 7 - d)] = weight


def _squares(levels: Array) -> Iterator[tuple[int, tuple[slice, slice], tuple[slice, slice], Array]]:
    """Yield direction, pixels, their neighbours and the squared differences of colour, some rows at a time."""
    height, width = levels.shape[:2]
    for y in range(0, height, _ROWS):
        some = levels[y : y + _ROWS + 1].astype(np.float32)
        for d, (dy, dx) in enumerate(WAYS[4:], 4):
            rows = min(_ROWS, height - dy - y)
            here, there = slice(max(0, -dx), width - max(0, dx)), slice(max(0, dx), width + min(0, dx))
            squares = ((some[:rows, here] - some[dy : dy + rows, there]) ** 2).sum(axis=2)
            yield d, (slice(y, y + rows), here), (slice(y + dy, y + dy + rows), there), squares


def _rate_sides(colours: Array, front: Array, groups: Array, components: int) -> Array:
    """Learn background and foreground from their groups; write anew which Gaussian each pixel fits on either side.

    Returns how much better each pixel fits the foreground: the difference of the logs of the densities, N float32.
    """
    mixtures = []
    for side in (False, True):
        counts, sums, products = np.zeros(components), np.zeros((components, 3)), np.zeros((components, 6))
        _add_up(colours, front, side, groups[int(side)], counts, sums, products)
        mixtures.append(_learn(counts, sums, products))
    kept = [np.flatnonzero(np.isfinite(mixture[:, 0])).astype(np.uint8) for mixture in mixtures]
    back, fore = (mixture[numbers] for mixture, numbers in zip(mixtures, kept, strict=True))
    evidence = empty((len(colours),), np.float32)
    over_rows(_rate_pixels, len(colours), colours, back, kept[0], fore, kept[1], groups, evidence, strip=_STRIP)
    return evidence


def _learn(counts: Array, sums: Array, products: Array) -> Array:
    """Return K×11 float32 of the Gaussians: log of weight and norm, 3 means, 6 of the inverse covariance.

    Its diagonal comes first (xx, yy, zz, xy, xz, yz), so that −½ (c − μ)ᵀ Σ⁻¹ (c − μ) is a sum of six products.
    """
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
def _add_up(colours, front, side, groups, counts, sums, products):
    """Add up the colours of each group of one side, and their products in the order of the inverse covariance."""
    for i in range(front.size):
        if front[i] != side:
            continue
        k = groups[i]
        r, g, b = np.float32(colours[i, 0]), np.float32(colours[i, 1]), np.float32(colours[i, 2])
        counts[k] += 1
        sums[k, 0], sums[k, 1], sums[k, 2] = sums[k, 0] + r, sums[k, 1] + g, sums[k, 2] + b
        products[k, 0], products[k, 1] = products[k, 0] + r * r, products[k, 1] + g * g
        products[k, 2], products[k, 3] = products[k, 2] + b * b, products[k, 3] + r * g
        products[k, 4], products[k, 5] = products[k, 4] + r * b, products[k, 5] + g * b


@kernel
def _rate_pixels(colours, back, back_numbers, fore, fore_numbers, groups, evidence, p0, p1):
    """Write the likeliest Gaussian of either side, and the log of how much denser the foreground's mixture is."""
    channels = np.empty(3 * _BLOCK, np.float32)
    logs, tops = np.empty((max(back.shape[0], fore.shape[0]), _BLOCK), np.float32), np.empty((2, _BLOCK), np.float32)
    winner = np.empty(_BLOCK, np.int32)
    for first in range(p0, p1, _BLOCK):
        size = min(_BLOCK, p1 - first)
        red, green, blue = channels[:size], channels[size : 2 * size], channels[2 * size : 3 * size]
        flat = colours.reshape(-1)[3 * first : 3 * (first + size)]
        for i in range(size):
            red[i], green[i], blue[i] = flat[3 * i], flat[3 * i + 1], flat[3 * i + 2]
        _rate_block(red, green, blue, back, logs, winner, tops[0])
        for i in range(size):
            groups[0, first + i] = back_numbers[winner[i]]
        _rate_block(red, green, blue, fore, logs, winner, tops[1])
        for i in range(size):
            groups[1, first + i] = fore_numbers[winner[i]]
            evidence[first + i] = tops[1, i] - tops[0, i]


@kernel
def _rate_block(r, g, b, mixture, logs, winner, top):
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
    for i in range(r.size):
        total = np.float32(0)
        for k in range(mixture.shape[0]):
            total += np.exp(logs[k, i] - top[i])
        top[i] += np.log(total)
