"""A lab or a model server in a process of its own, for tests that need a real socket."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx


@contextlib.contextmanager
def running(*words: str, cache: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run ``sightline WORDS --port 0``; yield the process and its port once all of it is loaded."""
    command = [sys.executable, "-m", "sightline", *words, "--port", "0"]
    env = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=env)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r":(\d+)/", line)
        assert found, line + process.stderr.read()
        httpx.get(f"http://127.0.0.1:{found[1]}/metrics", timeout=120)  # what is behind the page has been loaded
        yield process, int(found[1])
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
