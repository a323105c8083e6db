"""Attention: each query looks at all keys, and takes the mean of the values, weighed by how well their keys fit.

Bahdanau, Cho & Bengio 2015, "Neural Machine Translation by Jointly Learning to Align and Translate", ICLR
(``AdditiveAttention``); Vaswani et al. 2017, "Attention Is All You Need", NeurIPS (``DotAttention``,
``SelfAttention``).

With scores e of one query for S keys, the weights are w = softmax(e), and y = Σ_s w_s v_s::

    ∂L/∂v_s = w_s g        ∂L/∂w_s = g · v_s        ∂L/∂e_s = w_s (∂L/∂w_s - Σ_r w_r ∂L/∂w_r)

How scores are made of queries and keys is all in which the two kinds differ.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from sightline.core.buffers import empty
from sightline.core.catalogue import method
from sightline.core.checks import describe, flag, integer
from sightline.core.errors import InputError
from sightline.core.layers import Heat
from sightline.core.seeds import generator
from sightline.core.trace import Step, Trace
from sightline.core.types import Array, Seed
from sightline.learn.layers.initialization import xavier
from sightline.learn.layers.layer import Layer, as_dtype
from sightline.learn.layers.recurrent import as_sequences


class Attention(ABC):
    """Queries, keys and values in; for each query one mix of the values out.

    Attributes
    ----------
    parameters, gradients
        As a layer's.
    weights
        After :meth:`forward`, N×T×S: how much each query looked at each key; a row's sum is 1.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.weights: Array | None = None
        self._kept: Any = None

    def forward(self, queries: Any, keys: Any, values: Any, *, mask: Any = None) -> Array:
        """Return N×T×V mixes. NaN and infinity go where the arithmetic takes them.

        Parameters
        ----------
        queries
            N×T×Q float32 or float64.
        keys
            N×S×K.
        values
            N×S×V, one for each key.
        mask
            Bool, N×T×S or what broadcasts to it: at which keys a query may look. A query that may look at none
            gets 0. All may be looked at when None.
        """
        q, k, v = self._triple(queries, keys, values)
        scores = self._scores(q, k)
        if mask is not None:
            allowed = self._allowed(mask, scores.shape)
            scores = np.where(allowed, scores, -np.inf)
            top = scores.max(axis=-1, keepdims=True)
            e = np.exp(scores - np.where(np.isneginf(top), 0, top))
            total = e.sum(axis=-1, keepdims=True)
            w = e / np.where(total == 0, 1, total)
        else:
            e = np.exp(scores - scores.max(axis=-1, keepdims=True))
            w = e / e.sum(axis=-1, keepdims=True)
        self.weights, self._kept = w, (q, k, v, w)
        return w @ v

    def backward(self, g: Any) -> tuple[Array, Array, Array]:
        """Return ∂L/∂queries, ∂L/∂keys and ∂L/∂values; leave ∂L/∂parameters in :attr:`gradients`.

        Parameters
        ----------
        g
            ∂L/∂y, N×T×V.
        """
        if self._kept is None:
            raise InputError(f"{type(self).__name__}.backward: there must have been a forward pass first.")
        (q, k, v, w), g = self._kept, np.asarray(g)
        dw = g @ v.swapaxes(1, 2)
        de = w * (dw - (w * dw).sum(axis=-1, keepdims=True))
        dq, dk = self._scores_back(de, q, k)
        return dq, dk, w.swapaxes(1, 2) @ g

    @abstractmethod
    def _scores(self, q: Array, k: Array) -> Array:
        """Return N×T×S scores."""

    @abstractmethod
    def _scores_back(self, de: Array, q: Array, k: Array) -> tuple[Array, Array]:
        """Return ∂L/∂queries and ∂L/∂keys of ∂L/∂scores."""

    def _triple(self, queries: Any, keys: Any, values: Any) -> tuple[Array, Array, Array]:
        name, given = type(self).__name__, [np.asarray(part) for part in (queries, keys, values)]
        wide = {weight.dtype for weight in self.parameters.values()} or {np.result_type(*given)}
        dtype = np.float32 if wide == {np.dtype(np.float32)} else np.float64
        for argument, part in zip(("queries", "keys", "values"), given, strict=True):
            if part.dtype.kind not in "fiub" or part.ndim != 3 or not part.size:
                raise InputError(f"{name}: {argument} must be N×T×D numbers; got {describe(part)}.")
        q, k, v = given
        if not len(q) == len(k) == len(v) or k.shape[1] != v.shape[1]:
            raise InputError(
                f"{name}: queries, keys and values must be as many, and each key have a value; got"
                f" {describe(q)}, {describe(k)}, {describe(v)}."
            )
        return q.astype(dtype, copy=False), k.astype(dtype, copy=False), v.astype(dtype, copy=False)

    def _allowed(self, mask: Any, shape: tuple[int, ...]) -> Array:
        allowed = np.asarray(mask)
        fits = allowed.ndim <= 3 and all(a in (1, b) for a, b in zip(allowed.shape[::-1], shape[::-1], strict=False))
        if allowed.dtype != np.bool_ or not fits:
            raise InputError(
                f"{type(self).__name__}: mask must be bool and broadcast to {'×'.join(map(str, shape))};"
                f" got {describe(allowed)}."
            )
        return allowed

    def trace(self, queries: Any, keys: Any, values: Any, *, mask: Any = None) -> Trace:
        """Return the steps for one sequence: scores, weights, result.

        Parameters
        ----------
        queries, keys, values, mask
            As in :meth:`forward`, with N = 1.
        """
        steps = tuple(looks(self, queries, keys, values, mask=mask))
        return Trace(f"learn.{type(self).__name__}", {}, steps)


