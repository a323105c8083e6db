"""Moments of a shape: how its mass is spread, and numbers made of them that do not change when it moves or turns.

Hu 1962, "Visual Pattern Recognition by Moment Invariants", IRE Transactions on Information Theory 8(2). The moments of
a polygon are integrals over its inside, turned into sums over its edges by Green's theorem (Steger 1996, "On the
Calculation of Arbitrary Moments of Polygons").
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Annotated, Any

import numpy as np
from jaxtyping import Bool

from sightline.core.catalogue import method
from sightline.core.checks import as_image, choice
from sightline.core.kernels import kernel, over_rows
from sightline.core.types import AnyImage, AnyPoints, Array, Choice, Image, Mask, Points
from sightline.image.points import as_points

_BLOCK = 64  # pixels whose sums fit into 32 bits: 255 · Σ x³
_BINOMIAL = ((1,), (1, 1), (1, 2, 1), (1, 3, 3, 1))
_ORDERS = [(p, q) for p in range(4) for q in range(4) if p + q <= 3]
_HIGHER = [(p, q) for p, q in _ORDERS if p + q >= 2]


@dataclass(frozen=True)
class Moments:
    """Moments up to the third order; the first digit is the power of x, the second that of y.

    Parameters
    ----------
    m00, m10, m01, m20, m11, m02, m30, m21, m12, m03
        About the point (0, 0): sums of value · xᵖ yᑫ; m00 is the mass, or area.
    mu20, mu11, mu02, mu30, mu21, mu12, mu03
        About the centroid.
    nu20, nu11, nu02, nu30, nu21, nu12, nu03
        About the centroid, divided by m00 to the power 1 + (p + q) / 2: the same at every size. 0 without mass.
    """

    m00: float
    m10: float
    m01: float
    m20: float
    m11: float
    m02: float
    m30: float
    m21: float
    m12: float
    m03: float
    mu20: float
    mu11: float
    mu02: float
    mu30: float
    mu21: float
    mu12: float
    mu03: float
    nu20: float
    nu11: float
    nu02: float
    nu30: float
    nu21: float
    nu12: float
    nu03: float

    @property
    def centroid(self) -> tuple[float, float]:
        """The centre of mass (x, y); NaN without mass."""
        return (self.m10 / self.m00, self.m01 / self.m00) if self.m00 else (math.nan, math.nan)

    def to_dict(self) -> dict[str, float]:
        """Return the moments by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@method(task="shape", paper="Hu 1962", lesson="w2d5")
def moments(image: Image | Mask | Points) -> Moments:
    """Return the moments up to the third order of an image, a mask, or the inside of a polygon.

    NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W uint8, uint16 or float32, whose values are the mass; a bool mask; or the N×2 corners (x, y) of a closed
        polygon, of a floating-point or signed dtype.

    Returns
    -------
    Moments
        About the origin, about the centroid, and normalized.

    References
    ----------
    M.-K. Hu, "Visual Pattern Recognition by Moment Invariants", IRE Transactions on Information Theory 8(2), 1962.
    C. Steger, "On the Calculation of Arbitrary Moments of Polygons", Technische Universität München, 1996.

    Examples
    --------
    >>> square = moments(np.array([[0, 0], [4, 0], [4, 2], [0, 2]]))
    >>> square.m00, square.centroid
    (8.0, (2.0, 1.0))
    """
    return moments_of("moments", "image", image)


@method(task="shape", paper="Hu 1962", lesson="w2d5")
def hu_moments(image: Image | Mask | Points | Moments) -> Array:
    """Return Hu's seven numbers, which stay the same when a shape moves, turns or grows.

    The seventh changes its sign in a mirror. NaN and infinity are refused.

    Parameters
    ----------
    image
        H×W uint8, uint16, float32 or bool; the N×2 corners (x, y) of a polygon; or their :class:`Moments`.

    Returns
    -------
    invariants
        7 float64.

    References
    ----------
    M.-K. Hu, "Visual Pattern Recognition by Moment Invariants", IRE Transactions on Information Theory 8(2), 1962.

    Examples
    --------
    >>> hu_moments(np.array([[0, 0], [4, 0], [4, 4], [0, 4]])).round(4)[:2]
    array([0.1667, 0.    ])
    """
    return _invariants(image if isinstance(image, Moments) else moments_of("hu_moments", "image", image))


