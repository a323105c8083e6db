"""Eight numbers as one value in a kernel: arithmetic on them is spelled like arithmetic on one, and is as many steps.

Operators take two vectors of one kind or, in arithmetic, a vector and a number of its kind. Comparisons
give vectors of truth, which ``&`` joins. Offsets into arrays, which are flat and contiguous, are not checked.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import extending, types
from numba.core.datamodel import models
from numba.np.arrayobj import make_array

LANES = 8
intrinsic: Any = extending.intrinsic  # kernels leave out the first argument, which type checkers cannot know


class Vector(types.Type):
    """The type of eight float32, int32 or bool."""

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        super().__init__(name=f"Vector({kind})")


@extending.register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: Vector) -> None:
        super().__init__(manager, vector, _eight(vector.kind))


def _eight(kind: Any) -> Any:
    if kind == types.float32:
        return ir.VectorType(ir.FloatType(), LANES)
    return ir.VectorType(ir.IntType(1 if kind == types.boolean else kind.bitwidth), LANES)


FLOATS, INTS, TRUTHS = Vector(types.float32), Vector(types.int32), Vector(types.boolean)


def repeated(builder: Any, value: Any) -> Any:
    """Return IR for eight times a value."""
    single = builder.insert_element(
        ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined), value, ir.IntType(32)(0)
    )
    return builder.shuffle_vector(single, single, ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES))


def pointer(context: Any, builder: Any, kind: Any, array: Any, offset: Any) -> Any:
    """Return IR for the address of a number of a flat array."""
    return builder.gep(make_array(kind)(context, builder, array).data, [offset])


@intrinsic
def load(_: Any, array: Any, at: Any) -> Any:
    """Return eight neighbours of a float32 or int32 array, from number ``at`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[0], *args)
        return builder.load(builder.bitcast(place, _eight(array.dtype).as_pointer()), align=4)

    return Vector(array.dtype)(array, types.int64), build


@intrinsic
def load_pairs(_: Any, array: Any, at: Any) -> Any:
    """Return the first and the second numbers of eight pairs of a float32 array, from number ``at`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[0], *args)
        pairs = builder.load(builder.bitcast(place, ir.VectorType(ir.FloatType(), 2 * LANES).as_pointer()), align=4)
        lanes = ir.VectorType(ir.IntType(32), LANES)
        parts = [
            builder.shuffle_vector(pairs, pairs, ir.Constant(lanes, list(range(k, 2 * LANES, 2)))) for k in range(2)
        ]
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(FLOATS, 2)(array, types.int64), build


@intrinsic
def store(_: Any, vector: Any, array: Any, at: Any) -> Any:
    """Write eight numbers to an array of their kind, from number ``at`` on."""

    def build(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = pointer(context, builder, signature.args[1], *args[1:])
        builder.store(args[0], builder.bitcast(place, args[0].type.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(vector, array, types.int64), build


@intrinsic
def count_from(_: Any, first: Any) -> Any:
    """Return a float32 number, the one larger by 1, and so on."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        steps = ir.Constant(_eight(types.float32), [float(lane) for lane in range(LANES)])
        return builder.fadd(repeated(builder, args[0]), steps)

    return FLOATS(types.float32), build


@intrinsic
def floor(_: Any, vector: Any) -> Any:
    """Return eight float32, or one, rounded down."""
    name = "llvm.floor.v8f32" if vector == FLOATS else "llvm.floor.f32"
    return vector(vector), lambda _, builder, __, args: call(builder, name, args)


@intrinsic
def choose(_: Any, truths: Any, a: Any, b: Any) -> Any:
    """Return the numbers of ``a`` where true and of ``b`` where not: eight, or one; one is as good as eight alike."""
    number = next((kind.kind for kind in (a, b) if isinstance(kind, Vector)), a)

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        truths, *numbers = args
        if isinstance(truths.type, ir.VectorType):
            numbers = [n if isinstance(n.type, ir.VectorType) else repeated(builder, n) for n in numbers]
        return builder.select(truths, *numbers)

    return (Vector(number) if truths == TRUTHS else number)(truths, a, b), build


@intrinsic
def whole(_: Any, vector: Any) -> Any:
    """Return eight float32, all in the range of int32, as int32 without their fractions."""
    return INTS(FLOATS), lambda _, builder, __, args: builder.fptosi(args[0], _eight(types.int32))


@intrinsic
def all_of(_: Any, truths: Any) -> Any:
    """Return whether all eight are true."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.icmp_unsigned("==", builder.bitcast(args[0], ir.IntType(LANES)), ir.IntType(LANES)(2**LANES - 1))

    return types.boolean(TRUTHS), build


@intrinsic
def any_of(_: Any, truths: Any) -> Any:
    """Return whether one of eight is true."""

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        return builder.icmp_unsigned("!=", builder.bitcast(args[0], ir.IntType(LANES)), ir.IntType(LANES)(0))

    return types.boolean(TRUTHS), build


def call(builder: Any, name: str, args: Any) -> Any:
    """Return IR for one of LLVM's functions of vectors of one type."""
    kind = ir.FunctionType(args[0].type, [arg.type for arg in args])
    return builder.call(builder.module.globals.get(name) or ir.Function(builder.module, kind, name), args)


def _arithmetic(operation: Any, floats: str, ints: str = "") -> None:
    def typer(_: Any) -> Any:
        def result(a: Any, b: Any) -> Any:
            vector = a if isinstance(a, Vector) else b
            fits = vector == FLOATS or (vector == INTS and ints != "")
            return vector if fits and {a, b} <= {vector, vector.kind} else None

        return result

    def build(_: Any, builder: Any, signature: Any, args: Any) -> Any:
        a, b = (value if isinstance(value.type, ir.VectorType) else repeated(builder, value) for value in args)
        return getattr(builder, floats if signature.return_type == FLOATS else ints)(a, b)

    extending.type_callable(operation)(typer)
    for pair in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        extending.lower_builtin(operation, *pair)(build)


def _comparison(operation: Any, sign: str) -> None:
    def typer(_: Any) -> Any:
        return lambda a, b: TRUTHS if a == FLOATS and b in (FLOATS, types.float32) else None

    def build(_: Any, builder: Any, __: Any, args: Any) -> Any:
        a, b = (value if isinstance(value.type, ir.VectorType) else repeated(builder, value) for value in args)
        return builder.fcmp_ordered(sign, a, b)

    extending.type_callable(operation)(typer)
    for other in (Vector, types.Number):
        extending.lower_builtin(operation, Vector, other)(build)


_arithmetic(operator.add, "fadd", "add")
_arithmetic(operator.sub, "fsub", "sub")
_arithmetic(operator.mul, "fmul", "mul")
_arithmetic(operator.truediv, "fdiv")
for _operation, _sign in (
    (operator.lt, "<"),
    (operator.le, "<="),
    (operator.gt, ">"),
    (operator.ge, ">="),
    (operator.eq, "=="),
):
    _comparison(_operation, _sign)


@extending.type_callable(operator.and_)
def _and(_: Any) -> Any:
    return lambda a, b: TRUTHS if a == b == TRUTHS else None


@extending.lower_builtin(operator.and_, Vector, Vector)
def _build_and(_: Any, builder: Any, __: Any, args: Any) -> Any:
    return builder.and_(*args)
