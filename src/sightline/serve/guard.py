"""The guard at the door of every server: who may ask, how many bytes, how slowly."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sightline.serve.failures import RequestError, TooLargeError, plain_failure

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BYTES = 64 * 2**20
PATIENCE = 20.0  # seconds between two pieces of a request's body, or for a piece of the answer to be taken
_DRAIN_SECONDS = (
    10.0  # so long a body that is too large is read on, so that the refusal is not lost with the connection
)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_COOKIE = "sightline-token"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
)


class Guard:
    """An ASGI application that lets through what is allowed to pass.

    Parameters
    ----------
    app
        The application behind it.
    token
        What a client must show (``?token=``, a cookie that follows it, or ``Authorization: Bearer``). None: the
        server listens on loopback, and answers to loopback names only.
    max_bytes
        Largest body of a request.
    patience
        Seconds that a client may be silent within a body.
    """

    def __init__(
        self, app: Any, *, token: str | None = None, max_bytes: int = MAX_BYTES, patience: float = PATIENCE
    ) -> None:
        self.app, self.token, self.max_bytes, self.patience = app, token, max_bytes, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(scope, send, *refusal)
        elif scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            body = _Body(receive, self.max_bytes, self.patience, headers.get("content-length", ""))
            try:
                await self.app(scope, body, self._sending(scope, headers, send))
            except _GoneError:  # the client takes no more of the answer: the server closes the connection
                return

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> tuple[int, str] | None:
        host = headers.get("host", "")
        name = urlsplit(f"//{host}").hostname if _is_host(host) else None
        if name is None:
            return 400, "The Host header is missing or is no host name."
        if self.token is None and name.lower() not in _LOOPBACK:
            return 421, f"This server answers on this machine only (localhost, 127.0.0.1); got the host '{name}'."
        origin = headers.get("origin")
        if origin and origin != "null" and urlsplit(origin).netloc.lower() != host.lower():
            return 403, f"A page of '{origin}' may not use this server."
        if origin == "null" and scope.get("method") not in ("GET", "HEAD"):
            return 403, "A page without an address of its own may not use this server."
        if self.token is not None and not self._has_token(scope, headers):
            return 401, "A token is needed: open the address that the server printed when it started."
        return None

    def _has_token(self, scope: Scope, headers: dict[str, str]) -> bool:
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        parts = [part.strip().partition("=") for part in headers.get("cookie", "").split(";")]
        kept = next((value for name, _, value in parts if name == _COOKIE), "")
        shown = (self._asked(scope), bearer, kept)
        wanted = (self.token or "").encode()
        return any([hmac.compare_digest(one.encode(), wanted) for one in shown])  # noqa: C419 - all are compared

    @staticmethod
    def _asked(scope: Scope) -> str:
        return parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]

    def _sending(self, scope: Scope, headers: dict[str, str], send: Send) -> Send:
        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                extra = list(_HEADERS)
                if self.token is not None and self._asked(scope):
                    cookie = f"{_COOKIE}={self.token}; HttpOnly; SameSite=Strict; Path=/"
                    extra.append((b"set-cookie", cookie.encode("latin-1")))
                message = {**message, "headers": [*message.get("headers", []), *extra]}
            try:
                async with asyncio.timeout(self.patience):
                    await send(message)
            except TimeoutError:
                raise _GoneError from None

        return sending


class _GoneError(Exception):
    """A client takes nothing of its answer any more; no handler of the application is to answer once more."""


class _Body:
    """A request's body, counted while it comes: what Content-Length says is only a hint."""

    def __init__(self, receive: Receive, most: int, patience: float, length: str) -> None:
        self.receive, self.most, self.patience = receive, most, patience
        self.count = 0
        self.declared = int(length) if length.isdigit() else 0
        self.complete = False

    async def __call__(self) -> MutableMapping[str, Any]:
        if self.complete:  # what comes now is that the client went away, whenever that is
            return await self.receive()
        if self.declared > self.most:
            await self._refuse()
        try:
            async with asyncio.timeout(self.patience):
                message = await self.receive()
        except TimeoutError:
            raise RequestError(408, f"Nothing came for {self.patience:g} seconds.") from None
        if message["type"] == "http.request":
            self.count += len(message.get("body", b""))
            self.complete = not message.get("more_body", False)
            if self.count > self.most:
                await self._refuse()
        return message

    async def _refuse(self) -> None:
        """Read on for a while and forget what comes, then raise: a client that still writes would miss the answer."""
        end = time.monotonic() + _DRAIN_SECONDS
        while not self.complete and time.monotonic() < end:
            try:
                message = await asyncio.wait_for(self.receive(), 2.0)
            except TimeoutError:
                break
            self.complete = message["type"] != "http.request" or not message.get("more_body", False)
        raise TooLargeError(f"At most {self.most // 2**20} MB are taken at once; this was more. Make it smaller first.")


def _is_host(host: str) -> bool:
    return bool(host) and not set(host) & set("/\\@?# \t")


async def _refuse(scope: Scope, send: Send, status: int, message: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": message[:120]})
        return
    body = json.dumps(plain_failure(status, message)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *_HEADERS]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
