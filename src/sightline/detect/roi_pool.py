"""RoI pooling: a region of a feature map cut into a grid of whole cells, the largest value of each.

Girshick 2015, "Fast R-CNN", ICCV, section 2.1.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from jaxtyping import Float32, Real

from sightline.core.catalogue import method
from sightline.core.checks import number, size_2d
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Range
from sightline.detect.roi_align import as_regions, example_map


@method(
    task="region features",
    paper="Girshick 2015",
    lesson="w7d1",
    example={"features": example_map(), "boxes": np.array([[2.5, 3.0, 14.0, 20.5]])},
)
def roi_pool(
    features: Real[np.ndarray, "h w *c"],
    boxes: Real[np.ndarray, "n 4"],
    size: tuple[int, int] = (7, 7),
    scale: Annotated[float, Range(0.001, 16)] = 1.0,
) -> Float32[np.ndarray, "n rows columns *c"]:
    """Return each region of a map in a grid of one size: the largest value in each part of it.

    As in the paper's code, corners are rounded to whole cells, and the last cell belongs to the region.

    Parameters
    ----------
    features
        H×W or H×W×C numbers: a feature map, or a picture. NaN is never the largest.
    boxes
        N×4 xyxy with continuous edges, in pixels of the image; finite.
    size
        (rows, columns) of the grid that each region becomes.
    scale
        Cells of the map for a pixel of the image, > 0: 1/16 for a map of stride 16.

    Returns
    -------
    Array
        N×rows×columns, with the channels of ``features``, float32; 0 where a part lies beyond the map.

    References
    ----------
    R. Girshick, "Fast R-CNN", ICCV 2015.

    Examples
    --------
    >>> ramp = np.tile(np.arange(8, dtype=np.float32), (8, 1))  # a cell's value is its column
    >>> roi_pool(ramp, np.array([[2.0, 2.0, 5.0, 5.0]]), (1, 2)).tolist()
    [[[3.0, 5.0]]]
    """
    cells, rows = as_regions("roi_pool", features, boxes)
    size = size_2d("roi_pool", "size", size)
    scaled = rows * number("roi_pool", "scale", scale, above=0)
    out = np.zeros((len(rows), *size, cells.shape[2]), np.float32)
    # Half goes away from 0, as C rounds.
    over_rows(_pool, len(rows), cells, np.copysign(np.floor(np.abs(scaled) + 0.5), scaled), out, strip=8)
    return out[..., 0] if features.ndim == 2 else out


@kernel
def _pool(cells, boxes, out, n0, n1):
    height, width = cells.shape[0], cells.shape[1]
    rows, columns = out.shape[1], out.shape[2]
    for n in range(n0, n1):
        # In float32, as the paper's code and all that followed it: a border on a whole number falls where theirs does.
        high = np.float32(max(boxes[n, 3] - boxes[n, 1] + 1, 1.0)) / np.float32(rows)
        wide = np.float32(max(boxes[n, 2] - boxes[n, 0] + 1, 1.0)) / np.float32(columns)
        for i in range(rows):
            top = min(max(int(math.floor(np.float32(i) * high) + boxes[n, 1]), 0), height)
            bottom = min(max(int(math.ceil(np.float32(i + 1) * high) + boxes[n, 1]), 0), height)
            for j in range(columns):
                left = min(max(int(math.floor(np.float32(j) * wide) + boxes[n, 0]), 0), width)
                right = min(max(int(math.ceil(np.float32(j + 1) * wide) + boxes[n, 0]), 0), width)
                if bottom <= top or right <= left:
                    continue
                most = out[n, i, j]
                most[:] = -np.inf
                for y in range(top, bottom):
                    for x in range(left, right):
                        for k in range(len(most)):
                            if cells[y, x, k] > most[k]:
                                most[k] = cells[y, x, k]
