"""Fast style transfer behind ``sightline imagine style``: a network learns one painting, and paints whatever comes."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from sightline.apply.painting import is_network, learning, painted, small
from sightline.apply.source import Source
from sightline.cli.live import is_moving, open_moving, show_trouble, trouble_of
from sightline.cli.several import answer_of, check_output, rows_of, target_of
from sightline.cli.sources import find_sources, keep_source
from sightline.cli.terminal import FAILED, OK, Answer, bar, counted, frame_bar, talk
from sightline.core.checks import integer, number
from sightline.core.errors import DataError, InputError, MissingFileError, SightlineError

if TYPE_CHECKING:
    from sightline.explain import StyleNet

_STEPS = 400  # of a training
_TIMED = 3  # steps after which it is told how long all will take: the first one is slower


@dataclass(frozen=True)
class Style:
    """The options of ``sightline imagine style``.

    Parameters
    ----------
    style
        The picture to paint like, for style.
    style_weight
        Weight of the style against the photo's 1, for style; 10 when left out.
    width
        Channels of the first layer of a network that is trained, 4 to 64; 16 when left out.
    every
        Of a video that is painted: take every n-th frame.
    limit
        Of a video that is painted: stop after this many frames.
    """

    style: str | None = None
    style_weight: float | None = None
    width: int | None = None
    every: int = 1
    limit: int | None = None

    def check(self, kind: str, model: str, output: Path, iterations: int | None) -> None:
        """Refuse what the networks that are named cannot do, or have no use for."""
        if self.width is not None and not (kind == "style" and is_network(output)):
            raise InputError("imagine: --width is for style that trains a network: with a .safetensors --output.")
        if not is_network(model):
            return
        if kind != "style":
            raise InputError(f"imagine: {kind} needs a run or a name of the zoo; the file '{model}' can make style.")
        if is_network(output):
            raise InputError(f"imagine: a run or a name of the zoo trains a network; got the network '{model}'.")
        given = {"--style": self.style, "--style-weight": self.style_weight, "--iterations": iterations}
        idle = [name for name, value in given.items() if value is not None]
        if idle:
            raise InputError(f"imagine: '{model}' has learnt its painting: leave {' and '.join(idle)} out.")

    def training(self, size: int | None, iterations: int | None, seed: int) -> dict[str, Any]:
        """Return how a network learns, for ``learning``; refuse what is out of its range before photos are read."""
        if size is not None:
            integer("imagine", "--size", size, 32, 2048)
        found: dict[str, Any] = {"size": size, "seed": seed}
        if self.width is not None:
            found["width"] = integer("imagine", "--width", self.width, 4, 64)
        if self.style_weight is not None:
            found["style_weight"] = number("imagine", "--style-weight", self.style_weight, 0, 10_000)
        steps = _STEPS if iterations is None else integer("imagine", "--iterations", iterations, 1, 1_000_000)
        return found | {"iterations": steps}


NO_STYLE = Style()


def train_network(
    predictor: Any, photos: str | None, style: np.ndarray | None, output: Path, training: dict[str, Any], json: bool
) -> Answer:
    """Train a network for one painting and write it. Ctrl-C ends it and keeps what it has learnt so far.

    Parameters
    ----------
    predictor
        A trained classifier, which judges.
    photos
        Folder, pattern or list of what is learnt on.
    style
        The painting.
    output
        File to write.
    training
        How it learns, of :meth:`Style.training`.
    json
        Whether the answer is for a machine.
    """
    if photos is None:
        raise InputError("imagine: a network learns on photos: give a folder of them behind the model.")
    if style is None:
        raise InputError("imagine: style needs a second picture: give it with --style.")
    if output.is_dir():
        raise InputError(f"imagine: --output must be a file for a network; got the folder '{output}'.")
    if not output.parent.is_dir():
        raise MissingFileError(f"imagine: folder '{output.parent}' does not exist.")
    start = time.perf_counter()
    pictures, left_out = _read(find_sources([photos]), training["size"])
    losses: list[float] = []
    net: StyleNet | None = None
    interrupted = False
    try:
        with _told(training["iterations"], len(pictures)) as progress:
            for learnt, loss in learning(predictor, style, pictures, **training):
                net = learnt
                losses.append(loss)
                progress()
    except KeyboardInterrupt:
        if net is None:
            raise
        interrupted = True
    assert net is not None  # there is one step at least
    net.eval().save(output)
    value: dict[str, Any] = {"kind": "style", "output": str(output), "photos": len(pictures), "iterations": len(losses)}
    value |= {"loss": [_mean(losses[:10]), _mean(losses[-10:])], "seconds": round(time.perf_counter() - start, 1)}
    value |= {"left_out": left_out} if left_out else {}
    value |= {"trouble": "interrupted"} if interrupted else {}

    def show(console: Console) -> None:
        first, last = value["loss"]
        text = (
            f"{output}: learnt on {value['photos']} photos in {value['iterations']} steps, loss {first:.3g} → "
            f"{last:.3g}.\nPaint with it: sightline imagine style {output} photo.jpg -o painted.png"
        )
        console.print(text, markup=False, soft_wrap=True)
        show_trouble(console, value)

    return Answer(value, show, json, FAILED if interrupted else OK)


def _read(sources: Sequence[Source], size: int | None) -> tuple[list[np.ndarray], list[str]]:
    """Return photos, as small as they are learnt on, and the names of those that cannot be read."""
    pictures, left_out = [], []
    for source in counted(sources, "read"):
        try:
            pictures.append(small(source.read(), size))
        except SightlineError as error:
            talk().print(str(error), style="red", markup=False, soft_wrap=True)
            left_out.append(source.name)
    if not pictures:
        raise DataError(f"imagine: of {len(sources)} photos to learn on, none can be read.")
    return pictures, left_out


@contextlib.contextmanager
def _told(steps: int, photos: int) -> Iterator[Any]:
    """Say after the first steps how long all will take, then show a bar; the block calls it once a step."""
    with contextlib.ExitStack() as stack:
        begun: list[float] = []
        shown: Any = None

        def progress() -> None:
            nonlocal shown
            begun.append(time.perf_counter())
            if len(begun) == _TIMED < steps:
                left = (begun[-1] - begun[0]) / (_TIMED - 1) * (steps - _TIMED)
                said = f"{steps} steps on {photos} photos take about {_spoken(left)}; Ctrl-C keeps what is learnt."
                talk().print(said, markup=False, soft_wrap=True)
                shown = stack.enter_context(bar("learn"))
            if shown is not None:
                shown(len(begun), steps)

        yield progress


def _spoken(seconds: float) -> str:
    """Return a time as it is said: 40 s, 5 min, 3.5 h."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _mean(losses: Sequence[float]) -> float:
    return round(float(np.mean(losses)), 4)


