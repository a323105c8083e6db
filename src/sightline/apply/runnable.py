"""Which methods can be run on what a person gives; nothing here imports a method."""

from __future__ import annotations

from sightline.core.catalogue import Method
from sightline.core.index import Entry
from sightline.core.parameters import Parameter

_PICTURES = ("image", "mask", "labels")


def is_picture_by_name(parameter: Parameter) -> bool:
    """Return whether an array of a shape or a dtype of its own is a picture: the parameter says so by its name."""
    return parameter.kind == "array" and parameter.name == "image"


def takes_picture(entry: Method | Entry) -> bool:
    """Return whether a method's first argument is made from a picture; most metrics compare what is given to them."""
    if not entry.parameters:
        return False
    first = entry.parameters[0]
    if entry.field == "metrics":
        return first.name == "image"
    return first.kind in _PICTURES or is_picture_by_name(first)


def takes_pictures(entry: Method | Entry) -> bool:
    """Return whether a method's first argument is a list of pictures."""
    return bool(entry.parameters) and entry.parameters[0].kind == "images"


def other_pictures(entry: Method | Entry) -> dict[str, str]:
    """Return the kinds of a method's other parameters that are pictures, by name: ``image``, ``mask``, ``labels``."""
    found = {}
    for parameter in entry.parameters[1:]:
        if parameter.kind in _PICTURES and parameter.name != "out":
            found[parameter.name] = parameter.kind
        elif parameter.kind == "array" and parameter.name == "mask":
            found[parameter.name] = "mask"
    return found


def why_not(entry: Method | Entry) -> str:
    """Return why a method cannot be run by a page, an empty string when it can."""
    if entry.task == "files":
        return "It reads or writes files, which a page does by itself."
    if entry.field in ("classify", "explain", "attack", "nn"):
        return "It works on a model: train one in the cockpit, and look into it there."
    if entry.is_object:
        return "It is an object that keeps what it has seen: its lesson and its room use it."
    given = {parameter.name for parameter in entry.parameters if parameter.kind in _PICTURES} | set(entry.example)
    if takes_picture(entry):
        given.add(entry.parameters[0].name)
    missing = [p.name for p in entry.parameters if p.required and p.name not in given]
    return f"A page has nothing to give it for {', '.join(missing)}." if missing else ""
