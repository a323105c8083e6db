"""Mean shift: every pixel climbs to the mode of colours around it, and pixels that meet there are a segment.

Comaniciu & Meer 2002, "Mean Shift: A Robust Approach Toward Feature Space Analysis", IEEE PAMI 24(5), sections 3.1
(filtering) and 4 (segmentation). The window moves to the mean of those of its pixels whose colour is within a radius.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np

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
from sightline.image.lab_planes import as_lab_source, lab_rows
from sightline.image.near_regions import join_near
from sightline.image.region_graph import absorb_small

_STRIP, _BAND = 8, 1 << 16  # rows at a time; pixels whose planes are there together


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
    given = _checked("mean_shift_filter", radius, colour_radius, iterations, eps)
    result = output("mean_shift_filter", out, image.shape, image.dtype, [image])
    units = np.float32({"uint8": 1.0, "uint16": 257.0, "float32": 1 / 255}[image.dtype.name])

    def planes(y0: int, y1: int) -> Array:
        return as_planes("mean_shift_filter", image[y0:y1])

    for y0, y1, modes in _climb(planes, image, given, image.dtype == np.uint8):
        values = np.moveaxis(modes, 0, 2).reshape(result[y0:y1].shape) * units
        result[y0:y1] = values if image.dtype == np.float32 else np.rint(values)
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
    bands, shape, min_size = _modes(image, radius, colour_radius, iterations, min_size)
    return absorb_small(*join_near(bands, shape, colour_radius), min_size)


@mean_shift_segment.steps
def _steps(
    image: Image, radius: int = 7, colour_radius: float = 6.5, *, min_size: int = 20, iterations: int = 10
) -> Iterator[Step]:
    modes = np.zeros((3, 1, 1), np.float32)
    for moves in (1, 3, iterations):
        if moves <= iterations:
            bands, (height, width, channels), _ = _modes(image, radius, colour_radius, moves, min_size)
            modes = empty((channels, height, width), np.float32)
            for y0, y1, band in bands:
                modes[:, y0:y1] = band
            lab = np.zeros((height, width, 3), np.float32)
            lab[..., :channels] = np.moveaxis(modes, 0, 2)
            name = "modes" if moves == iterations else f"after {moves} moves"
            yield Step(name if moves > 1 else "first move", Picture(np.clip(convert(lab, "lab", "rgb"), 0, 1)))
    bands = [(0, modes.shape[1], modes)]
    joined, sizes, sums = join_near(bands, (*modes.shape[1:], len(modes)), colour_radius)
    yield Step("joined", LabelsLayer(joined + 1), note=f"{len(sizes)} regions of neighbours with near modes.")
    yield Step("segments", LabelsLayer(absorb_small(joined.copy(), sizes, sums, min_size)))


def _modes(
    image: Any, radius: Any, colour_radius: Any, iterations: Any, min_size: Any
) -> tuple[Iterator[tuple[int, int, Array]], tuple[int, ...], int]:
    """Return bands of modes in L*a*b*, of a grey image L* alone, H, W and the channels of all, and the checked size."""
    image = as_lab_source("mean_shift_segment", image)
    min_size = integer("mean_shift_segment", "min_size", min_size, 1)
    given = _checked("mean_shift_segment", radius, colour_radius, iterations, 0.05)
    bands = _climb(lambda y0, y1: lab_rows(image, y0, y1), image, given, False)
    return bands, (*image.shape[:2], 1 if image.ndim == 2 else 3), min_size


def _checked(
    function: str, radius: Any, colour_radius: Any, iterations: Any, eps: Any
) -> tuple[int, np.float32, int, np.float32]:
    """Return radius, squared radius of colours, iterations and eps."""
    radius = integer(function, "radius", radius, 1, 1000)
    colour_radius = number(function, "colour_radius", colour_radius, above=0, high=1e6)
    iterations = integer(function, "iterations", iterations, 1, 100)
    eps = number(function, "eps", eps, 0, 1e6)
    return radius, np.float32(colour_radius**2), iterations, np.float32(eps)


def _climb(
    planes: Callable[[int, int], Array], image: Array, given: tuple[int, np.float32, int, np.float32], whole: bool
) -> Iterator[tuple[int, int, Array]]:
    """Yield rows y0 to y1 and their modes, C×(y1 − y0)×W, where ``planes`` makes 1 or 3 planes of rows of the image.

    Their memory is that of the next rows' modes.
    """
    height, width = image.shape[:2]
    reach = given[0] * given[2]  # rows that a window can come to see
    rows = max(_BAND // width, 2 * reach, _STRIP)
    modes = empty((3 * min(rows, height) * width,), np.float32)
    seen = empty((3 * min(rows + 2 * reach, height) * width,), np.float32)
    some = max(1, _BAND // width)
    for y0 in range(0, height, rows):
        y1 = min(y0 + rows, height)
        top, end = max(y0 - reach, 0), min(y1 + reach, height)
        room = seen[: 3 * (end - top) * width].reshape(3, end - top, width)
        for y in range(top, end, some):
            part = planes(y, min(y + some, end))
            room[: len(part), y - top : y - top + some] = part
            room[len(part) :, y - top : y - top + some] = 0  # one plane is taken for three with two that are 0
        found = modes[: 3 * (y1 - y0) * width].reshape(3, y1 - y0, width)
        over_rows(_shift, y1 - y0, room, y0, top, height, *given, whole, found, strip=_STRIP)
        yield y0, y1, found[: 1 if image.ndim == 2 else 3]


@kernel(fastmath=True)
def _shift(planes, begin, top, height, radius, square, iterations, eps, whole, modes, y0, y1):
    """Let the pixels of rows ``y0`` to ``y1`` from ``begin`` on climb; ``whole`` rounds colours on the way.

    The planes begin at row ``top`` of an image of ``height`` rows.
    """
    width, zero, one = planes.shape[2], np.float32(0), np.float32(1)
    for y in range(begin + y0, begin + y1):
        here = y - top
        for x in range(width):
            cx, cy, a, b, c = x, y, planes[0, here, x], planes[1, here, x], planes[2, here, x]
            for _ in range(iterations):
                left, right = max(cx - radius, 0), min(cx + radius + 1, width)
                count, sx, sy, sa, sb, sc = zero, zero, zero, zero, zero, zero
                for row in range(max(cy - radius, 0), min(cy + radius + 1, height)):
                    at = row - top
                    p, q, r = planes[0, at, left:right], planes[1, at, left:right], planes[2, at, left:right]
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
            to = y - begin
            modes[0, to, x], modes[1, to, x], modes[2, to, x] = a, b, c
