"""Kernels on the threads that PyTorch has: between its operations, a second pool would find no processor free.

The threads of OpenMP look out for more work for milliseconds after each operation of PyTorch, longer than a whole
layer lasts. A thread of another pool shares a processor with them meanwhile. So a kernel between two such operations
asks the same library for the same threads. Where there is no such library, threads of :mod:`sightline.core.kernels` do.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
import torch
from llvmlite import ir
from numba import extending, types
from numba.core import cgutils

from sightline.core.kernel_cache import watch_all_files
from sightline.core.kernels import over_rows

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know
_SIGNATURE = types.void(types.int64)


@intrinsic
def take(_: Any, address: Any) -> Any:
    """Return the int64 at an address and leave it one larger, in one step that no other thread sees half done."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        number = ir.IntType(64)
        return builder.atomic_rmw("add", builder.inttoptr(args[0], number.as_pointer()), number(1), "acq_rel")

    return types.int64(types.int64), build


@intrinsic
def read(_: Any, address: Any) -> Any:
    """Return the int64 at an address as it is in memory now, and see all that was written before it was."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.load_atomic(builder.inttoptr(args[0], ir.IntType(64).as_pointer()), "acquire", 8)

    return types.int64(types.int64), build


@intrinsic
def give_way(_: Any) -> Any:
    """Let a thread that has no processor have this one, where the system can be asked to."""

    def build(context: Any, builder: Any, _: Any, __: Any) -> Any:
        if sys.platform != "win32":
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_yield"), [])
        return context.get_dummy_value()

    return types.void(), build


@intrinsic
def pointer_to(_: Any, address: Any) -> Any:
    """Return an address as a pointer, of which ``numba.carray`` makes an array."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), build


def threads_kernel(function: Callable[[int], None]) -> Any:
    """Compile a function that several threads run at once, each with the address of the same job; cached on disk.

    It shares the job out by :func:`take`, and must not raise.
    """
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    watch_all_files(compiled, function)
    return compiled


def on_torch_threads(work: Any, job: np.ndarray, threads: int) -> None:
    """Run a kernel once on each of ``threads`` threads, of which this one is the first, until all have returned.

    Parameters
    ----------
    work
        What :func:`threads_kernel` returned.
    job
        An array that it knows; it gets the address.
    threads
        How many, ≥ 1: ``torch.get_num_threads()`` or fewer.
    """
    address = job.ctypes.data
    if threads == 1:
        work(address)
        return
    fork = _openmp()
    if fork is None:
        over_rows(lambda *_: work(address), threads, strip=1)
    else:
        fork(_native(work), address, threads, 0)


@lru_cache(maxsize=8)
def _native(work: Any) -> int:
    """Return the address of machine code that C can call."""
    compiled = work.get_compile_result(_SIGNATURE)
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name)


@lru_cache(maxsize=1)
def _openmp() -> Any:
    """Return what starts a parallel region of the OpenMP library that PyTorch uses; None where it cannot be told."""
    if sys.platform != "linux":
        return None
    own = sorted(Path(torch.__file__).parent.glob("lib/libgomp*.so*"))
    library = ctypes.CDLL(str(own[0]) if own else None)
    fork = getattr(library, "GOMP_parallel", None)
    if fork is None or library.omp_get_max_threads() != torch.get_num_threads():
        return None
    fork.argtypes, fork.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint, ctypes.c_uint], None
    return fork
