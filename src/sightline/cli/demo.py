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
from sightline.cli.terminal import Answer, counted, program, table, talk
from sightline.core.files import write_json
from sightline.data import open_dataset
from sightline.image import read, write

RECIPE, DATA = "classify/resnet20", "digits"
SETTINGS: dict[str, Any] = {"epochs": 8, "image_size": 16, "seed": 0, "device": "cpu", "threads": 1}


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
    photo = read(showcase.PHOTO)
    shown = _look(photo)
    try:
        with new_folder(out) as folder:
            _train(folder)
    except KeyboardInterrupt as error:  # the half-trained folder is gone: there is nothing to resume
        raise KeyboardInterrupt("demo: stopped; nothing was left behind. Start again: sightline demo") from error
    summary = _show_model(out, photo, shown, start)

    def show(console: Console) -> None:
        _farewell(console, out, summary)

    return Answer(summary, show, json)


def _train(folder: Path) -> None:
    from sightline.train import train

    _title("3 · A classifier learns to read 1,797 scanned digits")
    train(RECIPE, DATA, out=folder, report=False, progress=True, **SETTINGS)


def _show_model(out: Path, photo: np.ndarray, shown: list[showcase.Shown], start: float) -> dict[str, Any]:
    """Evaluate, predict and explain the model in ``out``; write its report and summary, and return the summary."""
    from sightline.cli import demo_report
    from sightline.train import Run
    from sightline.train.recipe import find_recipe
    from sightline.train.report import write_report

    _title("4 · How good is it, and where does it look?")
    run = Run(out)
    predictor = run.predictor
    kind, method = find_recipe(RECIPE)
    recipe = kind.open(method, DATA, SETTINGS["seed"], run.config["options"])
    figures = recipe.evaluate(predictor.model, None, "test")
    file = _save_digit(out)
    found, heat = predictor.predict(file), _explain(predictor, file)
    summary: dict[str, Any] = {
        "accuracy": figures["accuracy"],
        "interval": figures["accuracy_interval"],
        "images": figures["images"],
        "seconds": 0.0,
        "recipe": RECIPE,
        "data": DATA,
        "prediction": {"file": file.name, **found.top(3).to_json()},
        "filters_ms": {item.name: round(item.milliseconds, 3) for item in shown},
        "command": f"sightline demo --out {out}",
        "versions": _versions(),
    }
    talk().print(f"  test accuracy {figures['accuracy']:.2%} on {figures['images']} scans it has never seen")
    talk().print(f"  {file}: a {found.label}, with {found.score:.1%} certainty")
    sections = demo_report.photo_sections(photo, shown)
    sections.append(demo_report.prediction_section(file.name, read(file), found, heat))
    write_report(run, recipe, predictor.model, extra_sections=sections)
    summary["seconds"] = round(time.perf_counter() - start, 1)
    write_json(out / "summary.json", summary)
    return summary


def _explain(predictor: Any, file: Path) -> np.ndarray:
    from sightline.apply.explaining import heat_of, heat_over

    picture = read(file)
    label = predictor.predict(picture).label
    return heat_over(picture, heat_of(predictor, picture, "grad_cam", label))


def _look(photo: np.ndarray) -> list[showcase.Shown]:
    console = talk()
    height, width = photo.shape[:2]
    _title("1 · A photo is a grid of numbers")
    console.print(
        f"{showcase.PHOTO.name}: {height} rows × {width} columns × 3 colours; here the edge of a pupil, in green:"
    )
    showcase.print_patch(console, photo)
    _title("2 · Filters compute new numbers from neighbouring ones")
    shown = list(counted_filters(photo))
    rows = [(f"  {item.name}", f"{item.milliseconds:.2f}", item.about) for item in shown]
    console.print(table(("  filter", "ms", "what it does"), rows, right=("ms",)))
    return shown


def counted_filters(photo: np.ndarray) -> Any:
    """Run the filters with a progress bar."""
    filters = showcase.run_filters(photo)
    for _ in counted(showcase.FILTERS, "filters"):
        yield next(filters)


def _save_digit(folder: Path) -> Path:
    """Write one scan of the test split as a PNG: a file on disk, as anybody has them."""
    image, label = open_dataset(DATA).test[7]
    path = folder / f"digit-{label}.png"
    write(path, image)
    return path


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
    low, high = summary["interval"]
    span = f" (95 % interval {low:.2%} to {high:.2%})"
    console.print(f"\nTest accuracy {summary['accuracy']:.2%}{span}, in {summary['seconds']:.0f} s.", soft_wrap=True)
    console.print(f"The report: {out / 'report.html'}\n", soft_wrap=True)
    console.print("Watch every method work, in your browser, on your own photos:", soft_wrap=True)
    console.print(f"  {program()} lab    opens http://127.0.0.1:8600/\n", soft_wrap=True)
    console.print("The same with your own photos, one folder for each class:", soft_wrap=True)
    for command in (
        "data check photos/",
        "train classify/resnet18 photos/ --epochs 20 --out runs/photos",
        "predict runs/photos new-photo.jpg",
    ):
        console.print(f"  {program()} {command}", soft_wrap=True)
