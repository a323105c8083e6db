"""Attention maps: which tokens does each head of a transformer look at?

Dosovitskiy et al. 2021, "An Image is Worth 16×16 Words: Transformers for Image Recognition at Scale", ICLR, Appendix A;
drawn head by head as in Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", ICCV.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from jaxtyping import Float32
from torch import nn

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.layers import Grid, Heat, Picture, Value
from sightline.core.trace import Step
from sightline.core.types import Range
from sightline.explain.attending import attention_of, patches_of
from sightline.nn.probe import Images, as_batch, picture_of, probing


@method(task="explanation", paper="Dosovitskiy 2021", lesson="w5d6")
def attention_map(
    model: nn.Module,
    image: Images,
    layer: Annotated[int, Range(-1000, 1000)] = -1,
    head: Annotated[int, Range(-1000, 1000)] | None = None,
) -> Float32[np.ndarray, "*images_heads n n"]:
    """Return the attention weights of one layer: row i says how much token i takes from every token.

    Any network that computes its attention by ``scaled_dot_product_attention``, or by a softmax over tokens × tokens,
    is understood; of attention inside windows, as in a Swin transformer, the layers in which one window holds the whole
    map are. Of a vision transformer's tokens the first is the class token; the patches follow row by row. NaN and
    infinity in the image are refused. The model is left as it was: mode, gradients, parameters.

    Parameters
    ----------
    model
        A transformer that takes B×C×H×W in 0–1.
    image
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).
    layer
        Which attention, in the order in which they are computed; −1 is the last.
    head
        Which of its heads; all of them when None.

    Returns
    -------
    N×N float32 whose rows sum to 1, heads×N×N where no head is named; B of them where there are several images.

    Raises
    ------
    InputError
        When the model does not attend, or has no such layer or head, or attends inside windows only.

    References
    ----------
    Dosovitskiy et al., "An Image is Worth 16×16 Words: Transformers for Image Recognition at Scale", ICLR 2021.

    Examples
    --------
    >>> import torch
    >>> from sightline.classify import vit
    >>> from sightline.explain import attention_map
    >>> model = vit(5, variant="tiny", size=16, patch=4, depth=2)
    >>> found = attention_map(model, torch.rand(3, 16, 16))
    >>> found.shape, bool(abs(found.sum(axis=2) - 1).max() < 1e-5)
    ((3, 17, 17), True)
    """
    with probing(model):
        layers = attention_of("attention_map", model, as_batch("attention_map", model, image)[0])
    weights = layers[integer("attention_map", "layer", layer, -len(layers), len(layers) - 1)]  # B×heads×N×N
    array = weights.to("cpu").float().numpy()
    heads = array.shape[1]
    found = array if head is None else array[:, integer("attention_map", "head", head, -heads, heads - 1)]
    return found if len(found) > 1 else found[0]


@attention_map.steps
def _(model: nn.Module, image: Images, layer: int = -1, head: int | None = None) -> Iterator[Step]:
    result = attention_map(model, image, layer, head)
    batch, _ = as_batch("attention_map", model, image)
    weights = result if len(batch) == 1 else result[0]
    with probing(model):
        (rows, columns), skipped = patches_of(model, batch, weights.shape[-1])
    yield Step("image", Picture(picture_of(batch)))
    asks = weights.reshape(-1, *weights.shape[-2:])[:, 0, skipped:].reshape(-1, rows, columns)
    first = "first token, the class token," if skipped else "first token, the patch at the top left,"
    yield Step("first token", Grid(asks), note=f"What the {first} takes from every patch.")
    note = "Row by row: what each token takes from every token."
    shown = Heat(weights) if weights.ndim == 2 else Grid(weights)
    if len(batch) == 1:
        yield Step("all tokens", shown, note=note)
    else:
        yield Step("all tokens", Value(result), shown, note=f"{note} Of the first image.")
