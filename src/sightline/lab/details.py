"""All that the page of one method shows: its documentation, its source, what proves it, how quick it is."""

from __future__ import annotations

import inspect
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from sightline.apply.call import prepare
from sightline.apply.runnable import takes_picture
from sightline.apply.showing import sample_for
from sightline.apply.values import plain_options
from sightline.core.catalogue import Method
from sightline.core.errors import SightlineError
from sightline.lab import lessons
from sightline.lab.pictures import Pictures

_PACKAGE = Path(__file__).parents[1]
_SPEED = (_PACKAGE / "_speed.json", _PACKAGE.parents[1] / "docs" / "speed.json")


def details(entry: Method, row: dict[str, Any], pictures: Pictures) -> dict[str, Any]:
    """Return a method as JSON: the catalogue's record and what its page shows besides.

    Parameters
    ----------
    entry, row
        The method, and its short record.
    pictures
        Where the sample photo comes from that the example is made for.
    """
    return {
        **row,
        **entry.to_json(),
        "doc": sections(inspect.getdoc(entry.function) or ""),
        "example": example_of(entry, pictures) if row["runs"] else {},
        "source": source_of(entry),
        "bench": benchmark_of(f"{entry.field}.{entry.name}"),
        "lesson": lesson_of(entry.lesson),
    }


def sections(text: str) -> list[dict[str, str]]:
    """Return the sections of a numpydoc docstring in order; the first has no title."""
    parts = re.split(r"^(\S[^\n]*)\n-{3,}\n", text, flags=re.MULTILINE)
    found = [{"title": "", "text": parts[0].strip()}]
    found += [{"title": title, "text": body.strip("\n")} for title, body in zip(parts[1::2], parts[2::2], strict=True)]
    return found


def example_of(entry: Method, pictures: Pictures) -> dict[str, Any]:
    """Return the options that a page starts with, as JSON values: those that show something on the sample photo."""
    photo = {"image": pictures.get(f"sample:{sample_for(entry.name)}").image} if takes_picture(entry) else {}
    try:
        call = prepare(entry, photo, {})
    except SightlineError:
        return {}
    first = {} if takes_picture(entry) else {entry.parameters[0].name: call.first}
    return plain_options({**first, **call.options})


def source_of(entry: Method) -> dict[str, Any]:
    """Return the file that a method is written in, and the lines of its function in it."""
    function = inspect.unwrap(entry.function)
    file = Path(inspect.getsourcefile(function) or "")
    lines, start = inspect.getsourcelines(function)
    shown = f"src/{file.relative_to(_PACKAGE.parent).as_posix()}" if file.is_relative_to(_PACKAGE) else file.name
    return {"file": shown, "text": file.read_text("utf-8"), "start": start, "end": start + len(lines) - 1}


def benchmark_of(name: str) -> list[dict[str, Any]]:
    """Return the kept rows of the benchmark for ``field.name``."""
    return [row for row in _speed() if row["name"].split()[0] == name]


def lesson_of(lesson: str) -> dict[str, str] | None:
    """Return the day that teaches a method with its title; None when none does, or none is written yet."""
    day = next((day for day in lessons.days() if day.id == lesson), None)
    return {"id": day.id, "title": day.title} if day else None


@lru_cache(1)
def _speed() -> list[dict[str, Any]]:
    path = next((path for path in _SPEED if path.is_file()), None)
    return json.loads(path.read_text("utf-8"))["rows"] if path else []
