"""Consensus: fit a model to data of which many rows are wrong.

Fischler & Bolles 1981, "Random Sample Consensus", Communications of the ACM 24(6). Its cost by Torr & Zisserman 2000,
"MLESAC", Computer Vision and Image Understanding 78(1); local optimisation by Chum, Matas & Kittler 2003, "Locally
Optimized RANSAC", DAGM; candidates bail out early as in Capel 2005, "An Effective Bail-out Test for RANSAC Consensus
Scoring", BMVC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from sightline.core.canvas import Canvas, colour_of
from sightline.core.catalogue import method as catalogued
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.kernels import kernel
from sightline.core.layers import Curve, Lines, Picture, Points, Value
from sightline.core.seeds import generator
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Range, Seed
from sightline.features.models import KINDS, OF_GEOMETRY, Kind, Model, kind_of, of_one_own

METHODS = ("ransac", "msac", "lo")
_BLOCK = 128  # rows that decide whether a candidate is worth the others
_FIRST, _MOST = 64, 256  # samples that are solved at once: few at first, since few may do
_NEVER = 1 << 62
_WIDE = (3.0, 2.0, 1.0)  # thresholds of a local optimisation, one after the other (Lebeda, Matas & Chum 2012)
_PLAUSIBLE = 4.0  # standard deviations by which a good candidate may look worse on a block
_EXAMPLE = np.array([(x, 0.5 * x + 3 + 9 * (x % 5 == 0)) for x in range(20)], float)


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
        curve = _curve(self.name, np.asarray(self.model), image.shape)
        if curve is not None:
            canvas.line(curve, colour_of(5))
        return canvas.image()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a model of one's own as its text."""
        plain = self.model.tolist() if isinstance(self.model, np.ndarray) else str(self.model)
        chosen = np.flatnonzero(self.inliers).tolist()
        return {"name": self.name, "model": plain, "inliers": chosen, "rounds": self.rounds, "cost": self.cost}


@catalogued(
    task="robust fit",
    paper="Fischler 1981",
    lesson="w2d2",
    example={"model": "line", "data": _EXAMPLE, "threshold": 0.5},
)
def ransac(
    model: str | Model,
    data: Array,
    threshold: float,
    seed: Seed = 0,
    *,
    method: Annotated[str, Choice(*METHODS)] = "lo",
    confidence: Annotated[float, Range(0.5, 0.999999, 0.01)] = 0.999,
    iterations: Annotated[int, Range(1, 1000000, 1)] = 10000,
) -> Fit:
    """Return the model that most rows of the data agree with, and which of them do.

    NaN and infinity are refused.

    Parameters
    ----------
    model
        ``line`` or ``circle`` of points; ``similarity``, ``affine``, ``homography``, ``fundamental`` or ``essential``
        of pairs; or an object with ``size``, ``fit(sample) -> candidates`` and ``residuals(model, data)``.
    data
        N×2 points (x, y), or N×4 pairs (x, y, x', y'), rays at depth 1 for ``essential``; N×D for a model of one's own.
    threshold
        Greatest distance of a row that agrees, > 0, in the data's unit: to the line or circle; of a moved point to its
        partner; Sampson's distance for ``fundamental`` and ``essential``.
    seed
        Of the samples: a whole number ≥ 0 or a generator.
    method
        ``ransac`` counts the rows that agree, ``msac`` weighs their distances, ``lo`` also improves each new best by
        least squares over its rows.
    confidence
        Probability, 0.5–0.999999, that a sample without a wrong row was drawn; ends the search early.
    iterations
        Samples at most, ≥ 1.

    Returns
    -------
    Fit
        The model, after a last fit to all rows that agree.

    Raises
    ------
    InputError
        When there are too few rows, or no model has more of them than its own sample.

    References
    ----------
    M. A. Fischler, R. C. Bolles, "Random Sample Consensus", Communications of the ACM 24(6), 1981.

    P. H. S. Torr, A. Zisserman, "MLESAC", Computer Vision and Image Understanding 78(1), 2000.

    O. Chum, J. Matas, J. Kittler, "Locally Optimized RANSAC", DAGM, 2003.

    Examples
    --------
    >>> points = np.array([[0, 1], [1, 2], [2, 3], [3, 9], [4, 5], [5, 0]])
    >>> found = ransac("line", points, 0.1)
    >>> found.inliers.tolist()
    [True, True, True, False, True, False]
    """
    kind, rows, bound = _checked(model, data, threshold, method, confidence, iterations)
    return search("ransac", kind, rows, bound, seed, method, confidence, iterations)


