"""The queries of a set detector: what each answers after every layer of the decoder, and where it looked."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.core.layers import Grid, Picture
from sightline.core.trace import Step, Trace
from sightline.core.types import Array

FRESH = ("detr", "deformable_detr")
_MOST = 100  # queries that are told of, those that are surest in the end
_SIZE = 320  # pixels of the longer side, for a network that was not trained


def trained(predictor: Any, image: Array) -> bytes:
    """Return the lens on a trained detector of sets; see :func:`fresh`."""
    recipe = predictor.recipe
    return _told(predictor.model, image, getattr(recipe, "size", _SIZE), getattr(recipe, "classes", ()))


def fresh(name: str, seed: int, image: Array) -> bytes:
    """Return the lens on a detector that has learnt nothing.

    Parameters
    ----------
    name
        One of ``FRESH``.
    seed
        Of its first weights.
    image
        H×W or H×W×3 uint8.

    Returns
    -------
    bytes
        A trace: what the detector sees, and Q · L maps of attention, those of a query together. ``about`` tells
        ``queries``, their numbers; ``boxes`` Q×L×4 in pixels of what it sees, ``scores`` and ``labels`` Q×L;
        ``overlaps`` Q×L, with the last layer's box; and the ``classes``.
    """
    import torch

    from sightline import detect

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(detect, name)(1, variant="small", backbone="resnet18", resize=0).eval()
    return _told(model, image, _SIZE, ())


def _told(model: Any, image: Array, size: int, classes: Any) -> bytes:
    from sightline.detect import iou
    from sightline.detect.prepare import colour, frame_of
    from sightline.detect.query_lens import query_lens

    pixels = colour(image)
    seen = frame_of(pixels.shape[:2], size).image(pixels)
    lens = query_lens(model, seen.astype(np.float32) / 255)
    order = np.argsort(-lens.scores[-1], kind="stable")[:_MOST]
    boxes, scores, labels, maps = (
        np.moveaxis(part, 0, 1)[order] for part in (lens.boxes, lens.scores, lens.labels, lens.maps)
    )
    overlaps = [iou(one.astype(np.float64), one[-1:].astype(np.float64))[:, 0] for one in boxes]
    about = {
        "queries": order.tolist(),
        "boxes": boxes.round(2).tolist(),
        "scores": scores.tolist(),
        "labels": labels.tolist(),
        "overlaps": np.array(overlaps).tolist(),
        "classes": list(classes),
    }
    steps = Step("what the detector sees", Picture(seen)), Step("attention", Grid(maps.reshape(-1, *maps.shape[2:])))
    return Trace("explain.query_attention", {}, steps, about).to_bytes()
