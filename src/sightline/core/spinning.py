"""Waiting a moment awake: what threads share out work with, where falling asleep costs more than the work.

A sleeping thread needs some 50 µs to wake, most kernels little more. So threads look at a number in memory for a
while, outside Python, before they sleep. The number is a hint alone: what is true stands in a lock or a queue.
"""

from __future__ import annotations

import platform
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core import cgutils
from numba.np.arrayobj import make_array

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


@intrinsic
def read_shared(_: Any, cell: Any) -> Any:
    """Return the first number of an int64 array as it is in memory now, whoever wrote it."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.load_atomic(make_array(signature.args[0])(context, builder, args[0]).data, "acquire", 8)

    return types.int64(cell), build


@intrinsic
def write_shared(_: Any, cell: Any, value: Any) -> Any:
    """Write the first number of an int64 array so that other threads see it, and all that was written before."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = make_array(signature.args[0])(context, builder, args[0]).data
        builder.store_atomic(args[1], place, "release", 8)
        return context.get_dummy_value()

    return types.void(cell, types.int64), build


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
