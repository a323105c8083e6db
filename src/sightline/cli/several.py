"""A command that makes one result of each picture: where each goes, and what is said of one that fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from sightline.apply.source import Source
from sightline.cli.sources import keep_source
from sightline.cli.terminal import FAILED, OK, Answer, paced, talk
from sightline.core.errors import InputError, SightlineError


def check_output(command: str, output: Path | None, sources: Sequence[Source], hint: str = "") -> None:
    """Refuse one file for the results of several pictures; the hint ends the error's sentence."""
    if len(sources) > 1 and output is not None and output.suffix and not output.is_dir():
        raise InputError(f"{command}: --output must be a folder for several pictures; got '{output}'.{hint}")


def target_of(command: str, output: Path | None, name: str, source: str | None, *, several: bool) -> Path:
    """Return the file that one result is written to; a folder is made where it is missing.

    Parameters
    ----------
    command
        Of the error's sentence: who writes.
    output
        What ``--output`` names: a file, a folder, or None for this folder.
    name
        The file's name in a folder.
    source
        The file that the result is made from, which is not written over; None where there is none.
    several
        Whether there are results of other pictures, so that ``output`` is a folder.
    """
    if output is None:
        return Path(name)
    if several or output.is_dir() or not output.suffix:
        if output.is_file():
            raise InputError(f"{command}: --output must be a folder for several pictures; got the file '{output}'.")
        output.mkdir(parents=True, exist_ok=True)
        return output / name
    if source is not None:
        keep_source(command, source, output)
    return output


def rows_of(sources: Sequence[Source], what: str, work: Callable[[Source], dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a row for each picture: its ``source``, and what ``work`` returns, or the ``error`` it raises.

    One of several that fails is told on stderr, and the others are still done; a lone one's error is raised.
    """
    rows = []
    for source in paced(sources, what):
        row: dict[str, Any] = {"source": source.name}
        try:
            row |= work(source)
        except SightlineError as error:
            if len(sources) == 1:
                raise
            talk().print(str(error), style="red", markup=False, soft_wrap=True)
            row["error"] = str(error)
        rows.append(row)
    return rows


def answer_of(rows: list[dict[str, Any]], show: Callable[[Console, list[dict[str, Any]]], None], json: bool) -> Answer:
    """Return the answer of a command on pictures; ``show`` gets the rows of those that were done.

    Of one picture it is a row, of several a list; it has failed where one of them has.
    """
    done = [row for row in rows if "error" not in row]
    code = OK if len(done) == len(rows) else FAILED
    return Answer(rows if len(rows) > 1 else rows[0], lambda console: show(console, done), json, code)
