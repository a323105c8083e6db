"""The guard: hosts, origins, tokens, bytes and patience."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.testclient import TestClient

from sightline.serve import failures
from sightline.serve.guard import Guard


def make(**options: Any) -> TestClient:
    app = FastAPI()
    failures.install(app)

    @app.get("/")
    async def hello() -> str:
        return "hello"

    @app.post("/count")
    async def count(request: Request) -> int:
        return len(await request.body())

    return TestClient(Guard(app, **options), base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "localhost:8600", "[::1]:8600", "LOCALHOST"])
def test_loopback_names_are_answered(host: str) -> None:
    assert make().get("/", headers={"host": host}).json() == "hello"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1"])
def test_other_names_are_not(host: str) -> None:
    answer = make().get("/", headers={"host": host})
    assert answer.status_code == 421
    assert "this machine only" in answer.json()["error"]["message"]


@pytest.mark.parametrize("host", ["", "a b", "evil.example@127.0.0.1", "127.0.0.1/x", "localhost\\x"])
def test_hosts_that_are_none(host: str) -> None:
    assert make().get("/", headers={"host": host}).status_code == 400


def test_pages_of_other_origins_may_not_ask() -> None:
    client = make()
    assert client.post("/count", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/count", headers={"origin": "http://127.0.0.1:9999"}).status_code == 403
    assert client.post("/count", headers={"origin": "null"}).status_code == 403
    assert client.post("/count", headers={"origin": "http://127.0.0.1"}).json() == 0


def test_a_token_opens_the_door_by_address_header_or_cookie() -> None:
    refused = make(token="secret").get("/")
    assert refused.status_code == 401
    assert "token" in refused.json()["error"]["message"]
    assert make(token="secret").get("/?token=wrong").status_code == 401
    assert make(token="secret").get("/", headers={"authorization": "Bearer secret"}).json() == "hello"
    client = make(token="secret")
    first = client.get("/?token=secret", headers={"host": "lab.example:8600"})
    assert first.json() == "hello"
    assert {"HttpOnly", "SameSite=Strict"} <= set(first.headers["set-cookie"].split("; "))
    assert make(token="secret").get("/", headers={"cookie": "a=b; sightline-token=secret"}).json() == "hello"


def test_bytes_are_counted_whatever_the_header_says() -> None:
    client = make(max_bytes=1000)
    assert client.post("/count", content=bytes(1000)).json() == 1000
    assert client.post("/count", content=bytes(1001)).status_code == 413
    streamed = client.post("/count", content=(bytes(100) for _ in range(11)))
    assert streamed.status_code == 413


def test_answers_say_how_they_may_be_used() -> None:
    headers = make().get("/").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


def scope(method: str = "POST") -> dict[str, Any]:
    headers = [(b"host", b"localhost"), (b"content-type", b"text/plain")]
    path = {"path": "/count", "raw_path": b"/count", "query_string": b"", "root_path": ""}
    return {"type": "http", "method": method, "headers": headers, "http_version": "1.1", "scheme": "http", **path}


def test_a_body_that_stops_coming_is_given_up() -> None:
    sent: list[Any] = []

    async def receive() -> Any:
        if not sent:
            sent.append("first")
            return {"type": "http.request", "body": b"abc", "more_body": True}
        await asyncio.sleep(60)
        return None

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(make(patience=0.05).app(scope(), receive, send))
    assert sent[1]["status"] == 408


def test_an_answer_that_nobody_takes_is_given_up() -> None:
    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        await asyncio.sleep(60)

    asyncio.run(asyncio.wait_for(make(patience=0.05).app(scope(), receive, send), 5))
