"""Wavelet filters: computed from their defining equations, not looked up.

Daubechies 1988, "Orthonormal bases of compactly supported wavelets", Comm. Pure Appl. Math. 41(7); Daubechies 1992,
"Ten Lectures on Wavelets", chapters 6 (least asymmetric: symlets) and 8; Cohen, Daubechies, Feauveau 1992,
"Biorthogonal bases of compactly supported wavelets", Comm. Pure Appl. Math. 45(5).

A low-pass filter with N zeros at -1 is ((1 + z)/2)^N times a factor Q. Half-band symmetry fixes the polynomial
P(y) = Σ_{k<N} C(N-1+k, k) y^k, y = (2 - z - 1/z)/4, whose roots are shared out: one of each pair z, 1/z makes an
orthogonal filter; all to one side, or half to each, makes a biorthogonal pair.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from sightline.core.errors import InputError, suggest

_DIGITS = 60  # of the root finding: products of twenty roots lose some
_DAUBECHIES, _SYMLETS = 20, 19
_MIRRORED = (4, 6, 8, 10, 17, 18)  # symlets: of two mirror images, equally symmetric, the one that tables print
_SPLINES = ("1.1", "1.3", "1.5", "2.2", "2.4", "2.6", "2.8", "3.1", "3.3", "3.5", "3.7", "3.9", "4.4", "6.8")

Complex: TypeAlias = tuple[Decimal, Decimal]

NAMES = (
    "haar",
    *(f"db{n}" for n in range(1, _DAUBECHIES + 1)),
    *(f"sym{n}" for n in range(2, _SYMLETS + 1)),
    *(f"bior{name}" for name in _SPLINES),
    *(f"rbio{name}" for name in _SPLINES),
)


@dataclass(frozen=True)
class Filters:
    """The four filters of a wavelet, all of one even length.

    Parameters
    ----------
    low, high
        Analysis filters, applied as convolutions.
    synthesis_low, synthesis_high
        Synthesis filters.
    """

    low: np.ndarray
    high: np.ndarray
    synthesis_low: np.ndarray
    synthesis_high: np.ndarray


def filters_of(function: str, name: str) -> Filters:
    """Return the filters of the wavelet ``name``; ``function`` is for the error's sentence."""
    if not isinstance(name, str) or name not in NAMES:
        listed = f"haar, db1–db{_DAUBECHIES}, sym2–sym{_SYMLETS}, bior1.1–bior6.8 or rbio1.1–rbio6.8"
        raise InputError(f"{function}: wavelet must be {listed}; got {name!r}.{suggest(str(name), NAMES)}")
    return _filters("db1" if name == "haar" else name)


@lru_cache(maxsize=64)
def _filters(name: str) -> Filters:
    if name.startswith(("bior", "rbio")):
        analysis, synthesis = _spline_pair(*map(int, name[4:].split(".")))
        if name.startswith("rbio"):
            analysis, synthesis = synthesis[::-1], analysis[::-1]
    else:
        order = int(name.lstrip("dbsym"))
        synthesis = _orthogonal(order) if name.startswith("db") else _least_asymmetric(order)
        analysis = synthesis[::-1]
    # Each high-pass filter is the other side's low-pass with alternating signs.
    sign = np.where(np.arange(len(analysis)) % 2, 1.0, -1.0)
    return Filters(analysis.copy(), sign * synthesis, synthesis.copy(), -sign * analysis)


def _orthogonal(order: int) -> np.ndarray:
    """Return Daubechies' filter with ``order`` zeros at -1 and its other zeros inside the unit circle."""
    roots = [min(pair, key=_size) for pair in _reciprocal_pairs(order)]
    return _scaled(_product(roots, order))[::-1].copy()


def _least_asymmetric(order: int) -> np.ndarray:
    """Return the orthogonal filter, of all choices of roots, whose phase is nearest to linear."""
    pairs = _reciprocal_pairs(order)
    # Conjugates stay together, so that the filter is real: one choice for each root and its conjugate.
    groups: list[tuple[list[Complex], list[Complex]]] = []
    for pair in pairs:
        inner, outer = sorted(pair, key=_size)
        if inner[1] < 0:
            continue
        sides = [[root, _conjugate(root)] if inner[1] > 0 else [root] for root in (inner, outer)]
        groups.append((sides[0], sides[1]))
    best: tuple[float, np.ndarray] | None = None
    for choice in itertools.product((0, 1), repeat=max(0, len(groups) - 1)):
        roots = [root for group, side in zip(groups, (0, *choice), strict=True) for root in group[side]]
        bend = _phase_bend(np.array([complex(float(a), float(b)) for a, b in roots]), order)
        if best is None or bend < best[0] - 1e-9:
            best = bend, np.array(choice)
    chosen = [] if best is None else [0, *best[1].tolist()]
    roots = [root for group, side in zip(groups, chosen, strict=True) for root in group[side]]
    taps = _scaled(_product(roots, order))
    return taps.copy() if order in _MIRRORED else taps[::-1].copy()


def _phase_bend(roots: np.ndarray, order: int) -> float:
    """Return how far the phase of Π(e^{iω} - root) is from a straight line."""
    omega = np.linspace(0.01, math.pi - 0.01, 200)
    phase = np.unwrap(np.angle(np.exp(1j * omega)[:, None] - roots[None, :]), axis=0).sum(axis=1)
    phase -= phase[0]
    return float(np.abs(phase - phase[-1] * (omega - omega[0]) / (omega[-1] - omega[0])).sum())


