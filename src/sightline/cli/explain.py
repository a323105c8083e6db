"""``sightline explain``: where a model looks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.cli.sources import find_sources
from sightline.cli.terminal import Answer
from sightline.core.errors import InputError, suggest


def explain(
    run: str,
    image: str,
    /,
    *,
    method: Literal["grad_cam", "saliency", "occlusion"] = "grad_cam",
    target: Annotated[str | None, Parameter(alias="-t")] = None,
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Show where a model looks: writes the image with the evidence for one class as heat over it.

    Parameters
    ----------
    run
        Folder of a run, for example runs/digits-1.
    image
        The image, or - for stdin.
    method
        grad_cam: the last feature map; saliency: each pixel's gradient; occlusion: what a grey patch costs.
    target
        Name of the class to look for; the predicted one when left out.
    output
        File to write; IMAGE-METHOD.png in this folder when left out.
    json
        Give the prediction, the class and the file as JSON.
    """
    import sightline
    from sightline.image.write import write

    source = find_sources([image])[0]
    picture = source.read()
    predictor = sightline.load(run)
    found = predictor.predict([picture])[0]
    wanted = target or found.label
    heat = heat_of(predictor, picture, method, wanted)
    path = output or Path(f"{source.stem}-{method}.png")
    write(path, heat_over(picture, heat))
    value = {"source": source.name, "method": method, "class": wanted, "output": str(path), **found.to_json()}

    def show(console: Console) -> None:
        console.print(f"{found.label} {found.score:.1%}; {method} for '{wanted}': {path}", markup=False, soft_wrap=True)

    return Answer(value, show, json)


def heat_of(predictor: Any, picture: np.ndarray, method: str, target: str) -> np.ndarray:
    """Return the heat map (0–1, at the size of the model's input) of an explanation ``method`` for a class."""
    import sightline.explain

    recipe = predictor.recipe
    if not hasattr(recipe, "classes"):
        raise InputError(f"explain: {recipe.name} tells no classes apart; there is nothing to explain.")
    if target not in recipe.classes:
        known = ", ".join(recipe.classes)
        raise InputError(f"explain: no class is named '{target}'.{suggest(target, recipe.classes)} Known: {known}.")
    seen = recipe.form.prepare(picture)  # what the model sees
    heat = getattr(sightline.explain, method)(predictor.model, seen, recipe.classes.index(target))
    values = np.abs(np.asarray(heat, np.float32))
    return values / max(float(values.max()), 1e-12)


def heat_over(picture: np.ndarray, heat: np.ndarray, *, smallest: int = 240) -> np.ndarray:
    """Return the part of ``picture`` that the model saw, at least ``smallest`` pixels high, with ``heat`` over it."""
    from PIL import Image as PillowImage

    from sightline.core.canvas import Canvas
    from sightline.core.conversions import to_uint8

    shown = to_uint8(_window(picture, *heat.shape))
    scale = max(1, -(-smallest // min(shown.shape[:2])))
    shown = np.repeat(np.repeat(shown, scale, axis=0), scale, axis=1)
    smooth = PillowImage.fromarray(heat).resize((shown.shape[1], shown.shape[0]), PillowImage.Resampling.BILINEAR)
    canvas = Canvas(shown)
    canvas.heat(np.asarray(smooth), opacity=0.5)
    return canvas.image()


def _window(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the largest centred window of the proportions height : width, as the model's input is cut."""
    scale = min(picture.shape[0] / height, picture.shape[1] / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    return picture[top : top + rows, left : left + columns]
