"""The hand-made rooms: what they show untouched, what pointing and sliding change, and what holds for each of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from browser.looking import says, shown, sound_room, still, until, until_seen

pytestmark = pytest.mark.browser

ROOMS = {
    "kernel": ".kernel-sum[data-known=true]",
    "otsu": "[data-picked]",
    "hough": "[data-votes]",
    "seams": "[data-seams='160'] ~ .picture canvas",
    "blend": "[data-bands='6'] .band canvas",
}


def opened(page: Any, room: str, query: str = "") -> Any:
    """Open a room and wait until it shows its numbers."""
    page.goto(f"/rooms/{room}{query}")
    page.wait_for_selector(ROOMS[room])
    until(page, "document.querySelector('.sl-view canvas')?.width > 0")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("room", ROOMS)
def test_a_room_is_sound(new_page: Callable[..., Any], room: str, scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = opened(new_page(viewport={"width": width, "height": 844}, color_scheme=scheme), room)
    page.wait_for_selector(".export pre")
    sound_room(page, width)


def test_kernel_writes_out_the_sum_that_the_method_gives(page: Any) -> None:
    opened(page, "kernel", "?image=sample%3Acamera&kernel=Laplacian&at=200,150")
    page.get_by_role("button", name="Sobel across").click()
    page.get_by_role("button", name="Correlation").click()
    page.get_by_label("Column", exact=True).press("ArrowRight")
    page.wait_for_url(re.compile("kernel=Sobel.*at=201%2C150"))
    page.wait_for_selector(".kernel-sum[data-known=true]")
    window = page.locator(".sl-view").first
    window.focus()
    window.press("ArrowDown")
    says(page, ".kernel-cells caption", "(201, 151)")
    kernel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])

    def adds_up() -> bool:
        cells, told = page.evaluate(
            """() => [Array.from(document.querySelector('.kernel-cells')?.querySelectorAll('td') ?? [],
                    (cell) => Number(cell.textContent)),
                Number(document.querySelector('[data-sum]')?.dataset.sum)]"""
        )
        return len(cells) == 9 and told == pytest.approx((np.reshape(cells, (3, 3)) * kernel).sum())

    until_seen(page, adds_up)


def test_otsu_s_threshold_is_dragged_and_found_again(page: Any) -> None:
    opened(page, "otsu", "?image=sample%3Acoins")
    told = page.locator("[data-picked]")
    until_seen(page, lambda: told.get_attribute("data-picked") == told.get_attribute("data-value") == "107")
    curve = page.locator(".curve").first.bounding_box()
    page.mouse.click(curve["x"] + 0.8 * curve["width"], curve["y"] + 60)
    page.wait_for_url(re.compile("value=(19|20|21)"))
    assert told.get_attribute("data-picked") == "107"
    page.get_by_role("button", name="Back to the rule").click()
    until(page, "document.querySelector('[data-picked]')?.dataset.value === '107'")
    page.get_by_role("button", name="Several classes").click()
    page.wait_for_selector("[data-picked*=' ']")


def test_hough_tells_the_votes_of_the_cell_and_the_wave_of_the_pixel(page: Any) -> None:
    opened(page, "hough", "?image=sample%3Asheet")
    still(page, 1)
    strongest = int(page.locator("[data-votes]").get_attribute("data-votes"))
    views = page.locator(".sl-view")
    views.nth(1).hover(position={"x": 200, "y": 150})
    page.wait_for_url(re.compile("cell="))
    until(page, f"Number(document.querySelector('[data-votes]')?.dataset.votes) < {strongest}")
    views.nth(0).hover(position={"x": 100, "y": 90})
    page.wait_for_url(re.compile("pixel="))

    def tells_the_wave() -> bool:
        x, y = re.search(r"pixel=(\d+)%2C(\d+)", page.url).groups()
        return f"{x}·cos θ + {y}·sin θ" in (page.locator("[data-votes]").text_content() or "")

    until_seen(page, tells_the_wave)


def test_blend_paints_a_mask_and_splits_into_as_many_bands_as_asked(page: Any) -> None:
    opened(page, "blend")
    before = still(page).astype(int)
    page.get_by_role("button", name="Disc", exact=True).click()
    page.wait_for_url(re.compile("mask=disc"))
    brush = page.locator(".brush .sl-view")
    brush.scroll_into_view_if_needed()
    box = brush.bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 60, steps=4)
    page.mouse.up()
    page.wait_for_url(re.compile("mask=upload"))
    page.get_by_label("Levels", exact=True).press("ArrowLeft")
    page.wait_for_selector("[data-bands='5']")
    until_seen(page, lambda: np.abs(shown(page) - before).mean() > 5)


def test_seams_go_one_after_another_and_keep_off_what_is_protected(page: Any) -> None:
    opened(page, "seams")
    whole = still(page, 1)
    page.get_by_role("button", name="Seam after seam").click()
    until(page, "Number(document.querySelector('[data-seams]')?.dataset.seams) < 100")
    early = int(page.locator("[data-seams]").get_attribute("data-seams"))
    until(page, f"Number(document.querySelector('[data-seams]')?.dataset.seams) > {early + 2}")
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("[data-seams='160']")
    until_seen(page, lambda: shown(page, 1).shape == whole.shape and (shown(page, 1) == whole).all())
    left = (slice(None), slice(None, 200))
    seams = whole[left].astype(int)
    page.get_by_role("button", name="Left half").click()
    page.wait_for_url(re.compile("protect=upload"))
    until_seen(page, lambda: np.abs(shown(page, 1)[left] - seams).mean() > 1)
    says(page, ".export pre", "protect")
