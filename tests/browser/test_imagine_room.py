"""The room of made pictures: steps come while it is made, it is stopped, and looked through again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sightline as sl
from browser.looking import shown, sound_room, still, until, until_seen
from lab.trained import train_few

pytestmark = pytest.mark.browser

TOLD = "document.querySelector('.room-told')?.dataset"
READY = "document.querySelector('.stage .primary')?.disabled === false"


@pytest.fixture(scope="module", autouse=True)
def runs(root: Path) -> None:
    """Train a LeNet-5 on a few digits."""
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")
    train_few(root, imagining="lenet5")


def test_a_picture_is_watched_stopped_and_made_again(page: Any) -> None:
    page.goto("/rooms/imagine?model=imagining&kind=class&target=3&steps=1000")
    until(page, READY)
    page.get_by_role("button", name="Make it").click()
    until(page, f"{TOLD}?.state === 'busy' && Number({TOLD}.step) >= 3")
    page.get_by_role("button", name="Stop", exact=True).click()
    until(page, f"{TOLD}?.state === 'done'")
    done = int(page.locator(".room-told").get_attribute("data-step"))
    assert 3 <= done < 1000
    last = still(page)
    page.get_by_role("button", name="Step back").click()
    assert still(page).shape == last.shape
    page.get_by_label("Steps, exact").fill("4")
    page.get_by_label("Steps, exact").press("Enter")
    page.get_by_role("button", name="Make it").click()
    until(page, f"{TOLD}?.state === 'done' && {TOLD}.step === '4'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_room_is_sound(new_page: Callable[..., Any], scheme: str) -> None:
    width = 1280 if scheme == "light" else 390
    page = new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto("/rooms/imagine?model=imagining&kind=style&image=sample%3Acoins&style=sample%3Aflower&steps=3&size=32")
    until(page, READY)
    page.get_by_role("button", name="Make it").click()
    until(page, f"{TOLD}?.state === 'done' && {TOLD}.step === '3'")
    until_seen(page, lambda: shown(page).any())
    sound_room(page, width)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_network_of_one_painting_paints_in_one_pass(new_page: Callable[..., Any], root: Path, scheme: str) -> None:
    from sightline.explain import StyleNet

    page = new_page(viewport={"width": 1280 if scheme == "light" else 390, "height": 844}, color_scheme=scheme)
    file = root / "candy.safetensors"
    file.unlink(missing_ok=True)
    page.goto("/rooms/imagine?model=imagining&kind=class&image=sample%3Acoins&size=64")
    until(page, READY)
    page.get_by_role("button", name="Fast style").click()
    until(page, "document.querySelector('.stage code')?.textContent.includes('-o painting.safetensors')")
    assert page.get_by_role("button", name="Make it").is_disabled()
    sound_room(page, 1280 if scheme == "light" else 390)
    StyleNet(4).save(file)
    page.reload()
    until(page, READY)
    assert page.get_by_label("Network of a painting").input_value() == "candy.safetensors"
    page.get_by_role("button", name="Make it").click()
    until(page, f"{TOLD}?.state === 'done'")
    assert page.locator(".room-told").inner_text() == "Made in 1 pass."
    until_seen(page, lambda: shown(page).any())
    assert 'StyleNet.load("candy.safetensors")' in page.locator("section pre").last.inner_text()
    sound_room(page, 1280 if scheme == "light" else 390)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_network_learns_a_painting_and_is_kept(new_page: Callable[..., Any], root: Path, scheme: str) -> None:
    from sightline.explain import StyleNet

    width, name = (1280, "wave") if scheme == "light" else (390, "storm")
    page = new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page.goto("/rooms/imagine?model=imagining&kind=learn&image=sample%3Acoins&style=sample%3Aflower&steps=3&size=32")
    until(page, READY)
    page.get_by_label("Name of the network").fill(f"{name} !")
    page.get_by_role("button", name="Learn it").click()
    until(page, f"{TOLD}?.state === 'done' && {TOLD}.step === '3'")
    assert "on 15 photos" in page.locator(".room-told").inner_text()
    until_seen(page, lambda: shown(page).any())
    page.get_by_role("button", name="Paint with it").wait_for()
    sound_room(page, width)
    assert StyleNet.load(root / "runs" / f"{name}.safetensors").width == 16
    program = page.locator("section pre").last.inner_text()
    page.get_by_role("button", name="Paint with it").click()
    page.get_by_label("Network of a painting").locator(f"option[value='{name}.safetensors']").wait_for(state="attached")
    assert page.get_by_label("Network of a painting").input_value() == f"{name}.safetensors"
    page.get_by_role("button", name="Make it").click()
    until(page, f"{TOLD}?.state === 'done'")
    assert page.locator(".room-told").inner_text() == "Made in 1 pass."
    if scheme == "light":  # the program learns the same network
        made = root / "program"
        made.mkdir()
        (made / "runs").symlink_to(root / "runs")
        (made / "same.py").write_text(program, "utf-8")
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([sys.executable, "same.py"], cwd=made, check=True, env=environment, timeout=300)
        ours, theirs = (StyleNet.load(file / f"{name}.safetensors") for file in (root / "runs", made))
        # Biases before a norm count for nothing: what moves them is rounding, which Adam makes as large as all else.
        cat = sl.data.sample("cat")[:96, :96]
        assert np.abs(ours.paint(cat) - theirs.paint(cat)).mean() < 1e-3, "networks of other seeds are 0.1 apart"


def test_stopping_keeps_what_is_learnt(page: Any, root: Path) -> None:
    from sightline.explain import StyleNet

    page.goto("/rooms/imagine?model=imagining&kind=learn&image=sample%3Acoins&steps=2000&size=32&learnt=half")
    until(page, READY)
    page.get_by_role("button", name="Learn it").click()
    until(page, f"{TOLD}?.state === 'busy' && Number({TOLD}.step) >= 1")
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Paint with it").wait_for()
    assert StyleNet.load(root / "runs" / "half.safetensors").width == 16
