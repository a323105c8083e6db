"""``sightline methods``: the catalogue."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console

from sightline.cli.terminal import Answer, table
from sightline.core.index import entries


def methods(field: str | None = None, /, *, json: bool = False) -> Answer:
    """List the methods with their papers and parameters.

    Parameters
    ----------
    field
        Only this field, for example image.
    json
        Give name, field, paper, lesson, parameters and evidence of each as JSON.
    """
    found = entries(field)

    def show(console: Console) -> None:
        for folder, group in groupby(found, key=lambda entry: entry.field):
            rows = [
                (entry.name, entry.summary, entry.paper, "✓" if any(e.holds for e in entry.evidence) else "–")
                for entry in group
            ]
            console.print(table(("name", "what it does", "paper", "evidence"), rows, title=f"\n[bold]{folder}[/bold]"))
        console.print(f"\n{len(found)} methods. One in detail: sightline image NAME --help")

    return Answer([entry.to_json() for entry in found], show, json)
