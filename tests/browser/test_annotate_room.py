"""Boxes are drawn on a folder's pictures, a detector is trained on them in the cockpit, and asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser.looking import accessible, sound_room, until
from sightline.data import open_detection_set

pytestmark = pytest.mark.browser

TOLD = "document.querySelector('.room-told')?.dataset"
KEPT = f"{TOLD}?.state === 'kept'"
STATE = "document.querySelector('.cockpit-state')?.dataset"


@pytest.fixture(scope="module", autouse=True)
def yard(root: Path) -> Path:
    """Write six pictures of a bright square on dark ground."""
    folder = root / "squares"
    folder.mkdir()
    for i in range(6):
        picture = np.full((60, 80, 3), 30, np.uint8)
        picture[15:45, 10 + 6 * i : 40 + 6 * i] = (220, 200, 60)
        Image.fromarray(picture).save(folder / f"{i}.png")
    return folder


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the picture, from and to places in its pixels."""
    view = page.locator(".stage .sl-view").bounding_box()
    scale = min(view["width"] / 80, view["height"] / 60)
    left, top = view["x"] + (view["width"] - 80 * scale) / 2, view["y"] + (view["height"] - 60 * scale) / 2
    page.mouse.move(left + start[0] * scale, top + start[1] * scale)
    page.mouse.down()
    for share in (0.5, 1.0):
        x, y = (a + share * (b - a) for a, b in zip(start, end, strict=True))
        page.mouse.move(left + x * scale, top + y * scale)
    page.mouse.up()


def test_boxes_are_drawn_and_kept(page: Any, yard: Path) -> None:
    page.goto("/rooms/annotate?folder=file%3Asquares")
    until(page, KEPT)
    page.get_by_label("New class").fill("square")
    page.get_by_role("button", name="Add", exact=True).click()
    for i in range(5):
        page.get_by_role("button", name=f"{i}.png").click()
        until(page, f"location.search.includes('{i}.png')")
        drag(page, (10 + 6 * i, 15), (40 + 6 * i, 45))
        until(page, f"{KEPT} && {TOLD}.boxes === '{i + 1}'")
    page.get_by_role("button", name="Next", exact=True).click()
    page.get_by_role("button", name="Nothing on it").click()
    until(page, f"{KEPT} && {TOLD}.pictures === '6'")
    page.keyboard.press("n")  # the first one again
    drag(page, (25, 30), (25, 30))  # a click chooses the box
    page.get_by_label("Left, exact").fill("8")
    page.get_by_label("Left, exact").press("Enter")
    until(page, KEPT)
    drag(page, (60, 50), (70, 58))
    until(page, f"{KEPT} && {TOLD}.boxes === '6'")
    page.keyboard.press("Delete")
    until(page, f"{KEPT} && {TOLD}.boxes === '5'")
    found = open_detection_set(yard).pool()
    boxes = {Path(key).name: item.boxes for key, item in zip(found.keys, found.annotations, strict=True)}
    assert len(boxes) == 6
    assert np.abs(boxes["0.png"] - [[8, 15, 40, 45]]).max() <= 1
    assert np.abs(boxes["3.png"] - [[28, 15, 58, 45]]).max() <= 1
    assert boxes["5.png"].shape == (0, 4)


def test_a_detector_is_trained_and_asked(page: Any) -> None:
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")
    page.goto("/rooms/annotate?folder=file%3Asquares")
    page.get_by_role("link", name="Train a detector on it").click()
    until(page, "document.querySelector('.controls .primary')?.disabled === false")
    assert "detect/yolo" in page.get_by_label("the command line", exact=True).text_content()
    settings = "%7B%22image_size%22%3A64%2C%22batch_size%22%3A2%2C%22threads%22%3A1%7D"
    page.goto(f"/rooms/cockpit?recipe=detect%2Fyolo&data=file%3Asquares&epochs=1&settings={settings}")
    until(page, "document.querySelector('.controls .primary')?.disabled === false")
    page.get_by_role("button", name="Train", exact=True).click()
    until(page, f"{STATE}?.state === 'finished'", 240)
    assert page.locator(".charts .sl-curve").count() >= 3
    until(page, "document.querySelector('[data-found]')?.dataset.found >= '0'")
    accessible(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_room_is_sound(new_page: Callable[..., Any], scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto("/rooms/annotate?folder=file%3Asquares")
    until(page, KEPT)
    sound_room(page, width)
