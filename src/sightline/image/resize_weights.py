"""Which old pixels make a new one along one axis, and with what weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np


class Axis(NamedTuple):
    """For each new pixel the first old one (int64) and float32 weights of an even number of taps; they sum to 1."""

    start: np.ndarray
    weights: np.ndarray


@lru_cache(maxsize=64)
def axis_weights(old: int, new: int, method: str, antialias: bool) -> Axis:
    """Return the weights that turn ``old`` pixels into ``new`` ones.

    Parameters
    ----------
    old, new
        Numbers of pixels along the axis, ≥ 1.
    method
        ``bilinear``, ``bicubic``, ``lanczos`` or ``area``.
    antialias
        Whether the filter widens when the axis shrinks.
    """
    scale = old / new
    if method == "area":
        return _covered(old, new)
    shape, support = (_WIDENED if antialias else _PLAIN)[method]
    stretch = max(1.0, scale) if antialias else 1.0
    centre = (np.arange(new) + 0.5) * scale - 0.5
    reach = support * stretch
    first = np.floor(centre - reach).astype(np.int64) + 1
    taps = first[:, None] + np.arange(int(np.ceil(2 * reach)))
    weights = shape((taps - centre[:, None]) / stretch)
    if antialias:
        weights[(taps < 0) | (taps >= old)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return _packed(taps, weights, old)


def _covered(old: int, new: int) -> Axis:
    """Weigh each old pixel by how much of it the new one covers."""
    edges = np.arange(new + 1) * old / new
    count = int(np.ceil(old / new)) + 1
    taps = np.floor(edges[:-1, None]).astype(np.int64) + np.arange(count)
    share = np.minimum(taps + 1, edges[1:, None]) - np.maximum(taps, edges[:-1, None])
    weights = np.where(share > 1e-9, share, 0)
    return _packed(taps, weights / weights.sum(axis=1, keepdims=True), old)


def _packed(taps: np.ndarray, weights: np.ndarray, old: int) -> Axis:
    """Move taps beyond the border onto the outermost pixel, so that all that remain lie inside."""
    inside = np.clip(taps, 0, old - 1)
    count = taps.shape[1] + taps.shape[1] % 2
    start = np.clip(inside[:, 0], 0, max(0, old - count))
    packed = np.zeros((len(taps), count), np.float64)
    np.add.at(packed, (np.arange(len(taps))[:, None], inside - start[:, None]), weights)
    for array in (start, result := packed.astype(np.float32)):
        array.setflags(write=False)
    return Axis(start, result)


def _triangle(x: np.ndarray) -> np.ndarray:
    return np.maximum(0.0, 1.0 - np.abs(x))


def _cubic(a: float) -> Callable[[np.ndarray], np.ndarray]:
    # Keys: (a + 2)|x|³ − (a + 3)|x|² + 1 up to 1, then a|x|³ − 5a|x|² + 8a|x| − 4a up to 2.
    def shape(x: np.ndarray) -> np.ndarray:
        x = np.abs(x)
        inner = ((a + 2) * x - (a + 3)) * x**2 + 1
        outer = ((x - 5) * x + 8) * x * a - 4 * a
        return np.where(x < 1, inner, np.where(x < 2, outer, 0.0))

    return shape


def _lanczos(lobes: int) -> Callable[[np.ndarray], np.ndarray]:
    return lambda x: np.where(np.abs(x) < lobes, np.sinc(x) * np.sinc(x / lobes), 0.0)


_WIDENED = {"bilinear": (_triangle, 1), "bicubic": (_cubic(-0.5), 2), "lanczos": (_lanczos(3), 3)}
_PLAIN = {"bilinear": (_triangle, 1), "bicubic": (_cubic(-0.75), 2), "lanczos": (_lanczos(4), 4)}
