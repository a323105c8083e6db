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
from sightline.core.layers import Heat, Picture
from sightline.core.trace import Step
from sightline.explain.attending import attention_of, patches_of
from sightline.nn.probe import Images, as_single, picture_of, probing


@method(task="explanation", paper="Abnar 2020", lesson="w5d6")
def attention_rollout(model: nn.Module, image: Images) -> Float32[np.ndarray, "n n"]:
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
        1×C×H×W or C×H×W float32 tensor in 0–1, or one image as an array (H×W or H×W×C).

    Returns
    -------
    N×N float32 whose rows sum to 1.

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
        layers = attention_of("attention_rollout", model, as_single("attention_rollout", model, image))
    return _roll([weights[0] for weights in layers])[-1].to("cpu").float().numpy()


@attention_rollout.steps
def _(model: nn.Module, image: Images) -> Iterator[Step]:
    batch = as_single("attention_rollout", model, image)
    with probing(model):
        layers = attention_of("attention_rollout", model, batch)
        (rows, columns), skipped = patches_of(model, batch, layers[-1].shape[-1])
    yield Step("image", Picture(picture_of(batch)))
    rolled = _roll([weights[0] for weights in layers])
    for i, joint in enumerate(rolled):
        # Without a class token the answer is made of the mean of all tokens.
        holds = joint[0, skipped:] if skipped else joint.mean(dim=0)
        share = holds.reshape(rows, columns).to("cpu").float().numpy()
        told = "What the first token holds" if skipped else "What all tokens together hold"
        yield Step(f"after layer {i + 1}", Heat(share), note=f"{told} of every patch.")
    yield Step("all tokens", Heat(rolled[-1].to("cpu").float().numpy()), note="Row by row: what each token holds.")


def _roll(layers: list[Tensor]) -> list[Tensor]:
    """Return Ã(l) = A(l) Ã(l − 1) for every layer, with A = (W + I) / 2 and W the mean over the heads."""
    rolled: list[Tensor] = []
    for weights in layers:  # heads×N×N
        mean = weights.mean(dim=0)
        if rolled and len(mean) != len(rolled[-1]):
            rolled = []  # tokens were merged: what came before cannot be followed
        passed = (mean + torch.eye(len(mean), device=mean.device)) / 2
        rolled.append(passed @ rolled[-1] if rolled else passed)
    return rolled
