"""The training cockpit: a training is started, watched, stopped, resumed and asked in the browser."""

from __future__ import annotations

from typing import Any

import pytest

from browser.looking import until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STATE = "document.querySelector('.cockpit-state')?.dataset"


@pytest.fixture(scope="module", autouse=True)
def _torch() -> None:
    pytest.importorskip("torch", reason="the extra 'deep' is not installed")


def test_a_training_is_stopped_resumed_and_asked(page: Any) -> None:
    page.goto("/rooms/cockpit?recipe=classify%2Flenet5&data=digits&epochs=60")
    page.wait_for_selector("h1")
    assert "epochs=60" in page.locator(".code pre").first.text_content()
    until(page, "document.querySelector('.controls .primary')?.disabled === false")
    page.get_by_role("button", name="Train", exact=True).click()
    until(page, f"{STATE}?.state === 'running' && Number({STATE}.epochs) >= 2", 120)
    assert page.locator(".charts .sl-curve").count() >= 3
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()  # one runs at a time
    page.get_by_role("button", name="Stop", exact=True).click()
    until(page, f"{STATE}?.state === 'stopped'", 60)
    done = int(page.locator(".cockpit-state").get_attribute("data-epochs"))
    assert done < 60

    page.wait_for_selector(".answers button")  # a drawing is there to begin with
    shares = [float(text.split()[-2]) for text in page.locator(".answers button").all_text_contents()]
    assert len(shares) == 5
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


def test_the_mistakes_of_a_finished_training_are_shown(page: Any) -> None:
    page.goto("/rooms/cockpit?epochs=1")
    until(page, "document.querySelector('.controls .primary')?.disabled === false")
    page.get_by_role("button", name="Train", exact=True).click()
    until(page, f"{STATE}?.state === 'finished'", 180)
    page.wait_for_selector(".mistakes img")
    assert page.locator(".mistakes li").count() > 0
    assert page.evaluate("[...document.querySelectorAll('.mistakes img')].every((image) => image.naturalWidth > 0)")
    assert "run=" in page.url
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    found = axe.Axe().run(page).response["violations"]
    assert not [(row["id"], row["nodes"][0]["html"][:160]) for row in found]
