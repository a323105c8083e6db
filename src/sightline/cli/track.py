"""``sightline track VIDEO``: follow what moves, and write an annotated video and a line for each box."""

from __future__ import annotations

import csv as csv_table
import io
import json as json_text
import re
import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from sightline.cli.live import open_moving, show_trouble
from sightline.cli.sources import keep_source
from sightline.cli.terminal import FAILED, OK, Answer, frame_bar
from sightline.core.errors import InputError
from sightline.core.files import write_text

_COLUMNS = ("frame", "id", "x1", "y1", "x2", "y2", "score", "label", "name")


def track(
    source: str,
    /,
    *,
    detector: str = "background",
    tracker: str = "sort",
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    mot: Path | None = None,
    csv: Path | None = None,
    lines: Path | None = None,
    every: int = 1,
    limit: int | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Follow many things through a video, a camera or a folder of frames. Ctrl-C ends it and keeps what there is.

    Parameters
    ----------
    source
        Video, folder of pictures, address, or camera (webcam, webcam:1, /dev/video0); of a camera or a live stream, the
        newest frame is taken and those that came meanwhile are dropped.
    detector
        What finds the boxes: background (what moves before a camera that stands still), hog:WINDOW.npz (a window of
        gradients that HogSvm.train taught, on people for people, and HogSvm.save wrote; none comes with the
        package), file:DETECTIONS.txt (MOTChallenge's lines), or the folder of a run that finds boxes.
    tracker
        sort, deep_sort or byte_track.
    output
        Annotated video, or folder of pictures; named after the source when left out.
    mot
        File for MOTChallenge's lines: frame, id, left, top, width, height, score.
    csv
        File for a table: frame, id, x1, y1, x2, y2, score, label, name.
    lines
        File for JSON lines, one for each frame.
    every
        Take every n-th frame.
    limit
        Stop after this many frames.
    json
        Give the output, frames per second and the number of things as JSON.
    """
    from sightline.cli.following import (
        TRACKERS,
        Following,
        ends_at_ctrl_c,
        make_detector,
        make_tracker,
    )
    from sightline.core.checks import choice, integer
    from sightline.image.write_frames import write_frames

    choice("track", "tracker", tracker, TRACKERS)
    integer("track", "every", every, 1)
    if limit is not None:
        integer("track", "limit", limit, 1)
    target = output or Path(f"{re.sub(r'[^A-Za-z0-9]+', '-', Path(source).stem).strip('-') or 'live'}-tracks.mp4")
    _distinct(source, target, mot, csv, lines)
    work = Following(make_detector(detector), make_tracker(tracker, detector))
    clip = open_moving(source, every, lambda: work.stopped)
    start = time.perf_counter()
    least = clip.count if limit is None else min(limit, clip.count or limit)
    with clip, ends_at_ctrl_c(work), frame_bar("track", least) as progress:
        count = write_frames(target, work.pictures(clip, limit, progress), fps=clip.fps or 25.0)
    elapsed = time.perf_counter() - start
    files = _write_lines(work, mot, csv, lines)
    value: dict[str, Any] = {
        "source": source, "output": str(target), "files": files, "frames": count, "fps": round(count / elapsed, 1),
        "identities": len({number for tracks in work.tracks for number in tracks.ids.tolist()}),
        "boxes": sum(map(len, work.tracks)), "cuts": work.cuts,
    }  # fmt: skip
    value |= {"dropped": work.dropped} if work.dropped else {}
    value |= {"trouble": work.trouble} if work.trouble else {}
    return Answer(value, lambda console: _show(console, value), json, FAILED if work.trouble else OK)


def _distinct(source: str, *targets: Path | None) -> None:
    for target in targets:
        if target is None:
            continue
        keep_source("track", source, target)
        if not target.parent.is_dir():
            raise InputError(f"track: folder '{target.parent}' must exist; it does not. Make it first.")


def _write_lines(work: Any, mot: Path | None, csv: Path | None, lines: Path | None) -> list[str]:
    if mot is not None:
        write_text(mot, "".join(tracks.to_mot() for tracks in work.tracks))
    if csv is not None:
        text = io.StringIO()
        table = csv_table.writer(text, lineterminator="\n")
        table.writerow(_COLUMNS)
        for row in (row for tracks in work.tracks for row in tracks.to_json()):
            box = [f"{edge:.2f}" for edge in row["box"]]
            score = f"{row['score']:.4g}"
            table.writerow([row["frame"], row["id"], *box, score, row["label"], row.get("name", "")])
        write_text(csv, text.getvalue())
    if lines is not None:
        made = [
            json_text.dumps({"frame": tracks.frame, "seconds": seconds, "tracks": tracks.to_json()}, ensure_ascii=False)
            for tracks, seconds in zip(work.tracks, work.seconds, strict=False)
        ]
        write_text(lines, "".join(f"{line}\n" for line in made))
    return [str(path) for path in (mot, csv, lines) if path is not None]


def _show(console: Console, value: dict[str, Any]) -> None:
    plural = "thing" if value["identities"] == 1 else "things"
    cuts = f", {value['cuts']} cuts" if value["cuts"] else ""
    console.print(
        f"{value['source']}: {value['identities']} {plural} in {value['frames']} frames{cuts}, "
        f"{value['fps']:g} frames/s. Look at {', '.join([value['output'], *value['files']])}.",
        markup=False, soft_wrap=True,
    )  # fmt: skip
    show_trouble(console, value)
