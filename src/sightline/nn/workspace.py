"""Memory for what lies between two steps of a computation, kept from one call to the next."""

from __future__ import annotations

import threading

import numpy as np


class Workspace(threading.local):
    """Memory that the calling thread keeps, for itself and those that help it: new pages cost more than the work."""

    def __init__(self) -> None:
        self.held: dict[str, np.ndarray] = {}
        self.places: dict[str, tuple[int, int]] = {}

    def hold(self, name: str, size: int) -> np.ndarray:
        """Return at least ``size`` bytes."""
        found = self.held.get(name)
        if found is None or found.nbytes < size:
            self.held[name] = found = aligned(size)
            self.places[name] = found.ctypes.data, found.nbytes
        return found

    def at(self, name: str, size: int) -> int:
        """Return the address of at least ``size`` bytes, which stay until more are asked for by this name."""
        found = self.places.get(name)
        return found[0] if found is not None and found[1] >= size else self.hold(name, size).ctypes.data


workspace = Workspace()


def aligned(size: int) -> np.ndarray:
    """Return zeros that begin where a line of the cache does: vectors across two lines take twice as long."""
    raw = np.zeros(size + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size]
