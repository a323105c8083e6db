"""How a cascade learns: stages of stumps by Gentle AdaBoost, each taught on what fooled all stages before it.

Viola & Jones 2001, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR, section 4; the boosting
is that of Friedman, Hastie & Tibshirani 2000, "Additive Logistic Regression", Annals of Statistics 28(2), algorithm 4,
which Lienhart, Kuranov & Pisarevsky 2003, "Empirical Analysis of Detection Cascades", DAGM, found to be the best here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sightline.core.errors import InputError
from sightline.core.kernels import kernel, over_rows
from sightline.core.seeds import generator
from sightline.core.types import Array, Seed
from sightline.faces.cascade_file import CascadeTables
from sightline.faces.cascade_windows import Packed, search
from sightline.image.resize import resize

_MOST_TRIED = 20_000_000  # windows of the backgrounds that are looked at for a stage
_SCALE = 1.25


@dataclass(frozen=True)
class StageReport:
    """What became of a stage.

    Parameters
    ----------
    stage
        Its number, from 1.
    stumps
        How many questions it asks.
    hit_rate, false_alarm
        What share of the faces, and of the windows that it was taught with, it hands on.
    passed
        What share of the windows of the backgrounds all stages before it handed on.
    """

    stage: int
    stumps: int
    hit_rate: float
    false_alarm: float
    passed: float


def train_cascade(
    faces: Sequence[Array],
    backgrounds: Sequence[Array],
    size: tuple[int, int],
    *,
    stages: int,
    hit_rate: float,
    false_alarm: float,
    negatives: int,
    stumps: int,
    features: int,
    seed: Seed,
    progress: Callable[[StageReport], object] | None,
) -> tuple[CascadeTables, list[StageReport]]:
    """Return the tables of a cascade and the report of each stage; see ``HaarCascade.train``."""
    random = generator(seed)
    big_enough = [b for b in backgrounds if b.shape[0] >= size[0] and b.shape[1] >= size[1]]
    if len(faces) < 2 or not big_enough:
        raise InputError(
            "HaarCascade.train: there must be 2 faces and 1 background of the window's size at least;"
            f" got {len(faces)} faces and {len(big_enough)} such backgrounds."
        )
    rects, weights = haar_features(size)
    chosen = np.sort(random.permutation(len(rects))[:features])
    rects, weights = rects[chosen], weights[chosen]
    positives = np.stack([resize(face, size, "area" if face.shape[0] > 2 * size[0] else "bilinear") for face in faces])
    made: list[tuple[list[tuple[int, float, float, float]], float]] = []
    history: list[StageReport] = []
    for stage in range(1, stages + 1):
        tables = _tables(size, rects, weights, made) if made else None
        others, passed = _windows(big_enough, size, tables, negatives, random)
        if len(others) < max(10, negatives // 20):
            break  # hardly a window is left that passes: the cascade is as good as these backgrounds can make it
        samples = np.concatenate([positives, others])
        values = feature_values(samples, rects, weights)
        trees, limit, rates = _boost(values, len(positives), hit_rate, false_alarm, stumps)
        made.append((trees, limit))
        history.append(StageReport(stage, len(trees), *rates, passed))
        if progress is not None:
            progress(history[-1])
        kept = _sums(values[:, : len(positives)], trees) >= limit
        positives = positives[kept]
    return _tables(size, rects, weights, made), history


def haar_features(size: tuple[int, int]) -> tuple[Array, Array]:
    """Return the upright Haar features of a window: F×3×4 int32 rectangles (x, y, width, height), F×3 weights.

    Edges and lines across and down, a spot with its surroundings, and two quarters against the other two.
    """
    height, width = size
    shapes = [  # cells across and down; the parts that count for, in cells: x, y, w, h, weight
        (2, 1, [(1, 0, 1, 1, 2)]),
        (1, 2, [(0, 1, 1, 1, 2)]),
        (3, 1, [(1, 0, 1, 1, 3)]),
        (1, 3, [(0, 1, 1, 1, 3)]),
        (4, 1, [(1, 0, 2, 1, 2)]),
        (1, 4, [(0, 1, 1, 2, 2)]),
        (3, 3, [(1, 1, 1, 1, 9)]),
        (2, 2, [(0, 0, 1, 1, 2), (1, 1, 1, 1, 2)]),
    ]
    rects, weights = [], []
    for across, down, parts in shapes:
        w, h = np.arange(1, width // across + 1), np.arange(1, height // down + 1)
        x, y, w, h = (a.ravel() for a in np.meshgrid(np.arange(width), np.arange(height), w, h, indexing="ij"))
        fits = (x + w * across <= width) & (y + h * down <= height) & (w * across * h * down >= 8)
        x, y, w, h = x[fits], y[fits], w[fits], h[fits]
        rect = np.zeros((len(x), 3, 4), np.int32)
        rect[:, 0] = np.stack([x, y, w * across, h * down], axis=1)
        weight = np.zeros((len(x), 3), np.float32)
        weight[:, 0] = -1
        for k, (i, j, m, n, value) in enumerate(parts, 1):
            rect[:, k] = np.stack([x + w * i, y + h * j, w * m, h * n], axis=1)
            weight[:, k] = value
        rects.append(rect)
        weights.append(weight)
    return np.concatenate(rects), np.concatenate(weights)


def feature_values(samples: Array, rects: Array, weights: Array) -> Array:
    """Return F×N float32: each feature of N windows, divided by the window's area and standard deviation."""
    count, height, width = samples.shape
    sums = np.zeros((count, height + 1, width + 1), np.int32)
    sums[:, 1:, 1:] = np.cumsum(np.cumsum(samples, axis=1, dtype=np.int32), axis=2, dtype=np.int32)
    inner = samples[:, 1:-1, 1:-1].reshape(count, -1).astype(np.float64)
    norms = (1 / (inner.shape[1] * np.maximum(inner.std(axis=1), 1e-3))).astype(np.float32)
    table = np.ascontiguousarray(sums.reshape(count, -1).T)  # place by place, all samples
    values = np.empty((len(rects), count), np.float32)
    over_rows(_fill_values, len(rects), table, width + 1, rects, weights, norms, values, strip=64)
    return values


