"""A page whose live connection is answered by another process than the lab's first."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import httpx
import psutil
import pytest
from websockets.sync.client import connect

from browser.looking import settled, shown, still, until_seen
from sightline.lab.live_sharing import _processors
from sightline.serve import handing

pytestmark = pytest.mark.browser


@pytest.mark.skipif(not handing.POSSIBLE or _processors() < 2, reason="one process is all there is on this machine")
def test_a_page_goes_on_when_the_process_that_answers_it_dies(page: Any, lab: str) -> None:
    port = int(lab.rpartition(":")[2])

    def holders() -> list[int]:
        """Return the other processes of this lab that have a connection."""
        found = [
            one for one in psutil.Process().children(recursive=True) if "sightline.lab.live_process" in one.cmdline()
        ]
        return [one.pid for one in found if any(held.laddr.port == port for held in one.net_connections("tcp"))]

    with connect(f"ws://127.0.0.1:{port}/api/live", max_size=None) as first:  # so that the page's goes elsewhere
        first.send(json.dumps({"method": "image.canny", "inputs": {"image": "sample:cat"}}))
        first.recv(120)
        until_seen(page, lambda: "sightline_processes 1\n" not in httpx.get(f"{lab}/metrics").text)
        page.goto("/method/image.canny")
        settled(page)
        before = still(page)
        assert holders()
        for pid in holders():
            os.kill(pid, signal.SIGKILL)
        page.get_by_label("high", exact=True).focus()
        for _ in range(12):
            page.keyboard.press("PageUp")
        until_seen(page, lambda: (shown(page)[..., 0] > 200).sum() < (before[..., 0] > 200).sum())
