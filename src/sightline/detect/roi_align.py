"""RoIAlign: a region of a feature map, read off at fixed places between the cells.

He, Gkioxari, Dollár & Girshick 2017, "Mask R-CNN", ICCV, section 3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32, Real

from sightline.core.box_overlap import as_boxes
from sightline.core.catalogue import method
from sightline.core.checks import contiguous, describe, integer, number, size_2d
from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.layers import Boxes as BoxLayer
from sightline.core.layers import Grid, Heat, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Range

_SHOWN = 480  # pixels of a map that is drawn


def example_map(size: int = 24) -> Array:
    """Return a wavy map, size×size float32, for examples."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    return np.sin(x / 3) * np.cos(y / 4)


@method(
    task="region features",
    paper="He 2017",
    lesson="w7d1",
    example={"features": example_map(), "boxes": np.array([[2.5, 3.0, 14.0, 20.5]])},
)
def roi_align(
    features: Real[np.ndarray, "h w *c"],
    boxes: Real[np.ndarray, "n 4"],
    size: tuple[int, int] = (7, 7),
    scale: Annotated[float, Range(0.001, 16)] = 1.0,
    samples: Annotated[int, Range(0, 8)] = 2,
) -> Float32[np.ndarray, "n rows columns *c"]:
    """Return each region of a map in a grid of one size, sampled bilinearly without rounding.

    Parameters
    ----------
    features
        H×W or H×W×C numbers: a feature map, or a picture. NaN spreads to the cells sampled beside it.
    boxes
        N×4 xyxy with continuous edges, in pixels of the image; finite.
    size
        (rows, columns) of the grid that each region becomes.
    scale
        Cells of the map for a pixel of the image, > 0: 1/16 for a map of stride 16.
    samples
        A grid's cell is the mean of samples × samples points; 0 takes one for each cell of the map that it covers.

    Returns
    -------
    Array
        N×rows×columns, with the channels of ``features``, float32. Beyond the border of the map lies its last cell,
        and more than a cell beyond it 0.

    References
    ----------
    K. He, G. Gkioxari, P. Dollár and R. Girshick, "Mask R-CNN", ICCV 2017.

    Examples
    --------
    >>> ramp = np.tile(np.arange(8, dtype=np.float32), (8, 1))  # a cell's value is its column
    >>> roi_align(ramp, np.array([[2.0, 2.0, 6.0, 6.0]]), (1, 2)).tolist()  # means of columns 2 and 3, 4 and 5
    [[[2.5, 4.5]]]
    """
    cells, rows = as_regions("roi_align", features, boxes)
    size = size_2d("roi_align", "size", size)
    scale, samples = number("roi_align", "scale", scale, above=0), integer("roi_align", "samples", samples, 0, 64)
    out = np.zeros((len(rows), *size, cells.shape[2]), np.float32)
    over_rows(_align, len(rows), cells, rows * scale, samples, out, strip=4)
    return out[..., 0] if features.ndim == 2 else out


@kernel
def _align(cells, boxes, samples, out, n0, n1):
    rows, columns = out.shape[1], out.shape[2]
    for n in range(n0, n1):
        high, wide = (boxes[n, 3] - boxes[n, 1]) / rows, (boxes[n, 2] - boxes[n, 0]) / columns
        down = samples if samples > 0 else max(1, math.ceil(high))
        across = samples if samples > 0 else max(1, math.ceil(wide))
        share = 1.0 / (down * across)
        for i in range(rows):
            for j in range(columns):
                for s in range(down):
                    y = boxes[n, 1] - 0.5 + (i + (s + 0.5) / down) * high  # the first cell's centre is 0.5
                    for t in range(across):
                        x = boxes[n, 0] - 0.5 + (j + (t + 0.5) / across) * wide
                        _add_sample(cells, y, x, share, out[n, i, j])


@kernel
def _add_sample(cells, y, x, share, total):
    """Add to ``total`` (C) the bilinear mean of four cells at (y, x), times ``share``."""
    height, width = cells.shape[0], cells.shape[1]
    if y < -1 or y > height or x < -1 or x > width:
        return
    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    fy, fx = y - top, x - left
    a, b = np.float32(share * (1 - fy) * (1 - fx)), np.float32(share * (1 - fy) * fx)
    c, d = np.float32(share * fy * (1 - fx)), np.float32(share * fy * fx)
    p, q, r, s = cells[top, left], cells[top, right], cells[bottom, left], cells[bottom, right]
    for k in range(len(total)):
        total[k] += a * p[k] + b * q[k] + c * r[k] + d * s[k]


def as_regions(function: str, features: object, boxes: object) -> tuple[Array, Array]:
    """Return a map as H×W×C float32 and finite boxes as N×4 float64; raise :class:`InputError` for anything else.

    Parameters
    ----------
    function
        Name for the error's sentence.
    features, boxes
        The arguments as they came.
    """
    if (
        not isinstance(features, np.ndarray)
        or features.ndim not in (2, 3)
        or 0 in features.shape
        or features.dtype.kind not in "iuf"
    ):
        hint = ""
        if type(features).__module__.startswith("torch"):
            hint = " Use sightline.channels_last(features[0].cpu().numpy())."
        raise InputError(f"{function}: features must be H×W or H×W×C numbers; got {describe(features)}.{hint}")
    rows = as_boxes(function, boxes)
    if not np.isfinite(rows).all():
        raise InputError(f"{function}: boxes must be finite; got {int((~np.isfinite(rows)).any(axis=1).sum())} others.")
    cells = contiguous(features.astype(np.float32, copy=False))
    return cells.reshape(*cells.shape[:2], -1), rows


@roi_align.steps
def _(
    features: Array, boxes: Array, size: tuple[int, int] = (7, 7), scale: float = 1.0, samples: int = 2
) -> Iterator[Step]:
    """Yield the regions on the map, the first one's sample points, and what is read off."""
    found = roi_align(features, boxes, size, scale, samples)
    plane = (features if features.ndim == 2 else features.mean(axis=2)).astype(np.float32)
    zoom = max(1, _SHOWN // max(plane.shape))
    flat = Heat(plane.repeat(zoom, axis=0).repeat(zoom, axis=1))
    told = f"{len(boxes)} regions, a cell drawn {zoom}×{zoom}."
    yield Step("regions", flat, BoxLayer(boxes * scale * zoom), note=told)
    if len(boxes):
        places = (_places(boxes[0] * scale, size, samples) + 0.5) * zoom - 0.5
        yield Step("samples", flat, Points(places), note="Of the first region.")
    tiles: Any = found if found.ndim == 3 else found.mean(axis=3)
    yield Step("read off", Value(found), Grid(tiles[:16]), note="Each region has the same size.")


def _places(box: Array, size: tuple[int, int], samples: int) -> Array:
    """Return the points at which a region is read, (x, y) with the first cell's centre at 0."""
    counts = [
        samples or max(1, math.ceil(side / cells)) for side, cells in zip(box[2:] - box[:2], size[::-1], strict=True)
    ]
    x, y = (
        box[k] - 0.5 + (np.arange(n * cells) + 0.5) / (n * cells) * (box[k + 2] - box[k])
        for k, (n, cells) in enumerate(zip(counts, size[::-1], strict=True))
    )
    return np.stack([part.ravel() for part in np.meshgrid(x, y)], axis=1)
