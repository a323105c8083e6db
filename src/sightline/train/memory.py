"""Keep the memory of one step for the next: fresh pages cost a tenth of a training step on a CPU.

By default the C library gives every large block back to the system as soon as it is freed, and each step pays again for
clearing the same pages. GNU C Library manual, "Malloc Tunable Parameters".
"""

from __future__ import annotations

import contextlib
import ctypes
import platform
from collections.abc import Iterator

# The numbers of mallopt's parameters in <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -3, -4
_KEPT = {_TRIM_THRESHOLD: -1, _MMAP_MAX: 0}
# Where a process that frees large blocks has arrived by itself: the library adapts up to these, until they are set.
_USUAL = {_TRIM_THRESHOLD: 64 << 20, _MMAP_THRESHOLD: 32 << 20, _MMAP_MAX: 65536}


@contextlib.contextmanager
def kept_memory() -> Iterator[None]:
    """Keep freed memory in the process within the block; elsewhere than under the GNU C library nothing changes."""
    if platform.libc_ver()[0] != "glibc":
        yield
        return
    library = ctypes.CDLL(None)
    for parameter, value in _KEPT.items():
        library.mallopt(parameter, value)
    try:
        yield
    finally:
        for parameter, value in _USUAL.items():
            library.mallopt(parameter, value)
        library.malloc_trim(0)
