"""What a training shows: what it is about to do, a live bar on a terminal, one plain line an epoch elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from sightline.core.errors import require

REFRESH = 0.2  # seconds between readings of the losses: reading them waits for the device


@dataclass(frozen=True)
class Outline:
    """What is about to be trained.

    Parameters
    ----------
    name
        The recipe's.
    facts
        Rows of name and text, in order: images, parameters, FLOPs, time …
    warnings
        Sentences about data that is too small.
    values
        The same as plain JSON values.
    """

    name: str
    facts: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Silent:
    """Shows nothing; the other ways derive from it."""

    def begin(self, outline: Outline) -> None:
        """Show what is about to be trained."""

    def start(self, done: int, total: int) -> None:
        """Training starts: ``done`` of ``total`` batches are behind it."""

    def step(self, epoch: str, done: int, images: int, read: Callable[[], Mapping[str, float]]) -> None:
        """A step is done: ``read()`` gives the epoch's mean losses so far."""

    def epoch(self, epoch: str, row: Mapping[str, Any]) -> None:
        """An epoch is measured: ``row`` goes to ``metrics.csv``."""

    def say(self, sentence: str) -> None:
        """Show one sentence."""

    def end(self) -> None:
        """Training is over, or was stopped."""


@dataclass
class Lines(Silent):
    """Plain lines: for log files and pipes."""

    console: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def begin(self, outline: Outline) -> None:
        """Show what is about to be trained."""
        self.say(f"{outline.name}")
        width = max(map(len, outline.facts), default=0)
        for name, text in outline.facts.items():
            self.say(f"  {name:<{width}}  {text}")
        for sentence in outline.warnings:
            self.console.print(f"  ! {sentence}", style="yellow", markup=False, soft_wrap=True)

    def epoch(self, epoch: str, row: Mapping[str, Any]) -> None:
        """Show the epoch's losses and metrics."""
        shown = {
            name: value for name, value in row.items() if name.startswith(("train_", "val_")) and value is not None
        }
        words = [f"{name.replace('_', ' ', 1)} {value:.4g}" for name, value in shown.items()]
        self.say(f"epoch {epoch}  " + "  ".join([*words, f"{row['images_per_second']:.0f} images/s"]))

    def say(self, sentence: str) -> None:
        """Show one sentence."""
        self.console.print(sentence, markup=False, soft_wrap=True)


@dataclass
class Bars(Lines):
    """A live bar over the whole training, with losses, speed and the time that is left."""

    _bar: Progress | None = None
    _task: TaskID | None = None
    _metric: str = ""
    _shown: float = 0.0
    _images: int = 0

    def start(self, done: int, total: int) -> None:
        """Training starts: ``done`` of ``total`` batches are behind it."""
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.percentage:>3.0f}%"))
        tail = (TextColumn("{task.fields[losses]}"), TimeRemainingColumn(), TextColumn("left"))
        self._bar = Progress(*columns, *tail, console=self.console, transient=True)
        self._task = self._bar.add_task("epoch 1", total=total, completed=done, losses="")
        self._bar.start()
        self._shown = time.monotonic()

    def step(self, epoch: str, done: int, images: int, read: Callable[[], Mapping[str, float]]) -> None:
        """Refresh the bar, a few times a second."""
        self._images += images
        elapsed = time.monotonic() - self._shown
        if self._bar is None or self._task is None or elapsed < REFRESH:
            return
        words = [f"{name.replace('_', ' ')} {value:.3f}" for name, value in read().items()]
        words += [self._metric, f"{self._images / elapsed:.0f} images/s"]
        losses = "  ".join(word for word in words if word)
        self._bar.update(self._task, completed=done, description=f"epoch {epoch}", losses=losses)
        self._shown, self._images = time.monotonic(), 0

    def epoch(self, epoch: str, row: Mapping[str, Any]) -> None:
        """Show the epoch's losses and metrics above the bar."""
        super().epoch(epoch, row)
        metrics = [(name, value) for name, value in row.items() if name.startswith("val_") and value is not None]
        self._metric = "".join(f"{name.replace('_', ' ', 1)} {value:.3f}" for name, value in metrics[:1])

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()


class Board(Silent):
    """Curves for TensorBoard, besides what another way shows.

    Parameters
    ----------
    shown
        The other way.
    folder
        Where the event files go.
    step
        The step that the training goes on from; later ones of an earlier run are dropped.
    """

    def __init__(self, shown: Silent, folder: Path, step: int) -> None:
        require("tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self.shown = shown
        self.writer = SummaryWriter(str(folder), purge_step=step)
        self.begin, self.start, self.step, self.say = shown.begin, shown.start, shown.step, shown.say

    def epoch(self, epoch: str, row: Mapping[str, Any]) -> None:
        """Add one point to each curve."""
        self.shown.epoch(epoch, row)
        for name, value in row.items():
            if isinstance(value, float):
                self.writer.add_scalar(name.replace("_", "/", 1), value, row["step"])
        self.writer.flush()

    def end(self) -> None:
        """Close the event file."""
        self.writer.close()
        self.shown.end()


def make_progress(wanted: bool) -> Silent:
    """Return the way to show a training: silent unless wanted, a bar on a terminal, lines elsewhere."""
    if not wanted:
        return Silent()
    return Bars() if Console(stderr=True).is_terminal else Lines()


def short(number: float) -> str:
    """Return a large number as people say it: 11.2 M, 1.8 G.

    Parameters
    ----------
    number
        ≥ 0.
    """
    for size, unit in ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def clock(seconds: float) -> str:
    """Return a duration as people say it: 40 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
