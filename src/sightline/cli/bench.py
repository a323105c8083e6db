"""``sightline bench``: side by side with the peers, on this machine."""

from __future__ import annotations

import math
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from sightline.cli.folders import load_file
from sightline.cli.terminal import Answer, table, talk
from sightline.core.errors import InputError, MissingExtraError


def bench(*names: str, repeats: int = 15, json: Annotated[bool, Parameter(negative="")] = False) -> Answer:
    """Time the methods side by side with their peers, alternately in one run; losses are shown, too.

    Parameters
    ----------
    names
        Only cases whose name contains one of these words, for example median resize.
    repeats
        Alternations for each case.
    json
        Give name, peer, ours_ms, peer_ms and ratio of each as JSON.
    """
    runner = load_file("bench", "run")

    def progress(row: Any) -> None:
        talk().print(f"{row.name}: {row.ratio:.2f} × {row.peer}", markup=False)

    try:
        rows = runner.run(list(names) or None, repeats, progress)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"bench: {error.name} is not installed; the peers come with a checkout: make setup"
        ) from error
    if not rows:
        raise InputError(f"bench: no case has {' or '.join(map(repr, names))} in its name.")

    def show(console: Console) -> None:
        columns = ("operation", "peer", "ours ms", "peer ms", "× faster")
        cells = [(r.name, r.peer, f"{r.ours_ms:.3f}", f"{r.peer_ms:.3f}", f"{r.ratio:.2f}") for r in rows]
        console.print(table(columns, cells, right=columns[2:]))
        mean = math.exp(sum(math.log(row.ratio) for row in rows) / len(rows))
        console.print(f"Geometric mean of {len(rows)}: {mean:.2f}")

    return Answer(rows, show, json)
