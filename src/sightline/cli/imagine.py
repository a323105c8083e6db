"""``sightline imagine``: pictures and films that a network makes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from cyclopts import Parameter
from rich.console import Console

from sightline.cli.sources import find_sources
from sightline.cli.terminal import Answer

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
        File to write: a picture (.png, .jpg), or the film of all steps (.gif, .mp4, .webm).
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
    from sightline.image.write_frames import write_frames

    predictor = sightline.load(model, classes=classes)
    frames: list[np.ndarray] = []
    film = output.suffix.lower() not in _PICTURES
    options: dict[str, Any] = {"seed": seed, "progress": frames.append if film else None}
    if iterations is not None:
        options["iterations"] = iterations
    if kind in ("dream", "inversion") and layer is not None:
        options["layer"] = layer
    made = _made(kind, predictor, image, style, target, size, options)
    count = write_frames(output, (_shown(frame) for frame in frames), fps=_FPS) if film else 1
    if not film:
        write(output, _shown(made))
    value = {"kind": kind, "output": str(output), "size": [made.shape[1], made.shape[0]], "frames": count}

    def show(console: Console) -> None:
        console.print(f"{kind}: {output}, {made.shape[1]}×{made.shape[0]} pixels, {count} frames", markup=False)

    return Answer(value, show, json)


def _made(
    kind: str,
    predictor: Any,
    image: str | None,
    style: str | None,
    target: str | None,
    size: int,
    options: dict[str, Any],
) -> np.ndarray:
    """Return the picture; refuse by name what is missing for it."""
    import sightline.explain
    from sightline.apply.explaining import class_index
    from sightline.core.errors import InputError

    form = predictor.recipe.form
    if kind == "class":
        if target is None:
            raise InputError("imagine: class needs a class: give its name or number with --target.")
        named = target in getattr(predictor.recipe, "classes", ())
        index = int(target) if target.isdecimal() and not named else class_index(predictor, target)
        shape = (form.channels, *form.size)
        return sightline.explain.class_visualization(predictor.model, index, shape=shape, **options)
    if image is None:
        raise InputError(f"imagine: {kind} needs a photo: give it behind the model.")
    photo = _photo(image, size, form.channels)
    if kind == "dream":
        return sightline.explain.deep_dream(predictor.model, photo, **options)
    if kind == "inversion":
        return sightline.explain.feature_inversion(predictor.model, photo, **options)
    if style is None:
        raise InputError("imagine: style needs a second picture: give it with --style.")
    painting = _photo(style, size, form.channels)
    return sightline.explain.style_transfer(predictor.model, photo, painting, **options)


def _photo(name: str, size: int, channels: int) -> np.ndarray:
    from sightline.image import convert, resize

    picture = find_sources([name])[0].read()
    if picture.ndim == 2 and channels == 3:
        picture = np.repeat(picture[..., None], 3, axis=2)
    elif picture.ndim == 3 and channels == 1:
        picture = convert(picture, "rgb", "gray")
    share = min(1.0, size / max(picture.shape[:2]))
    height, width = (max(1, round(side * share)) for side in picture.shape[:2])
    return picture if share == 1 else resize(picture, (height, width))


def _shown(picture: np.ndarray) -> np.ndarray:
    from sightline.core.conversions import to_uint8

    return to_uint8(picture if picture.shape[2] == 3 else np.ascontiguousarray(picture[..., 0]))
