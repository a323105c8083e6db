"""Two recurrent layers that read the same sequences, one from the front and one from the end.

Schuster & Paliwal 1997, "Bidirectional Recurrent Neural Networks", IEEE Transactions on Signal Processing 45(11).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.learn.layers.layer import Layer
from sightline.learn.layers.recurrent import Recurrent, State


class Bidirectional(Layer):
    """y_t = (h_t of the one, h_t of the other): what came before each moment, and what comes after it.

    Each half of g goes back through its own layer, and ∂L/∂x is the sum of what both return. Parameters are those of
    the layers, under ``ahead.`` and ``behind.``; the state is a pair of theirs.

    Parameters
    ----------
    ahead
        The layer that reads from the front.
    behind
        The layer that reads from the end: one made with ``reverse=True``.

    Raises
    ------
    InputError
        When the two are no recurrent layers, or read the same way.

    Examples
    --------
    >>> from sightline.learn import GRU
    >>> both = Bidirectional(GRU(3, 4, seed=0), GRU(3, 4, reverse=True, seed=1))
    >>> both.forward(np.ones((2, 5, 3))).shape
    (2, 5, 8)
    """

    def __init__(self, ahead: Recurrent, behind: Recurrent) -> None:
        super().__init__()
        for name, layer in (("ahead", ahead), ("behind", behind)):
            if not isinstance(layer, Recurrent):
                raise InputError(f"Bidirectional: {name} must be a recurrent layer; got {describe(layer)}.")
        same = ahead.inputs == behind.inputs and ahead.last == behind.last
        if ahead.reverse or not behind.reverse or not same:
            raise InputError(
                "Bidirectional: behind must read in reverse, ahead must not, and both need the same inputs and the same"
                f" last; got reverse={ahead.reverse} and {behind.reverse}, inputs={ahead.inputs} and {behind.inputs},"
                f" last={ahead.last} and {behind.last}."
            )
        self.ahead, self.behind = ahead, behind
        self.parameters = _both(ahead.parameters, behind.parameters)
        self.state: tuple[State, State] | None = None
        self.state_gradient: tuple[State, State] | None = None

    def forward(
        self, x: Any, train: bool = False, *, state: tuple[State, State] | None = None, lengths: Any = None
    ) -> Array:
        """Return N×T×(both widths) states of N×T×inputs values, or N×(both widths) last ones.

        Parameters
        ----------
        x, train, lengths
            As in :class:`Recurrent`.
        state
            A pair: what each layer goes on from.
        """
        first, second = (None, None) if state is None else state
        y = self.ahead.forward(x, train, state=first, lengths=lengths)
        other = self.behind.forward(x, train, state=second, lengths=lengths)
        self.state = self.ahead.state, self.behind.state
        self._kept = y.shape[-1]
        return np.concatenate([y, other], axis=-1)

    def backward(self, g: Any, *, state: tuple[State, State] | None = None) -> Array:
        """Return ∂L/∂x, N×T×inputs.

        Parameters
        ----------
        g
            ∂L/∂y, of y's shape.
        state
            ∂L/∂ of both last states, where something depends on them.
        """
        width, g = self._recall(g)
        first, second = (None, None) if state is None else state
        dx = self.ahead.backward(g[..., :width], state=first) + self.behind.backward(g[..., width:], state=second)
        self.gradients = _both(self.ahead.gradients, self.behind.gradients)
        self.state_gradient = self.ahead.state_gradient, self.behind.state_gradient
        return dx


def _both(first: dict[str, Array], second: dict[str, Array]) -> dict[str, Array]:
    return {f"{key}.{name}": a for key, part in (("ahead", first), ("behind", second)) for name, a in part.items()}


method(task="sequences", paper="Schuster & Paliwal 1997", lesson="w6d1")(Bidirectional)
