"""``sightline data``: look at a dataset, check it, repair it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from rich.console import Console

from sightline.cli.terminal import FAILED, OK, Answer, bar, table

app = App(name="data", help="Look at a dataset, check it, repair it.", help_format="plaintext")


@app.command
def check(folder: Path, /, *, fix: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> Answer:
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

    with bar("check") as progress:
        report = check_dataset(folder, progress=progress)
    fixed = None
    if fix is not None:
        with bar("copy") as progress:
            fixed = fix_dataset(folder, fix, progress=progress)
    value = report.to_json() | ({"fixed": fixed} if fixed is not None else {})

    def show(console: Console) -> None:
        console.print(str(report), markup=False, soft_wrap=True)
        if fixed is not None:
            left = len(fixed["left_out"])
            console.print(f"\nA corrected copy is in {fix}: {fixed['copied']} images, {left} left out.", soft_wrap=True)
            for row in fixed["left_out"]:
                console.print(f"  left out {row['file']}: {row['reason']}", markup=False, soft_wrap=True)

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

    opened = open_dataset(data)
    counts = {name: split.counts(len(opened.classes)).tolist() for name, split in opened.splits.items()}
    first = next((split[0][0] for split in opened.splits.values() if len(split)), None)
    shape = None if first is None else list(first.shape)
    value = opened.to_json() | {"images": sum(map(sum, counts.values())), "per_class": counts, "shape": shape}

    def show(console: Console) -> None:
        size = "" if shape is None else f", the first one {'×'.join(map(str, shape))}"
        console.print(f"{opened.name}: {value['images']} images in {len(opened.classes)} classes{size}", markup=False)
        rows = [(name, *(split[i] for split in counts.values())) for i, name in enumerate(opened.classes)]
        rows.append(("all", *(sum(split) for split in counts.values())))
        console.print(table(("class", *counts), rows, right=tuple(counts)))
        for note in opened.notes:
            console.print(note, markup=False)

    return Answer(value, show, json)