@kernel
def _fill_values(table, stride, rects, weights, norms, values, y0, y1):
    for f in range(y0, y1):
        out = values[f]
        out[:] = 0
        for k in range(3):
            weight = weights[f, k]
            if weight == np.float32(0):
                continue
            x, y, w, h = rects[f, k]
            a, b = table[y * stride + x], table[y * stride + x + w]
            c, d = table[(y + h) * stride + x], table[(y + h) * stride + x + w]
            for i in range(out.size):
                out[i] += weight * np.float32(a[i] - b[i] - c[i] + d[i])
        for i in range(out.size):
            out[i] *= norms[i]


def _boost(
    values: Array, faces: int, hit_rate: float, false_alarm: float, most: int
) -> tuple[list[tuple[int, float, float, float]], float, tuple[float, float]]:
    """Return stumps (feature, threshold, below, above), the stage's limit, and its hit rate and false alarms."""
    count = values.shape[1]
    signs = np.where(np.arange(count) < faces, 1.0, -1.0)
    shares = np.where(signs > 0, 0.5 / faces, 0.5 / (count - faces))
    orders = np.argsort(values, axis=1).astype(np.int32)
    sums, gains, places = np.zeros(count), np.empty(len(values)), np.empty(len(values), np.int64)
    trees: list[tuple[int, float, float, float]] = []
    limit, rates = 0.0, (1.0, 1.0)
    while len(trees) < most:
        over_rows(_split, len(values), values, orders, shares, shares * signs, gains, places, strip=64)
        best = int(np.argmax(gains))
        if not gains[best] > 0:
            break
        row, order = values[best], orders[best]
        place = places[best]
        threshold = _between(row[order[place]], row[order[place + 1]])
        below = row < threshold
        low, high = (float(np.average(signs[side], weights=shares[side])) for side in (below, ~below))
        sums += np.where(below, np.float32(low), np.float32(high))
        trees.append((best, float(threshold), low, high))
        shares *= np.exp(-signs * np.where(below, low, high))
        shares /= shares.sum()
        ranked = np.sort(sums[:faces])
        limit = float(np.float32(ranked[int(np.floor((1 - hit_rate) * faces))] - 1e-4))
        rates = float((sums[:faces] >= limit).mean()), float((sums[faces:] >= limit).mean())
        if rates[1] <= false_alarm:
            break
    return trees, limit, rates