def _checked(
    model: Any, data: Any, threshold: Any, method: Any, confidence: Any, iterations: Any
) -> tuple[Kind, Array, float]:
    if isinstance(model, str):
        kind = kind_of(choice("ransac", "model", model, (*KINDS, *OF_GEOMETRY)))
    elif isinstance(model, Model):
        kind = of_one_own(model)
    else:
        raise InputError(
            f"ransac: model must be one of {(*KINDS, *OF_GEOMETRY)}, or have size, fit and residuals; "
            f"got {describe(model)}."
        )
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.dtype.kind not in "iuf":
        raise InputError(f"ransac: data must be N×{kind.columns or 'D'} numbers; got {describe(data)}.")
    if kind.columns not in (0, data.shape[1]):
        raise InputError(f"ransac: data must be N×{kind.columns} for '{kind.name}'; got {describe(data)}.")
    rows = np.ascontiguousarray(data, np.float64)
    if not np.isfinite(rows).all():
        raise InputError("ransac: data must be finite; got NaN or infinite values.")
    limit = number("ransac", "threshold", threshold, above=0)
    choice("ransac", "method", method, METHODS)
    number("ransac", "confidence", confidence, 0.5, 0.999999)
    integer("ransac", "iterations", iterations, 1, 1000000)
    return kind, rows, limit * limit


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
        As in :func:`ransac`.
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
        self.best, self.agree, self.hits, self.settled = np.empty(0), np.zeros(len(rows), bool), 0, False
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
        number = np.flatnonzero([one is not None for one in flat[:, 0]]) if flat.dtype == object else _finite_rows(flat)
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
        i, cost, hits = _cheapest(squares, self.bound, self.method == "ransac", agree)
        if not cost < self.cost * ease:
            return -1
        self.settled = bool(hits == self.hits and (agree == self.agree).all())
        self.best, self.cost, self.agree, self.hits = candidates[i], cost, agree, hits
        return i

    def widen(self) -> None:
        """Fit to rows within three thresholds, then ever nearer ones: a way out of what is best only nearby."""
        better = self.best
        for factor in _WIDE:
            chosen = self.kind.squares(better[None], self.columns)[0] < self.bound * factor * factor
            if np.count_nonzero(chosen) <= self.kind.size:
                return
            better = self.kind.refine(better, self.rows[chosen])
            if better.dtype != object and not np.isfinite(better).all():
                return
        if self._take(better[None]) == 0:
            self.settle(4)

    def settle(self, turns: int) -> None:
        """Fit to all rows that agree, again and again until they are the same ones; keep what costs less."""
        for _ in range(turns):
            if self.settled or self.hits <= self.kind.size:
                return
            better = self.kind.refine(self.best, self.rows[self.agree])
            if better.dtype != object and not np.isfinite(better).all():
                return
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
def _finite_rows(candidates):
    """Return the numbers of the rows without NaN and infinity."""
    found, count = np.empty(candidates.shape[0], np.int64), 0
    for i in range(candidates.shape[0]):
        total = 0.0
        for j in range(candidates.shape[1]):
            total += candidates[i, j] * 0
        if total == 0:
            found[count] = i
            count += 1
    return found[:count]


@kernel
def _promising(squares, bound, share, plausible):
    """Return which candidates may agree with as many rows of a block as the best of them, or of those before."""
    count, size = squares.shape
    hits, found, kept, top = np.zeros(count, np.int64), np.empty(count, np.int64), 0, share * size
    for i in range(count):
        for k in range(size):
            hits[i] += squares[i, k] < bound
        top = max(top, float(hits[i]))
    least = top - plausible * math.sqrt(max(top * (1 - top / size), 1.0))
    for i in range(count):
        if hits[i] >= least:
            found[kept] = i
            kept += 1
    return found[:kept]


