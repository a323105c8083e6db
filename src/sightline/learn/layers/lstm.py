"""Long short-term memory: a cell that keeps what it holds until a gate says otherwise.

Hochreiter & Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9(8); with the forget gate of Gers,
Schmidhuber & Cummins 2000, "Learning to Forget: Continual Prediction with LSTM", Neural Computation 12(10).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.types import Array, Seed
from sightline.learn.layers.recurrent import Recurrent, sigmoid_in_place, unrolled


class LSTM(Recurrent):
    """Gates i, f, o in 0–1 and news n in -1–1, all of W x_t + U h_{t-1} + b; a cell c, and what of it is shown, h.

    ::

        i, f, o = σ(a_i), σ(a_f), σ(a_o)    n = tanh(a_n)
        c_t = f c_{t-1} + i n               h_t = o tanh(c_t)

    The way back meets h first, then c, to which the next moment added its part; with σ' = σ (1 - σ)::

        ∂L/∂a_o = ∂L/∂h · tanh(c_t) · o (1 - o)        ∂L/∂c_t += ∂L/∂h · o · (1 - tanh²(c_t))
        ∂L/∂a_i = ∂L/∂c_t · n · i (1 - i)              ∂L/∂a_f = ∂L/∂c_t · c_{t-1} · f (1 - f)
        ∂L/∂a_n = ∂L/∂c_t · i · (1 - n²)               ∂L/∂c_{t-1} = ∂L/∂c_t · f
        ∂L/∂h_{t-1} = g_{t-1} + Uᵀ ∂L/∂a

    From cell to cell there is only f: where the gate is open, the slope arrives as it was. The rows of W, U and b are
    those of i, f, o and n, in this order; the f part of b begins at 1 (Gers et al.), so that the cell keeps at first.
    The state is the pair (h, c).

    Parameters
    ----------
    inputs, width, last, reverse, truncate, seed, dtype
        As in :class:`Recurrent`.

    Examples
    --------
    >>> layer = LSTM(3, 4)
    >>> y = layer.forward(np.ones((2, 5, 3)))
    >>> h, c = layer.state
    >>> y.shape, c.shape, bool((y[:, -1] == h).all())
    ((2, 5, 4), (2, 4), True)
    """

    gates, states = 4, 2
    names = ("input gate", "forget gate", "output gate", "news")

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
        self.parameters["bias"][self.width : 2 * self.width] = 1

    def _step(self, gates: Array, extra: Array, before: list[Array], after: list[Array]) -> None:
        w = self.width
        gates += before[0] @ self.parameters["hidden_weight"].T
        sigmoid_in_place(gates[:, : 3 * w])
        i, f, o, n = (gates[:, k * w : (k + 1) * w] for k in range(4))
        np.tanh(n, out=n)
        c = np.multiply(f, before[1], out=after[1])
        c += i * n
        np.tanh(c, out=extra)
        np.multiply(o, extra, out=after[0])

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
        i, f, o, n = (gates[:, k * w : (k + 1) * w] for k in range(4))
        dh, dc = slopes
        dc += dh * o * (1 - extra * extra)
        slope[:, :w] = dc * n
        slope[:, w : 2 * w] = dc * before[1]
        slope[:, 2 * w : 3 * w] = dh * extra
        bend = gates[:, : 3 * w]
        slope[:, : 3 * w] *= bend * (1 - bend)
        slope[:, 3 * w :] = dc * i * (1 - n * n)
        slopes[0] = slope @ self.parameters["hidden_weight"]
        slopes[1] = dc * f


method(task="sequences", paper="Hochreiter & Schmidhuber 1997", lesson="w6d1")(LSTM).steps(unrolled)
