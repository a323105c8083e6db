"""Query attention: where does the query look that becomes this box?

Carion et al. 2020, "End-to-End Object Detection with Transformers", ECCV, figure 6: to the ends of the thing, for those
say where its box lies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from jaxtyping import Float32
from torch import nn

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.layers import Boxes, Heat, Picture
from sightline.core.trace import Step
from sightline.core.types import Range
from sightline.detect.query_lens import QueryLens, query_lens
from sightline.nn.probe import Images, as_single, picture_of

_SHOWN = 8  # queries whose boxes are drawn


@method(task="explanation", paper="Carion 2020", lesson="w7d5")
def query_attention(
    model: nn.Module,
    image: Images,
    query: Annotated[int, Range(0, 10**4)] | None = None,
    layer: Annotated[int, Range(-100, 100)] = -1,
) -> Float32[np.ndarray, "h w"]:
    """Return how much a query of a set detector takes from each place of the image, the mean over its heads.

    NaN and infinity in the image are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        A detector that predicts a set: ``detr``, ``deformable_detr`` and their kin.
    image
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    query
        Its number; None takes the one whose last answer is surest.
    layer
        Which layer of the decoder; −1 is the last.

    Returns
    -------
    h×w float32 ≥ 0 over the whole image, on the map that the decoder reads (1/32 of its side for ``detr``). Its sum is
    1, or less where a deformable query looks beyond the edge.

    Raises
    ------
    InputError
        When the model does not predict a set, or has no such query or layer.

    References
    ----------
    N. Carion et al., "End-to-End Object Detection with Transformers", ECCV 2020.

    Examples
    --------
    >>> import torch
    >>> from sightline.detect import detr
    >>> from sightline.explain import query_attention
    >>> model = detr(3, variant="small", backbone="resnet18", resize=0)
    >>> found = query_attention(model, torch.rand(3, 64, 96))
    >>> found.shape, round(float(found.sum()), 4)
    ((2, 3), 1.0)
    """
    lens = query_lens(model, image)
    layers, queries = lens.scores.shape
    return lens.maps[
        integer("query_attention", "layer", layer, -layers, layers - 1),
        _surest(lens) if query is None else integer("query_attention", "query", query, 0, queries - 1),
    ]


@query_attention.steps
def _(model: nn.Module, image: Images, query: int | None = None, layer: int = -1) -> Iterator[Step]:
    lens = query_lens(model, image)
    picture = picture_of(as_single("query_attention", model, image))
    yield Step("image", Picture(picture))
    chosen = _surest(lens) if query is None else query
    first = lens.scores[-1].argsort()[::-1][:_SHOWN]
    labels = tuple(f"query {number}" for number in first)
    yield Step("answers", Picture(picture), Boxes(lens.boxes[-1, first], labels), note="What the surest queries say.")
    for number in range(len(lens.scores)):
        label = f"class {lens.labels[number, chosen]}, {lens.scores[number, chosen]:.2f}"
        note = f"Query {chosen} after layer {number + 1} of {len(lens.scores)}: its box, and what it looked at."
        yield Step(f"box {number + 1}", Picture(picture), Boxes(lens.boxes[number, [chosen]], (label,)), note=note)
        yield Step(f"attention {number + 1}", Heat(lens.maps[number, chosen]))
    yield Step("attention", Heat(query_attention(model, image, query, layer)))


def _surest(lens: QueryLens) -> int:
    return int(lens.scores[-1].argmax())
