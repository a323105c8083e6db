"""Which pixels around a keypoint are compared: 256 tests that say much, and each something of its own.

Rublee, Rabaud, Konolige & Bradski 2011, "ORB: An Efficient Alternative to SIFT or SURF", ICCV, section 4.3: pairs are
drawn at random, and chosen one by one for being even and for saying something new. ``TESTS`` are our own: :func:`learn`
chose them among 8120 for the ORB corners of the sample photos that come with Sightline, seed 2011.
"""

from __future__ import annotations

import base64

import numpy as np

from sightline.core.types import Array

REACH = 15  # pixels from the keypoint to the farthest one that is looked at
COUNT = 256
_UNEVEN = 0.35  # from a half, the share of patches that a test is true of


def candidates(count: int, random: np.random.Generator) -> Array:
    """Return N×4 int8 (x, y, x, y): pairs of places within :data:`REACH` of the keypoint, two pixels apart or more."""
    found = np.empty((0, 4), np.int8)
    while len(found) < count:
        pairs = random.integers(-REACH, REACH + 1, (4 * count, 4))
        inside = (np.hypot(pairs[:, 0], pairs[:, 1]) <= REACH) & (np.hypot(pairs[:, 2], pairs[:, 3]) <= REACH)
        apart = np.hypot(pairs[:, 0] - pairs[:, 2], pairs[:, 1] - pairs[:, 3]) >= 2
        found = np.concatenate([found, pairs[inside & apart].astype(np.int8)])
    return found[:count]


def learn(bits: Array, count: int = COUNT) -> Array:
    """Return which of N tests to take, given what each says of P patches: ``count`` places, the best first.

    The first is the one that is true of half of the patches; each next one is the most even of those that say little of
    what was said: correlated with all before by less than a bound, which is raised until there are enough.

    Parameters
    ----------
    bits
        P×N bool.
    count
        How many, ≤ N.
    """
    values = bits.T.astype(np.float32)
    means = values.mean(axis=1, keepdims=True)
    values -= means
    values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)
    uneven = np.abs(means[:, 0] - 0.5)
    order = np.argsort(uneven, kind="stable")
    order = order[: max(count, int((uneven < _UNEVEN).sum()))]
    values = values[order]
    chosen: list[int] = []
    bound, most = 0.2, np.zeros(len(values), np.float32)
    while len(chosen) < count:
        free = np.flatnonzero(most < bound)
        if not free.size:
            bound += 0.02
            continue
        best = int(free[0])
        chosen.append(best)
        np.maximum(most, np.abs(values @ values[best]), out=most)
        most[best] = np.inf
    return order[chosen]


_CHOSEN = (
    "8/7z+QsHCPwA8wD1/Az9+P//AQ31/vYF8wb4BQkDDAH09/f2/Qv9Dgj6CPwBAwH9+/77AgMMA/UK9gb59gf2Cvj39/UFCQcMCAcJBfj0+/MF9Aj2"
    "DPcK9fz9/fv5DfcM+wn9CQMGBQYE8v/z9wD8/gP+Af3++AUM/QP/Av4ODgH8+gH5Bf8H/woLBwwB9f0I+/IICgf/B/33//X9+vT9Bf/zAQ4C9gUH"
    "+gT5AgP8/wkD8vP+Dvz9AwQABQT+Av8EAfb/+fwOBPX29Qr2BfIIC/wG/QT0Bfv3+v79APYKAfwM+w0A9AT2BwPyAQgL/Q799frz+/v2+/gECQUG"
    "+QP8C/oN9PkA/QsKAwYI/f7y+/P9+fn4AQn9BfIDAvkD/AT6+v/6+/YJ+gH+Bv75DP4I+wUOCfUEDAMOAvwA/wP3AfX+9AIF8vsAA/sJB/P3+QUO"
    "BAQI9ff8+PcOAA0EAgQEBwH6Av8IBAYEBw0DDfsCAPELAgb0CPsF+QEO/Ar9/fsAAPEMB/4BAv/8CgYCCQD+9fMB9/0M/QoADQcNAwEJAPn6DPzy"
    "Bg0F/P4L/wj+9v/78gD8Bwb2Afn9Cfr5AwsBCgT4/gYB9fUJ+QH/BP4MB/j5DAcKAwD58wYG/f0FCAX5CQcNB/gK+gnyA/QABPoE9/r49vf49Pf3"
    "/w759QELDfr89gEJAQ35/gj5/v/9BgsH+gEJDAMC/Pr6CPv9CggHBf3y/vT1//n/DP0M9w7+CAz6CfwM/g4CDgQDAwUF9AAM/fX5/P0F9QYLBQH5"
    "AP78+QP9/A4B+fsKCAH/Avb5AQj5DPsGBgANA/4I/vz0AvT8BwcM+gAHAAX/Cf/y+P34AfkI9/b2+/T6APf/DvMF+Q0HDAL3/P729fb7+wQEAAP+"
    "8/378gDzBAsK9f8G/PUA9//3+gQD9v739gQACwz//vv5+wb0+w4M+gIOAQkLBw4E/wMA9g8ADP0I9wgK8v/2AAD+Agf4A/oABfMF+An3CvoJAgkF"
    "CfsH/Pz2/fP19/b6AQv/BwP3AQgFDggIAQAN+gX1/wIDCA4DA/QGAPv7+fwF+wH4AAX7BvgF///98wr5DAn+9/74BgUDAgT79QXzBwQFBgn2+vMH"
    "A/YH8wgBCP/1CvcIAwoG9f0O/wz3BfoI+fr2/wkICQv8+v4C/fkADQD2+g339P8JAA8F+gLy/Pf/DAcJAgL/BgEJ/P38BQH7//f0+/L/AQ78AQL4"
    "/P7+/gAC+PcABvr5BPv89QH09wL+Bgj8AP71+vIEAQL5+vcM8wL2BA4BDAIHAQgD9/32+v4NAPEH9wsGAfUACvUK8v4D+QMLAAb/AwkBBv4DAggF"
    "BwoDCAIGAQsJAAX6+fT99Q=="
)


def _unpack(text: str) -> Array:
    """Return N×4 int8 from the base64 of their bytes."""
    return np.frombuffer(base64.b64decode(text), np.int8).reshape(-1, 4)


TESTS = _unpack(_CHOSEN)
