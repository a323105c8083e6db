"""One temperature for all answers, so that of those given with 80 % about 80 % are right.

Guo, Pleiss, Sun, Weinberger 2017, "On Calibration of Modern Neural Networks", ICML, section 4.2.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize_scalar

from sightline.core.checks import describe
from sightline.core.errors import InputError

_WIDEST = math.log(100)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the temperature T > 0 with which softmax(logits / T) gives labels the greatest likelihood.

    Parameters
    ----------
    logits
        N×classes, finite; logarithms of probabilities do as well.
    labels
        N true class indices.

    Examples
    --------
    >>> import numpy as np
    >>> sure = np.array([[9.0, 0.0]] * 10)  # as sure as 8100 to 1, and wrong once in ten
    >>> round(fit_temperature(sure, np.array([0] * 9 + [1])), 2)
    4.1
    """
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not labels.size or not np.isfinite(logits).all():
        raise InputError(
            f"fit_temperature: logits must be N×classes finite numbers and labels N; got {describe(logits)} and "
            f"{describe(labels)}."
        )
    own = logits[np.arange(len(labels)), labels]

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        top = scaled.max(axis=1)
        return float((np.log(np.exp(scaled - top[:, None]).sum(axis=1)) + top).mean()) - float(
            own.mean() / math.exp(log_temperature)
        )

    # The loss is convex in 1/T, so it has one valley in log T.
    return math.exp(minimize_scalar(loss, bounds=(-_WIDEST, _WIDEST), method="bounded", options={"xatol": 1e-6}).x)
