"""Optimisers: from a slope to a step, each from its paper, on arrays that are changed in place.

Robbins & Monro 1951 (``SGD``); Polyak 1964 (``Momentum``); Nesterov 1983 (``Nesterov``); Duchi, Hazan & Singer 2011
(``AdaGrad``); Tieleman & Hinton 2012 (``RMSProp``); Kingma & Ba 2015 (``Adam``); Loshchilov & Hutter 2019 (``AdamW``).

In all of them w are the parameters, g the slope of the loss, and lr the learning rate.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe, flag, number
from sightline.core.errors import InputError
from sightline.core.types import Array


class Optimizer(ABC):
    """Moves parameters down a slope, one call of :meth:`step` at a time.

    Parameters
    ----------
    learning_rate
        Rate, ≥ 0. It may be changed between steps, by a schedule.
    weight_decay
        Pull towards 0, ≥ 0: g + weight_decay · w takes the place of g.

    Attributes
    ----------
    count
        Steps so far.
    """

    def __init__(self, learning_rate: float, weight_decay: float = 0.0) -> None:
        name = type(self).__name__
        self.learning_rate = number(name, "learning_rate", learning_rate, 0)
        self.weight_decay = number(name, "weight_decay", weight_decay, 0)
        self.count = 0
        self._memory: list[dict[str, Array]] = []

    def step(self, parameters: Sequence[Array], slopes: Sequence[Array]) -> None:
        """Change the parameters in place.

        Parameters
        ----------
        parameters
            float32 or float64 arrays, the same ones at each step.
        slopes
            The derivative of the loss by each, of the same shapes.
        """
        name = type(self).__name__
        if len(parameters) != len(slopes) or (self._memory and len(parameters) != len(self._memory)):
            raise InputError(f"{name}: slopes must be one for each parameter; got {len(slopes)}, {len(parameters)}.")
        for w, g in zip(parameters, slopes, strict=True):
            if not isinstance(w, np.ndarray) or w.dtype.kind != "f" or np.shape(g) != w.shape:
                raise InputError(f"{name}: slopes must have the parameters' shapes; got {describe(g)}, {describe(w)}.")
        if not self._memory:
            self._memory = [self._begin(w) for w in parameters]
        self.count += 1
        for w, g, memory in zip(parameters, slopes, self._memory, strict=True):
            self._move(w, np.asarray(g, w.dtype), memory)

    def state(self) -> dict[str, Array]:
        """Return copies of all that is remembered, by name, for :meth:`restore`."""
        remembered = {f"{i}.{name}": v.copy() for i, held in enumerate(self._memory) for name, v in held.items()}
        return {"count": np.array(self.count), "parameters": np.array(len(self._memory)), **remembered}

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take over what :meth:`state` returned: the next step is as if nothing had happened.

        Parameters
        ----------
        state
            Arrays by name, of an optimiser of the same kind.
        """
        if not {"count", "parameters"} <= set(state):
            raise InputError(f"{type(self).__name__}.restore: state must be what state() returned.")
        self.count = int(state["count"])
        self._memory = [{} for _ in range(int(state["parameters"]))]
        for key, value in state.items():
            number, _, name = key.partition(".")
            if name:
                self._memory[int(number)][name] = np.array(value)

    def _decayed(self, w: Array, g: Array) -> Array:
        return g + self.weight_decay * w if self.weight_decay else g

    def _begin(self, w: Array) -> dict[str, Array]:
        """Return what is remembered of a parameter before the first step."""
        return {}

    @abstractmethod
    def _move(self, w: Array, g: Array, memory: dict[str, Array]) -> None:
        """Change one parameter."""


