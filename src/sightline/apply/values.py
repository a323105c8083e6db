"""JSON values as a method's options: numbers, words and flags as they are, lists as tuples, tables or footprints."""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping
from typing import Any

import numpy as np

from sightline.apply.inputs import says_true_or_false
from sightline.core.catalogue import Method, Parameter
from sightline.core.checks import describe
from sightline.core.errors import InputError, suggest

MAX_NUMBERS = 200_000  # in one list
MAX_PIXELS = 25_000_000  # of a result whose shape is asked for
MAX_WHOLE = 100_000  # a whole number that no range bounds: bins, segments, iterations
_TABLES = ("points", "boxes", "flow", "array", "image", "mask", "labels")


def values_from_json(entry: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as the method takes them; raise :class:`InputError` for names that it does not have.

    Parameters
    ----------
    entry
        The method.
    given
        JSON values by parameter. None stands for what the default is.
    """
    known = {parameter.name: parameter for parameter in entry.parameters if parameter.name != "out"}
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            listed = ", ".join(known)
            raise InputError(f"{entry.name}: has no parameter '{name}'.{suggest(name, known)} It has {listed}.")
        if value is not None:
            values[name] = _value(entry, known[name], value)
    return values


def _value(entry: Method, parameter: Parameter, value: Any) -> Any:
    if isinstance(value, Mapping):
        raise InputError(f"{entry.name}: {parameter.name} must be a number, a word or a list; got {describe(value)}.")
    if not isinstance(value, list):
        return _bounded(entry, parameter, value)
    if _count(value) > MAX_NUMBERS:
        raise InputError(f"{entry.name}: {parameter.name} must hold at most {MAX_NUMBERS:,} numbers.")
    if parameter.kind in _TABLES:
        return _table(entry, parameter, value)
    if parameter.kind == "int" and value and isinstance(value[0], list):
        return _numbers(entry, parameter.name, value) != 0  # a footprint
    if value and isinstance(value[0], list):
        return _rows(entry, parameter, value)
    if parameter.name == "shape" and all(isinstance(item, (int, float)) for item in value):
        _check_pixels(entry, value)
    return tuple(_bounded(entry, parameter, item) for item in value)


def _bounded(entry: Method, parameter: Parameter, value: Any) -> Any:
    """Refuse whole numbers that only make sense as an attack; ranges that a method states it checks itself."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) > MAX_WHOLE:
        wide = parameter.high is not None and abs(parameter.high) > MAX_WHOLE
        if parameter.kind in ("int", "other") and not wide and parameter.name != "seed" and math.isfinite(value):
            raise InputError(f"{entry.name}: {parameter.name} must be at most {MAX_WHOLE:,} here; got {value:,}.")
    return value


def _check_pixels(entry: Method, shape: list[float]) -> None:
    pixels = math.prod(shape)
    if not pixels <= MAX_PIXELS:
        raise InputError(f"{entry.name}: shape must ask for at most {MAX_PIXELS:,} pixels here; got {pixels:,.0f}.")


def _table(entry: Method, parameter: Parameter, value: list[Any]) -> np.ndarray:
    table = _numbers(entry, parameter.name, value)
    if parameter.kind == "flow":
        return table.astype(np.float32)
    true_or_false = parameter.kind == "mask" or says_true_or_false(entry, parameter.name)
    if true_or_false and set(np.unique(table)) <= {0, 1}:
        return table != 0
    if parameter.kind == "image":
        return table.astype(np.float32)
    return _as_hinted(table, typing.get_type_hints(entry.function).get(parameter.name))


def _as_hinted(table: np.ndarray, hint: Any) -> np.ndarray:
    """Return numbers of JSON in a dtype that the signature takes: whole ones as int, others as float32."""
    parts = (hint, *typing.get_args(hint))
    taken = {str(name) for part in parts for name in getattr(part, "dtypes", ())}
    if not taken or "float64" in taken:
        return table
    whole = (table == np.rint(table)).all() if table.size else True
    for dtype in ("int64", "int32", "uint8", "bool") if whole else ():
        if dtype in taken:
            return table.astype(dtype)
    return table.astype(np.float32) if "float32" in taken else table


def _rows(entry: Method, parameter: Parameter, value: list[Any]) -> list[Any]:
    """Return lists in a list: pairs where the signature says tuples, arrays elsewhere."""
    hint = typing.get_type_hints(entry.function).get(parameter.name)
    parts = typing.get_args(hint)
    if any(typing.get_origin(part) is tuple for part in parts):
        return [tuple(row) if isinstance(row, list) else row for row in value]
    inner = parts[0] if parts else None
    return [_as_hinted(_numbers(entry, parameter.name, row), inner) if isinstance(row, list) else row for row in value]


_COLUMNS = {"points": 2, "seeds": 2, "circles": 3, "boxes": 4, "lines": 4, "ellipses": 5}  # of a table without a row


def _numbers(entry: Method, name: str, value: list[Any]) -> np.ndarray:
    try:
        table = np.asarray(value, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{entry.name}: {name} must be rows of numbers of one length; got {describe(value)}."
        ) from error
    if not value and name in _COLUMNS:
        return table.reshape(0, _COLUMNS[name])
    return table


def _count(value: Any) -> int:
    return sum(_count(item) for item in value) if isinstance(value, list) else 1


def plain_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as JSON values: arrays and tuples as lists; what JSON cannot say is left out."""
    found = {name: _plain(value) for name, value in values.items()}
    return {name: value for name, value in found.items() if value is not ...}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        small = value.size <= 4096 and value.dtype.kind in "biuf"
        return value.tolist() if small else ...
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple)):
        items = [_plain(item) for item in value]
        return ... if any(item is ... for item in items) else items
    if isinstance(value, float) and not math.isfinite(value):
        return ...
    return value if isinstance(value, (bool, int, float, str, type(None))) else ...
