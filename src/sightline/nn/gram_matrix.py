"""Gram matrix: which channels of a map are bright at the same places, wherever those places are.

Gatys, Ecker, Bethge 2016, "Image Style Transfer Using Convolutional Neural Networks", CVPR, equation 3.
"""

from __future__ import annotations

from torch import Tensor

from sightline.core.catalogue import method
from sightline.core.errors import InputError


@method(task="loss", paper="Gatys 2016", lesson="w5d8")
def gram_matrix(features: Tensor) -> Tensor:
    """Return Gᵢⱼ, the mean over all places of the product of channels i and j.

    The paper sums where this averages, and divides by the number of places later, in its loss: so maps of any size can
    be compared.

    Parameters
    ----------
    features
        B×C×H×W maps, of at least one place.

    Returns
    -------
    Tensor
        B×C×C, symmetric. NaN and infinity propagate.

    Raises
    ------
    InputError
        When the maps are of another shape.

    References
    ----------
    L. A. Gatys, A. S. Ecker, M. Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016.

    Examples
    --------
    >>> import torch
    >>> gram_matrix(torch.tensor([[[[1.0, 1.0]], [[2.0, 4.0]]]]))
    tensor([[[ 1.,  3.],
             [ 3., 10.]]])
    """
    if not isinstance(features, Tensor) or features.ndim != 4 or 0 in features.shape:
        came = "×".join(map(str, features.shape)) if isinstance(features, Tensor) else type(features).__name__
        raise InputError(f"gram_matrix: features must be a B×C×H×W tensor with at least one place; got {came}.")
    flat = features.flatten(2)  # B×C×HW
    return flat @ flat.transpose(1, 2) / flat.shape[2]
