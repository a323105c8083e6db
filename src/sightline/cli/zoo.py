"""``sightline zoo``: which public weights there are, fetch them, check those that are here."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from sightline.cli.terminal import FAILED, OK, Answer, counted, on_terminal, table, talk
from sightline.core.errors import InputError, suggest

_WIDEST = 160  # characters of a line of the list

app = App(name="zoo", help="List public weights, fetch them, check those that are here.", help_format="plaintext")


@app.command(name="list")
def list_(
    word: str = "",
    /,
    *,
    here: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """List public weights: network, input, published accuracy, and whether they are on this machine.

    Parameters
    ----------
    word
        Only those whose name or network has this in it, for example resnet.
    here
        Only those that are on this machine.
    json
        Give address, digest, licence, source, pixel statistics and accuracy of each as JSON.
    """
    from sightline.zoo.fetch import is_here
    from sightline.zoo.table import entries

    chosen = [one for one in entries().values() if word in one.name or word in one.method]
    if not chosen:
        raise InputError(f"zoo list: no weights have '{word}' in their name or network.{suggest(word, entries())}")
    found = [(one, is_here(one.name)) for one in chosen]
    found = [row for row in found if row[1] or not here]

    def show(console: Console) -> None:
        rows = [
            (
                one.name,
                one.method,
                str(one.size or one.resize),
                *(_figure(value) for value in (one.top1, one.top5, one.ap)),
                "✓" if is_there else "",
            )
            for one, is_there in found
        ]
        columns = ("name", "network", "pixels", "top-1 %", "top-5 %", "box AP %", "here")
        listed = table(columns, rows, right=columns[2:6])
        for column in listed.columns:
            column.no_wrap = True
        # A name in pieces cannot be copied: where a line is wider than the window, the window wraps it.
        window = console.width
        console.width = max(window, _WIDEST)
        console.print(listed, soft_wrap=True)
        console.width = window

    return Answer([{**one.to_json(), "here": is_there} for one, is_there in found], show, json)


@app.command
def get(
    *names: Annotated[str, Parameter(required=True)],
    mirror: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Fetch public weights by name, and check their digest; those that are here already stay as they are.

    Parameters
    ----------
    names
        Names in the zoo, for example resnet50-imagenet.
    mirror
        A folder that has the files, or one file: they are copied from there, and the network is not used.
    json
        Give name, file, licence and source of each as JSON.
    """
    from sightline.zoo.fetch import fetch
    from sightline.zoo.table import entry

    wanted = [entry(name) for name in names]  # all names are known before anything is fetched
    rows = []
    for one in wanted:
        with _bytes_bar() as progress:
            path = fetch(one.name, mirror=mirror, progress=progress)
        rows.append({"name": one.name, "path": str(path), "licence": one.licence, "source": one.source})

    def show(console: Console) -> None:
        for row in rows:
            console.print(f"{row['name']}: {row['path']} ({row['licence']})", markup=False, soft_wrap=True)

    return Answer(rows, show, json)


@app.command
def check(*names: str, json: Annotated[bool, Parameter(negative="")] = False) -> Answer:
    """Check public weights on this machine: the digest of each file, and that every tensor has its place.

    Parameters
    ----------
    names
        Names in the zoo; all that are on this machine when left out.
    json
        Give file, digest and problem of each as JSON.
    """
    from sightline.zoo.check import check as look
    from sightline.zoo.fetch import is_here
    from sightline.zoo.table import entries, entry

    wanted = [entry(name).name for name in names] or [name for name in entries() if is_here(name)]
    found = [look(name) for name in counted(wanted, "check")]

    def show(console: Console) -> None:
        for one in found:
            said = f"whole: {one.path}" if one.is_whole else f"NOT whole: {one.problem}"
            console.print(f"{one.name}: {said}", markup=False, soft_wrap=True)
        if not found:
            console.print("No public weights are on this machine.")

    return Answer([one.to_json() for one in found], show, json, OK if all(one.is_whole for one in found) else FAILED)


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1f}"


@contextlib.contextmanager
def _bytes_bar() -> Iterator[Callable[[str, int, int | None], None]]:
    """Show how much of a file has come on stderr, on a terminal only."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = talk()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with on_terminal(Progress(*columns, console=console, transient=True, disable=not console.is_terminal)) as shown:
        task = shown.add_task("fetch", total=None)

        def progress(name: str, done: int, total: int | None) -> None:
            shown.update(task, description=name, completed=done, total=total)

        yield progress
