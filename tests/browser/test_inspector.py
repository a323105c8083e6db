"""The model inspector: a class, a layer, a map and a patch are chosen, and what they show is looked at."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser.looking import accessible, shown, until
from lab.trained import train_few

pytestmark = pytest.mark.browser

SEEN = "document.querySelector('.inspector-seen')?.dataset.shown"
LAYER = "document.querySelector('.inspector-bench')?.dataset.layer"
CHECKED = "document.querySelector('.inspector-sanity')?.dataset.checked"
LENS = "document.querySelector('.inspector-lens')?.dataset.fresh"


@pytest.fixture(scope="module", autouse=True)
def runs(root: Path) -> None:
    """Train a LeNet-5 and a small transformer on a few digits."""
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")
    train_few(root, **{"inspected-lenet5": "lenet5", "inspected-vit": "vit"})


def until_changed(page: Any, before: np.ndarray, seconds: float = 30) -> None:
    """Wait until the first picture is painted otherwise than before."""
    end = time.monotonic() + seconds
    while np.array_equal(shown(page), before):
        assert time.monotonic() < end, "the picture stayed as it was"
        page.wait_for_timeout(30)


def test_a_class_a_layer_and_a_map_are_chosen(page: Any) -> None:
    page.goto("/rooms/inspector?run=inspected-lenet5&test=3")
    until(page, f"{SEEN}?.startsWith('grad_cam ')", 120)
    until(page, f"{LAYER} === 'c1' && document.querySelectorAll('.atlas button').length === 6")
    until(page, "document.querySelectorAll('.answers button').length === 10")
    page.locator(".answers button:has(b:text-is('7'))").click()
    until(page, f"{SEEN} === 'grad_cam 7'", 60)
    lit = shown(page)
    page.get_by_role("button", name="Nothing").click()
    until(page, f"{SEEN} === ''")
    until_changed(page, lit)

    page.get_by_role("button", name="s4 ").click()
    until(page, f"{LAYER} === 's4' && document.querySelectorAll('.atlas button').length === 16", 60)
    page.get_by_role("button", name="Map 4", exact=True).click()
    page.wait_for_selector(".inspector-unit[data-at='2,2']")
    assert "It sees 16×16 pixels: rows 0 to 15, columns 0 to 15." in page.locator(".inspector-unit").text_content()
    page.get_by_label("Row", exact=True).fill("0")  # as the keyboard does it
    page.wait_for_selector(".inspector-unit[data-at='0,2']")
    assert "beyond the rim" in page.locator(".inspector-unit").text_content()
    large = page.locator(".inspector-large .sl-view").first.bounding_box()
    side = min(large["width"], large["height"])  # five places a side, in the middle of the view
    x, y = large["x"] + large["width"] / 2 + side * 0.2, large["y"] + large["height"] / 2 + side * 0.2
    page.mouse.move(x, y)
    page.wait_for_selector(".inspector-unit[data-at='3,3']")
    until(page, "location.search.includes('layer=s4') && location.search.includes('at=3%2C3')")
    until(page, "location.search.includes('target=7') && location.search.includes('by=none')")
    page.reload()
    page.wait_for_selector(".inspector-unit[data-at='3,3']")
    assert 'feature_maps(run.model, seen, "s4")' in page.get_by_label("the Python", exact=True).text_content()


def test_heads_attend(page: Any) -> None:
    page.goto("/rooms/inspector?run=inspected-vit&test=3")
    until(page, f"{LENS} === '1 0'", 120)  # the class token asks, in the last layer
    assert page.locator(".heads figure").count() == 4  # three heads and the rollout
    page.get_by_role("button", name="A patch").click()
    until(page, f"{LENS} === '1 11'")
    page.get_by_label("Patch, row", exact=True).fill("0")
    until(page, f"{LENS} === '1 3'")
    before = page.locator(".heads canvas").first.get_attribute("aria-label")
    page.get_by_label("Layer", exact=True).fill("1")
    until(page, f"{LENS} === '0 3'", 60)
    until(page, "document.querySelector('.heads canvas').getAttribute('aria-label').startsWith('Head 1: most')")
    assert before.startswith("Head 1: most")
    until(page, "location.search.includes('block=0') && location.search.includes('patch=2')")


def test_another_picture_and_another_run(page: Any) -> None:
    page.goto("/rooms/inspector?run=inspected-lenet5&image=file%3Aboard.png")
    until(page, f"{SEEN}?.startsWith('grad_cam ')", 120)
    assert 'sl.read("board.png")' in page.get_by_label("the Python", exact=True).text_content()
    page.get_by_label("Run", exact=True).select_option("inspected-vit")
    until(page, f"{LAYER} === 'patches'", 60)
    until(page, "location.search.includes('run=inspected-vit') && location.search.includes('image=file')")


def test_the_map_of_evidence_is_checked(page: Any) -> None:
    page.goto("/rooms/inspector?run=inspected-lenet5&test=3&target=7")
    until(page, f"{SEEN} === 'grad_cam 7'", 120)
    page.get_by_role("button", name="Forget layer by layer").click()
    until(page, f"{CHECKED} === 'grad_cam 7'")
    maps = page.locator(".inspector-sanity .heads canvas")
    assert maps.count() == 8  # as trained, and after each of seven layers
    assert maps.first.get_attribute("aria-label") == "As trained: 1.00 like the first"
    page.get_by_role("button", name="Saliency").click()
    until(page, f"{CHECKED} === 'saliency 7'")
    until(page, "location.search.includes('sanity=1')")
    accessible(page)


def test_pictures_are_laid_out_as_a_map(page: Any) -> None:
    page.goto("/rooms/inspector?run=inspected-lenet5&test=3")
    page.get_by_role("button", name="Neighbours").click()
    frame = page.frame_locator(".inspector-map iframe")
    assert "30 pictures, laid out by t-SNE" in frame.locator("#about").text_content()
    told = frame.locator("#told")
    for key in ("ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):  # the first picture may lie at a rim
        frame.locator("#map").press(key)
        page.wait_for_timeout(200)
        if not told.text_content().startswith("Picture 0:"):
            break
    assert re.fullmatch(r"Picture [1-9]\d?: \d", told.text_content())  # the page's own script runs
    page.get_by_role("button", name="Bundled pictures").click()
    until(page, "document.querySelector('.inspector-map iframe')?.src.includes('pictures=samples')")
    frame.get_by_text("Chelsea the cat").first.wait_for()
    until(page, "location.search.includes('laid=tsne') && location.search.includes('of=samples')")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_the_picture_comes_first(new_page: Callable[..., Any], scheme: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.goto("/rooms/inspector?run=inspected-vit&test=3&map=2&sanity=1&laid=pca")
    until(page, f"{SEEN}?.startsWith('grad_cam ') && {LENS} === '1 0'", 120)
    page.wait_for_selector(".inspector-unit")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    picture = page.locator(".inspector-seen .sl-view").bounding_box()
    assert picture["y"] + picture["height"] < page.locator(".controls #inspected").bounding_box()["y"]
    accessible(page)
