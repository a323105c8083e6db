"""The training cockpit: a training is started, watched, stopped, resumed and asked in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser.looking import accessible, says, until

pytestmark = pytest.mark.browser

STATE = "document.querySelector('.cockpit-state')?.dataset"


@pytest.fixture(scope="module", autouse=True)
def _torch() -> None:
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")


def test_a_training_is_stopped_resumed_and_asked(page: Any) -> None:
    page.goto("/rooms/cockpit?recipe=classify%2Flenet5&data=digits&epochs=60")
    page.wait_for_selector("h1")
    says(page, ".code pre", "epochs=60")
    until(page, "document.querySelector('.controls .primary')?.disabled === false")
    page.get_by_role("button", name="Train", exact=True).click()
    until(page, f"{STATE}?.state === 'running' && Number({STATE}.epochs) >= 2", 120)
    assert page.locator(".charts .sl-curve").count() >= 3
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()  # one runs at a time
    page.get_by_role("button", name="Stop", exact=True).click()
    until(page, f"{STATE}?.state === 'stopped'", 60)
    done = int(page.locator(".cockpit-state").get_attribute("data-epochs"))
    assert done < 60

    until(page, "document.querySelectorAll('.answers button').length === 5")  # a drawing is there to begin with
    shares = [float(text.split()[-2]) for text in page.locator(".answers button").all_text_contents()]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) <= 100.1
    other = page.locator(".answers button").nth(1)
    with page.expect_response("**/api/explain/**") as explained:
        other.click()
    assert explained.value.ok
    page.wait_for_selector(".confusion td")
    counts = page.locator(".confusion td").all_text_contents()
    assert sum(int(text or 0) for text in counts) == 359  # the held-out digits, each counted once

    page.get_by_role("button", name="Resume").click()
    until(page, f"{STATE}?.state === 'running' && Number({STATE}.epochs) > {done}", 120)
    page.get_by_role("button", name="Stop", exact=True).click()
    until(page, f"{STATE}?.state === 'stopped'", 60)


def test_a_folder_is_trained_on_and_its_mistakes_are_shown(page: Any, root: Path) -> None:
    random = np.random.default_rng(0)
    for name, level in (("dark", 60), ("light", 190)):
        (root / "shades" / name).mkdir(parents=True)
        for i in range(20):
            noise = random.integers(-50, 50, (16, 16, 3)) + level
            Image.fromarray(noise.astype(np.uint8)).save(root / "shades" / name / f"{i}.png")
    page.goto("/rooms/cockpit?recipe=classify%2Fmlp&epochs=1")
    until(page, "document.querySelector('.controls .primary')?.disabled === false")
    page.get_by_role("button", name="A folder of mine").click()
    page.get_by_role("button", name="shades", exact=True).click()
    page.get_by_role("button", name="Train on shades").click()
    says(page, ".code pre", "shades")
    page.refusals_expected = True  # a perceptron has no Grad-CAM: the room asks for the saliency instead
    page.get_by_role("button", name="Train", exact=True).click()
    until(page, f"{STATE}?.state === 'finished'", 180)
    page.wait_for_selector(".mistakes img")
    assert page.evaluate("[...document.querySelectorAll('.mistakes img')].every((image) => image.naturalWidth > 0)")
    until(page, "document.querySelectorAll('.answers button').length === 2")
    page.wait_for_selector("[aria-label=By] [aria-pressed=true]:text('Saliency')")
    assert not page.locator(".error").count()
    until(page, "location.search.includes('run=shades') && location.search.includes('by=saliency')")
    accessible(page)
