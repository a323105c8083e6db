"""Inverted residual: widen, look at each channel on its own, narrow again; the shortcut joins the narrow ends.

Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR, section 3.3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn

from sightline.nn.conv_norm import USUAL, ConvNorm, Norm
from sightline.nn.stochastic_depth import StochasticDepth


@dataclass(frozen=True)
class Inverted:
    """Sizes of one inverted residual.

    Parameters
    ----------
    in_channels, out_channels
        Channels of the narrow ends.
    expanded
        Channels in between; the same number as ``in_channels`` leaves the widening out.
    size
        Side of the depthwise kernel in pixels.
    stride
        Step of the depthwise convolution in pixels.
    """

    in_channels: int
    expanded: int
    out_channels: int
    size: int = 3
    stride: int = 1


class InvertedResidual(nn.Module):
    """1×1 that widens, depthwise k×k, squeeze and excitation where given, 1×1 that narrows without activation.

    Parameters
    ----------
    sizes
        Channels, kernel, stride.
    activation
        Makes the activation of the two wide layers.
    squeeze
        Weighs the wide channels; None for none.
    norm
        Numbers of the batch normalisation.
    padding
        None or ``"same"``, see :class:`~sightline.nn.conv_norm.ConvNorm`.
    drop
        Share of the images for which the block is left out in training.
    """

    def __init__(
        self,
        sizes: Inverted,
        activation: Callable[[], nn.Module],
        *,
        squeeze: nn.Module | None = None,
        norm: Norm = USUAL,
        padding: str | None = None,
        drop: float = 0.0,
    ) -> None:
        super().__init__()
        wide = sizes.expanded
        self.expand = (
            None
            if wide == sizes.in_channels
            else ConvNorm(sizes.in_channels, wide, 1, norm=norm, activation=activation())
        )
        self.depthwise = ConvNorm(
            wide, wide, sizes.size, sizes.stride, groups=wide, padding=padding, norm=norm, activation=activation()
        )
        self.squeeze = squeeze
        self.project = ConvNorm(wide, sizes.out_channels, 1, norm=norm)
        self.drop = StochasticDepth(drop)
        self.shortcut = sizes.stride == 1 and sizes.in_channels == sizes.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Return B×out_channels×⌈H/s⌉×⌈W/s⌉."""
        y = x if self.expand is None else self.expand(x)
        y = self.depthwise(y)
        y = y if self.squeeze is None else self.squeeze(y)
        y = self.project(y)
        return x + self.drop(y) if self.shortcut else y


def divisible(channels: float, divisor: int = 8) -> int:
    """Return the multiple of 8 nearest to a number of channels, at least 8 and not more than 10 % below it.

    Parameters
    ----------
    channels
        A width times a multiplier.
    divisor
        What it becomes a multiple of.

    Examples
    --------
    >>> [divisible(channels) for channels in (3, 24, 30, 33.6)]
    [8, 24, 32, 32]
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded
