"""Fixtures of the data tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from local_server import LocalServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    """Yield a web server on the loopback address; no proxy stands between."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    running = LocalServer()
    yield running
    running.close()
