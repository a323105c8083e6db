"""Memory is kept between steps and given back after them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sightline.train.memory import kept_memory

_COUNT = """
import ctypes, platform, resource, sys
from sightline.train.memory import kept_memory
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
def step():
    block = library.malloc(64 << 20)
    ctypes.memset(block, 1, 64 << 20)
    library.free(block)
def cost(times):
    before = faults()
    for _ in range(times): step()
    return faults() - before
plain = cost(5)
with kept_memory():
    step()
    kept = cost(5)
resident = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
print(plain, kept, resident < (64 << 20) + (40 << 20))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library's parameters are glibc's")
def test_pages_are_faulted_once_and_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", _COUNT], capture_output=True, text=True, check=True)
    plain, kept, given_back = done.stdout.split()
    assert int(kept) * 10 < int(plain)
    assert given_back == "True"


def test_an_error_inside_is_passed_on() -> None:
    with pytest.raises(KeyError, match="x"), kept_memory():
        raise KeyError("x")
