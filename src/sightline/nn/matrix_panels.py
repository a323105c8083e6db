"""Products of small matrices that lie in panels, with as many sums in registers as there is room for.

Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3): the innermost kernel.

A *left panel* holds up to :data:`ROWS` rows; :data:`LANES` columns of all rows lie together, then the next columns. A
*right panel* holds :data:`WIDTH` columns, row by row. Every number of the left one is multiplied with two vectors of
the right one, and their sums stay in registers from the first product to the last: 14×2 of 16 numbers with AVX-512,
6×2 of 8 with AVX2. Offsets into arrays, which are flat and contiguous float32, are not checked.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba import extending, types
from numba.core import cgutils, config
from numba.np.arrayobj import make_array

from sightline.core.kernels import kernel

intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


def _lanes() -> int:
    """Return how many float32 a register of this processor holds."""
    chosen = getattr(config, "CPU_FEATURES", None)  # what Numba compiles for, where a person has said it
    if chosen is None:
        features = dict(binding.get_host_cpu_features())
    else:
        features = dict.fromkeys(chosen.replace("+", "").split(","), True)
    return 16 if features.get("avx512f") else 8 if features.get("avx2") and features.get("fma") else 4


LANES = _lanes()
WIDTH = 2 * LANES
ROWS = 14 if LANES == 16 else 6
_UNROLLED = 4  # columns of the left panel in one turn of the loop
_LINE = 16  # numbers in a line of the cache
VECTOR = ir.VectorType(ir.FloatType(), LANES)
_BITS = ir.VectorType(ir.IntType(32), LANES)
_SHORT = ir.VectorType(ir.IntType(16), LANES)
FUSE = ("contract",)  # a product and the sum that it goes into may be one instruction
_OFFSET = types.int64


def repeated(builder: Any, value: Any) -> Any:
    """Return IR for a vector of one float32."""
    single = builder.insert_element(ir.Constant(VECTOR, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def place(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    """Return IR for the address of a number of a flat array."""
    return builder.gep(make_array(kind)(context, builder, array).data, [offset])


def load(builder: Any, pointer: Any, offset: Any) -> Any:
    """Return IR for the vector that begins ``offset`` numbers after a pointer to float32."""
    return builder.load(builder.bitcast(builder.gep(pointer, [offset]), VECTOR.as_pointer()), align=4)


def store(builder: Any, vector: Any, pointer: Any, offset: Any) -> None:
    """Write a vector, ``offset`` numbers after a pointer to float32."""
    builder.store(vector, builder.bitcast(builder.gep(pointer, [offset]), VECTOR.as_pointer()), align=4)


def load_short(builder: Any, pointer: Any, offset: Any) -> Any:
    """Return IR for the vector of float32 that begins ``offset`` numbers after a pointer to bfloat16."""
    halves = builder.load(builder.bitcast(builder.gep(pointer, [offset]), _SHORT.as_pointer()), align=2)
    return builder.bitcast(builder.shl(builder.zext(halves, _BITS), _all(16)), VECTOR)


def store_short(builder: Any, vector: Any, pointer: Any, offset: Any) -> None:
    """Write a vector, ``offset`` numbers after a pointer to bfloat16: the nearest ones, of two the even one."""
    bits = builder.bitcast(vector, _BITS)
    odd = builder.and_(builder.lshr(bits, _all(16)), _all(1))
    nearest = builder.add(bits, builder.add(odd, _all(0x7FFF)))
    unknown = builder.fcmp_unordered("uno", vector, vector)
    nearest = builder.select(unknown, builder.or_(bits, _all(1 << 22)), nearest)  # NaN stays NaN
    halves = builder.trunc(builder.lshr(nearest, _all(16)), _SHORT)
    builder.store(halves, builder.bitcast(builder.gep(pointer, [offset]), _SHORT.as_pointer()), align=2)


def _all(value: int) -> Any:
    return ir.Constant(_BITS, [value] * LANES)


def call_for(builder: Any, pointer: Any, near: int = 2) -> None:
    """Ask for what a pointer points at to be brought to a cache (3: the first, 2: the second); it may be nowhere."""
    number = ir.IntType(32)
    pointer = builder.bitcast(pointer, ir.IntType(8).as_pointer())
    kind = ir.FunctionType(ir.VoidType(), [pointer.type, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [pointer, number(0), number(near), number(1)])  # to read it, data


@intrinsic
def _multiply(
    _: Any, left: Any, a: Any, right: Any, b: Any, ahead: Any, out: Any, c: Any, step: Any, rows: Any, groups: Any
) -> Any:
    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        places = [place(context, builder, kinds[k], args[k], args[k + 1]) for k in (0, 2, 5)]
        ahead, step, rows, groups = args[4], *args[7:]
        after = builder.append_basic_block("after")
        choice = builder.switch(rows, after)
        for count in range(1, ROWS + 1):  # the sums of each number of rows have registers of their own
            case = builder.append_basic_block(f"rows{count}")
            choice.add_case(ir.IntType(64)(count), case)
            builder.position_at_end(case)
            _multiply_rows(builder, places, ahead, step, count, groups)
            builder.branch(after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(left, _OFFSET, right, _OFFSET, _OFFSET, out, _OFFSET, _OFFSET, _OFFSET, _OFFSET), build


def _multiply_rows(builder: Any, places: list[Any], ahead: Any, step: Any, count: int, groups: Any) -> None:
    """Emit the product of ``count`` rows with a right panel."""
    left, right, out = places
    offset = ir.IntType(64)
    zero = ir.Constant(VECTOR, [0.0] * LANES)
    sums = [[cgutils.alloca_once(builder, VECTOR) for _ in range(2)] for _ in range(count)]
    for total in (total for pair in sums for total in pair):
        builder.store(zero, total)
    with cgutils.for_range(builder, groups) as group:
        a = builder.gep(left, [builder.mul(group.index, offset(count * LANES))])
        b = builder.gep(right, [builder.mul(group.index, offset(LANES * WIDTH))])
        _multiply_columns(builder, a, b, ahead, sums)
    for r, pair in enumerate(sums):
        for half, total in enumerate(pair):
            at = builder.add(builder.mul(step, offset(r)), offset(half * LANES))
            store(builder, builder.load(total), out, at)


def _multiply_columns(builder: Any, left: Any, right: Any, ahead: Any, sums: list[list[Any]]) -> None:
    """Emit what LANES columns of a left panel add to the sums."""
    offset = ir.IntType(64)
    with cgutils.for_range(builder, offset(LANES // _UNROLLED)) as turn:
        first = builder.mul(turn.index, offset(_UNROLLED))
        a = builder.gep(left, [first])
        b = builder.gep(right, [builder.mul(first, offset(WIDTH))])
        for lane in range(_UNROLLED):
            vectors = [load(builder, b, offset(lane * WIDTH + half * LANES)) for half in range(2)]
            for line in range(0, WIDTH, _LINE):
                call_for(builder, builder.gep(b, [builder.add(ahead, offset(lane * WIDTH + line))]))
            for r, pair in enumerate(sums):
                number = repeated(builder, builder.load(builder.gep(a, [offset(r * LANES + lane)])))
                for total, vector in zip(pair, vectors, strict=True):
                    product = builder.fmul(number, vector, flags=FUSE)
                    builder.store(builder.fadd(builder.load(total), product, flags=FUSE), total)


@kernel
def multiply(left, a, right, b, ahead, out, c, step, rows, groups):
    """Write the product of a left and a right panel.

    ``left`` from number ``a`` on: ``groups`` × ``rows`` × LANES, ``rows`` from 1 to :data:`ROWS`. ``right`` from ``b``
    on: (``groups`` · LANES) × WIDTH; the panel that lies ``ahead`` numbers further on is brought to the second cache.
    ``out`` from ``c`` on: ``rows`` × WIDTH, its rows ``step`` numbers apart.
    """
    _multiply(left, a, right, b, ahead, out, c, step, rows, groups)
