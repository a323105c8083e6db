"""What a trained model is like inside: its maps, filters, attention, fields, and where pictures lie in its features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from sightline.core.errors import InputError

Inside = Literal["feature_maps", "filters", "attention_map", "receptive_field", "embedding_plot"]
INSIDE = get_args(Inside)
_MOST = 16  # maps of a layer
_LARGE = 480  # pixels a side that a small sheet is enlarged to


def look_inside(predictor: Any, picture: np.ndarray, method: str) -> np.ndarray:
    """Return what one of :data:`INSIDE` shows of a model and one picture, H×W×3 uint8.

    Parameters
    ----------
    predictor
        A trained classifier.
    picture
        H×W or H×W×3.
    method
        Any of them but ``embedding_plot``, which needs many pictures.

    Raises
    ------
    InputError
        When the network has not what is to be shown.
    """
    import sightline.explain
    from sightline.core.layers import paint
    from sightline.core.trace import trace

    model, seen = predictor.model, predictor.recipe.form.prepare(picture)
    if method == "feature_maps":
        return sightline.explain.feature_maps(model, seen).draw(most=_MOST)
    if method == "receptive_field":
        shape = (seen.shape[2], *seen.shape[:2])
        return sightline.explain.receptive_field(model, shape=shape).draw(_as_picture(seen))
    if method == "filters":
        steps = trace(sightline.explain.filters, model).steps
    else:
        steps = trace(sightline.explain.attention_map, model, seen).steps[1:2]  # of the class token, head by head
    canvas = paint(steps[-1].layers[0], None)
    assert canvas is not None  # a grid is a picture
    sheet = canvas.image()
    times = max(1, _LARGE // max(sheet.shape[:2]))
    return sheet.repeat(times, axis=0).repeat(times, axis=1)


def map_of(predictor: Any, pictures: Sequence[np.ndarray], names: Sequence[str], *, layout: str = "tsne") -> Any:
    """Return the :class:`~sightline.explain.embedding_plot.EmbeddingPlot` of pictures of any sizes.

    Parameters
    ----------
    predictor
        A trained classifier.
    pictures
        Three or more.
    names
        A file's path for each; pictures of several folders are coloured by them.
    layout
        As ``embedding_plot`` takes it.
    """
    from sightline.explain import embedding_plot

    if not hasattr(predictor.recipe, "form"):
        raise InputError(f"explain: {predictor.recipe.name} is no classifier; there is no map of its features.")
    folders = [Path(name).parent.name for name in names]
    seen = [predictor.recipe.form.prepare(picture) for picture in pictures]
    return embedding_plot(predictor.model, seen, folders if len(set(folders)) > 1 else (), layout=layout)


def _as_picture(seen: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(seen[..., 0] if seen.shape[2] == 1 else seen)
