"""Attention rollout: how much of each input token has reached each token of the last layer?

Abnar, Zuidema 2020, "Quantifying Attention Flow in Transformers", ACL, section 3: a layer passes on half of what a
token was, by the shortcut, and half of what it attends to.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor, nn

from sightline.core.catalogue import method
from sightline.core.layers import Heat, Picture, Value
from sightline.core.trace import Step
from sightline.explain.attending import attention_of, patches_of
from sightline.nn.probe import Images, as_batch, picture_of, probing


@method(task="explanation", paper="Abnar 2020", lesson="w5d6")
def attention_rollout(model: nn.Module, image: Images) -> Float32[np.ndarray, "*images n n"]:
    """Return how much of every input token is in every token of the last layer, if attention were all that mixes them.

    Heads are averaged. Row 0 belongs to the class token: without its first column, laid out by the patches, it is a map
    of where the answer comes from; where there is none, as in a Swin transformer, the mean of all rows is. Of attention
    inside windows only the layers count in which one window holds the whole map. The rollout knows no class, and leaves
    out what the layers do besides attending. NaN and infinity in the image are refused. The model is left as it was:
    mode, gradients, parameters.

    Parameters
    ----------
    model
        A transformer that takes B×C×H×W in 0–1, as for ``attention_map``; all layers of one number of tokens.
    image
        B×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).

    Returns
    -------
    N×N float32 whose rows sum to 1; B×N×N where there are several images.

    Raises
    ------
    InputError
        When the model does not attend, or to no whole map.

    References
    ----------
    Abnar, Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020.

    Examples
    --------
    >>> import torch
    >>> from sightline.classify import vit
    >>> from sightline.explain import attention_rollout
    >>> model = vit(5, variant="tiny", size=16, patch=4, depth=2)
    >>> attention_rollout(model, torch.rand(3, 16, 16)).shape
    (17, 17)
    """
    with probing(model):
        layers = attention_of("attention_rollout", model, as_batch("attention_rollout", model, image)[0])
    return _array(_roll(layers)[-1])


@attention_rollout.steps
def _(model: nn.Module, image: Images) -> Iterator[Step]:
    batch, _ = as_batch("attention_rollout", model, image)
    with probing(model):
        layers = attention_of("attention_rollout", model, batch)
        (rows, columns), skipped = patches_of(model, batch, layers[-1].shape[-1])
    yield Step("image", Picture(picture_of(batch)))
    rolled = _roll(layers)
    for i, joint in enumerate(one[0] for one in rolled):
        # Without a class token the answer is made of the mean of all tokens.
        holds = joint[0, skipped:] if skipped else joint.mean(dim=0)
        share = holds.reshape(rows, columns).to("cpu").float().numpy()
        told = "What the first token holds" if skipped else "What all tokens together hold"
        yield Step(f"after layer {i + 1}", Heat(share), note=f"{told} of every patch.")
    result, note = _array(rolled[-1]), "Row by row: what each token holds."
    if len(batch) == 1:
        yield Step("all tokens", Heat(result), note=note)
    else:
        yield Step("all tokens", Value(result), Heat(result[0]), note=f"{note} Of the first image.")


def _array(rolled: Tensor) -> np.ndarray:
    array = rolled.to("cpu").float().numpy()
    return array if len(array) > 1 else array[0]


def _roll(layers: list[Tensor]) -> list[Tensor]:
    """Return Ã(l) = A(l) Ã(l − 1), B×N×N, for every layer: A = (W + I) / 2, and W is the mean over the heads."""
    rolled: list[Tensor] = []
    for weights in layers:  # B×heads×N×N
        mean = weights.mean(dim=1)
        if rolled and mean.shape != rolled[-1].shape:
            rolled = []  # tokens were merged: what came before cannot be followed
        passed = (mean + torch.eye(mean.shape[-1], device=mean.device)) / 2
        rolled.append(passed @ rolled[-1] if rolled else passed)
    return rolled
