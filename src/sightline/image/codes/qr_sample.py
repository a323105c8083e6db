"""From three eyes to modules: the perspective of a QR symbol, and its grid sampled through it.

ISO/IEC 18004:2015, section 11, steps c to h: the number of modules comes from the size of the eyes, the perspective
from the eyes and from the alignment patterns, which are looked for one after the other, the nearest to what is known
first.
Grid coordinates (u, v) are in modules, with (0, 0) at the symbol's outer corner.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32, Float64

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.codes.binarise import BLOCK, Binary
from sightline.image.codes.qr_decode import Decoded, decode, read_version
from sightline.image.codes.qr_find import Triple
from sightline.image.codes.qr_grid import VERSIONS, Modules, alignment_centres, layout

_FINE = 4  # samples along a module where an alignment pattern is looked for
_SEEN = 0.5  # agreement with an alignment pattern, from −1 to 1, that counts as one
_CHANCE = 0.6  # share of them that anything reaches that has three eyes
_PLAUSIBLE = 0.72  # share of the known modules that must be right before more work is spent

Homography = Float64[np.ndarray, "3 3"]
Points2 = Float64[np.ndarray, "n 2"]


@dataclass(frozen=True, eq=False)
class Sampled:
    """A grid laid over a picture.

    Parameters
    ----------
    homography
        From grid coordinates to points of the picture.
    darkness
        How far each module lies below its threshold, in grey levels; negative ones are light.
    agreement
        Share of the modules of known colour that have it, 0–1.
    """

    homography: Homography
    darkness: Float32[np.ndarray, "n n"]
    agreement: float

    @property
    def modules(self) -> Modules:
        """The modules; true is dark."""
        return self.darkness > 0

    @property
    def corners(self) -> Points2:
        """The symbol's four corners in the picture: top left, top right, bottom right, bottom left."""
        n = len(self.darkness)
        return project(self.homography, np.array([(0, 0), (n, 0), (n, n), (0, n)], np.float64))


def read_symbol(binary: Binary, triple: Triple, *, patient: bool) -> tuple[Decoded, Sampled] | None:
    """Return what the symbol with these eyes says and the grid that it was read through, or None.

    Parameters
    ----------
    binary
        The picture.
    triple
        The symbol's eyes.
    patient
        Whether to move the grid about when it does not read at once.
    """
    for sampled in _grids(binary, triple):
        found = decode(sampled.modules)
        if found is not None:
            return found, sampled
        if patient and sampled.agreement > 0.8:
            sampled = _settle(binary, triple, sampled)
            found = decode(sampled.modules)
            if found is not None:
                return found, sampled
    return None


def _grids(binary: Binary, triple: Triple) -> Iterator[Sampled]:
    """Yield grids of the likely versions, the best first."""
    edges = _eye_edges(binary, triple)
    if edges is None:
        return
    top, left = (np.linalg.norm(triple.centres[i] - triple.centres[0]) for i in (1, 2))
    right, down = (np.array([(ahead - back) / 7 for back, ahead in edges[axis::2]]) for axis in (0, 1))
    sizes = np.linalg.norm(right, axis=1), np.linalg.norm(down, axis=1)
    along_top, along_left = (sizes[0][0] + sizes[0][1]) / 2, (sizes[1][0] + sizes[1][2]) / 2
    guess = ((top / along_top + left / along_left) / 2 + 7 - 17) / 4
    # Between two eyes, three modules inwards of their middles, the timing pattern changes its colour at each module.
    timing = triple.centres[0] + 3 * down[0], triple.centres[1] + 3 * down[1]
    upright = triple.centres[0] + 3 * right[0], triple.centres[2] + 3 * right[2]
    for (start, end), expected in ((timing, top / along_top - 6), (upright, left / along_left - 6)):
        (changes,) = over_rows(_count_changes, 1, binary.dark, start, end)
        if not 0.55 * expected - 2 < changes < 1.4 * expected + 4:
            return
    if not 0 < guess < VERSIONS + 3:
        return
    # Of a large symbol, the version is uncertain by as much as the size of the eyes is.
    reach = 1 + int(guess / 12)
    nearest = min(max(round(guess), 1), VERSIONS)
    versions = sorted(range(nearest - reach, nearest + reach + 1), key=lambda v: abs(v - guess))
    tried: set[int] = set()
    laid = {v: _lay(binary, triple, edges, v) for v in versions if 1 <= v <= VERSIONS}
    rough = [(agreement, version, homography) for version, (agreement, homography) in laid.items()]
    for agreement, version, homography in sorted(rough, key=lambda r: -r[0]):
        if agreement < _PLAUSIBLE:
            return
        first = sample(binary, homography, 17 + 4 * version, triple.inverted)
        said = read_version(first.modules) if version >= 7 else None
        if said is not None and said != version and said not in tried:
            tried.add(said)
            _, other = _lay(binary, triple, edges, said)
            yield _align(binary, triple, sample(binary, other, 17 + 4 * said, triple.inverted))
        if version not in tried:
            tried.add(version)
            yield _align(binary, triple, first)


