"""``sightline evaluate``: a trained model against a dataset."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from sightline.cli.terminal import Answer, table


def evaluate(
    run: str,
    data: str | None = None,
    /,
    *,
    split: str | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Measure a trained model on a dataset.

    Parameters
    ----------
    run
        Folder of a run, for example runs/digits-1.
    data
        A folder or a name, as for train; the data that the run was trained on when left out.
    split
        train, val or test; the one to report on when left out.
    json
        Give every figure as JSON.
    """
    import sightline

    found: dict[str, Any] = sightline.load(run).evaluate(data, split)

    def show(console: Console) -> None:
        rows = [(name.replace("_", " "), _cell(name, value)) for name, value in found.items() if _simple(value)]
        console.print(table(("measure", "value"), rows, right=("value",)))
        classes = found.get("per_class")
        if classes:
            columns = tuple(classes[0])
            cells = [[f"{v:.3f}" if isinstance(v, float) else v for v in row.values()] for row in classes]
            console.print()
            console.print(table(columns, cells, right=columns[1:]))

    return Answer(found, show, json)


def _simple(value: Any) -> bool:
    pair = isinstance(value, (list, tuple)) and len(value) == 2 and all(isinstance(v, float) for v in value)
    return pair or isinstance(value, (int, float, str))


def _cell(name: str, value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return f"{value[0]:.4f} – {value[1]:.4f}"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
