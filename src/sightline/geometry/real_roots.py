"""The real roots of a polynomial: counted between two numbers, parted from one another, and found each on its own.

Sturm 1835, "Mémoire sur la résolution des équations numériques"; each root by Newton's steps that never leave their
bracket. Those beyond ±1 are sought as their inverses, so that no search begins far away.
"""

from __future__ import annotations

import numpy as np

from sightline.core.kernels import kernel

_SEAM = 1e-9  # by so much beyond ±1 a root is still sought as it is
_DEEP = 64  # brackets that wait for their turn
_CLOSE = 1e-12  # roots that are nearer to one another count as one
_NOTHING = 1e-13  # size of a remainder, beside what was divided, that rounding alone leaves


@kernel
def real_roots(coefficients, degree, roots):
    """Fill ``roots`` with the real roots of Σ c[k] x^k, k ≤ degree, in rising order; return how many there are."""
    degree = _true_degree(coefficients, degree)
    if degree == 0:
        return 0
    near, turned, counts = np.empty((2, degree)), np.empty(degree + 1), np.empty(2, np.int64)
    for way in range(2):  # what is called once is compiled into its caller once
        for k in range(degree + 1):
            turned[k] = coefficients[degree - k if way == 1 else k]
        counts[way] = _roots_within_one(turned, degree, near[way])
    count = 0
    for part in range(3):  # below -1, between, above 1
        for i in range(counts[0 if part == 1 else 1]):
            x = near[0, i] if part == 1 else near[1, counts[1] - 1 - i]
            wanted = part == 1 or (0 < abs(x) < 1 - _SEAM and (x < 0) == (part == 0))
            if wanted and count < degree:
                roots[count] = x if part == 1 else 1 / x
                count += 1
    return count


@kernel
def _true_degree(c, degree):
    """Return the degree without leading coefficients that are 0, or as good as."""
    top = 0.0
    for k in range(degree + 1):
        top = max(top, abs(c[k]))
    while degree > 0 and abs(c[degree]) <= 1e-14 * top:
        degree -= 1
    return degree


@kernel
def _roots_within_one(c, degree, roots):
    """Fill the roots between -1 and 1, in rising order; return how many there are."""
    degree = _true_degree(c, degree)
    if degree == 0:
        return 0
    chain, ends, left = np.empty((degree, 3)), np.empty(_DEEP), np.empty(_DEEP, np.int64)
    size, found, waiting = _fill_chain(c, degree, chain), 0, 1
    ends[0], ends[1] = 1 + _SEAM, -1 - _SEAM
    for k in range(2):
        left[k] = _changes(chain, size, ends[k])
    low, before = ends[1], left[1]
    while waiting > 0 and found < degree:
        high, after = ends[waiting - 1], left[waiting - 1]
        if before - after > 1 and high - low > _CLOSE and waiting < _DEEP:
            ends[waiting] = low + 0.4871 * (high - low)  # a middle that is no root itself
            left[waiting] = _changes(chain, size, ends[waiting])
            waiting += 1
            continue
        if before > after:
            good, x = _root_between(c, degree, low, high)
            if good:
                roots[found] = x
                found += 1
        low, before, waiting = high, after, waiting - 1
    return found


@kernel
def _fill_chain(c, degree, chain):
    """Fill Sturm's chain p₀ = p, p₁ = p', pₖ = (aₖ x + bₖ) pₖ₊₁ − sₖ pₖ₊₂ with rows a, b, s; return how many rows.

    Remainders are scaled to a greatest coefficient of 1. The last pₖ divides all others: 1 can stand for it.
    """
    f, g, top = np.empty(degree + 1), np.empty(degree + 1), 0.0
    for k in range(degree + 1):
        f[k], g[k] = c[k], 0.0
    for k in range(1, degree + 1):
        g[k - 1] = k * c[k]
    m, size = degree, 0
    while True:
        below = g[m - 2] if m > 1 else 0.0
        a = f[m] / g[m - 1]
        b = (f[m - 1] - a * below) / g[m - 1]
        top, bound = 0.0, 0.0
        for k in range(m + 1):
            bound = max(bound, abs(f[k]))
        for k in range(m - 1):
            f[k] = b * g[k] + (a * g[k - 1] if k > 0 else 0.0) - f[k]
            top = max(top, abs(f[k]))
        chain[size, 0], chain[size, 1], chain[size, 2] = a, b, top
        size += 1
        if m == 1 or not top > _NOTHING * bound:  # also where they are no numbers
            return size
        m -= 1
        for k in range(m):
            f[k] /= top
        if abs(f[m - 1]) < 1e-10:  # a power that is missing: the chain of a polynomial that is nearly the same
            f[m - 1] = 1e-10 if f[m - 1] >= 0 else -1e-10
        f, g = g, f


@kernel
def _changes(chain, size, x):
    """Return how often the sign changes along the chain at ``x``: roots up to there are fewer by as much."""
    value, last, count = 1.0, 0.0, 0
    for k in range(size - 1, -1, -1):
        value, last = (chain[k, 0] * x + chain[k, 1]) * value - chain[k, 2] * last, value
        count += (value < 0) != (last < 0)
    return count


@kernel
def _root_between(c, degree, low, high):
    """Return whether the ends of a bracket differ in sign, and the root between them."""
    below, above = c[degree], c[degree]
    for k in range(degree - 1, -1, -1):
        below, above = below * low + c[k], above * high + c[k]
    if (below < 0) == (above < 0) and above != 0:
        return False, 0.0
    x = 0.5 * (low + high)
    for _ in range(200):
        value, slope = c[degree], 0.0
        for k in range(degree - 1, -1, -1):
            slope = slope * x + value
            value = value * x + c[k]
        if value == 0:
            break
        if (value < 0) == (below < 0):
            low = x
        else:
            high = x
        step, old = x - value / slope if slope != 0 else low, x
        if not low < step < high:
            x = 0.5 * (low + high)
            if high - low <= 1e-15 * abs(x) + 1e-300:
                break
            continue
        x = step
        if abs(x - old) <= 1e-10 * abs(x) + 1e-300:  # the next step would be as small as its square
            break
    return True, x
