"""Chains of methods: run as one trace, and written down as a program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import Response

from sightline.apply.call import takes_picture, takes_pictures
from sightline.apply.export import as_command, as_python, as_toml
from sightline.apply.pipeline import Done, Link, run_chain, trace_chain
from sightline.core.errors import InputError
from sightline.core.trace import Trace
from sightline.data.sample import SAMPLES
from sightline.lab.asks import ExportAsk, PipelineAsk
from sightline.lab.asks import Link as AskedLink
from sightline.lab.lab import Lab
from sightline.lab.pictures import Shrunk
from sightline.lab.routes import TRACE
from sightline.serve.workers import Stop

_TRIED_PIXELS = 40_000  # a chain is run to be written down: what its results are decides what is written
_KINDS = ("image", "mask", "labels")
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
        made = await lab.workers.run(run, lab, ask.steps, ask.inputs, ask.size, None)
        return Response(made.to_bytes(), media_type=TRACE)

    @routes.post("/export", summary="Write a chain down as Python, as a command and as TOML")
    async def export(ask: ExportAsk) -> dict[str, str]:
        return await lab.workers.run(write_down, lab, ask)

    return routes


def run(
    stop: Stop, lab: Lab, steps: Sequence[AskedLink], inputs: dict[str, Any], size: int, own: np.ndarray | None
) -> Trace:
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
    links = [_link(lab, step, photo) for step in steps]
    return trace_chain(links, photo.image if photo else None, stop=stop, scale=photo.scale if photo else 1.0)


def _photo(lab: Lab, steps: Sequence[AskedLink], inputs: dict[str, Any], size: int | None) -> Shrunk | None:
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


def _link(lab: Lab, step: AskedLink, photo: Shrunk | None) -> Link:
    entry = lab.listing.find(step.method)
    kinds = {parameter.name: parameter.kind for parameter in entry.parameters[1:]}
    others = {name: value for name, value in step.parameters.items() if _names_picture(kinds.get(name, ""), value)}
    pixels = photo.image.shape[0] * photo.image.shape[1] if photo else None
    pictures = {name: lab.pictures.get(value, pixels).image for name, value in others.items()}
    plain = {name: value for name, value in step.parameters.items() if name not in others}
    return Link(entry, plain, pictures)


def _names_picture(kind: str, value: Any) -> bool:
    return kind in _KINDS and isinstance(value, str) and value.startswith(_REFERENCES)


def write_down(stop: Stop, lab: Lab, ask: ExportAsk) -> dict[str, str]:
    """Return a chain as ``python``, ``command`` and ``toml``.

    Parameters
    ----------
    stop
        Asked between two methods.
    lab
        Where pictures are kept.
    ask
        The chain, and the picture that it shall be run on.
    """
    entry = lab.listing.find(ask.steps[0].method)
    inputs = {"image": ask.input or lab.listing.rows()[f"{entry.field}.{entry.name}"]["sample"]}
    photo = _photo(lab, ask.steps, inputs, None)
    links = [_link(lab, step, photo) for step in ask.steps]
    chain = _tried(stop, links, photo)
    source = file_of(inputs["image"])
    others = {
        f"{number}.{name}": file_of(value)
        for number, step in enumerate(ask.steps)
        for name, value in step.parameters.items()
        if name in links[number].pictures
    }
    gray = photo is not None and photo.image.ndim == 2
    return {
        "python": as_python(chain, source, gray=gray, others=others),
        "command": as_command(chain, source),
        "toml": as_toml(
            (
                f"{link.entry.field}.{link.entry.name}",
                {**link.parameters, **{name: others[f"{number}.{name}"] for name in link.pictures}},
            )
            for number, link in enumerate(links)
        ),
    }


def _tried(stop: Stop, links: list[Link], photo: Shrunk | None) -> list[Done]:
    """Return a chain as it ran on every n-th pixel, which keeps the kinds of all results; on all if that is refused."""
    if photo is None:
        return list(run_chain(links, None, stop=stop))
    apart = max(1, int((photo.image.shape[0] * photo.image.shape[1] / _TRIED_PIXELS) ** 0.5))
    few = [
        replace(link, pictures={name: each[::apart, ::apart] for name, each in link.pictures.items()}) for link in links
    ]
    try:
        return list(run_chain(few, np.ascontiguousarray(photo.image[::apart, ::apart]), stop=stop))
    except InputError:
        return list(run_chain(links, photo.image, stop=stop))


def file_of(reference: str) -> str:
    """Return what a program calls the picture of a reference: its path, or a name to put in its place."""
    kind, _, name = reference.partition(":")
    if kind == "file":
        return name
    if kind == "sample" and name in SAMPLES:
        return SAMPLES[name].path.name
    return "photo.jpg"
