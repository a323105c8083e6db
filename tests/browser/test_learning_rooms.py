"""The rooms of learning: what they show untouched, and what pointing and stepping change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from browser.looking import shown, sound_room, still, until, until_seen

pytestmark = pytest.mark.browser

ROOMS = {"race": "[data-race]", "tape": "[data-tape]"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_sound(new_page: Callable[..., Any], room: str, scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto(f"/rooms/{room}")
    page.wait_for_selector(ROOMS[room])
    sound_room(page, width)


def test_the_race_begins_where_one_points(page: Any) -> None:
    page.goto("/rooms/race?steps=40&racers=SGD,lbfgs")
    page.wait_for_selector(ROOMS["race"])
    until_seen(page, lambda: shown(page)[..., 3].any())
    assert page.locator(".race-board tbody tr").count() == 2
    before = still(page)
    page.get_by_role("button", name="BFGS", exact=True).click()
    until(page, "document.querySelectorAll('.race-board tbody tr').length === 3")
    page.locator(".stage canvas").first.click(position={"x": 300, "y": 120})
    page.wait_for_url(re.compile("start="))
    until_seen(page, lambda: np.abs(shown(page).astype(int) - before).mean() > 0.1)
    page.get_by_role("button", name="Step back").click()
    page.wait_for_url(re.compile("at="))


def test_the_tape_goes_forward_and_back(page: Any) -> None:
    page.goto("/rooms/tape")
    told = page.locator(ROOMS["tape"])
    told.wait_for()
    assert page.locator(".tape-board .slope").filter(has_text="∂").count() == 0
    last = int(told.get_attribute("data-last"))
    page.goto(f"/rooms/tape?at={last}")
    until(page, "document.querySelectorAll('.tape-board .node').length > 20")
    everywhere = page.locator(".tape-board .node").count()
    assert page.locator(".tape-board .slope").filter(has_text="∂").count() == everywhere
    loss = float(told.get_attribute("data-loss"))
    page.get_by_role("button", name="Take a step down").click()
    until(page, f"Number(document.querySelector('[data-tape]').dataset.loss) < {loss}")
