"""Looking at a page of the lab: waiting until it is settled, reading the pixels that it shows."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

PATIENCE = 120.0  # seconds: a page is waited for as long as a slow machine may need, compiling included


def until(page: Any, condition: str, seconds: float = PATIENCE) -> None:
    """Wait until a JavaScript expression holds: asked again and again, for the page allows no evaluated strings.

    What the expression looks at may be drawn anew at any time: elements are asked with ``?.``.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}"
        page.wait_for_timeout(30)


def until_seen(page: Any, holds: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Wait until what is seen holds; the last look fails as an ``assert`` does."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "what was waited for was never seen"
        page.wait_for_timeout(60)


def says(page: Any, selector: str, text: str) -> None:
    """Wait until the first element of a selector says a text."""
    until(page, f"(document.querySelector({selector!r})?.textContent ?? '').includes({text!r})")


def settled(page: Any) -> None:
    """Wait until a method's page shows an answer."""
    page.wait_for_selector(".stage .ms:not(:empty)")
    until(page, "document.querySelector('.sl-view canvas')?.width > 0")
    still(page)


def shown(page: Any, index: int = 0) -> np.ndarray:
    """Return the pixels of a picture view's canvas, H×W×4; one black pixel while there is none."""
    data = page.evaluate("i => document.querySelectorAll('.sl-view canvas')[i]?.toDataURL('image/png') ?? ''", index)
    if not data.partition(",")[2]:
        return np.zeros((1, 1, 4), np.uint8)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGBA"))


def still(page: Any, index: int = 0) -> np.ndarray:
    """Return the pixels of a picture view's canvas when something is drawn on it and two looks see the same."""
    last, end = shown(page, index), time.monotonic() + PATIENCE
    while time.monotonic() < end:
        page.wait_for_timeout(150)
        now = shown(page, index)
        if now.shape == last.shape and (now == last).all() and now.any():
            return now
        last = now
    pytest.fail("the picture never came to rest")


def accessible(page: Any) -> None:
    """Fail when axe finds anything on the page that keeps somebody from using it."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(page).response["violations"]
    assert not [(row["id"], row["help"], [node["html"][:160] for node in row["nodes"][:4]]) for row in found]


def sound_room(page: Any, width: int) -> None:
    """Fail when a room is wider than the window, keeps somebody out, or leads to no method or lesson."""
    until(page, f"document.documentElement.scrollWidth <= {width}")
    accessible(page)
    assert page.locator(".room-links a[href^='/method/']").count() >= 1
    assert page.locator(".room-links a[href^='/lessons/']").count() == 1
