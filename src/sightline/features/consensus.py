"""The search of consensus: many samples at once, candidates that bail out early, local optimisation of the best.

Fischler & Bolles 1981, "Random Sample Consensus", Communications of the ACM 24(6); Chum, Matas & Kittler 2003, "Locally
Optimized RANSAC", DAGM; Capel 2005, "An Effective Bail-out Test for RANSAC Consensus Scoring", BMVC; Lebeda, Matas &
Chum 2012, "Fixing the Locally Optimized RANSAC", BMVC.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.seeds import generator
from sightline.core.types import Array, Seed
from sightline.features.models import Kind

METHODS = ("ransac", "msac", "lo")
_BLOCK = 128  # rows that decide whether a candidate is worth the others
_FIRST, _MOST = 64, 256  # samples that are solved at once: few at first, since few may do
_NEVER = 1 << 62
_WIDE = (3.0, 2.0, 1.0)  # thresholds of a local optimisation, one after the other (Lebeda, Matas & Chum 2012)
_PLAUSIBLE = 4.0  # standard deviations by which a good candidate may look worse on a block


@dataclass(frozen=True, eq=False)
class Fit:
    """A model and the rows that agree with it.

    Parameters
    ----------
    model
        Its parameters, float64: ``(a, b, c)`` of a line ``a·x + b·y + c = 0`` with ``a² + b² = 1``; ``(x, y, radius)``
        of a circle; a 3×3 matrix of the others. What a model of one's own makes is kept as it is.
    inliers
        N bool: rows within the threshold.
    rounds
        Samples drawn.
    cost
        What was made small: rows that do not agree (``ransac``), or the sum of squared distances, each at most the
        threshold's square (``msac``, ``lo``).
    name
        Of the model.
    """

    model: Any
    inliers: Array
    rounds: int
    cost: float
    name: str

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """Return the parameters: a fit can stand where its matrix is asked for."""
        return np.array(self.model, dtype)

    def draw(self, image: Array) -> Array:
        """Return a copy of ``image`` with a line or a circle on it; other models leave it as it is."""
        canvas = Canvas(image)
        curve = curve_of(self.name, np.asarray(self.model), image.shape)
        if curve is not None:
            canvas.line(curve, colour_of(5))
        return canvas.image()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a model of one's own as its text."""
        plain = self.model.tolist() if isinstance(self.model, np.ndarray) else str(self.model)
        chosen = np.flatnonzero(self.inliers).tolist()
        return {"name": self.name, "model": plain, "inliers": chosen, "rounds": self.rounds, "cost": self.cost}


Watch = Callable[[int, Array, Array, Array], None]  # round, sample, candidate, which agree


def search(
    function: str,
    kind: Kind,
    rows: Array,
    bound: float,
    seed: Seed,
    method: str = "lo",
    confidence: float = 0.999,
    iterations: int = 10000,
    watch: Watch | None = None,
) -> Fit:
    """Return the fit of a kind to checked rows; ``bound`` is the threshold's square.

    Parameters
    ----------
    function
        Name for the error's sentence.
    kind, rows, bound
        What is fitted to what, and how near is near.
    seed, method, confidence, iterations
        As in :func:`sightline.features.ransac`.
    watch
        Called with each new best.
    """
    count = len(rows)
    if count < kind.size:
        raise InputError(f"{function}: a {kind.name} needs at least {kind.size} rows of data; got {count}.")
    random = generator(seed)
    order = random.permutation(count)
    shuffled = rows[order]
    seeds, race = int(random.integers(1 << 62)), _Race(kind, shuffled, bound, method)
    drawn, batch = 0, _FIRST
    while drawn < (most := min(iterations, race.needed(confidence))):
        picks = np.empty((1 if count == kind.size else min(batch, most - drawn), kind.size), np.int64)
        _draw(seeds, drawn, count, picks)
        improved = race.run(picks)
        if improved is not None and watch is not None:
            agree = np.empty(count, bool)
            agree[order] = race.agree
            watch(drawn + improved + 1, order[picks[improved]], race.best, agree)
        drawn, batch = drawn + len(picks), min(2 * batch, _MOST)
        if count == kind.size:
            break
    return race.finish(function, order, drawn)


