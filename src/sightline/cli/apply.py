"""Running an image method on sources from the command line, and writing what comes out of it."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from sightline.apply.inputs import numbers, read_first, read_options
from sightline.apply.outputs import as_picture, drawn, parts_of, side_by_side
from sightline.apply.plain import plain
from sightline.apply.source import Source
from sightline.cli.live import is_moving, run_live
from sightline.cli.outputs import write_array, write_result
from sightline.cli.several import answer_of, check_output, rows_of, target_of
from sightline.cli.sources import find_sources
from sightline.cli.terminal import Answer
from sightline.core.catalogue import Method
from sightline.core.errors import InputError, MissingFileError
from sightline.core.files import write_text
from sightline.core.trace import trace

_ONE = {"text": "text", "bytes": "file", "points": "file or list of points", "boxes": "file or list of boxes"}


@dataclass(frozen=True)
class Wish:
    """The options that every image command has.

    Parameters
    ----------
    output
        File for a single source, folder for several; None for a name made of the source's and the method's.
    steps
        HTML file for the method's steps on the first source.
    gray
        Whether colour is turned to grey first.
    side_by_side
        Whether the source is shown beside the result.
    every, limit
        Of a video: take every n-th frame, and at most this many.
    json
        Whether the answer is for a machine.
    """

    output: Path | None = None
    steps: Path | None = None
    gray: bool = False
    side_by_side: bool = False
    every: int = 1
    limit: int | None = None
    json: bool = False


def run_method(entry: Method, words: Sequence[str], values: Mapping[str, Any], wish: Wish) -> Answer:
    """Run ``entry`` on every source; pictures are written, numbers are told. A source that fails is named.

    Parameters
    ----------
    entry
        The method.
    words
        Where the images come from; the text itself for a method that takes text.
    values
        The method's options by name.
    wish
        What is to be done with the result.
    """
    kind = entry.parameters[0].kind
    for option, value in (("every", wish.every), ("limit", wish.limit)):
        if value is not None and value < 1:
            raise InputError(f"{entry.name}: --{option} must be a whole number ≥ 1; got {value}.")
    if kind in ("text", "bytes", "images", "points", "boxes"):
        return _run_whole(entry, kind, words, values, wish)
    if is_moving(tuple(words), wish.output):
        if wish.steps is not None:
            raise InputError(f"{entry.name}: --steps shows one picture; got '{words[0]}'. Name a picture.")
        return run_live(
            entry,
            words[0],
            values,
            output=wish.output,
            gray=wish.gray,
            beside=wish.side_by_side,
            every=wish.every,
            limit=wish.limit,
            json=wish.json,
        )
    start = time.perf_counter()
    rows = _run_each(entry, find_sources(words), values, wish)
    return _answer(rows, wish, time.perf_counter() - start)


def _run_each(entry: Method, sources: Sequence[Source], values: Mapping[str, Any], wish: Wish) -> list[dict[str, Any]]:
    if wish.steps is not None:  # before anything is written
        _check_steps(entry, wish.steps)
    check_output(entry.name, wish.output, sources, " A video ends in .mp4.")

    def work(source: Source) -> dict[str, Any]:
        image = read_first(entry, source, gray=wish.gray)
        return _run_one(entry, image, read_options(entry, values, image), source, wish, several=len(sources) > 1)

    rows = rows_of(sources, entry.name, work)
    if wish.steps is not None:
        image = read_first(entry, sources[0], gray=wish.gray)
        _write_steps(entry, sources[0].name, image, read_options(entry, values, image), wish.steps)
    return rows


def _run_one(
    entry: Method, image: np.ndarray, values: dict[str, Any], source: Source, wish: Wish, *, several: bool
) -> dict[str, Any]:
    start = time.perf_counter()
    result = entry.function(image, **values)
    row: dict[str, Any] = {"milliseconds": round(1000 * (time.perf_counter() - start), 3)}
    pictures, _ = parts_of(entry, result, image)
    name = f"{source.stem}-{entry.name}.png"
    target = target_of(entry.name, wish.output, name, source.name, several=several)
    if wish.side_by_side:
        shown = as_picture(next(iter(pictures.values()))) if pictures else drawn(entry, result, image, values)
        if shown is None:
            raise InputError(f"{entry.name}: --side-by-side needs a picture, and this result is none.")
        return row | {"output": [write_array(target, side_by_side(image, shown))]}
    asked = target if pictures or wish.output is not None else None
    return row | write_result(entry, result, image, values, asked)


def _run_whole(entry: Method, kind: str, words: Sequence[str], values: Mapping[str, Any], wish: Wish) -> Answer:
    """Run a method that takes a text, the bytes of a file, or all pictures at once."""
    if wish.side_by_side or wish.steps is not None:
        raise InputError(f"{entry.name}: --steps and --side-by-side need a picture as the source.")
    first: Any = None
    like: Any = None
    if kind == "images":
        first = [source.read("gray" if wish.gray else "rgb") for source in find_sources(words)]
        like = first[0]
    elif len(words) != 1:
        raise InputError(f"{entry.name}: takes one {_ONE[kind]}; got {len(words)}.")
    elif kind in ("points", "boxes"):
        first = np.atleast_2d(numbers(entry.name, entry.parameters[0].name, words[0]))
    elif kind == "text":
        first = words[0]
    else:
        path = Path(words[0])
        if not path.is_file():
            raise MissingFileError(f"{entry.name}: '{words[0]}' does not exist.")
        first = path.read_bytes()
    start = time.perf_counter()
    options = read_options(entry, values, like)
    result = entry.function(first, **options)
    row: dict[str, Any] = {"source": words[0] if len(words) == 1 else list(words)}
    row["milliseconds"] = round(1000 * (time.perf_counter() - start), 3)
    return _answer([row | write_result(entry, result, result if like is None else like, options, wish.output)], wish)


def _answer(rows: list[dict[str, Any]], wish: Wish, seconds: float = 0.0) -> Answer:
    def show(console: Console, done: list[dict[str, Any]]) -> None:
        for row in done:
            told = ", ".join(row["output"]) or plain(row.get("result"))
            if "result" in row and row["output"]:
                told = f"{told} ({_brief(row['result'])})"
            console.print(f"{row['source']}: {told}", markup=False, soft_wrap=True)
        if len(rows) > 1 and done:
            each = f"{np.median([row['milliseconds'] for row in done]):g} ms each in the method"
            console.print(f"{len(done)} pictures, {len(done) / seconds:.1f} pictures/s ({each})", soft_wrap=True)

    return answer_of(rows, show, wish.json)


def _brief(value: Any) -> str:
    """Return a value as a few words: long lists are counted."""
    value = plain(value)
    if isinstance(value, list) and len(str(value)) > 60:
        return f"{len(value)} found"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_brief(item)}" for key, item in value.items())
    return str(value)


def _check_steps(entry: Method, target: Path) -> None:
    if entry.steps is None:
        raise InputError(f"{entry.name}: it has no steps to show.")
    if not target.parent.is_dir():
        raise MissingFileError(f"{entry.name}: --steps names the folder '{target.parent}', which does not exist.")


def _write_steps(entry: Method, name: str, image: np.ndarray, values: Mapping[str, Any], target: Path) -> None:
    body = trace(entry.function, image, **values).to_html(plays=True)
    title = html.escape(f"{entry.field}.{entry.name}: {name}")
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{body}</html>\n'
    write_text(target, page)