def _eye_edges(binary: Binary, triple: Triple) -> list[tuple[Array, Array]] | None:
    """Return where the lines through each eye along the symbol's two sides leave it: right, down of each eye."""
    origin, right, down = triple.centres
    axes = (right - origin, down - origin)
    edges = []
    for centre in triple.centres:
        for axis in axes:
            pair = _edges_along(binary, centre, axis / np.linalg.norm(axis), triple.inverted)
            if pair is None:
                return None
            edges.append(pair)
    return edges


def _edges_along(binary: Binary, centre: Array, direction: Array, inverted: bool) -> tuple[Array, Array] | None:
    ends = []
    for sign in (-1.0, 1.0):
        dx, dy = sign * direction
        (away,) = over_rows(_leave_eye, 1, binary.dark, centre[0], centre[1], dx, dy, inverted)
        if away < 0:
            return None
        ends.append(centre + sign * direction * away)
    return ends[0], ends[1]


@kernel
def _leave_eye(dark, x, y, dx, dy, inverted, y0, y1):
    """Return how far away from the middle of an eye its dark ring ends, −1 when it has none."""
    height, width = dark.shape
    changes, before = 0, True
    for i in range(4 * max(height, width)):
        px, py = np.int64(np.floor(x + 0.25 * i * dx + 0.5)), np.int64(np.floor(y + 0.25 * i * dy + 0.5))
        if not (0 <= px < width and 0 <= py < height):
            return 0.25 * i if changes == 2 else -1.0  # the eye ends with the picture
        now = (dark[py, px] == 1) != inverted
        if now != before:
            changes += 1
            before = now
            if changes == 3:
                return 0.25 * i - 0.125
    return -1.0


@kernel
def _count_changes(dark, start, end, y0, y1):
    """Return how often the colour changes on the way from one point to another."""
    height, width = dark.shape
    away = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    count, before = 0, -1
    for i in range(np.int64(away) + 1):
        share = i / max(away, 1.0)
        x = np.int64(np.floor(start[0] + share * (end[0] - start[0]) + 0.5))
        y = np.int64(np.floor(start[1] + share * (end[1] - start[1]) + 0.5))
        if 0 <= x < width and 0 <= y < height:
            now = np.int64(dark[y, x])
            count += before >= 0 and now != before
            before = now
    return count


