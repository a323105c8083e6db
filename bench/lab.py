"""Time the lab as a page feels it: start, slider to picture, webcam, many clients, overload, memory.

    python bench/lab.py [start slider webcam page clients overload memory] [--seconds 20] [--requests 4000]

A server of its own is started on loopback; every request goes there and nowhere else. ``page`` drives Chromium, whose
own camera gives 60 frames a second: how many a page shows, beside how many the camera gave it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import psutil
from lab_clients import count_answers
from PIL import Image
from websockets.sync.client import connect

from sightline.data.sample import SAMPLES

PHOTO = SAMPLES["china"].path
SLIDERS: dict[str, tuple[str, Callable[[int], float]]] = {
    "image.canny": ("low", lambda turn: 20 + turn % 60),
    "image.gaussian_blur": ("sigma", lambda turn: 1 + turn % 20 / 10),
    "image.threshold": ("value", lambda turn: 60 + turn % 120),
}


@contextmanager
def lab() -> Iterator[tuple[int, int, float]]:
    """Run a lab; yield its port, its process id, and the seconds until it took connections."""
    with tempfile.TemporaryDirectory() as root:
        command = [sys.executable, "-m", "sightline", "lab", "--no-browser", "--port", "0", "--root", root]
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert process.stderr is not None
        found = re.search(r":(\d+)/", process.stderr.readline())
        assert found, process.stderr.read()
        port = int(found[1])
        httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=60)
        try:
            yield port, process.pid, time.perf_counter() - begun
        finally:
            process.terminate()
            process.wait(20)


def megapixel() -> bytes:
    """Return a photo of one megapixel as JPEG."""
    stream = io.BytesIO()
    Image.open(PHOTO).resize((1224, 817), Image.Resampling.LANCZOS).save(stream, "jpeg", quality=92)
    return stream.getvalue()


def upload(port: int) -> str:
    """Put the photo on the server; return its reference."""
    return httpx.post(f"http://127.0.0.1:{port}/api/uploads", content=megapixel(), timeout=60).json()["ref"]


def live(port: int) -> Any:
    """Open a live connection."""
    return connect(f"ws://127.0.0.1:{port}/api/live", max_size=None, compression=None)


def header_of(data: bytes) -> dict[str, Any]:
    """Return the header of a trace."""
    (length,) = struct.unpack_from("<I", data)
    return json.loads(data[4 : 4 + length])


def time_slider(port: int, name: str, steps: bool, turns: int = 40) -> tuple[float, int]:
    """Return the median milliseconds from a moved slider to the picture's bytes, and how many bytes those are."""
    option, value_at = SLIDERS[name]
    reference, times, size = upload(port), [], 0
    with live(port) as socket:
        for turn in range(turns + 5):
            ask = {"id": turn, "method": name, "inputs": {"image": reference}, "steps": steps}
            begun = time.perf_counter()
            socket.send(json.dumps({**ask, "parameters": {option: value_at(turn)}}))
            data = socket.recv()
            times.append(1000 * (time.perf_counter() - begun))
            assert header_of(data)["id"] == turn
            size = len(data)
    return statistics.median(times[5:]), size


def time_webcam(port: int, frames: int = 150) -> float:
    """Return the frames per second of 640×480 JPEG frames through Canny, one in flight."""
    scene = np.asarray(Image.open(PHOTO).resize((680, 520)))
    pictures = []
    for shift in range(10):
        stream = io.BytesIO()
        Image.fromarray(scene[shift : shift + 480, shift : shift + 640]).save(stream, "jpeg", quality=85)
        pictures.append(stream.getvalue())
    with live(port) as socket:
        for number in range(frames + 10):
            if number == 10:
                begun = time.perf_counter()
            ask = json.dumps({"id": number, "method": "image.canny", "steps": False}).encode()
            socket.send(struct.pack("<I", len(ask)) + ask + pictures[number % 10])
            assert header_of(socket.recv())["id"] == number
    return frames / (time.perf_counter() - begun)


def time_page(port: int, seconds: float = 5.0) -> dict[str, float]:
    """Return frames per second: shown by the page of Canny, and given by Chromium's own camera at the same time."""
    from playwright.sync_api import sync_playwright

    words = ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream=fps=60"]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=os.environ.get("SIGHTLINE_CHROMIUM", "/usr/bin/chromium"), args=words
        )
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.context.grant_permissions(["camera"])
        page.set_default_timeout(120_000)
        page.goto(f"http://127.0.0.1:{port}/method/image.canny")
        page.wait_for_selector(".stage .ms:not(:empty)")
        page.get_by_role("button", name="Camera", exact=True).click()
        page.wait_for_selector(".frame-bar .rate:not([data-rate='0.0'])")
        given = page.evaluate(_COUNT_FRAMES, 1000 * seconds)
        rates = []
        for _ in range(int(seconds)):
            page.wait_for_timeout(1100)
            rates.append(float(page.locator(".frame-bar .rate").get_attribute("data-rate") or 0))
        chromium.close()
    return {"page_fps": statistics.median(rates), "camera_fps": round(given, 1)}


_COUNT_FRAMES = """async (milliseconds) => {
    const video = document.createElement("video");
    video.muted = true;
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
    await video.play();
    let count = 0;
    const note = () => { count++; video.requestVideoFrameCallback(note); };
    video.requestVideoFrameCallback(note);
    const begun = performance.now();
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    const rate = (1000 * count) / (performance.now() - begun);
    for (const track of video.srcObject.getTracks()) track.stop();
    return rate;
}"""


def processes_of(pid: int) -> list[psutil.Process]:
    """Return the server's processes, the first one first."""
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """Return the processor time that all of a server's processes have taken so far."""
    return sum(sum(one.cpu_times()[:2]) for one in processes_of(pid))


