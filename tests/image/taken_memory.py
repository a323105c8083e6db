"""How much memory a call takes beside what it returns."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

from sightline.core import buffers, kernels


def taken_beside_result(call: Callable[[], Any]) -> int:
    """Return the bytes that NumPy holds at the most while one thread does a call, less those of its result.

    What waits for a new owner after the call is none of the result: it was taken. Each thread has a strip of its own,
    and one that helped late lets go of its arrays late: with one, the number is the same every time. What kernels
    allocate themselves is not counted.

    Parameters
    ----------
    call
        Made once before, so that all is compiled.
    """
    threads = kernels.threads()
    kernels.set_threads(1)
    try:
        call()
        buffers.release()
        tracemalloc.start()
        try:
            result = call()
            peak = tracemalloc.get_traced_memory()[1]
            buffers.release()
            kept = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
    finally:
        kernels.set_threads(threads)
    assert result is not None
    return peak - kept
