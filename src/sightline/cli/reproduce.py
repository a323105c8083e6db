"""``sightline reproduce``: published figures, measured again."""

from __future__ import annotations

import ast
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from sightline.cli.folders import file_names, folder_of, load_file
from sightline.cli.terminal import FAILED, OK, Answer, table, talk
from sightline.core import evidence


def reproduce(name: str | None = None, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> Answer:
    """Repeat a published figure, or list those that can be repeated. The outcome goes to the ledger of evidence.

    Parameters
    ----------
    name
        One of the list, for example lenet5-mnist.
    json
        Give figure, published, ours, sd and seconds as JSON.
    """
    return _list(json) if name is None else _run(name, json)


def _list(json: bool) -> Answer:
    rows = [{"name": name, "about": _first_line(name)} for name in file_names("reproduce")]

    def show(console: Console) -> None:
        console.print(table(("name", "what it repeats"), [tuple(row.values()) for row in rows]))
        console.print("\nRun one: sightline reproduce NAME")

    return Answer(rows, show, json)


def _first_line(name: str) -> str:
    path: Path = folder_of("reproduce") / f"{name.replace('-', '_')}.py"
    return (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]


def _run(name: str, json: bool) -> Answer:
    module = load_file("reproduce", name)
    talk().print(_first_line(name), markup=False)
    start = time.perf_counter()
    found: dict[str, Any] = dict(module.reproduce())
    found.setdefault("seconds", time.perf_counter() - start)
    value = {key: found.get(key) for key in ("figure", "published", "ours", "sd", "seconds")} | found
    holds = bool(found.get("holds", True))
    _record(module, name, found, holds)

    def show(console: Console) -> None:
        spread = "" if found.get("sd") is None else f" ± {found['sd']:.3g}"
        console.print(f"{found['figure']}: published {found['published']:g}, ours {found['ours']:.4g}{spread}")
        for key in ("interval", "note", "data"):
            if found.get(key):
                console.print(f"{key}: {found[key]}", markup=False)
        console.print(f"{found['seconds']:.0f} s · {'holds' if holds else 'does not hold'}")

    return Answer(value, show, json, OK if holds else FAILED)


def _record(module: Any, name: str, found: dict[str, Any], holds: bool) -> None:
    claims: list[evidence.Evidence] = getattr(module.reproduce, "__evidence__", [])
    command = f"sightline reproduce {name.replace('_', '-')}"
    entries = [replace(claim, measured=found["ours"], holds=holds, command=command) for claim in claims]
    try:
        evidence.record(entries)
    except OSError as error:  # an installed package may be read-only; the figure stands all the same
        talk().print(f"The ledger was not written: {error}", style="yellow", markup=False, soft_wrap=True)
