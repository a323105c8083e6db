"""``sightline demo``: the whole way in two minutes, from the numbers of a photo to a model that is proven."""

from __future__ import annotations

import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from cyclopts import Parameter
from rich.console import Console
from rich.rule import Rule

from sightline.cli import showcase
from sightline.cli.swap import check_replaceable, new_folder
from sightline.cli.terminal import Answer, counted, talk
from sightline.core.files import write_json

RECIPE, DATA = "classify/resnet18", "digits"
SETTINGS: dict[str, Any] = {"epochs": 12, "batch_size": 64, "seed": 0, "device": "cpu"}


def demo(
    *,
    out: Annotated[Path, Parameter(alias="-o")] = Path("runs/demo"),
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """See it work, offline: five filters with their steps, a classifier trained, measured and explained, and a report.

    Parameters
    ----------
    out
        Folder for the report and the model; one that an earlier demo made is replaced.
    json
        Give the summary as JSON.
    """
    start = time.perf_counter()
    check_replaceable(out)
    with new_folder(out) as folder:
        summary = _run(folder, out, start)

    def show(console: Console) -> None:
        _farewell(console, out, summary)

    return Answer(summary, show, json)


def _run(folder: Path, out: Path, start: float) -> dict[str, Any]:
    import sightline

    photo = sightline.read(showcase.PHOTO)
    shown = _look(photo)
    _title("3 · A classifier learns to read 1,797 scanned digits")
    run = sightline.train(RECIPE, DATA, out=folder, progress=True, **SETTINGS)
    _title("4 · How good is it, and where does it look?")
    predictor = sightline.load(folder)
    figures = predictor.evaluate(DATA, split="test")
    picture = _save_digit(folder)
    found = predictor.predict(picture)
    summary = {
        "accuracy": figures["accuracy"],
        "interval": figures.get("interval"),
        "images": figures.get("images"),
        "seconds": 0.0,
        "recipe": RECIPE,
        "data": DATA,
        "prediction": {"file": picture.name, **found.to_json()},
        "filters": {item.name: round(item.milliseconds, 3) for item in shown},
        "command": f"sightline demo --out {out}",
        "versions": _versions(),
    }
    _tell(summary)
    _ = run
    summary["seconds"] = round(time.perf_counter() - start, 1)
    write_json(folder / "summary.json", summary)
    return summary


def _look(photo: np.ndarray) -> list[showcase.Shown]:
    console = talk()
    height, width = photo.shape[:2]
    _title("1 · A photo is a grid of numbers")
    console.print(f"{showcase.PHOTO.name}: {height} rows × {width} columns × 3 colours; here the rim of an eye, green:")
    showcase.print_patch(console, photo)
    _title("2 · Filters compute new numbers from neighbouring ones")
    shown = list(counted_filters(photo))
    for item in shown:
        console.print(f"  {item.name:<15} {item.milliseconds:7.2f} ms   {item.about}")
    return shown


def counted_filters(photo: np.ndarray) -> Any:
    """Run the filters with a progress bar."""
    filters = showcase.run_filters(photo)
    for _ in counted(showcase.FILTERS, "filters"):
        yield next(filters)


def _save_digit(folder: Path) -> Path:
    """Write one scan of the test split as a PNG: a file from disk, as anybody has them."""
    import sightline
    from sightline.data import open_dataset

    image, label = open_dataset(DATA).test[7]
    path = folder / f"digit-{label}.png"
    sightline.write(path, image)
    return path


def _tell(summary: dict[str, Any]) -> None:
    found = summary["prediction"]
    talk().print(
        f"  test accuracy {summary['accuracy']:.2%}; {found['file']} is a {found['label']} ({found['score']:.1%})"
    )


def _title(text: str) -> None:
    console = talk()
    console.print()
    console.print(Rule(text, align="left", style="cyan"))


def _versions() -> dict[str, str]:
    names = ("sightline", "torch", "numpy", "numba", "pillow")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _farewell(console: Console, out: Path, summary: dict[str, Any]) -> None:
    low, high = summary["interval"] or (None, None)
    span = "" if low is None else f" (95 % interval {low:.2%} to {high:.2%})"
    console.print(f"\nTest accuracy {summary['accuracy']:.2%}{span}, in {summary['seconds']:.0f} s.", soft_wrap=True)
    console.print(f"The report: {out / 'report.html'}\n", soft_wrap=True)
    console.print("The same with your own photos, one folder for each class:", soft_wrap=True)
    console.print("  sightline data check photos/", soft_wrap=True)
    console.print(f"  sightline train {RECIPE} photos/ --epochs 20 --out runs/photos", soft_wrap=True)
    console.print("  sightline predict runs/photos new-photo.jpg", soft_wrap=True)
