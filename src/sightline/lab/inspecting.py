"""What the model inspector shows of a trained classifier, as JSON values and traces."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from sightline.apply.explaining import class_index, heat_of, sanity_of
from sightline.core.errors import DataError, InputError
from sightline.core.layers import Grid, Heat, Picture
from sightline.core.trace import Step, Trace

_MOST_VALUES = 4_000_000  # of maps or attention in one answer
_MOST_FORGOTTEN = 24  # maps of a network that forgets


def told(predictor: Any) -> dict[str, Any]:
    """Return what a model is made of: input, classes, layers with their receptive fields, attention."""
    import torch

    from sightline.explain.attending import patches_of
    from sightline.explain.fields import fields_of
    from sightline.explain.layers import layers_of
    from sightline.nn.probe import probing

    recipe, model = _classifier(predictor), predictor.model
    (height, width), channels = recipe.form.size, recipe.form.channels
    blank = torch.full((1, channels, height, width), 0.5, device=next(model.parameters()).device)
    with probing(model):
        layers = layers_of(model, blank)
        fields = fields_of(model, blank, layers)
        attention = _attention(model, blank)
        if attention:
            (rows, columns), skipped = patches_of(model, blank, attention["tokens"])
            attention |= {"grid": [rows, columns], "skipped": skipped}
    return {
        "input": {"height": height, "width": width, "channels": channels},
        "classes": list(recipe.classes),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "layers": [{**layer.to_json(), "field": _field(fields.get(layer.name))} for layer in layers],
        "attention": attention,
    }


def layer_maps(predictor: Any, picture: np.ndarray, layer: str, most: int) -> bytes:
    """Return a trace of what the model sees and the strongest maps of one layer; ``about`` names their indices."""
    from sightline.explain import feature_maps

    recipe = _classifier(predictor)
    seen = recipe.form.prepare(picture)
    found = feature_maps(predictor.model, seen, layer)
    maps = found[layer]
    kept = found.strongest(layer, max(1, min(most, _MOST_VALUES // max(1, maps[0].size))))
    if maps.shape[1:] == (1, 1):
        kept = np.arange(len(maps))
    steps = (Step("what the model sees", picture_of(seen)), Step(layer, Grid(maps[kept])))
    return Trace(
        "explain.feature_maps", {"layer": layer}, steps, {"of": len(maps), "indices": kept.tolist()}
    ).to_bytes()


def evidence(predictor: Any, picture: np.ndarray, method: str, target: str) -> bytes:
    """Return a trace of what the model sees and the evidence for a class, 0–1, at that size."""
    recipe = _classifier(predictor)
    class_index(predictor, target)
    seen = picture_of(recipe.form.prepare(picture))
    heat = heat_of(predictor, picture, method, target)
    steps = (Step("what the model sees", seen), Step("evidence", Heat(heat)))
    return Trace(f"explain.{method}", {"target": target}, steps).to_bytes()


def sanity(predictor: Any, picture: np.ndarray, method: str, target: str) -> bytes:
    """Return a trace of what the model sees and of the evidence for a class while the weights are forgotten.

    ``about`` has the ``layers`` in the order in which they are forgotten, the ``correlations`` of each map with the
    first (one more than layers), and ``indices``: which of the maps there are, fewer of a network of many layers.
    """
    recipe = _classifier(predictor)
    found = sanity_of(predictor, picture, method, target)
    most = max(2, min(_MOST_FORGOTTEN, _MOST_VALUES // found.maps[0].size))
    kept = np.unique(np.linspace(0, len(found.maps) - 1, most).round().astype(int))
    steps = (
        Step("what the model sees", picture_of(recipe.form.prepare(picture))),
        Step("while it forgets", Grid(found.maps[kept])),
    )
    about = {**found.to_json(), "indices": kept.tolist()}
    return Trace("explain.sanity_check", {"method": method, "target": target}, steps, about).to_bytes()


def embedding(predictor: Any, pictures: str, layout: str, most: int) -> str:
    """Return a page with a map of pictures by what the model makes of them.

    Parameters
    ----------
    predictor
        A trained classifier.
    pictures
        ``test``: held-out pictures of the run's data, spread over all of them; ``samples``: those of the package.
    layout
        ``pca`` or ``tsne``.
    most
        How many held-out pictures are taken, ≥ 3.
    """
    from sightline.data.sample import SAMPLES, sample
    from sightline.explain import embedding_plot

    recipe = _classifier(predictor)
    if pictures == "samples":
        images, labels = [sample(name) for name in SAMPLES], [one.title for one in SAMPLES.values()]
        said = f"{len(images)} bundled pictures"
    else:
        part, classes, _ = held_out(predictor)
        rows = np.unique(np.linspace(0, len(part) - 1, min(most, len(part))).round().astype(int)).tolist()
        images, labels = [part[i][0] for i in rows], [classes[int(part[i][1])] for i in rows]
        said = f"{len(rows)} of {len(part)} test pictures"
    seen = [recipe.form.prepare(image) for image in images]
    found = embedding_plot(predictor.model, seen, labels, layout=layout)
    return found.to_html(f"{said}, as {recipe.name} sees them")


def attention(predictor: Any, picture: np.ndarray, layer: int) -> bytes:
    """Return a trace of what the model sees, heads×N×N weights of one layer, and the rollout of all layers."""
    from sightline.explain import attention_map, attention_rollout

    recipe = _classifier(predictor)
    seen = recipe.form.prepare(picture)
    weights = attention_map(predictor.model, seen, layer)
    if weights.size > _MOST_VALUES:
        raise InputError(f"attention: {weights.shape[-1]} tokens attend to each other; a page cannot show that many.")
    rolled = attention_rollout(predictor.model, seen)
    steps = (
        Step("what the model sees", picture_of(seen)),
        Step("heads", Grid(weights)),
        Step("rollout", Grid(rolled[None])),
    )
    return Trace("explain.attention_map", {"layer": layer}, steps).to_bytes()


def test_picture(predictor: Any, index: int) -> tuple[bytes, dict[str, Any]]:
    """Return a held-out picture of the run's data as a PNG, with its label and how many there are.

    Parameters
    ----------
    predictor
        Of a run that says what it was trained on.
    index
        Which one; counted anew from the first after the last.
    """
    part, classes, place = held_out(predictor)
    at = index % len(part)
    image, label = part[at]
    stream = io.BytesIO()
    PillowImage.fromarray(np.ascontiguousarray(image)).save(stream, "png")
    return stream.getvalue(), {"label": classes[int(label)], "index": at, "count": len(part), "split": place}


def held_out(predictor: Any) -> tuple[Any, Sequence[str], str]:
    """Return the held-out pictures of the data that a run was trained on, its classes, and the split's name.

    Raises
    ------
    DataError
        When the model is no run, or its recipe keeps nothing back.
    """
    from sightline.train import folder as files
    from sightline.train.recipe import find_recipe

    if not files.is_run(predictor.folder):
        raise DataError(f"inspect: {predictor.folder} is no run of this lab, and knows no held-out pictures.")
    config = files.read_config(predictor.folder)
    kind, method = find_recipe(config["recipe"])
    opened = kind.open(method, config["data"], config["settings"]["seed"], config["options"])
    place, data = getattr(opened, "held_out", ""), getattr(opened, "data", None)
    if data is None or not place:
        raise DataError(f"inspect: {config['recipe']} has no held-out pictures.")
    return data.test if place == "test" else data.split(place), data.classes, place


def _classifier(predictor: Any) -> Any:
    """Return the recipe of a classifier; raise where there is another."""
    recipe = predictor.recipe
    if not hasattr(recipe, "classes") or not hasattr(recipe, "form"):
        raise InputError(f"inspect: {recipe.name} is no classifier; only those are looked into.")
    return recipe


def picture_of(seen: np.ndarray) -> Picture:
    """Return what a model sees, H×W×1 or H×W×3, as something to look at."""
    return Picture(np.ascontiguousarray(seen if seen.shape[2] == 3 else seen[..., 0]))


def _field(found: Any) -> dict[str, Any] | None:
    """Return a receptive field as JSON values, None where a unit sees the whole image."""
    if found is None or found.whole:
        return None
    return {"size": list(found.size), "stride": list(found.stride), "offset": list(found.centre)}


def _attention(model: Any, blank: Any) -> dict[str, Any] | None:
    from sightline.explain.attending import attention_of

    try:
        weights = attention_of("inspect", model, blank)
    except InputError:  # it does not attend, and has no lens
        return None
    return {"layers": len(weights), "heads": weights[-1].shape[1], "tokens": weights[-1].shape[2]}