class SGD(Optimizer):
    """Gradient descent: w ← w − lr · v, with v = g, or with momentum v ← momentum · v + g.

    Parameters
    ----------
    learning_rate, weight_decay
        As in :class:`Optimizer`.
    momentum
        Share of the last step that goes on, 0–1.
    nesterov
        Look ahead: step by g + momentum · v.
    """

    def __init__(
        self, learning_rate: float = 0.01, *, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.momentum = number("SGD", "momentum", momentum, 0, 1)
        self.nesterov = flag("SGD", "nesterov", nesterov)

    def _begin(self, w: Array) -> dict[str, Array]:
        return {"v": np.zeros_like(w)}

    def _move(self, w: Array, g: Array, memory: dict[str, Array]) -> None:
        g = self._decayed(w, g)
        v = memory["v"]
        v *= self.momentum
        v += g
        w -= self.learning_rate * (g + self.momentum * v if self.nesterov else v)


class Momentum(SGD):
    """A ball that rolls: v ← momentum · v + g, w ← w − lr · v (Polyak 1964).

    Parameters
    ----------
    learning_rate, weight_decay
        As in :class:`Optimizer`.
    momentum
        Share of the last step that goes on, 0–1.
    """

    def __init__(self, learning_rate: float = 0.01, *, momentum: float = 0.9, weight_decay: float = 0.0) -> None:
        super().__init__(learning_rate, momentum=momentum, weight_decay=weight_decay)


class Nesterov(SGD):
    """A ball that looks where it will be: v ← momentum · v + g, w ← w − lr · (g + momentum · v) (Nesterov 1983).

    Parameters
    ----------
    learning_rate, weight_decay
        As in :class:`Optimizer`.
    momentum
        Share of the last step that goes on, 0–1.
    """

    def __init__(self, learning_rate: float = 0.01, *, momentum: float = 0.9, weight_decay: float = 0.0) -> None:
        super().__init__(learning_rate, momentum=momentum, nesterov=True, weight_decay=weight_decay)


class AdaGrad(Optimizer):
    """Each weight at its own pace: s ← s + g², w ← w − lr · g / (√s + eps).

    Parameters
    ----------
    learning_rate, weight_decay
        As in :class:`Optimizer`.
    eps
        Keeps the division from 0, > 0.
    """

    def __init__(self, learning_rate: float = 0.01, *, eps: float = 1e-10, weight_decay: float = 0.0) -> None:
        super().__init__(learning_rate, weight_decay)
        self.eps = number("AdaGrad", "eps", eps, 0)

    def _begin(self, w: Array) -> dict[str, Array]:
        return {"s": np.zeros_like(w)}

    def _move(self, w: Array, g: Array, memory: dict[str, Array]) -> None:
        g = self._decayed(w, g)
        memory["s"] += g * g
        w -= self.learning_rate * g / (np.sqrt(memory["s"]) + self.eps)


class RMSProp(Optimizer):
    """AdaGrad that forgets: s ← rho · s + (1 − rho) · g², w ← w − lr · v, with v = g / (√s + eps).

    With momentum, v ← momentum · v + g / (√s + eps).

    Parameters
    ----------
    learning_rate, weight_decay
        As in :class:`Optimizer`.
    rho
        Share of the past that is kept, 0–1.
    eps
        Keeps the division from 0, > 0.
    momentum
        Share of the last step that goes on, 0–1.
    """

    def __init__(
        self,
        learning_rate: float = 0.01,
        *,
        rho: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.rho, self.eps = number("RMSProp", "rho", rho, 0, 1), number("RMSProp", "eps", eps, 0)
        self.momentum = number("RMSProp", "momentum", momentum, 0, 1)

    def _begin(self, w: Array) -> dict[str, Array]:
        return {"s": np.zeros_like(w), "v": np.zeros_like(w)}

    def _move(self, w: Array, g: Array, memory: dict[str, Array]) -> None:
        g = self._decayed(w, g)
        s = memory["s"] = self.rho * memory["s"] + (1 - self.rho) * g * g
        v = memory["v"] = self.momentum * memory["v"] + g / (np.sqrt(s) + self.eps)
        w -= self.learning_rate * v


class Adam(Optimizer):
    """Momentum and pace together, both corrected for having begun at 0 (Kingma & Ba, algorithm 1).

    m ← b1 · m + (1 − b1) · g and s ← b2 · s + (1 − b2) · g²; after t steps m̂ = m / (1 − b1ᵗ), ŝ = s / (1 − b2ᵗ), and
    w ← w − lr · m̂ / (√ŝ + eps).

    Parameters
    ----------
    learning_rate, weight_decay
        As in :class:`Optimizer`.
    betas
        b1 and b2, each 0–1.
    eps
        Keeps the division from 0, > 0.
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        name = type(self).__name__
        first, second = betas
        self.betas = number(name, "betas[0]", first, 0, 1), number(name, "betas[1]", second, 0, 1)
        self.eps = number(name, "eps", eps, 0)

    def _begin(self, w: Array) -> dict[str, Array]:
        return {"m": np.zeros_like(w), "s": np.zeros_like(w)}

    def _move(self, w: Array, g: Array, memory: dict[str, Array]) -> None:
        self._adapt(w, self._decayed(w, g), memory)

    def _adapt(self, w: Array, g: Array, memory: dict[str, Array]) -> None:
        first, second = self.betas
        m, s = memory["m"], memory["s"]
        m *= first
        m += (1 - first) * g
        s *= second
        s += (1 - second) * g * g
        step = s / (1 - second**self.count)  # ŝ, and then what m̂ is divided by
        np.sqrt(step, out=step)
        step += self.eps
        np.divide(m, step, out=step)
        step *= self.learning_rate / (1 - first**self.count)
        w -= step


class AdamW(Adam):
    """Adam whose weights shrink beside the step, not by way of the slope: w ← w − lr · weight_decay · w first.

    Parameters
    ----------
    learning_rate, betas, eps
        As in :class:`Adam`.
    weight_decay
        Pull towards 0, ≥ 0.
    """

    def __init__(
        self,
        learning_rate: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(learning_rate, betas=betas, eps=eps, weight_decay=weight_decay)

    def _move(self, w: Array, g: Array, memory: dict[str, Array]) -> None:
        w -= self.learning_rate * self.weight_decay * w
        self._adapt(w, g, memory)


method(task="optimisation", paper="Robbins & Monro 1951", lesson="w4d4")(SGD)
method(task="optimisation", paper="Polyak 1964", lesson="w5d7")(Momentum)
method(task="optimisation", paper="Nesterov 1983", lesson="w5d7")(Nesterov)
method(task="optimisation", paper="Duchi, Hazan & Singer 2011", lesson="w4d4")(AdaGrad)
method(task="optimisation", paper="Tieleman & Hinton 2012", lesson="w4d4")(RMSProp)
method(task="optimisation", paper="Kingma & Ba 2015", lesson="w4d4")(Adam)
method(task="optimisation", paper="Loshchilov & Hutter 2019", lesson="w4d4")(AdamW)
