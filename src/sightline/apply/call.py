"""One call of a method as it is asked for: pictures and JSON values become arguments, an example the rest."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from sightline.apply.firsts import First, as_first, in_gray
from sightline.apply.inputs import in_units_of
from sightline.apply.runnable import other_pictures, takes_picture, takes_pictures, why_not
from sightline.apply.showing import OPTIONS
from sightline.apply.values import values_from_json
from sightline.core.catalogue import Method
from sightline.core.errors import InputError

_INSTEAD = {"box": "mask"}  # an example of the one is not made up where the other is given
FITTED = ("b", "guide", "mask", "markers", "labels", "protect", "remove")  # as large as the first picture


@dataclass(frozen=True)
class Call:
    """A method with its arguments.

    Parameters
    ----------
    entry
        The method.
    first
        Its first argument.
    options
        All others, by name.
    code
        How the first argument was made of the picture, as :class:`~sightline.apply.firsts.First` tells it.
    made_up
        Options that were asked for by nobody: examples, for what has no default or shows more.
    """

    entry: Method
    first: Any
    options: dict[str, Any]
    code: tuple[str, ...] = ()
    made_up: frozenset[str] = field(default_factory=frozenset)

    def run(self) -> tuple[Any, float]:
        """Return the result and the milliseconds that it took."""
        start = time.perf_counter()
        result = self.entry.function(self.first, **self.options)
        return result, 1000 * (time.perf_counter() - start)


def prepare(entry: Method, pictures: Mapping[str, Any], parameters: Mapping[str, Any]) -> Call:
    """Return the call that pictures and JSON values ask for.

    Parameters
    ----------
    entry
        The method.
    pictures
        uint8 pictures by parameter, a list of them where several are taken; ``image`` stands for the first one,
        whatever it is called.
    parameters
        JSON values by parameter.
    """
    reason = why_not(entry)
    if reason:
        raise InputError(f"{entry.name}: cannot be run here. {reason}")
    name = entry.parameters[0].name
    options = values_from_json(entry, parameters)
    known = {parameter.name for parameter in entry.parameters} | {"image"}
    unknown = next((key for key in pictures if key not in known), None)
    if unknown is not None:
        raise InputError(f"{entry.name}: takes no picture called '{unknown}'.")
    given = dict(pictures)
    if takes_picture(entry):
        photo = given.pop(name, None)
        if photo is None:
            photo = given.pop("image", None)
        if photo is None:
            raise InputError(f"{entry.name}: inputs must name a picture for '{name}'; got none.")
        made = as_first(entry, photo)
        first, code = made.array, tuple(made.code)
    else:
        first, code = options.pop(name, None), ()
        if takes_pictures(entry):
            first = _several(entry, given.pop(name, None), given.pop("image", None))
        given.pop("image", None)
        if first is None:
            first = entry.arguments(None)[name]
    kinds = other_pictures(entry)
    for parameter in entry.parameters[1:]:
        if parameter.name in given:
            kind = kinds.get(parameter.name, parameter.kind)
            options[parameter.name] = _other(parameter.name, kind, given[parameter.name], first)
    examples = example_options(entry, first, options)
    return Call(entry, first, {**options, **examples}, code, frozenset(examples))


def depends_on_picture(entry: Method, name: str) -> bool:
    """Return whether the example for an option is made from the picture."""
    return callable({**entry.example, **OPTIONS.get(entry.name, {})}.get(name))


def _several(entry: Method, pictures: Any, one: Any) -> list[np.ndarray]:
    """Return the pictures of a method that takes several; of a single one, the parts that the example cuts from it."""
    if isinstance(pictures, np.ndarray):
        pictures = [pictures]
    if pictures is not None and len(pictures) > 1:
        return list(pictures)
    first = entry.parameters[0].name
    photo = one if one is not None else pictures[0] if pictures else None
    if photo is None:
        raise InputError(f"{entry.name}: inputs must name pictures for '{first}'; got none.")
    example = entry.example[first]
    return list(example(photo) if callable(example) else example)


def example_options(entry: Method, first: Any, given: Iterable[str] = ()) -> dict[str, Any]:
    """Return options for what was not given: what has no default, and what shows more than the default does.

    Parameters
    ----------
    entry
        The method.
    first
        Its first argument, which some examples are made from.
    given
        Names of the options that there are already.
    """
    known = {parameter.name for parameter in entry.parameters[1:]} - set(given)
    known -= {name for name, other in _INSTEAD.items() if other in given}
    shown = {**entry.example, **OPTIONS.get(entry.name, {})}
    made = {name: value(first) if callable(value) else value for name, value in shown.items() if name in known}
    return {name: value for name, value in made.items() if value is not None}


def retry_in_gray(call: Call, error: InputError) -> Call | None:
    """Return the call with grey pictures where the method's refusal asks for them, else None."""
    colour = isinstance(call.first, np.ndarray) and call.first.ndim == 3
    if not (colour and 'convert(image, "rgb", "gray")' in str(error)):
        return None
    gray = in_gray(First(call.first, list(call.code)))
    others = {
        name: in_gray(First(value)).array
        if isinstance(value, np.ndarray) and value.ndim == 3 and value.dtype == np.uint8
        else value
        for name, value in call.options.items()
        if name not in call.made_up
    }
    others |= example_options(call.entry, gray.array, others)
    return replace(call, first=gray.array, options=others, code=tuple(gray.code))


def _other(name: str, kind: str, photo: Any, first: Any) -> Any:
    """Return another picture: grey or in colour and of the dtype of the first one, a mask, a label map."""
    from sightline import image as methods

    if isinstance(photo, list):
        return photo
    if kind in ("mask", "labels") or (isinstance(first, np.ndarray) and first.ndim == 2):
        photo = photo if photo.ndim == 2 else methods.convert(photo, "rgb", "gray")
    elif photo.ndim == 2:
        photo = methods.convert(photo, "gray", "rgb")
    if isinstance(first, np.ndarray) and name in FITTED and photo.shape[:2] != first.shape[:2]:
        method = "nearest" if kind in ("mask", "labels") else "bilinear"
        photo = methods.resize(photo, first.shape[:2], method)
    if kind == "mask":
        return photo > 127
    if kind == "labels":
        return photo.astype(np.int32)
    return in_units_of(photo, first if isinstance(first, np.ndarray) else None)
