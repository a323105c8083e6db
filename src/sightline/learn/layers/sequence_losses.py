"""The loss of sequences: cross-entropy at each moment that counts.

Bridle 1990, "Probabilistic Interpretation of Feedforward Classification Network Outputs"; over time as in Bengio et al.
2003, "A Neural Probabilistic Language Model", JMLR 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, integer
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.layers.layer import as_values
from sightline.learn.layers.losses import Loss, SoftmaxCrossEntropy


class TemporalCrossEntropy(Loss):
    """L = -mean log p_t over all moments that count, with p = softmax(s) and t the right class of that moment.

    At the M moments that count, ∂L/∂s = (p - onehot(t)) / M, as in :class:`SoftmaxCrossEntropy`; at the others 0. e^L
    is the perplexity: among how many classes the network is in doubt.

    Parameters
    ----------
    ignore
        The target of moments that do not count, < 0: what fills short sequences up.

    Examples
    --------
    >>> loss = TemporalCrossEntropy()
    >>> round(loss.forward([[[0.0, 0.0], [5.0, 9.0]]], [[1, -1]]), 4), loss.backward().tolist()
    (0.6931, [[[0.5, -0.5], [0.0, 0.0]]])
    """

    def __init__(self, ignore: int = -1) -> None:
        super().__init__()
        self.ignore = integer("TemporalCrossEntropy", "ignore", ignore, -(1 << 31), -1)
        self._loss = SoftmaxCrossEntropy()

    def forward(self, scores: Any, targets: Any, *, mask: Any = None) -> float:
        """Return the mean loss of N×T×K scores.

        Parameters
        ----------
        scores
            N×T×K float32 or float64.
        targets
            N×T whole numbers in 0–K-1, or ``ignore``.
        mask
            N×T bool, which moments count; besides those whose target is ``ignore`` none is left out when None.
        """
        s, t = as_values("TemporalCrossEntropy", scores), np.asarray(targets)
        if s.ndim != 3 or t.shape != s.shape[:2] or t.dtype.kind not in "iu":
            raise InputError(
                "TemporalCrossEntropy: scores must be N×T×K and targets N×T whole numbers;"
                f" got {describe(s)}, {describe(t)}."
            )
        counts: Array = t != self.ignore
        if mask is not None:
            given = np.asarray(mask)
            if given.shape != t.shape or given.dtype != np.bool_:
                raise InputError(
                    f"TemporalCrossEntropy: mask must be bool, {t.shape[0]}×{t.shape[1]}; got {describe(given)}."
                )
            counts = counts & given
        if not counts.any():
            raise InputError("TemporalCrossEntropy: targets must count at one moment at least; got none.")
        loss = self._loss.forward(s[counts], t[counts])
        self._slope = np.zeros_like(s)
        self._slope[counts] = self._loss.backward()
        return loss


method(task="losses", paper="Bengio et al. 2003", lesson="w6d1")(TemporalCrossEntropy)
