"""Branches: the same map goes through several layers side by side, and what comes out is laid one behind the other.

Szegedy et al. 2015, "Going Deeper with Convolutions", CVPR, section 4; and the classifiers that such a deep network
has on its way, which are thrown away after training (section 5).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from sightline.nn.convolutional import Convolutional


class Branches(nn.ModuleDict):
    """Concatenate the outputs of all branches: B×C×H×W → B×ΣCᵢ×H'×W'.

    Examples
    --------
    >>> Branches({"one": nn.Conv2d(3, 4, 1), "same": nn.Identity()})(torch.zeros(1, 3, 5, 5)).shape
    torch.Size([1, 7, 5, 5])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the branches' maps, in their order."""
        return torch.cat([branch(x) for branch in self.values()], dim=1)


class Supervised(Convolutional):
    """A network with further classifiers on the way, which see the map after a layer of the body.

    Parameters
    ----------
    name, normalize, body, head, smallest
        As :class:`~sightline.nn.convolutional.Convolutional` takes them.
    auxiliary
        By name of a layer of the body: what reads its output; nothing for none.
    least
        Least side of an image in pixels that the classifiers on the way can read.
    """

    auxiliary_weight = 0.3  # of their losses, beside 1 for the main one (Szegedy 2015, section 5)

    def __init__(
        self,
        name: str,
        normalize: nn.Module,
        body: nn.Sequential,
        head: nn.Module,
        auxiliary: Mapping[str, nn.Module],
        *,
        smallest: int,
        least: int = 1,
    ) -> None:
        super().__init__(name, normalize, body, head, smallest=smallest)
        self.least = least
        self.auxiliary = nn.ModuleDict(auxiliary)

    def all_logits(self, images: Tensor) -> list[Tensor]:
        """Return the logits of the classifiers on the way, in their order, and at last those of the head."""
        self.check(images, max(self.smallest, self.least if self.auxiliary else 1))
        x = self.normalize(images)
        found = []
        for name, layer in self.body.named_children():
            x = layer(x)
            if name in self.auxiliary:
                found.append(self.auxiliary[name](x))
        return [*found, self.head(x)]