@method(task="shape", paper="Hu 1962", lesson="w2d5", example={"b": lambda a: a})
def match_shapes(
    a: Image | Mask | Points | Moments,
    b: AnyImage | Bool[np.ndarray, "_ _"] | AnyPoints | Moments,
    *,
    score: Annotated[str, Choice("i1", "i2", "i3")] = "i1",
) -> float:
    """Return how different two shapes are, wherever they are, however large and turned: 0 for the same shape.

    With m = sign(h) log₁₀ |h| of Hu's numbers h of both: numbers near zero are left out. When one shape has all
    of them near zero and the other has not, the difference is the largest float. NaN and infinity are refused.

    Parameters
    ----------
    a, b
        H×W uint8, uint16, float32 or bool; the N×2 corners (x, y) of a polygon; or their :class:`Moments`.
    score
        ``i1`` Σ |1/mᵃ - 1/mᵇ|; ``i2`` Σ |mᵃ - mᵇ|; ``i3`` max |mᵃ - mᵇ| / |mᵃ|.

    Returns
    -------
    difference
        ≥ 0, without a unit.

    References
    ----------
    M.-K. Hu, "Visual Pattern Recognition by Moment Invariants", IRE Transactions on Information Theory 8(2), 1962.

    Examples
    --------
    >>> square, bar = np.array([[0, 0], [4, 0], [4, 4], [0, 4]]), np.array([[0, 0], [9, 0], [9, 1], [0, 1]])
    >>> match_shapes(square, 3 * square), match_shapes(square, bar) > 1
    (0.0, True)
    """
    score = choice("match_shapes", "score", score, ("i1", "i2", "i3"))
    both = [s if isinstance(s, Moments) else moments_of("match_shapes", n, s) for n, s in (("a", a), ("b", b))]
    first, second = (_invariants(shape) for shape in both)
    told = (np.abs(first) > 1e-5) & (np.abs(second) > 1e-5)
    if (np.abs(first) > 0).any() != (np.abs(second) > 0).any():
        return float(np.finfo(np.float64).max)
    first, second = (np.sign(h[told]) * np.log10(np.abs(h[told])) for h in (first, second))
    if score == "i1":
        return float(np.abs(1 / first - 1 / second).sum())
    difference = np.abs(first - second)
    return float(difference.sum()) if score == "i2" else float((difference / np.abs(first)).max(initial=0))


def moments_of(function: str, argument: str, image: Any) -> Moments:
    """Return the moments of an image, a mask or a polygon, with ``function`` and ``argument`` for errors."""
    if isinstance(image, np.ndarray) and image.ndim == 2 and image.shape[1] == 2 and image.dtype.kind in "if":
        return _completed(_of_polygon(as_points(function, image, argument=argument)))
    dtypes = ("uint8", "uint16", "float32", "bool")
    pixels = as_image(function, image, argument=argument, channels=(1,), dtypes=dtypes, finite=True)
    return _completed(_of_image(pixels.view(np.uint8) if pixels.dtype == np.bool_ else pixels))


def _of_image(pixels: Array) -> dict[tuple[int, int], float]:
    """Return the moments about (0, 0): sums along each row first, then over the rows."""
    kernel_ = _sums_of_bytes if pixels.dtype == np.uint8 else _sums_of_numbers
    pixels = pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32, copy=False)
    sums = np.empty((len(pixels), 4))
    over_rows(kernel_, len(pixels), pixels, sums, strip=128)
    powers = np.arange(len(pixels), dtype=np.float64)[None] ** np.arange(4)[:, None]
    table = powers @ sums  # y^q against x^p
    return {(p, q): float(table[q, p]) for p, q in _ORDERS}


