"""Automatic differentiation in reverse: arrays remember what made them, and the chain rule goes back through it.

Baydin, Pearlmutter, Radul & Siskind 2018, "Automatic Differentiation in Machine Learning: a Survey", Journal of Machine
Learning Research 18, section 3.2; Rumelhart, Hinton & Williams 1986, "Learning Representations by Back-Propagating
Errors", Nature 323.

For y = f(x) and a number L made of y, the chain rule is dL/dx = (dy/dx)ᵀ dL/dy. Each primitive knows this product for
each of its inputs, written with primitives again: so a gradient is itself a result that can be differentiated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sightline.core.catalogue import method
from sightline.core.checks import describe
from sightline.core.errors import InputError
from sightline.core.types import Array

Back = Callable[["Tensor"], "Tensor"]  # dL/dy to dL/dx


class Tensor:
    """An array that remembers what it was made of.

    Arithmetic (``+ - * / ** @``), indexing and the methods below broadcast as NumPy does.

    Parameters
    ----------
    value
        Numbers of any shape; float32 and float64 are kept, whole numbers become float64.
    name
        What the graph calls it.

    Attributes
    ----------
    value
        The array.
    operation
        What made it, empty for what was given.
    parents
        What it was made of.
    grad
        After :meth:`backward`, the derivative of that number, an array of the same shape; else None.
    """

    __array_priority__ = 100  # NumPy arrays leave their operators to us

    def __init__(self, value: Any, name: str = "") -> None:
        array = np.asarray(value)
        if array.dtype.kind in "biu":
            array = array.astype(np.float64)
        if array.dtype not in (np.float32, np.float64):
            raise InputError(f"Tensor: value must be real numbers; got {describe(value)}.")
        self.value, self.name, self.operation = array, name, ""
        self.parents: tuple[Tensor, ...] = ()
        self.grad: Array | None = None
        self._backs: tuple[Back, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The array's shape."""
        return self.value.shape

    def backward(self) -> None:
        """Leave in ``grad`` of everything that this number was made of its derivative."""
        for tensor, slope in _sweep(self, _seed(self, None)).values():
            tensor.grad = slope.value

    def __repr__(self) -> str:
        return f"Tensor({self.name or self.operation or 'value'}, {self.value!r})"

    def __len__(self) -> int:
        return len(self.value)

    def __neg__(self) -> Tensor:
        return made("−", -self.value, (self, lambda g: -g))

    def __add__(self, other: Any) -> Tensor:
        a, b = self, lift(other)
        return made("+", a.value + b.value, (a, lambda g: reduced(g, a)), (b, lambda g: reduced(g, b)))

    def __sub__(self, other: Any) -> Tensor:
        a, b = self, lift(other)
        return made("−", a.value - b.value, (a, lambda g: reduced(g, a)), (b, lambda g: reduced(-g, b)))

    def __mul__(self, other: Any) -> Tensor:
        a, b = self, lift(other)
        return made("×", a.value * b.value, (a, lambda g: reduced(g * b, a)), (b, lambda g: reduced(g * a, b)))

    def __truediv__(self, other: Any) -> Tensor:
        a, b = self, lift(other)
        return made(
            "÷", a.value / b.value, (a, lambda g: reduced(g / b, a)), (b, lambda g: reduced(-g * a / (b * b), b))
        )

    def __pow__(self, power: float) -> Tensor:
        if isinstance(power, Tensor) or np.ndim(power):
            raise InputError(f"Tensor: a power must be one number; got {describe(power)}. Use (x.log() * p).exp().")
        p = float(power)
        if p == 0:
            return made("^0", np.ones_like(self.value), (self, lambda g: g * 0.0))
        return made(f"^{p:g}", self.value**p, (self, lambda g: g * (self ** (p - 1) * p)))

    def __matmul__(self, other: Any) -> Tensor:
        a, b = self, lift(other)
        if a.value.ndim < 2 or b.value.ndim < 2:
            raise InputError(
                f"Tensor: @ must join matrices; got {describe(a.value)} and {describe(b.value)}. Use reshape."
            )
        return made("@", a.value @ b.value, (a, lambda g: reduced(g @ b.mT, a)), (b, lambda g: reduced(a.mT @ g, b)))

    def __radd__(self, other: Any) -> Tensor:
        return lift(other) + self

    def __rsub__(self, other: Any) -> Tensor:
        return lift(other) - self

    def __rmul__(self, other: Any) -> Tensor:
        return lift(other) * self

    def __rtruediv__(self, other: Any) -> Tensor:
        return lift(other) / self

    def __rmatmul__(self, other: Any) -> Tensor:
        return lift(other) @ self

    def __getitem__(self, index: Any) -> Tensor:
        return made("[ ]", self.value[index], (self, lambda g: g.placed(index, self.shape)))

    def placed(self, index: Any, shape: tuple[int, ...]) -> Tensor:
        """Return zeros of this shape to which the values were added at an index: what undoes ``x[index]``."""
        value = np.zeros(shape, self.value.dtype)
        np.add.at(value, index, self.value)
        return made("place", value, (self, lambda g: g[index]))

    @property
    def mT(self) -> Tensor:  # noqa: N802 - NumPy's name
        """The matrices with rows and columns exchanged."""
        return made("ᵀ", np.swapaxes(self.value, -1, -2), (self, lambda g: g.mT))

    def transpose(self, *axes: int) -> Tensor:
        """Return the axes in another order, reversed when none is given."""
        order = axes or tuple(range(self.value.ndim))[::-1]
        back = tuple(int(i) for i in np.argsort(order))
        return made("transpose", self.value.transpose(order), (self, lambda g: g.transpose(*back)))

    def reshape(self, *shape: int) -> Tensor:
        """Return the same numbers in another shape."""
        return made("reshape", self.value.reshape(shape), (self, lambda g: g.reshape(*self.shape)))

    def broadcast_to(self, shape: tuple[int, ...]) -> Tensor:
        """Return the values repeated along new axes and axes of 1."""
        return made("broadcast", np.broadcast_to(self.value, shape), (self, lambda g: reduced(g, self)))

    def sum(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Return the sum along axes, all of them when None."""
        kept = np.sum(self.value, axis=axis, keepdims=True).shape
        value = np.asarray(self.value.sum(axis=axis, keepdims=keepdims))
        return made("Σ", value, (self, lambda g: g.reshape(*kept).broadcast_to(self.shape)))

    def mean(self, axis: int | tuple[int, ...] | None = None, *, keepdims: bool = False) -> Tensor:
        """Return the mean along axes."""
        total = self.sum(axis, keepdims=keepdims)
        return total * (total.value.size / self.value.size)

    def max(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        """Return the greatest value along an axis; where several are equal they share the derivative."""
        top = np.max(self.value, axis=axis, keepdims=True)
        holders = (self.value == top).astype(self.value.dtype)
        share = holders / holders.sum(axis=axis, keepdims=True)
        value = np.asarray(top if keepdims else top.squeeze(axis) if axis is not None else top.reshape(()))
        return made("max", value, (self, lambda g: g.reshape(*top.shape).broadcast_to(self.shape) * share))

    def exp(self) -> Tensor:
        """Return e to the power of each value."""
        result = made("exp", np.exp(self.value), (self, lambda g: g * result))
        return result

    def log(self) -> Tensor:
        """Return the natural logarithm of each value."""
        return made("log", np.log(self.value), (self, lambda g: g / self))

    def sqrt(self) -> Tensor:
        """Return the square root of each value."""
        result = made("√", np.sqrt(self.value), (self, lambda g: g / (result * 2.0)))
        return result

    def sin(self) -> Tensor:
        """Return the sine of each value in radians."""
        return made("sin", np.sin(self.value), (self, lambda g: g * self.cos()))

    def cos(self) -> Tensor:
        """Return the cosine of each value in radians."""
        return made("cos", np.cos(self.value), (self, lambda g: -(g * self.sin())))

    def tanh(self) -> Tensor:
        """Return the hyperbolic tangent of each value."""
        result = made("tanh", np.tanh(self.value), (self, lambda g: g * (1.0 - result * result)))
        return result

    def sigmoid(self) -> Tensor:
        """Return 1 / (1 + e⁻ˣ) of each value."""
        value = 0.5 * (1 + np.tanh(0.5 * self.value))  # never overflows
        result = made("sigmoid", value, (self, lambda g: g * (result * (1.0 - result))))
        return result

    def relu(self) -> Tensor:
        """Return each value, 0 where it is negative."""
        positive = (self.value > 0).astype(self.value.dtype)
        return made("relu", self.value * positive, (self, lambda g: g * positive))

    def abs(self) -> Tensor:
        """Return the size of each value; at 0 the derivative is 0."""
        sign = np.sign(self.value)
        return made("abs", np.abs(self.value), (self, lambda g: g * sign))


def lift(value: Any) -> Tensor:
    """Return a Tensor as it is, and anything else as one."""
    return value if isinstance(value, Tensor) else Tensor(value)


def made(operation: str, value: Array, *sources: tuple[Tensor, Back]) -> Tensor:
    """Return a Tensor that remembers the operation, what it was made of, and each way back.

    A primitive of your own is a call of this.
    """
    result = Tensor(value)
    result.operation = operation
    result.parents = tuple(tensor for tensor, _ in sources)
    result._backs = tuple(back for _, back in sources)
    return result


def reduced(g: Tensor, like: Tensor) -> Tensor:
    """Return the sum over the axes along which ``like`` was broadcast: the chain rule of repeating."""
    extra = g.value.ndim - like.value.ndim
    axes = (*range(extra), *(i + extra for i, n in enumerate(like.shape) if n == 1 and g.shape[i + extra] != 1))
    summed = g.sum(axes, keepdims=True) if axes else g
    return summed if summed.shape == like.shape else summed.reshape(*like.shape)


def where(condition: Array, a: Any, b: Any) -> Tensor:
    """Return ``a`` where the bool array ``condition`` holds, ``b`` elsewhere."""
    a, b, chosen = lift(a), lift(b), np.asarray(condition, bool)
    yes, no = chosen.astype(np.float64), (~chosen).astype(np.float64)
    value = np.where(chosen, a.value, b.value)
    return made("where", value, (a, lambda g: reduced(g * yes, a)), (b, lambda g: reduced(g * no, b)))


def maximum(a: Any, b: Any) -> Tensor:
    """Return the greater of each two values; where they are equal each has half of the derivative."""
    a, b = lift(a), lift(b)
    share = 0.5 * ((a.value > b.value).astype(np.float64) + (a.value >= b.value))
    value = np.maximum(a.value, b.value)
    return made("max", value, (a, lambda g: reduced(g * share, a)), (b, lambda g: reduced(g * (1 - share), b)))


def concatenate(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Return the tensors joined along an axis."""
    parts = [lift(part) for part in tensors]
    ends = np.cumsum([part.shape[axis] for part in parts])
    value = np.concatenate([part.value for part in parts], axis=axis)

    def back(start: int, end: int) -> Back:
        index = [slice(None)] * value.ndim
        index[axis] = slice(start, end)
        return lambda g: g[tuple(index)]

    sources = ((part, back(int(end) - part.shape[axis], int(end))) for part, end in zip(parts, ends, strict=True))
    return made("join", value, *sources)


@method(task="differentiation", paper="Baydin et al. 2018", lesson="w4d4")
def gradients(output: Tensor, inputs: Sequence[Tensor], *, seed: Any = None) -> list[Tensor]:
    """Return the derivative of a number by each of its inputs, as Tensors that can be differentiated again.

    NaN and infinity go where the arithmetic takes them.

    Parameters
    ----------
    output
        A Tensor with one value, or of any shape when ``seed`` is given.
    inputs
        Tensors that it was made of; one that it was not made of has derivative 0.
    seed
        What each value of ``output`` counts, of its shape: the derivative is that of ``(output * seed).sum()``.

    Returns
    -------
    slopes
        One Tensor of each input's shape.

    Raises
    ------
    InputError
        When ``output`` has more than one value and no seed, or something is no Tensor.

    References
    ----------
    A. G. Baydin, B. A. Pearlmutter, A. A. Radul, J. M. Siskind, "Automatic Differentiation in Machine Learning: a
    Survey", Journal of Machine Learning Research 18, 2018.

    Examples
    --------
    >>> x = Tensor(3.0)
    >>> (slope,) = gradients(x**3, [x])
    >>> (bend,) = gradients(slope, [x])
    >>> float(slope.value), float(bend.value)
    (27.0, 18.0)
    """
    if not isinstance(output, Tensor):
        raise InputError(f"gradients: output must be a Tensor; got {describe(output)}.")
    for tensor in inputs:
        if not isinstance(tensor, Tensor):
            raise InputError(f"gradients: inputs must be Tensors; got {describe(tensor)}.")
    slopes = _sweep(output, _seed(output, seed))
    return [slopes[id(t)][1] if id(t) in slopes else Tensor(np.zeros_like(t.value)) for t in inputs]


def _seed(output: Tensor, seed: Any) -> Tensor:
    if seed is None:
        if output.value.size != 1:
            raise InputError(f"gradients: output must have one value; got {describe(output.value)}. Use .sum().")
        return Tensor(np.ones_like(output.value))
    found = lift(seed)
    if found.shape != output.shape:
        raise InputError(f"gradients: seed must have output's shape; got {describe(found.value)}.")
    return found


def _sweep(output: Tensor, seed: Tensor) -> dict[int, tuple[Tensor, Tensor]]:
    """Return for everything that ``output`` was made of itself and its derivative, by its ``id``."""
    slopes = {id(output): (output, seed)}
    for tensor in reversed(in_order(output)):
        slope = slopes[id(tensor)][1]
        for parent, back in zip(tensor.parents, tensor._backs, strict=True):
            part = back(slope)
            before = slopes.get(id(parent))
            slopes[id(parent)] = (parent, part if before is None else before[1] + part)
    return slopes


def in_order(output: Tensor) -> list[Tensor]:
    """Return everything that ``output`` was made of, each after what it was made of itself."""
    order: list[Tensor] = []
    seen: set[int] = set()
    waiting: list[tuple[Tensor, bool]] = [(output, False)]
    while waiting:
        tensor, finished = waiting.pop()
        if finished:
            order.append(tensor)
        elif id(tensor) not in seen:
            seen.add(id(tensor))
            waiting.append((tensor, True))
            waiting += [(parent, False) for parent in tensor.parents if id(parent) not in seen]
    return order
