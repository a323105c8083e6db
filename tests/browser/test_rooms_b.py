"""The rooms of morphology, of colour clusters and of codes: what they show is what the methods give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from PIL import Image

import sightline as sl
from browser.looking import says, shown, sound_room, until, until_seen

pytestmark = pytest.mark.browser

CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)
ROOMS = {"morphology": ".export pre", "clusters": ".clusters-said[data-rounds='12']", "codes": ".codes-list li"}


def cells(page: Any, index: int, shape: tuple[int, int]) -> np.ndarray:
    """Return which cells of a small picture are bright: the middle of each is looked at."""
    grey = shown(page, index)[..., :3].mean(axis=2)
    scale = min(grey.shape[0] / shape[0], grey.shape[1] / shape[1])
    top, left = ((size - scale * count) / 2 for size, count in zip(grey.shape, shape, strict=True))
    y, x = (np.arange(count) + 0.5 for count in shape)
    return grey[(top + scale * y).astype(int)][:, (left + scale * x).astype(int)] > 127


def drawn(page: Any) -> np.ndarray:
    """Return the small picture as the address has it."""
    text = parse_qs(urlsplit(page.url).query)["pixels"][0]
    rows = [text[at : at + 6] for at in range(0, len(text), 6)]
    return np.array([[bit == "1" for bit in f"{int(row, 16):024b}"] for row in rows])


def matches(page: Any, make: Callable[[np.ndarray], np.ndarray]) -> None:
    """Wait until the small result is what the method gives."""
    until_seen(page, lambda: "pixels=" in page.url and (cells(page, 1, (14, 24)) == make(drawn(page))).all())


def test_pixels_are_switched_and_worked_on(page: Any) -> None:
    page.goto("/rooms/morphology?operation=erode&footprint=[[0,1,0],[1,1,1],[0,1,0]]")
    page.wait_for_selector(".export pre")
    matches(page, lambda pixels: sl.image.erode(pixels, CROSS))
    before = drawn(page)
    page.locator(".sl-view").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    says(page, ".under", "(8, 5)")
    until_seen(page, lambda: (drawn(page) != before).any())  # the address follows a moment later
    matches(page, lambda pixels: sl.image.erode(pixels, CROSS))
    assert np.argwhere(drawn(page) != before).tolist() == [[5, 8]]
    page.get_by_role("button", name="Closing", exact=True).click()
    matches(page, lambda pixels: sl.image.closing(pixels, CROSS))
    page.get_by_role("button", name="square", exact=True).click()
    matches(page, lambda pixels: sl.image.closing(pixels, np.ones((3, 3), bool)))


def test_a_pattern_finds_corners(page: Any) -> None:
    page.goto("/rooms/morphology?operation=hit_or_miss&pattern=[[0,-1,-1],[1,1,-1],[0,1,0]]")
    pattern = np.array([[0, -1, -1], [1, 1, -1], [0, 1, 0]])
    matches(page, lambda pixels: sl.image.hit_or_miss(pixels, pattern))


def test_centres_move_round_by_round_until_they_rest(page: Any, root: Path) -> None:
    page.goto("/rooms/clusters?image=file%3Adeeper%2Fcolours.png&k=2&seed=3&round=1")
    page.wait_for_selector(ROOMS["clusters"])
    picture = np.asarray(Image.open(root / "deeper" / "colours.png"))
    labels, centres = sl.image.kmeans_segment(picture, 2, 3, iterations=1, centres=True)
    shares = np.bincount(labels.ravel()) / labels.size
    expected = [
        f"{', '.join(f'{value:.0f}' for value in centre)} · {100 * share:.1f} %"
        for centre, share in zip(centres, shares, strict=True)
    ]
    swatches = page.locator(".swatches li")
    until_seen(page, lambda: [text.strip() for text in swatches.all_text_contents()] == expected)
    page.get_by_role("slider", name="Step", exact=True).focus()
    page.keyboard.press("End")
    says(page, ".clusters-said", "rests")
    says(page, ".export pre", "iterations=12")
    ways = page.locator(".cloud-box canvas")
    first = ways.evaluate("canvas => canvas.toDataURL()")
    ways.focus()
    page.keyboard.press("ArrowRight")
    until_seen(page, lambda: ways.evaluate("canvas => canvas.toDataURL()") != first)
    assert ways.evaluate("canvas => canvas === document.activeElement")


def test_mean_shift_is_stepped_through(page: Any) -> None:
    page.goto("/rooms/clusters?method=mean_shift_filter&image=file%3Adeeper%2Fcolours.png&round=2")
    page.wait_for_selector(".clusters-said[data-rounds='8']")
    says(page, ".clusters-said", "2 times")
    assert not page.locator(".swatches").count()


def test_a_code_is_made_and_scanned(page: Any) -> None:
    page.goto("/rooms/codes")
    page.wait_for_selector(ROOMS["codes"])
    known = [code.text for code in sl.image.scan_codes(sl.data.sample("codes"))]
    until_seen(page, lambda: page.locator(".codes-text").all_text_contents() == known)
    page.get_by_role("button", name="eyes", exact=True).click()
    says(page, ".codes-stage figcaption", "1 : 1 : 3")
    text = "Grüße & 123"
    page.get_by_label("Text", exact=True).fill(text)
    page.get_by_role("button", name="H 30 %").click()
    says(page, ".make-code .code pre", text)
    page.get_by_role("button", name="Scan this code").click()
    until(page, f"document.querySelector('.codes-text')?.textContent === {text!r}")
    says(page, ".codes-list li", "level H")


def test_a_text_that_is_no_retail_number_is_refused_in_words(page: Any) -> None:
    page.goto("/rooms/codes?make.kind=ean13&make.text=letters")
    page.wait_for_selector(".make-code .error")
    assert "ean13" in page.locator(".make-code .error").text_content().lower()
    assert page.get_by_role("button", name="Scan this code").is_disabled()


def test_the_camera_is_scanned(page: Any) -> None:
    page.goto("/rooms/codes")
    page.wait_for_selector(ROOMS["codes"])
    page.get_by_role("button", name="Camera", exact=True).click()
    page.wait_for_selector(".frame-bar")
    until(page, "Number(document.querySelector('.frame-bar .rate')?.dataset.rate) > 0")
    page.get_by_role("group", name="Moving picture").get_by_role("button", name="Stop").click()
    known = [code.text for code in sl.image.scan_codes(sl.data.sample("codes"))]
    until_seen(page, lambda: page.locator(".codes-text").all_text_contents() == known)  # no late frame comes after it


@pytest.mark.parametrize("name", ROOMS)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_a_room_is_sound(new_page: Callable[..., Any], name: str, width: int, scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": width, "height": 900})
    page.goto(f"/rooms/{name}")
    page.wait_for_selector(ROOMS[name])
    page.wait_for_load_state("networkidle")
    sound_room(page, width)
