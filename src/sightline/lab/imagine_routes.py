"""The lab's routes for pictures that a network makes: each step is sent as it is made."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from sightline.apply.imagining import imagined, shown, sized
from sightline.apply.painting import is_network, networks, painted
from sightline.core.conversions import to_uint8
from sightline.core.errors import InputError, suggest
from sightline.core.layers import Picture
from sightline.core.trace import Step, Trace
from sightline.core.trace_bytes import Form
from sightline.lab.asks import ImagineAsk
from sightline.lab.computing import SCREEN
from sightline.lab.lab import Lab
from sightline.serve.failures import RequestError
from sightline.serve.models import Ready
from sightline.serve.workers import Stop

STREAM = "application/x-sightline-traces"
_SECONDS = 900.0  # for the whole picture; a page stops it by going away
_LOSSLESS = 128  # pixels of a side up to which a picture is small enough to be sent as it is
_METHODS = {
    "class": "class_visualization",
    "dream": "deep_dream",
    "inversion": "feature_inversion",
    "style": "style_transfer",
}


def imagine_routes(lab: Lab) -> APIRouter:
    """Return the routes of made pictures."""
    routes = APIRouter(prefix="/api", tags=["models"])
    newest: _Making | None = None  # one is made at a time: the next one stops it

    def painters() -> dict[str, Path]:
        root = lab.root.resolve()
        found = networks(lab.root, lab.root / "runs")
        return {name: path for name, path in found.items() if path.resolve().is_relative_to(root)}  # no link leads out

    @routes.get("/painters", summary="Networks that have learnt one painting, under the root and beside its runs")
    async def listed() -> list[dict[str, str]]:
        found = await lab.workers.run(lambda _: painters())
        return [{"name": name, "file": path.relative_to(lab.root).as_posix()} for name, path in found.items()]

    @routes.post("/imagine/{name}", summary="A picture that a network makes, step by step",
                 response_class=StreamingResponse, responses={200: {"content": {STREAM: {}}}})  # fmt: skip
    async def imagine(name: str, ask: ImagineAsk) -> StreamingResponse:
        nonlocal newest
        if is_network(name):
            found = painters()
            if ask.kind != "style" or name not in found:
                raise RequestError(404, f"imagine: no network of a painting is named '{name}'.{suggest(name, found)}")
            maker: Ready | Path = found[name]
        else:
            maker = await lab.model(name)
        if newest is not None:
            newest.stop()
        newest = making = _Making(lab, maker, ask)
        return StreamingResponse(await making.begun(), media_type=STREAM, headers={"cache-control": "no-cache"})

    return routes


class _Making:
    """A picture being made on a worker's thread, and the newest of its steps.

    Steps that nobody has taken yet give way to newer ones; the first and the last are always sent.

    Parameters
    ----------
    lab, maker, ask
        Where pictures are kept, the network or the file of one that has learnt a painting, and what is asked of it.
    """

    def __init__(self, lab: Lab, maker: Ready | Path, ask: ImagineAsk) -> None:
        self.lab, self.maker, self.ask = lab, maker, ask
        self.method = "fast_style" if isinstance(maker, Path) else _METHODS[ask.kind]
        self.newest: bytes | None = None
        self.made = 0
        self.arrived = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.task: asyncio.Task[None] | None = None

    async def begun(self) -> AsyncIterator[bytes]:
        """Return the steps once the first one is there: what cannot be made at all is refused before."""
        self.task = task = asyncio.create_task(self.lab.workers.run(self._make, seconds=_SECONDS))
        task.add_done_callback(lambda _: self.arrived.set())
        await self.arrived.wait()
        if task.cancelled():
            raise RequestError(409, "imagine: another picture was asked for before this one began.")
        if task.done():
            task.result()
        return self._steps(task)

    async def _steps(self, task: asyncio.Task[None]) -> AsyncIterator[bytes]:
        """Yield ``u32 length | trace`` for each step; ends the work when nobody listens any longer."""
        try:
            while not task.done() or self.newest is not None:
                await self.arrived.wait()
                step, self.newest = self.newest, None
                if not task.done():
                    self.arrived.clear()
                if step is not None:
                    yield struct.pack("<I", len(step)) + step
            task.result()
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
        finally:
            task.cancel()

    def stop(self) -> None:
        """End the work; what was sent stays sent."""
        if self.task is not None:
            self.task.cancel()

    def _make(self, stop: Stop) -> None:
        ask = self.ask
        photo, style = (self.lab.pictures.get(one).image if one else None for one in (ask.input, ask.style))

        def progress(picture: np.ndarray) -> None:
            stop()
            self.loop.call_soon_threadsafe(self._put, self._packed(shown(picture)))

        if isinstance(self.maker, Path):
            for picture in _painted(self.maker, photo, ask.size):
                self.loop.call_soon_threadsafe(self._put, self._packed(picture))
            return
        imagined(
            self.maker.copied(),
            ask.kind,
            photo,
            style=style,
            target=ask.target or None,
            size=ask.size,
            iterations=ask.iterations,
            seed=ask.seed,
            progress=progress,
        )

    def _packed(self, picture: np.ndarray) -> bytes:
        about: dict[str, Any] = {"id": self.made}  # as every frame of a live connection has
        self.made += 1
        quality = None if max(picture.shape) <= _LOSSLESS else SCREEN
        step = Step("picture", Picture(picture))
        return Trace(f"explain.{self.method}", {}, (step,), about).to_bytes(Form(quality, sealed=False))

    def _put(self, step: bytes) -> None:
        self.newest = step
        self.arrived.set()


def _painted(file: Path, photo: np.ndarray | None, size: int) -> Iterator[np.ndarray]:
    """Yield a photo, and then as the network in a file paints it, each H×W or H×W×3 uint8."""
    from sightline.explain import StyleNet

    if photo is None:
        raise InputError("imagine: style needs a photo.")
    net = StyleNet.load(file)
    yield to_uint8(sized(photo, size, net.channels))
    yield painted(net, photo, size)
