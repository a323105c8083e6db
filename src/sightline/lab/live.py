"""The live connection: settings in, traces out; one frame is worked on at a time, and the newest waiting one wins."""

from __future__ import annotations

import asyncio
import json
import struct
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from pydantic import ValidationError

from sightline.core.errors import FormatError, SightlineError
from sightline.lab import chains
from sightline.lab.asks import LiveAsk
from sightline.lab.computing import pack, run_as_trace
from sightline.lab.lab import Lab
from sightline.lab.live_sharing import MOST_SOCKETS
from sightline.lab.pictures import shrink
from sightline.serve.failures import RequestError, told
from sightline.serve.guard import PATIENCE
from sightline.serve.requests import decode_picture
from sightline.serve.workers import Stop

_MAX_HEADER = 1 << 20


class _Waiting:
    """The newest frame that waits; older ones are told to be dropped."""

    def __init__(self) -> None:
        self.newest: tuple[LiveAsk, bytes] | None = None
        self.dropped: list[Any] = []
        self.problems: list[dict[str, Any]] = []
        self.arrived = asyncio.Event()
        self.closed = False

    def put(self, frame: tuple[LiveAsk, bytes]) -> None:
        if self.newest is not None:
            self.dropped.append(self.newest[0].id)
        self.newest = frame
        self.arrived.set()


def live_routes(lab: Lab) -> APIRouter:
    """Return the route of the live connection."""
    routes = APIRouter()
    count = 0

    @routes.websocket("/api/live")
    async def live(socket: WebSocket) -> None:
        nonlocal count
        if count + lab.sharing.elsewhere >= MOST_SOCKETS or lab.closing.is_set():
            await socket.close(1013, "too many live connections; try again later")
            return
        count += 1
        try:
            await socket.accept()
            lab.sharing.begin(lab.pictures)
            await asyncio.create_task(_serve(lab, socket))  # not within a dozen routers, each woken with every frame
        finally:
            count -= 1

    return routes


async def _serve(lab: Lab, socket: WebSocket) -> None:
    waiting = _Waiting()
    reader = asyncio.create_task(_read(socket, waiting))
    try:
        while not waiting.closed:
            await waiting.arrived.wait()
            waiting.arrived.clear()
            while waiting.dropped or waiting.problems:
                rows = [{"id": one, "dropped": True} for one in waiting.dropped] + waiting.problems
                waiting.dropped, waiting.problems = [], []
                for row in rows:
                    await _send(socket, json.dumps(row))
            frame, waiting.newest = waiting.newest, None
            if frame is not None:
                await _answer(lab, socket, *frame)
    except (TimeoutError, WebSocketDisconnect, RuntimeError):
        return  # the client went away, or takes nothing any more
    finally:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)


async def _read(socket: WebSocket, waiting: _Waiting) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            waiting.closed = True
            waiting.arrived.set()
            return
        try:
            waiting.put(read_frame(message.get("text"), message.get("bytes")))
        except SightlineError as error:
            waiting.problems.append({"id": getattr(error, "frame", None), **told(error)})
            waiting.arrived.set()


def read_frame(text: str | None, data: bytes | None) -> tuple[LiveAsk, bytes]:
    """Return a frame's settings and the picture that came with it (empty without one).

    Parameters
    ----------
    text
        JSON settings.
    data
        ``u32 length | JSON settings | picture``, in place of the text.
    """
    picture = b""
    if data is not None:
        if len(data) < 4:
            raise FormatError("live: a binary frame must be u32 length | JSON | picture.")
        (length,) = struct.unpack_from("<I", data)
        if length > min(len(data) - 4, _MAX_HEADER):
            raise FormatError(f"live: the frame says that its JSON has {length:,} bytes, more than it holds.")
        text, picture = data[4 : 4 + length].decode("utf-8", "replace"), data[4 + length :]
    settings: Any = {}
    try:
        settings = json.loads(text or "")
        return LiveAsk.model_validate(settings), picture
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        failure = RequestError(422, f"live: {place}: {first['msg']}.")
        failure.frame = settings.get("id") if isinstance(settings, dict) else None  # type: ignore[attr-defined]
        raise failure from error
    except (ValueError, RecursionError) as error:
        raise FormatError(f"live: the frame is not JSON: {error}.") from error


async def _answer(lab: Lab, socket: WebSocket, ask: LiveAsk, picture: bytes) -> None:
    try:
        data = await lab.run(ask.methods, _compute, ask, picture)
    except Exception as error:
        await _send(socket, json.dumps({"id": ask.id, **told(error)}))
        return
    async with asyncio.timeout(PATIENCE):
        await socket.send_bytes(data)


def _compute(stop: Stop, lab: Lab, ask: LiveAsk, picture: bytes) -> bytes:
    photo = shrink(decode_picture(picture, "live"), ask.size).image if picture else None
    if ask.pipeline:
        return pack(chains.run(stop, lab, ask.pipeline, ask.inputs, ask.size, photo), ask, True)
    own = {} if photo is None else {"image": photo}
    return run_as_trace(stop, lab, ask.method, ask, own, True)


async def _send(socket: WebSocket, text: str) -> None:
    async with asyncio.timeout(PATIENCE):
        await socket.send_text(text)