@kernel
def _cheapest(squares, bound, counting, agree):
    """Return number, cost and hits of the cheapest candidate; fill ``agree`` with the rows that agree with it."""
    best, lowest, most = 0, np.inf, 0
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
    return best, lowest, most


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


# --- the rounds, to be watched ---


@ransac.steps
def _steps(model: Any, data: Any, threshold: float, seed: Seed = 0, **options: Any) -> Iterator[Step]:
    settings: dict[str, Any] = {"method": "lo", "confidence": 0.999, "iterations": 10000, **options}
    kind, rows, bound = _checked(model, data, threshold, **settings)
    yield from rounds_of("ransac", kind, rows, bound, seed, settings)


def rounds_of(
    function: str, kind: Kind, rows: Array, bound: float, seed: Seed, settings: dict[str, Any]
) -> Iterator[Step]:
    """Yield the rounds that found something better, then the result."""
    seen: list[tuple[int, Array, Array, Array]] = []
    found = search(function, kind, rows, bound, seed, **settings, watch=lambda *news: seen.append(news))  # pyrefly: ignore
    sheet, places = _sheet(rows)
    yield Step("data", Picture(sheet), *_marks(places), note=f"{len(rows)} rows, right and wrong ones.")
    for turn, sample, candidate, agree in seen:
        layers = [*_marks(places[sample]), *_marks(places[agree]), *_outline(kind, candidate, rows, sheet)]
        note = f"A sample of {kind.size}; {int(agree.sum())} of {len(rows)} rows agree."
        yield Step(f"round {turn}", Picture(sheet), *layers, note=note)
    if seen:
        path = np.array([(turn, agree.sum()) for turn, _, _, agree in seen], float)
        path = np.vstack([path, (max(found.rounds, path[-1, 0]), found.inliers.sum())])
        yield Step("agreement", Curve(path, ("samples", "rows that agree")), note="The best so far.")
    layers = [*_marks(places[found.inliers]), *_outline(kind, np.ravel(found.model), rows, sheet)]
    yield Step("fit", Value(found), Picture(sheet), *layers, note=f"{found.rounds} samples were drawn.")


def _sheet(rows: Array) -> tuple[Array, Array]:
    """Return a white sheet that the rows fit on, and the rows moved and scaled to it."""
    if rows.shape[1] not in (2, 4):
        return np.full((8, 8), 255, np.uint8), np.zeros((len(rows), 2))
    points = rows.reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    scale = 440 / max(float((high - low).max()), 1e-9)
    width, height = (np.ceil((high - low) * scale) + 41).astype(int)
    return np.full((height, width), 255, np.uint8), ((points - low) * scale + 20).reshape(rows.shape)


def _marks(places: Array) -> list[Any]:
    """Return points as points, pairs as the way from one to the other."""
    return [Lines(places.astype(np.float32)) if places.shape[1] == 4 else Points(places.astype(np.float32))]


def _outline(kind: Kind, candidate: Array, rows: Array, sheet: Array) -> list[Any]:
    """Return a line or a circle as segments on the sheet."""
    if kind.name not in ("line", "circle"):
        return []
    low, high = rows.min(axis=0), rows.max(axis=0)
    scale = 440 / max(float((high - low).max()), 1e-9)
    model = np.array(candidate, np.float64)
    if kind.name == "line":
        model[2] = (model[2] + model[:2] @ low) * scale - 20 * (model[0] + model[1])
    else:
        model = np.append((model[:2] - low) * scale + 20, model[2] * scale)
    curve = _curve(kind.name, model, sheet.shape)
    return [] if curve is None else [Lines(np.hstack([curve[:-1], curve[1:]]).astype(np.float32))]


def _curve(name: str, model: Array, shape: tuple[int, ...]) -> Array | None:
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
