"""Waiting a moment awake: what threads share out work with, where falling asleep costs more than the work.

A sleeping thread needs some 50 µs to wake, most kernels little more. So threads look at a number in memory for a
while, outside Python, before they sleep. The number is a hint alone: what is true stands in a lock or a queue.
"""

from __future__ import annotations

import platform
import sys
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.np.arrayobj import make_array

_WORD = ir.IntType(64)
intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


def place_of(context: Any, builder: Any, kind: Any, numbers: Any, at: Any) -> Any:
    """Return IR for the address of a number of a flat array."""
    return builder.gep(make_array(kind)(context, builder, numbers).data, [at])


@intrinsic
def look(_: Any, numbers: Any, at: Any) -> Any:
    """Return a number of an int64 array as all threads see it."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(place_of(context, builder, signature.args[0], *args), "seq_cst", 8)

    return types.int64(numbers, types.int64), build


@intrinsic
def put(_: Any, numbers: Any, at: Any, value: Any) -> Any:
    """Write a number of an int64 array for all threads to see, after all that was written before."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = place_of(context, builder, signature.args[0], *args[:2])
        builder.store_atomic(args[2], place, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(numbers, types.int64, types.int64), build


@intrinsic
def add(_: Any, numbers: Any, at: Any, value: Any) -> Any:
    """Add to a number of an int64 array; return what it was before."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = place_of(context, builder, signature.args[0], *args[:2])
        return builder.atomic_rmw("add", place, args[2], "seq_cst")

    return types.int64(numbers, types.int64, types.int64), build


@intrinsic
def take(_: Any, numbers: Any, at: Any) -> Any:
    """Make a number of an int64 array 1 where it was 0; return whether it was."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = place_of(context, builder, signature.args[0], *args)
        done = builder.cmpxchg(place, _WORD(0), _WORD(1), "seq_cst", "seq_cst")
        return builder.extract_value(done, 1)

    return types.boolean(numbers, types.int64), build


@intrinsic
def breathe(_: Any) -> Any:
    """Let a thread that shares this processor's core go first, where there is an instruction for it."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        nothing, number = ir.VoidType(), ir.IntType(32)
        machine = platform.machine().lower()
        if machine in ("x86_64", "amd64"):
            pause = ir.FunctionType(nothing, [])
            builder.call(cgutils.get_or_insert_function(builder.module, pause, "llvm.x86.sse2.pause"), [])
        elif machine in ("aarch64", "arm64"):
            hint = ir.FunctionType(nothing, [number])
            builder.call(cgutils.get_or_insert_function(builder.module, hint, "llvm.aarch64.hint"), [number(1)])
        return context.get_dummy_value()

    return types.void(), build


@intrinsic
def processor(_: Any) -> Any:
    """Return the number of the processor that the calling thread is on, below 0 where the system does not say."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        if sys.platform != "linux":
            return _WORD(-1)
        kind = ir.FunctionType(ir.IntType(32), [])
        return builder.sext(
            builder.call(cgutils.get_or_insert_function(builder.module, kind, "sched_getcpu"), []), _WORD
        )

    return types.int64(), build
