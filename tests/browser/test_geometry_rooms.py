"""The rooms of features and geometry: what they show untouched, and what pointing and sliding change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from browser.looking import says, sound_room, still, until, until_seen

pytestmark = pytest.mark.browser

ROOMS = {
    "tower": ".described svg.cells",
    "consensus": "[data-rounds]",
    "views": "[data-line]:not([data-line=''])",
    "calibration": "[data-rms]",
    "reconstruction": ".sfm-empty, [data-registered]",
}


def opened(page: Any, room: str, query: str = "") -> Any:
    """Open a room and wait until it shows its numbers."""
    page.goto(f"/rooms/{room}{query}")
    page.wait_for_selector(ROOMS[room])
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_sound(new_page: Callable[..., Any], room: str, scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = opened(new_page(viewport={"width": width, "height": 844}, color_scheme=scheme), room)
    sound_room(page, width)


def test_the_tower_is_walked_and_a_keypoint_described(page: Any) -> None:
    opened(page, "tower", "?image=sample%3Acat&at=7")
    assert page.locator(".ring .bar").count() == 36
    assert page.locator(".cells .bar").count() == 128
    kept = int(page.locator("[data-kept]").get_attribute("data-kept"))
    assert kept > 100
    page.get_by_label("Contrast", exact=True).press("ArrowRight")
    until(page, f"Number(document.querySelector('[data-kept]')?.dataset.kept) < {kept}")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Step on").click()
    page.wait_for_url(re.compile("at=8"))
    until(page, "document.querySelectorAll('.tower button[aria-pressed=true]').length === 1")


def test_consensus_plays_until_it_has_rounds_enough(page: Any) -> None:
    opened(page, "consensus", "?model=line&outliers=0.5&seed=3&round=0")
    told = page.locator("[data-rounds]")
    until(page, "document.querySelector('[data-round]')?.dataset.round === '1'")
    page.get_by_label("Step", exact=True).press("End")
    until_seen(page, lambda: told.get_attribute("data-round") == told.get_attribute("data-rounds"))
    assert int(told.get_attribute("data-needed")) <= int(told.get_attribute("data-rounds"))
    assert int(told.get_attribute("data-best")) > 40
    page.get_by_role("button", name="Fundamental").click()
    says(page, ".control .hint", "7 pairs")
    until(page, "document.querySelector('.sl-view canvas')?.width > 0")
    page.wait_for_url(re.compile("model=fundamental"))


def test_a_point_has_its_line_in_the_other_photo(page: Any) -> None:
    opened(page, "views")
    told = page.locator("[data-line]")
    line = told.get_attribute("data-line")
    views = page.locator(".sl-view")
    views.nth(0).click(position={"x": 120, "y": 250})
    until_seen(page, lambda: told.get_attribute("data-line") not in ("", line))
    a, b, c = map(float, told.get_attribute("data-line").split())
    assert a * a + b * b == pytest.approx(1, abs=1e-3)
    assert abs(c) < 2000
    views.nth(1).click(position={"x": 200, "y": 150})
    page.wait_for_url(re.compile("side=right"))
    page.get_by_label("Down", exact=True).press("ArrowRight")
    page.wait_for_url(re.compile("y=0"))


def test_a_camera_without_a_lens_misses_the_corners(page: Any) -> None:
    opened(page, "calibration")
    told = page.locator("[data-rms]")
    assert float(told.get_attribute("data-rms")) < 0.1
    assert float(told.get_attribute("data-focal")) == pytest.approx(430, abs=0.5)
    page.get_by_role("button", name="None", exact=True).click()
    until_seen(page, lambda: float(told.get_attribute("data-rms")) > 0.5)
    page.get_by_role("button", name="Full", exact=True).click()
    page.get_by_label("use board-1").uncheck()
    says(page, "[data-rms]", "from 8 views")
    page.get_by_role("button", name="board-3").click()
    page.wait_for_url(re.compile("shown=board-3"))
    still(page, 1)
