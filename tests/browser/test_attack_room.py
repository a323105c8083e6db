"""The attack room: ε is moved, and the answer tips; and it is sound on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser.looking import shown, sound_room, still, until, until_seen
from lab.trained import train_few

pytestmark = pytest.mark.browser

TOLD = "document.querySelector('.room-told')?.dataset"
SWEPT = "Number(document.querySelector('[data-swept]')?.dataset.swept) > 0"

WORKS = "(document.querySelector('[data-works]:is(p)')?.dataset.works ?? '')"


@pytest.fixture(scope="module", autouse=True)
def runs(root: Path) -> None:
    """Train a LeNet-5 on a few digits."""
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")
    train_few(root, attacked="lenet5")


def test_the_slider_moves_the_picture_and_the_answer(page: Any) -> None:
    page.goto("/rooms/attack?model=attacked&image=sample%3Acoins&eps=0")
    until(page, f"{TOLD}?.eps === '0.00' && {SWEPT}")
    assert page.locator(".room-told").get_attribute("data-fooled") == "false"
    before = still(page, 2)
    page.get_by_label("ε, levels of 255", exact=True).fill("16")
    until(page, f"{TOLD}?.eps === '16.00'")
    until_seen(page, lambda: np.abs(shown(page, 2).astype(int) - before).max() > 8)
    page.get_by_label("To be taken for").select_option("7")
    page.get_by_role("button", name="PGD").click()
    page.get_by_label("ε, levels of 255, exact").fill("255")
    page.get_by_label("ε, levels of 255, exact").press("Enter")
    until(page, f"{TOLD}?.eps === '255.00' && {SWEPT}")
    assert page.locator(".sl-curve").count() == 1
    until(page, "location.search.includes('method=pgd') && location.search.includes('target=7')")
    python = page.get_by_label("the Python", exact=True).text_content()
    assert "sl.attack.pgd(model.model, seen, eps=255 / 255" in python


def program(page: Any) -> str:
    return page.get_by_label("the Python", exact=True).text_content()


def test_one_change_for_all_pictures_and_a_sticker_are_learnt(page: Any) -> None:
    page.goto("/rooms/attack?model=attacked&image=sample%3Acoins&eps=60&method=universal_perturbation")
    until(page, f"{TOLD}?.eps === '60.00' && {WORKS} !== ''")
    until(page, "document.querySelectorAll('.attack-others canvas').length === 6")
    assert np.ptp(still(page, 1)[..., 0]) > 100  # the change, magnified
    assert "universal_perturbation(model.model, batch, eps=60 / 255)" in program(page)
    page.get_by_role("button", name="Patch").click()
    page.get_by_label("To be taken for").select_option("7")
    until(page, f"{TOLD}?.method === 'patch' && {WORKS} !== '' && document.querySelectorAll('.sl-curve').length === 1")
    until(page, "location.search.includes('method=patch') && location.search.includes('target=7')")
    before = still(page, 2)
    page.get_by_label("Place", exact=True).fill("3")
    until_seen(page, lambda: not np.array_equal(shown(page, 2), before))
    assert "seed=3" in program(page)


@pytest.mark.parametrize("method", ["universal_perturbation", "patch"])
@pytest.mark.parametrize("width", [390, 1280])
def test_changes_for_all_are_sound(new_page: Callable[..., Any], method: str, width: int) -> None:
    page = new_page(viewport={"width": width, "height": 844})
    page.goto(f"/rooms/attack?model=attacked&image=sample%3Acoins&eps=60&method={method}")
    until(page, f"{TOLD} && {WORKS} !== ''")
    sound_room(page, width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_room_is_sound(new_page: Callable[..., Any], scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto("/rooms/attack?model=attacked&image=sample%3Acoins&eps=8")
    until(page, f"{TOLD}?.eps === '8.00' && {SWEPT}")
    assert shown(page, 1).any()
    sound_room(page, width)
