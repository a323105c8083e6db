"""``sightline data``: look at a dataset, check it, repair it, convert it, divide it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.console import Console

from sightline.cli.terminal import FAILED, OK, Answer, bar, table
from sightline.core.errors import InputError

app = App(name="data", help="Look at a dataset, check it, repair it, convert it, divide it.", help_format="plaintext")


@app.command
def check(folder: Path, /, *, fix: Path | None = None, json: Annotated[bool, Parameter(negative="")] = False) -> Answer:
    """Look for unreadable files, duplicates within and across splits, unbalanced classes, suspicious sizes and boxes.

    Parameters
    ----------
    folder
        The dataset: class folders and the like, or images with boxes in any form that is understood.
    fix
        Write a corrected copy to this folder (of a classification set); the dataset itself is never changed.
    json
        Give the findings as JSON.
    """
    from sightline.data import check_dataset, check_detection_set, fix_dataset
    from sightline.data.check_detections import is_detection_set

    with_boxes = is_detection_set(folder)
    if with_boxes and fix is not None:
        raise InputError(
            f"check: '{folder}' holds boxes, fix is for class folders; use sightline data convert --clean."
        )
    with bar("check") as progress:
        report = (check_detection_set if with_boxes else check_dataset)(folder, progress=progress)
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
    from sightline.data import open_dataset, open_detection_set
    from sightline.data.check_detections import is_detection_set

    boxes = is_detection_set(data)
    opened: Any = open_detection_set(data) if boxes else open_dataset(data)
    counts = {name: split.counts(len(opened.classes)).tolist() for name, split in opened.splits.items()}
    first = next((split[0][0] for split in opened.splits.values() if len(split)), None)
    shape = None if first is None else list(first.shape)
    images = sum(len(split) for split in opened.splits.values())
    value = opened.to_json() | {"images": images, "per_class": counts, "shape": shape}

    def show(console: Console) -> None:
        size = "" if shape is None else f", the first one {'×'.join(map(str, shape))}"
        what = f" with {sum(map(sum, counts.values()))} boxes" if boxes else ""
        form = f" ({opened.form})" if boxes else ""
        title = f"{opened.name}: {images} images{what} in {len(opened.classes)} classes{size}{form}"
        console.print(title, markup=False, soft_wrap=True)
        rows = [(name, *(split[i] for split in counts.values())) for i, name in enumerate(opened.classes)]
        rows.append(("all", *(sum(split) for split in counts.values())))
        console.print(table(("class", *counts), rows, right=tuple(counts)))
        for note in opened.notes:
            console.print(note, markup=False, soft_wrap=True)

    return Answer(value, show, json)


@app.command
def convert(
    source: Path,
    destination: Path,
    /,
    *,
    to: str,
    clean: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Write images with boxes in another form: voc, coco, yolo, cvat or labelme.

    Parameters
    ----------
    source
        A folder of Pascal VOC, COCO, YOLO, CVAT, LabelMe or instance masks; the form is found by itself.
    destination
        A new folder; images are copied byte for byte.
    to
        voc, coco, yolo, cvat or labelme.
    clean
        Put swapped corners in order, cut what sticks out of the images, leave out boxes without an area.
    json
        Give what was written as JSON.
    """
    from sightline.data import convert_dataset
    from sightline.data.open_detection_set import cleaned, read_detection_set

    found = cleaned(read_detection_set(source)) if clean else source
    with bar("convert") as progress:
        done = convert_dataset(found, destination, to=to, progress=progress)
    return _told(done, json)


