"""Where a trained model looks: an explanation as heat, and laid over the picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import numpy as np

from sightline.core.errors import InputError, suggest
from sightline.core.layers import Picture
from sightline.core.trace import Step

Explanation = Literal[
    "grad_cam",
    "grad_cam_plus_plus",
    "eigen_cam",
    "saliency",
    "smooth_grad",
    "integrated_gradients",
    "guided_backprop",
    "occlusion",
    "deconvnet",
    "attention_rollout",
]
METHODS = get_args(Explanation)
_OF_PIXELS = ("saliency", "smooth_grad", "integrated_gradients", "guided_backprop", "deconvnet")  # others are smooth
_STRONGEST = 0.005  # share of the pixels that count as the strongest
_LISTED = 24  # classes that a sentence can name
_CLASSLESS = ("attention_rollout", "eigen_cam")  # they know what stands out, not for which class


def class_index(predictor: Any, target: str, *, verb: str = "explain") -> int:
    """Return the index of a class by its name, or by its number where no class has that name.

    Parameters
    ----------
    predictor
        A trained model.
    target
        Name, or number from 0 on.
    verb
        What is to be done, for the error's sentence.

    Raises
    ------
    InputError
        When the model has no classes, or not this one.
    """
    recipe = predictor.recipe
    if not hasattr(recipe, "classes"):
        raise InputError(f"{verb}: {recipe.name} tells no classes apart; there is nothing to {verb}.")
    classes = list(recipe.classes)
    if target in classes:
        return classes.index(target)
    if target.isdecimal() and int(target) < len(classes):
        return int(target)
    raise InputError(f"{verb}: no class is named '{target}'.{suggest(target, classes)} {known_classes(classes)}")


def known_classes(classes: Sequence[str]) -> str:
    """Return a sentence that tells which classes there are; of many, how many and the first ones."""
    if len(classes) <= _LISTED:
        return f"Known: {', '.join(classes)}."
    return f"Known are {len(classes):,}, by name or by number, 0–{len(classes) - 1}: {', '.join(classes[:3])}, …"


def heat_of(predictor: Any, picture: np.ndarray, method: str, target: str) -> np.ndarray:
    """Return the heat map (0–1, at the size of the model's input) of an explanation ``method`` for a class."""
    import sightline.explain

    index = class_index(predictor, target)
    seen = predictor.recipe.form.prepare(picture)  # what the model sees
    asked = () if method in _CLASSLESS else (index,)
    values = getattr(sightline.explain, method)(predictor.model, seen, *asked)
    return as_heat(_as_map(predictor.model, seen, method, values), method)


def sanity_of(predictor: Any, picture: np.ndarray, method: str, target: str) -> Any:
    """Return how an explanation for a class fares while the model forgets, a ``SanityCheck``.

    Parameters
    ----------
    predictor
        A trained classifier.
    picture
        H×W or H×W×3.
    method
        One of :data:`METHODS` that gives something for each pixel: any but ``attention_rollout``.
    target
        Name or number of the class.

    Raises
    ------
    InputError
        When the method gives nothing for each pixel.
    """
    import sightline.explain

    if method == "attention_rollout":
        raise InputError("explain: attention_rollout has no map of pixels to check; use another method with --sanity.")
    explain, index = getattr(sightline.explain, method), class_index(predictor, target)
    asked = (lambda model, image, _: explain(model, image)) if method in _CLASSLESS else explain
    seen = predictor.recipe.form.prepare(picture)
    return sightline.explain.sanity_check(asked, predictor.model, seen, index)


def _as_map(model: Any, seen: np.ndarray, method: str, values: np.ndarray) -> np.ndarray:
    """Return what a method gave as one number for each pixel of what the model sees."""
    if values.ndim == 3:  # a pattern in the channels of the picture
        return np.abs(values).max(axis=2)
    if method != "attention_rollout":
        return values
    from sightline.explain.attending import patches_of
    from sightline.image import resize
    from sightline.nn.probe import as_single, probing

    with probing(model):
        grid, skipped = patches_of(model, as_single("explain", model, seen), len(values))
    held = values[0, skipped:] if skipped else values.mean(axis=0)  # of the class token, or of all tokens
    return resize(held.reshape(grid), seen.shape[:2])


def as_heat(values: Any, method: str) -> np.ndarray:
    """Return the strength of an explanation, H×W float32 in 0–1, where 1 is the strongest.

    Gradients of pixels have single ones that are many times as strong as all others, beside which nothing else would be
    seen: there the strongest 0.5 % are all 1.
    """
    heat = np.abs(np.asarray(values, np.float32))
    top = float(np.quantile(heat, 1 - _STRONGEST)) if method in _OF_PIXELS else 0.0
    top = top or float(heat.max())
    return np.minimum(heat / max(top, 1e-12), 1)


def explained(predictor: Any, picture: np.ndarray, method: str, target: str) -> Iterator[Step]:
    """Yield how an explanation comes about: what the model sees, the method's own steps, the heat over the picture.

    Parameters
    ----------
    predictor
        A trained classifier.
    picture
        H×W or H×W×3 uint8.
    method
        One of :data:`METHODS`.
    target
        Name of the class to look for.
    """
    from sightline.core.catalogue import find
    from sightline.core.trace import steps_of

    if method not in METHODS:
        raise InputError(f"explain: method must be one of {', '.join(METHODS)}; got {method!r}.")
    index = class_index(predictor, target)
    seen = predictor.recipe.form.prepare(picture)
    yield Step("what the model sees", Picture(np.ascontiguousarray(seen)), note="Cut and sized as it was trained.")
    entry = find(f"explain.{method}")
    asked = () if method in _CLASSLESS else (index,)
    values: Any = None
    if entry.steps is None:
        values = entry.function(predictor.model, seen, *asked)
    else:
        for step in steps_of(entry, predictor.model, seen, *asked):
            yield step
            values = step.value
    over = heat_over(picture, as_heat(_as_map(predictor.model, seen, method, values), method))
    yield Step("over the picture", Picture(over), note=f"The evidence for “{target}”.")


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
