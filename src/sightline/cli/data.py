"""``sightline data``: look at a dataset, check it, repair it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import App, Parameter
from rich.console import Console

from sightline.cli.terminal import FAILED, OK, Answer, table

app = App(name="data", help="Look at a dataset, check it, repair it.", help_format="plaintext")


@app.command
def check(
    folder: Path, /, *, fix: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False
) -> Answer:
    """Look for unreadable files, duplicates within and across splits, unbalanced classes, suspicious sizes.

    Parameters
    ----------
    folder
        The dataset.
    fix
        Write a corrected copy to this folder; the dataset itself is never changed.
    json
        Give the findings as JSON.
    """
    from sightline.data import check_dataset, fix_dataset

    report: Any = check_dataset(folder)
    fixed: Any = fix_dataset(folder, fix) if fix is not None else None
    value = report.to_json() | ({"fixed": fixed} if fixed is not None else {})

    def show(console: Console) -> None:
        console.print(str(report), markup=False, soft_wrap=True)
        if fixed is not None:
            console.print(f"\nA corrected copy is in {fix}.", soft_wrap=True)

    return Answer(value, show, json, OK if report.ok or fixed is not None else FAILED)


@app.command
def info(data: str, /, *, json: Annotated[bool, Parameter(negative="")] = False) -> Answer:
    """Say what a dataset is: its format, splits, classes and image sizes.

    Parameters
    ----------
    data
        A folder, or a name: digits, mnist, fashion_mnist, cifar10, cifar100.
    json
        Give it as JSON.
    """
    from sightline.data import open_dataset

    opened: Any = open_dataset(data)
    value = _describe(data, opened)

    def show(console: Console) -> None:
        console.print(f"{data}: {value['kind']}, {value['images']} images, {len(value['classes'])} classes")
        splits = value["splits"]
        columns = ("class", *splits)
        rows = [(name, *(split["per_class"][i] for split in splits.values())) for i, name in enumerate(value["classes"])]
        rows.append(("all", *(split["images"] for split in splits.values())))
        console.print(table(columns, rows, right=columns[1:]))

    return Answer(value, show, json)


def _describe(data: str, opened: Any) -> dict[str, Any]:
    classes = list(opened.classes)
    splits = {
        name: {"images": len(split), "per_class": np.bincount(split.labels, minlength=len(classes)).tolist()}
        for name, split in opened.splits.items()
    }
    first = next((split[0][0] for split in opened.splits.values() if len(split)), None)
    return {
        "name": data,
        "kind": getattr(opened, "kind", ""),
        "images": sum(split["images"] for split in splits.values()),
        "classes": classes,
        "shape": None if first is None else list(first.shape),
        "dtype": None if first is None else first.dtype.name,
        "splits": splits,
    }
