"""Tracks: features of many photos that are pictures of one point, joined from matches of pairs; and their places.

Hartley & Sturm 1997, "Triangulation", CVIU 68(2), of the two best rays of a track (RANSAC over its pairs), then the
least squares of all that agree. A track that holds two features of one photo contradicts itself there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array

_MOST_PAIRS = 40  # of views that are tried for a track
_STRIP = 128


@dataclass(frozen=True, eq=False)
class Tracks:
    """Which features belong together, sorted by track.

    Parameters
    ----------
    image_of, feature_of, track_of
        N int32 each: photo, number of the feature in it, track.
    starts
        T+1 int64: where each track begins.
    """

    image_of: Array
    feature_of: Array
    track_of: Array
    starts: Array

    def __len__(self) -> int:
        return len(self.starts) - 1


def join_tracks(counts: Sequence[int], pairs: Sequence[tuple[int, int, Array]]) -> Tracks:
    """Return the tracks of matched features.

    Parameters
    ----------
    counts
        Features in each photo.
    pairs
        (photo, photo, M×2 numbers of matched features) of each pair of photos.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = np.concatenate([[0], np.cumsum(counts)])
    left = np.concatenate([first[i] + m[:, 0] for i, _, m in pairs] or [np.zeros(0, np.int64)]).astype(np.int64)
    right = np.concatenate([first[j] + m[:, 1] for _, j, m in pairs] or [np.zeros(0, np.int64)]).astype(np.int64)
    total = int(first[-1])
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(total, total))
    _, label = connected_components(graph, directed=False)
    image_of = np.repeat(np.arange(len(counts)), counts)
    feature_of = np.arange(total) - first[image_of]
    key = label.astype(np.int64) * len(counts) + image_of
    _, place, often = np.unique(key, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(often[place] == 1)
    sizes = np.bincount(label[kept], minlength=label.max(initial=-1) + 1)
    kept = kept[sizes[label[kept]] >= 2]
    kept = kept[np.argsort(label[kept], kind="stable")]
    names, track_of = np.unique(label[kept], return_inverse=True)
    starts = np.searchsorted(track_of, np.arange(len(names) + 1))
    image, feature, track = (part.astype(np.int32) for part in (image_of[kept], feature_of[kept], track_of))
    return Tracks(image, feature, track, starts)


def place_tracks(
    tracks: Tracks, rotation: Array, translation: Array, rays: Array, usable: Array, limits: Array, least_angle: float
) -> tuple[Array, Array, Array]:
    """Return places T×3, which tracks have one (T bool), and which features agree with theirs (N bool).

    Parameters
    ----------
    tracks
        Features that belong together.
    rotation, translation
        C×3×3 and C×3, world to camera.
    rays
        N×2: features on the plane at depth 1, without distortion.
    usable
        N bool: features that count.
    limits
        C: greatest distance on that plane that agrees.
    least_angle
        Radians: rays of a place open at least so much.
    """
    places, known = np.zeros((len(tracks), 3)), np.zeros(len(tracks), bool)
    agrees = np.zeros(len(rays), bool)
    centres = -np.einsum("cji,cj->ci", rotation, translation)
    over_rows(
        _place,
        len(tracks),
        tracks.starts,
        tracks.image_of,
        rotation,
        translation,
        centres,
        rays,
        usable,
        limits**2,
        np.cos(least_angle),
        places,
        known,
        agrees,
        strip=_STRIP,
    )
    return places, known, agrees


@kernel
def _square(rotation, translation, ray, place):  # type: ignore[no-untyped-def]
    """Return the squared distance of a place to a feature, on the plane at depth 1; infinite behind the camera."""
    x = rotation[0, 0] * place[0] + rotation[0, 1] * place[1] + rotation[0, 2] * place[2] + translation[0]
    y = rotation[1, 0] * place[0] + rotation[1, 1] * place[1] + rotation[1, 2] * place[2] + translation[1]
    z = rotation[2, 0] * place[0] + rotation[2, 1] * place[1] + rotation[2, 2] * place[2] + translation[2]
    if z <= 1e-9:
        return np.inf
    return (x / z - ray[0]) ** 2 + (y / z - ray[1]) ** 2


@kernel
def _direction(rotation, ray, out):  # type: ignore[no-untyped-def]
    """Write the direction of a feature's ray in the world, of length 1."""
    length = np.sqrt(ray[0] * ray[0] + ray[1] * ray[1] + 1.0)
    for i in range(3):
        out[i] = (rotation[0, i] * ray[0] + rotation[1, i] * ray[1] + rotation[2, i]) / length


@kernel
def _between(a, u, b, v, cosine, out):  # type: ignore[no-untyped-def]
    """Write the middle of the shortest way between two rays; false where they hardly meet before the cameras."""
    dot, du, dv = 0.0, 0.0, 0.0
    for i in range(3):
        dot += u[i] * v[i]
        du += (b[i] - a[i]) * u[i]
        dv += (b[i] - a[i]) * v[i]
    if dot > cosine:
        return False
    sine = 1.0 - dot * dot
    s, t = (du - dot * dv) / sine, (dot * du - dv) / sine
    for i in range(3):
        out[i] = 0.5 * (a[i] + s * u[i] + b[i] + t * v[i])
    return s > 0.0 and t > 0.0


@kernel
def _refine(rotation, translation, rays, image_of, first, last, agrees, place):  # type: ignore[no-untyped-def]
    """Move a place to the least squares of the features that agree with it (Gauss-Newton, three steps)."""
    for _ in range(3):
        a, b, c, d, e, f = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        g0, g1, g2 = 0.0, 0.0, 0.0
        for o in range(first, last):
            if not agrees[o]:
                continue
            m, t = rotation[image_of[o]], translation[image_of[o]]
            z = m[2, 0] * place[0] + m[2, 1] * place[1] + m[2, 2] * place[2] + t[2]
            for k in range(2):
                p = (m[k, 0] * place[0] + m[k, 1] * place[1] + m[k, 2] * place[2] + t[k]) / z
                j0, j1, j2 = (m[k, 0] - p * m[2, 0]) / z, (m[k, 1] - p * m[2, 1]) / z, (m[k, 2] - p * m[2, 2]) / z
                r = p - rays[o, k]
                a, b, c, d, e, f = a + j0 * j0, b + j0 * j1, c + j0 * j2, d + j1 * j1, e + j1 * j2, f + j2 * j2
                g0, g1, g2 = g0 + j0 * r, g1 + j1 * r, g2 + j2 * r
        c00, c01, c02 = d * f - e * e, c * e - b * f, b * e - c * d
        det = a * c00 + b * c01 + c * c02
        if not det > 0.0:
            return
        place[0] -= (c00 * g0 + c01 * g1 + c02 * g2) / det
        place[1] -= (c01 * g0 + (a * f - c * c) * g1 + (b * c - a * e) * g2) / det
        place[2] -= (c02 * g0 + (b * c - a * e) * g1 + (a * d - b * b) * g2) / det


@kernel
def _place(  # type: ignore[no-untyped-def]
    starts, image_of, rotation, translation, centres, rays, usable, limits, cosine, places, known, agrees, y0, y1
):
    """Place the tracks ``y0`` to ``y1``: the pair of rays that most features agree with, then all of those."""
    u, v, tried, best = np.empty(3), np.empty(3), np.empty(3), np.empty(3)
    for t in range(y0, y1):
        first, last = starts[t], starts[t + 1]
        most, least, pairs = 1, np.inf, 0
        for i in range(first, last):
            if not usable[i] or pairs >= _MOST_PAIRS:
                continue
            _direction(rotation[image_of[i]], rays[i], u)
            for j in range(i + 1, last):
                if not usable[j]:
                    continue
                pairs += 1
                _direction(rotation[image_of[j]], rays[j], v)
                if not _between(centres[image_of[i]], u, centres[image_of[j]], v, cosine, tried):
                    continue
                count, total = 0, 0.0
                for k in range(first, last):
                    if usable[k]:
                        c = image_of[k]
                        square = _square(rotation[c], translation[c], rays[k], tried)
                        if square <= limits[c]:
                            count, total = count + 1, total + square
                if count > most or (count == most and total < least):
                    most, least = count, total
                    best[:] = tried
        if least == np.inf:
            continue
        count = 0
        for again in range(2):
            count = 0
            for k in range(first, last):
                c = image_of[k]
                agrees[k] = usable[k] and _square(rotation[c], translation[c], rays[k], best) <= limits[c]
                count += agrees[k]
            if again == 0 and count >= 2:
                _refine(rotation, translation, rays, image_of, first, last, agrees, best)
        known[t] = count >= 2
        if known[t]:
            places[t] = best
        else:
            agrees[first:last] = False


def opening_angles(tracks: Tracks, centres: Array, places: Array, active: Array) -> Array:
    """Return the largest angle at each place between the rays to its active features, in radians; T float64."""
    found = np.zeros(len(tracks))
    over_rows(_open, len(tracks), tracks.starts, tracks.image_of, centres, places, active, found, strip=_STRIP)
    return np.arccos(np.clip(1 - found, -1, 1))


@kernel
def _open(starts, image_of, centres, places, active, out, y0, y1):  # type: ignore[no-untyped-def]
    """Write one less the smallest cosine between the rays of the tracks ``y0`` to ``y1``."""
    for t in range(y0, y1):
        for i in range(starts[t], starts[t + 1]):
            if not active[i]:
                continue
            a = centres[image_of[i]]
            for j in range(i + 1, starts[t + 1]):
                if not active[j]:
                    continue
                b = centres[image_of[j]]
                dot, aa, bb = 0.0, 0.0, 0.0
                for k in range(3):
                    x, y = a[k] - places[t, k], b[k] - places[t, k]
                    dot, aa, bb = dot + x * y, aa + x * x, bb + y * y
                out[t] = max(out[t], 1.0 - dot / np.sqrt(aa * bb))