def paint(model: str, word: str | None, output: Path, wish: Style, size: int | None, json: bool) -> Answer:
    """Paint what a word names with a saved network: a picture, several into a folder, or frames as a film.

    Parameters
    ----------
    model
        File of the network.
    word
        Picture, folder, pattern, list, video, camera or address.
    output
        Picture, film or folder.
    wish
        Which frames are taken.
    size
        Longer side in pixels that larger pictures are shrunk to; 1024 when None.
    json
        Whether the answer is for a machine.
    """
    from sightline.explain import StyleNet

    if word is None:
        raise InputError("imagine: style needs a photo: give it behind the model.")
    for name, value, least in (("--every", wish.every, 1), ("--limit", wish.limit, 1), ("--size", size, 16)):
        if value is not None:
            integer("imagine", name, value, least)
    net = StyleNet.load(model)
    if is_moving((word,), output):
        return _film(net, word, output, wish, size, json)
    sources = find_sources([word])
    check_output("imagine", output, sources)
    return _pictures(net, sources, Path(model).stem, output, size, json)


def _pictures(
    net: StyleNet, sources: Sequence[Source], style: str, output: Path, size: int | None, json: bool
) -> Answer:
    def work(source: Source) -> dict[str, Any]:
        name = f"{source.stem}-{style}.png"
        return _painted(net, source, target_of("imagine", output, name, source.name, several=len(sources) > 1), size)

    start = time.perf_counter()
    rows = rows_of(sources, "paint", work)
    seconds = time.perf_counter() - start

    def show(console: Console, done: list[dict[str, Any]]) -> None:
        for row in done:
            text = f"{row['source']}: {row['output']}, {row['size'][0]}×{row['size'][1]} pixels"
            console.print(text, markup=False, soft_wrap=True)
        if len(done) > 1:
            console.print(f"{len(done)} pictures, {len(done) / seconds:.1f} pictures/s", soft_wrap=True)

    return answer_of(rows, show, json)


def _painted(net: StyleNet, source: Source, target: Path, size: int | None) -> dict[str, Any]:
    from sightline.image.write import write

    made = painted(net, source.read(), size)
    write(target, made)
    return {"output": str(target), "size": [made.shape[1], made.shape[0]]}


def _film(net: StyleNet, word: str, output: Path, wish: Style, size: int | None, json: bool) -> Answer:
    from sightline.image.write_frames import write_frames

    keep_source("imagine", word, output)
    clip = open_moving(word, wish.every)
    known = [count for count in (clip.count, wish.limit) if count is not None]
    start = time.perf_counter()
    with clip, frame_bar("paint", min(known) if known else None) as progress:
        count = write_frames(output, _frames(net, clip, size, wish.limit, progress), fps=clip.fps or 25.0)
    rate = round(count / (time.perf_counter() - start), 1)
    value: dict[str, Any] = {"source": word, "output": str(output), "frames": count, "fps": rate}
    value |= {"dropped": clip.dropped} if clip.dropped else {}
    value |= {"trouble": trouble_of(clip)} if trouble_of(clip) else {}

    def show(console: Console) -> None:
        console.print(f"{word}: {output}, {count} frames, {rate:g} frames/s", markup=False, soft_wrap=True)
        show_trouble(console, value)

    return Answer(value, show, json, FAILED if "trouble" in value else OK)


def _frames(net: StyleNet, clip: Any, size: int | None, limit: int | None, progress: Any) -> Iterator[np.ndarray]:
    """Yield frames as they are painted; Ctrl-C ends a live source, and keeps it."""
    try:
        for index, frame in enumerate(clip):
            if limit is not None and index >= limit:
                return
            yield painted(net, frame, size)
            progress()
    except KeyboardInterrupt:
        if not clip.live:
            raise
