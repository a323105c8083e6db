"""Lessons: the twelve-week path, its programs in cells, and a way to run one within bounds.

A lesson is one ``py:percent`` file in ``lessons/``: a plain script, a notebook for Jupyter (through jupytext), and a
page of the lab. Which days exist is read off the files; ``lessons/path.toml`` holds weeks, titles and questions.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sightline.core.errors import FormatError, InputError, missing_extra, suggest
from sightline.core.index import entries
from sightline.core.shipped import folder_of

LIMIT = 180.0  # seconds that a lesson may run
_MARKER = re.compile(r"^# %%(?P<kind> \[markdown\])?(?: tags=(?P<tags>\[[^\]]*\]))?\s*$")
_CALL = re.compile(r"\bsl\.(?:(\w+)\.)?(?:draw\.)?(\w+)")


@dataclass(frozen=True)
class Day:
    """One day of the path.

    Parameters
    ----------
    id
        ``w1d6``: week 1, day 6.
    title, question
        What it is about, and what it answers.
    written
        Whether its lesson exists; a day that does not is planned.
    needs
        Extra that it needs to run, ``deep``; empty when the lean core is enough.
    """

    id: str
    title: str
    question: str
    written: bool
    needs: str = ""


@dataclass(frozen=True)
class Week:
    """One week of the path: number, title and days."""

    number: int
    title: str
    days: tuple[Day, ...]


@dataclass(frozen=True)
class Cell:
    """One cell of a lesson.

    Parameters
    ----------
    kind
        ``markdown`` or ``code``.
    text
        Markdown, or Python.
    tags
        ``exercise`` marks the cell that the reader completes.
    line
        Line of the file at which ``text`` begins, from 1.
    """

    kind: str
    text: str
    tags: tuple[str, ...] = ()
    line: int = 1


@dataclass(frozen=True)
class Output:
    """What a cell gave when it ran.

    Parameters
    ----------
    text
        What was printed, and the value of the last expression where that has no HTML.
    html
        The last expression as HTML, empty when it has none.
    trace
        The last expression as the base64 of a trace file, empty when it is no trace.
    error
        The traceback that ended the lesson, empty when all went well.
    milliseconds
        How long the cell took.
    """

    text: str = ""
    html: str = ""
    trace: str = ""
    error: str = ""
    milliseconds: float = 0.0


@dataclass(frozen=True)
class Ran:
    """A lesson that ran: its cells, each with its output (None for Markdown, and for cells after an error)."""

    lesson: str
    cells: tuple[tuple[Cell, Output | None], ...]
    error: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the cells with their outputs as plain JSON values."""
        rows = [{**asdict(cell), "output": asdict(output) if output else None} for cell, output in self.cells]
        return {"lesson": self.lesson, "cells": rows, "error": self.error}


@lru_cache(maxsize=1)
def path() -> tuple[Week, ...]:
    """Return the twelve weeks with their days, the planned ones among them."""
    place = folder_of("lessons")
    try:
        table = tomllib.loads((place / "path.toml").read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"lessons: '{place / 'path.toml'}' is not TOML: {error}.") from error
    return tuple(
        Week(
            week["number"],
            week["title"],
            tuple(Day(written=(place / f"{day['id']}.py").is_file(), **day) for day in week["days"]),
        )
        for week in table["weeks"]
    )


def days(*, written: bool = True) -> list[Day]:
    """Return the days in order; all of them, planned ones too, with ``written=False``."""
    return [day for week in path() for day in week.days if day.written or not written]


def find(lesson: str) -> Day:
    """Return a written day by its id; raise :class:`InputError` when it is unknown or only planned."""
    known = {day.id: day for day in days(written=False)}
    name = lesson.lower().removesuffix(".py")
    if name not in known:
        here = ", ".join(day.id for day in days())
        raise InputError(f"lessons: no lesson is named '{lesson}'.{suggest(name, known)} Written: {here}.")
    if not known[name].written:
        raise InputError(f"lessons: {name} ({known[name].title}) is planned and not written yet.")
    return known[name]


def source(lesson: str) -> Path:
    """Return the file of a written lesson."""
    return folder_of("lessons") / f"{find(lesson).id}.py"


def parse(text: str) -> list[Cell]:
    """Return the cells of a ``py:percent`` program; what stands before the first marker is left out."""
    found: list[Cell] = []
    lines: list[str] = []
    begun: re.Match[str] | None = None
    start = 0
    for number, line in enumerate([*text.splitlines(), "# %%"], 1):
        marker = _MARKER.match(line)
        if marker is None:
            lines.append(line)
            continue
        if begun is not None:
            found.append(_cell(begun, lines, start))
        begun, lines, start = marker, [], number + 1
    return [cell for cell in found if cell.text]


def _cell(marker: re.Match[str], lines: list[str], start: int) -> Cell:
    if marker["kind"]:
        lines = [re.sub("^# ?", "", line) for line in lines]
    leading = next((i for i, line in enumerate(lines) if line.strip()), 0)
    tags = tuple(json.loads(marker["tags"])) if marker["tags"] else ()
    kind = "markdown" if marker["kind"] else "code"
    return Cell(kind, "\n".join(lines[leading:]).rstrip(), tags, start + leading)


def cells(lesson: str) -> list[Cell]:
    """Return the cells of a written lesson."""
    return parse(source(lesson).read_text("utf-8"))


def mentions(lesson: str) -> list[str]:
    """Return the catalogued methods that a lesson names, as ``field.name``, in order of appearance."""
    known = {(entry.field, entry.name) for entry in entries()}
    top = {name: field for field, name in known if field == "image"}  # sl.read is image.read
    found = [
        (field or top.get(name, ""), name) if (field, name) not in known else (field, name)
        for field, name in _CALL.findall("\n".join(cell.text for cell in cells(lesson)))
    ]
    return list(dict.fromkeys(f"{field}.{name}" for field, name in found if (field, name) in known))


def run(lesson: str, *, seconds: float = LIMIT) -> Ran:
    """Run a lesson in a process of its own, in an empty folder, and return its cells with their outputs.

    Parameters
    ----------
    lesson
        ``w1d6``.
    seconds
        Time limit; what had run by then comes back with an error that says so.

    Raises
    ------
    MissingExtraError
        When the lesson needs an extra that is not installed.
    """
    file = source(lesson)
    if find(lesson).needs == "deep" and importlib.util.find_spec("torch") is None:  # looked for, not imported: slow
        raise missing_extra(ModuleNotFoundError("No module named 'torch'", name="torch"))
    program = [sys.executable, "-m", "sightline.lab.lesson_process", str(file)]
    with tempfile.TemporaryDirectory(prefix="sightline-lesson-") as place:
        process = subprocess.Popen(
            program,
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "MPLBACKEND": "Agg", "PYTHONIOENCODING": "utf-8"},
        )
        error = ""
        try:
            out, noise = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, noise = process.communicate()
            error = f"{lesson} did not end within {seconds:g} s."
    outputs = [Output(**json.loads(line)) for line in out.decode("utf-8", "replace").splitlines() if line[:1] == "{"]
    parsed = parse(file.read_text("utf-8"))
    waiting = iter(outputs)
    pairs = tuple((cell, next(waiting, None) if cell.kind == "code" else None) for cell in parsed)
    failed = next((output.error for output in outputs if output.error), "")
    missing = len(outputs) < sum(cell.kind == "code" for cell in parsed)
    if missing and not failed and not error:
        error = f"{lesson} ended early, with exit code {process.returncode}. {noise.decode('utf-8', 'replace')[-400:]}"
    return Ran(lesson, pairs, error or failed)
