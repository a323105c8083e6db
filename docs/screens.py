"""Pictures of the lab's rooms for the page "The lab", taken in a headless Chromium.

    python docs/screens.py [ROOM ...] [--width 1200] [--height 800] [--out docs/_static/lab] [--dark]

A lab of its own is started on an empty folder and closed again; the cockpit trains LeNet-5 for some seconds first.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
CHROMIUM = os.environ.get("SIGHTLINE_CHROMIUM", "/usr/bin/chromium")
SECONDS = 180
BYTES = 60_000  # of a picture

# Address, and what there is when the page shows its numbers.
PAGES = {
    "map": ("/", "a.tile"),
    "method": ("/method/image.canny?image=sample%3Achina&_split=0.5", ".stage .ms:not(:empty)"),
    "pipeline": ("/pipeline", ".film canvas"),
    "kernel": ("/rooms/kernel", ".kernel-sum[data-known=true]"),
    "otsu": ("/rooms/otsu", "[data-picked]"),
    "hough": ("/rooms/hough?image=sample%3Asheet", "[data-votes]"),
    "blend": ("/rooms/blend", "[data-bands='6'] .band canvas"),
    "seams": ("/rooms/seams", "[data-seams='160'] ~ .picture canvas"),
    "morphology": ("/rooms/morphology", ".export pre"),
    "clusters": ("/rooms/clusters", ".clusters-said[data-rounds='12']"),
    "codes": ("/rooms/codes", ".codes-list li"),
    "matches": ("/method/image.register?fixed=sample%3Acat&_step=4", ".stage .ms:not(:empty)"),
    "cockpit": ("/rooms/cockpit?recipe=classify%2Flenet5&data=digits&epochs=6", ".answers button"),
    "inspector": ("/rooms/inspector?test=3", ".atlas button"),  # of the run that the cockpit trained just before
    "attack": ("/rooms/attack?image=sample%3Acoffee&eps=2", ".sl-curve"),  # of a public network, where there is one
    "imagine": ("/rooms/imagine?kind=class&steps=100", ".room-told[data-state=done]"),
    "tower": ("/rooms/tower", ".described svg.cells"),
    "consensus": ("/rooms/consensus?model=fundamental&threshold=2&ratio=0.95&round=2", "[data-rounds]"),
    "views": ("/rooms/views", "[data-line]:not([data-line=''])"),
    "calibration": ("/rooms/calibration?lens=none&stretch=6&shown=board-3", "[data-rms]"),
    "reconstruction": ("/rooms/reconstruction", "[data-registered]"),
    "flow": ("/rooms/flow", "[data-flow]"),
    "tracker": ("/rooms/tracker?phase=assign", "[data-frame]"),
    "cascade": ("/rooms/cascade", "[data-windows]"),
    "eigenfaces": ("/rooms/eigenfaces", "[data-k]"),
    "court": ("/rooms/court", "[data-round='1']"),
    "anchors": ("/rooms/anchors", "[data-matched]"),
    "precision": ("/rooms/precision", "[data-at='24']"),
    "proposals": ("/rooms/proposals", "[data-count]"),
    "queries": ("/rooms/queries?fresh=deformable_detr&others=40", "[data-query]"),
    "words": ("/rooms/words?image=sample%3Acoins&text=a+coin.+dark+ground.&boxes=3", "[data-phrase]"),
    "clock": ("/rooms/clock?round=6", "[data-rounds]"),
    "digits": ("/rooms/digits?digit=7", "[data-frames]"),
    "race": ("/rooms/race?steps=120&racers=SGD,Momentum,RMSProp,Adam,lbfgs", "[data-race='120']"),
    "tape": ("/rooms/tape?at=26", "[data-tape='26']"),
    "lesson": ("/lessons/w1d6", ".cell"),
}


@contextmanager
def lab() -> Iterator[str]:
    """Run a lab on an empty folder; yield its address."""
    with tempfile.TemporaryDirectory() as root:
        command = [sys.executable, "-m", "sightline", "lab", "--no-browser", "--port", "0", "--root", root]
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert process.stderr is not None
        try:
            found = re.search(r"http://\S+?:\d+", process.stderr.readline())
            assert found, process.stderr.read()
            yield found[0]
        finally:
            process.terminate()
            process.wait(20)


def ready(page: Any, name: str) -> None:
    """Open a page and wait until there is something to see; the cockpit is trained, and the desk rebuilt, before."""
    address, there = PAGES[name]
    page.goto(address)
    if name == "reconstruction":
        page.get_by_role("button", name="Made photos of a desk").click()
    elif name == "imagine":
        page.wait_for_selector(".stage .primary:enabled")
        page.get_by_role("button", name="Make it").click()
    elif name != "cockpit":  # what is shown shall be a second run: the first one may have been compiled
        page.wait_for_selector(there)
        page.goto(address)
    if name == "cockpit":
        page.wait_for_selector(".controls .primary:enabled")
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_selector(".cockpit-state[data-state=finished]")
    page.wait_for_selector(there)
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1500)


def save(data: bytes, path: Path) -> int:
    """Write a screenshot as WebP of at most 60 kB; return its bytes."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    for quality in range(82, 4, -6):
        stream = io.BytesIO()
        image.save(stream, "webp", quality=quality, method=6)
        if stream.tell() <= BYTES:
            break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.getvalue())
    return stream.tell()


def main() -> None:
    """Take the pictures that are asked for; all of them when none is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rooms", nargs="*", default=list(PAGES))
    parser.add_argument("--width", type=int, default=1200)
    parser.add_argument("--height", type=int, default=800)
    parser.add_argument("--out", type=Path, default=HERE / "_static" / "lab")
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--scroll", type=int, default=0)
    given = parser.parse_args()
    with lab() as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        size = {"width": given.width, "height": given.height}
        context = browser.new_context(
            viewport=size, base_url=address, color_scheme="dark" if given.dark else "light", reduced_motion="reduce"
        )
        page = context.new_page()
        page.set_default_timeout(1000 * SECONDS)
        for name in given.rooms:
            ready(page, name)
            if given.scroll:
                page.mouse.wheel(0, given.scroll)
                page.wait_for_timeout(300)
            written = save(page.screenshot(), given.out / f"{name}.webp")
            print(f"{name}: {written:,} bytes")
        browser.close()


if __name__ == "__main__":
    main()
