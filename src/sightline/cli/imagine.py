"""``sightline imagine``: pictures and films that a network makes, and networks that paint."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.apply.imagining import imagined, shown
from sightline.apply.painting import is_network
from sightline.cli.painting import NO_STYLE, Style, paint, train_network
from sightline.cli.sources import find_picture
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
    layer: str | None = None,
    size: int | None = None,
    iterations: int | None = None,
    classes: Path | None = None,
    painting: Annotated[Style, Parameter(name="*")] = NO_STYLE,
    seed: int = 0,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> Answer:
    """Let a network make a picture, or the film of how it comes about; or teach a network to paint in one pass.

    Parameters
    ----------
    kind
        class: what it looks for in a class; dream: more of what a layer finds in a photo; inversion: what a layer still
        knows of a photo; style: a photo painted as another picture.
    model
        Folder of a run, or a name of the zoo, for example squeezenet1_1-imagenet. For style also a .safetensors file
        that this command wrote: it paints photos, folders, videos and cameras at once (fast style transfer).
    image
        The photo, or - for stdin; needed for all but class. For a network to learn on, a folder of a hundred or more.
    output
        File to write: a picture (.png, .jpg), the film of all steps (.gif, .apng, .mp4, .webm), or for style a network
        (.safetensors) that learns this one painting. What such a network paints: a picture, a film, or a folder.
    target
        Name or number of the class, for class.
    layer
        Name of the layer, for dream and inversion; one that usually shows much when left out.
    size
        Longer side in pixels that a larger photo is shrunk to: 256, or 1024 for a network of one painting, when left
        out. To train one, that of the painting; squares of half of it are learnt on.
    iterations
        Steps; of each of the dream's sizes. 400 when left out where a network is trained; the paper took 40,000.
    classes
        Text file with the names of a zoo network's classes, one a line.
    painting
        For style.
    seed
        Of noise and shifts, and of a training.
    json
        Give what was made and where as JSON.
    """
    import sightline
    from sightline.image.write import write
    from sightline.image.write_frames import write_frames

    trains = kind == "style" and is_network(output)
    if not trains:
        _check_output(output)
    painting.check(kind, model, output, iterations)
    if is_network(model):
        return paint(model, image, output, painting, size, json)
    style = None if painting.style is None else find_picture("imagine", painting.style, "--style").read()
    if trains:
        training = painting.training(size, iterations, seed)
        return train_network(sightline.load(model, classes=classes), image, style, output, training, json)
    photo = None if image is None else find_picture("imagine", image, "the photo").read()
    predictor = sightline.load(model, classes=classes)
    frames: list[np.ndarray] = []
    film = output.suffix.lower() not in _PICTURES
    made = imagined(
        predictor,
        kind,
        photo,
        style=style,
        target=target,
        layer=layer,
        size=256 if size is None else size,
        iterations=iterations,
        style_weight=painting.style_weight,
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


def _check_output(output: Path) -> None:
    """Refuse what cannot be written before minutes are spent on it."""
    from sightline.image.write_frames import kind_of

    if output.suffix.lower() not in _PICTURES:
        kind_of(output)
    if not output.parent.is_dir():
        raise MissingFileError(f"imagine: folder '{output.parent}' does not exist.")
