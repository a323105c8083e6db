"""From three eyes to modules: the perspective of a QR symbol, and its grid sampled through it.

ISO/IEC 18004:2015, section 11, steps c to h: the number of modules comes from the size of the eyes, the perspective
from the eyes and from the alignment patterns, which are looked for one after the other, the nearest to what is known
first.
Grid coordinates (u, v) are in modules, with (0, 0) at the symbol's outer corner.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32

from sightline.core.kernels import kernel, over_rows
from sightline.core.types import Array
from sightline.image.codes.binarise import Binary
from sightline.image.codes.perspective import Homography, Points2, darkness_at, fit_homography, project
from sightline.image.codes.qr_decode import Decoded, decode, read_version
from sightline.image.codes.qr_find import Triple
from sightline.image.codes.qr_grid import Modules, alignment_centres, layout
from sightline.image.codes.qr_lay import Laid, lay_grids

_FINE = 4  # samples along a module where an alignment pattern is looked for
_SEEN = 0.5  # agreement with an alignment pattern, from −1 to 1, that counts as one


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


def read_symbol(binary: Binary, triple: Triple, laid: list[Laid], *, patient: bool) -> tuple[Decoded, Sampled] | None:
    """Return what the symbol with these eyes says and the grid that it was read through, or None.

    Parameters
    ----------
    binary
        The picture.
    triple
        The symbol's eyes.
    laid
        The grids that :func:`~sightline.image.codes.qr_lay.lay_grids` laid by them.
    patient
        Whether to move the grid about when it does not read at once.
    """
    for sampled in _grids(binary, triple, laid):
        found = decode(sampled.modules)
        if found is not None:
            return found, sampled
        if patient and sampled.agreement > 0.8:
            sampled = _settle(binary, triple, sampled)
            found = decode(sampled.modules)
            if found is not None:
                return found, sampled
    return None


def _grids(binary: Binary, triple: Triple, laid: list[Laid]) -> Iterator[Sampled]:
    """Yield grids of the likely versions, aligned, the best first."""
    tried: set[int] = set()
    for grid in laid:
        version = grid.version
        first = sample(binary, grid.homography, 17 + 4 * version, triple.inverted)
        said = read_version(first.modules) if version >= 7 else None
        if said is not None and said != version and said not in tried:
            tried.add(said)
            eyes, inverted = triple.centres[None], np.array([triple.inverted])
            for (other,) in lay_grids(binary, eyes, inverted, version=said, least=0):
                yield _align(binary, triple, sample(binary, other.homography, 17 + 4 * said, triple.inverted))
        if version not in tried:
            tried.add(version)
            yield _align(binary, triple, first)


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
    pictures = binary.gray, binary.thresholds, homography.reshape(-1)
    ((score, u, v),) = over_rows(_match_alignment, 1, *pictures, float(place[0]), float(place[1]), reach, inverted)
    return project(homography, np.array([(u, v)]))[0] if score >= _SEEN else None


@kernel
def _match_alignment(gray, thresholds, h, u, v, reach, inverted, y0, y1):
    """Return how well an alignment pattern fits at the best place within ``reach`` modules of (u, v), and that place.

    Each of its three squares weighs as much as the others; −1 stands for a neighbourhood outside of the picture.
    """
    n = np.int64(2 * (reach + 2.5) * _FINE)
    first = -(reach + 2.5) + 0.5 / _FINE
    sums = np.zeros((n + 1, n + 1))
    outside = 0
    for j in range(n):
        row = 0.0
        for i in range(n):
            value, out = darkness_at(gray, thresholds, h, u + first + i / _FINE, v + first + j / _FINE)
            outside += out
            row += min(max((-value if inverted else value) / 20, -1.0), 1.0)
            sums[j + 1, i + 1] = sums[j, i + 1] + row
    if outside > 0.2 * n * n:
        return -1.0, u, v
    m = n - 5 * _FINE + 1
    scores = np.empty((m, m))
    best, top, left = -np.inf, 0, 0
    for j in range(m):
        for i in range(m):
            five, three = _square(sums, i, j, 5 * _FINE), _square(sums, i + _FINE, j + _FINE, 3 * _FINE)
            one = _square(sums, i + 2 * _FINE, j + 2 * _FINE, _FINE)
            scores[j, i] = (one - (three - one) / 8 + (five - three) / 16) / (3 * _FINE * _FINE)
            likely = scores[j, i] - 0.02 * np.sqrt((i / _FINE - reach) ** 2 + (j / _FINE - reach) ** 2)
            if likely > best:
                best, top, left = likely, j, i
    count, right, down = 0, 0.0, 0.0  # a plateau: its middle
    for j in range(m):
        for i in range(m):
            near = (i - left) ** 2 + (j - top) ** 2 < (0.8 * _FINE) ** 2
            if near and scores[j, i] >= scores[top, left] - 0.05:
                count, right, down = count + 1, right + i, down + j
    return scores[top, left], u + right / count / _FINE - reach, v + down / count / _FINE - reach


@kernel
def _square(sums, x, y, size):
    return sums[y + size, x + size] - sums[y, x + size] - sums[y + size, x] + sums[y, x]


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
    (x1, y1), (x2, y2) = project(homography, np.array([(n / 2, n / 2), (n / 2 + 1, n / 2)])).tolist()
    module = math.hypot(x2 - x1, y2 - y1)
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
    outside = sum(over_rows(_sample_points, len(u), *arguments, strip=1 << 10))
    if outside > 0.2 * len(u):
        return None
    return -out if inverted else out


@kernel
def _sample_points(gray, thresholds, homography, u, v, reach, out, i0, i1):
    """Write threshold minus grey at points seen through a homography; return how many lie outside."""
    h = homography.reshape(-1)
    outside = 0
    for i in range(i0, i1):
        total, away = darkness_at(gray, thresholds, h, u[i], v[i])
        outside += away
        if reach > 0:
            for du, dv in ((reach, 0.0), (-reach, 0.0), (0.0, reach), (0.0, -reach)):
                total += darkness_at(gray, thresholds, h, u[i] + du, v[i] + dv)[0]
            total /= 5
        out[i] = total
    return outside