class _Race:
    """The best candidate so far, and what it takes to beat it."""

    def __init__(self, kind: Kind, rows: Array, bound: float, method: str) -> None:
        self.kind, self.rows, self.bound, self.method = kind, rows, bound, method
        self.columns = np.ascontiguousarray(rows.T)
        self.block = np.ascontiguousarray(self.columns[:, :_BLOCK]) if len(rows) > 4 * _BLOCK else None
        self.best, self.squares, self.agree = np.empty(0), np.empty(0), np.zeros(len(rows), bool)
        self.hits, self.settled = 0, False
        self.cost = len(rows) * (1.0 if method == "ransac" else bound)  # of a candidate that nobody agrees with

    def needed(self, confidence: float) -> int:
        """Return after how many samples one was without a wrong row, at this confidence."""
        clean = (self.hits / len(self.rows)) ** self.kind.size
        if clean <= 1e-12:
            return _NEVER
        return 1 if clean >= 1 else math.ceil(math.log1p(-confidence) / math.log1p(-clean))

    def run(self, picks: Array) -> int | None:
        """Let the candidates of samples run; return the sample of a new best, None when there is none."""
        candidates = self.kind.solve(self.rows, picks)
        several, flat = candidates.shape[1], candidates.reshape(-1, candidates.shape[2])
        whole = [one is not None for one in flat[:, 0]] if flat.dtype == object else np.isfinite(flat[:, 0])
        number = np.flatnonzero(whole)
        if self.block is not None and len(number) > 1:
            share = self.hits / len(self.rows)
            number = number[_promising(self.kind.squares(flat[number], self.block), self.bound, share, _PLAUSIBLE)]
        if not len(number):
            return None
        i = self._take(flat[number])
        if i < 0:
            return None
        if self.method == "lo":
            self.settle(4)
            self.widen()
        return int(number[i]) // several

    def _take(self, candidates: Array, ease: float = 1.0) -> int:
        """Make the cheapest of the candidates the best one if it costs less; return its number, -1 otherwise."""
        squares = self.kind.squares(candidates, self.columns)
        agree = np.empty(len(self.rows), bool)
        i, cost, hits, same = _cheapest(squares, self.bound, self.method == "ransac", self.agree, agree)
        if not cost < self.cost * ease:
            return -1
        self.settled = same
        self.best, self.squares, self.cost, self.agree, self.hits = candidates[i], squares[i], cost, agree, hits
        return i

    def widen(self) -> None:
        """Fit to rows within three thresholds, then ever nearer ones: a way out of what is best only nearby."""
        better, squares = self.best, self.squares
        for factor in _WIDE:
            chosen = squares < self.bound * factor * factor
            if np.count_nonzero(chosen) <= self.kind.size:
                return
            better = self.kind.refine(better, self.rows[chosen])
            squares = self.kind.squares(better[None], self.columns)[0]  # infinite where there is none
        if self._take(better[None]) == 0:
            self.settle(4)

    def settle(self, turns: int) -> None:
        """Fit to all rows that agree, again and again until they are the same ones; keep what costs less."""
        for _ in range(turns):
            if self.settled or self.hits <= self.kind.size:
                return
            better = self.kind.refine(self.best, self.rows[self.agree])
            if self._take(better[None], 1 + 1e-12) < 0:
                self.settled = True
                return

    def finish(self, function: str, order: Array, drawn: int) -> Fit:
        """Return the record, rows in the caller's order; refuse what only a sample's own rows agree with."""
        self.settle(10)
        size, count = self.kind.size, len(order)
        found = self.hits
        if found < min(size, count) or (found == size < count):
            raise InputError(
                f"{function}: no {self.kind.name} agrees with more rows than a sample of {size}; got {count} rows, "
                f"{drawn} samples. Use a larger threshold, or rows that are not all in one place or on one line."
            )
        inliers = np.empty(count, bool)
        inliers[order] = self.agree
        model = self.kind.finish(self.best.reshape(self.kind.shape))
        return Fit(model, inliers, drawn, self.cost, self.kind.name)


@kernel
def _promising(squares, bound, share, plausible):
    """Return which candidates may agree with as many rows of a block as the best of them, or of those before."""
    count, size = squares.shape
    hits, found, kept, top = np.empty(count, np.int64), np.empty(count, np.int64), 0, share * size
    for i in range(count):
        near = 0
        for k in range(size):
            near += squares[i, k] < bound
        hits[i], top = near, max(top, float(near))
    least = top - plausible * math.sqrt(max(top * (1 - top / size), 1.0))
    for i in range(count):
        if hits[i] >= least:
            found[kept] = i
            kept += 1
    return found[:kept]


@kernel
def _cheapest(squares, bound, counting, before, agree):
    """Return number, cost and hits of the cheapest candidate, and whether the rows that agree are those of before.

    Fill ``agree`` with them.
    """
    best, lowest, most, same = 0, np.inf, 0, True
    for i in range(squares.shape[0]):
        hits, total = 0, 0.0
        for k in range(squares.shape[1]):
            square = squares[i, k]
            near = square < bound
            hits += near
            total += square if near else 0.0
        cost = (0.0 if counting else total) + (squares.shape[1] - hits) * (1.0 if counting else bound)
        if cost < lowest:
            best, lowest, most = i, cost, hits
    for k in range(squares.shape[1]):
        agree[k] = squares[best, k] < bound
        same &= agree[k] == before[k]
    return best, lowest, most, same


@kernel
def _draw(seed, first, count, picks):
    """Fill rows of ``picks`` with numbers below ``count``, each row by a stream of its own (SplitMix64)."""
    size = picks.shape[1]
    for i in range(picks.shape[0]):
        state = np.uint64(seed) + np.uint64(first + i) * np.uint64(0xD1342543DE82EF95)
        for j in range(size):
            value, new = np.int64(0), False
            while not new:
                state += np.uint64(0x9E3779B97F4A7C15)
                z = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                value = np.int64((z ^ (z >> np.uint64(31))) >> np.uint64(33)) % count
                new = True
                for k in range(j):
                    if picks[i, k] == value:
                        new = False
            picks[i, j] = value


def curve_of(name: str, model: Array, shape: tuple[int, ...]) -> Array | None:
    """Return a line across a picture, or a circle, as points in order; None for other models."""
    if name == "circle":
        turn = np.linspace(0, 2 * np.pi, 73)
        return model[:2] + model[2] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    if name != "line":
        return None
    a, b, c = model
    foot, along = -c * np.array([a, b]), np.array([-b, a])
    middle = np.array([shape[1], shape[0]]) / 2
    at, reach = (middle - foot) @ along, shape[0] + shape[1]
    return np.stack([foot + (at - reach) * along, foot + (at + reach) * along])
