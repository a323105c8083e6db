"""A board on which a kernel is handed to waiting threads without Python: for kernels that take little longer than that.

Threads that wait awake look at one *board*, an int64 array. Who has a kernel to share out takes the board, if it is
free, writes down where the machine code and the arguments are, and how many rows there are; then all claim strips by
adding to one number. The owner takes the offer off, waits until the last helper has left, and frees the board. A helper
first says that it is inside and only then reads the offer, so that no offer disappears from under it.
"""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.np.arrayobj import make_array

from sightline.core.compiling import kernel
from sightline.core.spinning import add, breathe, intrinsic, look, place_of, processor, put, take

# Places on the board; those that are written while others look at them lie in cache lines of their own.
OWNED, AWAKE, INSIDE, _OFFER, _NEXT = range(0, 80, 16)
_ROWS, _STRIP, FAILED, POSTER, _ARGUMENTS = 80, 81, 82, 83, 96
_SIZE = 320
REFUSED, DONE, LATE = 0, 1, 2  # what `share` returns
_WORD = ir.IntType(64)
_STRIP_TYPE = ir.FunctionType(ir.IntType(32), [ir.IntType(8).as_pointer(), _WORD, _WORD])


def new_board() -> np.ndarray:
    """Return a board on which nothing is offered."""
    board = np.zeros(_SIZE, np.int64)
    board[POSTER] = -1
    return board


@intrinsic
def write_down(typing: Any, board: Any, function: Any, args: Any) -> Any:
    """Copy the arguments of a kernel to the board; return the address of a function that does a strip with them."""
    signature = function.get_call_type(typing, (*args, types.int64, types.int64), {})

    def build(context: Any, builder: Any, here: Any, values: Any) -> Any:
        packed = values[2]
        for k, kind in enumerate(args):
            if isinstance(kind, types.Array):  # without an owner: the helper counts no references
                array = make_array(kind)(context, builder, builder.extract_value(packed, k))
                for name in ("meminfo", "parent"):
                    setattr(array, name, cgutils.get_null_value(getattr(array, name).type))
                packed = builder.insert_value(packed, array._getvalue(), k)
        if context.get_abi_sizeof(packed.type) > 8 * (_SIZE - _ARGUMENTS):
            raise TypeError(f"{function}: its arguments do not fit on the board.")
        place = place_of(context, builder, here.args[0], values[0], _WORD(_ARGUMENTS))
        builder.store(packed, builder.bitcast(place, packed.type.as_pointer()), align=8)
        strip = _strip_function(context, builder, function, signature, packed.type)
        return builder.ptrtoint(strip, _WORD)

    return types.int64(board, function, args), build


def _strip_function(context: Any, builder: Any, function: Any, signature: Any, packed: Any) -> Any:
    """Return a function of the module that calls a kernel with arguments from memory, and says whether it raised."""
    compiled = function.dispatcher.overloads[signature.args]
    context.add_linking_libs([compiled.library])
    strip = ir.Function(builder.module, _STRIP_TYPE, builder.module.get_unique_name("strip"))
    strip.linkage = "internal"
    inner = ir.IRBuilder(strip.append_basic_block())
    there = inner.load(inner.bitcast(strip.args[0], packed.as_pointer()), align=8)
    values = [inner.extract_value(there, k) for k in range(len(signature.args) - 2)]
    callee = context.declare_function(builder.module, compiled.fndesc)
    status, _ = context.call_conv.call_function(
        inner, callee, signature.return_type, signature.args, [*values, *strip.args[1:]]
    )
    inner.ret(inner.zext(status.is_error, ir.IntType(32)))
    return strip


@intrinsic
def _do_strip(_: Any, board: Any, address: Any, y0: Any, y1: Any) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        board, address, y0, y1 = args
        place = place_of(context, builder, signature.args[0], board, _WORD(_ARGUMENTS))
        strip = builder.inttoptr(address, _STRIP_TYPE.as_pointer())
        failed = builder.call(strip, [builder.bitcast(place, ir.IntType(8).as_pointer()), y0, y1])
        return builder.zext(failed, _WORD)

    return types.int64(board, types.int64, types.int64, types.int64), build


@kernel
def claim_strips(board, address):
    """Do strips of what is offered until there are none left; return whether there were any."""
    rows, strip = board[_ROWS], board[_STRIP]
    first = y0 = add(board, _NEXT, strip)
    while y0 < rows:
        if _do_strip(board, address, y0, min(y0 + strip, rows)) != 0:
            put(board, FAILED, 1)
        y0 = add(board, _NEXT, strip)
    return first < rows


@kernel
def look_out(board, tell, told, before, turns, grace):
    """Write 1 to ``tell``; help with what is offered until ``told`` is not ``before``, then wait ``grace`` turns.

    Gives up when nothing came for ``turns`` turns.
    """
    put(tell, 0, 1)
    add(board, AWAKE, 1)
    left = turns
    while left > 0 and look(told, 0) == before:
        if look(board, _OFFER) != 0 and look(board, _NEXT) < look(board, _ROWS):
            add(board, INSIDE, 1)
            address = look(board, _OFFER)
            if address != 0 and claim_strips(board, address):  # who comes too late is one too many, and may sleep
                left = turns
            add(board, INSIDE, -1)
        breathe()
        left -= 1
    add(board, AWAKE, -1)
    if left > 0:
        for _ in range(grace):
            breathe()


@kernel
def stand_on(board):
    """Write down which processor the caller is on, who has something to share out."""
    put(board, POSTER, processor())


@kernel
def meets(board):
    """Return whether the caller is on the processor of who shared something out last: one keeps the other from it."""
    return 0 <= look(board, POSTER) == processor()


@kernel
def offer(board, address, turns, rows, strip):
    """Do ``rows`` rows with what is written down, together with who sees it; return what :func:`share` does."""
    board[_ROWS], board[_STRIP] = rows, strip
    put(board, POSTER, processor())
    put(board, FAILED, 0)
    put(board, _NEXT, 0)
    put(board, _OFFER, address)
    claim_strips(board, address)
    put(board, _OFFER, 0)
    while look(board, INSIDE) != 0:
        if turns == 0:
            return LATE
        breathe()
        turns -= 1
    failed = look(board, FAILED)
    put(board, OWNED, 0)
    return REFUSED if failed != 0 else DONE


FUNCTION: Any = None  # the kernel that is shared; each one has its own copy of :func:`share`


def share(board, turns, rows, strip, *args):
    """Do ``FUNCTION(*args, y0, y1)`` for all strips, together with the threads that are awake or wake up meanwhile.

    Returns :data:`DONE`; or :data:`REFUSED` when the board is taken or the kernel raised, so that all is to be done in
    another way; or :data:`LATE` when one of the helpers is still at its last strip after ``turns`` turns: the board is
    then the caller's until there is nobody inside any more.
    """
    if not take(board, OWNED):
        return REFUSED
    return offer(board, write_down(board, FUNCTION, args), turns, rows, strip)


def sharing(function: Any) -> Any:
    """Return :func:`share` compiled for one kernel and kept on disk beside it."""
    own = function.py_func
    name = f"{own.__name__}_shared"
    code = share.__code__.replace(
        co_filename=own.__code__.co_filename, co_firstlineno=own.__code__.co_firstlineno, co_name=name
    )
    used = {key: value for key, value in globals().items() if key in code.co_names}
    copy = FunctionType(code, {**own.__globals__, **used, "FUNCTION": function}, name)
    copy.__module__, copy.__qualname__ = own.__module__, f"{own.__qualname__}_shared"
    return kernel(copy)
