"""The lab's routes for methods and pictures."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from sightline.core.catalogue import Method
from sightline.core.errors import MissingFileError
from sightline.lab import computing
from sightline.lab.asks import RunAsk
from sightline.lab.details import details
from sightline.lab.front import samples
from sightline.lab.lab import Lab
from sightline.serve.failures import RequestError
from sightline.serve.requests import Sent, decode_picture, read_body, read_json
from sightline.serve.workers import Stop

TRACE = "application/x-sightline-trace"


def method_routes(lab: Lab) -> APIRouter:
    """Return the routes that list methods and run them."""
    routes = APIRouter(prefix="/api", tags=["methods"])

    @routes.get("/methods", summary="Every method of the catalogue, by field")
    def listed() -> dict[str, Any]:
        return lab.listing.told()

    @routes.get("/methods/{name}", summary="One method: parameters, documentation, source, evidence, speed")
    def described(name: str) -> dict[str, Any]:
        entry = lab.listing.find(name)
        return details(entry, lab.listing.rows()[name], lab.pictures)

    @routes.post(
        "/run/{name}",
        summary="Run a method on pictures",
        openapi_extra={"requestBody": {"content": _RUN_BODY, "required": False}},
        responses={200: {"content": {TRACE: {}, "application/json": {}, "image/png": {}}}},
    )
    async def run(name: str, request: Request) -> Response:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        sent = await read_body(request)
        return await lab.run([name], _run, name, sent, dict(request.query_params), kind)

    return routes


def _run(stop: Stop, lab: Lab, name: str, sent: Sent, query: dict[str, str], kind: str) -> Response:
    ask, own = read_ask(lab.listing.find(name), sent, query, kind)
    if ask.form == "json":
        return JSONResponse(computing.run_as_json(stop, lab, name, ask, own))
    if ask.form == "picture":
        return Response(computing.run_as_picture(stop, lab, name, ask, own), media_type="image/png")
    return Response(computing.run_as_trace(stop, lab, name, ask, own, False), media_type=TRACE)


_RUN_BODY: dict[str, Any] = {
    "application/json": {"schema": RunAsk.model_json_schema(ref_template="#/components/schemas/{model}")},
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {"image": {"type": "string", "format": "binary"}},
            "additionalProperties": True,
        }
    },
}


def read_ask(entry: Method, sent: Sent, query: dict[str, str], kind: str) -> tuple[RunAsk, dict[str, Any]]:
    """Return what is asked of a method, and the pictures that came along.

    JSON is the form of :class:`RunAsk`. A form's files are pictures and its fields parameters, as in
    ``curl -F image=@photo.jpg -F low=40``; a raw picture may have its parameters in the query.

    Parameters
    ----------
    entry, sent
        The method, and the body.
    query
        What stands in the address.
    kind
        The body's media type.
    """
    query = {name: word for name, word in query.items() if name != "token"}
    general = {name: query.pop(name) for name in ("as", "steps", "size") if name in query}
    own: dict[str, Any] = {}
    values: dict[str, Any] = {}
    if sent.files or sent.fields:
        own = {name: decode_picture(group[0], name) for name, group in sent.files.items()}
        general |= {name: sent.fields.pop(name) for name in ("as", "steps", "size") if name in sent.fields}
        values["parameters"] = read_words(entry, {**query, **sent.fields})
    elif sent.raw and (kind.startswith("image/") or kind == "application/octet-stream"):
        own = {"image": decode_picture(sent.raw)}
        values["parameters"] = read_words(entry, query)
    else:
        values = read_json(sent.raw)
        if query and isinstance(values.get("parameters", {}), dict):
            values["parameters"] = {**read_words(entry, query), **values.get("parameters", {})}
    try:
        return RunAsk.model_validate({**values, **general}), own
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RequestError(422, f"{place}: {first['msg']}.") from error


def read_words(entry: Method, words: dict[str, str]) -> dict[str, Any]:
    """Return parameters that came as words: numbers and lists are read as JSON, texts stay as they are."""
    kinds = {parameter.name: parameter.kind for parameter in entry.parameters}
    found: dict[str, Any] = {}
    for name, word in words.items():
        found[name] = word
        if kinds.get(name) not in ("text", "choice"):
            try:
                found[name] = json.loads(word)
            except ValueError:
                found[name] = word
    return found


def picture_routes(lab: Lab) -> APIRouter:
    """Return the routes that keep pictures and give them."""
    routes = APIRouter(prefix="/api", tags=["pictures"])

    routes.get("/samples", summary="The photos that come with the package")(samples)

    @routes.post(
        "/uploads",
        summary="Keep a picture in memory; the answer names it",
        openapi_extra={
            "requestBody": {
                "content": {
                    "multipart/form-data": {
                        "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
                    },
                    "image/*": {"schema": {"type": "string", "format": "binary"}},
                }
            }
        },
    )
    async def upload(request: Request, kind: str = Query("photo", pattern="^(photo|mask)$")) -> dict[str, Any]:
        sent = await read_body(request)
        files = sent.all_files()
        if len(files) > 1:
            raise RequestError(422, "One picture is kept at a time; several came.")
        data = files[0] if files else b""
        return await lab.workers.run(lambda _: lab.pictures.add(data, mask=kind == "mask"))

    @routes.get("/pictures/{reference:path}", summary="A picture by its reference", response_class=Response)
    async def picture(reference: str, width: int | None = Query(None, ge=1, le=20_000)) -> Response:
        if not reference:
            raise MissingFileError("pictures: a reference is needed, like sample:cat.")
        data, media = await lab.workers.run(lambda _: lab.pictures.encoded(reference, width))
        age = "public, max-age=86400" if reference.startswith("sample:") else "no-cache"
        return Response(data, media_type=media, headers={"cache-control": age})

    return routes
