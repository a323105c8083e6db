"""What a command says: its answer on stdout, for people or as one JSON document; everything else on stderr."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console

from sightline.apply.plain import plain

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

STDIN = "/dev/stdin"  # what a lone - becomes
OK, FAILED, USAGE, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141


def program() -> str:
    """Return how to call this program here: by name where the shell finds it, else by the path that was typed."""
    typed = sys.argv[0]
    return "sightline" if shutil.which("sightline") or not typed.endswith("sightline") else typed


class _Out(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # handled at the door, as for every other way of writing


@dataclass(frozen=True)
class Answer:
    """What a command found.

    Parameters
    ----------
    value
        The JSON document of ``--json``; results and arrays in it are turned into plain values.
    show
        Prints the same for people.
    as_json
        Whether ``--json`` was given.
    code
        Exit code of the process.
    """

    value: Any
    show: Callable[[Console], None]
    as_json: bool = False
    code: int = OK

    def write(self, stream: TextIO) -> None:
        """Write the answer in the form that was asked for."""
        if self.as_json:
            stream.write(json.dumps(plain(self.value), ensure_ascii=False, allow_nan=False, indent=2) + "\n")
        else:
            self.show(_Out(file=stream, highlight=False))
        stream.flush()


def talk() -> Console:
    """Return the console for everything that is not the answer: stderr."""
    return Console(file=sys.stderr, highlight=False)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", right: Sequence[str] = ()
) -> Table:
    """Return a plain table; the columns named in ``right`` are flushed right, the first one never wraps."""
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if column in right else "left", no_wrap=index == 0, overflow="fold")
    for row in rows:
        made.add_row(*("" if cell is None else str(cell) for cell in row))
    return made


def counted(items: Sequence[Any], what: str) -> Iterator[Any]:
    """Go through ``items`` with a progress bar on stderr; nothing is drawn for a single one."""
    if len(items) < 2:
        yield from items
        return
    with bar(what) as progress:
        for index, item in enumerate(items):
            progress(index, len(items))
            yield item
        progress(len(items), len(items))


def paced(pictures: Sequence[Any], what: str) -> Iterator[Any]:
    """Go through pictures as :func:`counted` does, with how many are done a second."""
    if len(pictures) < 2:
        yield from pictures
        return
    with frame_bar(what, len(pictures), "pictures") as progress:
        for picture in pictures:
            yield picture
            progress()


def on_terminal(shown: Progress) -> contextlib.AbstractContextManager[Progress]:
    """Return what shows the bar within a block; off a terminal nothing, which Rich before 14.3 ends by a blank line."""
    return contextlib.nullcontext(shown) if shown.disable else shown


@contextlib.contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on stderr, on a terminal only; the block gets ``progress(done, total)`` to call."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = talk()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with on_terminal(Progress(*columns, console=console, transient=True, disable=not console.is_terminal)) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


@contextlib.contextmanager
def frame_bar(what: str, total: int | None, unit: str = "frames") -> Iterator[Callable[[], None]]:
    """Show a progress bar with frames per second on stderr, on a terminal only; the block calls it once a frame."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = talk()
    rate = TextColumn(f"{{task.fields[rate]:.1f}} {unit}/s")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with on_terminal(Progress(*columns, console=console, transient=True, disable=not console.is_terminal)) as shown:
        task = shown.add_task(what, total=total, rate=0.0)

        def progress() -> None:
            shown.advance(task)
            elapsed = shown.tasks[0].elapsed
            shown.update(task, rate=shown.tasks[0].completed / elapsed if elapsed else 0.0)

        yield progress
