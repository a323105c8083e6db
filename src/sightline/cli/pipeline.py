"""``sightline pipeline``: a chain of methods on pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from sightline.apply.outputs import as_picture
from sightline.apply.pipeline import Link, load_pipeline, run_chain, trace_chain
from sightline.apply.plain import plain
from sightline.apply.runnable import other_pictures, takes_picture, takes_pictures
from sightline.apply.source import Source
from sightline.apply.traced import picture_of, short
from sightline.cli.several import answer_of, check_output, rows_of, target_of
from sightline.cli.sources import find_sources
from sightline.cli.terminal import Answer
from sightline.core.catalogue import Method, find


def pipeline(
    file: Path,
    /,
    *source: str,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    trace: Path | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Run a chain of methods on pictures: the TOML that the lab exports.

    Parameters
    ----------
    file
        TOML with [[steps]], each with a method and its [steps.parameters].
    source
        Pictures, folders, patterns, .txt lists of paths, or - for stdin.
    output
        File to write, or folder for several pictures; NAME-pipeline.png in this folder when left out.
    trace
        File for the steps of the first picture, which the lab and Jupyter play.
    json
        Give what was computed as JSON.
    """
    steps = [(find(name), values) for name, values in load_pipeline(file)]
    from_nothing = not source and not takes_picture(steps[0][0])
    sources = [Source(str(file))] if from_nothing else find_sources(source)
    check_output("pipeline", output, sources)

    def work(one: Source) -> dict[str, Any]:
        seen = None if from_nothing else one
        name, taken = ("made", None) if seen is None else (seen.stem, seen.name)
        target = target_of("pipeline", output, f"{name}-pipeline.png", taken, several=len(sources) > 1)
        return _run(links_of(steps, file.parent), seen, target, trace if one is sources[0] else None)

    return answer_of(rows_of(sources, "pipeline", work), _show, json)


def _show(console: Console, done: list[dict[str, Any]]) -> None:
    for row in done:
        told = row["output"] or row["result"]
        console.print(f"{row['source']}: {told} ({row['milliseconds']:g} ms)", markup=False, soft_wrap=True)


def _run(links: list[Link], source: Source | None, target: Path, trace: Path | None) -> Any:
    from sightline.image.write import write

    image = as_picture(source.read("stored")) if source else None
    start = time.perf_counter()
    last = list(run_chain(links, image))[-1]
    row: dict[str, Any] = {"milliseconds": round(1000 * (time.perf_counter() - start), 3), "output": None}
    picture = picture_of(last.call, last.result)
    if picture is not None:
        write(target, picture)
        row["output"] = str(target)
    if last.part() is None:
        row["result"] = plain(short(last.result))
    if trace is not None:
        trace_chain(links, image).save(trace)
        row["trace"] = str(trace)
    return row


def links_of(steps: list[tuple[Method, dict[str, Any]]], folder: Path) -> list[Link]:
    """Return the links of a chain, with the pictures that its file names read: masks, second pictures, several.

    Parameters
    ----------
    steps
        Methods with their values, as :func:`~sightline.apply.pipeline.load_pipeline` gives them.
    folder
        Where the TOML lies: paths in it are looked for there, then from the working folder.
    """
    links = []
    for number, (entry, values) in enumerate(steps):
        names = set(other_pictures(entry))
        if number == 0 and takes_pictures(entry):
            names.add(entry.parameters[0].name)
        pictures = {
            name: [_read(word, folder) for word in value] if isinstance(value, list) else _read(value, folder)
            for name, value in values.items()
            if name in names and _names_files(value)
        }
        links.append(Link(entry, {name: value for name, value in values.items() if name not in pictures}, pictures))
    return links


def _names_files(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(word, str) for word in value))


def _read(word: str, folder: Path) -> Any:
    beside = folder / word
    return as_picture(Source(str(beside) if beside.is_file() else word).read("stored"))
