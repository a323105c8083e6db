"""Clusters and maps for their rooms: k-means from starts that a person chose, and t-SNE of digits as it goes on."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from sightline.core.seeds import generator
from sightline.core.types import Array

SHAPES = ("crowds", "lines", "rings", "nothing")
_POINTS, _ROUNDS, _TRIES = 240, 40, 12
_DIGITS, _NEIGHBOURS = 600, 5


def crowds(shape: str, seed: int) -> Array:
    """Return 240 points of the square 0–100 in one of four shapes."""
    random = generator(seed)
    turn, which = random.uniform(0, 2 * np.pi, _POINTS), np.arange(_POINTS)
    if shape == "crowds":
        middles = np.array([(20, 24), (30, 76), (72, 30), (80, 72), (52, 52)])
        points = middles[which % 5] + random.normal(0, 5.5, (_POINTS, 2))
    elif shape == "lines":
        points = np.stack(
            [random.uniform(8, 92, _POINTS), 22 + 28 * (which % 3) + random.normal(0, 2, _POINTS)], axis=1
        )
    elif shape == "rings":
        radius = np.where(which % 3, 38, 10) + random.normal(0, 2, _POINTS)
        points = 50 + radius[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    else:
        points = random.uniform(6, 94, (_POINTS, 2))
    return np.clip(points, 1, 99)


def clock(shape: str, k: int, seed: int, start: str, places: list[tuple[float, float]]) -> dict[str, Any]:
    """Return the points, the rounds of k-means on them, and how low the best of some careful starts comes.

    Parameters
    ----------
    shape, seed
        Of the points; see :func:`crowds`. The seed chooses the start, too.
    k
        How many centres.
    start
        ``"far"``, k-means++; ``"any"`` points; ``"one place"``, the points nearest to one corner; or ``"mine"``.
    places
        The centres of ``"mine"``, in the square.
    """
    from sightline.learn import KMeans
    from sightline.learn.lloyd import nearest, own_squares, plus_plus, rounds

    points, random = crowds(shape, seed), generator(seed, 1)
    if start == "mine" and places:
        first = np.array(places, np.float64)
    elif start == "far":
        first = points[plus_plus(points - points.mean(axis=0), min(k, _POINTS), random)]
    elif start == "any":
        first = points[random.choice(_POINTS, k, replace=False)]
    else:
        first = points[np.argsort(points.sum(axis=1))[:k]]
    labels, squares = nearest(points, first)
    found = [{"centres": first, "labels": labels, "sum": float(squares.sum()), "changed": _POINTS}]
    for now in rounds(points, first, _ROUNDS):
        sum_ = float(own_squares(points, now.moved, now.labels).sum())
        found.append({"centres": now.moved, "labels": now.labels.copy(), "sum": sum_, "changed": now.changed})
        if not now.changed:
            break
    best = KMeans(len(first), n_init=_TRIES, seed=seed).fit(points)
    return {"points": points.round(2), "rounds": found, "best": best.inertia_}


@lru_cache(maxsize=1)
def _digits() -> tuple[Array, Array]:
    from sightline.data import open_dataset

    part = open_dataset("digits").split("train")
    rows = np.asarray(part.array).reshape(len(part), -1)[:_DIGITS]
    return rows, np.array(part.labels)[:_DIGITS]


def digit_map(perplexity: float, exaggeration: float, start: str, seed: int) -> dict[str, Any]:
    """Return 600 digits, their true neighbours, and their places on a t-SNE map as it goes on.

    Parameters
    ----------
    perplexity, exaggeration, start, seed
        As ``TSNE`` takes them; start is its ``init``.
    """
    from sightline.learn import TSNE
    from sightline.learn.nearest_rows import NearestRows

    rows, labels = _digits()
    samples = rows.astype(np.float64)
    tsne = TSNE(perplexity=perplexity, early_exaggeration=exaggeration, init=start, iterations=750, seed=seed)
    frames = []
    for turn, places, divergence in tsne.descent(samples):
        span = max(float(np.ptp(places, axis=1).max()), 1e-12)
        middle = (places.max(axis=1) + places.min(axis=1)) / 2
        shown = 50 + (places.T - middle) * 94 / span
        frames.append({"turn": turn, "divergence": divergence, "places": shown.astype(np.float64).round(2)})
    near, _ = NearestRows(samples).nearest(samples, _NEIGHBOURS + 1)
    grey = np.rint(rows * (15.0 / rows.max())).astype(np.int64)
    return {
        "labels": labels,
        "pixels": "".join(np.array(list("0123456789abcdef"))[grey.ravel()]),
        "near": [[int(j) for j in row if j != i][:_NEIGHBOURS] for i, row in enumerate(near)],
        "frames": frames,
    }
