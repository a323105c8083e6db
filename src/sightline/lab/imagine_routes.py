"""The lab's routes for pictures that a network makes, and for networks that learn a painting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from sightline.apply.imagining import imagined, shown, sized
from sightline.apply.painting import is_network, painted
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError, suggest
from sightline.lab.asks import ImagineAsk, PainterAsk
from sightline.lab.lab import Lab
from sightline.lab.making import STREAM, Making, Put
from sightline.lab.painters import file_of, learn, painters
from sightline.serve.failures import RequestError
from sightline.serve.models import Ready
from sightline.serve.workers import Stop

_SECONDS = 900.0  # for the whole picture; a page stops it by going away
_LEARNING_SECONDS = 12 * 3600.0
_METHODS = {
    "class": "class_visualization",
    "dream": "deep_dream",
    "inversion": "feature_inversion",
    "style": "style_transfer",
}
_A_STREAM: dict[int | str, dict[str, Any]] = {200: {"content": {STREAM: {}}}}


def imagine_routes(lab: Lab) -> APIRouter:
    """Return the routes of made pictures."""
    routes = APIRouter(prefix="/api", tags=["models"])
    newest: Making | None = None  # one is made at a time: the next one stops it

    def begun(making: Making) -> Making:
        nonlocal newest
        if newest is not None:
            newest.stop()
        newest = making
        return making

    @routes.get("/painters", summary="Networks that have learnt one painting, under the root and beside its runs")
    async def listed() -> list[dict[str, str]]:
        found = await lab.workers.run(lambda _: painters(lab.root))
        return [{"name": name, "file": path.relative_to(lab.root).as_posix()} for name, path in found.items()]

    @routes.post("/painters/{name}", summary="A network learns one painting: what it makes of a photo so far",
                 response_class=StreamingResponse, responses=_A_STREAM)  # fmt: skip
    async def learnt(name: str, ask: PainterAsk) -> StreamingResponse:
        file = file_of(lab.root, name)
        judge = await lab.model(ask.model)
        making = Making(
            lab, "explain.fast_style", lambda stop, put: learn(lab, judge, ask, file, stop, put), _LEARNING_SECONDS
        )
        return await begun(making).answered()

    @routes.post("/imagine/{name}", summary="A picture that a network makes, step by step",
                 response_class=StreamingResponse, responses=_A_STREAM)  # fmt: skip
    async def imagine(name: str, ask: ImagineAsk) -> StreamingResponse:
        if is_network(name):
            found = painters(lab.root)
            if ask.kind != "style" or name not in found:
                raise RequestError(404, f"imagine: no network of a painting is named '{name}'.{suggest(name, found)}")
            maker: Ready | Path = found[name]
        else:
            maker = await lab.model(name)
        method = "fast_style" if isinstance(maker, Path) else _METHODS[ask.kind]
        making = Making(lab, f"explain.{method}", lambda stop, put: _make(lab, maker, ask, stop, put), _SECONDS)
        return await begun(making).answered()

    return routes


def _make(lab: Lab, maker: Ready | Path, ask: ImagineAsk, stop: Stop, put: Put) -> None:
    """Make what is asked for; each step is put."""
    photo, style = (lab.pictures.get(one).image if one else None for one in (ask.input, ask.style))
    if isinstance(maker, Path):
        _paint(maker, photo, ask.size, put)
        return

    def progress(picture: np.ndarray) -> None:
        stop()
        put(shown(picture))

    imagined(
        maker.copied(),
        ask.kind,
        photo,
        style=style,
        target=ask.target or None,
        size=ask.size,
        iterations=ask.iterations,
        seed=ask.seed,
        progress=progress,
    )


def _paint(file: Path, photo: np.ndarray | None, size: int, put: Put) -> None:
    """Put a photo, and then what the network in a file makes of it."""
    from sightline.explain import StyleNet

    if photo is None:
        raise InputError("imagine: style needs a photo.")
    net = StyleNet.load(file)
    put(to_uint8(sized(photo, size, net.channels)))
    put(painted(net, photo, size))
