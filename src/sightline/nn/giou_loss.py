"""Generalised IoU as a loss: boxes that do not even touch still know which way to go.

Rezatofighi et al. 2019, "Generalized Intersection over Union", CVPR, algorithm 1.
"""

from __future__ import annotations

from torch import Tensor

from sightline.core.catalogue import method
from sightline.core.errors import InputError
from sightline.nn.box_overlap import generalized_overlap


@method(task="loss", paper="Rezatofighi 2019", lesson="w7d4")
def giou_loss(boxes: Tensor, targets: Tensor) -> Tensor:
    """1 − GIoU of each predicted box with its own target.

    Parameters
    ----------
    boxes
        N×4 xyxy with continuous edges, in pixels.
    targets
        N×4 alike.

    Returns
    -------
    Tensor
        N losses in 0–2, without unit. NaN propagates.

    Raises
    ------
    InputError
        When the shapes differ, or are not N×4.

    References
    ----------
    H. Rezatofighi et al., "Generalized Intersection over Union: A Metric and a Loss for Bounding Box Regression",
    CVPR 2019.

    Examples
    --------
    >>> import torch
    >>> boxes = torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 1.0, 1.0]])
    >>> [round(x, 4) for x in giou_loss(boxes, torch.tensor([[0.0, 0.0, 2.0, 2.0], [2.0, 0.0, 3.0, 1.0]])).tolist()]
    [0.0, 1.3333]
    """
    if boxes.shape != targets.shape or boxes.ndim != 2 or boxes.shape[-1] != 4:
        raise InputError(
            f"giou_loss: boxes and targets must both be N×4; got {tuple(boxes.shape)} and {tuple(targets.shape)}."
        )
    return 1 - generalized_overlap(boxes, targets)
