"""Convolution, batch normalisation, activation: the three steps that nearly every convolutional network repeats.

Ioffe and Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
ICML: the normalisation stands before the activation, and the convolution needs no bias.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

Size = int | tuple[int, int]


@dataclass(frozen=True)
class Norm:
    """How batch normalisation is done in a whole network.

    Parameters
    ----------
    eps
        Added to the variance.
    momentum
        Weight of a new batch in the running statistics, in 0–1.
    """

    eps: float = 1e-5
    momentum: float = 0.1


USUAL = Norm()


class SameConv2d(nn.Conv2d):
    """A convolution padded so that stride s gives ⌈H/s⌉×⌈W/s⌉, the odd pixel at the right and at the bottom.

    TensorFlow's rule, which the networks that were trained there need. Symmetric padding of k/2 pixels gives the same
    size and looks at other pixels when s is 2.
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return B×C×⌈H/s⌉×⌈W/s⌉."""
        sides = zip(input.shape[-2:], self.kernel_size, self.stride, strict=True)
        top, left = (max((-(-side // step) - 1) * step + kernel - side, 0) for side, kernel, step in sides)
        padded = F.pad(input, (left // 2, left - left // 2, top // 2, top - top // 2))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class ConvNorm(nn.Module):
    """A convolution without bias, then batch normalisation, then an activation where one is given.

    Parameters
    ----------
    in_channels, out_channels
        Channels.
    size
        Side of the kernel in pixels, or (height, width).
    stride
        Step in pixels.
    groups
        Parts of the channels that do not see each other; ``in_channels`` of them make it depthwise.
    padding
        Pixels on each side, or (vertical, horizontal); None keeps the size at stride 1, ``"same"`` is TensorFlow's
        rule.
    norm
        Numbers of the normalisation.
    activation
        Module that follows; None for none.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        size: Size,
        stride: int = 1,
        *,
        groups: int = 1,
        padding: Size | str | None = None,
        norm: Norm = USUAL,
        activation: nn.Module | None = None,
    ) -> None:
        super().__init__()
        sides = (size, size) if isinstance(size, int) else size
        kind = SameConv2d if padding == "same" else nn.Conv2d
        pixels = 0 if isinstance(padding, str) else (sides[0] // 2, sides[1] // 2) if padding is None else padding
        self.conv = kind(in_channels, out_channels, sides, stride, pixels, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out_channels, norm.eps, norm.momentum)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Return the normalised responses, activated where there is an activation."""
        y = self.norm(self.conv(x))
        return y if self.activation is None else self.activation(y)
