"""SLIC superpixels: k-means in colour and place at once, where each centre looks only at its own surroundings.

Achanta, Shaji, Smith, Lucchi, Fua & Süsstrunk 2012, "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods",
IEEE PAMI 34(11), which the code follows in its order: D² = d_c² / m² + d_s² / S².
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import integer, number
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.layers import Points as PointsLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range
from sightline.image.lab_planes import as_lab_source, lab_bands

_STRIP = 32


@method(task="segmentation", paper="Achanta 2012", lesson="w2d3", example={"segments": 60})
def slic(
    image: Image,
    segments: Annotated[int, Range(1, 20000, 10)],
    *,
    compactness: Annotated[float, Range(0.01, 1000, 0.5)] = 10.0,
    iterations: Annotated[int, Range(1, 100, 1)] = 10,
) -> Labels:
    """Return about ``segments`` superpixels: patches of one colour and nearly equal size that follow edges.

    Colours are compared in CIE L*a*b*. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3 RGB; uint8, uint16 or float32.
    segments
        Number of superpixels to start with, ≥ 1; small ones are joined in the end, so that fewer may come out.
    compactness
        The paper's m, in units of L*a*b* (> 0): with greater values the patches become squarer, with smaller ones
        they follow colour more.
    iterations
        Rounds of assigning and averaging, 1–100.

    Returns
    -------
    labels
        H×W int32, 0 … N − 1 in the order of their first pixel, row by row; each label is one connected patch.

    References
    ----------
    R. Achanta, A. Shaji, K. Smith, A. Lucchi, P. Fua, S. Süsstrunk, "SLIC Superpixels Compared to State-of-the-Art
    Superpixel Methods", IEEE Transactions on Pattern Analysis and Machine Intelligence 34(11), 2012.

    Examples
    --------
    >>> import numpy as np
    >>> image = np.zeros((4, 8), np.uint8)
    >>> image[:, 4:] = 200
    >>> slic(image, 2)[0].tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """
    image, segments, m, iterations = _checked(image, segments, compactness, iterations)
    labels = empty(image.shape[:2], np.int32)
    planes = _planes(image, labels.view(np.float32))
    *_, centres = _rounds(planes, segments, m, iterations, labels, only_last=True)
    del planes
    _join_small(labels, len(centres), max(1, labels.size // segments // 4))
    return labels


@slic.steps
def _steps(image: Image, segments: int, *, compactness: float = 10.0, iterations: int = 10) -> Iterator[Step]:
    pixels, segments, m, iterations = _checked(image, segments, compactness, iterations)
    picture, labels = Picture(pixels), np.empty(pixels.shape[:2], np.int32)
    planes = _planes(pixels, np.empty(labels.shape, np.float32))
    for turn, centres in enumerate(_rounds(planes, segments, m, iterations, labels), 1):
        if turn in (1, 2, 4, iterations):
            places, seen = PointsLayer(np.ascontiguousarray(centres[:, 3:5])), labels + 1
            note = "Dots are the centres." if turn == 1 else ""
            yield Step(f"round {turn}", LabelsLayer(seen), picture, LabelsLayer(seen), places, note=note)
    yield Step("superpixels", LabelsLayer(slic(image, segments, compactness=compactness, iterations=iterations)))


def _checked(image: Any, segments: Any, compactness: Any, iterations: Any) -> tuple[Array, int, float, int]:
    image = as_lab_source("slic", image)
    segments = integer("slic", "segments", segments, 1)
    m = number("slic", "compactness", compactness, above=0, high=1e6)
    return image, min(segments, image.shape[0] * image.shape[1]), m, integer("slic", "iterations", iterations, 1, 100)


def _planes(image: Array, last: Array) -> list[Array]:
    """Return L*, a*, b* of an image, the last one in H×W float32 ``last``; of a grey one, a* and b* are a row of 0."""
    if image.ndim == 2:
        planes = [last, *np.zeros((2, 1, image.shape[1]), np.float32)]
    else:
        planes = [*empty((2, *last.shape), np.float32), last]
    written = planes[: 1 if image.ndim == 2 else 3]
    for y0, y1, band in lab_bands(image):
        for plane, part in zip(written, band, strict=False):
            plane[y0:y1] = part
    return planes


def _rounds(
    planes: list[Array], segments: int, compactness: float, iterations: int, labels: Array, only_last: bool = False
) -> Iterator[Array]:
    """Write the labels and yield the centres (L, a, b, x, y) that they were nearest to, round by round.

    With ``only_last``, the labels are written in the last round alone, and a plane may lie in their memory: each row
    of it is read before.
    """
    height, width = labels.shape
    spacing = float(np.sqrt(height * width / segments))
    centres = _grid(planes, labels.shape, spacing)
    weight = np.float32((compactness / spacing) ** 2)
    for turn in range(1, iterations + 1):
        given = (*planes, centres, np.float32(spacing), weight, labels, turn == iterations or not only_last)
        sums = np.zeros((len(centres), 6))
        for first, part in over_rows(_assign, height, *given, strip=_STRIP):
            sums[first : first + len(part) - 1] += part[1:]
            sums[0] += part[0]
        yield centres
        lost = sums[:, 5] == 0
        means = (sums[:, :5] / np.maximum(sums[:, 5:], 1)).astype(np.float32)
        centres = np.where(lost[:, None], centres, means)


def _grid(planes: list[Array], shape: tuple[int, ...], spacing: float) -> Array:
    """Return the centres of a grid, each moved to the smallest gradient of the 3×3 pixels around it."""
    height, width = shape
    rows, columns = max(1, round(height / spacing)), max(1, round(width / spacing))
    y = np.minimum(((np.arange(rows) + 0.5) * height / rows).astype(int), height - 1)
    x = np.minimum(((np.arange(columns) + 0.5) * width / columns).astype(int), width - 1)
    y, x = (a.ravel() for a in np.meshgrid(y, x, indexing="ij"))
    if spacing > 3:
        near = [(dy, dx) for dy in (0, -1, 1) for dx in (0, -1, 1)]
        least, found = np.full(len(y), np.inf, np.float32), (y.copy(), x.copy())
        for dy, dx in near:
            ys = np.clip(y + dy, 1, max(height - 2, 1)).clip(0, height - 1)
            xs = np.clip(x + dx, 1, max(width - 2, 1)).clip(0, width - 1)
            across = _colours(planes, ys, (xs + 1).clip(0, width - 1)) - _colours(planes, ys, xs - 1)
            down = _colours(planes, (ys + 1).clip(0, height - 1), xs) - _colours(planes, ys - 1, xs)
            square = (across**2 + down**2).sum(axis=0)
            better = square < least
            least[better], found[0][better], found[1][better] = square[better], ys[better], xs[better]
        y, x = found
    return np.concatenate([_colours(planes, y, x), [x], [y]]).T.astype(np.float32).copy()


def _colours(planes: list[Array], y: Array, x: Array) -> Array:
    return np.stack([plane[np.minimum(y, len(plane) - 1), x] for plane in planes])


@kernel
def _assign(lightness, green_red, blue_yellow, centres, spacing, weight, labels, write, y0, y1):
    """Find the nearest centre of each pixel; return the first centre in reach, and sums of (L, a, b, x, y, 1).

    The sums are those over the pixels of each centre in reach, one after the other. Before them stand those of centre
    0 where it is not in reach itself: pixels without a centre may belong to it.
    """
    width, far = lightness.shape[1], np.float32(3e38)
    low, high = centres.shape[0], 0
    for c in range(centres.shape[0]):
        if np.float32(y0) - centres[c, 4] <= spacing and centres[c, 4] - np.float32(y1 - 1) <= spacing:
            low, high = min(low, c), max(high, c + 1)
    low = min(low, high)
    sums, distances, rows = np.zeros((high - low + 1, 6)), np.empty(width, np.float32), np.empty((2, width), np.int32)
    for y in range(y0, y1):
        row, above = rows[y & 1], rows[1 - (y & 1)]
        below = y if green_red.shape[0] > 1 else 0  # of a grey image, one row stands for all
        light, a, b = lightness[y], green_red[below], blue_yellow[below]
        for x in range(width):
            row[x], distances[x] = -1, far
        for c in range(low, high):
            dy = np.float32(y) - centres[c, 4]
            if abs(dy) > spacing:
                continue
            left = max(np.int64(np.ceil(centres[c, 3] - spacing)), 0)
            right = min(np.int64(centres[c, 3] + spacing) + 1, width)
            number, from_row = np.int32(c), weight * dy * dy
            cl, ca, cb, dx = centres[c, 0], centres[c, 1], centres[c, 2], np.float32(left) - centres[c, 3]
            near, best = row[left:right], distances[left:right]
            light_here, a_here, b_here = light[left:right], a[left:right], b[left:right]
            for x in range(near.size):
                u, v, w, old = light_here[x] - cl, a_here[x] - ca, b_here[x] - cb, best[x]
                s = dx + np.float32(np.int32(x))
                new = u * u + v * v + w * w + (weight * s * s + from_row)
                near[x] = number if new < old else near[x]
                best[x] = new if new < old else old
        for x in range(width):
            if row[x] < 0:  # no centre is that near: the pixel stays with the one on its left, or above
                row[x] = row[x - 1] if x > 0 else above[x] if y > y0 else 0
        x = 0
        while x < width:  # a run of one label at a time
            c, first, tl, ta, tb = row[x], x, 0.0, 0.0, 0.0
            while x < width and row[x] == c:
                tl, ta, tb = tl + light[x], ta + a[x], tb + b[x]
                x += 1
            count, at = x - first, c - low + 1 if c >= low else 0
            sums[at, 0], sums[at, 1], sums[at, 2] = sums[at, 0] + tl, sums[at, 1] + ta, sums[at, 2] + tb
            sums[at, 3] += count * (first + x - 1) / 2
            sums[at, 4] += count * y
            sums[at, 5] += count
        if write:
            for x in range(width):
                labels[y, x] = row[x]
    return low, sums


@kernel
def _join_small(labels, segments, smallest):
    """Number the connected patches; one of fewer than ``smallest`` pixels gets the number of a patch before it.

    The complements of numbers stand among the labels until all patches have one.
    """
    height, width = labels.shape
    flat, count, most, sizes = labels.reshape(-1), 0, 0, np.zeros(segments, np.int32)
    for i in range(flat.size):
        sizes[flat[i]] += 1
    for c in range(segments):
        most = max(most, sizes[c])
    stack = np.empty(most, np.int32)
    for start in range(flat.size):
        own = flat[start]
        if own < 0:
            continue
        stack[0], size, at = start, 1, 0
        flat[start] = ~np.int32(count)
        beside = -1
        while at < size:  # the stack is the patch: what is added is looked at later
            pixel = np.int64(stack[at])
            at += 1
            y, x = pixel // width, pixel % width
            for way in range(4):
                ny, nx = y + (way == 1) - (way == 0), x + (way == 3) - (way == 2)
                if 0 <= ny < height and 0 <= nx < width:
                    near = ny * width + nx
                    if flat[near] >= 0:
                        if flat[near] == own:
                            flat[near] = ~np.int32(count)
                            stack[size] = near
                            size += 1
                    elif flat[near] != ~np.int32(count):
                        beside = ~flat[near]
        if size < smallest and beside >= 0:
            for i in range(size):
                flat[stack[i]] = ~np.int32(beside)
        else:
            count += 1
    for i in range(flat.size):
        flat[i] = ~flat[i]