def _lay(binary: Binary, triple: Triple, edges: list[tuple[Array, Array]], version: int) -> tuple[float, Homography]:
    """Lay a grid by the eyes alone: their middles, and where their edges are; return it after its agreement."""
    n = 17 + 4 * version
    origin, right, down = triple.centres
    across, along = (right - origin) / (n - 7), (down - origin) / (n - 7)
    flat = np.eye(3)
    flat[:2] = np.stack([across, along, origin - 3.5 * (across + along)], axis=1)
    plain = _agreement(binary, flat, version, triple.inverted)
    if plain < _CHANCE:
        return plain, flat
    middles = np.array([(3.5, 3.5), (n - 3.5, 3.5), (3.5, n - 3.5)])
    grid, seen, weights = list(middles), list(triple.centres), [8.0] * 3
    for index, (back, ahead) in enumerate(edges):
        half = np.array([(3.5, 0.0), (0.0, 3.5)][index % 2])
        grid += [middles[index // 2] - half, middles[index // 2] + half]
        seen += [back, ahead]
        weights += [1.0, 1.0]
    by_edges = fit_homography(np.array(grid), np.array(seen), np.array(weights))
    tilted = _agreement(binary, by_edges, version, triple.inverted)
    return (plain, flat) if plain > tilted else (tilted, by_edges)


def _agreement(binary: Binary, homography: Homography, version: int, inverted: bool) -> float:
    """Return the share of the modules of the eyes and of the timing that have the right colour."""
    u, v, dark = _landmarks(version)
    darkness = _darkness(binary, homography, u, v, 0.0, inverted)
    return 0.0 if darkness is None else float(np.count_nonzero((darkness > 0) == dark)) / len(dark)


@lru_cache(maxsize=VERSIONS)
def _landmarks(version: int) -> tuple[Array, Array, Array]:
    """Return u and v of the modules of the eyes and of the timing between them, and which of these are dark."""
    shape = layout(version)
    n = shape.size
    known = np.zeros((n, n), np.bool_)
    known[:8, :8] = known[:8, n - 8 :] = known[n - 8 :, :8] = known[6] = known[:, 6] = True
    rows, columns = np.nonzero(known)
    return columns + 0.5, rows + 0.5, shape.dark[rows, columns]


@lru_cache(maxsize=8)
def _centres(version: int) -> tuple[Array, Array]:
    """Return u and v of the middles of all modules, row by row."""
    v, u = np.mgrid[0 : 17 + 4 * version, 0 : 17 + 4 * version] + 0.5
    return u.ravel(), v.ravel()


def _align(binary: Binary, triple: Triple, first: Sampled) -> Sampled:
    """Find the alignment patterns and lay the grid through them and the eyes."""
    n = len(first.darkness)
    centres = np.array(alignment_centres((n - 17) // 4), np.float64) + 0.5
    if not len(centres):
        return first
    known_grid = [np.array(p) for p in ((3.5, 3.5), (n - 3.5, 3.5), (3.5, n - 3.5))]
    known_seen = list(triple.centres)
    places = [np.array((u, v)) for v in centres for u in centres]
    places = [p for p in places if min(np.abs(p - q).max() for q in known_grid) > 6]
    homography = first.homography
    # Outwards from the eyes: each pattern that is found foretells the next ones better.
    for place in sorted(places, key=lambda p: min(np.linalg.norm(p - q) for q in known_grid[:3])):
        found = _find_alignment(binary, homography, place, 5.0 if len(known_seen) < 5 else 2.5, triple.inverted)
        if found is not None:
            known_grid.append(place)
            known_seen.append(found)
            if len(known_grid) >= 5 or len(places) == 1:
                homography = fit_homography(np.array(known_grid), np.array(known_seen))
    if len(known_grid) < 4:
        return first
    aligned = sample(binary, homography, n, triple.inverted)
    return aligned if aligned.agreement > first.agreement - 0.03 else first


def _find_alignment(binary: Binary, homography: Homography, place: Array, reach: float, inverted: bool) -> Array | None:
    """Return the point of the picture where an alignment pattern is centred, within ``reach`` modules of ``place``."""
    steps = np.arange(-(reach + 2.5) + 0.5 / _FINE, reach + 2.5, 1 / _FINE)
    u, v = np.meshgrid(place[0] + steps, place[1] + steps)
    darkness = _darkness(binary, homography, u.ravel(), v.ravel(), 0.0, inverted)
    if darkness is None:
        return None
    sign = np.clip(darkness / 20, -1, 1).reshape(u.shape)
    sums = np.pad(sign.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    five, three, one = (_squares(sums, size * _FINE, (5 - size) * _FINE // 2) for size in (5, 3, 1))
    # Each of its three squares weighs as much as the others.
    score = (one - (three - one) / 8 + (five - three) / 16) / (3 * _FINE**2)
    offsets = steps[: len(score)] + 2.5 - 0.5 / _FINE
    away = np.hypot(offsets[:, None], offsets[None, :])
    row, column = np.unravel_index(int((score - 0.02 * away).argmax()), score.shape)
    if score[row, column] < _SEEN:
        return None
    top = score >= score[row, column] - 0.05  # a plateau: its middle
    near = np.hypot(offsets[:, None] - offsets[row], offsets[None, :] - offsets[column]) < 0.8
    rows, columns = np.nonzero(top & near)
    centre = place + np.array((offsets[columns].mean(), offsets[rows].mean()))
    return project(homography, centre[None])[0]


def _squares(sums: Array, size: int, inset: int) -> Array:
    """Return the sums over squares of ``size`` samples, from twofold running sums, ``inset`` from each border."""
    total = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return total[inset : len(total) - inset, inset : len(total) - inset]


def _settle(binary: Binary, triple: Triple, sampled: Sampled) -> Sampled:
    """Move the grid's corners to where its modules are most clearly dark or light."""
    n = len(sampled.darkness)
    grid = np.array([(3.5, 3.5), (n - 3.5, 3.5), (n - 3.5, n - 3.5), (3.5, n - 3.5)])
    corners = project(sampled.homography, grid)
    module = np.linalg.norm(corners[0] - corners[1]) / (n - 7)
    best, clearest = sampled, _clarity(sampled)
    for step in (1.0, 0.5, 0.25):
        for index in (2, 2, 1, 3, 0, 2):
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)):
                moved = corners.copy()
                moved[index] += step * module * np.array((dx, dy)) * (1.0 if index == 2 else 0.5)
                trial = sample(binary, fit_homography(grid, moved), n, triple.inverted)
                if _clarity(trial) > clearest:
                    best, clearest, corners = trial, _clarity(trial), moved
    return best


def _clarity(sampled: Sampled) -> float:
    return float(np.minimum(np.abs(sampled.darkness), 60).mean()) * sampled.agreement**2


def sample(binary: Binary, homography: Homography, n: int, inverted: bool) -> Sampled:
    """Return the grid of n×n modules that a homography lays over a picture."""
    shape = layout((n - 17) // 4)
    module = np.linalg.norm(np.diff(project(homography, np.array([(n / 2, n / 2), (n / 2 + 1, n / 2)])), axis=0))
    darkness = _darkness(binary, homography, *_centres(shape.version), 0.0 if module < 2.5 else 0.22, inverted)
    if darkness is None:
        return Sampled(homography, np.zeros((n, n), np.float32), 0.0)
    grid = darkness.reshape(n, n)
    agreement = float(((grid > 0) == shape.dark)[shape.known].mean())
    return Sampled(homography, grid, agreement)


def _darkness(
    binary: Binary, homography: Homography, u: Array, v: Array, reach: float, inverted: bool
) -> Float32[np.ndarray, " n"] | None:
    """Return threshold minus grey at points of the grid, None when many lie outside of the picture.

    With a ``reach``, each value is the mean of five points that lie so many modules around it.
    """
    out = np.empty(len(u), np.float32)
    arguments = binary.gray, binary.thresholds, homography, u, v, reach, out
    outside = sum(over_rows(_sample_points, len(u), *arguments, strip=1 << 12))
    if outside > 0.2 * len(u):
        return None
    return -out if inverted else out


@kernel
def _sample_points(gray, thresholds, homography, u, v, reach, out, i0, i1):
    """Write threshold minus grey (bilinear) at points seen through a homography; return how many lie outside."""
    height, width = gray.shape
    h = homography
    outside = 0
    taps = 5 if reach > 0 else 1
    for i in range(i0, i1):
        total = 0.0
        for tap in range(taps):
            a = u[i] + reach * ((tap == 1) - np.float64(tap == 2))
            b = v[i] + reach * ((tap == 3) - np.float64(tap == 4))
            depth = h[2, 0] * a + h[2, 1] * b + h[2, 2]
            if abs(depth) < 1e-9:
                depth = 1e-9
            x = (h[0, 0] * a + h[0, 1] * b + h[0, 2]) / depth
            y = (h[1, 0] * a + h[1, 1] * b + h[1, 2]) / depth
            if tap == 0 and not (-0.5 < x < width - 0.5 and -0.5 < y < height - 0.5):
                outside += 1
            x, y = min(max(x, 0.0), width - 1.0), min(max(y, 0.0), height - 1.0)
            x0, y0 = np.int64(x), np.int64(y)
            x1, y1 = min(x0 + 1, width - 1), min(y0 + 1, height - 1)
            fx, fy = x - x0, y - y0
            above = gray[y0, x0] * (1 - fx) + gray[y0, x1] * fx
            below = gray[y1, x0] * (1 - fx) + gray[y1, x1] * fx
            threshold = thresholds[np.int64(y + 0.5) // BLOCK, np.int64(x + 0.5) // BLOCK]
            total += threshold - (above * (1 - fy) + below * fy)
        out[i] = total / taps
    return outside


def project(homography: Homography, points: Points2) -> Points2:
    """Return points mapped by a homography."""
    mapped = points @ homography[:, :2].T + homography[:, 2]
    depth = np.where(np.abs(mapped[:, 2:]) < 1e-9, 1e-9, mapped[:, 2:])
    return mapped[:, :2] / depth


def fit_homography(grid: Points2, seen: Points2, weights: Array | None = None) -> Homography:
    """Return the homography that maps ``grid`` to ``seen`` with least squares (four points at least)."""
    shift_a, shift_b = grid.mean(axis=0), seen.mean(axis=0)
    scale_a, scale_b = np.abs(grid - shift_a).mean(), np.abs(seen - shift_b).mean()
    (u, v), (x, y) = ((grid - shift_a) / scale_a).T, ((seen - shift_b) / scale_b).T
    count = len(u)
    left = np.zeros((2 * count, 8))
    left[:count, 0] = left[count:, 3] = u
    left[:count, 1] = left[count:, 4] = v
    left[:count, 2] = left[count:, 5] = 1
    right = np.concatenate([x, y])
    left[:, 6], left[:, 7] = -np.concatenate([u, u]) * right, -np.concatenate([v, v]) * right
    if weights is not None:
        root = np.sqrt(np.concatenate([weights, weights]))
        left, right = left * root[:, None], right * root
    try:
        solved = np.linalg.solve(left.T @ left, left.T @ right)
    except np.linalg.LinAlgError:  # points on one line: no perspective fits them
        solved = np.array([1.0, 0, 0, 0, 1, 0, 0, 0])
    inner = np.append(solved, 1.0).reshape(3, 3)
    before = np.array([[1 / scale_a, 0, -shift_a[0] / scale_a], [0, 1 / scale_a, -shift_a[1] / scale_a], [0, 0, 1]])
    after = np.array([[scale_b, 0, shift_b[0]], [0, scale_b, shift_b[1]], [0, 0, 1]])
    result = after @ inner @ before
    return result / (result[2, 2] if abs(result[2, 2]) > 1e-12 else 1.0)
