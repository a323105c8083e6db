"""A detector on a video, a camera or a stream: an annotated video, and what was found in each frame."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from sightline.apply.detected import Forms, Seen, write_crops, write_seen
from sightline.cli.live import open_moving, show_trouble, trouble_of
from sightline.cli.sources import keep_source
from sightline.cli.terminal import FAILED, OK, Answer, frame_bar
from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.results import Detections


def predict_live(
    predictor: Any,
    word: str,
    options: dict[str, Any],
    forms: Forms,
    out: Path | None,
    crops: Path | None,
    every: int,
    limit: int | None,
    json: bool,
) -> Answer:
    """Run a detector on every frame; Ctrl-C ends a live source and keeps what there is.

    Parameters
    ----------
    predictor
        The trained model.
    word
        The source.
    options
        Of the model's ``predict``.
    forms
        Files to write.
    out
        Annotated video, or folder of pictures; None names it after the source.
    crops
        Folder for each thing cut out; None for none.
    every, limit
        Take every n-th frame, and at most this many.
    json
        Whether the answer is for a machine.
    """
    from sightline.image.write_frames import write_frames

    integer("predict", "every", every, 1)
    if limit is not None:
        integer("predict", "limit", limit, 1)
    target = out or Path(f"{re.sub(r'[^A-Za-z0-9]+', '-', Path(word).stem).strip('-') or 'live'}-found.mp4")
    keep_source("predict", word, target)
    clip, seen = open_moving(word, every), []
    known = [number for number in (clip.count, limit) if number is not None]
    start = time.perf_counter()
    with clip, frame_bar("predict", min(known) if known else None) as progress:
        pictures = _pictures(predictor, word, clip, options, crops, limit, seen, progress)
        count = write_frames(target, pictures, fps=clip.fps or 25.0)
    rate = count / (time.perf_counter() - start)
    files = write_seen(seen, forms)
    value: dict[str, Any] = {
        "source": word,
        "output": str(target),
        "files": files,
        "frames": count,
        "fps": round(rate, 1),
        "boxes": sum(len(item.found) for item in seen),
    }
    value |= {"dropped": clip.dropped} if clip.dropped else {}
    value |= {"trouble": trouble_of(clip)} if trouble_of(clip) else {}

    def show(console: Console) -> None:
        places = ", ".join([value["output"], *files])
        console.print(
            f"{word}: {value['boxes']} boxes in {count} frames, {value['fps']:g} frames/s. Look at {places}.",
            markup=False,
            soft_wrap=True,
        )
        show_trouble(console, value)

    return Answer(value, show, json, FAILED if "trouble" in value else OK)


def _pictures(
    predictor: Any,
    word: str,
    clip: Any,
    options: dict[str, Any],
    crops: Path | None,
    limit: int | None,
    seen: list[Seen],
    progress: Callable[[], None],
) -> Iterator[np.ndarray]:
    """Yield each frame with what was found drawn on it; what was found is added to ``seen``."""
    try:
        for number, frame in enumerate(clip, 1):
            found = predictor.predict(frame, **options)
            if not isinstance(found, Detections):
                raise InputError(
                    f"predict: videos are for detectors; '{predictor.folder}' gives a {type(found).__name__}. "
                    "Give it images."
                )
            item = Seen(word, (frame.shape[0], frame.shape[1]), found, number)
            seen.append(item)
            if crops is not None:
                write_crops(crops, frame, item)
            progress()
            yield found.draw(frame)
            if limit is not None and number >= limit:
                return
    except KeyboardInterrupt:
        if not clip.live:
            raise
