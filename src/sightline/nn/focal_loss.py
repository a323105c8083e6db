"""Focal loss: a hundred thousand easy backgrounds must not drown a handful of objects.

Lin et al. 2017, "Focal Loss for Dense Object Detection", ICCV, section 3: FL(p) = −α (1 − p)^γ log p.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import number
from sightline.core.errors import InputError
from sightline.core.types import Range


@method(task="loss", paper="Lin 2017", lesson="w7d4")
def focal_loss(
    logits: Tensor,
    targets: Tensor,
    *,
    alpha: Annotated[float, Range(0, 1)] = 0.25,
    gamma: Annotated[float, Range(0, 10)] = 2.0,
) -> Tensor:
    """Focal loss of independent yes-or-no answers, one for each logit.

    Parameters
    ----------
    logits
        Scores before the sigmoid, any shape, without unit.
    targets
        The same shape: 1 for yes, 0 for no; values between are mixed.
    alpha
        Weight α of yes; no weighs 1 − α; in 0–1.
    gamma
        Exponent γ ≥ 0 that quiets what is answered well already; 0 is the weighted cross-entropy.

    Returns
    -------
    Tensor
        One loss in nats for each logit, of their shape. NaN and infinity propagate.

    Raises
    ------
    InputError
        When the shapes differ.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollár, "Focal Loss for Dense Object Detection", ICCV 2017, section 3.

    Examples
    --------
    >>> [round(loss, 4) for loss in focal_loss(torch.tensor([0.0, 4.0]), torch.tensor([1.0, 1.0])).tolist()]
    [0.0433, 0.0]
    """
    alpha = number("focal_loss", "alpha", alpha, 0, 1)
    gamma = number("focal_loss", "gamma", gamma, 0)
    if logits.shape != targets.shape:
        raise InputError(
            f"focal_loss: targets must have the shape of logits, {tuple(logits.shape)}; got {tuple(targets.shape)}."
        )
    p = torch.sigmoid(logits)
    right = p * targets + (1 - p) * (1 - targets)  # the probability that was given to the truth
    weight = alpha * targets + (1 - alpha) * (1 - targets)
    return weight * (1 - right) ** gamma * F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
