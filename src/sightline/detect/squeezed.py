"""A backbone that knows pictures already: SqueezeNet's body gives out its maps, and one more stage halves the last.

Iandola et al. 2016, "SqueezeNet", arXiv:1602.07360. The classifier is found in the catalogue by name: what classifies
and what detects do not import each other.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sightline.core.catalogue import find
from sightline.core.errors import InputError
from sightline.nn.csp import CrossStage, PyramidPool, conv

_CHANNELS = (128, 256, 512)  # after the second, the fourth and the eighth fire module
_TOP = 256


class Squeezed(nn.Module):
    """From normalised pixels to maps of stride 8, 16 and 32: B×3×H×W, sides multiples of 32.

    Parameters
    ----------
    body
        Of ``classify.squeezenet``, version 1.1; it is taken, not copied.
    """

    channels = (_CHANNELS[1], _CHANNELS[2], _TOP)

    def __init__(self, body: nn.Sequential) -> None:
        super().__init__()
        first: Any = body[0]
        first.padding = (1, 1)  # a side of 32 n becomes exactly 16 n, and every map a whole number of strides
        self.body = body
        self.top = nn.Sequential(conv(_CHANNELS[2], _TOP, 3, 2), CrossStage(_TOP, _TOP, 1), PyramidPool(_TOP))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return three maps, the finest first."""
        maps = []
        for layer in self.body:
            if isinstance(layer, nn.MaxPool2d):
                maps.append(x)
            x = layer(x)
        return [maps[2], x, self.top(x)]  # before the pool to stride 16, at its end, one stage further


def squeezed() -> Squeezed:
    """Return the backbone with fresh weights."""
    return Squeezed(_classifier().body)


def begin(backbone: nn.Module, weights: str) -> None:
    """Copy public weights of the classifier into a backbone's body.

    Parameters
    ----------
    backbone
        A :class:`Squeezed`.
    weights
        A file, or a name of the zoo.
    """
    from sightline.zoo import load_weights

    if not isinstance(backbone, Squeezed):
        raise InputError(
            "train: weights are for backbone=squeezenet, which has public ones; the csp backbone begins from nothing."
        )
    backbone.body.load_state_dict(load_weights(_classifier(), weights).body.state_dict())


def _classifier() -> Any:
    return find("classify.squeezenet").function(1000)
