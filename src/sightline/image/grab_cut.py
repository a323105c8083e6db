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
from sightline.image.colour_mixtures import evidence_of, first_models, learnt
from sightline.image.grey_levels import as_grey_levels
from sightline.image.grid_max_flow import MOST
from sightline.image.tiled_max_flow import TiledCut

BACKGROUND, FOREGROUND, LIKELY_BACKGROUND, LIKELY_FOREGROUND = 0, 1, 2, 3  # what a mask of whole numbers says
_ROWS = 64  # that are looked at together


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
    _, trimap = deque(rounds, maxlen=1)[0]
    return np.bitwise_and(trimap, 1, out=trimap).view(np.bool_)


@grab_cut.steps
def _steps(image: Image, box: Any = None, mask: Any = None, *, iterations: int = 5, **options: Any) -> Iterator[Step]:
    pixels = as_image("grab_cut", image, channels=(3,), finite=True, most=1e12)
    picture = Picture(pixels)
    trimap = _trimap(pixels, box, mask)
    guess = MaskLayer((trimap & 1).astype(np.bool_))
    shown = [BoxesLayer(np.asarray(box, np.float32).reshape(1, 4))] if mask is None else []
    yield Step("guess", guess, picture, guess, *shown, note="What is inside may be foreground.")
    given = {"components": 5, "gamma": 50.0, "seed": 0, **options}
    rounds = _rounds(image, box, mask, iterations, **given)
    found = [(evidence, (trimap & 1).view(np.bool_)) for evidence, trimap in rounds]
    for turn, (evidence, foreground) in enumerate(found, 1):
        if turn == 1:
            yield Step("colours", Heat(evidence()), note="Bright where a pixel's colour fits the foreground better.")
        if turn < len(found):
            yield Step(f"cut {turn}", MaskLayer(foreground), picture, MaskLayer(foreground))
    yield Step("foreground", MaskLayer(found[-1][1]), picture, MaskLayer(found[-1][1]))


def _rounds(
    image: Any, box: Any, mask: Any, iterations: Any, components: Any, gamma: Any, seed: Any
) -> Iterator[tuple[Callable[[], Array], Array]]:
    """Yield what tells what the colours say (see :func:`evidence_of`), and the trimap, which is odd in the foreground.

    After each round it is the same array, with what has been found.
    """
    pixels = as_image("grab_cut", image, channels=(3,), finite=True, most=1e12)
    trimap = _trimap(pixels, box, mask)
    iterations = integer("grab_cut", "iterations", iterations, 1, 50)
    components = integer("grab_cut", "components", components, 1, 20)
    gamma = number("grab_cut", "gamma", gamma, 0, 1e6)
    random = generator(seed)
    levels = contiguous(pixels if pixels.dtype == np.uint8 else as_grey_levels("grab_cut", pixels))
    models = first_models(levels.reshape(-1, 3), trimap.reshape(-1), components, random)
    rows, columns = _window(trimap)
    near, known = levels[rows, columns], trimap[rows, columns]
    unit = max(gamma, 1e-6) / MOST  # of the grid's capacities
    bound = math.ceil((9 * gamma + 1) / unit)  # more than all the links of a pixel
    beta = _beta(levels)

    def link(y: int, x: int, links: Array) -> None:
        place = rows.start + y, columns.start + x
        over_rows(_link, len(links), levels, *place, gamma / unit, beta, links, strip=_ROWS)

    def terminals(models: tuple[Array, Array], y: slice, x: slice) -> Array:
        likely = np.rint(evidence_of(models, near[y, x]) / np.float64(unit))
        likely = np.clip(likely, -bound, bound).astype(np.int32)
        for_good = np.where(known[y, x] == FOREGROUND, np.int32(bound), np.int32(-bound))
        return np.where(known[y, x] < LIKELY_BACKGROUND, for_good, likely)

    height, width = known.shape
    grid = TiledCut(height, width, link)
    for _ in range(iterations):
        models = learnt(levels.reshape(-1, 3), trimap.reshape(-1), models)
        grid.cut(partial(terminals, models))
        for y in range(0, height, _ROWS):
            some = known[y : y + _ROWS]
            front = grid.front(y, y + len(some))
            some[...] = np.where(some < LIKELY_BACKGROUND, some, front + np.uint8(LIKELY_BACKGROUND))
        front = _count_front(trimap)
        yield partial(evidence_of, models, levels), trimap
        if front in (0, trimap.size):
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
    front = _count_front(trimap)
    if front in (0, trimap.size):
        side = "foreground" if front == 0 else "background"
        name = "box" if mask is None else "mask"
        raise InputError(f"grab_cut: {name} must leave pixels of both foreground and background; got no {side}.")
    return contiguous(trimap)


def _count_front(trimap: Array) -> int:
    """Return how many pixels are foreground."""
    return sum(int(np.count_nonzero(trimap[y : y + _ROWS] & 1)) for y in range(0, len(trimap), _ROWS))


def _window(trimap: Array) -> tuple[slice, slice]:
    """Return the rows and columns of all pixels that may change and of their neighbours.

    What lies beyond is certain and touches nothing that is not, so that the cut need not see it.
    """
    rows, columns = (np.zeros(size, np.bool_) for size in trimap.shape)
    for y in range(0, len(trimap), _ROWS):
        likely = trimap[y : y + _ROWS] >= LIKELY_BACKGROUND
        rows[y : y + _ROWS] = likely.any(axis=1)
        columns |= likely.any(axis=0)
    spans = []
    for some in (rows, columns):
        found = np.flatnonzero(some)
        first, last = (found[0], found[-1]) if found.size else (0, 0)
        spans.append(slice(max(int(first) - 1, 0), int(last) + 2))
    return spans[0], spans[1]


def _beta(levels: Array) -> float:
    """Return 1 over twice the mean squared difference of neighbours' colours; 0 should all be alike."""
    height, width = levels.shape[:2]
    total = sum(over_rows(_sum_squares, height, levels.reshape(height, -1), strip=_ROWS))
    count = height * (width - 1) + (height - 1) * (3 * width - 2)
    return count / (2 * total) if total > 0 else 0.0


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
