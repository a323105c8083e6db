"""Cross-entropy against a distribution: what Mixup, CutMix and label smoothing ask a classifier to match.

Szegedy 2016, "Rethinking the Inception Architecture for Computer Vision", CVPR, section 7 (label smoothing).
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from sightline.core.catalogue import method
from sightline.core.checks import number
from sightline.core.errors import InputError
from sightline.core.types import Range


@method(task="loss", paper="Szegedy 2016", lesson="w5d2")
def soft_cross_entropy(logits: Tensor, targets: Tensor, *, smoothing: Annotated[float, Range(0, 1)] = 0.0) -> Tensor:
    """Average cross-entropy −Σₖ qₖ log softmax(z)ₖ between logits z and target distributions q.

    Parameters
    ----------
    logits
        B×K scores before the softmax, without unit.
    targets
        B×K probabilities that sum to 1 in each row, or B class indices in 0…K−1.
    smoothing
        Share ε of the target mass that is spread evenly over all classes: q ← (1 − ε) q + ε/K; in 0–1.

    Returns
    -------
    Tensor
        The mean over the batch, a scalar in nats. NaN and infinity propagate.

    Raises
    ------
    InputError
        When the shapes do not belong together.

    References
    ----------
    C. Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, section 7.

    Examples
    --------
    >>> logits = torch.tensor([[2.0, 0.0]])
    >>> round(soft_cross_entropy(logits, torch.tensor([[0.5, 0.5]])).item(), 4)
    1.1269
    """
    smoothing = number("soft_cross_entropy", "smoothing", smoothing, 0, 1)
    classes = logits.shape[-1]
    if logits.ndim != 2 or targets.shape not in (logits.shape, logits.shape[:1]):
        raise InputError(
            "soft_cross_entropy: logits must be B×K, and targets B×K probabilities or B class indices; "
            f"got {tuple(logits.shape)} and {tuple(targets.shape)}."
        )
    if targets.ndim == 1:
        targets = torch.nn.functional.one_hot(targets, classes)  # B → B×K
    q = targets.to(logits.dtype) * (1 - smoothing) + smoothing / classes
    return -(q * torch.log_softmax(logits, dim=1)).sum(dim=1).mean()
