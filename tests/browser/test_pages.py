"""Pipelines, lessons, runs, the stand-alone player, and what holds for every page: keyboard, axe, size, loopback."""

from __future__ import annotations

import base64
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

import sightline as sl
from browser.looking import accessible, says, settled, until, until_seen

pytestmark = pytest.mark.browser

PLAYER = Path(sl.__file__).parent / "core" / "player.js"
CHAIN = [
    {"method": "image.gaussian_blur", "parameters": {"sigma": 1.5}},
    {"method": "image.canny", "parameters": {"low": 20, "high": 60}},
]
PAGES = {
    "map": ("/", "a.tile"),
    "method": ("/method/image.canny", ".stage .ms:not(:empty)"),
    "compare": ("/method/image.canny?b=image.sobel&_split=0.5&_tab=use", ".export pre"),
    "footprint": ("/method/image.erode?footprint=[[0,1,0],[1,1,1],[0,1,0]]&_tab=about", ".cells"),
    "curve": ("/method/image.otsu_threshold?_step=1&_tab=evidence", ".sl-curve"),
    "pipeline": ("/pipeline", ".film canvas"),
    "lessons": ("/lessons", ".cards.days"),
    "lesson": ("/lessons/w1d1", ".cell"),
    "runs": ("/runs", "h1"),
    "trace": ("/trace", "h1"),
    "missing": ("/nowhere", "h1"),
}


def test_a_pipeline_grows_is_reordered_and_runs_outside_the_lab(page: Any, root: Path, tmp_path: Path) -> None:
    page.goto(f"/pipeline?image=file%3Aboard.png&steps={quote(json.dumps(CHAIN))}")
    page.wait_for_selector(".film canvas")
    page.get_by_label("Add a method").select_option("image.dilate")
    until(page, "document.querySelectorAll('.film li').length === 3")
    page.get_by_role("button", name="Move dilate up").click()
    until(page, "document.querySelectorAll('.chain > li .plain')[1]?.textContent.includes('dilate')")
    page.get_by_role("button", name="Remove dilate").click()
    until(page, "document.querySelectorAll('.chain > li').length === 2")
    python, toml = page.locator(".export pre").first, page.locator(".export pre").last
    until_seen(page, lambda: "canny" in (text := toml.text_content()) and "blur" in text and "dilate" not in text)
    says(page, ".export pre", "canny")
    program = python.text_content()
    (tmp_path / "board.png").write_bytes((root / "board.png").read_bytes())
    (tmp_path / "program.py").write_text(program)
    subprocess.run([sys.executable, "program.py"], cwd=tmp_path, check=True, timeout=120)
    made = np.asarray(Image.open(tmp_path / "out.png")) > 0
    board = np.asarray(Image.open(root / "board.png"))
    assert (made == sl.image.canny(sl.image.gaussian_blur(board, 1.5), low=20, high=60)).all()


def test_a_method_starts_a_pipeline(page: Any) -> None:
    page.goto("/method/image.sobel?image=sample%3Acoins")
    settled(page)
    page.get_by_role("button", name="Pipeline").click()
    page.wait_for_selector(".chain > li")
    says(page, ".chain", "sobel")
    page.wait_for_url("**sample%3Acoins*")


def test_a_lesson_runs_in_its_page(page: Any) -> None:
    page.goto("/lessons")
    page.locator("a.card", has_text="w1d1").click()
    page.wait_for_selector(".cell")
    page.get_by_role("button", name="Run the lesson").click()
    page.wait_for_selector(".output", timeout=120_000)
    assert not page.locator(".lesson-page > .error").count()


