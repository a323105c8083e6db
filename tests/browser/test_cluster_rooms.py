"""The rooms of clusters and maps: what they show untouched, and what clicking and pointing change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from browser.looking import sound_room, until

pytestmark = pytest.mark.browser

ROOMS = {"clock": "[data-rounds]", "digits": "[data-frames]"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_sound(new_page: Callable[..., Any], room: str, scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto(f"/rooms/{room}")
    page.wait_for_selector(ROOMS[room])
    sound_room(page, width)


def test_the_clock_starts_where_one_clicks(page: Any) -> None:
    page.goto("/rooms/clock")
    told = page.locator(ROOMS["clock"])
    told.wait_for()
    assert float(told.get_attribute("data-ratio")) > 1.2
    page.get_by_role("button", name="Far apart").click()
    until(page, "Number(document.querySelector('[data-ratio]')?.dataset.ratio) < 1.05")
    for x, y in ((60, 60), (200, 200)):
        page.locator(".sheet").click(position={"x": x, "y": y})
    until(page, "document.querySelectorAll('.sheet .centre').length === 2")
    page.wait_for_url(re.compile("places="))


def test_the_map_tells_of_the_digit_that_one_points_at(page: Any) -> None:
    page.goto("/rooms/digits?digit=7")
    told = page.locator(ROOMS["digits"])
    told.wait_for()
    assert told.get_attribute("data-pointed") == "7"
    assert float(told.get_attribute("data-alike")) > 0.9
    assert page.locator(".sheet circle").count() == 600
    assert page.locator(".digit-seen canvas").count() == 6
    page.locator(".sheet").hover(position={"x": 40, "y": 90})
    until(page, "document.querySelector('[data-pointed]')?.dataset.pointed !== '7'")


def test_the_list_of_rooms_tells_of_each(page: Any) -> None:
    page.goto("/rooms")
    page.wait_for_selector("a.card")
    told = page.locator("a.card").all_inner_texts()
    assert len(told) > 20
    assert all(len(text.split("\n")) == 2 and len(text) > 40 for text in told), told