def _between(low: np.float32, high: np.float32) -> np.float32:
    middle = np.float32((np.float64(low) + np.float64(high)) / 2)
    return middle if middle > low else high


@kernel
def _split(values, orders, shares, signed, gains, places, y0, y1):
    """Write, for each feature, the split of least weighted squared error: its gain, and the sample before it."""
    whole, total = 0.0, 0.0
    for i in range(shares.size):
        whole += shares[i]
        total += signed[i]
    for f in range(y0, y1):
        row, order = values[f], orders[f]
        weight, lean, best, place = 0.0, 0.0, 0.0, 0
        for i in range(order.size - 1):
            j = np.uint32(order[i])
            weight += shares[j]
            lean += signed[j]
            rest = whole - weight
            if weight <= 1e-9 or rest <= 1e-9 or row[j] == row[np.uint32(order[i + 1])]:
                continue
            gain = lean * lean / weight + (total - lean) * (total - lean) / rest
            if gain > best:
                best, place = gain, i
        gains[f], places[f] = best, place


def _sums(values: Array, trees: list[tuple[int, float, float, float]]) -> Array:
    total = np.zeros(values.shape[1])
    for feature, at, below, above in trees:
        total += np.where(values[feature] < np.float32(at), np.float32(below), np.float32(above))
    return total


def _windows(
    backgrounds: list[Array], size: tuple[int, int], tables: CascadeTables | None, count: int, random: Any
) -> tuple[Array, float]:
    """Return up to ``count`` windows of the backgrounds that pass all stages yet, and what share of all passes."""
    packed = None if tables is None else Packed.of(tables)
    boxes: list[tuple[int, Array]] = []
    passing = tried = 0
    for i in random.permutation(len(backgrounds)).tolist():
        picture = backgrounds[i]
        if packed is None:
            found = _random_boxes(picture.shape, size, 4 * count // len(backgrounds) + 1, random)
            tried += len(found)
        else:
            found, asked = search(picture, packed, _SCALE, (1, 1), picture.shape)
            tried += int(asked[0])
        passing += len(found)
        boxes += [(i, box) for box in found]
        if passing >= 4 * count or tried >= _MOST_TRIED:
            break
    chosen = random.permutation(len(boxes))[:count]
    patches = np.empty((len(chosen), *size), np.uint8)
    for patch, k in zip(patches, chosen, strict=True):
        i, (x, y, w, h) = boxes[k]
        cut = backgrounds[i][y : y + h, x : x + w]
        patch[...] = resize(np.ascontiguousarray(cut), size, "bilinear") if cut.shape != size else cut
    return patches, passing / max(tried, 1)


def _random_boxes(shape: tuple[int, ...], size: tuple[int, int], count: int, random: Any) -> Array:
    largest = min(shape[0] / size[0], shape[1] / size[1])
    factors = np.exp(random.uniform(0, np.log(largest), count)) if largest > 1 else np.ones(count)
    sides = np.floor(np.array([size[1], size[0]]) * factors[:, None])
    corners = np.floor(random.random((count, 2)) * (np.array(shape[::-1]) - sides + 1))
    return np.concatenate([corners, sides], axis=1).astype(np.int64)


def _tables(
    size: tuple[int, int], rects: Array, weights: Array, made: list[tuple[list[tuple[int, float, float, float]], float]]
) -> CascadeTables:
    """Return the tables of stages of stumps, with the features that are used alone."""
    stumps = [stump for trees, _ in made for stump in trees]
    used, features = np.unique([stump[0] for stump in stumps], return_inverse=True)
    count = len(stumps)
    return CascadeTables(
        "haar",
        size,
        rects[used],
        weights[used],
        np.zeros(len(used), bool),
        np.concatenate([[0], np.cumsum([len(trees) for trees, _ in made])]).astype(np.int32),
        np.array([limit for _, limit in made], np.float32),
        np.arange(count + 1, dtype=np.int32),
        np.tile(np.array([0, -1], np.int32), (count, 1)),
        features.astype(np.int32),
        np.array([stump[1] for stump in stumps], np.float32),
        np.zeros((0, 8), np.int32),
        np.array([stump[2:] for stump in stumps], np.float32).ravel(),
    )
