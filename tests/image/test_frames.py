"""Frames of videos, animations, folders and arrays against PyAV, Pillow and what was written."""

from __future__ import annotations

import io
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

import sightline as sl
from sightline.core import evidence
from sightline.core.errors import DataError, FormatError, InputError, MissingFileError
from sightline.image.frame_sources import Clip, Moment
from sightline.image.frames import Frames

frames, write_frames = sl.image.frames, sl.image.write_frames


def moving(count: int = 12, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Return a smooth picture whose shade changes from frame to frame."""
    ramp = np.linspace(0, 120, width, dtype=np.float32)[None, :, None] + np.zeros((height, 1, 3), np.float32)
    return [(ramp + 10 * i).astype(np.uint8) for i in range(count)]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    write_frames(path, moving(), fps=10, quality=90)
    return path


@evidence.equals("image.frames", peer="pyav", tolerance="identical", data="car-detection.mp4, tree.avi, signs")
def test_equals_pyav(shared_data: Path, measured: Callable[[float], None]) -> None:
    worst = 0
    names = ("video/car-detection.mp4", "opencv_samples/tree.avi", "video/asl_gestures/milk.mkv")
    for name in names:
        with av.open(str(shared_data / name)) as container:
            theirs = [f.to_ndarray(format="rgb24") for f, _ in zip(container.decode(video=0), range(25), strict=False)]
        ours = list(frames(shared_data / name, stop=25))
        assert len(ours) == len(theirs) == 25
        worst = max(worst, *(int(np.abs(a.astype(int) - b).max()) for a, b in zip(ours, theirs, strict=True)))
    measured(worst)
    assert worst == 0


def test_shows_what_opencv_shows(shared_data: Path) -> None:
    peer = cv2.VideoCapture(str(shared_data / "video/car-detection.mp4"))
    for index, frame in enumerate(frames(shared_data / "video/car-detection.mp4", stop=5)):
        theirs = peer.read()[1][..., ::-1]
        # Other constants of the colour transform, and the same picture.
        assert np.abs(frame.astype(int) - theirs).mean() < 3, index


def test_counts_and_times(shared_data: Path) -> None:
    clip = frames(shared_data / "video/car-detection.mp4", start=10, stop=40, stride=4)
    assert (clip.count, clip.fps, clip.live, clip.index) == (8, 12.5 / 4, False, -1)
    seen = [(clip.index, clip.seconds) for _ in clip]
    assert [index for index, _ in seen] == list(range(10, 40, 4))
    assert seen[1][1] - seen[0][1] == pytest.approx(4 / 12.5, abs=1e-3)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".apng", ".webp"])
def test_animations_equal_pillow(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip{suffix}"
    assert write_frames(path, moving(5), fps=20) == 5
    picture = Image.open(io.BytesIO(path.read_bytes()))
    clip = frames(path)
    assert (clip.count, clip.fps) == (5, 20)
    for number, frame in enumerate(clip):
        picture.seek(number)
        assert np.array_equal(frame, np.asarray(picture.convert("RGB")))
        assert clip.seconds == pytest.approx(number / 20)


@evidence.equals(
    "image.write_frames", peer="pyav", tolerance="mean difference ≤ 2 grey levels, lossless ones 0", data="made"
)
def test_what_was_written_is_read(tmp_path: Path, measured: Callable[[float], None]) -> None:
    worst = 0.0
    source = moving(8)
    for suffix in (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif", ".webp", ".png", ""):
        path = tmp_path / f"clip{suffix}"
        assert write_frames(path, (frame for frame in source), fps=12.5, quality=90) == 8
        if suffix in (".mp4", ".mov", ".mkv", ".webm", ".avi"):
            with av.open(str(path)) as container:
                back = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        else:
            back = list(frames(path))
        assert len(back) == 8
        differences = [float(np.abs(a.astype(int) - b).mean()) for a, b in zip(back, source, strict=True)]
        assert suffix not in (".png", "") or max(differences) == 0
        worst = max(worst, *differences)
    measured(worst)
    assert worst <= 2


def test_odd_sizes_and_other_dtypes(tmp_path: Path) -> None:
    for image in (moving(1, 31, 43)[0], moving(1, 31, 43)[0][..., 0] > 60, np.full((1, 1), 0.5, np.float32)):
        path = tmp_path / "one.mp4"
        write_frames(path, [image], quality=100)
        (frame,) = frames(path)
        assert frame.shape[:2] == tuple(size + size % 2 for size in image.shape[:2])
        level = {np.dtype(bool): 255.0, np.dtype(np.float32): 255.0}.get(image.dtype, 1.0)
        assert abs(float(frame[0, -1].mean()) - float(image[0, -1].mean()) * level) < 8


def test_folders_are_in_natural_order(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        sl.write(tmp_path / f"f{number}.png", np.full((3, 4), number, np.uint8))
    (tmp_path / "notes.txt").write_text("x")
    assert [int(f[0, 0, 0]) for f in frames(tmp_path)] == [1, 2, 10]
    assert [int(f[0, 0, 0]) for f in frames(str(tmp_path / "f1*.png"))] == [1, 10]
    assert [f.shape for f in frames([tmp_path / "f2.png"], mode="gray")] == [(3, 4)]


def test_arrays_and_bytes(clip: Path) -> None:
    stack = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    assert np.array_equal(np.stack(list(frames(stack))), stack)
    assert np.array_equal(np.stack(list(frames([stack[0]], mode="gray")))[0], sl.image.convert(stack[0], "rgb", "gray"))
    assert all(np.array_equal(a, b) for a, b in zip(frames(clip.read_bytes()), frames(clip), strict=True))


def test_turned_upright(clip: Path, tmp_path: Path) -> None:
    data = bytearray(clip.read_bytes())
    at = data.index(struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30), data.index(b"tkhd"))
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30)  # a quarter turn clockwise
    turned = next(frames(bytes(data)))
    assert np.array_equal(turned, np.rot90(next(frames(clip)), -1))


def test_closing_early_lets_go(clip: Path) -> None:
    with frames(clip) as opened:
        next(opened)
    with pytest.raises(StopIteration):
        next(frames(clip, start=3, stop=3))
    unused = frames(clip)
    unused.close()
    unused.close()


# --- the newest frame of a live source ---


def slow(count: int, pause: float) -> Iterator[Moment]:
    for number in range(count):
        yield float(number), np.full((2, 2, 3), number, np.uint8)
        time.sleep(pause)


def test_newest_drops_what_came_too_late() -> None:
    live = Frames(Clip("camera", slow(40, 0.005), live=True), 0, None, 1, True, "rgb")
    seen = []
    for frame in live:
        seen.append(int(frame[0, 0, 0]))
        time.sleep(0.03)
    assert seen == sorted(set(seen)), "never the same twice, never an older one"
    assert len(seen) < 40
    assert seen[-1] == 39
    assert live.dropped == 40 - len(seen)


def test_a_failing_camera_fails_in_the_caller() -> None:
    def failing() -> Iterator[Moment]:
        yield 0.0, np.zeros((2, 2, 3), np.uint8)
        raise FormatError("frames: camera 0 is damaged after 1 frames: gone.")

    live = Frames(Clip("camera 0", failing(), live=True), 0, None, 1, True, "rgb")
    with pytest.raises(FormatError, match="camera 0 is damaged"):
        list(live)
    assert not [thread for thread in threading.enumerate() if thread.name == "sightline-frames" and thread.is_alive()]


# --- refusals ---


def test_refusals(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video at all, only words in a row" * 20)
    (tmp_path / "list.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    (tmp_path / "none").mkdir()
    stream = io.BytesIO()
    with av.open(stream, "w", format="matroska") as container:
        sound = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        silence.sample_rate = 8000
        container.mux(sound.encode(silence))
    cases = [
        (tmp_path / "nope.mp4", MissingFileError, "does not exist"),
        (tmp_path / "empty.mp4", FormatError, r"is empty \(0 bytes\)"),
        (tmp_path / "text.mp4", FormatError, "is no video that can be read"),
        (tmp_path / "list.m3u8", FormatError, "is no video that can be read"),
        (tmp_path / "none", DataError, "holds no picture"),
        (str(tmp_path / "*.jpg"), MissingFileError, "nothing matches"),
        ("webcam:77", MissingFileError, "camera 77 does not exist"),
        ("77", MissingFileError, "camera 77 does not exist"),
        ("rtsp://127.0.0.1:9/x", FormatError, "cannot be opened"),
        (stream.getvalue(), FormatError, "holds no video"),
        (3.5, InputError, "source must be a path"),
        ([], InputError, "a list of 0 things"),
    ]
    for source, kind, words in cases:
        with pytest.raises(kind, match=words):
            frames(source)
    with pytest.raises(InputError, match="newest needs a camera or a live stream"):
        frames(clip, newest=True)
    with pytest.raises(InputError, match="stop must be ≥ start"):
        frames(clip, start=5, stop=2)
    with pytest.raises(FormatError, match="64×48 pixels, more than the limit of 100"):
        frames(clip, max_pixels=100)


def test_a_damaged_video_gives_what_is_before_the_damage(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    write_frames(path, np.random.default_rng(3).integers(0, 256, (30, 48, 64, 3), dtype=np.uint8))
    good = frames(path.read_bytes())
    assert sum(1 for _ in good) == 30
    cut = frames(path.read_bytes()[: path.stat().st_size // 2])
    assert 0 < sum(1 for _ in cut) < 30


def test_writing_refuses_and_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"before")
    image = moving(1)[0]
    cases = [
        (tmp_path / "clip.mp5", [image], InputError, "Did you mean '.mp4'"),
        (target, [], InputError, "at least one image"),
        (target, [image, image[:9]], InputError, "like the first; got 9×64×3 uint8 as number 1"),
        (target, [np.full((4, 4), np.nan, np.float32)], InputError, "must be finite"),
        (target, 3, InputError, "images must be a sequence"),
        (3, [image], InputError, "path must be a path"),
        (tmp_path / "no" / "clip.mp4", [image], MissingFileError, "does not exist"),
    ]
    for path, images, kind, words in cases:
        with pytest.raises(kind, match=words):
            write_frames(path, images)
    assert target.read_bytes() == b"before"
    assert [item.name for item in tmp_path.iterdir()] == ["clip.mp4"]
