"""RoIAlign with gradients: regions of feature maps as grids of one size, as one weighted sum of rows of a table.

He, Gkioxari, Dollár & Girshick 2017, "Mask R-CNN", ICCV, section 3. A cell of a region's grid is a mean of bilinear
samples, and so a sum of cells of the map with weights that are a product of one along y and one along x.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from sightline.core.errors import InputError


def aligned_regions(
    features: Tensor, boxes: Tensor, images: Tensor, size: tuple[int, int], scale: float, samples: int = 2
) -> Tensor:
    """Return each region in a grid of one size, as :func:`sightline.detect.roi_align` does for arrays.

    Parameters
    ----------
    features
        B×C×H×W maps; quickest in channels-last memory. Gradients flow to them, not to the boxes.
    boxes
        N×4 xyxy with continuous edges, in pixels of the image; finite.
    images
        N int64: the map, 0 to B − 1, that each box lies on.
    size
        (rows, columns) of the grid.
    scale
        Cells of the map for a pixel of the image: 1/16 for a map of stride 16.
    samples
        A cell of the grid is the mean of samples × samples points, ≥ 1.

    Returns
    -------
    Tensor
        N×C×rows×columns, in channels-last memory.

    Examples
    --------
    >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)  # a cell's value is its column
    >>> box = torch.tensor([[2.0, 2.0, 6.0, 6.0]])
    >>> aligned_regions(ramp, box, torch.tensor([0]), (1, 2), 1.0).flatten().tolist()
    [2.5, 4.5]
    """
    if features.ndim != 4 or boxes.ndim != 2 or boxes.shape[1] != 4 or images.shape != boxes.shape[:1]:
        raise InputError(
            "aligned_regions: features, boxes and images must be B×C×H×W, N×4 and N; "
            f"got {tuple(features.shape)}, {tuple(boxes.shape)} and {tuple(images.shape)}."
        )
    channels, height, width = features.shape[1:]
    (rows, columns), cells = size, boxes.detach() * scale - 0.5  # the first cell's centre is 0.5
    y, down = _along(cells[:, 1], cells[:, 3], rows, samples, height)
    x, across = _along(cells[:, 0], cells[:, 2], columns, samples, width)
    places = (images[:, None, None] * height + y)[:, :, None, :, None] * width + x[:, None, :, None, :]
    weights = down[:, :, None, :, None] * across[:, None, :, None, :]
    bag = 4 * samples * samples
    table = features.permute(0, 2, 3, 1).reshape(-1, channels)
    found = functional.embedding_bag(
        places.reshape(-1, bag), table, mode="sum", per_sample_weights=weights.reshape(-1, bag).to(table.dtype)
    )
    return found.view(len(boxes), rows, columns, channels).permute(0, 3, 1, 2)


def _along(low: Tensor, high: Tensor, cells: int, samples: int, length: int) -> tuple[Tensor, Tensor]:
    """Return the two neighbours of each sample along one axis and their weights, both N×cells×(2·samples)."""
    count = cells * samples
    shares = (torch.arange(count, dtype=low.dtype, device=low.device) + 0.5) / count
    at = low[:, None] + shares * (high - low)[:, None]
    inside = (at >= -1) & (at <= length)  # what lies more than a cell beyond the border counts 0
    at = at.clamp(0, length - 1)
    first = at.floor().clamp(max=max(length - 2, 0))
    share = (at - first) * inside
    neighbours = torch.stack([first, (first + 1).clamp(max=length - 1)], dim=-1).long()
    weights = torch.stack([inside.to(share) - share, share], dim=-1) / samples
    return neighbours.view(len(low), cells, 2 * samples), weights.view(len(low), cells, 2 * samples)
