"""Cameras that go away: taken up again, or said so. A stand-in sends pictures as network cameras do."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from sightline.cli import lasting
from sightline.cli.app import main
from sightline.cli.lasting import LastingFrames
from sightline.core.errors import FormatError
from sightline.image import frames

FRAMES = 12


class Clip:
    """An opened camera of a few frames that then fails, or ends."""

    fps, seconds, dropped = 10.0, 0.5, 1

    def __init__(self, count: int, error: Exception | None = None) -> None:
        self.index, self._count, self._error, self.closed = -1, count, error, False

    def __iter__(self) -> Iterator[np.ndarray]:
        for index in range(self._count):
            self.index = index
            yield np.zeros((4, 6, 3), np.uint8)
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        self.closed = True


def opener(*later: Any) -> Any:
    """Return what opens, or fails to, as it is told; at last nothing is there any more."""
    left = list(later)

    def opened() -> Any:
        item = left.pop(0) if left else FormatError("frames: camera 0 cannot be opened.")
        if isinstance(item, Exception):
            raise item
        return item

    return opened


def test_a_camera_that_comes_back_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(lasting.time, "sleep", waited.append)
    broken = Clip(5, FormatError("frames: camera 0 is damaged after 5 frames: no such device."))
    clip = LastingFrames("webcam", broken, opener(FormatError("away"), Clip(4)))
    numbers = [clip.index for _ in clip]
    assert numbers == list(range(9))
    assert broken.closed
    assert clip.dropped == 2
    assert waited[:2] == [1, 1]
    assert clip.trouble == "webcam broke off after 9 frames, and did not come back in 16 s"


def test_who_no_longer_waits_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lasting.time, "sleep", lambda seconds: None)
    clip = LastingFrames("webcam", Clip(3), opener(Clip(3)), lambda: True)
    assert len(list(clip)) == 3
    assert clip.trouble == "webcam broke off after 3 frames"
    assert list(clip) == []


def test_what_never_gave_a_frame_is_an_error() -> None:
    clip = LastingFrames("webcam", Clip(0, FormatError("frames: camera 0 holds no frame.")), opener())
    with pytest.raises(FormatError, match="holds no frame"):
        list(clip)


def jpegs() -> bytes:
    """Return pictures one after another, as a camera pushes them over HTTP."""
    parts = []
    for i in range(FRAMES):
        stream = BytesIO()
        Image.fromarray(np.full((48, 64, 3), 20 * i, np.uint8)).save(stream, "JPEG", quality=95)
        data = stream.getvalue()
        parts.append(b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(data), data))
    return b"".join(parts)


def transport_stream() -> bytes:
    """Return the pictures as a transport stream, as a camera pushes them over TCP."""
    held = BytesIO()
    with av.open(held, "w", format="mpegts") as target:
        stream = target.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(FRAMES):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * i, np.uint8), "rgb24")))
        target.mux(stream.encode())
    return held.getvalue()


@pytest.fixture(params=["http", "tcp"])
def camera(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[int]]]:
    """A network camera: it sends its pictures to each who asks, breaks off, and is gone after the second time."""
    asked: list[int] = []
    sent = jpegs() if request.param == "http" else transport_stream()
    head = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            asked.append(len(asked))
            if request.param == "http":
                self.request.recv(4096)
                self.request.sendall(head if len(asked) <= 2 else b"HTTP/1.0 503 Gone\r\n\r\n")
            if len(asked) <= 2:
                self.request.sendall(sent)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"{request.param}://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


def test_a_network_camera_is_taken_up_again(
    camera: tuple[str, list[int]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(lasting, "WAITS", (0, 0))
    address, asked = camera
    code = main(["image", "gaussian_blur", address, "--sigma", "1", "-o", "seen.mp4", "--json"])
    value = json.loads(capsys.readouterr().out)
    assert code == 1
    assert value["trouble"].startswith(f"{address} broke off after {value['frames']} frames")
    assert value["trouble"].endswith(", and did not come back in 0 s")
    assert len(asked) == 4
    assert value["frames"] + value.get("dropped", 0) == 2 * FRAMES, "frames of after the break are there as well"
    assert frames("seen.mp4").count == value["frames"]
