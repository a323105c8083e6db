"""Running an image method on sources from the command line, and writing what comes out of it."""

from __future__ import annotations

import html
import io
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from sightline.cli.sources import Source, find_sources
from sightline.cli.terminal import FAILED, OK, Answer, counted, talk
from sightline.core.catalogue import Method
from sightline.core.errors import InputError, SightlineError
from sightline.core.files import write_bytes, write_text
from sightline.core.trace import trace


def run_method(
    entry: Method,
    words: Sequence[str],
    values: Mapping[str, Any],
    *,
    output: Path | None,
    steps: Path | None,
    gray: bool,
    json: bool,
) -> Answer:
    """Run ``entry`` on every source; pictures are written, numbers are told. A source that fails is named.

    Parameters
    ----------
    entry
        The method.
    words
        Where the images come from.
    values
        The method's options by name.
    output
        File for a single source, folder for several; None for a name made of the source's and the method's.
    steps
        HTML file for the method's steps on the first source.
    gray
        Whether colour is turned to grey first.
    json
        Whether the answer is for a machine.
    """
    sources = find_sources(words)
    mode = "gray" if gray else "stored"
    rows: list[dict[str, Any]] = []
    for source in counted(sources, entry.name):
        row: dict[str, Any] = {"source": source.name}
        try:
            row |= _run_one(entry, source.read(mode), values, _target(entry, source, output, several=len(sources) > 1))
        except SightlineError as error:
            if len(sources) == 1:
                raise
            talk().print(str(error), style="red", markup=False, soft_wrap=True)
            row["error"] = str(error)
        rows.append(row)
    if steps is not None:
        _write_steps(entry, sources[0].name, sources[0].read(mode), values, steps)

    def show(console: Console) -> None:
        for row in rows:
            if "error" not in row:
                told = row.get("result") if "result" in row else ", ".join(row["output"])
                console.print(f"{row['source']}: {told}", markup=False, soft_wrap=True)

    return Answer(rows if len(rows) > 1 else rows[0], show, json, FAILED if any("error" in row for row in rows) else OK)


def _target(entry: Method, source: Source, output: Path | None, *, several: bool) -> Path:
    name = f"{source.stem}-{entry.name}.png"
    if output is None:
        return Path(name)
    if several or output.is_dir() or not output.suffix:
        if output.is_file():
            raise InputError(f"{entry.name}: --output must be a folder for several sources; got the file '{output}'.")
        output.mkdir(parents=True, exist_ok=True)
        return output / name
    if output.exists() and Path(source.name).exists() and output.samefile(source.name):
        raise InputError(f"{entry.name}: --output must not be the source; got '{output}'.")
    return output


def _run_one(entry: Method, image: np.ndarray, values: Mapping[str, Any], target: Path) -> dict[str, Any]:
    start = time.perf_counter()
    result = entry.function(image, **values)
    row: dict[str, Any] = {"milliseconds": round(1000 * (time.perf_counter() - start), 3)}
    arrays, numbers = _sort_out(result)
    if numbers:
        row["result"] = next(iter(numbers.values())) if list(numbers) == [""] else numbers
    row["output"] = [_write(target if not part else _beside(target, part), array) for part, array in arrays.items()]
    return row


def _sort_out(result: Any) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Return the pictures and the other values of a result, by the name of the part (empty for a single one)."""
    if isinstance(result, tuple):
        names = getattr(result, "_fields", None) or [str(index + 1) for index in range(len(result))]
        parts = dict(zip(names, result, strict=True))
    else:
        parts = {"": result}
    arrays = {name: part for name, part in parts.items() if isinstance(part, np.ndarray) and part.ndim >= 2}
    return arrays, {name: part for name, part in parts.items() if name not in arrays}


def _beside(target: Path, part: str) -> Path:
    return target.with_name(f"{target.stem}-{part}{target.suffix}")


def _write(target: Path, array: np.ndarray) -> str:
    """Write an array as a picture (values that are no image are stretched to black–white), or exactly as ``.npy``."""
    if target.suffix == ".npy":
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        write_bytes(target, stream.getvalue())
    else:
        from sightline.image.write import write

        write(target, _picture(array))
    return str(target)


def _picture(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype in (np.uint8, np.uint16):
        return array
    values = array.astype(np.float64)
    low, high = (np.nanmin(values), np.nanmax(values)) if np.isfinite(values).any() else (0.0, 1.0)
    if array.dtype == np.float32 and low >= 0 and high <= 1:
        return np.rint(np.nan_to_num(values) * 255).astype(np.uint8)
    return np.rint(np.nan_to_num((values - low) / max(high - low, 1e-12)) * 255).astype(np.uint8)


def _write_steps(entry: Method, name: str, image: np.ndarray, values: Mapping[str, Any], target: Path) -> None:
    if entry.steps is None:
        raise InputError(f"{entry.name}: it has no steps to show.")
    body = trace(entry.function, image, **values).to_html()
    title = html.escape(f"{entry.field}.{entry.name}: {name}")
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><h1>{title}</h1>{body}</html>\n'
    write_text(target, page)
