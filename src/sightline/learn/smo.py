"""Sequential minimal optimisation: the dual of a support vector machine, two multipliers at a time.

Platt 1998, "Sequential Minimal Optimization", MSR-TR-98-14, for the step; Keerthi, Shevade, Bhattacharyya & Murthy
2001, "Improvements to Platt's SMO Algorithm", Neural Computation 13, for the two thresholds; Fan, Chen & Lin 2005,
"Working Set Selection Using Second Order Information for Training Support Vector Machines", JMLR 6, for the choice of
the pair.

Maximise Σ α - ½ Σ Σ α_s α_t y_s y_t K(x_s, x_t) for 0 ≤ α ≤ C and Σ y α = 0. With f_t = Σ_s α_s y_s K(x_s, x_t) - y_t,
what is said of t less what should be said, no pair can be improved when every f that may rise lies above every f that
may fall. Else take i, of those that may rise the one of least f, and j, of those that may fall the one whose gain

    (f_j - f_i)² / (K_ii + K_jj - 2 K_ij)

is greatest, and move y_i α_i up and y_j α_j down by the same amount.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightline.core.kernels import kernel
from sightline.core.types import Array
from sightline.learn.kernel_products import KernelProducts

_PART = 256  # samples whose least and greatest are sought at once
_BATCH = 64  # rows of products that are made at once: one product of matrices costs little more than one row
_WHOLE = 512  # samples whose products are made all at once
_BARRED = 1e200  # added to an f that may not move that way
_DONE, _PAUSED = -1, -2


@dataclass(frozen=True)
class Machine:
    """A solved dual, or the state on the way to it.

    Parameters
    ----------
    alphas
        N float64 multipliers, 0 to C.
    offset
        b of the decision Σ α_s y_s K(x_s, x) + b.
    steps
        Pairs that were moved.
    gap
        How far the greatest f that may fall lies above the least that may rise.
    """

    alphas: Array
    offset: float
    steps: int
    gap: float


class PairwiseDescent:
    """The descent of one machine; :meth:`run` ends it, or stops in between to be looked at.

    Parameters
    ----------
    products
        Of the kernel, on N samples.
    signs
        N float64, 1 or -1.
    cost
        C: the greatest multiplier.
    tolerance
        The gap at which it ends.
    memory
        Bytes for rows of products; the least recently used make room.
    """

    def __init__(self, products: KernelProducts, signs: Array, cost: float, tolerance: float, memory: int) -> None:
        count = len(signs)
        self.products, self.signs, self.cost, self.tolerance = products, signs, cost, tolerance
        self.alphas, self.f = np.zeros(count), -signs
        self.diagonal = products.diagonal()
        room = max(4 * _BATCH, memory // (4 * count))
        self.cache = np.zeros((min(count, room), count), np.float32)  # so that twice as many rows find room
        self.slots = np.full(count, -1, np.int64)  # where each sample's row lies
        self.owners = np.full(len(self.cache), -1, np.int64)
        self.used = np.zeros(len(self.cache), np.int64)
        self.steps, self._filled = 0, 0
        self._bars = np.where(signs > 0, 0.0, _BARRED), np.where(signs > 0, _BARRED, 0.0)
        self._gains = np.empty(count)

    def run(self, most: int) -> bool:
        """Go on until the gap is closed, or ``most`` steps were taken in all; return whether it is closed."""
        while True:
            wanted, self.steps = _descend(
                self.f, self.alphas, self.signs, self.diagonal, *self._bars, self.cache, self.slots, self.used,
                self._gains, self.cost, self.tolerance, self.steps, most,
            )  # fmt: skip
            if wanted < 0:
                return wanted == _DONE
            self._fetch(int(wanted))

    def state(self) -> Machine:
        """Return the multipliers so far, and the offset that goes with them."""
        rising, falling = (bars == 0 for bars in self._bars)
        least, greatest = self.f[rising].min(), self.f[falling].max()
        free = rising & falling
        offset = -self.f[free].mean() if free.any() else -(least + greatest) / 2
        return Machine(self.alphas.copy(), float(offset), self.steps, float(greatest - least))

    def _fetch(self, wanted: int) -> None:
        """Make room for the row that is missing and for those that are likely to be missed next, and fill it."""
        rows = self._likely(wanted)
        free = len(self.cache) - self._filled
        if free >= len(rows):
            places = np.arange(self._filled, self._filled + len(rows))
            self._filled += len(rows)
            self.products.of_rows(rows, self.cache[places[0] : places[-1] + 1])
        else:
            self._filled = len(self.cache)
            # The row of the pair's other half was used last of all, so it stays.
            places = np.argpartition(self.used, len(rows) - 1)[: len(rows)]
            gone = self.owners[places]
            self.slots[gone[gone >= 0]] = -1
            self.cache[places] = self.products.of_rows(rows, np.empty((len(rows), len(self.f)), np.float32))
        self.slots[rows], self.owners[places], self.used[places] = places, rows, self.steps

    def _likely(self, wanted: int) -> Array:
        missing = np.flatnonzero(self.slots < 0)
        if len(missing) <= _BATCH or len(self.slots) <= min(_WHOLE, len(self.cache)):
            return missing
        half = _BATCH // 2
        rising, falling = (np.where(bars[missing] == 0, self.f[missing], np.nan) for bars in self._bars)
        best = [np.argpartition(rising, half)[:half], np.argpartition(-falling, half)[:half]]
        return np.union1d(missing[np.concatenate(best)], [wanted])


@kernel
def _descend(f, alphas, signs, diagonal, rises, falls, cache, slots, used, gains, cost, tolerance, steps, most):
    """Move pairs; return the index of a sample whose row is missing, or why it ended, and the steps so far."""
    low, i, high = _move(f, rises, falls, cache[0], cache[0], 0.0)
    while high - low > tolerance:
        if steps >= most:
            return _PAUSED, steps
        if slots[i] < 0:
            return i, steps
        used[slots[i]] = steps + 1
        first = cache[slots[i]]
        j = _partner(f, falls, diagonal, first, low, diagonal[i], gains)
        if slots[j] < 0:
            return j, steps
        used[slots[j]] = steps + 1
        curvature = max(diagonal[i] + diagonal[j] - 2 * np.float64(first[j]), 1e-12)
        room_i = cost - alphas[i] if signs[i] > 0 else alphas[i]
        room_j = alphas[j] if signs[j] > 0 else cost - alphas[j]
        step = min((f[j] - low) / curvature, room_i, room_j)
        # A multiplier that reaches its bound is put on it exactly.
        full_i, full_j = (cost if signs[i] > 0 else 0.0), (0.0 if signs[j] > 0 else cost)
        alphas[i] = full_i if step == room_i else alphas[i] + signs[i] * step
        alphas[j] = full_j if step == room_j else alphas[j] - signs[j] * step
        rises[i] = _BARRED if step == room_i else 0.0
        falls[i] = 0.0
        falls[j] = _BARRED if step == room_j else 0.0
        rises[j] = 0.0
        steps += 1
        low, i, high = _move(f, rises, falls, first, cache[slots[j]], step)
    return _DONE, steps


@kernel(fastmath=True)
def _move(f, rises, falls, first, second, step):
    """Add what a pair's move does to f; return the least that may rise, where it is, the greatest that may fall."""
    low, high, at = 1e300, -1e300, 0
    for start in range(0, f.size, _PART):
        end = min(start + _PART, f.size)
        part, up, down, a, b = f[start:end], rises[start:end], falls[start:end], first[start:end], second[start:end]
        least, greatest = 1e300, -1e300
        for t in range(part.size):
            new = part[t] + step * (np.float64(a[t]) - np.float64(b[t]))
            part[t] = new
            least = min(least, new + up[t])
            greatest = max(greatest, new - down[t])
        high = max(high, greatest)
        if least < low:
            low, at = least, start
    while at < f.size - 1 and f[at] + rises[at] > low:
        at += 1
    return low, at, high


@kernel(fastmath=True)
def _partner(f, falls, diagonal, row, low, own, gains):
    """Return which sample that may fall promises the greatest gain beside the one whose row of products this is."""
    best, at = -1.0, 0
    for start in range(0, f.size, _PART):
        end = min(start + _PART, f.size)
        part, down, squares, products, found = (
            f[start:end], falls[start:end], diagonal[start:end], row[start:end], gains[start:end]
        )  # fmt: skip
        most = -1.0
        for t in range(part.size):
            apart = part[t] - down[t] - low
            gain = apart * apart / max(own + squares[t] - 2 * np.float64(products[t]), 1e-12)
            gain = gain if apart > 0 else -1.0
            found[t] = gain
            most = max(most, gain)
        if most > best:
            best, at = most, start
    while gains[at] != best:
        at += 1
    return at
