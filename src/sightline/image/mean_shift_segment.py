"""Mean shift: every pixel climbs to the mode of colours around it, and pixels that meet there are a segment.

Comaniciu & Meer 2002, "Mean Shift: A Robust Approach Toward Feature Space Analysis", IEEE PAMI 24(5), sections 3.1
(filtering) and 4 (segmentation). The window moves to the mean of those of its pixels whose colour is within a radius.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import as_image, integer, number, output
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Labels as LabelsLayer
from sightline.core.layers import Picture
from sightline.core.trace import Step
from sightline.core.types import Array, Image, Labels, Range
from sightline.image.convert import convert
from sightline.image.grey_levels import as_planes
from sightline.image.lab_planes import as_lab_planes
from sightline.image.region_graph import absorb_small

_STRIP = 8


@method(task="smoothing", paper="Comaniciu & Meer 2002", lesson="w2d3")
def mean_shift_filter(
    image: Image,
    radius: Annotated[int, Range(1, 100, 1)] = 8,
    colour_radius: Annotated[float, Range(0.1, 300, 1)] = 20.0,
    *,
    iterations: Annotated[int, Range(1, 100, 1)] = 5,
    eps: Annotated[float, Range(0, 100, 0.5)] = 1.0,
    out: Array | None = None,
) -> Image:
    """Return the image with each pixel in the colour of the mode that it climbs to: smooth within, sharp at edges.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3; uint8, uint16 or float32.
    radius
        Half the side of the square window, in pixels: the window has 2 ``radius`` + 1.
    colour_radius
        Greatest distance of colours that count, in grey levels of 0–255 (> 0).
    iterations
        Moves of the window at most, 1–100.
    eps
        Stop when the move, |dx| + |dy| + squared distance of colours, is no greater; 0 goes on until nothing moves.
    out
        Array to write to, of the image's shape and dtype; None makes a new one.

    Returns
    -------
    Image of the same shape and dtype.

    References
    ----------
    D. Comaniciu, P. Meer, "Mean Shift: A Robust Approach Toward Feature Space Analysis", IEEE Transactions on Pattern
    Analysis and Machine Intelligence 24(5), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> mean_shift_filter(np.array([[10, 12, 14, 200, 202]], np.uint8), 4, 20).tolist()
    [[12, 12, 12, 201, 201]]
    """
    image = as_image("mean_shift_filter", image, finite=True, most=1e12)
    planes = as_planes("mean_shift_filter", image)
    modes = _climb("mean_shift_filter", planes, radius, colour_radius, iterations, eps, image.dtype == np.uint8)
    result = output("mean_shift_filter", out, image.shape, image.dtype, [image])
    units = {"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}[image.dtype.name]
    values = np.moveaxis(modes[: len(planes)], 0, 2).reshape(image.shape) * np.float32(units)
    result[...] = values if image.dtype == np.float32 else np.rint(values)
    return result


@method(task="segmentation", paper="Comaniciu & Meer 2002", lesson="w2d3")
def mean_shift_segment(
    image: Image,
    radius: Annotated[int, Range(1, 100, 1)] = 7,
    colour_radius: Annotated[float, Range(0.1, 100, 0.5)] = 6.5,
    *,
    min_size: Annotated[int, Range(1, 100000, 1)] = 20,
    iterations: Annotated[int, Range(1, 100, 1)] = 10,
) -> Labels:
    """Return the label map of regions whose pixels climb to one mode.

    The image is filtered in CIE L*a*b*; neighbours whose modes are nearer than the radius of colour are joined, and
    then regions that are too small with the neighbour of the nearest colour. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W or H×W×3 RGB; uint8, uint16 or float32.
    radius
        The paper's h_s: half the side of the square window, in pixels.
    colour_radius
        The paper's h_r: greatest distance of colours that count, in units of L*a*b* (> 0).
    min_size
        The paper's M: fewest pixels of a region, ≥ 1.
    iterations
        Moves of the window at most, 1–100.

    Returns
    -------
    labels
        H×W int32, 0 … N − 1 in the order of their first pixel, row by row.

    References
    ----------
    D. Comaniciu, P. Meer, "Mean Shift: A Robust Approach Toward Feature Space Analysis", IEEE Transactions on Pattern
    Analysis and Machine Intelligence 24(5), 2002.

    Examples
    --------
    >>> import numpy as np
    >>> mean_shift_segment(np.array([[10, 12, 14, 200, 202]], np.uint8), min_size=1).tolist()
    [[0, 0, 0, 1, 1]]
    """
    modes, min_size = _modes(image, radius, colour_radius, iterations, min_size)
    return absorb_small(_joined(modes, colour_radius), modes, min_size)


@mean_shift_segment.steps
def _steps(
    image: Image, radius: int = 7, colour_radius: float = 6.5, *, min_size: int = 20, iterations: int = 10
) -> Iterator[Step]:
    modes = np.zeros((3, 1, 1), np.float32)
    for moves in (1, 3, iterations):
        if moves <= iterations:
            modes, _ = _modes(image, radius, colour_radius, moves, min_size)
            lab = np.ascontiguousarray(np.moveaxis(modes, 0, 2))
            name = "modes" if moves == iterations else f"after {moves} moves"
            yield Step(name if moves > 1 else "first move", Picture(np.clip(convert(lab, "lab", "rgb"), 0, 1)))
    joined = _joined(modes, colour_radius)
    yield Step("joined", LabelsLayer(joined + 1), note=f"{joined.max() + 1} regions of neighbours with near modes.")
    yield Step("segments", LabelsLayer(absorb_small(joined, modes, min_size)))


def _modes(image: Any, radius: Any, colour_radius: Any, iterations: Any, min_size: Any) -> tuple[Array, int]:
    planes = as_lab_planes("mean_shift_segment", image)
    min_size = integer("mean_shift_segment", "min_size", min_size, 1)
    return _climb("mean_shift_segment", planes, radius, colour_radius, iterations, 0.05, False), min_size


def _climb(
    function: str, planes: Array, radius: Any, colour_radius: Any, iterations: Any, eps: Any, whole: bool
) -> Array:
    """Return 3×H×W modes of planes, of which one is taken for three with two that are 0."""
    radius = integer(function, "radius", radius, 1, 1000)
    colour_radius = number(function, "colour_radius", colour_radius, above=0, high=1e6)
    iterations = integer(function, "iterations", iterations, 1, 100)
    eps = number(function, "eps", eps, 0, 1e6)
    height, width = planes.shape[1:]
    full = np.zeros((3, height, width), np.float32)
    full[: len(planes)] = planes
    modes = empty((3, height, width), np.float32)
    square = np.float32(colour_radius**2)
    over_rows(_shift, height, full, radius, square, iterations, np.float32(eps), whole, modes, strip=_STRIP)
    return modes


def _joined(modes: Array, colour_radius: float) -> Array:
    """Return labels of the groups of neighbours (8) whose modes are nearer than the radius."""
    height, width = modes.shape[1:]
    index = np.arange(height * width).reshape(height, width)
    ends: list[Array] = []
    for here, there in (
        ((slice(None), slice(1, None)), (slice(None), slice(None, -1))),
        ((slice(1, None), slice(None)), (slice(None, -1), slice(None))),
    ):
        near = ((modes[:, *here] - modes[:, *there]) ** 2).sum(axis=0) < colour_radius**2
        ends.append(np.stack([index[here][near], index[there][near]]))
    one, other = np.concatenate(ends, axis=1)
    graph = coo_matrix((np.ones(len(one), np.bool_), (one, other)), (index.size, index.size))
    return connected_components(graph, directed=False)[1].reshape(height, width).astype(np.int32)


@kernel(fastmath=True)
def _shift(planes, radius, square, iterations, eps, whole, modes, y0, y1):
    """Let the pixels of rows ``y0`` to ``y1`` climb; ``whole`` rounds colours to whole numbers on the way."""
    _, height, width = planes.shape
    zero, one = np.float32(0), np.float32(1)
    for y in range(y0, y1):
        for x in range(width):
            cx, cy, a, b, c = x, y, planes[0, y, x], planes[1, y, x], planes[2, y, x]
            for _ in range(iterations):
                left, right = max(cx - radius, 0), min(cx + radius + 1, width)
                count, sx, sy, sa, sb, sc = zero, zero, zero, zero, zero, zero
                for row in range(max(cy - radius, 0), min(cy + radius + 1, height)):
                    p, q, r = planes[0, row, left:right], planes[1, row, left:right], planes[2, row, left:right]
                    inside, place = zero, zero
                    for i in range(p.size):
                        u, v, w = p[i] - a, q[i] - b, r[i] - c
                        near = one if u * u + v * v + w * w <= square else zero
                        inside += near
                        place += near * np.float32(np.int32(i))
                        sa += near * p[i]
                        sb += near * q[i]
                        sc += near * r[i]
                    count += inside
                    sx += place
                    sy += inside * np.float32(row)
                if count == zero:
                    break
                scale = one / count
                nx, ny = left + np.int64(np.rint(sx * scale)), np.int64(np.rint(sy * scale))
                na, nb, nc = sa * scale, sb * scale, sc * scale
                if whole:
                    na, nb, nc = np.rint(na), np.rint(nb), np.rint(nc)
                moved = np.float32(abs(nx - cx) + abs(ny - cy))
                moved += (na - a) * (na - a) + (nb - b) * (nb - b) + (nc - c) * (nc - c)
                still = (nx == cx and ny == cy) or moved <= eps
                cx, cy, a, b, c = nx, ny, na, nb, nc
                if still:
                    break
            modes[0, y, x], modes[1, y, x], modes[2, y, x] = a, b, c