class DotAttention(Attention):
    """Scaled dot products: e = Q Kᵀ / √D, for queries and keys of the same length D.

    Divided by √D, the variance of a score does not grow with D. From ∂L/∂e::

        ∂L/∂Q = ∂L/∂e K / √D        ∂L/∂K = (∂L/∂e)ᵀ Q / √D

    Examples
    --------
    >>> look = DotAttention()
    >>> keys, values = [[[9.0, 0.0], [0.0, 9.0]]], [[[1.0], [2.0]]]
    >>> look.forward([[[9.0, 0.0], [0.0, 9.0], [0.0, 0.0]]], keys, values).round(3).tolist()
    [[[1.0], [2.0], [1.5]]]
    """

    def _scores(self, q: Array, k: Array) -> Array:
        if q.shape[2] != k.shape[2]:
            raise InputError(
                f"DotAttention: queries and keys must be of one length; got {q.shape[2]} and {k.shape[2]}."
            )
        return (q @ k.swapaxes(1, 2)) * (1 / math.sqrt(q.shape[2]))

    def _scores_back(self, de: Array, q: Array, k: Array) -> tuple[Array, Array]:
        de = de * (1 / math.sqrt(q.shape[2]))
        return de @ k, de.swapaxes(1, 2) @ q


class AdditiveAttention(Attention):
    """A small network: e_ts = vᵀ tanh(W q_t + U k_s), for queries and keys of any lengths (Bahdanau, appendix A.1.2).

    With m_ts = tanh(W q_t + U k_s) and d_ts = ∂L/∂e_ts · v (1 - m_ts²)::

        ∂L/∂v = Σ_ts ∂L/∂e_ts m_ts        ∂L/∂W = Σ_t (Σ_s d_ts) q_tᵀ        ∂L/∂q_t = Wᵀ Σ_s d_ts
                                          ∂L/∂U = Σ_s (Σ_t d_ts) k_sᵀ        ∂L/∂k_s = Uᵀ Σ_t d_ts

    Parameters
    ----------
    queries, keys
        Lengths of a query and of a key, ≥ 1.
    width
        Units of the small network, ≥ 1.
    seed
        Of the first weights, by ``xavier``.
    dtype
        float32 or float64.

    Examples
    --------
    >>> look = AdditiveAttention(2, 3, 8)
    >>> look.forward(np.ones((1, 5, 2)), np.ones((1, 4, 3)), np.ones((1, 4, 6))).shape
    (1, 5, 6)
    >>> look.weights.sum(axis=2).round(6).tolist()
    [[1.0, 1.0, 1.0, 1.0, 1.0]]
    """

    def __init__(self, queries: int, keys: int, width: int, *, seed: Seed = 0, dtype: Any = "float32") -> None:
        super().__init__()
        sizes = [integer("AdditiveAttention", name, n, 1)
                 for name, n in (("queries", queries), ("keys", keys), ("width", width))]  # fmt: skip
        kind, random = as_dtype("AdditiveAttention", dtype), generator(seed)
        self.parameters["query_weight"] = xavier((sizes[2], sizes[0]), seed=random, dtype=kind)
        self.parameters["key_weight"] = xavier((sizes[2], sizes[1]), seed=random, dtype=kind)
        self.parameters["score_weight"] = xavier((1, sizes[2]), seed=random, dtype=kind)[0]

    def _scores(self, q: Array, k: Array) -> Array:
        w, u, v = self._weights(q, k)
        self._bent = empty((*q.shape[:2], k.shape[1], len(v)), v.dtype)  # N × T × S × width: the largest by far
        np.add((q @ w.T)[:, :, None], (k @ u.T)[:, None], out=self._bent)
        np.tanh(self._bent, out=self._bent)
        return self._bent @ v

    def _scores_back(self, de: Array, q: Array, k: Array) -> tuple[Array, Array]:
        w, u, v = self._weights(q, k)
        bent = self._bent
        self.gradients["score_weight"] = de.reshape(-1) @ bent.reshape(-1, len(v))
        d = empty(bent.shape, bent.dtype)
        np.multiply(bent, bent, out=d)
        np.subtract(1, d, out=d)
        d *= de[..., None]
        of_queries, of_keys = d.sum(axis=2) * v, d.sum(axis=1) * v  # v is the same for all: it can wait
        self.gradients["query_weight"] = _joined(of_queries).T @ _joined(q)
        self.gradients["key_weight"] = _joined(of_keys).T @ _joined(k)
        return of_queries @ w, of_keys @ u

    def _weights(self, q: Array, k: Array) -> tuple[Array, Array, Array]:
        w, u, v = (self.parameters[name] for name in ("query_weight", "key_weight", "score_weight"))
        if (q.shape[2], k.shape[2]) != (w.shape[1], u.shape[1]):
            raise InputError(
                f"AdditiveAttention: queries and keys must be of lengths {w.shape[1]} and {u.shape[1]};"
                f" got {q.shape[2]} and {k.shape[2]}."
            )
        return w, u, v


