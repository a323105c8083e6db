"""Running an image method on frames as they come: a video, a camera, a stream, or a folder made into a video."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from sightline.apply.inputs import first_argument, read_options
from sightline.apply.outputs import as_picture, drawn, parts_of, side_by_side
from sightline.cli.lasting import LastingFrames
from sightline.cli.sources import keep_source
from sightline.cli.terminal import FAILED, OK, Answer, frame_bar
from sightline.core.catalogue import Method

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv", ".3gp")
_TARGETS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif")
_ALIKE, _LOOKED_AT = 0.5, 96  # share of the levels that frames of one shot have in common; rows or columns seen
_CAMERA = re.compile(r"(?:webcam|camera)(?::\d+)?|/dev/video\d+")


def is_moving(words: tuple[str, ...], output: Path | None) -> bool:
    """Return whether frames are asked for: a video, camera or address as the source, or a video as the target."""
    if len(words) != 1:
        return False
    word = words[0]
    number = word.isdecimal() and not Path(word).exists()
    moving = number or _CAMERA.fullmatch(word) or re.match(r"\w+://", word) or Path(word).suffix.lower() in VIDEOS
    return bool(moving) or (output is not None and output.suffix.lower() in _TARGETS)


def open_moving(word: str, every: int, stopped: Callable[[], bool] = lambda: False) -> Any:
    """Open a video, a camera, a stream or a folder.

    Of what goes on by itself, the newest frame is taken, and it is opened again when it goes away.

    Parameters
    ----------
    word, every
        The source, and every how many frames one is taken.
    stopped
        Asked while a live source is waited for: whether nobody waits any more.
    """
    from sightline.image.frames import frames

    def opened() -> Any:
        clip = frames(word, stride=every)
        if clip.live:
            clip.keep_newest()
        return clip

    clip = opened()
    return LastingFrames(word, clip, opened, stopped) if clip.live else clip


def is_cut(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two frames, of one size, have too few levels in common to be of one shot."""
    step = max(1, min(a.shape[:2]) // _LOOKED_AT)
    counts = [np.histogram(frame[::step, ::step], 32, (0, 256))[0] for frame in (a, b)]
    return float(np.minimum(*counts).sum()) < _ALIKE * counts[0].sum()


class _Work:
    """A method at work on frames: what it gave, how long it took, what there is to show."""

    def __init__(self, entry: Method, values: Mapping[str, Any], gray: bool, beside: bool, draw: bool) -> None:
        self.entry, self.values, self.gray, self.beside, self.draw = entry, values, gray, beside, draw
        self.options: dict[str, Any] | None = None
        self.told: list[Any] = []
        self.seconds: list[float] = []

    def picture(self, frame: np.ndarray) -> np.ndarray | None:
        """Return what the method makes of a frame as a picture, None when it is no picture."""
        image = first_argument(self.entry, frame, gray=self.gray)
        if self.options is None:
            self.options = read_options(self.entry, self.values, image)
        start = time.perf_counter()
        result = self.entry.function(image, **self.options)
        self.seconds.append(time.perf_counter() - start)
        pictures, others = parts_of(self.entry, result, image)
        if others:
            self.told.append(next(iter(others.values())) if list(others) == [""] else others)
        if pictures:
            shown = as_picture(next(iter(pictures.values())))
        else:
            found = drawn(self.entry, result, image, self.options) if self.draw else None
            if found is None:
                return None
            shown = found
        return side_by_side(frame, shown) if self.beside else shown


def run_live(
    entry: Method,
    word: str,
    values: Mapping[str, Any],
    *,
    output: Path | None,
    gray: bool,
    beside: bool,
    every: int,
    limit: int | None,
    json: bool,
) -> Answer:
    """Run ``entry`` on every frame and write what it gives as a video or a folder of pictures.

    Parameters
    ----------
    entry, word, values
        The method, where the frames come from, and the method's options.
    output
        Video, or folder of numbered pictures; None for a video named after the source and the method.
    gray
        Whether colour is turned to grey first.
    beside
        Whether the frame is shown beside the result.
    every, limit
        Take every n-th frame, and at most this many.
    json
        Whether the answer is for a machine.
    """
    from sightline.image.write_frames import write_frames

    target = output or Path(f"{re.sub(r'[^A-Za-z0-9]+', '-', Path(word).stem).strip('-') or 'live'}-{entry.name}.mp4")
    keep_source(entry.name, word, target)
    clip = open_moving(word, every)
    work = _Work(entry, values, gray, beside, output is not None or beside)
    start = time.perf_counter()
    with clip, frame_bar(entry.name, _least(clip.count, limit)) as progress:
        written = 0
        pictures = _pictures(clip, work, limit, progress)
        first = next(pictures, None)
        if first is not None:
            written = write_frames(target, _and(first, pictures), fps=clip.fps or 25.0)
        else:
            for _ in pictures:
                pass
    elapsed = time.perf_counter() - start
    value = _answer(word, str(target) if written else None, work, clip, elapsed)

    def show(console: Console) -> None:
        what = value["output"] or "no picture"
        console.print(
            f"{word}: {what}, {value['frames']} frames, {value['fps']:g} frames/s "
            f"({value['milliseconds']:g} ms each in {entry.name})",
            markup=False,
            soft_wrap=True,
        )
        show_trouble(console, value)

    return Answer(value, show, json, FAILED if "trouble" in value else OK)


def trouble_of(clip: Any) -> str:
    """Return what ended a live source that did not come back; empty when nothing did."""
    return clip.trouble if isinstance(clip, LastingFrames) else ""


def show_trouble(console: Console, value: Mapping[str, Any]) -> None:
    """Say what ended a source early, where something did."""
    if "trouble" in value:
        text = f"It ended early: {value['trouble']}. What came before is kept."
        console.print(text, markup=False, soft_wrap=True, style="red")


def _least(count: int | None, limit: int | None) -> int | None:
    known = [number for number in (count, limit) if number is not None]
    return min(known) if known else None


def _pictures(clip: Any, work: _Work, limit: int | None, progress: Any) -> Iterator[np.ndarray | None]:
    """Yield what is to be written; a first None says that nothing is. Ctrl-C ends a live source, and keeps it."""
    try:
        for number, frame in enumerate(clip):
            if limit is not None and number >= limit:
                return
            shown = work.picture(frame)
            progress()
            if shown is not None or number == 0:
                yield shown
    except KeyboardInterrupt:
        if not clip.live:
            raise


def _and(first: np.ndarray, others: Iterator[np.ndarray | None]) -> Iterator[np.ndarray]:
    yield first
    for other in others:
        if other is not None:
            yield other


def _answer(word: str, target: str | None, work: _Work, clip: Any, elapsed: float) -> dict[str, Any]:
    done = len(work.seconds)
    value: dict[str, Any] = {
        "source": word,
        "output": target,
        "frames": done,
        "fps": round(done / elapsed, 1),
        "milliseconds": round(1000 * float(np.median(work.seconds)), 3) if done else None,
    }
    if clip.dropped:
        value["dropped"] = clip.dropped
    if work.told:
        value["result"] = work.told
    if trouble_of(clip):
        value["trouble"] = trouble_of(clip)
    return value
