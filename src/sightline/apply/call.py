"""One call of a method as it is asked for: pictures and JSON values become arguments, an example the rest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sightline.apply.inputs import first_argument, in_units_of, is_picture_by_name
from sightline.apply.showing import OPTIONS
from sightline.apply.values import values_from_json
from sightline.core.catalogue import Method
from sightline.core.errors import InputError

_PICTURES = ("image", "mask", "labels")
_FITTED = ("b", "guide", "mask", "markers", "labels", "protect", "remove")  # as large as the first picture


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
    """

    entry: Method
    first: Any
    options: dict[str, Any]

    def run(self) -> tuple[Any, float]:
        """Return the result and the milliseconds that it took."""
        start = time.perf_counter()
        result = self.entry.function(self.first, **self.options)
        return result, 1000 * (time.perf_counter() - start)


def takes_picture(entry: Method) -> bool:
    """Return whether a method's first argument is made from a picture."""
    first = entry.parameters[0]
    return first.kind in _PICTURES or is_picture_by_name(first)


def why_not(entry: Method) -> str:
    """Return why a method cannot be run by a page, an empty string when it can."""
    if entry.task == "files":
        return "It reads or writes files, which a page does by itself."
    if entry.field in ("classify", "explain", "nn"):
        return "It works on a model: train one in the cockpit, and look into it there."
    given = {parameter.name for parameter in entry.parameters if parameter.kind in _PICTURES} | set(entry.example)
    if takes_picture(entry):
        given.add(entry.parameters[0].name)
    missing = [p.name for p in entry.parameters if p.required and p.name not in given]
    return f"A page has nothing to give it for {', '.join(missing)}." if missing else ""


def prepare(entry: Method, pictures: Mapping[str, np.ndarray], parameters: Mapping[str, Any]) -> Call:
    """Return the call that pictures and JSON values ask for.

    Parameters
    ----------
    entry
        The method.
    pictures
        uint8 pictures by parameter; ``image`` stands for the first one, whatever it is called.
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
        first = _first(entry, photo)
    else:
        first = options.pop(name, None)
        given.pop("image", None)
        if first is None:
            first = entry.arguments(None)[name]
    options = _completed(entry, first, options, given)
    return Call(entry, first, options)


def in_gray(call: Call, error: InputError) -> Call | None:
    """Return the call with a grey first argument where the method's refusal asks for one, else None."""
    colour = isinstance(call.first, np.ndarray) and call.first.ndim == 3
    if not (colour and 'convert(image, "rgb", "gray")' in str(error)):
        return None
    gray = first_argument(call.entry, call.first, gray=True)
    others = {
        name: first_argument(call.entry, value, gray=True)
        if isinstance(value, np.ndarray) and value.ndim == 3 and value.dtype == np.uint8
        else value
        for name, value in call.options.items()
    }
    return replace(call, first=gray, options=others)


def _completed(entry: Method, first: Any, options: dict[str, Any], given: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return the options with the other pictures, and with an example for each required one that is missing."""
    for parameter in entry.parameters[1:]:
        if parameter.name in given:
            options[parameter.name] = _other(entry, parameter.name, parameter.kind, given[parameter.name], first)
    shown = {**entry.example, **OPTIONS.get(entry.name, {})}
    chosen = {name for name, value in OPTIONS.get(entry.name, {}).items() if value is not None}
    for parameter in entry.parameters[1:]:
        name = parameter.name
        absent = name not in options and name in shown
        if absent and (parameter.required or name in entry.example or name in chosen):
            value = shown[name]
            options[name] = value(first) if callable(value) else value
    return options


def _first(entry: Method, photo: np.ndarray) -> np.ndarray:
    """Return a picture as the first argument. A photo becomes edges or things where a mask or labels are wanted."""
    kind = entry.parameters[0].kind
    if kind not in ("mask", "labels"):
        return first_argument(entry, photo)
    from sightline import image as methods

    gray = photo if photo.ndim == 2 else methods.convert(photo, "rgb", "gray")
    if len(np.unique(gray)) <= 2:
        mask = gray > (int(gray.min()) + int(gray.max())) // 2 if gray.max() > gray.min() else gray > 127
    elif entry.task == "shapes":
        mask = methods.canny(gray)
    elif kind == "labels" and len(np.unique(gray)) <= 64:
        return gray.astype(np.int32)  # a painted label map
    else:
        mask = gray > methods.otsu_threshold(gray)
    return methods.label(mask)[0] if kind == "labels" else mask


def _other(entry: Method, name: str, kind: str, photo: np.ndarray, first: Any) -> np.ndarray:
    """Return another picture: grey or in colour and of the dtype of the first one, a mask, a label map."""
    from sightline import image as methods

    if isinstance(first, np.ndarray) and name in _FITTED and photo.shape[:2] != first.shape[:2]:
        method = "nearest" if kind in ("mask", "labels") else "bilinear"
        photo = methods.resize(photo, first.shape[:2], method)
    if kind in ("mask", "labels") or (isinstance(first, np.ndarray) and first.ndim == 2):
        photo = photo if photo.ndim == 2 else methods.convert(photo, "rgb", "gray")
    elif photo.ndim == 2:
        photo = methods.convert(photo, "gray", "rgb")
    if kind == "mask":
        return photo > 127
    if kind == "labels":
        return photo.astype(np.int32)
    return in_units_of(photo, first if isinstance(first, np.ndarray) else None)
