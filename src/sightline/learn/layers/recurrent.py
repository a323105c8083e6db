"""Recurrent layers: the same step at every moment of a sequence, with a state that goes from one moment to the next.

Elman 1990, "Finding Structure in Time", Cognitive Science 14(2) (``RNN``); Werbos 1990, "Backpropagation Through Time:
What It Does and How to Do It", Proceedings of the IEEE 78(10), for the way back; Williams & Peng 1990, "An Efficient
Gradient-Based Algorithm for On-Line Training of Recurrent Network Trajectories", Neural Computation 2(4), for going
back a few steps only. ``LSTM`` and ``GRU`` have files of their own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import choice, describe, flag, integer
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Heat
from sightline.core.seeds import generator
from sightline.core.trace import Step, Trace
from sightline.core.types import Array, Seed
from sightline.learn.layers.initialization import orthogonal, xavier
from sightline.learn.layers.layer import Layer, as_dtype, as_values

State = Any  # N×width, or a pair of these


class Recurrent(Layer):
    """What all recurrent layers do: one product for the inputs of all moments, then one moment after the other.

    With a_t = W x_t + U h_{t-1} + b for the values from which a step makes its gates, and ∂L/∂a_t from the way back
    through that step, the parameters gather over all moments, because they take part in each::

        ∂L/∂W = Σ_t ∂L/∂a_t x_tᵀ    ∂L/∂U = Σ_t ∂L/∂a_t h_{t-1}ᵀ    ∂L/∂b = Σ_t ∂L/∂a_t    ∂L/∂x_t = Wᵀ ∂L/∂a_t

    and each state gets what its own output says and what the next moment says: ∂L/∂h_t = g_t + Uᵀ ∂L/∂a_{t+1}.

    Parameters
    ----------
    inputs, width
        Values in at each moment, and in the state, ≥ 1.
    last
        Return each sequence's last state only, N×width; else the states of all moments, N×T×width.
    reverse
        Read each sequence from its end; states still stand at the moments that they belong to.
    truncate
        On the way back, states at each multiple of this many moments tell the ones before nothing; None goes back to
        the start.
    seed
        Of the first weights: W by ``xavier``, U orthogonal.
    dtype
        float32 or float64.

    Attributes
    ----------
    state
        After :meth:`forward`, the state after the last moment (of each sequence): give it to the next call to go on.
    state_gradient
        After :meth:`backward`, ∂L/∂ of the state that forward began with.
    """

    gates: ClassVar[int] = 1  # how many times `width` values a step makes of its inputs
    names: ClassVar[tuple[str, ...]] = ()  # what a step shows of its gates
    states: ClassVar[int] = 1  # arrays that a state consists of

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
        super().__init__()
        name, random = type(self).__name__, generator(seed)
        self.inputs, self.width = integer(name, "inputs", inputs, 1), integer(name, "width", width, 1)
        self.last, self.reverse = flag(name, "last", last), flag(name, "reverse", reverse)
        self.truncate = None if truncate is None else integer(name, "truncate", truncate, 1)
        kind, many = as_dtype(name, dtype), range(self.gates)
        w = [xavier((self.width, self.inputs), seed=random, dtype=kind) for _ in many]
        u = [orthogonal((self.width, self.width), seed=random, dtype=kind) for _ in many]
        self.parameters["input_weight"], self.parameters["hidden_weight"] = np.concatenate(w), np.concatenate(u)
        self.parameters["bias"] = np.zeros(self.gates * self.width, kind)
        self.state: State = None
        self.state_gradient: State = None

    def forward(self, x: Any, train: bool = False, *, state: State = None, lengths: Any = None) -> Array:
        """Return the states of N×T×inputs values.

        Parameters
        ----------
        x
            Sequences of T ≥ 1 moments.
        train
            Makes no difference here.
        state
            What the first moment goes on from; zeros when None.
        lengths
            How many moments each sequence has, N whole numbers in 1–T; what lies behind changes no state, and its
            output is 0. All have T when None.
        """
        name, weight = type(self).__name__, self.parameters["input_weight"]
        x = as_sequences(name, x, weight.dtype, self.inputs)
        count, moments = x.shape[:2]
        alive, order = self._times(lengths, count, moments)
        steps = np.ascontiguousarray(x.swapaxes(0, 1) if order is None else _ordered(x, order))  # T × N × inputs
        gates = empty((moments, count, self.gates * self.width), weight.dtype)
        np.matmul(steps.reshape(-1, self.inputs), weight.T, out=gates.reshape(-1, gates.shape[2]))
        gates += self.parameters["bias"]
        extra = empty((moments, count, self.width), weight.dtype)
        held = [empty((moments + 1, count, self.width), weight.dtype) for _ in range(self.states)]
        for array, start in zip(held, self._start(state, count), strict=True):
            array[0] = start
        for t in range(moments):
            before, after = [array[t] for array in held], [array[t + 1] for array in held]
            self._step(gates[t], extra[t], before, after)
            if alive is not None:
                for old, new in zip(before, after, strict=True):
                    np.copyto(new, old, where=~alive[t])
        self._kept = steps, gates, extra, held, alive, order
        self.state = self._joined([array[-1].copy() for array in held])
        if self.last:
            return held[0][-1].copy()
        y = (held[0][1:] if alive is None else held[0][1:] * alive).swapaxes(0, 1)
        return y.copy() if order is None else _ordered(y, order, back=True)

    def backward(self, g: Any, *, state: State = None) -> Array:
        """Return ∂L/∂x, N×T×inputs.

        Parameters
        ----------
        g
            ∂L/∂y, of y's shape.
        state
            ∂L/∂ of the state after the last moment, where something depends on it; 0 when None.
        """
        (steps, gates, _, held, alive, order), g = self._recall(g)
        (moments, count), dtype = steps.shape[:2], gates.dtype
        slopes = [slope.copy() for slope in self._start(state, count)]
        behind: Array | None = None
        if self.last:
            slopes[0] += g
        else:
            behind = g.swapaxes(0, 1) if order is None else _ordered(g, order)
            behind = (behind if alive is None else behind * alive).astype(dtype, copy=False)
        slope, hidden_slope = self._way_back(behind, slopes)
        flat, hidden = slope.reshape(moments * count, -1), hidden_slope.reshape(moments * count, -1)
        self.gradients["input_weight"] = flat.T @ steps.reshape(-1, self.inputs)
        self.gradients["hidden_weight"] = hidden.T @ held[0][:-1].reshape(-1, self.width)
        self.gradients["bias"] = flat.sum(axis=0)
        self._own_gradients(hidden)
        self.state_gradient = self._joined(slopes)
        dx = (flat @ self.parameters["input_weight"]).reshape(steps.shape).swapaxes(0, 1)
        return dx.copy() if order is None else _ordered(dx, order, back=True)

    def _way_back(
        self, behind: Array | None, slopes: list[Array], watch: list[float] | None = None
    ) -> tuple[Array, Array]:
        """Go from the last moment to the first; return ∂L/∂a and ∂L/∂(U h), T×N×…, and leave ∂L/∂start in slopes.

        Parameters
        ----------
        behind
            ∂L/∂y, T×N×width, where all moments have an output.
        slopes
            ∂L/∂ of the last state; changed.
        watch
            Is given the length of ∂L/∂state of each moment, the last one's first.
        """
        steps, gates, extra, held, alive, _ = self._kept
        slope, hidden = self._slopes(gates)
        for t in range(len(steps) - 1, -1, -1):
            if behind is not None:
                slopes[0] += behind[t]
            if watch is not None:
                watch.append(float(np.sqrt(sum((part.astype(np.float64) ** 2).sum() for part in slopes))))
            before, after = [array[t] for array in held], [array[t + 1] for array in held]
            passed = None
            if alive is not None:  # what was not alive handed its state on as it was
                passed = [part * ~alive[t] for part in slopes]
                slopes[:] = [part * alive[t] for part in slopes]
            self._step_back(gates[t], extra[t], before, after, slopes, slope[t], hidden[t])
            if passed is not None:
                slopes[:] = [part + old for part, old in zip(slopes, passed, strict=True)]
            if self.truncate is not None and t and t % self.truncate == 0:
                slopes[:] = [np.zeros_like(part) for part in slopes]
        return slope, hidden

    @abstractmethod
    def _step(self, gates: Array, extra: Array, before: list[Array], after: list[Array]) -> None:
        """Make one moment: ``gates`` comes as W x + b and leaves as what the way back needs; write the new state."""

    @abstractmethod
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
        """Go back one moment: ``slopes`` come as ∂L/∂after and leave as ∂L/∂before; write ∂L/∂a and ∂L/∂(U h)."""

    def _slopes(self, gates: Array) -> tuple[Array, Array]:
        """Return arrays for ∂L/∂a and ∂L/∂(U h), which are one where both are only added."""
        slope = np.empty_like(gates)
        return slope, slope

    def _own_gradients(self, hidden: Array) -> None:
        """Leave the gradients of parameters that only this kind of layer has."""

    def _start(self, state: State, count: int) -> list[Array]:
        """Return the arrays that a state consists of, each N×width."""
        dtype, name = self.parameters["bias"].dtype, type(self).__name__
        if state is None:
            return [np.zeros((count, self.width), dtype)] * self.states
        parts = list(state) if self.states > 1 and isinstance(state, (tuple, list)) else [state]
        arrays = [np.asarray(part) for part in parts]
        if len(arrays) != self.states or any(a.shape != (count, self.width) or a.dtype.kind != "f" for a in arrays):
            kind = f"{count}×{self.width} float numbers" if self.states == 1 else f"a pair of {count}×{self.width}"
            raise InputError(f"{name}: state must be {kind}; got {', '.join(describe(part) for part in parts)}.")
        return [array.astype(dtype, copy=False) for array in arrays]

    def _joined(self, parts: list[Array]) -> State:
        return parts[0] if self.states == 1 else tuple(parts)

    def _times(self, lengths: Any, count: int, moments: int) -> tuple[Array | None, Array | None]:
        """Return T×N×1 bool, which moments there are, and N×T numbers, in which order they are read; None where all."""
        if lengths is None:
            return None, np.tile(np.arange(moments)[::-1], (count, 1)) if self.reverse else None
        given = np.asarray(lengths)
        if given.shape != (count,) or given.dtype.kind not in "iu" or not 1 <= given.min() <= given.max() <= moments:
            raise InputError(
                f"{type(self).__name__}: lengths must be {count} whole numbers in 1–{moments}; got {describe(given)}."
            )
        time = np.arange(moments)
        order = np.where(time < given[:, None], given[:, None] - 1 - time, time) if self.reverse else None
        return (time[:, None] < given)[..., None], order

    def gradient_through_time(self, x: Any) -> Array:
        """Return how long ∂L/∂state_t is at each moment when L is the sum of the last state: T numbers.

        Parameters
        ----------
        x
            N×T×inputs. Where the numbers fall towards the first moment, the layer cannot learn what began so early;
            where they rise, learning is unstable.
        """
        self.forward(x)
        slopes = self._start(None, self._kept[0].shape[1])
        slopes = [np.ones_like(slopes[0]), *(part.copy() for part in slopes[1:])]
        watch: list[float] = []
        self._way_back(None, slopes, watch)
        return np.array(watch[::-1])

    def trace(self, x: Any) -> Trace:
        """Read one sequence; return the steps: what came in, gates and states over time, and the slope back.

        Parameters
        ----------
        x
            T×inputs.
        """
        return Trace(f"learn.{type(self).__name__}", {}, tuple(unrolled(self, x)))


class RNN(Recurrent):
    """The plain recurrent layer: h_t = tanh(W x_t + U h_{t-1} + b).

    ∂h_t/∂a_t = 1 - h_t², so that with ∂L/∂h_t for all that depends on h_t::

        ∂L/∂a_t = ∂L/∂h_t · (1 - h_t²)        ∂L/∂h_{t-1} = g_{t-1} + Uᵀ ∂L/∂a_t

    Over n moments that is a product of n times Uᵀ and n slopes ≤ 1: it vanishes, or where U is large, explodes
    (Bengio, Simard & Frasconi 1994). ``LSTM`` is the answer.

    Parameters
    ----------
    inputs, width, last, reverse, truncate, seed, dtype
        As in :class:`Recurrent`.
    activation
        ``tanh``, or ``relu``: max(a, 0) with slope 1 where a > 0, else 0.

    Examples
    --------
    >>> layer = RNN(3, 4)
    >>> layer.forward(np.ones((2, 5, 3))).shape, layer.backward(np.ones((2, 5, 4))).shape
    ((2, 5, 4), (2, 5, 3))
    """

    def __init__(
        self,
        inputs: int,
        width: int,
        *,
        activation: str = "tanh",
        last: bool = False,
        reverse: bool = False,
        truncate: int | None = None,
        seed: Seed = 0,
        dtype: Any = "float32",
    ) -> None:
        super().__init__(inputs, width, last=last, reverse=reverse, truncate=truncate, seed=seed, dtype=dtype)
        self.activation = choice("RNN", "activation", activation, ("tanh", "relu"))

    def _step(self, gates: Array, extra: Array, before: list[Array], after: list[Array]) -> None:
        gates += before[0] @ self.parameters["hidden_weight"].T
        if self.activation == "tanh":
            np.tanh(gates, out=gates)
        else:
            np.maximum(gates, 0, out=gates)
        after[0][...] = gates

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
        np.multiply(slopes[0], 1 - gates * gates if self.activation == "tanh" else gates > 0, out=slope)
        slopes[0] = slope @ self.parameters["hidden_weight"]


def unrolled(layer: Recurrent, x: Any) -> Iterator[Step]:
    """Yield the steps of a layer that reads one sequence.

    Parameters
    ----------
    layer
        Any recurrent one.
    x
        T×inputs.
    """
    one = as_values(type(layer).__name__, x, (2,))[None]
    lengths = layer.gradient_through_time(one)
    _, gates, _, held, _, order = layer._kept
    moments = np.arange(len(gates)) if order is None else order[0]
    yield Step("input", Heat(one[0].T.astype(np.float32)), note="A column for each moment.")
    for number, name in enumerate(layer.names):
        values = gates[:, 0, number * layer.width : (number + 1) * layer.width][moments]
        yield Step(name, Heat(values.T.astype(np.float32)), note="A row for each unit, a column a moment.")
    for array in held[1:]:
        yield Step("cell", Heat(array[1:, 0][moments].T.astype(np.float32)), note="What is remembered.")
    curve = np.stack([np.arange(len(lengths), dtype=np.float64), lengths], axis=1)
    note = "How much the last state still depends on the state at each moment."
    yield Step("gradient through time", Curve(curve, ("moment read", "length of the slope")), note=note)
    states = held[0][1:, 0][moments]
    yield Step("states", Heat(states.T.astype(np.float32)), note="What the layer returns, a column a moment.")


def as_sequences(function: str, x: Any, dtype: Any, columns: int) -> Array:
    """Return N×T×columns numbers in a layer's dtype; NaN and infinity go where the arithmetic takes them.

    Parameters
    ----------
    function
        Name for the error's sentence.
    x
        Sequences.
    dtype
        Of the parameters.
    columns
        How many values there must be at each moment.
    """
    array = np.asarray(x)
    if array.dtype.kind not in "fiub" or array.ndim != 3 or not array.shape[1] or array.shape[2] != columns:
        raise InputError(f"{function}: x must be N×T×{columns} numbers with T ≥ 1; got {describe(array)}.")
    return array.astype(dtype, copy=False)


def sigmoid_in_place(a: Array) -> None:
    """Turn a into 1 / (1 + e⁻ᵃ), by way of the hyperbolic tangent, which never overflows."""
    a *= 0.5
    np.tanh(a, out=a)
    a += 1
    a *= 0.5


def _ordered(x: Array, order: Array, *, back: bool = False) -> Array:
    """Return N×T×… moments in another order as T×N×…; or with ``back`` as N×T×…. Each order is its own inverse."""
    found = np.take_along_axis(x, order[..., None], axis=1)
    return found if back else found.swapaxes(0, 1)


method(task="sequences", paper="Elman 1990", lesson="w6d1")(RNN).steps(unrolled)
