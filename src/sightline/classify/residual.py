"""The residual network: let a block learn what to add to its input, and depth stops hurting.

He, Zhang, Ren and Sun 2016, "Deep Residual Learning for Image Recognition", CVPR: y = F(x) + x (equation 1), with a
projection where the shape changes (equation 2). The bottleneck strides in its 3×3, as every public checkpoint does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from sightline.nn.conv_norm import ConvNorm
from sightline.nn.normalize import Normalize, pixel_statistics


@dataclass(frozen=True)
class ResNetConfig:
    """What makes one residual network differ from another.

    Parameters
    ----------
    blocks
        Number of blocks in each stage; every stage but the first halves the resolution.
    bottleneck
        1×1, 3×3, 1×1 blocks with four times wider outputs, instead of two 3×3.
    widths
        Channels of the 3×3 convolutions in each stage.
    groups
        Parts of the bottleneck's 3×3 whose channels do not see each other: the cardinality of ResNeXt.
    widen
        Factor on the channels of the bottleneck's 3×3, not on what goes in and out.
    projection
        Where the shape changes, the shortcut is a 1×1 convolution (option B); otherwise it drops pixels and adds zero
        channels (option A), which has no parameters.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    stem
        ``"imagenet"``: 7×7 stride 2 and a 3×3 maximum with stride 2; ``"small"``: 3×3 at full resolution.
    mean, std
        Of the pixels, one number for each channel; None takes ImageNet's.
    """

    blocks: tuple[int, ...]
    bottleneck: bool = False
    widths: tuple[int, ...] = (64, 128, 256, 512)
    groups: int = 1
    widen: int = 1
    projection: bool = True
    classes: int = 1000
    in_channels: int = 3
    stem: str = "imagenet"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


VARIANTS = {
    "resnet18": ResNetConfig((2, 2, 2, 2)),  # He 2016, Table 1, and the next four
    "resnet34": ResNetConfig((3, 4, 6, 3)),
    "resnet50": ResNetConfig((3, 4, 6, 3), bottleneck=True),
    "resnet101": ResNetConfig((3, 4, 23, 3), bottleneck=True),
    "resnet152": ResNetConfig((3, 8, 36, 3), bottleneck=True),
    "resnet20": ResNetConfig((3, 3, 3), widths=(16, 32, 64), projection=False, classes=10, stem="small"),  # section 4.2
    "resnext50_32x4d": ResNetConfig((3, 4, 6, 3), bottleneck=True, groups=32, widen=2),  # Xie 2017, Table 1
    "resnext101_32x8d": ResNetConfig((3, 4, 23, 3), bottleneck=True, groups=32, widen=4),  # Mahajan 2018, section 2
    "resnext101_64x4d": ResNetConfig((3, 4, 23, 3), bottleneck=True, groups=64, widen=4),  # Xie 2017, Table 3
    "wide_resnet50_2": ResNetConfig((3, 4, 6, 3), bottleneck=True, widen=2),  # Zagoruyko 2016, Table 8
    "wide_resnet101_2": ResNetConfig((3, 4, 23, 3), bottleneck=True, widen=2),
}


class PadShortcut(nn.Module):
    """Option A: keep every second pixel, add zero channels evenly in front and behind."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.front, self.stride = (out_channels - in_channels) // 2, stride
        self.behind = out_channels - in_channels - self.front

    def forward(self, x: Tensor) -> Tensor:
        """Return x at the new resolution and width."""
        return F.pad(x[..., :: self.stride, :: self.stride], (0, 0, 0, 0, self.front, self.behind))