def test_an_exercise_that_is_not_there_is_said_in_words(page: Any) -> None:
    page.goto("/lessons/w1d1")
    page.wait_for_selector(".check")
    page.refusals_expected = True
    with page.expect_response("**/check") as answer:
        page.get_by_role("button", name="Check my exercise").click()
    assert answer.value.status in (200, 404, 422)
    until(page, "document.querySelector('.check [role=status]')?.textContent.length > 20")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(new_page: Callable[..., Any], name: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    address, there = PAGES[name]
    page.goto(address)
    page.wait_for_selector(there)
    page.wait_for_load_state("networkidle")
    accessible(page)


def test_everything_is_reached_by_keyboard(page: Any) -> None:
    page.goto("/method/image.canny")
    settled(page)
    seen: set[str] = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        label, ring = page.evaluate(
            """() => { const e = document.activeElement; const s = getComputedStyle(e);
                const inner = e.parentElement && getComputedStyle(e.nextElementSibling ?? e);
                const around = getComputedStyle(e.closest('label') ?? e);
                const lit = (x) => x && x.outlineStyle !== 'none' && parseFloat(x.outlineWidth) > 0;
                return [e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent,
                    [s, inner, around].some(lit)]; }"""
        )
        if page.evaluate("document.activeElement === document.body"):
            break  # behind the last one
        seen.add((label or "").strip()[:40])
        assert ring or not label, f"no focus is visible on {label!r}"
    for name in ("low", "high", "sigma", "Step", "Camera", "Pipeline", "Share", "Code", "Zoom in"):
        assert any(name in label for label in seen), f"Tab does not reach {name!r}: {sorted(seen)}"


def test_the_map_is_walked_with_the_arrow_keys(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector("a.tile")
    assert page.locator("a.tile[tabindex='0']").count() == 1
    page.locator("a.tile[tabindex='0']").focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    name = page.evaluate("document.activeElement.getAttribute('aria-label')").split(",")[0]
    says(page, ".told", name)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**.{name}*")


def test_the_first_page_is_small_and_asks_only_this_server(page: Any, lab: str) -> None:
    sizes: dict[str, int] = {}
    page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
    page.goto("/")
    page.wait_for_selector("a.tile")
    page.wait_for_load_state("networkidle")
    assert all(url.startswith(lab) for url in sizes)
    program = sum(size for url, size in sizes.items() if "/api/" not in url)
    assert program <= 150_000, sizes


def test_a_foreign_link_is_never_followed(page: Any) -> None:
    page.refusals_expected = True
    page.goto("/method/no.such")
    until(page, "document.querySelector('.error')?.textContent.length > 10")


def test_the_player_stands_alone(page: Any, tmp_path: Path, lab: str) -> None:
    assert PLAYER.stat().st_size < 40_000
    trace = sl.trace(sl.image.canny, sl.image.convert(_photo(), "rgb", "gray"), low=40)
    data = base64.b64encode(trace.to_bytes()).decode()
    page.route(
        f"{lab}/alone.html",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"<!doctype html><html lang=en><title>alone</title><main><h1>A trace</h1><div id=here></div></main>"
            f"<script>{PLAYER.read_text('utf-8')}</script>"
            f"<script>window.player = SightlinePlayer.mount(document.getElementById('here'), '{data}')</script>",
        ),
    )
    page.goto("/alone.html")
    title = page.locator("#here .title")
    until_seen(page, lambda: "1/" in title.text_content())
    page.get_by_role("button", name="Step on").click()
    until_seen(page, lambda: trace.steps[1].name in title.text_content())
    page.get_by_role("slider", name="Step").focus()
    page.keyboard.press("End")
    until(
        page,
        """(() => { const c = document.querySelector('#here')?.shadowRoot.querySelector('.sl-view canvas');
            const pixels = c?.getContext('2d').getImageData(0, 0, c.width, c.height).data ?? [];
            return Array.from(pixels).filter((value) => value > 250).length > 1000; })()""",
    )
    accessible(page)


def _photo() -> np.ndarray:
    y, x = np.mgrid[0:90, 0:120]
    disk = np.where(np.hypot(x - 60, y - 45) < 30, 210, 40).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(np.stack([disk] * 3, axis=2)).save(stream, "png")
    return np.asarray(Image.open(stream))
