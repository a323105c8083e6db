"""A call as a trace: the steps of the method, or what went in and what came out where it shows none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sightline.apply.call import Call, retry_in_gray
from sightline.apply.outputs import as_picture, drawn, parts_of
from sightline.apply.plain import plain
from sightline.apply.values import plain_options
from sightline.core.canvas import Canvas
from sightline.core.errors import InputError
from sightline.core.layers import Boxes, Curve, Heat, Labels, Layer, Mask, Picture, Points, Table, Value
from sightline.core.trace import Step, Trace, steps_of

_SHOWN = 2000  # numbers of a result that are told one by one


def no_stop() -> None:
    """Go on: what is asked between two steps where nobody can cancel."""


def trace_call(
    call: Call, *, steps: bool = True, stop: Callable[[], None] = no_stop, scale: float = 1.0
) -> tuple[Trace, Any, Call]:
    """Run a call; return its trace, the result, and the call as it was made in the end (in grey, perhaps).

    Parameters
    ----------
    call
        The method with its arguments.
    steps
        Whether to show the way; otherwise the result alone.
    stop
        Called between steps; raises to cancel.
    scale
        What the picture was shrunk by, for the trace's header.
    """
    result, milliseconds, call = run_call(call)
    stop()
    taken: list[Step] = []
    if steps and call.entry.steps is not None:
        for step in steps_of(call.entry, call.first, **call.options):
            taken.append(step)
            stop()
    else:
        taken = [*([_input(call)] if steps else []), *result_steps(call, result)]
    about: dict[str, Any] = {"milliseconds": round(milliseconds, 3)}
    if isinstance(call.first, np.ndarray) and call.first.ndim >= 2:
        about |= {"size": [call.first.shape[1], call.first.shape[0]], "scale": scale}
    name = f"{call.entry.field}.{call.entry.name}"
    return Trace(name, plain_options(call.options), tuple(taken), about), result, call


def run_call(call: Call) -> tuple[Any, float, Call]:
    """Return the result, the milliseconds, and the call as it was made: in grey where the method takes no colour."""
    try:
        return (*call.run(), call)
    except InputError as error:
        gray = retry_in_gray(call, error)
        if gray is None:
            raise
    return (*gray.run(), gray)


def _input(call: Call) -> Step:
    first = call.first
    if isinstance(first, np.ndarray):
        if call.entry.parameters[0].kind == "points" and first.ndim == 2:
            return Step("input", Table(first, ("x", "y")), Curve(first.astype(np.float64)))
        if first.ndim in (2, 3) and first.dtype.kind in "buif":
            return Step("input", array_layer(first))
    if isinstance(first, (list, tuple)) and first and all(isinstance(item, np.ndarray) for item in first):
        return Step("input", *[Picture(as_picture(item)) for item in first[:1]])
    return Step("input", Value(short(first)))


def result_steps(call: Call, result: Any) -> Iterator[Step]:
    """Yield a result as steps: one for each picture that it holds, else what can be drawn of it and its numbers."""
    pictures, others = parts_of(call.entry, result, call.first)
    for name, part in pictures.items():
        yield Step(name or "result", array_layer(part, is_image=call.entry.returns == "image"))
    if not others:
        return
    values = next(iter(others.values())) if list(others) == [""] else others
    layers = list(_shown(call, result, values))
    yield Step("result" if not pictures else "values", *layers)


def _shown(call: Call, result: Any, values: Any) -> Iterator[Layer]:
    yield Value(short(values))
    overlay = _overlay(call, values)
    if overlay:
        yield from overlay
        return
    if call.entry.steps is None or not isinstance(call.first, np.ndarray):
        picture = drawn(call.entry, result, call.first, call.options) if call.entry.steps is None else None
        if picture is not None:
            yield Picture(picture)
    else:
        last = list(steps_of(call.entry, call.first, **call.options))[-1]
        yield from last.layers[1:]
        return
    if isinstance(values, np.ndarray) and values.size:
        if values.ndim == 1 and values.size > 8 and values.dtype.kind in "iuf":
            yield Curve(np.stack([np.arange(values.size), values], axis=1).astype(np.float64), ("index", "value"))
        elif values.ndim == 2 and values.shape[1] <= 16 and values.dtype.kind in "biuf":
            yield Table(values[:_SHOWN], ())


def _overlay(call: Call, values: Any) -> list[Layer]:
    """Return boxes or points over the picture that they were found in."""
    if not isinstance(values, np.ndarray) or not isinstance(call.first, np.ndarray) or call.first.ndim < 2:
        return []
    if call.entry.parameters[0].kind == "points":
        return [Curve(values.astype(np.float64))] if values.ndim == 2 and values.shape[1] == 2 else []
    if call.entry.returns == "boxes":
        return [array_layer(call.first), Boxes(values[:200])]
    if call.entry.returns == "points":
        return [array_layer(call.first), Points(values)]
    return []


def array_layer(array: np.ndarray, *, is_image: bool = True) -> Layer:
    """Return the layer that shows an array: a picture, a mask, labels, or values as heat."""
    if array.dtype == np.bool_:
        return Mask(array)
    if array.dtype == np.int32 and array.ndim == 2:
        return Labels(array)
    if array.dtype in (np.uint8, np.uint16) or (array.dtype == np.float32 and is_image):
        return Picture(array if array.ndim == 2 or array.shape[2] == 3 else array[..., 0])
    if np.iscomplexobj(array):
        return Heat(np.log1p(np.abs(array if array.ndim == 2 else array[..., 0])).astype(np.float32))
    if array.ndim == 2:
        return Heat(array.astype(np.float32))
    return Picture(as_picture(array))


def picture_of(call: Call, result: Any) -> np.ndarray | None:
    """Return a result as something to look at, H×W or H×W×3 uint8 or uint16; None when it is no picture."""
    pictures, _ = parts_of(call.entry, result, call.first)
    if pictures:
        return as_picture(next(iter(pictures.values())))
    shown = drawn(call.entry, result, call.first, call.options)
    if shown is None and isinstance(result, np.ndarray) and result.ndim == 2 and result.dtype.kind in "bu":
        return Canvas(as_picture(result)).image()
    return shown


def short(value: Any) -> Any:
    """Return a value as JSON of bounded length: a large array by its shape, dtype and range."""
    if isinstance(value, np.ndarray) and value.size > _SHOWN:
        told: dict[str, Any] = {"shape": list(value.shape), "dtype": value.dtype.name}
        if value.dtype.kind in "biuf":
            told |= {"min": plain(value.min()), "max": plain(value.max()), "mean": plain(value.mean())}
        return told
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return [short(item) for item in value[:_SHOWN]]
    if hasattr(value, "_asdict"):
        return {name: short(item) for name, item in value._asdict().items()}
    if isinstance(value, dict):
        return {str(name): short(item) for name, item in value.items()}
    return plain(value)
