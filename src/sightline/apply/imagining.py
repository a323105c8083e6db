"""Pictures that a network makes, as a person asks for them: of a class, from a photo, in the style of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sightline.core.checks import choice
from sightline.core.errors import InputError

KINDS = ("class", "dream", "inversion", "style")
_LAYERED = ("dream", "inversion")


def imagined(
    predictor: Any,
    kind: str,
    photo: np.ndarray | None = None,
    *,
    style: np.ndarray | None = None,
    target: str | None = None,
    layer: str | None = None,
    size: int = 256,
    iterations: int | None = None,
    style_weight: float | None = None,
    seed: int = 0,
    progress: Callable[[np.ndarray], object] | None = None,
) -> np.ndarray:
    """Return the picture that a network makes, H×W×C float32 in 0–1.

    Parameters
    ----------
    predictor
        A trained classifier.
    kind
        One of :data:`KINDS`: what it looks for in a class; more of what a layer finds in a photo; what a layer still
        knows of a photo; a photo painted as another picture.
    photo
        H×W or H×W×3; needed for all but ``class``.
    style
        The picture to paint like, for ``style``.
    target
        Name or number of the class, for ``class``.
    layer
        Name of the layer, for ``dream`` and ``inversion``; one that usually shows much when None.
    size
        Longer side in pixels that larger photos are shrunk to.
    iterations
        Steps; of each of the dream's sizes. The method's own number when None.
    style_weight
        Weight of the style against the content's 1, for ``style``. The method's own number when None.
    seed
        Of noise and shifts.
    progress
        Called with the picture before the first step and after each one.

    Raises
    ------
    InputError
        When something is missing for what is asked, named.
    """
    import sightline.explain

    choice("imagine", "kind", kind, KINDS)
    form = form_of(predictor)
    options: dict[str, Any] = {"seed": seed, "progress": progress}
    options |= {"iterations": iterations} if iterations is not None else {}
    options |= {"layer": layer} if layer is not None and kind in _LAYERED else {}
    if kind == "class":
        index = _class_of(predictor, target)
        return sightline.explain.class_visualization(
            predictor.model, index, shape=(form.channels, *form.size), **options
        )
    if photo is None:
        raise InputError(f"imagine: {kind} needs a photo: give it behind the model.")
    seen = sized(photo, size, form.channels)
    if kind == "dream":
        return sightline.explain.deep_dream(predictor.model, seen, **options)
    if kind == "inversion":
        return sightline.explain.feature_inversion(predictor.model, seen, **options)
    if style is None:
        raise InputError("imagine: style needs a second picture: give it with --style.")
    options |= {"style_weight": style_weight} if style_weight is not None else {}
    return sightline.explain.style_transfer(predictor.model, seen, sized(style, size, form.channels), **options)


def shown(picture: np.ndarray) -> np.ndarray:
    """Return a picture of a network as one to write or to look at, H×W or H×W×3 uint8.

    Parameters
    ----------
    picture
        H×W×C float32 in 0–1.
    """
    from sightline.core.conversions import to_uint8

    return to_uint8(picture if picture.shape[2] == 3 else np.ascontiguousarray(picture[..., 0]))


def form_of(predictor: Any) -> Any:
    """Return in which form a classifier takes pictures; refuse a model of another kind."""
    if not hasattr(predictor.recipe, "form"):
        raise InputError(f"imagine: {predictor.recipe.name} is no classifier; those make pictures.")
    return predictor.recipe.form


def _class_of(predictor: Any, target: str | None) -> int:
    from sightline.apply.explaining import class_index

    if target is None:
        raise InputError("imagine: class needs a class: give its name or number with --target.")
    return class_index(predictor, target, verb="imagine")


def in_channels(picture: np.ndarray, channels: int) -> np.ndarray:
    """Return a picture in colour (H×W×3) for a network of 3 channels, in grey (H×W) for one of 1."""
    from sightline.image import convert

    if picture.ndim == 2 and channels == 3:
        return np.repeat(picture[..., None], 3, axis=2)
    return convert(picture, "rgb", "gray") if picture.ndim == 3 and channels == 1 else picture


def sized(picture: np.ndarray, size: int, channels: int) -> np.ndarray:
    """Return a photo with the network's channels, its longer side at most ``size`` pixels."""
    from sightline.image import resize

    picture = in_channels(picture, channels)
    share = min(1.0, size / max(picture.shape[:2]))
    height, width = (max(1, round(side * share)) for side in picture.shape[:2])
    return picture if share == 1 else resize(picture, (height, width))