@app.command
def split(
    source: Path,
    destination: Path,
    /,
    *,
    train: float = 0.7,
    val: float = 0.15,
    test: float = 0.15,
    to: str | None = None,
    seed: int = 0,
    fast: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Write a copy of images with boxes, divided anew by class and seed; near-duplicates stay together.

    Parameters
    ----------
    source
        A folder in any form that is understood.
    destination
        A new folder.
    train, val, test
        Shares of the images; they sum to 1. A share of 0 leaves the split out.
    to
        voc, coco, yolo, cvat or labelme; the form stays as it is when this is left out.
    seed
        Whole number ≥ 0; the same seed divides the same way.
    fast
        Do not read the images to look for near-duplicates.
    json
        Give what was written as JSON.
    """
    from sightline.data import split_dataset

    shares = {name: share for name, share in (("train", train), ("val", val), ("test", test)) if share != 0}
    with bar("split") as progress:
        done = split_dataset(
            source,
            destination,
            fractions=shares,
            keep_duplicates_together=not fast,
            to=to,
            seed=seed,
            progress=progress,
        )
    return _told(done, json)


@app.command
def merge(
    *sources: Path,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    to: str | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Write several sets of images with boxes as one: classes and splits of one name are joined.

    Parameters
    ----------
    sources
        Folders in any forms that are understood, two or more.
    out
        A new folder.
    to
        voc, coco, yolo, cvat or labelme; the first set's form when this is left out.
    json
        Give what was written as JSON.
    """
    from sightline.data import convert_dataset
    from sightline.data.convert import WRITERS
    from sightline.data.merge_detections import merge_detections
    from sightline.data.open_detection_set import read_detection_set

    found = merge_detections([read_detection_set(source) for source in sources])
    form = to or (found.form if found.form in WRITERS else "coco")
    with bar("merge") as progress:
        done = convert_dataset(found, out, to=form, progress=progress)
    return _told(done, json)


@app.command
def tile(
    source: Path,
    destination: Path,
    /,
    *,
    size: int = 640,
    overlap: float = 0.2,
    keep: float = 0.3,
    empty: float = 0.1,
    to: str | None = None,
    seed: int = 0,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Cut large images with small things into overlapping tiles, and their boxes with them.

    Parameters
    ----------
    source
        A folder in any form that is understood.
    destination
        A new folder; tiles are written as PNG.
    size
        Side of a tile in pixels, 16–8192.
    overlap
        Least share of a tile that the next one covers too, 0–0.9.
    keep
        Least share of a box that must lie in a tile, 0–1; smaller rests are left out.
    empty
        How many tiles without a box are kept, for each one with boxes.
    to
        voc, coco, yolo, cvat or labelme; the form stays as it is when this is left out.
    seed
        Whole number ≥ 0; draws the empty tiles that are kept.
    json
        Give what was written as JSON.
    """
    from sightline.data import convert_dataset
    from sightline.data.convert import WRITERS
    from sightline.data.open_detection_set import read_detection_set
    from sightline.data.tile_detections import tile_detections

    found = read_detection_set(source)
    tiles = tile_detections(found, size=size, overlap=overlap, keep=keep, empty=empty, seed=seed)
    with bar("tile") as progress:
        form = to or (found.form if found.form in WRITERS else "coco")
        done = convert_dataset(tiles, destination, to=form, progress=progress)

    def show(console: Console) -> None:
        console.print(f"{done}\n{tiles.notes[-1]}", markup=False, soft_wrap=True)

    return Answer(done.to_json() | {"note": tiles.notes[-1]}, show, json)


@app.command
def view(
    source: Path,
    /,
    out: Annotated[Path, Parameter(name=["--out", "-o"])] = Path("sheet.png"),
    *,
    split: str | None = None,
    only: str | None = None,
    count: int = 24,
    columns: int = 4,
    cell: int = 280,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Draw a contact sheet: images side by side with their boxes.

    Parameters
    ----------
    source
        A folder in any form that is understood.
    out
        The picture to write.
    split
        train, val or test; all images when left out.
    only
        A class: images that show it.
    count
        Number of images, spread evenly over the set, 1–400.
    columns
        Images in a row, 1–20.
    cell
        Side of the square for each, 64–1024 pixels.
    json
        Give the file's name as JSON.
    """
    import sightline as sl
    from sightline.data.contact_sheet import contact_sheet
    from sightline.data.open_detection_set import read_detection_set

    found = read_detection_set(source)
    sheet = contact_sheet(found, split, only=only, count=count, columns=columns, cell=cell)
    sl.write(out, sheet)
    value = {"file": str(out), "size": [sheet.shape[1], sheet.shape[0]]}
    return Answer(
        value, lambda console: console.print(f"{out}: {sheet.shape[1]}×{sheet.shape[0]}", soft_wrap=True), json
    )


def _told(done: Any, json: bool) -> Answer:
    """Say what was written."""
    return Answer(done.to_json(), lambda console: console.print(str(done), markup=False, soft_wrap=True), json)