@kernel
def _sums_of_bytes(pixels, sums, y0, y1):
    """Write Σ v, Σ v x, Σ v x² and Σ v x³ of each row: in small integers within blocks, which then move to their x."""
    width = pixels.shape[1]
    for y in range(y0, y1):
        row = pixels[y]
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for left in range(0, width, _BLOCK):
            block = row[left : min(left + _BLOCK, width)]
            t0, t1, t2, t3 = np.int32(0), np.int32(0), np.int32(0), np.int32(0)
            for i in range(block.size):
                x, v = np.int32(i), np.int32(block[i])
                first = np.int32(v * x)
                second = np.int32(first * x)
                t0, t1 = np.int32(t0 + v), np.int32(t1 + first)
                t2, t3 = np.int32(t2 + second), np.int32(t3 + np.int32(second * x))
            x0, m0, m1, m2 = np.float64(left), np.float64(t0), np.float64(t1), np.float64(t2)
            a += m0
            b += m1 + x0 * m0
            c += m2 + x0 * (2 * m1 + x0 * m0)
            d += t3 + x0 * (3 * m2 + x0 * (3 * m1 + x0 * m0))
        sums[y, 0], sums[y, 1], sums[y, 2], sums[y, 3] = a, b, c, d


@kernel
def _sums_of_numbers(pixels, sums, y0, y1):
    for y in range(y0, y1):
        row = pixels[y]
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        for i in range(row.size):
            x, v = np.float64(i), np.float64(row[i])
            a += v
            b += v * x
            c += v * x * x
            d += v * x * x * x
        sums[y, 0], sums[y, 1], sums[y, 2], sums[y, 3] = a, b, c, d


def _of_polygon(points: Array) -> dict[tuple[int, int], float]:
    """Return the moments of the inside, which is positive in either direction of the corners."""
    x, y = points.T
    u, v = np.roll(x, 1), np.roll(y, 1)
    cross = u * y - x * v
    found = {}
    for p, q in _ORDERS:
        total = np.zeros(len(x))
        for k in range(p + 1):
            for m in range(q + 1):
                ways = math.comb(k + m, m) * math.comb(p + q - k - m, q - m)
                total += ways * x**k * u ** (p - k) * y**m * v ** (q - m)
        found[p, q] = float((cross * total).sum()) / ((p + q + 2) * (p + q + 1) * math.comb(p + q, p))
    sign = -1.0 if found[0, 0] < 0 else 1.0
    return {key: sign * value for key, value in found.items()}


def _completed(m: dict[tuple[int, int], float]) -> Moments:
    """Add the moments about the centroid, from the binomial theorem, and the normalized ones."""
    mass = m[0, 0]
    if abs(mass) <= np.finfo(np.float64).eps:
        central = normal = dict.fromkeys(_HIGHER, 0.0)
    else:
        x, y = m[1, 0] / mass, m[0, 1] / mass
        central = {
            (p, q): sum(
                _BINOMIAL[p][i] * _BINOMIAL[q][j] * (-x) ** (p - i) * (-y) ** (q - j) * m[i, j]
                for i in range(p + 1)
                for j in range(q + 1)
            )
            for p, q in _HIGHER
        }
        normal = {(p, q): central[p, q] / abs(mass) ** (1 + (p + q) / 2) for p, q in _HIGHER}
    named = {f"m{p}{q}": value for (p, q), value in m.items()}
    named |= {f"mu{p}{q}": value for (p, q), value in central.items()}
    return Moments(**named, **{f"nu{p}{q}": value for (p, q), value in normal.items()})


def _invariants(m: Moments) -> Array:
    """Return Hu's numbers, in his equations' symbols: η is nu."""
    a, b = m.nu30 + m.nu12, m.nu21 + m.nu03
    c, d = m.nu30 - 3 * m.nu12, 3 * m.nu21 - m.nu03
    e = m.nu20 - m.nu02
    return np.array(
        [
            m.nu20 + m.nu02,
            e**2 + 4 * m.nu11**2,
            c**2 + d**2,
            a**2 + b**2,
            c * a * (a**2 - 3 * b**2) + d * b * (3 * a**2 - b**2),
            e * (a**2 - b**2) + 4 * m.nu11 * a * b,
            d * a * (a**2 - 3 * b**2) - c * b * (3 * a**2 - b**2),
        ]
    )