def _spline_pair(synthesis_zeros: int, analysis_zeros: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the analysis and synthesis low-pass filters of the biorthogonal spline family."""
    order = (synthesis_zeros + analysis_zeros) // 2
    if (synthesis_zeros, analysis_zeros) in ((4, 4), (6, 8)):
        analysis_roots, synthesis_roots = _shared_out(order)
    else:
        analysis_roots = [root for pair in _reciprocal_pairs(order) for root in pair]
        synthesis_roots = []
    analysis = _scaled(_product(analysis_roots, analysis_zeros))
    synthesis = _scaled(_product(synthesis_roots, synthesis_zeros))
    length = max(len(analysis), len(synthesis))
    length += length % 2
    # Odd filters are symmetric about a sample: of the spare zero, one side has it in front, the other one behind.
    fronts = (length - len(analysis) + 1) // 2, (length - len(synthesis)) // 2
    first, second = (np.pad(h, (f, length - len(h) - f)) for h, f in zip((analysis, synthesis), fronts, strict=True))
    return first, second


def _shared_out(order: int) -> tuple[list[Complex], list[Complex]]:
    """Share the roots between both sides: those of y with the smallest |y| smooth the synthesis side."""
    pairs = _reciprocal_pairs(order)
    real = [pair for pair in pairs if pair[0][1] == 0]
    others = [pair for pair in pairs if pair[0][1] != 0]
    if real:  # the real root to the synthesis side, the complex ones to the analysis side: 9 and 7 taps
        return [r for pair in others for r in pair], [r for pair in real for r in pair]
    others.sort(key=lambda pair: abs(float(min(pair, key=_size)[1])))
    synthesis = [r for pair in others[2:4] for r in pair]
    return [r for pair in (*others[:2], *others[4:]) for r in pair], synthesis


# --- arithmetic with many digits ---


@lru_cache(maxsize=64)
def _reciprocal_pairs(order: int) -> tuple[tuple[Complex, Complex], ...]:
    """Return the zeros z, 1/z that belong to each root y of P, with z + 1/z = 2 - 4y."""
    coefficients = [Decimal(math.comb(order - 1 + k, k)) for k in range(order)]
    pairs = []
    with localcontext() as context:
        context.prec = _DIGITS
        for start in np.roots([float(c) for c in reversed(coefficients)]):
            y = _refined(coefficients, (Decimal(start.real), Decimal(start.imag)))
            if abs(y[1]) < Decimal(10) ** (-_DIGITS // 2):
                y = (y[0], Decimal(0))
            half = (1 - 2 * y[0], -2 * y[1])  # (z + 1/z) / 2
            root = _square_root(_minus(_times(half, half), (Decimal(1), Decimal(0))))
            pairs.append(((half[0] + root[0], half[1] + root[1]), _minus(half, root)))
    return tuple(pairs)


def _refined(coefficients: list[Decimal], y: Complex) -> Complex:
    """Return the root of a polynomial next to ``y`` by Newton's method."""
    for _ in range(8):
        value, slope = (Decimal(0), Decimal(0)), (Decimal(0), Decimal(0))
        for c in reversed(coefficients):
            slope = _plus(_times(slope, y), value)
            value = _plus(_times(value, y), (c, Decimal(0)))
        y = _minus(y, _over(value, slope))
    return y


def _product(roots: list[Complex], zeros: int) -> list[Decimal]:
    """Return the coefficients of (1 + z)^zeros · Π(z - root), lowest power first."""
    with localcontext() as context:
        context.prec = _DIGITS
        taps: list[Complex] = [(Decimal(1), Decimal(0))]
        for root in [*roots, *[(Decimal(-1), Decimal(0))] * zeros]:
            zero = (Decimal(0), Decimal(0))
            shifted, kept = [zero, *taps], [*(_times(tap, root) for tap in taps), zero]
            taps = [_minus(a, b) for a, b in zip(shifted, kept, strict=True)]
        return [tap[0] for tap in taps]


def _scaled(taps: list[Decimal]) -> np.ndarray:
    """Return the taps with the sum √2."""
    with localcontext() as context:
        context.prec = _DIGITS
        scale = Decimal(2).sqrt() / sum(taps)
        return np.array([float(tap * scale) for tap in taps])


def _plus(a: Complex, b: Complex) -> Complex:
    return a[0] + b[0], a[1] + b[1]


def _minus(a: Complex, b: Complex) -> Complex:
    return a[0] - b[0], a[1] - b[1]


def _times(a: Complex, b: Complex) -> Complex:
    return a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]


def _over(a: Complex, b: Complex) -> Complex:
    size = b[0] * b[0] + b[1] * b[1]
    top = _times(a, _conjugate(b))
    return top[0] / size, top[1] / size


def _conjugate(a: Complex) -> Complex:
    return a[0], -a[1]


def _size(a: Complex) -> Decimal:
    return a[0] * a[0] + a[1] * a[1]


def _square_root(a: Complex) -> Complex:
    size = _size(a).sqrt()
    real = ((size + a[0]) / 2).sqrt() if size + a[0] > 0 else Decimal(0)
    imaginary = ((size - a[0]) / 2).sqrt() if size - a[0] > 0 else Decimal(0)
    return real, -imaginary if a[1] < 0 else imaginary
