"""What a page asks for, computed on a worker's thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sightline.apply.call import Call, prepare
from sightline.apply.plain import plain
from sightline.apply.runnable import takes_picture
from sightline.apply.traced import picture_of, short, trace_call
from sightline.apply.values import plain_options
from sightline.core.catalogue import Method
from sightline.core.errors import InputError
from sightline.core.trace import Trace
from sightline.core.trace_bytes import Form
from sightline.lab.asks import Inputs
from sightline.lab.lab import Lab
from sightline.serve.workers import Stop

SCREEN = 92  # JPEG quality of live frames


def pictures_for(lab: Lab, entry: Method, inputs: Inputs, size: int) -> tuple[dict[str, Any], float]:
    """Return the pictures that references name, shrunk alike, and by how much.

    Parameters
    ----------
    lab, entry, inputs
        Where they are kept, what they are for, and references by parameter.
    size
        Largest number of pixels of the first picture; the others are shrunk by the same factor.
    """
    found: dict[str, Any] = {}
    scale = 1.0
    names = {entry.parameters[0].name, "image"}
    for name in sorted(inputs, key=lambda one: one not in names):  # the first picture goes first
        reference = inputs[name]
        if isinstance(reference, list):
            found[name] = [lab.pictures.get(one, size).image for one in reference[:16]]
            continue
        shrunk = lab.pictures.get(reference, size)
        if name in names:
            scale = shrunk.scale
        elif scale != 1.0 and shrunk.scale == 1.0:
            pixels = max(1, int(shrunk.image.shape[0] * shrunk.image.shape[1] * scale**2))
            shrunk = lab.pictures.get(reference, pixels)
        found[name] = shrunk.image
    return found, scale


def call_for(
    lab: Lab, entry: Method, inputs: Inputs, parameters: Mapping[str, Any], size: int, own: Mapping[str, Any]
) -> tuple[Call, float]:
    """Return the call that a page asks for, and the scale of its first picture.

    Parameters
    ----------
    lab, entry, inputs, parameters, size
        As asked.
    own
        Pictures that came with the request itself, by parameter.
    """
    found, scale = pictures_for(lab, entry, inputs, size)
    found.update(own)
    if not found and takes_picture(entry):
        first = entry.parameters[0].name
        raise InputError(f'{entry.name}: inputs must name a picture, like {{"{first}": "sample:cat"}}; got none.')
    return prepare(entry, found, parameters), scale


def run_as_trace(
    stop: Stop,
    lab: Lab,
    name: str,
    ask: Any,
    own: Mapping[str, np.ndarray],
    live: bool,
) -> bytes:
    """Return a method's trace as bytes; for a screen that waits, photos are packed small."""
    entry = lab.listing.find(name)
    call, scale = call_for(lab, entry, ask.inputs, ask.parameters, ask.size, own)
    made, _, _ = trace_call(call, steps=ask.steps, stop=stop, scale=scale)
    return pack(made, ask, live)


def pack(made: Trace, ask: Any, live: bool) -> bytes:
    """Return the bytes of a trace, in the form that the way it travels asks for."""
    if not live:
        return made.to_bytes()
    made.about["id"] = ask.id
    return made.to_bytes(Form(SCREEN, ask.size, sealed=False))


def run_as_json(stop: Stop, lab: Lab, name: str, ask: Any, own: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Return what a method gave as JSON values; large arrays are summed up."""
    entry = lab.listing.find(name)
    call, scale = call_for(lab, entry, ask.inputs, ask.parameters, ask.size, own)
    made, result, call = trace_call(call, steps=False, stop=stop, scale=scale)
    return {
        "method": made.method,
        "parameters": plain_options(call.options),
        **made.about,
        "result": plain(short(result)),
    }


def run_as_picture(stop: Stop, lab: Lab, name: str, ask: Any, own: Mapping[str, np.ndarray]) -> bytes:
    """Return what a method gave as a PNG."""
    from sightline.image.write import encode

    entry = lab.listing.find(name)
    call, _ = call_for(lab, entry, ask.inputs, ask.parameters, ask.size, own)
    _, result, call = trace_call(call, steps=False, stop=stop)
    shown = picture_of(call, result)
    if shown is None:
        raise InputError(f'{entry.name}: its result is no picture. Ask for it with as="json" or as="trace".')
    return encode(np.ascontiguousarray(shown), "PNG")
