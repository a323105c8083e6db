"""``sightline attack``: how little fools a model, and how far it resists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.apply.attacking import TOGETHER, answers, attacked, attacked_together, resistance, sheet_of
from sightline.cli.sources import find_picture
from sightline.cli.terminal import Answer, table
from sightline.core.errors import InputError

PAGE = "robustness.html"


def attack(
    run: str,
    image: str | None = None,
    /,
    *,
    method: Literal["fgsm", "pgd", "deep_fool", "cw_l2", "universal_perturbation", "patch"] = "pgd",
    eps: float = 8 / 255,
    target: Annotated[str | None, Parameter(alias="-t")] = None,
    data: str | None = None,
    norm: Literal["inf", "l2"] = "inf",
    images: int = 200,
    substitute: str | None = None,
    certify: float | None = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Fool a model on one image, or, without an image, measure how far it resists and write a page about it.

    Parameters
    ----------
    run
        Folder of a run, for example runs/digits-1.
    image
        The image, or - for stdin; left out, the test pictures of the data are attacked.
    method
        For one image fgsm: one step; pgd: many; deep_fool and cw_l2: the shortest way. Without an image
        universal_perturbation: one change that fools the model on most pictures; patch: a sticker that is taken for the
        target wherever it lies.
    eps
        How far a pixel may move, in 0–1; the curve goes to twice as far.
    target
        Name or number of the class to be taken for; any other when left out. For one image, and for patch.
    data
        A folder or a name, as for train; the data that the run was trained on when left out.
    norm
        inf bounds the change of each pixel, l2 the root of the sum of all squared changes. For the curve.
    images
        How many pictures are attacked; every second one of them says how well a change for all of them works.
    substitute
        Another run, whose pictures are tried on this one.
    certify
        Deviation of noise, for example 0.25: the page also says what no attack can change of a vote over noisy copies.
    output
        File to write; IMAGE-METHOD.png in this folder, or robustness.html or METHOD.png in the run, when left out.
    json
        Give the outcome and the file as JSON.
    """
    import sightline

    predictor = sightline.load(run)
    if image is not None:
        return _one(predictor, image, method, eps, target, output, json)
    place, folder = data or _trained_on(run), Path(run) if Path(run).is_dir() else Path()
    if method in TOGETHER:
        sheet, found = attacked_together(predictor, place, method, eps=eps, images=images, target=target)
        return _together(sheet, {"method": method, **found}, output or folder / f"{method}.png", json)
    other = None if substitute is None else sightline.load(substitute)
    options: dict[str, Any] = {"eps": eps, "norm": norm, "images": images, "substitute": other, "sigma": certify}
    curve, certified, name = resistance(predictor, place, **options)
    path = output or folder / PAGE
    curve.save(path, f"{predictor.recipe.name} on {name}", certified)
    value = {"output": str(path), **curve.to_json()}
    value |= {} if certified is None else {"certified": certified.to_json()}

    def show(console: Console) -> None:
        cells = [
            (f"{e:.4g}", *(f"{values[i]:.1%}" for values in curve.accuracies.values()))
            for i, e in enumerate(curve.epsilons)
        ]
        console.print(table(("ε", *curve.accuracies), cells, right=tuple(curve.accuracies)))
        for check in curve.checks:
            said = "holds" if check.holds else "DOES NOT HOLD"
            console.print(f"{said}: {check.name} ({check.said})", markup=False, soft_wrap=True)
        if certified is not None:
            radii = [share * certified.largest for share in (0, 0.25, 0.5, 0.75)]
            told = ", ".join(f"{certified.accuracy(radius):.1%} at {radius:.2f}" for radius in radii)
            console.print(f"certified in L2: {told}", markup=False, soft_wrap=True)
        console.print(f"\n{path}", markup=False, soft_wrap=True)

    return Answer(value, show, json)


def _trained_on(run: str) -> str:
    """Return the data of a run; raise when there is none, as of a model of the zoo."""
    from sightline.train import folder as files
    from sightline.train.run import Run

    if not files.is_run(Path(run)):
        raise InputError(f"attack: '{run}' has not been trained here: name an image, or a dataset with --data.")
    return Run(Path(run)).data


def _together(sheet: np.ndarray, found: dict[str, Any], path: Path, json: bool) -> Answer:
    from sightline.image.write import write

    write(path, sheet)
    value = {**found, "output": str(path)}

    def show(console: Console) -> None:
        text = (
            f"{found['method']}: made from {found['made_from']} pictures, works on {found['works']:.1%} of "
            f"{found['tried_on']} others ({found['before']:.1%} before): {path}"
        )
        console.print(text, markup=False, soft_wrap=True)

    return Answer(value, show, json)


def _one(
    predictor: Any,
    image: str,
    method: str,
    eps: float,
    target: str | None,
    output: Path | None,
    json: bool,
) -> Answer:
    from sightline.image.write import write

    if method in TOGETHER:
        raise InputError(f"attack: {method} is made from many pictures: leave the image out, and name --data.")
    source = find_picture("attack", image, "the image")
    seen, found = attacked(predictor, source.read(), method, eps=eps, target=target)
    before, after = answers(predictor, [seen, found])
    path = output or Path(f"{source.stem}-{method}.png")
    write(path, sheet_of(seen, found))
    largest, length = float(np.abs(found - seen).max()), float(np.linalg.norm(found - seen))
    value: dict[str, Any] = {"source": source.name, "method": method, "output": str(path)}
    value |= {name: {"label": said.label, "score": said.score} for name, said in (("before", before), ("after", after))}
    value |= {"largest_change": largest, "length": length}

    def show(console: Console) -> None:
        said = f"{before.label} {before.score:.1%} → {after.label} {after.score:.1%}"
        text = f"{said}; {method}, largest change of a pixel {largest:.3g}, length {length:.3g}: {path}"
        console.print(text, markup=False, soft_wrap=True)

    return Answer(value, show, json)
