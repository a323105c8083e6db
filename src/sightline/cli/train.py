"""``sightline train``: one command for every recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console

from sightline.cli.settings import full_name, read_config, read_pairs, read_value
from sightline.cli.terminal import Answer, program


def train(
    recipe: str,
    data: str,
    /,
    *settings: str,
    epochs: Annotated[int | None, Parameter(alias="-e")] = None,
    seed: int | None = None,
    device: str | None = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    config: Path | None = None,
    advise: Annotated[bool, Parameter(negative="")] = False,
    json: Annotated[bool, Parameter(negative="")] = False,
    **more: Annotated[str, Parameter(help="Any other setting by name, for example --lr 0.01; as key=value, too.")],
) -> Answer:
    """Train a model on a folder of images, and write a run: config, metrics, checkpoints, report.

    Parameters
    ----------
    recipe
        What to train: field/method, for example classify/resnet18.
    data
        A folder with one folder of images for each class, a CSV, idx or npz file, or a name: digits, mnist, cifar10.
    settings
        Settings as key=value, for example lr=0.01 batch_size=32.
    epochs
        Passes over the training images.
    seed
        Seed of everything random; the same seed gives the same weights.
    device
        cpu, cuda, cuda:1 or mps; the best one there is when left out.
    out
        Folder of the run; a new one in runs/ when left out.
    resume
        Go on with the run in --out where it stopped.
    config
        TOML file with settings; the command line goes before it.
    advise
        Say what would be learnt from, and what the data lacks for it; train nothing.
    json
        Give the run's folder and its metrics as JSON.
    """
    from sightline.train import train as start

    chosen: dict[str, Any] = read_config(config)
    chosen.update(read_pairs(settings))
    chosen.update({full_name(name): read_value(value) for name, value in more.items()})
    given = {"epochs": epochs, "seed": seed, "device": device, "out": out}
    chosen.update({name: value for name, value in given.items() if value is not None})
    chosen.pop("recipe", None)
    chosen.pop("data", None)
    if advise:
        chosen.pop("out", None)
        return _advice(recipe, data, chosen, json)
    run = start(recipe, data, resume=resume, progress=True, **chosen)
    value = run.to_json()

    def show(console: Console) -> None:
        console.print(f"\nThe run is in {run.folder}: open {run.folder / 'report.html'}", soft_wrap=True)
        console.print(f"  {program()} evaluate {run.folder}", soft_wrap=True)
        console.print(f"  {program()} predict {run.folder} photo.jpg", soft_wrap=True)

    return Answer(value, show, json)


def _advice(recipe: str, data: str, chosen: dict[str, Any], json: bool) -> Answer:
    from sightline.train.train import advise

    plan = advise(recipe, data, **chosen)
    value = {"recipe": recipe, "images": plan.images, "shape": list(plan.shape), **plan.facts}

    def show(console: Console) -> None:
        for name, text in value.items():
            if name != "shape":
                console.print(f"{name:<14}{text}", markup=False, soft_wrap=True)
        for text in plan.warnings or ("Nothing speaks against it.",):
            console.print(f"! {text}", markup=False, soft_wrap=True)

    return Answer({**value, "warnings": list(plan.warnings)}, show, json)
