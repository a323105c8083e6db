"""``sightline flow VIDEO`` and ``sightline flow A B``: where everything goes, as colours, and as numbers on request."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.cli.live import is_cut, open_moving, show_trouble, trouble_of
from sightline.cli.sources import keep_source
from sightline.cli.terminal import FAILED, OK, Answer, frame_bar
from sightline.core.checks import choice, integer
from sightline.core.errors import DataError, SightlineError

METHODS = ("tv_l1", "farneback", "horn_schunck", "lucas_kanade")


def flow(
    source: str,
    second: str | None = None,
    /,
    *,
    method: str = "tv_l1",
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    flo: Path | None = None,
    beside: bool = False,
    largest: float | None = None,
    every: int = 1,
    limit: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Find where every pixel goes from frame to frame. Ctrl-C ends it and keeps what there is.

    Parameters
    ----------
    source
        Video, folder of pictures, address or camera; or the first of two pictures.
    second
        The second picture.
    method
        tv_l1 (sharp), farneback (quick), horn_schunck (smooth) or lucas_kanade (windows).
    output
        Video, animation or folder of pictures; of two pictures, one picture. Named after the source when left out.
    flo
        Folder for the numbers, one .flo file for each pair; of two pictures, a .flo file or a 16-bit .png.
    beside
        Show the frame beside its flow.
    largest
        Motion in pixels that has the full colour; when left out, that of the fastest so far, at least 2.
    every
        Take every n-th frame.
    limit
        Stop after so many pairs.
    json
        Give the output, frames per second and the mean motion as JSON.
    """
    choice("flow", "method", method, METHODS)
    integer("flow", "every", every, 1)
    if limit is not None:
        integer("flow", "limit", limit, 1)
    work = _Work(method, largest, beside, flo)
    if second is not None:
        value = _pair(source, second, work, output or Path("flow.png"))
    else:
        stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(source).stem).strip("-") or "live"
        value = _film(source, work, output or Path(f"{stem}-flow.mp4"), every, limit)
    return Answer(value, lambda console: _show(console, value), json, FAILED if work.trouble else OK)


class _Work:
    """A method at work on pairs of frames: what it found, and what went wrong."""

    def __init__(self, method: str, largest: float | None, beside: bool, flo: Path | None) -> None:
        from sightline import motion

        self.function: Callable[..., Any] = getattr(motion, method)
        self.fixed, self.largest = largest is not None, largest or 2.0
        self.beside, self.flo = beside, flo
        self.lengths: list[float] = []
        self.cuts: list[int] = []
        self.trouble = ""

    def picture(self, a: np.ndarray, b: np.ndarray, name: str = "") -> np.ndarray:
        """Return the flow from one frame to the next as colours, all black where the film was cut."""
        from sightline.apply.outputs import side_by_side
        from sightline.image.draw_motion import flow as draw_flow

        if name and is_cut(a, b):
            self.cuts.append(len(self.lengths) + len(self.cuts) + 1)
            found = np.full((*a.shape[:2], 2), np.nan, np.float32)
        else:
            found = self.function(a, b)
            length = np.hypot(found[..., 0], found[..., 1])
            known = length[np.isfinite(length)]
            self.lengths.append(float(known.mean()) if known.size else 0.0)
            if known.size and not self.fixed:  # it only grows: one speed, one colour, but where it does
                self.largest = max(self.largest, float(np.percentile(known, 99.5)))
        if self.flo is not None:
            self._write(found, self.flo / f"{name}.flo" if name else self.flo)
        shown = draw_flow(found, largest=self.largest)
        return side_by_side(a, shown) if self.beside else shown

    def _write(self, found: np.ndarray, path: Path) -> None:
        from sightline.motion import write_flow

        path.parent.mkdir(parents=True, exist_ok=True)
        write_flow(path, found)

    def pictures(self, clip: Any, limit: int | None, progress: Callable[[], None]) -> Iterator[np.ndarray]:
        """Yield a picture for each pair; where the source ends in trouble, what came before is kept."""
        before: np.ndarray | None = None
        count = 0
        try:
            for frame in clip:
                if before is not None:
                    if frame.shape != before.shape:
                        sizes = ["×".join(map(str, item.shape[:2])) for item in (frame, before)]
                        raise DataError(f"flow: frame {clip.index} is {sizes[0]}, those before it {sizes[1]}")
                    yield self.picture(before, frame, f"{count:06d}")
                    progress()
                    count += 1
                    if count == limit:
                        return
                before = frame
            self.trouble = trouble_of(clip)
        except KeyboardInterrupt:
            self.trouble = "" if clip.live else "interrupted"
        except SightlineError as error:
            self.trouble = str(error).rstrip(".")


def _pair(first: str, second: str, work: _Work, target: Path) -> dict[str, Any]:
    from sightline.image import read, write

    for photo in (first, second):
        keep_source("flow", photo, target)
    a, b = read(first), read(second)
    start = time.perf_counter()
    picture = work.picture(a, b)
    elapsed = time.perf_counter() - start
    write(target, picture)
    value = {"source": [first, second], "output": str(target), "seconds": round(elapsed, 3)}
    return value | _measured(work)


def _film(source: str, work: _Work, target: Path, every: int, limit: int | None) -> dict[str, Any]:
    from sightline.image.write_frames import write_frames

    keep_source("flow", source, target)
    clip = open_moving(source, every)
    known = [number for number in (clip.count and clip.count - 1, limit) if number]
    start = time.perf_counter()
    with clip, frame_bar("flow", min(known) if known else None) as progress:
        pictures = work.pictures(clip, limit, progress)
        first = next(pictures, None)
        if first is None:
            raise DataError(f"flow: {work.trouble or f'{clip.name} must hold at least two frames; it holds fewer'}.")
        count = write_frames(target, chain([first], pictures), fps=clip.fps or 25.0)
    elapsed = time.perf_counter() - start
    value = {"source": source, "output": str(target), "pairs": count, "fps": round(count / elapsed, 1)}
    return value | _measured(work) | ({"dropped": clip.dropped} if clip.dropped else {})


def _measured(work: _Work) -> dict[str, Any]:
    motion = round(float(np.mean(work.lengths)), 3) if work.lengths else None
    value: dict[str, Any] = {"mean_motion": motion, "largest": round(work.largest, 3)}
    value |= {"flo": str(work.flo)} if work.flo else {}
    value |= {"cuts": work.cuts} if work.cuts else {}
    return value | ({"trouble": work.trouble} if work.trouble else {})


def _show(console: Console, value: dict[str, Any]) -> None:
    speed = f", {value['pairs']} pairs, {value['fps']:g} a second" if "pairs" in value else f", {value['seconds']:g} s"
    cuts = f", cut at frame {', '.join(map(str, value['cuts']))}" if "cuts" in value else ""
    moved = "no motion" if value["mean_motion"] is None else f"{value['mean_motion']:g} pixels of motion on average"
    console.print(f"{value['output']}: {moved}{speed}{cuts}.", markup=False, soft_wrap=True)
    if "flo" in value:
        console.print(f"The numbers are in {value['flo']}.", markup=False, soft_wrap=True)
    show_trouble(console, value)
