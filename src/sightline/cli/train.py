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
    folds: int = 1,
    seeds: int = 1,
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
        Say what the training would cost and what to expect of this data; train nothing.
    folds
        Train once on each of so many folds of the training images and give mean and deviation.
    seeds
        Train from so many seeds and give mean and deviation.
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
        return _advised(recipe, data, chosen, json)
    if folds > 1 or seeds > 1:
        return _repeated(recipe, data, folds, seeds, chosen, json)
    run = start(recipe, data, resume=resume, progress=True, **chosen)
    value = run.to_json()

    def show(console: Console) -> None:
        console.print(f"\nThe run is in {run.folder}: open {run.folder / 'report.html'}", soft_wrap=True)
        console.print(f"  {program()} evaluate {run.folder}", soft_wrap=True)
        console.print(f"  {program()} predict {run.folder} photo.jpg", soft_wrap=True)

    return Answer(value, show, json)


def _advised(recipe: str, data: str, chosen: dict[str, Any], json: bool) -> Answer:
    from sightline.train.advise import advise

    said = advise(recipe, data, **chosen)
    return Answer(said.to_json(), lambda console: console.print(str(said), markup=False, soft_wrap=True), json)


def _repeated(recipe: str, data: str, folds: int, seeds: int, chosen: dict[str, Any], json: bool) -> Answer:
    from sightline.train.cross_validate import cross_validate

    found = cross_validate(recipe, data, folds=folds, seeds=seeds, progress=True, **chosen)

    def show(console: Console) -> None:
        for row in found.rows:
            console.print(f"  seed {row['seed']}, fold {row['fold']}: {row['value']:.4f}  {row['run']}", soft_wrap=True)
        console.print(str(found), markup=False)

    return Answer(found.to_json(), show, json)
