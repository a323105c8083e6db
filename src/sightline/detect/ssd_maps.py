"""The maps of SSD: where a classifier has halved the side four and five times, and then ever coarser ones.

Liu et al. 2016, "SSD: Single Shot MultiBox Detector", ECCV, section 2.1 and Figure 2 (VGG-16 with a dilated sixth
layer); Howard et al. 2019, "Searching for MobileNetV3", ICCV, section 6.3 (the expansion of the block that halves the
side for the fifth time, and half as many channels behind it).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import find
from sightline.nn.conv_norm import ConvNorm, Norm
from sightline.nn.convolutional import named
from sightline.nn.inverted_residual import Inverted, InvertedResidual, divisible
from sightline.nn.squeeze_excite import SqueezeExcite

NORM = Norm(1e-3, 0.03)
VGG_CHANNELS, LITE_CHANNELS = (512, 1024, 512, 256, 256, 256), (672, 480, 512, 256, 256, 128)


class VGGMaps(nn.Module):
    """Six maps of 300×300 pixels, 38×38 to 1×1.

    Parameters
    ----------
    layers
        The layers of VGG-16's body; they are taken, not copied.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        pools = [i for i, layer in enumerate(layers) if isinstance(layer, nn.MaxPool2d)]
        rounded: Any = layers[pools[2]]
        rounded.ceil_mode = True  # 75 places become 38, as in the paper
        self.scale = nn.Parameter(torch.full((512,), 20.0))  # section 3.1: the fine map is far larger in its values
        self.fine = nn.Sequential(*layers[: pools[3]])
        dilated = nn.Sequential(
            nn.MaxPool2d(3, 1, 1),
            nn.Conv2d(512, 1024, 3, padding=6, dilation=6),
            nn.ReLU(),
            nn.Conv2d(1024, 1024, 1),
            nn.ReLU(),
        )
        coarser = [_pair(1024, 512, 2), _pair(512, 256, 2), _pair(256, 256, 1), _pair(256, 256, 1)]
        self.further = nn.ModuleList([nn.Sequential(*layers[pools[3] : pools[4]], dilated), *coarser])
        for layer in (*dilated, *(layer for pair in coarser for layer in pair)):
            if isinstance(layer, nn.Conv2d) and layer.bias is not None:
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of a normalised batch, the fine one scaled to a length of 20 at each place."""
        x = self.fine(x)
        maps = [self.scale.view(1, -1, 1, 1) * F.normalize(x)]
        for block in self.further:
            x = block(x)
            maps.append(x)
        return maps


class LiteMaps(nn.Module):
    """Six maps of 320×320 pixels, 20×20 to 1×1.

    Parameters
    ----------
    classifier
        The large MobileNetV3 of ``sightline.classify``; all but its last stage is taken, not copied.
    """

    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.stem, self.stages = classifier.body.stem, classifier.body.stages[:-1]
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = NORM.momentum
        self.tail = nn.Sequential(_block(112, 672, 2), _block(80, 480, 1), _block(80, 480, 1))
        self.last = ConvNorm(80, 480, 1, norm=NORM, activation=nn.Hardswish())
        widths = LITE_CHANNELS[1:]
        self.further = nn.ModuleList(map(_narrow, widths[:-1], widths[1:]))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.weight, std=0.03)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the maps of a normalised batch."""
        x = self.stages(self.stem(x))
        blocks: list[Any] = list(self.tail)
        first, *others = blocks
        fine = first.expand(x)
        x = first.project(first.squeeze(first.depthwise(fine)))
        for block in others:
            x = block(x)
        maps = [fine, self.last(x)]
        for block in self.further:
            maps.append(block(maps[-1]))
        return maps


def vgg_maps() -> VGGMaps:
    """Return the maps of VGG-16 with fresh weights."""
    return VGGMaps(list(find("classify.vgg16").function(1, hidden=1).body))


def lite_maps() -> LiteMaps:
    """Return the maps of the large MobileNetV3 with fresh weights."""
    return LiteMaps(find("classify.mobilenet_v3").function(1, variant="large", eps=NORM.eps))


def lite_answer(channels: int, answers: int) -> nn.Sequential:
    """Return a depthwise 3×3 and a 1×1 convolution (Sandler 2018, "MobileNetV2", section 6.2).

    Parameters
    ----------
    channels, answers
        In and out.
    """
    depthwise = ConvNorm(channels, channels, 3, groups=channels, norm=NORM, activation=nn.ReLU6())
    return named(depthwise=depthwise, point=nn.Conv2d(channels, answers, 1))


def _pair(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """Return 1×1 to half the channels, 3×3: with stride 2 and padding, or with neither."""
    half = out_channels // 2
    second = nn.Conv2d(half, out_channels, 3, stride, padding=stride - 1)
    return nn.Sequential(nn.Conv2d(in_channels, half, 1), nn.ReLU(), second, nn.ReLU())


def _narrow(in_channels: int, out_channels: int) -> nn.Sequential:
    """Return 1×1 to half the channels, depthwise 3×3 with stride 2, 1×1."""
    half = out_channels // 2
    return nn.Sequential(
        ConvNorm(in_channels, half, 1, norm=NORM, activation=nn.ReLU6()),
        ConvNorm(half, half, 3, 2, groups=half, norm=NORM, activation=nn.ReLU6()),
        ConvNorm(half, out_channels, 1, norm=NORM, activation=nn.ReLU6()),
    )


def _block(in_channels: int, wide: int, stride: int) -> InvertedResidual:
    squeeze = SqueezeExcite(wide, divisible(wide // 4), gate=nn.Hardsigmoid())
    return InvertedResidual(Inverted(in_channels, wide, 80, 5, stride), nn.Hardswish, squeeze=squeeze, norm=NORM)