def compare_clients(port: int, pid: int, clients: int, seconds: float) -> dict[str, Any]:
    """Return how many answers came in a second to one client and to many together, and what an answer cost.

    One client is timed before the many and after them, so that a machine that grows slower is not taken for a server
    that does.
    """
    alone = min(5.0, seconds)
    count_answers(port, 1, 1.0)  # the first call may have to be compiled
    before = count_answers(port, 1, alone)[1] / alone
    used, own = cpu_seconds(pid), time.process_time()
    asked, answered, wrong = count_answers(port, clients, seconds)
    used, own = cpu_seconds(pid) - used, time.process_time() - own
    one = (before + count_answers(port, 1, alone)[1] / alone) / 2
    return {
        "clients": clients,
        "asked": asked,
        "answered": answered,
        "wrong": wrong,
        "server_mb": [round(one.memory_info().rss / 2**20) for one in processes_of(pid)],
        "one_client": round(one, 1),
        "together": round(answered / seconds, 1),
        "ratio": round(answered / seconds / one, 2),
        "server_cpu_ms": round(1000 * used / answered, 2),
        "client_cpu_ms": round(1000 * own / answered, 2),
    }


def overload(port: int, clients: int = 90) -> dict[str, Any]:
    """Return the statuses of more requests than fit, and how long a refusal takes while the server is full.

    ``clients`` keep the queue full: each asks again as soon as it is answered or, after the time that it is told to
    wait, refused. One more asks again and again; its refusals are the ones that are timed.
    """
    lock, statuses = threading.Lock(), Counter[int]()
    times: list[float] = []
    full, enough = threading.Event(), threading.Event()
    url = f"http://127.0.0.1:{port}/api/run/image.non_local_means?as=json"
    ask = {"inputs": {"image": "sample:cat"}, "size": 60_000}

    def client() -> None:
        with httpx.Client(timeout=600) as http:
            while not enough.is_set():
                answer = http.post(url, json=ask)
                with lock:
                    statuses[answer.status_code] += 1
                if answer.status_code == 503:
                    full.set()
                    enough.wait(float(answer.headers["retry-after"]))

    httpx.post(url, json=ask, timeout=600)  # the first call may have to be compiled
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    assert full.wait(600), f"{clients} clients at once were all answered"
    with httpx.Client(timeout=600) as http:
        http.get(f"http://127.0.0.1:{port}/healthz")
        while len(times) < 50:
            begun = time.perf_counter()
            answer = http.post(url, json=ask)
            took = 1000 * (time.perf_counter() - begun)
            with lock:
                statuses[answer.status_code] += 1
            if answer.status_code == 503:
                assert answer.headers["retry-after"]
                times.append(took)
    enough.set()
    for thread in threads:
        thread.join()
    median, slowest = round(statistics.median(times), 1), round(max(times), 1)
    return {"statuses": dict(statuses), "timed": len(times), "refusal_median_ms": median, "refusal_slowest_ms": slowest}


def memory_growth(port: int, pid: int, requests: int = 4000) -> float:
    """Return how many megabytes the server's processes grew by in 10,000 requests, after a warm-up."""
    seen: list[float] = []
    with live(port) as socket:
        for number in range(requests + 1000):
            ask = {"id": number, "method": "image.threshold", "steps": False, "size": 50_000}
            socket.send(json.dumps({**ask, "inputs": {"image": "sample:cat"}, "parameters": {"value": number % 255}}))
            socket.recv()
            if number >= 1000 and number % 100 == 0:
                seen.append(sum(one.memory_info().rss for one in processes_of(pid)) / 2**20)
    slope = np.polyfit(np.arange(len(seen)), seen, 1)[0]  # in 100 requests
    return float(slope) * 100


def main(words: list[str] | None = None) -> int:
    """Run what is asked for and print one JSON line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["start", "slider", "webcam", "clients", "overload", "memory"])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=4000)
    given = parser.parse_args(words)
    if "start" in given.what:
        with lab() as (port, _, _):
            httpx.get(f"http://127.0.0.1:{port}/api/methods", timeout=60)  # so that the listing is kept
        starts = []
        for _ in range(3):
            with lab() as (port, pid, seconds):
                used = psutil.Process(pid).cpu_times()
                begun = time.perf_counter()
                for address in ("/", "/api/methods", "/api/samples"):
                    httpx.get(f"http://127.0.0.1:{port}{address}", timeout=60)
                page = time.perf_counter() - begun
                starts.append((round(seconds, 2), round(used.user + used.system, 2), round(page, 2)))
        seconds, cpu, page = statistics.median(s[0] for s in starts), min(s[1] for s in starts), starts[0][2]
        print(json.dumps({"start_s": seconds, "start_cpu_s": cpu, "first_page_s": page, "all": starts}))
    with lab() as (port, pid, _):
        if "slider" in given.what:
            for name in SLIDERS:
                for steps in (False, True):
                    median, size = time_slider(port, name, steps)
                    print(json.dumps({"slider": name, "steps": steps, "median_ms": round(median, 1), "bytes": size}))
        if "webcam" in given.what:
            print(json.dumps({"webcam_fps": round(time_webcam(port), 1)}))
        if "page" in given.what:
            print(json.dumps(time_page(port)))
        if "clients" in given.what:
            print(json.dumps(compare_clients(port, pid, given.clients, given.seconds)))
        if "overload" in given.what:
            print(json.dumps({"overload": overload(port)}))
        if "memory" in given.what:
            print(json.dumps({"mb_in_10000_requests": round(memory_growth(port, pid, given.requests), 2)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
