"""Consensus: fit a model to data of which many rows are wrong.

Fischler & Bolles 1981, "Random Sample Consensus", Communications of the ACM 24(6). Its cost by Torr & Zisserman 2000,
"MLESAC", Computer Vision and Image Understanding 78(1); local optimisation by Chum, Matas & Kittler 2003, "Locally
Optimized RANSAC", DAGM; candidates bail out early as in Capel 2005, "An Effective Bail-out Test for RANSAC Consensus
Scoring", BMVC.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np

from sightline.core.catalogue import method as catalogued
from sightline.core.checks import choice, describe, integer, number
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Lines, Picture, Points, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Range, Seed
from sightline.features.consensus import METHODS, Fit, curve_of, search
from sightline.features.models import KINDS, OF_GEOMETRY, Kind, Model, kind_of, of_one_own

_EXAMPLE = np.array([(x, 0.5 * x + 3 + 9 * (x % 5 == 0)) for x in range(20)], float)


@catalogued(
    task="robust fit",
    paper="Fischler 1981",
    lesson="w3d3",
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
    curve = curve_of(kind.name, model, sheet.shape)
    return [] if curve is None else [Lines(np.hstack([curve[:-1], curve[1:]]).astype(np.float32))]
