"""Gated recurrent units: two gates and no cell.

Cho, van Merriënboer, Gulcehre, Bahdanau, Bougares, Schwenk & Bengio 2014, "Learning Phrase Representations using RNN
Encoder-Decoder for Statistical Machine Translation", EMNLP, equations 5 to 8. The reset gate stands behind the product
with U instead of before it, so that one product serves all gates: version 3 of the authors' preprint does both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.types import Array, Seed
from sightline.learn.layers.recurrent import Recurrent, sigmoid_in_place, unrolled


class GRU(Recurrent):
    """Gates r (what of the past counts) and z (what of it stays), and news n.

    ::

        r, z = σ(a_r), σ(a_z)    n = tanh(W_n x_t + b_n + r p)  with  p = U_n h_{t-1} + q
        h_t = (1 - z) n + z h_{t-1}

    q is a bias of its own, since r stands between it and b_n. The way back::

        ∂L/∂a_n = ∂L/∂h · (1 - z) · (1 - n²)            ∂L/∂p = ∂L/∂a_n · r            ∂L/∂q = Σ ∂L/∂p
        ∂L/∂a_z = ∂L/∂h · (h_{t-1} - n) · z (1 - z)     ∂L/∂a_r = ∂L/∂a_n · p · r (1 - r)
        ∂L/∂h_{t-1} = g_{t-1} + ∂L/∂h · z + Uᵀ (∂L/∂a_r, ∂L/∂a_z, ∂L/∂p)

    The rows of W, U and b are those of r, z and n, in this order.

    Parameters
    ----------
    inputs, width, last, reverse, truncate, seed, dtype
        As in :class:`Recurrent`.

    Examples
    --------
    >>> GRU(3, 4, last=True).forward(np.ones((2, 5, 3))).shape
    (2, 4)
    """

    gates = 3
    names = ("reset gate", "update gate", "news")

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        last: bool = False,
        reverse: bool = False,
        truncate: int | None = None,
        seed: Seed = 0,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(inputs, width, last=last, reverse=reverse, truncate=truncate, seed=seed, dtype=dtype)
        self.parameters["hidden_bias"] = np.zeros(self.width, self.parameters["bias"].dtype)

    def _step(self, gates: Array, extra: Array, before: list[Array], after: list[Array]) -> None:
        w = self.width
        product = before[0] @ self.parameters["hidden_weight"].T
        gates[:, : 2 * w] += product[:, : 2 * w]
        sigmoid_in_place(gates[:, : 2 * w])
        r, z, n = (gates[:, k * w : (k + 1) * w] for k in range(3))
        np.add(product[:, 2 * w :], self.parameters["hidden_bias"], out=extra)
        n += r * extra
        np.tanh(n, out=n)
        h = np.subtract(before[0], n, out=after[0])  # (1 - z) n + z h = n + z (h - n)
        h *= z
        h += n

    def _step_back(
        self,
        gates: Array,
        extra: Array,
        before: list[Array],
        after: list[Array],
        slopes: list[Array],
        slope: Array,
        hidden: Array,
    ) -> None:
        w = self.width
        r, z, n = (gates[:, k * w : (k + 1) * w] for k in range(3))
        dh = slopes[0]
        da = slope[:, 2 * w :]
        np.multiply(dh * (1 - z), 1 - n * n, out=da)
        slope[:, :w] = da * extra * r * (1 - r)
        slope[:, w : 2 * w] = dh * (before[0] - n) * z * (1 - z)
        hidden[:, : 2 * w] = slope[:, : 2 * w]
        np.multiply(da, r, out=hidden[:, 2 * w :])
        slopes[0] = dh * z + hidden @ self.parameters["hidden_weight"]

    def _slopes(self, gates: Array) -> tuple[Array, Array]:
        return np.empty_like(gates), np.empty_like(gates)

    def _own_gradients(self, hidden: Array) -> None:
        self.gradients["hidden_bias"] = hidden[:, 2 * self.width :].sum(axis=0)


method(task="sequences", paper="Cho et al. 2014", lesson="w6d1")(GRU).steps(unrolled)
