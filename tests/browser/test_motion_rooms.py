"""The rooms of motion and faces: what they show untouched, and what sliding and stepping change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from browser.looking import shown, sound_room, still, until, until_seen

pytestmark = pytest.mark.browser

ROOMS = {"flow": "[data-flow]", "tracker": "[data-frame]", "cascade": "[data-windows]", "eigenfaces": "[data-k]"}


def opened(page: Any, room: str, query: str = "") -> Any:
    """Open a room and wait until it shows its numbers and a picture."""
    page.goto(f"/rooms/{room}{query}")
    page.wait_for_selector(ROOMS[room])
    until_seen(page, lambda: shown(page)[..., 3].any())
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_sound(new_page: Callable[..., Any], room: str, scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = opened(new_page(viewport={"width": width, "height": 844}, color_scheme=scheme), room)
    sound_room(page, width)


def test_flow_takes_the_second_picture_back_to_the_first(page: Any) -> None:
    opened(page, "flow")
    told = page.locator("[data-flow]")
    assert float(told.get_attribute("data-left")) < 0.3 * float(told.get_attribute("data-off"))
    fine = still(page, 1)
    assert len(np.unique(fine[..., 0])) > 20  # colours of several motions
    page.get_by_role("button", name="Step back").click()
    page.wait_for_url(re.compile("step="))
    page.get_by_role("button", name="TV-L1").click()
    until(page, "document.querySelector('.room-links a')?.textContent === 'motion.tv_l1'")
    until(
        page,
        "Array.from(document.querySelectorAll('.step-names button')).some((b) => b.textContent.includes('left over'))",
    )


def test_the_ledger_goes_to_an_identity_switch(page: Any) -> None:
    opened(page, "tracker", "?tracker=sort&seed=0&at=0")
    told = page.locator("[data-frame]")
    assert int(told.get_attribute("data-switches")) >= 1
    page.locator("[aria-label='Identity switches'] button").first.click()
    page.wait_for_selector(".doubt")
    before = still(page)
    page.get_by_role("button", name="2 Assign").click()
    until_seen(page, lambda: np.abs(shown(page).astype(int) - before).mean() > 0.5)
    assert page.locator(".cost td.made").count() >= 1
    frame = int(told.get_attribute("data-frame"))
    page.keyboard.press("ArrowRight")
    until_seen(page, lambda: int(told.get_attribute("data-frame")) == frame + 1)


def test_stages_leave_fewer_and_fewer_windows(page: Any) -> None:
    opened(page, "cascade", "?image=sample%3Aastronaut&stage=1")
    told = page.locator("[data-windows]")
    many = int(told.get_attribute("data-windows"))
    page.get_by_label("Step", exact=True).press("End")
    until_seen(page, lambda: int(told.get_attribute("data-windows")) < many / 100)
    assert told.get_attribute("data-found") == "1"


def test_more_components_bring_the_face_back(page: Any) -> None:
    opened(page, "eigenfaces", "?k=2&index=9")
    told = page.locator("[data-k]")
    error = float(told.get_attribute("data-error"))
    page.get_by_label("Components", exact=True).press("End")
    until_seen(page, lambda: float(told.get_attribute("data-error")) < 0.5 * error)
