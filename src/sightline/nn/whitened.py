"""A network whose first layer is not learnt but computed: it takes apart what neighbouring pixels have in common.

Page 2019, "How to Train Your ResNet", part 8; Jordan 2024, "94 % on CIFAR-10 in 3.29 Seconds on a Single GPU",
section 3.2: the filters are the eigenvectors of the covariance of small patches, each divided by its deviation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.nn.convolutional import Convolutional

PATCHES = 200_000  # enough for the covariance of 12 numbers; more of them change nothing that can be seen
RIDGE = 5e-4  # added to each variance (Jordan 2024, listing 4): what is nearly constant is not blown up


class WhiteningConv(nn.Conv2d):
    """Every direction in which patches of 2×2 pixels vary, and its opposite: B×C×H×W → B×8C×(H−1)×(W−1).

    The filters stay as they are in training; the bias learns.

    Parameters
    ----------
    in_channels
        C.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__(in_channels, 8 * in_channels, 2)
        nn.init.orthogonal_(self.weight[: 4 * in_channels].flatten(1))
        nn.init.zeros_(self.get_parameter("bias"))
        self.weight.requires_grad_(False)
        self._mirror(self.weight[: 4 * in_channels].detach().clone())

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        """Compute the filters from images B×C×H×W, normalised as the layer sees them."""
        patches = F.unfold(images, 2)  # B×4C×places
        patches = patches.transpose(1, 2).flatten(0, 1)  # N×4C
        patches = patches[:: max(1, len(patches) // PATCHES)].double()
        patches = patches - patches.mean(dim=0)
        variances, directions = torch.linalg.eigh(patches.T @ patches / len(patches))  # ascending; ways in columns
        filters = (directions / (variances + RIDGE).sqrt()).T.flip(0)
        self._mirror(filters.to(self.weight).view(-1, *self.weight.shape[1:]))

    @torch.no_grad()
    def _mirror(self, filters: Tensor) -> None:
        self.weight.copy_(torch.cat([filters, -filters]))  # what follows keeps the positive side only


class Whitened(Convolutional):
    """A :class:`~sightline.nn.convolutional.Convolutional` whose body begins with a :class:`WhiteningConv`."""

    @torch.no_grad()
    def whiten(self, images: Tensor) -> None:
        """Compute the first layer from images that training sees.

        Parameters
        ----------
        images
            B×C×H×W float32 in 0–1, on any device.
        """
        first = self.body[0]
        assert isinstance(first, WhiteningConv)
        first.fit(self.normalize(images.to(first.weight.device)))
