"""The rooms of detection: what they show untouched, and what pointing, dragging and stepping change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from browser.looking import says, sound_room, still, until, until_seen

pytestmark = pytest.mark.browser

ROOMS = {
    "court": "[data-round]",
    "anchors": "[data-matched]",
    "precision": "[data-average]",
    "proposals": "[data-count]",
    "queries": "[data-query]",
    "words": "[data-phrase]",
}


def opened(page: Any, room: str, query: str = "") -> Any:
    """Open a room and return what tells its numbers."""
    page.goto(f"/rooms/{room}{query}")
    page.wait_for_selector(ROOMS[room])
    return page.locator(".room-told")


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the first picture; places are shares of its view."""
    still(page)
    box = page.locator(".sl-view").first.bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=3)
    page.mouse.up()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_sound(new_page: Callable[..., Any], room: str, scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    opened(page, room)
    sound_room(page, width)


def test_the_court_judges_round_by_round(page: Any) -> None:
    told = opened(page, "court", "?round=0")
    kept = int(told.get_attribute("data-kept"))
    page.get_by_role("button", name="Step on").click()
    until(page, "document.querySelector('[data-round]').dataset.round === '1'")
    rows = page.locator(".court-table tbody tr")
    assert rows.count() >= 1
    rows.first.get_by_role("button").click()
    says(page, ".room-told", "sends it away")
    page.get_by_role("button", name="Gaussian").click()
    until(page, f"Number(document.querySelector('[data-kept]').dataset.kept) > {kept}")
    says(page, ".room-told", "lowers it to")
    page.get_by_role("button", name="Mine", exact=True).click()
    says(page, ".room-told", "0 candidates")
    drag(page, (0.3, 0.3), (0.6, 0.7))
    until(page, "document.querySelector('[data-boxes]').dataset.boxes === '1'")
    page.wait_for_url(re.compile("drawn="))


def test_a_thing_that_is_drawn_gets_its_anchors(page: Any) -> None:
    told = opened(page, "anchors", "?things=")
    assert told.get_attribute("data-matched") == "0"
    says(page, ".room-told", "Drag a box")
    drag(page, (0.4, 0.2), (0.6, 0.5))
    until(page, "Number(document.querySelector('[data-matched]').dataset.matched) > 0")
    page.get_by_role("button", name="nobody").click()
    page.get_by_label("Match from", exact=True).press("End")
    until(page, "document.querySelector('[data-matched]').dataset.matched === '0'")


def test_average_precision_grows_with_what_is_right(page: Any) -> None:
    told = opened(page, "precision", "?at=0")
    assert float(told.get_attribute("data-average")) == 0
    page.get_by_label("Step", exact=True).press("End")
    until_seen(page, lambda: told.get_attribute("data-at") == told.get_attribute("data-detections"))
    whole = float(told.get_attribute("data-average"))
    assert 0.1 < whole < 1
    assert page.locator(".precision-curve circle").count() == int(told.get_attribute("data-detections"))
    page.get_by_role("list", name="Average precision by overlap").get_by_role("button").nth(8).click()
    until(page, f"Number(document.querySelector('[data-average]').dataset.average) < {whole}")


def test_more_boxes_cover_a_thing_better(page: Any) -> None:
    told = opened(page, "proposals", "?way=windows")
    count = int(told.get_attribute("data-count"))
    assert count > 1000
    page.get_by_role("button", name="Regions").click()
    until(page, f"Number(document.querySelector('[data-count]').dataset.count) !== {count}")
    until_seen(page, lambda: float(told.get_attribute("data-best").split()[0]) > 0.7)
    page.get_by_role("button", name="Clear").click()
    says(page, ".room-told", "Drag a box")


def test_a_query_is_followed_through_the_layers(page: Any) -> None:
    told = opened(page, "queries", "?fresh=deformable_detr&layer=0")
    assert told.get_attribute("data-layer") == "1"
    first = told.get_attribute("data-query")
    page.get_by_role("button", name="Step on").click()
    until(page, "document.querySelector('[data-layer]').dataset.layer === '2'")
    page.get_by_label("Query", exact=True).press("ArrowRight")
    until_seen(page, lambda: told.get_attribute("data-query") != first)
    page.wait_for_url(re.compile("rank=2"))


def test_words_look_layer_by_layer(page: Any) -> None:
    told = opened(page, "words", "?image=sample%3Acoins&text=a+coin.+dark+ground.&layer=0")
    assert (told.get_attribute("data-layer"), told.get_attribute("data-phrases")) == ("1", "2")
    assert told.get_attribute("data-phrase") == "a coin"
    first = told.get_attribute("data-most")
    page.get_by_role("button", name="Step on").click()
    until(page, "document.querySelector('[data-layer]').dataset.layer === '2'")
    assert told.get_attribute("data-most") != first
    page.locator(".court-table").get_by_role("button", name="dark ground").click()
    until(page, "document.querySelector('[data-phrase]').dataset.phrase === 'dark ground'")
    page.get_by_label("Text", exact=True).fill("one. two. three.")
    until(page, "document.querySelector('[data-phrases]').dataset.phrases === '3'")
    page.wait_for_url(re.compile("text=one"))
