"""Looking at a page of the lab: waiting until it is settled, reading the pixels that it shows."""

from __future__ import annotations

import base64
import io
import time
from typing import Any

import numpy as np
from PIL import Image


def until(page: Any, condition: str, seconds: float = 30) -> None:
    """Wait until a JavaScript expression holds: asked again and again, for the page allows no evaluated strings."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"never came true: {condition}"
        page.wait_for_timeout(30)


def settled(page: Any) -> None:
    """Wait until a method's page shows an answer."""
    page.wait_for_selector(".stage .ms:not(:empty)")
    until(page, "document.querySelector('.sl-view canvas')?.width > 0")
    page.wait_for_timeout(120)


def shown(page: Any, index: int = 0) -> np.ndarray:
    """Return the pixels of a picture view's canvas, H×W×4."""
    data = page.evaluate("i => document.querySelectorAll('.sl-view canvas')[i].toDataURL('image/png')", index)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGBA"))
