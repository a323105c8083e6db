"""Total variation: how much a picture changes from pixel to pixel, the price of noise.

Mahendran, Vedaldi 2015, "Understanding Deep Image Representations by Inverting Them", CVPR, equation 3; the idea is of
Rudin, Osher, Fatemi 1992, "Nonlinear Total Variation Based Noise Removal Algorithms", Physica D 60.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from sightline.core.catalogue import method
from sightline.core.checks import number
from sightline.core.errors import InputError
from sightline.core.types import Range


@method(task="loss", paper="Mahendran 2015", lesson="w5d8")
def total_variation(images: Tensor, *, power: Annotated[float, Range(1, 4)] = 2.0) -> Tensor:
    """Return each image's mean of (Δy² + Δx²)^(power/2), Δ the difference to the next pixel down and to the right.

    The last row has no difference down and the last column none to the right: they count as 0.

    Parameters
    ----------
    images
        B×C×H×W, of at least one pixel.
    power
        β: 1 keeps edges; 2 is smooth, and dearer at edges. In 1–4.

    Returns
    -------
    Tensor
        B numbers ≥ 0, the mean over channels and pixels. NaN and infinity propagate.

    Raises
    ------
    InputError
        When the images are of another shape.

    References
    ----------
    A. Mahendran, A. Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015.

    Examples
    --------
    >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 1.0]]]]))
    tensor([0.5000])
    """
    power = number("total_variation", "power", power, 1, 4)
    if not isinstance(images, Tensor) or images.ndim != 4 or 0 in images.shape:
        came = "×".join(map(str, images.shape)) if isinstance(images, Tensor) else type(images).__name__
        raise InputError(f"total_variation: images must be a B×C×H×W tensor with at least one pixel; got {came}.")
    down = torch.diff(images, dim=2, append=images[:, :, -1:])
    right = torch.diff(images, dim=3, append=images[..., -1:])
    squares = down.square() + right.square()
    if power != 2:
        changes = squares > 0  # the slope of a root is infinite at 0, where it is taken as 0
        squares = torch.where(changes, squares, 1).pow(power / 2) * changes
    return squares.mean(dim=(1, 2, 3))
