"""A lab in a process of its own and a real Chromium: what a person sees, clicked and typed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser.looking import PATIENCE

CHROMIUM = Path(os.environ.get("SIGHTLINE_CHROMIUM", "/usr/bin/chromium"))
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the lab is started on: a picture, and one a folder deeper."""
    folder = tmp_path_factory.mktemp("lab")
    y, x = np.mgrid[0:120, 0:160]
    board = np.where((x // 20 + y // 20) % 2 == 0, 30, 220).astype(np.uint8)
    Image.fromarray(board).save(folder / "board.png")
    (folder / "deeper").mkdir()
    Image.fromarray(np.stack([board, 255 - board, board], axis=2)).save(folder / "deeper" / "colours.png")
    return folder


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def lab(root: Path) -> Iterator[str]:
    """Return the address of a running lab."""
    pytest.importorskip("fastapi", reason="the extra 'lab' is not installed")
    port = free_port()
    command = [sys.executable, "-m", "sightline", "lab", "--port", str(port), "--no-browser", "--root", str(root)]
    log = root / "lab.log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT)
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(address, process, log)
            yield address
        finally:
            process.terminate()
            process.wait(20)


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the lab answers; fail with what it printed when it does not."""
    for _ in range(240):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    pytest.fail(f"the lab did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Return a headless Chromium, or skip."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"Chromium is missing: {CHROMIUM} (set SIGHTLINE_CHROMIUM)")
    with playwright.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=str(CHROMIUM), args=[*QUIET, *CAMERA])
        yield found
        found.close()


@pytest.fixture
def new_page(browser: Any, lab: str) -> Iterator[Callable[..., Any]]:
    """Return a maker of pages; each is held to: no console error, nothing asked for outside loopback."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    contexts: list[Any] = []
    problems: list[str] = []

    def make(**options: Any) -> Any:
        settings = {"viewport": {"width": 1280, "height": 900}, "base_url": lab, **options}
        context = browser.new_context(**settings)
        contexts.append(context)
        context.grant_permissions(["camera", "clipboard-read", "clipboard-write"], origin=lab)
        page = context.new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.refusals_expected = False  # a test that provokes a refusal sets it: Chromium logs each as an error
        page.on("console", lambda message: check_message(page, message))
        page.on("requestfinished", lambda request: check_request(page, request))
        page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
        page.on("request", lambda request: check_address(request.url))
        return page

    def check_message(page: Any, message: Any) -> None:
        expected = page.refusals_expected and "status of 4" in message.text
        if message.type == "error" and not expected:
            problems.append(f"{message.text} ({message.location.get('url')})")

    def check_request(page: Any, request: Any) -> None:
        answer = request.response()
        if answer is None or answer.status < 400 or page.refusals_expected:
            return
        try:
            said = answer.text()
        except playwright.Error as error:  # the page went on: its body is gone
            said = str(error)
        problems.append(f"{answer.status} {answer.url}: {said}")

    def check_address(url: str) -> None:
        if not url.startswith((lab, lab.replace("http", "ws"), "blob:", "data:", "about:")):
            problems.append(f"a request left loopback: {url}")

    yield make
    for context in contexts:
        context.close()
    assert not problems, problems


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """Return a page of 1280×900 pixels."""
    return new_page()
