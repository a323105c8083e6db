"""``sightline imagine``: pictures and films that a network makes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.apply.imagining import imagined, shown
from sightline.cli.sources import find_sources
from sightline.cli.terminal import Answer
from sightline.core.errors import MissingFileError

_FPS = 12.0
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")


def imagine(
    kind: Literal["class", "dream", "inversion", "style"],
    model: str,
    image: str | None = None,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    target: Annotated[str | None, Parameter(alias="-t")] = None,
    style: str | None = None,
    layer: str | None = None,
    size: int = 256,
    iterations: int | None = None,
    classes: Path | None = None,
    seed: int = 0,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Let a network make a picture, or the film of how it comes about.

    Parameters
    ----------
    kind
        class: what it looks for in a class; dream: more of what a layer finds in a photo; inversion: what a layer still
        knows of a photo; style: a photo painted as another picture.
    model
        Folder of a run, or a name of the zoo, for example squeezenet1_1-imagenet.
    image
        The photo, or - for stdin; needed for all but class.
    output
        File to write: a picture (.png, .jpg), or the film of all steps (.gif, .apng, .mp4, .webm).
    target
        Name or number of the class, for class.
    style
        The picture to paint like, for style.
    layer
        Name of the layer, for dream and inversion; one that usually shows much when left out.
    size
        Longer side in pixels that a larger photo is shrunk to.
    iterations
        Steps; of each of the dream's sizes.
    classes
        Text file with the names of a zoo network's classes, one a line.
    seed
        Of noise and shifts.
    json
        Give what was made and where as JSON.
    """
    import sightline
    from sightline.image.write import write
    from sightline.image.write_frames import kind_of, write_frames

    if output.suffix.lower() not in _PICTURES:
        kind_of(output)  # before minutes are spent on what cannot be written
    if not output.parent.is_dir():
        raise MissingFileError(f"imagine: folder '{output.parent}' does not exist.")
    predictor = sightline.load(model, classes=classes)
    frames: list[np.ndarray] = []
    film = output.suffix.lower() not in _PICTURES
    photo, painting = (None if name is None else find_sources([name])[0].read() for name in (image, style))
    made = imagined(
        predictor,
        kind,
        photo,
        style=painting,
        target=target,
        layer=layer,
        size=size,
        iterations=iterations,
        seed=seed,
        progress=frames.append if film else None,
    )
    count = write_frames(output, (shown(frame) for frame in frames), fps=_FPS) if film else 1
    if not film:
        write(output, shown(made))
    value = {"kind": kind, "output": str(output), "size": [made.shape[1], made.shape[0]], "frames": count}

    def show(console: Console) -> None:
        console.print(f"{kind}: {output}, {made.shape[1]}×{made.shape[0]} pixels, {count} frames", markup=False)

    return Answer(value, show, json)
