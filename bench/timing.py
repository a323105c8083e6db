"""Side-by-side timing: ours and a peer take turns in one process, so that whatever else the machine does hits both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

THREADS = 2
_SAMPLE_SECONDS = 2e-3  # short calls are repeated until they last about this long


@dataclass(frozen=True)
class Case:
    """One comparison: the same work on the same data, both writing to an array that is already there.

    Parameters
    ----------
    name
        ``field.method what``, for example ``"image.median_blur 5×5"``.
    peer
        Whom it is compared with: ``"opencv"``, ``"pillow"``.
    ours, peers
        The two calls, without arguments; what they return is compared once before the clock starts.
    bytes
        What must be read and written at least: input plus output.
    within
        Greatest allowed difference of the two outputs; None where they are not comparable number by number.
    """

    name: str
    peer: str
    ours: Callable[[], Any]
    peers: Callable[[], Any]
    bytes: int
    within: float | None = 0


@dataclass(frozen=True)
class Row:
    """What a case measured: medians in milliseconds; ``ratio`` is the peer's time over ours, with its spread."""

    name: str
    peer: str
    ours_ms: float
    peer_ms: float
    ratio: float
    low: float
    high: float
    ours_best_ms: float
    peer_best_ms: float
    limit_ms: float

    def to_json(self) -> dict[str, Any]:
        """Return the row as ``{name, peer, ours_ms, peer_ms, ratio, low, high, limit_ms}``."""
        names = ("ours_ms", "peer_ms", "ratio", "low", "high", "limit_ms")
        numbers = {key: float(f"{getattr(self, key):.4g}") for key in names}
        return {"name": self.name, "peer": self.peer, **numbers}


def measure(case: Case, repeats: int = 15, bandwidth: float = 0.0) -> Row:
    """Time ``case`` in ``repeats`` alternations (≥ 1); ``bandwidth`` in bytes per second gives the row's limit."""
    difference = _difference(case)  # also the warm-up: both sides have compiled and touched their memory
    if case.within is not None and difference > case.within:
        raise ValueError(f"{case.name}: outputs differ from {case.peer} by {difference:g}; allowed is {case.within:g}")
    loops = [_loops(case.ours), _loops(case.peers)]
    times = np.zeros((repeats, 2))
    for turn in range(repeats):
        # Who comes after himself finds his data in the cache, who comes after the other does not: in a turn, each side
        # does both once. A ratio of one side's warm time and the other's cold one would say more of caches than of us.
        for side in (0, 1, 1, 0):
            times[turn, side] += _time((case.ours, case.peers)[side], loops[side]) / 2
    ratios = times[:, 1] / times[:, 0]
    low, ratio, high = np.percentile(ratios, (10, 50, 90))
    ours, peer = np.median(times, axis=0) * 1e3
    best_ours, best_peer = times.min(axis=0) * 1e3
    limit = case.bytes / bandwidth * 1e3 if bandwidth else 0.0
    return Row(case.name, case.peer, ours, peer, ratio, low, high, best_ours, best_peer, limit)


def copy_bandwidth(size: int = 1 << 23) -> float:
    """Return bytes read plus written per second when one thread copies ``size`` bytes, a 1080p RGB picture or so."""
    source, target = np.ones(size, np.uint8), np.empty(size, np.uint8)
    best = min(_time(lambda: np.copyto(target, source), 4) for _ in range(9))
    return 2 * size / best


def _difference(case: Case) -> float:
    # The first pair of calls pays for compilation on both sides.
    ours, peers = case.ours(), case.peers()
    if case.within is None:
        return 0.0
    ours, peers = np.asarray(ours), np.asarray(peers)
    return float(np.abs(ours.astype(np.float64) - peers.astype(np.float64)).max())


def _loops(call: Callable[[], Any]) -> int:
    return max(1, round(_SAMPLE_SECONDS / min(_time(call, 1) for _ in range(3))))


def _time(call: Callable[[], Any], loops: int) -> float:
    start = time.perf_counter()
    for _ in range(loops):
        call()
    return (time.perf_counter() - start) / loops
