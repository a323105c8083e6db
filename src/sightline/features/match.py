"""Matching: which descriptor of one image looks like which of another, and whether nothing else looks like it.

Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision 60(2),
section 7.1: the nearest neighbour, held against the second nearest. Distances between floats come from one matrix
product, |a − b|² = |a|² + |b|² − 2ab, in blocks that stay in the cache; those between bits from counting.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from jaxtyping import Float32, UInt8

from sightline.core.catalogue import method
from sightline.core.checks import choice, contiguous, describe, flag, number
from sightline.core.errors import InputError
from sightline.core.layers import Curve, Table, Value
from sightline.core.trace import Step
from sightline.core.types import Array, Choice, Range
from sightline.features.keypoints import Features
from sightline.features.matches import Matches
from sightline.features.nearest import nearest_approximate, nearest_bits, nearest_floats

Descriptors = Features | Float32[np.ndarray, "_ _"] | UInt8[np.ndarray, "_ _"]


def _shuffled(first: Any) -> Any:
    """Return the same descriptors in another order: an example that has an answer."""
    return first[::-1] if isinstance(first, (np.ndarray, Features)) else first


@method(
    task="matching",
    paper="Lowe 2004",
    lesson="w3d3",
    example={"a": np.eye(8, dtype=np.float32), "b": np.eye(8, dtype=np.float32)[::-1]},
)
def match(
    a: Descriptors,
    b: Descriptors,
    ratio: Annotated[float, Range(0.01, 1, 0.01)] = 0.8,
    cross_check: bool = False,
    *,
    method: Annotated[str, Choice("exact", "approximate")] = "exact",
) -> Matches:
    """Return the pairs of descriptors that are nearest neighbours, and clearly so.

    NaN and infinity are refused.

    Parameters
    ----------
    a, b
        Features with descriptors, or descriptors alone: N×D and M×D float32, compared by their Euclidean distance, or
        N×B and M×B uint8 of packed bits, compared by how many bits differ.
    ratio
        Greatest distance to the nearest in ``b``, as a share of the distance to the second nearest, 0.01–1. 1 keeps
        all. Below 1, a match needs at least two descriptors in ``b``.
    cross_check
        Keep a pair only when each is the other's nearest.
    method
        ``exact`` compares all with all. ``approximate`` walks a graph of neighbours (HNSW; extra ``ann``), which pays
        from some ten thousand descriptors on, and misses some.

    Returns
    -------
    matches
        In the order of ``a``; of equally near descriptors in ``b``, the first.

    Raises
    ------
    InputError
        When the descriptors are of two kinds or two lengths, or when features have none.

    References
    ----------
    D. G. Lowe, "Distinctive Image Features from Scale-Invariant Keypoints", International Journal of Computer Vision
    60(2), 2004.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[0, 0], [9, 9]], np.float32)
    >>> b = np.array([[9, 8], [0, 1], [5, 5]], np.float32)
    >>> found = match(a, b)
    >>> found.indices.tolist(), found.distances.tolist()
    ([[0, 1], [1, 0]], [1.0, 1.0])
    """
    ratio = number("match", "ratio", ratio, 0.01, 1)
    mutual = flag("match", "cross_check", cross_check)
    kind = choice("match", "method", method, ("exact", "approximate"))
    first, distances, back = _neighbours(*_checked(a, b), kind, mutual)
    kept = clear(distances, ratio)
    if mutual:
        kept &= mutual_nearest(first[:, 0], back)
    rows = np.flatnonzero(kept)
    indices = np.stack([rows, first[rows, 0]], axis=1)
    return Matches(indices, distances[rows, 0], _points(a, indices[:, 0]), _points(b, indices[:, 1]))


def clear(distances: Array, ratio: float) -> Array:
    """Return which of N×2 distances, to the nearest and to the second nearest, pass Lowe's test, as N bool.

    Parameters
    ----------
    distances
        Float32, infinite where there is no neighbour.
    ratio
        Greatest share of the second distance; 1 passes whatever has a neighbour.
    """
    if ratio == 1:
        return np.isfinite(distances[:, 0])
    return np.isfinite(distances[:, 1]) & (distances[:, 0] < np.float32(ratio) * distances[:, 1])


def mutual_nearest(forth: Array, back: Array) -> Array:
    """Return which of N items are the nearest to their nearest: ``back[forth[i]] == i``, as N bool.

    Parameters
    ----------
    forth
        N places in ``b``, −1 for none.
    back
        M places in ``a``.
    """
    return (forth >= 0) & (back[np.maximum(forth, 0)] == np.arange(len(forth))) if len(back) else forth >= 0


@match.steps
def _steps(a: Any, b: Any, ratio: float = 0.8, cross_check: bool = False, *, method: str = "exact") -> Iterator[Step]:
    _, distances, _ = _neighbours(*_checked(a, b), method, False)
    columns = ("nearest", "second nearest")
    yield Step("distances", Table(distances, columns), note="How far each descriptor's two nearest neighbours are.")
    found = np.isfinite(distances[:, 1]) & (distances[:, 1] > 0)
    counts, edges = np.histogram(distances[found, 0] / distances[found, 1], 40, (0, 1))
    curve = Curve(np.stack([(edges[1:] + edges[:-1]) / 2, counts], axis=1), ("ratio", "descriptors"), mark=ratio)
    yield Step(
        "ratios", curve, note="Wrong pairs have a second neighbour that is as near: their ratios are close to 1."
    )
    alone = match(a, b, ratio, method=method)
    yield Step("ratio test", Value(alone), note=f"{len(alone)} of {len(distances)} are clearly nearer than the second.")
    result = match(a, b, ratio, cross_check, method=method)
    note = f"{len(result)} are each other's nearest." if cross_check else "No check from the other side was asked for."
    yield Step("matches", Value(result), note=note)


def _checked(a: Any, b: Any) -> tuple[Array, Array]:
    first, second = _codes(a, "a"), _codes(b, "b")
    if first.dtype != second.dtype or first.shape[1] != second.shape[1]:
        raise InputError(
            f"match: a and b must be descriptors of one kind and length; got {describe(first)} and {describe(second)}."
        )
    return first, second


def _codes(value: Any, argument: str) -> Array:
    codes = value
    if isinstance(value, Features):
        if value.descriptors is None:
            raise InputError(f"match: {argument} must have descriptors; got features without any.")
        codes = value.descriptors
    named = isinstance(codes, np.ndarray) and codes.dtype.name
    if not isinstance(codes, np.ndarray) or codes.ndim != 2 or named not in ("float32", "uint8") or not codes.shape[1]:
        hint = " Use descriptors.astype(np.float32)." if named in ("float64", "int64", "int32", "float16") else ""
        raise InputError(
            f"match: {argument} must be Features, or N×D descriptors, float32 or uint8; got {describe(value)}.{hint}"
        )
    if named == "float32" and not np.isfinite(codes).all():
        raise InputError(f"match: {argument} must be finite; got NaN or infinite values. Use np.nan_to_num.")
    return contiguous(codes)


def _neighbours(a: Array, b: Array, kind: str, mutual: bool) -> tuple[Array, Array, Array]:
    """Return the two nearest in ``b`` of each in ``a``, N×2, their distances, and the nearest in ``a`` of each in b."""
    if kind == "approximate":
        first, distances = nearest_approximate(a, b)
        back = nearest_approximate(b, a)[0][:, 0] if mutual else np.empty(0, np.int64)
        return first, distances, back
    return (nearest_bits if a.dtype == np.uint8 else nearest_floats)(a, b, mutual)


def _points(value: Any, rows: Array) -> Array | None:
    return value.points[rows] if isinstance(value, Features) else None