class SelfAttention(Layer):
    """Every moment of a sequence looks at all the others, with several heads, each through a window of its own.

    ::

        Q = X W_qᵀ    K = X W_kᵀ    V = X W_vᵀ    Y = (heads of DotAttention(Q, K, V), side by side) W_oᵀ

    Each product is a linear layer (∂L/∂W = gᵀ X, ∂L/∂X = g W); X takes part in three of them, so its slopes add up.
    Biases are left out.

    Parameters
    ----------
    width
        Values at each moment, in and out, ≥ 1.
    num_heads
        Heads, which share the width out evenly.
    causal
        Whether a moment looks at itself and what was before only.
    seed
        Of the first weights, by ``xavier``.
    dtype
        float32 or float64.

    Examples
    --------
    >>> SelfAttention(8, num_heads=2).forward(np.ones((3, 5, 8))).shape
    (3, 5, 8)
    """

    def __init__(
        self, width: int, *, num_heads: int = 1, causal: bool = False, seed: Seed = 0, dtype: Any = "float32"
    ) -> None:
        super().__init__()
        self.width, self.num_heads = (integer("SelfAttention", name, n, 1)
                                      for name, n in (("width", width), ("num_heads", num_heads)))  # fmt: skip
        if self.width % self.num_heads:
            raise InputError(f"SelfAttention: num_heads must divide width; got {num_heads} for {width}.")
        self.causal, self._look = flag("SelfAttention", "causal", causal), DotAttention()
        kind, random = as_dtype("SelfAttention", dtype), generator(seed)
        parts = [xavier((self.width, self.width), seed=random, dtype=kind) for _ in range(4)]
        self.parameters["weight"], self.parameters["output_weight"] = np.concatenate(parts[:3]), parts[3]

    @property
    def weights(self) -> Array | None:
        """After :meth:`forward`, N×heads×T×T: how much each moment looked at each."""
        found = self._look.weights
        return None if found is None else found.reshape(-1, self.num_heads, *found.shape[1:])

    def forward(self, x: Any, train: bool = False) -> Array:
        """Return N×T×width values of N×T×width values."""
        weight = self.parameters["weight"]
        x = as_sequences("SelfAttention", x, weight.dtype, self.width)
        moments = x.shape[1]
        mask = np.tri(moments, dtype=bool) if self.causal else None
        y = self._look.forward(*(self._split(part) for part in np.split(x @ weight.T, 3, axis=2)), mask=mask)
        mixed = self._side_by_side(y)
        self._kept = x, mixed
        return mixed @ self.parameters["output_weight"].T

    def backward(self, g: Any) -> Array:
        """Return ∂L/∂x, N×T×width."""
        (x, mixed), g = self._recall(g)
        self.gradients["output_weight"] = _joined(g).T @ _joined(mixed)
        slopes = self._look.backward(self._split(g @ self.parameters["output_weight"]))
        slope = np.concatenate([self._side_by_side(part) for part in slopes], axis=2)
        self.gradients["weight"] = _joined(slope).T @ _joined(x)
        return slope @ self.parameters["weight"]

    def _split(self, x: Array) -> Array:
        """Return N×T×width as (N·heads)×T×(width/heads)."""
        parts = x.reshape(*x.shape[:2], self.num_heads, -1).swapaxes(1, 2)
        return parts.reshape(-1, *parts.shape[2:])

    def _side_by_side(self, x: Array) -> Array:
        parts = x.reshape(-1, self.num_heads, *x.shape[1:]).swapaxes(1, 2)
        return parts.reshape(*parts.shape[:2], -1)


def looks(look: Attention, queries: Any, keys: Any, values: Any, *, mask: Any = None) -> Iterator[Step]:
    """Yield scores, weights and result of one sequence.

    Parameters
    ----------
    look
        Either kind of attention.
    queries, keys, values, mask
        As in :meth:`Attention.forward`, with N = 1.
    """
    y = look.forward(queries, keys, values, mask=mask)
    q, k, _, w = look._kept
    scores = look._scores(q, k)[0].astype(np.float32)
    yield Step("scores", Heat(scores), note="How well each key (a column) fits each query (a row).")
    yield Step("weights", Heat(w[0].astype(np.float32)), note="Softmax along each row: where each query looks.")
    yield Step("result", Heat(y[0].astype(np.float32)), note="For each query, the values mixed by its weights.")


def _joined(x: Array) -> Array:
    """Return N×T×D as (N·T)×D."""
    return x.reshape(-1, x.shape[-1])


method(task="attention", paper="Vaswani et al. 2017", lesson="w6d2")(DotAttention).steps(looks)
method(task="attention", paper="Bahdanau et al. 2015", lesson="w6d2")(AdditiveAttention).steps(looks)
method(task="attention", paper="Vaswani et al. 2017", lesson="w6d2")(SelfAttention)
