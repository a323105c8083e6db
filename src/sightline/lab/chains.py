"""Chains of methods: run as one trace, and written down as a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from sightline.apply.export import as_command, as_python, as_toml
from sightline.apply.pipeline import Done, Link, run_chain, trace_chain
from sightline.apply.runnable import other_pictures, takes_picture, takes_pictures
from sightline.core.errors import InputError
from sightline.core.trace import Trace
from sightline.data.sample import SAMPLES
from sightline.lab.asks import ExportAsk, Inputs, PipelineAsk
from sightline.lab.asks import Link as AskedLink
from sightline.lab.lab import Lab
from sightline.lab.pictures import Pictures, Shrunk
from sightline.lab.routes import TRACE
from sightline.serve.workers import Stop

_TRIED_PIXELS = 40_000  # a chain is run to be written down: what its results are decides what is written
MOST_PICTURES = 16  # of a method that takes several
_REFERENCES = ("sample:", "upload:", "file:")


def chain_routes(lab: Lab) -> APIRouter:
    """Return the routes of chains."""
    routes = APIRouter(prefix="/api", tags=["methods"])

    @routes.post(
        "/pipeline",
        summary="Run a chain of methods",
        response_class=Response,
        responses={200: {"content": {TRACE: {}}}},
    )
    async def pipeline(ask: PipelineAsk) -> Response:
        made = await lab.run((step.method for step in ask.steps), run, ask.steps, ask.inputs, ask.size, None)
        return Response(made.to_bytes(), media_type=TRACE)

    @routes.post("/export", summary="Write a chain down as Python, as a command and as TOML")
    async def export(ask: ExportAsk) -> dict[str, Any]:
        return await lab.run((step.method for step in ask.steps), write_down, ask)

    return routes


def run(stop: Stop, lab: Lab, steps: Sequence[AskedLink], inputs: Inputs, size: int, own: np.ndarray | None) -> Trace:
    """Run a chain and return its trace.

    Parameters
    ----------
    stop
        Asked between two methods.
    lab, steps, inputs, size
        As asked.
    own
        A picture that came with the request itself.
    """
    photo = Shrunk(own, 1.0) if own is not None else _photo(lab, steps, inputs, size)
    links = _links(lab, steps, inputs, photo)
    return trace_chain(links, photo.image if photo else None, stop=stop, scale=photo.scale if photo else 1.0)


def _photo(lab: Lab, steps: Sequence[AskedLink], inputs: Inputs, size: int | None) -> Shrunk | None:
    entry = lab.listing.find(steps[0].method)
    if not (takes_picture(entry) or takes_pictures(entry)):
        return None
    first = entry.parameters[0].name
    reference = inputs.get("image", inputs.get(first))
    if isinstance(reference, list) and reference:
        reference = reference[0]
    if not isinstance(reference, str):
        raise InputError('pipeline: inputs must name a picture, like {"image": "sample:cat"}; got none.')
    return lab.pictures.get(reference, size)


def named_pictures(lab: Lab, steps: Sequence[AskedLink], inputs: Inputs) -> list[dict[str, str | list[str]]]:
    """Return the references of the other pictures of each step, by parameter.

    A step names them among its parameters; what ``inputs`` holds goes to each step that takes a picture of that name
    and names none itself. The first step may work on several pictures.

    Parameters
    ----------
    lab, steps, inputs
        As asked.
    """
    found: list[dict[str, str | list[str]]] = []
    for number, step in enumerate(steps):
        entry = lab.listing.find(step.method)
        named: dict[str, str | list[str]] = {}
        for name in other_pictures(entry):
            reference = step.parameters.get(name, inputs.get(name))
            if isinstance(reference, str) and reference.startswith(_REFERENCES):
                named[name] = reference
        first = entry.parameters[0].name
        several = inputs.get(first, inputs.get("image"))
        if number == 0 and takes_pictures(entry) and isinstance(several, list) and len(several) > 1:
            named[first] = several[:MOST_PICTURES]
        found.append(named)
    return found


def _links(lab: Lab, steps: Sequence[AskedLink], inputs: Inputs, photo: Shrunk | None) -> list[Link]:
    pixels = photo.image.shape[0] * photo.image.shape[1] if photo else None
    links = []
    for step, named in zip(steps, named_pictures(lab, steps, inputs), strict=True):
        pictures: dict[str, Any] = {
            name: [lab.pictures.get(each, pixels).image for each in one]
            if isinstance(one, list)
            else lab.pictures.get(one, pixels).image
            for name, one in named.items()
        }
        plain = {name: value for name, value in step.parameters.items() if name not in named}
        links.append(Link(lab.listing.find(step.method), plain, pictures))
    return links


def write_down(stop: Stop, lab: Lab, ask: ExportAsk) -> dict[str, Any]:
    """Return a chain as ``python``, ``command`` and ``toml``, and the ``files`` that these read.

    Parameters
    ----------
    stop
        Asked between two methods.
    lab
        Where pictures are kept.
    ask
        The chain, and the pictures that it shall be run on.
    """
    entry = lab.listing.find(ask.steps[0].method)
    inputs: Inputs = {**({"image": ask.input} if ask.input else {}), **ask.inputs}
    own = entry.parameters[0].name
    if own not in inputs and "image" not in inputs:
        inputs = {"image": lab.listing.rows()[f"{entry.field}.{entry.name}"]["sample"], **inputs}
    photo = _photo(lab, ask.steps, inputs, None)
    links = _links(lab, ask.steps, inputs, photo)
    chain = _tried(stop, links, photo)
    files = Files(lab.pictures)
    first = inputs.get(own, inputs.get("image", ""))
    source = files.of(first[0] if isinstance(first, list) else first, "photo") if photo else ""
    others: dict[str, str | list[str]] = {}
    for number, named in enumerate(named_pictures(lab, ask.steps, inputs)):
        for name, one in named.items():
            found = [files.of(each, name) for each in ([one] if isinstance(one, str) else one)]
            others[f"{number}.{name}"] = found if isinstance(one, list) else found[0]
    gray = photo is not None and photo.image.ndim == 2
    written = [
        (
            f"{link.entry.field}.{link.entry.name}",
            {**link.parameters, **{name: others[f"{number}.{name}"] for name in link.pictures}},
        )
        for number, link in enumerate(links)
    ]
    return {
        "python": as_python(chain, source, gray=gray, others=others),
        "command": as_command(chain, source, others=others),
        "toml": as_toml(written),
        "files": files.kept,
    }


def _tried(stop: Stop, links: list[Link], photo: Shrunk | None) -> list[Done]:
    """Return a chain as it ran on every n-th pixel, which keeps the kinds of all results; on all if that is refused."""
    if photo is None:
        return list(run_chain(links, None, stop=stop))
    apart = max(1, int((photo.image.shape[0] * photo.image.shape[1] / _TRIED_PIXELS) ** 0.5))
    few = [
        replace(link, pictures={name: _thinned(each, apart) for name, each in link.pictures.items()}) for link in links
    ]
    try:
        return list(run_chain(few, np.ascontiguousarray(photo.image[::apart, ::apart]), stop=stop))
    except InputError:
        return list(run_chain(links, photo.image, stop=stop))


def _thinned(picture: Any, apart: int) -> Any:
    if isinstance(picture, list):
        return [_thinned(each, apart) for each in picture]
    return np.ascontiguousarray(picture[::apart, ::apart])


class Files:
    """What a program calls the pictures of references, each by a name of its own.

    Parameters
    ----------
    pictures
        Where they are kept.
    """

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._names: dict[str, str] = {}

    def of(self, reference: str, role: str) -> str:
        """Return the path of a file, or a name to save the picture under.

        Parameters
        ----------
        reference
            ``sample:…``, ``upload:…`` or ``file:…``.
        role
            What the picture is for: an uploaded one is called so.
        """
        if reference not in self._names:
            self._names[reference] = self._free(reference, role)
        return self._names[reference]

    @property
    def kept(self) -> list[dict[str, str]]:
        """The files that only the lab has: name and reference of each."""
        return [{"name": name, "ref": one} for one, name in self._names.items() if not one.startswith("file:")]

    def _free(self, reference: str, role: str) -> str:
        kind, _, name = reference.partition(":")
        if kind == "file":
            return name
        if kind == "sample" and name in SAMPLES:
            return SAMPLES[name].path.name
        suffix, number = self._pictures.suffix(reference) or ".jpg", 2
        found = f"{role}{suffix}"
        while found in self._names.values():
            found, number = f"{role}_{number}{suffix}", number + 1
        return found
