"""Pairs of photos: their matches, and those of them that agree with two views of one rigid scene.

Hartley & Zisserman 2004, "Multiple View Geometry in Computer Vision", chapter 11; the focal length after Sturm 2001,
"On Focal Length Calibration from Two Views", CVPR: the one that makes all fundamental matrices essential ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sightline.core.archives import write_arrays
from sightline.core.errors import InputError
from sightline.core.types import Array
from sightline.features.match import match
from sightline.geometry.fundamental import fundamental
from sightline.geometry.homography import homography
from sightline.geometry.kept_arrays import kept_arrays
from sightline.geometry.photo_set import Photo, Progress

_KEPT = ("indices", "matrix", "flat", "matched")
LEAST_MATCHES = 20  # that agree, of a pair that is kept
_SHARE = 0.22  # of the matches that agree by chance in pictures of different things (Brown & Lowe 2007)
_FLAT = 0.8  # share of a pair's matches that agree with one homography, above which it says little about focal lengths


@dataclass(frozen=True, eq=False)
class ViewPair:
    """Two photos that show one scene.

    Parameters
    ----------
    first, second
        Numbers of the photos.
    indices
        M×2 int64: features that match, and agree with ``matrix``.
    matrix
        3×3 fundamental matrix: x2ᵀ F x1 = 0.
    flat
        Share of the matches that one homography explains as well: near 1 for a plane, or a camera that only turned.
    matched
        Matches before they had to agree.
    """

    first: int
    second: int
    indices: Array
    matrix: Array
    flat: float
    matched: int


def pair_views(
    photos: Sequence[Photo],
    pairs: Sequence[tuple[int, int]],
    ratio: float,
    threshold: float,
    seed: int,
    folder: Path | None,
    progress: Progress,
) -> list[ViewPair]:
    """Return the pairs of photos that show one scene.

    Parameters
    ----------
    photos
        With their features.
    pairs
        Numbers of the photos to match.
    ratio
        Greatest distance of a match over that of the second best.
    threshold
        Greatest distance to the epipolar line that agrees, in pixels of a photo of 1600; larger ones in proportion.
    seed
        Of the samples.
    folder
        Where pairs are kept, and found again; None keeps none.
    progress
        Called with ``"matches"``, and how many pairs are done.
    """
    found = []
    for number, (first, second) in enumerate(pairs):
        progress("matches", number, len(pairs))
        a, b = photos[first], photos[second]
        name = f"pair-{a.key}-{b.key}-{ratio:g}-{threshold:g}-{seed}.npz"
        kept = folder / name if folder else None
        held = kept_arrays(kept, _KEPT) if kept is not None else None
        if held is None:
            held = _verified(a, b, ratio, threshold, seed)
            if kept is not None:
                write_arrays(kept, held)
        pair = ViewPair(first, second, held["indices"], held["matrix"], float(held["flat"]), int(held["matched"]))
        if len(pair.indices) >= max(LEAST_MATCHES, 8 + _SHARE * pair.matched):
            found.append(pair)
    progress("matches", len(pairs), len(pairs))
    return found


def _verified(a: Photo, b: Photo, ratio: float, threshold: float, seed: int) -> dict[str, Array]:
    """Return the matches of two photos that agree with one fundamental matrix."""
    nothing = {
        "indices": np.zeros((0, 2), np.int64),
        "matrix": np.zeros((3, 3)),
        "flat": np.array(0.0),
        "matched": np.array(0),
    }
    if min(len(a.features), len(b.features)) < LEAST_MATCHES:
        return nothing
    indices = match(a.features, b.features, ratio, cross_check=True).indices
    nothing["matched"] = np.array(len(indices))
    if len(indices) < LEAST_MATCHES:
        return nothing
    x, y = (p.features.points[indices[:, k]].astype(np.float64) for k, p in enumerate((a, b)))
    reach = threshold * max(1.0, max(*a.size, *b.size) / 1600)
    matrix, inliers = _two_views(x, y, reach, seed)
    if inliers.sum() < LEAST_MATCHES:
        return nothing
    flat = np.array(_on_a_plane(x[inliers], y[inliers], reach, seed).mean())
    return {**nothing, "indices": indices[inliers], "matrix": matrix, "flat": flat}


def _two_views(x: Array, y: Array, reach: float, seed: int) -> tuple[Array, Array]:
    """Return the fundamental matrix and which matches agree; where none is defined, those on one plane and zeros."""
    try:
        fit = fundamental(x, y, threshold=reach, seed=seed)
    except InputError:  # the same picture twice, or matches without any order
        return np.zeros((3, 3)), _on_a_plane(x, y, reach, seed)
    return np.asarray(fit.model), np.asarray(fit.inliers)


def _on_a_plane(x: Array, y: Array, reach: float, seed: int) -> Array:
    try:
        return np.asarray(homography(x, y, threshold=reach, seed=seed).inliers)
    except InputError:
        return np.zeros(len(x), bool)


def focal_of_pairs(pairs: Sequence[ViewPair], photos: Sequence[Photo]) -> float | None:
    """Return the focal length over the longer side that the pairs agree on best; None when they do not say.

    Parameters
    ----------
    pairs
        Of photos taken with one focal length.
    photos
        All of them; the principal point is taken to be in the middle.
    """
    told = [pair for pair in pairs if pair.flat < _FLAT]
    told = sorted(told, key=lambda pair: -len(pair.indices))[:200]
    if not told:
        return None
    tried = np.geomspace(0.35, 4, 121)
    cost = np.zeros(len(tried))
    for pair in told:
        scaled = []
        for number in (pair.first, pair.second):
            height, width = photos[number].size
            matrix = np.tile(np.diag([0.0, 0.0, 1.0]), (len(tried), 1, 1))
            matrix[:, 0, 0] = matrix[:, 1, 1] = tried * max(height, width)
            matrix[:, 0, 2], matrix[:, 1, 2] = (width - 1) / 2, (height - 1) / 2
            scaled.append(matrix)
        essential = scaled[1].transpose(0, 2, 1) @ pair.matrix @ scaled[0]
        values = np.linalg.svd(essential, compute_uv=False)
        cost += np.sqrt(len(pair.indices)) * np.minimum((values[:, 0] - values[:, 1]) / values[:, 0], 0.3)
    best = int(cost.argmin())
    return float(tried[best]) if 0 < best < len(tried) - 1 else None