class Basic(nn.Module):
    """F(x) = two 3×3 convolutions (Fig. 5, left)."""

    expansion = 1

    def __init__(self, in_channels: int, width: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, width, 3, stride)
        self.conv2 = ConvNorm(width, width, 3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(F(x) + shortcut(x))."""
        y = F.relu(self.conv1(x))
        y = self.conv2(y)
        return F.relu(y + self.shortcut(x), inplace=True)


class Bottleneck(nn.Module):
    """F(x) = 1×1 that reduces, 3×3, 1×1 that restores the channels (Fig. 5, right); the 3×3 may be wider or grouped."""

    expansion = 4

    def __init__(
        self, in_channels: int, width: int, stride: int, shortcut: nn.Module, widen: int = 1, groups: int = 1
    ) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, widen * width, 1)
        self.conv2 = ConvNorm(widen * width, widen * width, 3, stride, groups=groups)
        self.conv3 = ConvNorm(widen * width, self.expansion * width, 1)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(F(x) + shortcut(x))."""
        y = F.relu(self.conv1(x))
        y = F.relu(self.conv2(y))
        y = self.conv3(y)
        return F.relu(y + self.shortcut(x), inplace=True)


class ImageNetStem(nn.Module):
    """7×7 convolution and 3×3 maximum, each with stride 2: B×C×H×W → B×64×H/4×W/4."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, width, 7, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Return the first stage's input."""
        return F.max_pool2d(F.relu(self.conv1(x)), 3, 2, padding=1)


class SmallStem(nn.Module):
    """3×3 convolution at full resolution (section 4.2), for images of about 8 to 64 pixels: B×C×H×W → B×64×H×W."""

    def __init__(self, in_channels: int, width: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Return the first stage's input."""
        return F.relu(self.conv1(x))


class ResNet(nn.Module):
    """Normalise, stem, stages, head: B×C×H×W images in 0–1 → B×classes logits, any size of image.

    Parameters
    ----------
    normalize
        Mean and deviation of the pixels.
    stem
        From pixels to the first stage's input.
    stages
        Residual stages, in order.
    head
        From the last map to logits.
    """

    def __init__(self, normalize: nn.Module, stem: nn.Module, stages: Sequence[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.normalize = normalize
        self.stem = stem
        self.stages = nn.Sequential(*stages)
        self.head = head
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He 2015, "Delving Deep into Rectifiers", equation 14
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """Return B×classes logits."""
        return self.head(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return the last stage's map, B×C×H/32×W/32 (H/8 with the small stem)."""
        return self.stages(self.stem(self.normalize(images)))

    @property
    def cam_layer(self) -> nn.Module:
        """The last stage."""
        return self.stages[-1]

    def cam_map(self, output: Tensor) -> Tensor:
        """Return the last stage's map as it is."""
        return output


class Head(nn.Sequential):
    """Average over the places, then one linear layer: B×C×H×W → B×classes."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)  # B×C×H×W → B×C×1×1
        self.flatten = nn.Flatten()  # → B×C
        self.linear = nn.Linear(channels, classes)


def build(config: ResNetConfig) -> ResNet:
    """Assemble the network that a configuration describes."""
    block: Any = partial(Bottleneck, widen=config.widen, groups=config.groups) if config.bottleneck else Basic
    expansion = Bottleneck.expansion if config.bottleneck else Basic.expansion
    stages = []
    channels = config.widths[0]
    for index, (count, width) in enumerate(zip(config.blocks, config.widths, strict=True)):
        stride = 1 if index == 0 else 2
        stages.append(_stage(block, channels, width, expansion * width, count, stride, config.projection))
        channels = expansion * width
    stem = {"imagenet": ImageNetStem, "small": SmallStem}[config.stem](config.in_channels, config.widths[0])
    normalize = Normalize(*pixel_statistics(config.in_channels, config.mean, config.std))
    return ResNet(normalize, stem, stages, Head(channels, config.classes))


def _stage(block: Any, channels: int, width: int, out: int, count: int, stride: int, projection: bool) -> nn.Sequential:
    blocks = []
    for _ in range(count):
        shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels != out:
            shortcut = ConvNorm(channels, out, 1, stride) if projection else PadShortcut(channels, out, stride)
        blocks.append(block(channels, width, stride, shortcut))
        channels, stride = out, 1
    return nn.Sequential(*blocks)
