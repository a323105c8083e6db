"""Two photos side by side: what matches, the rounds of a consensus, and the geometry of both views."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np

from sightline.core.errors import InputError
from sightline.core.seeds import generator
from sightline.core.types import Array
from sightline.features.consensus import Fit
from sightline.features.models import Kind, kind_of
from sightline.serve.workers import Stop

_MOST_FEATURES = 1500
_MOST_ROUNDS = 400
_FLAT = 0.85  # share of the pairs on one homography from which on two views tell little about the space between
_STILL = 0.5  # pixels that nothing has moved by
_LINE_POINTS = 120


def matches(stop: Stop, first: Array, second: Array, ratio: float) -> dict[str, Any]:
    """Return the SIFT matches of two photos: N×4 (x, y, x, y) and distances, the clearest first."""
    from sightline.features import match, sift

    a = sift(first, _MOST_FEATURES)
    stop()
    b = sift(second, _MOST_FEATURES)
    stop()
    found = match(a, b, ratio)
    order = np.argsort(found.distances, kind="stable")
    pairs = np.hstack([a.points[found.indices[order, 0]], b.points[found.indices[order, 1]]])
    kept = np.unique(pairs.round(2), axis=0, return_index=True)[1]  # a keypoint of two directions counts once
    kept.sort()
    return {
        "rows": pairs[kept],
        "distances": found.distances[order][kept],
        "features": [len(a), len(b)],
        "sizes": [[first.shape[1], first.shape[0]], [second.shape[1], second.shape[0]]],
    }


def points_of_a_line(outliers: float, seed: int) -> Array:
    """Return N×2 points: some about a line, the others anywhere, on a sheet of 480×360 pixels."""
    random = generator(seed)
    x = random.uniform(20, 460, _LINE_POINTS)
    points = np.column_stack([x, 300 - 0.5 * x + random.normal(0, 2.5, _LINE_POINTS)])
    wrong = random.permutation(_LINE_POINTS)[: round(outliers * _LINE_POINTS)]
    points[wrong] = random.uniform([20, 20], [460, 340], (len(wrong), 2))
    return points


def rounds(stop: Stop, model: str, rows: Array, threshold: float, confidence: float, seed: int) -> dict[str, Any]:
    """Return each round of a plain consensus: the sample, what it defines, who agrees, and how many rounds to go.

    One sample a round, as Fischler and Bolles have it, so that it can be watched; ``fit`` is what ``features.ransac``
    itself says of the same data.
    """
    from sightline.features import ransac

    kind, columns, random = kind_of(model), np.ascontiguousarray(rows.T), generator(seed)
    fit = ransac(model, rows, threshold, seed, confidence=confidence)
    seen: list[dict[str, Any]] = []
    best, needed = 0, math.inf
    while len(seen) < min(needed, _MOST_ROUNDS):
        stop()
        sample = random.choice(len(rows), kind.size, replace=False)
        candidate, agree = _candidate(kind, rows, columns, sample, threshold * threshold)
        count = int(agree.sum())
        better = count > best
        if better:
            best, needed = count, _needed(count / len(rows), kind.size, confidence)
        told = None if candidate is None else _model(kind, candidate)
        row = {"sample": sample.tolist(), "model": told, "agree": _bits(agree), "count": count, "better": better}
        seen.append({**row, "needed": needed if math.isfinite(needed) else None})
    return {"rounds": seen, "fit": _fit(fit), "stopped": len(seen) >= needed}


def geometry(stop: Stop, rows: Array, threshold: float, seed: int) -> dict[str, Any]:
    """Return the fundamental matrix of pairs, who agrees, how far each is from its line, and what to doubt."""
    from sightline.geometry import epipolar_lines, fundamental, homography

    if len(rows) and np.median(np.hypot(*(rows[:, 2:] - rows[:, :2]).T)) < _STILL:
        raise InputError(
            f"two views: b must show the scene from another place than a; got {len(rows)} pairs of which most have not "
            "moved: any line through a point would do."
        )
    found = fundamental(rows[:, :2], rows[:, 2:], threshold, seed)
    stop()
    lines = epipolar_lines(rows[:, :2], found)
    away = np.abs(lines[:, 0] * rows[:, 2] + lines[:, 1] * rows[:, 3] + lines[:, 2])
    inliers = rows[found.inliers]
    try:
        flat = float(homography(inliers[:, :2], inliers[:, 2:], 2 * threshold, seed).inliers.mean())
    except InputError:
        flat = 0.0
    matrix = np.asarray(found.model)
    left, _, right = np.linalg.svd(matrix)
    doubts = []
    if flat >= _FLAT:
        doubts.append(
            f"One homography explains {100 * flat:.0f} % of the pairs: the scene is flat, or the camera only turned. "
            "Many fundamental matrices fit then; do not trust this one's lines away from the pairs."
        )
    if found.inliers.mean() < 0.4:
        doubts.append(
            f"Only {100 * found.inliers.mean():.0f} % of the pairs agree: the photos may not belong together."
        )
    return {
        **_fit(found),
        "distances": np.round(np.nan_to_num(away, nan=-1.0), 3),
        "epipoles": [_place(right[2]), _place(left[:, 2])],
        "flat": flat,
        "doubts": doubts,
    }


def _candidate(kind: Kind, rows: Array, columns: Array, sample: Array, bound: float) -> tuple[Array | None, Array]:
    """Return the best model that a sample defines, and who agrees with it."""
    candidates = kind.solve(rows, sample[None])[0]
    candidates = candidates[np.isfinite(candidates).all(axis=1)]
    if not len(candidates):
        return None, np.zeros(len(rows), bool)
    agree = kind.squares(np.ascontiguousarray(candidates), columns) <= bound
    best = int(agree.sum(axis=1).argmax())
    return candidates[best], agree[best]


def _needed(share: float, size: int, confidence: float) -> float:
    clean = share**size
    if clean >= 1:
        return 1
    return math.inf if clean < 1e-9 else math.ceil(math.log1p(-confidence) / math.log1p(-clean))


def _model(kind: Kind, candidate: Array) -> list[Any]:
    shaped = candidate.reshape(kind.shape)
    return np.asarray(kind.finish(shaped) if len(kind.shape) == 2 else shaped, float).tolist()


def _fit(fit: Fit) -> dict[str, Any]:
    model = np.asarray(fit.model, float).tolist()
    return {"model": model, "agree": _bits(fit.inliers), "count": int(fit.inliers.sum()), "rounds": fit.rounds}


def _bits(flags: Array) -> str:
    """Return flags as base64, eight to a byte, the first one lowest."""
    return base64.b64encode(np.packbits(flags, bitorder="little").tobytes()).decode()


def _place(point: Array) -> list[float] | None:
    """Return a point of the plane; None where it lies at infinity."""
    return (point[:2] / point[2]).tolist() if abs(point[2]) > 1e-9 * np.abs(point).max() else None
