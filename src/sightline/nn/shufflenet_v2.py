"""ShuffleNetV2: half of the channels pass by untouched, and channels change places, so that no half is left out.

Ma, Zhang, Zheng and Sun 2018, "ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design", ECCV,
Fig. 3 (c) and (d), Table 5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from sightline.nn.conv_norm import ConvNorm

STEM = 24  # channels after the first convolution (Table 5)
REPEATS = (4, 8, 4)  # units of stages 2, 3 and 4 (Table 5)
WIDTHS = {"0.5x": (48, 96, 192), "1.0x": (116, 232, 464), "1.5x": (176, 352, 704)}  # channels of them (Table 5)


def shuffle(x: Tensor) -> Tensor:
    """Return B×C×H×W with the channels of the first and of the second half in turns.

    Parameters
    ----------
    x
        B×C×H×W, C even.

    Examples
    --------
    >>> shuffle(torch.arange(6.0).reshape(1, 6, 1, 1)).flatten().tolist()
    [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]
    """
    batch, channels, height, width = x.shape
    return x.reshape(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)


class ShuffleUnit(nn.Module):
    """One half of the channels passes by, the other goes through 1×1, depthwise 3×3 and 1×1; then they are mixed.

    With stride 2 both roads see all channels, and both halve the resolution: the channels become twice as many.

    Parameters
    ----------
    in_channels, out_channels
        Channels, even; equal with stride 1.
    stride
        1 or 2.
    activation
        Makes the activations.
    alternate
        How the halves are mixed: False shuffles what goes out, as the paper draws it; True takes every second channel
        of what comes in, as the authors' code does, and only with stride 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int,
        activation: Callable[[], nn.Module],
        *,
        alternate: bool = False,
    ) -> None:
        super().__init__()
        self.stride, self.alternate = stride, alternate
        half = out_channels // 2
        if stride == 2:
            self.aside = nn.Sequential(
                ConvNorm(in_channels, in_channels, 3, 2, groups=in_channels),
                ConvNorm(in_channels, half, 1, activation=activation()),
            )
        self.through = nn.Sequential(
            ConvNorm(in_channels if stride == 2 else half, half, 1, activation=activation()),
            ConvNorm(half, half, 3, stride, groups=half),
            ConvNorm(half, half, 1, activation=activation()),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return B×out×H/stride×W/stride."""
        if self.stride == 2:
            kept, changed = self.aside(x), x
        else:
            kept, changed = (x[:, 0::2], x[:, 1::2]) if self.alternate else x.chunk(2, dim=1)
        joined = torch.cat([kept, self.through(changed)], dim=1)
        return joined if self.alternate else shuffle(joined)


class ShuffleNetV2Maps(nn.Module):
    """Stem, maxima, three stages: normalised B×3×H×W → maps at 1/8, 1/16 and 1/32 of the side, the finest first.

    Parameters
    ----------
    channels
        Of the three stages.
    activation
        Makes the activations.
    alternate
        As :class:`ShuffleUnit` takes it.

    Examples
    --------
    >>> maps = ShuffleNetV2Maps((48, 96, 192))(torch.zeros(1, 3, 64, 96))
    >>> [tuple(found.shape[1:]) for found in maps]
    [(48, 8, 12), (96, 4, 6), (192, 2, 3)]
    """

    def __init__(
        self,
        channels: Sequence[int],
        activation: Callable[[], nn.Module] = nn.ReLU,
        *,
        alternate: bool = False,
    ) -> None:
        super().__init__()
        self.channels = tuple(channels)
        self.stem = ConvNorm(3, STEM, 3, 2, activation=activation())
        self.pool = nn.MaxPool2d(3, 2, padding=1)
        before, stages = STEM, []
        for width, count in zip(channels, REPEATS, strict=True):
            units = [ShuffleUnit(before, width, 2, activation, alternate=alternate)]
            units += [ShuffleUnit(width, width, 1, activation, alternate=alternate) for _ in range(count - 1)]
            stages.append(nn.Sequential(*units))
            before = width
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the three maps."""
        x, maps = self.pool(self.stem(x)), []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps
