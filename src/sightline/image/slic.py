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
from sightline.core.checks import as_image, integer, number
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.layers import Points as PointsLayer
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range
from sightline.image.lab_planes import as_lab_planes

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
    planes, segments, weight, iterations = _checked(image, segments, compactness, iterations)
    *_, (labels, _) = _rounds(planes, segments, weight, iterations)
    return _connected(labels, segments)


@slic.steps
def _steps(image: Image, segments: int, *, compactness: float = 10.0, iterations: int = 10) -> Iterator[Step]:
    planes, segments, weight, iterations = _checked(image, segments, compactness, iterations)
    picture = Picture(as_image("slic", image))
    for turn, (labels, centres) in enumerate(_rounds(planes, segments, weight, iterations), 1):
        if turn in (1, 2, 4, iterations):
            places = PointsLayer(np.ascontiguousarray(centres[:, 3:5]))
            note = "Dots are the centres." if turn == 1 else ""
            yield Step(f"round {turn}", LabelsLayer(labels + 1), picture, LabelsLayer(labels + 1), places, note=note)
    yield Step("superpixels", LabelsLayer(slic(image, segments, compactness=compactness, iterations=iterations)))


def _checked(image: Any, segments: Any, compactness: Any, iterations: Any) -> tuple[Array, int, float, int]:
    planes = as_lab_planes("slic", image)
    segments = integer("slic", "segments", segments, 1)
    m = number("slic", "compactness", compactness, above=0, high=1e6)
    return planes, min(segments, planes[0].size), m, integer("slic", "iterations", iterations, 1, 100)


def _rounds(planes: Array, segments: int, compactness: float, iterations: int) -> Iterator[tuple[Array, Array]]:
    """Yield the labels and the centres (L, a, b, x, y) that they were nearest to, round by round."""
    height, width = planes.shape[1:]
    spacing = float(np.sqrt(height * width / segments))
    centres = _grid(planes, spacing)
    labels = empty((height, width), np.int32)
    weight = np.float32((compactness / spacing) ** 2)
    for _ in range(iterations):
        strips = over_rows(_assign, height, planes, centres, np.float32(spacing), weight, labels, strip=_STRIP)
        yield labels, centres
        sums = np.sum(strips, axis=0)
        lost = sums[:, 5] == 0
        means = (sums[:, :5] / np.maximum(sums[:, 5:], 1)).astype(np.float32)
        centres = np.where(lost[:, None], centres, means)


def _grid(planes: Array, spacing: float) -> Array:
    """Return the centres of a grid, each moved to the smallest gradient of the 3×3 pixels around it."""
    height, width = planes.shape[1:]
    rows, columns = max(1, round(height / spacing)), max(1, round(width / spacing))
    y = np.minimum(((np.arange(rows) + 0.5) * height / rows).astype(int), height - 1)
    x = np.minimum(((np.arange(columns) + 0.5) * width / columns).astype(int), width - 1)
    y, x = (a.ravel() for a in np.meshgrid(y, x, indexing="ij"))
    if spacing > 3:
        near = [(dy, dx) for dy in (0, -1, 1) for dx in (0, -1, 1)]
        ys = np.stack([np.clip(y + dy, 1, max(height - 2, 1)) for dy, _ in near]).clip(0, height - 1)
        xs = np.stack([np.clip(x + dx, 1, max(width - 2, 1)) for _, dx in near]).clip(0, width - 1)
        across = planes[:, ys, (xs + 1).clip(0, width - 1)] - planes[:, ys, xs - 1]
        down = planes[:, (ys + 1).clip(0, height - 1), xs] - planes[:, ys - 1, xs]
        best = np.argmin((across**2 + down**2).sum(axis=0), axis=0)
        y, x = ys[best, np.arange(len(y))], xs[best, np.arange(len(x))]
    return np.concatenate([planes[:, y, x], [x], [y]]).T.astype(np.float32).copy()


def _connected(labels: Array, segments: int) -> Array:
    """Return the labels with one number for each connected patch; small patches join a neighbour."""
    smallest = max(1, labels.size // segments // 4)
    found = np.full(labels.shape, -1, np.int32)
    _join_small(labels, smallest, found.reshape(-1))
    return found


@kernel
def _assign(planes, centres, spacing, weight, labels, y0, y1):
    """Write the nearest centre of each pixel; return sums of (L, a, b, x, y, 1) over the pixels of each centre."""
    width, far = planes.shape[2], np.float32(3e38)
    sums, distances = np.zeros((centres.shape[0], 6)), np.empty(width, np.float32)
    for y in range(y0, y1):
        row = labels[y]
        for x in range(width):
            row[x], distances[x] = -1, far
        for c in range(centres.shape[0]):
            dy = np.float32(y) - centres[c, 4]
            if abs(dy) > spacing:
                continue
            left = max(np.int64(np.ceil(centres[c, 3] - spacing)), 0)
            right = min(np.int64(centres[c, 3] + spacing) + 1, width)
            number, from_row = np.int32(c), weight * dy * dy
            cl, ca, cb, dx = centres[c, 0], centres[c, 1], centres[c, 2], np.float32(left) - centres[c, 3]
            light, a, b = planes[0, y, left:right], planes[1, y, left:right], planes[2, y, left:right]
            near, best = row[left:right], distances[left:right]
            for x in range(near.size):
                u, v, w, s, old = light[x] - cl, a[x] - ca, b[x] - cb, dx + np.float32(np.int32(x)), best[x]
                new = u * u + v * v + w * w + (weight * s * s + from_row)
                near[x] = number if new < old else near[x]
                best[x] = new if new < old else old
        for x in range(width):
            if row[x] < 0:  # no centre is that near: the pixel stays with the one on its left, or above
                row[x] = row[x - 1] if x > 0 else labels[y - 1, x] if y > y0 else 0
        light, a, b, x = planes[0, y], planes[1, y], planes[2, y], 0
        while x < width:  # a run of one label at a time
            c, first, tl, ta, tb = row[x], x, 0.0, 0.0, 0.0
            while x < width and row[x] == c:
                tl, ta, tb = tl + light[x], ta + a[x], tb + b[x]
                x += 1
            count = x - first
            sums[c, 0], sums[c, 1], sums[c, 2] = sums[c, 0] + tl, sums[c, 1] + ta, sums[c, 2] + tb
            sums[c, 3] += count * (first + x - 1) / 2
            sums[c, 4] += count * y
            sums[c, 5] += count
    return sums


@kernel
def _join_small(labels, smallest, found):
    """Number the connected patches; one of fewer than ``smallest`` pixels gets the number of a patch before it."""
    height, width = labels.shape
    flat, stack, count = labels.reshape(-1), np.empty(labels.size, np.int32), 0
    for start in range(flat.size):
        if found[start] >= 0:
            continue
        stack[0], size, at = start, 1, 0
        found[start] = count
        beside = -1
        while at < size:  # the stack is the patch: what is added is looked at later
            pixel = np.int64(stack[at])
            at += 1
            y, x = pixel // width, pixel % width
            for way in range(4):
                ny, nx = y + (way == 1) - (way == 0), x + (way == 3) - (way == 2)
                if 0 <= ny < height and 0 <= nx < width:
                    near = ny * width + nx
                    if found[near] < 0:
                        if flat[near] == flat[start]:
                            found[near] = count
                            stack[size] = near
                            size += 1
                    elif found[near] != count:
                        beside = found[near]
        if size < smallest and beside >= 0:
            for i in range(size):
                found[stack[i]] = beside
        else:
            count += 1
