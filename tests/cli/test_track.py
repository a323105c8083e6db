"""``sightline track`` as a person types it: videos, folders, files of boxes; cuts, new sizes, and what breaks off."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import sightline as sl
from sightline.cli import lasting
from sightline.cli.app import main
from sightline.cli.following import Detector, Following, ends_at_ctrl_c
from sightline.core.results import Classification, Detections
from sightline.detect import HogSvm
from sightline.image import frames, write_frames
from sightline.motion import Sort, read_tracks


def film(count: int = 24, size: tuple[int, int] = (72, 96)) -> list[np.ndarray]:
    """Return a bright square that walks over a dark floor, beginning after eight frames."""
    random = np.random.default_rng(2)
    floor = np.repeat(random.integers(40, 60, (*size, 1), dtype=np.uint8), 3, axis=2)
    thing = random.integers(110, 256, (24, 24, 3), dtype=np.uint8)  # no pixel stays as it was
    made = []
    for t in range(count):
        image = floor.copy()
        if t >= 8:
            image[20:44, 3 * (t - 8) : 3 * (t - 8) + 24] = thing
        made.append(image)
    return made


@pytest.fixture
def clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_frames("clip.mp4", film(), fps=10, quality=95)
    return tmp_path


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["track", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_video_comes_out_with_boxes_and_lines(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["clip.mp4", "-o", "out.mp4", "--mot", "t.txt", "--csv", "t.csv", "--lines", "t.jsonl", "--json"]
    code, out, _ = said(words, capsys)
    value = json.loads(out)
    assert code == 0
    assert (value["frames"], value["identities"], value["cuts"]) == (24, 1, 0)
    assert value["files"] == ["t.txt", "t.csv", "t.jsonl"]
    made = frames("out.mp4")
    assert (made.fps, made.count, next(made).shape) == (10, 24, (72, 96, 3))
    last = read_tracks("t.txt")[-1]
    assert np.abs(last.boxes[0] - [45, 20, 69, 44]).max() < 5
    lines = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(1, 25))
    assert lines[-1]["tracks"][0]["id"] == 1
    assert lines[5]["seconds"] == pytest.approx(0.5)
    table = Path("t.csv").read_text().splitlines()
    assert table[0] == "frame,id,x1,y1,x2,y2,score,label,name"
    assert table[-1].startswith("24,1,")
    assert len(table) - 1 == value["boxes"]


@pytest.mark.parametrize("tracker", ["sort", "deep_sort", "byte_track"])
def test_boxes_of_a_file_over_a_folder(clip: Path, tracker: str, capsys: pytest.CaptureFixture[str]) -> None:
    write_frames("stills", film(10))
    Path("det.txt").write_text("".join(f"{t},-1,{10 + 2 * t},20,20,30,0.9\n" for t in range(1, 9)))
    words = ["stills", "--detector", "file:det.txt", "--tracker", tracker, "-o", "drawn", "--mot", "t.txt"]
    code, out, _ = said(words, capsys)
    assert code == 0
    assert "1 thing in 10 frames" in out
    assert len(list(Path("drawn").iterdir())) == 10
    assert {int(i) for tracks in read_tracks("t.txt") for i in tracks.ids} == {1}


def test_a_window_of_gradients_is_a_detector(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ground = np.random.default_rng(0).integers(0, 90, (64, 96), dtype=np.uint8)
    ring = np.pad(np.full((12, 12), 220, np.uint8), 6)
    HogSvm.train([ring], [ground], size=(24, 24), cell=4, name="ring").save("ring.npz")
    Path("rings").mkdir()
    for t in range(8):
        frame = ground.copy()
        frame[16:40, 4 * t : 4 * t + 24] = ring
        sl.write(f"rings/{t}.png", frame)
    code, out, _ = said(["rings", "--detector", "hog:ring.npz", "--lines", "t.jsonl", "--json"], capsys)
    assert (code, json.loads(out)["identities"]) == (0, 1)
    (last,) = json.loads(Path("t.jsonl").read_text().splitlines()[-1])["tracks"]
    assert last["name"] == "ring"
    assert np.abs(np.array(last["box"]) - [28, 16, 52, 40]).max() < 3


def test_a_run_that_finds_boxes_is_a_detector(
    clip: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = pytest.importorskip("sightline.train.run")
    Path("runs").mkdir()

    class Model:
        answer: Any = Detections([[10, 10, 30, 40]], [0.9], [1], ("car", "dog"))

        def predict(self, image: np.ndarray) -> Any:
            return self.answer

    monkeypatch.setattr(run, "load", lambda source: Model())
    words = ["clip.mp4", "--detector", "runs", "--tracker", "byte_track", "--lines", "t.jsonl"]
    assert said(words, capsys)[0] == 0
    last = json.loads(Path("t.jsonl").read_text().splitlines()[-1])["tracks"]
    assert [(row["id"], row["name"]) for row in last] == [(1, "dog")]
    monkeypatch.setattr(Model, "answer", Classification(("cat",), (1.0,)))
    code, _, err = said(words, capsys)
    assert code == 2
    assert "track: the run 'runs' must give boxes; got a Classification in frame 1." in " ".join(err.split())


def test_a_cut_and_a_new_size_begin_anew(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = [255 - image for image in film(20, (80, 96))]
    for t, image in enumerate([*film(20), *(255 - i for i in film(20)), *other]):
        sl.write(clip / f"{t:03d}.png", image)
    code, out, err = said([str(clip / "*.png"), "-o", "out.mp4", "--json"], capsys)
    assert code == 0, err
    value = json.loads(out)
    assert (value["frames"], value["cuts"], value["identities"]) == (60, 2, 3)
    assert all(frame.shape == (72, 96, 3) for frame in frames("out.mp4"))


def test_what_came_before_the_damage_is_kept(clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with av.open("first.mp4", "w", options={"movflags": "faststart"}) as target:  # what to expect stands first
        stream = target.add_stream("h264", rate=10, width=96, height=72)
        for image in film():
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        target.mux(stream.encode())
    whole = Path("first.mp4").read_bytes()
    Path("cut.mp4").write_bytes(whole[: len(whole) * 4 // 5])
    code, out, _ = said(["cut.mp4", "-o", "out.mp4", "--mot", "t.txt"], capsys)
    assert code == 1
    early = " ".join(out.split()).partition("It ended early: ")[2]
    assert "'cut.mp4' holds only" in early or "'cut.mp4' is damaged after" in early, early  # as FFmpeg 8 and 7 see it
    kept = frames("out.mp4").count
    assert kept is not None
    assert 0 < kept < 24


class Camera:
    """A live source of a few frames."""

    live, dropped, fps, count, seconds = True, 0, 10.0, None, 0.0

    def __init__(self, images: list[np.ndarray]) -> None:
        self._images = images

    def __iter__(self) -> Iterator[np.ndarray]:
        yield from self._images


def follow(camera: Any) -> tuple[Following, int]:
    box = Detections([[10, 10, 30, 40]], [0.9], [0])
    work = Following(Detector(lambda frame, number: box), Sort(min_hits=1))
    return work, sum(1 for _ in work.pictures(camera, None, lambda: None))


@pytest.mark.slow
def test_a_stream_that_drops_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    noise = [np.repeat(random.integers(0, 90, (72, 96, 1), dtype=np.uint8), 3, axis=2) for _ in range(250)]
    with av.open("sent.ts", "w", format="mpegts") as target:
        stream = target.add_stream("mpeg2video", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 96, 72, "yuv420p", 4_000_000
        for image in noise:
            target.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        target.mux(stream.encode())
    sent = Path("sent.ts").read_bytes()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def camera() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            for pause in (0.5, 3.0):  # it starts, goes away, comes back, and goes away for good
                time.sleep(pause)
                for start in range(0, len(sent), 1316):
                    out.sendto(sent[start : start + 1316], ("127.0.0.1", port))
                    time.sleep(0.008)

    monkeypatch.setattr(lasting, "WAITS", (0, 0, 0, 0))
    sender = threading.Thread(target=camera, daemon=True)
    sender.start()
    code, out, _ = said([f"udp://127.0.0.1:{port}?timeout=1500000", "-o", "live.mp4", "--json"], capsys)
    sender.join()
    value = json.loads(out)
    after = re.search(r"after (\d+) frames", value["trouble"])
    assert code == 1
    assert value["trouble"].endswith("did not come back in 0 s")
    assert after is not None
    assert value["frames"] == int(after[1])
    assert value["frames"] + value.get("dropped", 0) > len(noise), "frames of after the break are there as well"
    assert frames("live.mp4").count == value["frames"]


def test_ctrl_c_keeps_what_there_is(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped() -> Iterator[np.ndarray]:
        yield from film(5)
        raise KeyboardInterrupt

    camera = Camera([])
    monkeypatch.setattr(Camera, "__iter__", lambda self: stopped())
    assert follow(camera)[1] == 5
    monkeypatch.setattr(Camera, "live", False)
    work, count = follow(camera)
    assert (count, work.trouble) == (5, "interrupted after 5 frames")


def test_the_first_ctrl_c_ends_after_the_frame() -> None:
    asked = []

    def find(frame: np.ndarray, number: int) -> Detections:
        asked.append(number)
        if number == 3:
            signal.raise_signal(signal.SIGINT)
        return Detections([[10, 10, 30, 40]], [0.9], [0])

    work = Following(Detector(find), Sort())
    before = signal.getsignal(signal.SIGINT)
    with ends_at_ctrl_c(work):
        assert sum(1 for _ in work.pictures(frames(film(9)), None, lambda: None)) == 3
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
    assert (asked, work.trouble) == ([1, 2, 3], "interrupted after 3 frames")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["clip.mp4", "--detector", "yolo"],
            "track: --detector must be background, hog:WINDOW.npz, file:DETECTIONS.txt or a run's",
        ),
        (["clip.mp4", "--detector", "file:none.txt"], "read_detections: 'none.txt' does not exist."),
        (["clip.mp4", "--tracker", "sorte"], "track: tracker must be one of 'sort', 'deep_sort', 'byte_track'"),
        (["none.mp4"], "none.mp4"),
        (["clip.mp4", "-o", "clip.mp4"], "track: the output must not be the source; got 'clip.mp4'."),
        (["clip.mp4", "-o", "nowhere/out.mp4"], "track: folder 'nowhere' must exist; it does not."),
        (["clip.mp4", "--limit", "0"], "track: limit must be a whole number ≥ 1; got 0."),
    ],
)
def test_wrong_words_are_answered_with_a_sentence(
    clip: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = said(words, capsys)
    assert code in (1, 2)
    assert out == ""
    assert sentence in " ".join(err.split())
    assert sorted(path.name for path in clip.iterdir()) == ["clip.mp4"]
