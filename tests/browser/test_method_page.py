"""The page of a method: search, sliders, own pictures, camera, steps, before and after, comparing, its address."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser.looking import says, settled, shown, still, until, until_seen

pytestmark = pytest.mark.browser


def test_search_finds_a_method_and_opens_it(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector("a.tile")
    page.keyboard.press("/")
    page.keyboard.type("canny")
    until(page, "document.querySelector('.cards .card-name')?.textContent === 'canny'")
    until(page, "document.querySelectorAll('a.tile.dim').length > 100")
    page.keyboard.press("Enter")
    settled(page)
    assert page.url.split("?")[0].endswith("/method/image.canny")
    until(page, "document.querySelector('h1')?.textContent.startsWith('canny')")


def test_header_search_goes_on_by_keyboard(page: Any) -> None:
    page.goto("/method/image.canny")
    settled(page)
    page.keyboard.press("/")
    page.keyboard.type("gaussian blur")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/method/image.gaussian_blur*")
    settled(page)


def test_dragging_a_slider_changes_the_picture_and_the_address(page: Any) -> None:
    page.goto("/method/image.canny")
    settled(page)
    before = still(page)
    slider = page.get_by_label("high", exact=True)
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 50, box["y"] + box["height"] / 2)
    page.mouse.down()
    for x in range(60, 240, 20):
        page.mouse.move(box["x"] + x, box["y"] + box["height"] / 2)
    page.mouse.up()
    page.wait_for_url(re.compile(r"[?&]high=\d+"))
    until_seen(page, lambda: (shown(page)[..., 0] > 200).sum() < (before[..., 0] > 200).sum())
    says(page, ".called code", "high=")


def test_the_address_brings_everything_back(page: Any) -> None:
    page.goto("/method/image.canny?image=sample%3Acoins&low=30&high=220&sigma=2&_step=2&_tab=use")
    settled(page)
    assert page.get_by_label("low, exact").input_value() == "30"
    says(page, ".step-names [aria-current=step]", "gradient")
    assert page.get_by_role("tab", name="Use it").get_attribute("aria-selected") == "true"
    page.wait_for_selector(".thumb[aria-pressed=true][title^=Coins]")


def test_steps_are_scrubbed_with_the_arrow_keys_and_light_their_line(page: Any) -> None:
    page.goto("/method/image.canny?_step=0")
    settled(page)
    lit = "Number(document.querySelector('.line.lit')?.dataset.line ?? 0)"
    line = 0
    for name in ("grey", "smoothed", "gradient"):
        says(page, ".step-names [aria-current=step]", name)
        until(page, f"{lit} > {line}")
        line = page.evaluate(lit)
        page.locator("h1").click()
        page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Play the steps").click()
    until(page, "document.querySelector('.step-names [aria-current=step]')?.textContent === 'edges'")


def test_an_own_photo_is_worked_on(page: Any, root: Path) -> None:
    page.goto("/method/image.sobel")
    settled(page)
    page.locator("input[type=file]").first.set_input_files(str(root / "deeper" / "colours.png"))
    page.wait_for_selector('.thumb[title="Own picture"][aria-pressed=true]')
    until(page, "decodeURIComponent(location.search).includes('upload:')")
    until_seen(page, lambda: (shown(page)[..., 0] > 200).sum() > 500)  # the edges of the board


def test_a_text_file_is_refused_in_words(page: Any, tmp_path: Path) -> None:
    page.goto("/method/image.sobel")
    settled(page)
    page.refusals_expected = True
    (tmp_path / "photo.jpg").write_text("no picture at all")
    with page.expect_response("**/api/uploads*") as answer:
        page.locator("input[type=file]").first.set_input_files(str(tmp_path / "photo.jpg"))
    assert answer.value.status == 415
    until(page, "document.querySelector('.notice[data-shown=true]')?.textContent.length > 20")


def test_a_file_of_the_folder_is_worked_on(page: Any) -> None:
    page.goto("/method/image.sobel")
    settled(page)
    page.get_by_role("button", name="Files of the lab's folder for image").click()
    page.get_by_role("button", name="deeper").click()
    page.get_by_role("button", name="colours.png").click()
    until(page, "decodeURIComponent(location.search).includes('file:deeper/colours.png')")
    settled(page)


def test_the_camera_is_live(page: Any) -> None:
    page.goto("/method/image.canny")
    settled(page)
    page.get_by_role("button", name="Camera", exact=True).click()
    until(page, "Number(document.querySelector('.rate')?.dataset.rate) > 1")
    until_seen(page, lambda: (shown(page)[..., 0] > 200).sum() > 50)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_selector(".frame-bar", state="detached")
    settled(page)


def test_before_and_after_are_beside_each_other(page: Any) -> None:
    page.goto("/method/image.canny")
    settled(page)
    alone = still(page)
    half = alone.shape[1] // 2
    page.get_by_role("button", name="Before / after").click()
    until_seen(page, lambda: np.unique(shown(page)[:, : half - 20, 0]).size > 50)  # the photo
    assert (shown(page)[:, half + 20 :] == alone[:, half + 20 :]).mean() > 0.99
    page.get_by_label("Share of the picture before").fill("1")
    page.wait_for_url("**_split=1*")


def test_two_methods_are_compared_at_the_same_step(page: Any) -> None:
    page.goto("/method/image.canny")
    settled(page)
    page.get_by_label("Compare with").select_option("image.sobel")
    until(page, "document.querySelectorAll('.stage .ms:not(:empty)').length === 2")
    until_seen(page, lambda: (still(page, 0) != still(page, 1)).mean() > 0.02)
    page.wait_for_url("**b=image.sobel*")
    page.hover(".sl-view >> nth=0", position={"x": 100, "y": 100})

    def same_place() -> bool:
        places = [text.split(")")[0] for text in page.locator(".reading").all_text_contents()]
        return len(places) == 2 and places[0] == places[1] != ""

    until_seen(page, same_place)


def test_numbers_stand_in_the_pixels(page: Any) -> None:
    page.goto("/method/image.gaussian_blur?image=file%3Aboard.png&_step=2")
    settled(page)
    page.get_by_role("button", name="123").click()
    until_seen(page, lambda: np.unique(shown(page)[..., 0]).size > 20)  # digits and grid over flat squares
    zoomed = still(page)
    page.locator(".sl-view").focus()
    page.keyboard.press("0")
    until_seen(page, lambda: (shown(page) != zoomed).any())


def test_a_trace_is_saved_and_played_again(page: Any, tmp_path: Path) -> None:
    page.goto("/method/image.canny?image=sample%3Acoins")
    settled(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save trace").click()
    path = tmp_path / "canny.trace"
    download.value.save_as(path)
    from sightline.core.trace import load_trace

    assert load_trace(path).method == "image.canny"
    page.goto("/trace")
    page.locator("input[type=file]").set_input_files(str(path))
    page.wait_for_selector(".trace-player .step-names button")
    assert page.locator(".step-names button").count() == len(load_trace(path).steps)
    page.locator(".step-names button").last.click()
    until_seen(page, lambda: set(np.unique(shown(page)[..., 0])) >= {0, 255})


def test_an_own_trace_is_played(page: Any, tmp_path: Path) -> None:
    import sightline as sl
    from sightline.core.layers import (
        Boxes,
        Cloud,
        Curve,
        Grid,
        Heat,
        Labels,
        Lines,
        Matches,
        Picture,
        Points,
        Table,
        Value,
    )
    from sightline.core.trace import Step, Trace

    photo = np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))
    rng = np.random.default_rng(0)
    steps = (
        Step("photo", Picture(photo)),
        Step("heat", Heat(photo.astype(np.float32) - 100)),
        Step("labels", Labels((photo // 64).astype(np.int32)), Picture(photo), Labels((photo // 64).astype(np.int32))),
        Step("marks", Picture(photo), Boxes(np.array([[4.0, 4, 30, 30]]), ("box",)), Points(np.array([[9.0, 9]]))),
        Step("lines", Picture(photo), Lines(np.array([[0.0, 0, 60, 40]]))),
        Step("pair", Matches(np.array([[3.0, 3, 9, 9]])), Picture(photo), Picture(255 - photo)),
        Step("grid", Grid(rng.random((5, 8, 8)).astype(np.float32))),
        Step("table", Table(np.eye(3), ("a", "b", "c"))),
        Step("curve", Curve(np.stack([np.arange(9.0), np.arange(9.0) ** 2], axis=1), ("x", "y"), 4.0)),
        Step("cloud", Cloud(rng.random((50, 3)))),
        Step("value", Value(12.5, formula=r"\frac{1}{2}\sum_i x_i^2")),
    )
    path = tmp_path / "own.trace"
    Trace("image.canny", {}, steps).save(path)
    assert sl.load_trace(path).steps[-1].name == "value"
    page.goto("/trace")
    page.locator("input[type=file]").set_input_files(str(path))
    inside = {"table": "table", "curve": "svg.sl-curve path.line", "cloud": "canvas.sl-cloud", "value": "math mfrac"}
    for step in steps:
        page.get_by_role("button", name=step.name, exact=True).click()
        page.wait_for_selector(inside.get(step.name, ".sl-view canvas"))
        page.wait_for_timeout(60)
        assert not page.get_by_text("cannot be shown").count(), step.name


def test_parameters_out_of_range_are_refused_by_name(page: Any) -> None:
    page.goto("/method/image.canny?low=200&high=100")
    says(page, ".stage .error", "low")
    page.get_by_role("button", name="Back to the defaults").click()
    settled(page)
    until(page, "document.querySelector('.stage .error') === null")


def test_every_tab_has_its_facts(page: Any) -> None:
    page.goto("/method/image.canny?_tab=about")
    settled(page)
    says(page, ".about", "Canny 1986")
    page.get_by_role("tab", name="Evidence").click()
    says(page, ".evidence", "opencv")
    page.get_by_role("tab", name="Use it").click()
    says(page, ".export pre", "sl.image.canny")


def test_a_phone_and_the_dark(new_page: Callable[..., Any]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    for path in ("/", "/method/image.canny", "/pipeline", "/lessons", "/runs"):
        page.goto(path)
        page.wait_for_selector("h1")
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is {wide} pixels too wide"
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    channels = [int(value) for value in re.findall(r"\d+", light)[:3]]
    assert sum(channels) < 150
    page.goto("/method/image.canny")
    settled(page)
    picture, controls = page.locator(".sl-view").bounding_box(), page.locator(".controls").bounding_box()
    assert picture["y"] < controls["y"]
    page.get_by_role("button", name="Colours").click()
    until(page, "document.documentElement.dataset.theme === 'light'")
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(value) for value in re.findall(r"\d+", after)[:3]) > 600


def test_a_mask_is_painted(page: Any) -> None:
    page.goto("/method/image.blend")
    settled(page)
    before = still(page)
    page.get_by_role("button", name="Paint mask").click()
    page.locator(".brush .sl-view").focus()
    for key in ("ArrowRight", "ArrowDown", " ", "ArrowLeft", " "):
        page.keyboard.press(key)
    with page.expect_response("**/api/uploads*") as answer:
        page.get_by_role("button", name="Use it").click()
    assert answer.value.ok
    page.wait_for_selector("dialog", state="detached")
    until_seen(page, lambda: (shown(page) != before).any())
    page.get_by_role("button", name="Pipeline").click()
    says(page, ".chain", "blend")
    says(page, ".export pre", "mask.png")
    assert page.locator(".export a[download='mask.png']").get_attribute("href").startswith("/api/pictures/upload")
    assert page.get_by_role("group", name="mask", exact=True).locator(".thumb[title='Own picture']").count() == 1


def test_the_shown_picture_is_the_methods_result(page: Any, root: Path) -> None:
    import sightline as sl

    page.goto("/method/image.sobel?image=file%3Aboard.png")
    settled(page)
    answer = page.request.post(
        "/api/run/image.sobel", data={"inputs": {"image": "file:board.png"}, "parameters": {}, "as": "picture"}
    )
    assert answer.ok
    served = np.asarray(Image.open(io.BytesIO(answer.body())))
    own = sl.image.sobel(np.asarray(Image.open(root / "board.png")))
    assert served.shape[:2] == own.shape[:2]
