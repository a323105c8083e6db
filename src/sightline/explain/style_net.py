"""The network that paints at once what style transfer paints in hundreds of steps.

Johnson, Alahi, Fei-Fei 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV, and its
supplement (the layers); normalised picture by picture as in Ulyanov, Vedaldi, Lempitsky 2016, "Instance Normalization:
The Missing Ingredient for Fast Stylization", arXiv:1607.08022; enlarged before a convolution, not by one, as in Odena,
Dumoulin, Olah 2016, "Deconvolution and Checkerboard Artifacts", Distill.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.errors import InputError, WeightsError
from sightline.core.types import PathLike
from sightline.nn.probe import Images, as_batch, patterns
from sightline.train.tensors import load_tensors, load_weights, save_tensors

_BLOCKS = 5
KIND = "style net"  # what a saved file says that it is


class StyleNet(nn.Module):
    """Paint B×C×H×W pictures in 0–1 in one style, at any size from 16 pixels a side.

    Parameters
    ----------
    width
        Channels of the first layer; the next two have twice and four times as many.
    channels
        Of the pictures.
    """

    def __init__(self, width: int = 32, channels: int = 3) -> None:
        super().__init__()
        self.width, self.channels = width, channels
        self.first = _Convolution(channels, width, 9)
        self.down = nn.ModuleList([_Convolution(width, 2 * width, 3, 2), _Convolution(2 * width, 4 * width, 3, 2)])
        self.blocks = nn.Sequential(*[_Residual(4 * width) for _ in range(_BLOCKS)])
        self.up = nn.ModuleList([_Convolution(4 * width, 2 * width, 3), _Convolution(2 * width, width, 3)])
        self.last = nn.Conv2d(width, channels, 9, padding=4, padding_mode="reflect")

    def forward(self, images: Tensor) -> Tensor:
        """Return B×C×H×W in 0–1."""
        if images.ndim != 4 or images.shape[1] != self.channels or min(images.shape[2:]) < 16:
            came = "×".join(map(str, images.shape))
            raise InputError(f"StyleNet: images must be B×{self.channels}×H×W of 16 pixels a side or more; got {came}.")
        x = F.relu(self.first(images - 0.5))
        sizes = []
        for layer in self.down:  # H×W → H/2×W/2 → H/4×W/4
            sizes.append(x.shape[2:])
            x = F.relu(layer(x))
        x = self.blocks(x)
        for layer, size in zip(self.up, reversed(sizes), strict=True):
            x = F.relu(layer(F.interpolate(x, size, mode="nearest")))
        return torch.sigmoid(self.last(x))

    def paint(self, image: Images) -> np.ndarray:
        """Return one picture painted: H×W×C float32 in 0–1."""
        batch, _ = as_batch("StyleNet.paint", self, image)
        with torch.no_grad():
            return patterns(self(batch[:1]), True)

    def save(self, path: PathLike) -> str:
        """Write the weights to ``path`` (safetensors), whole or not at all; return their digest."""
        about = {"kind": KIND, "width": self.width, "channels": self.channels}
        return save_tensors(path, self.state_dict(), about)

    @classmethod
    def load(cls, path: PathLike) -> StyleNet:
        """Return the network that ``save`` wrote; raise :class:`WeightsError` when the file is another one."""
        tensors, about, _ = load_tensors(path)
        if about.get("kind") != KIND:
            raise WeightsError(f"StyleNet: '{path}' must be a file that StyleNet.save wrote; got one of another kind.")
        net = cls(int(about["width"]), int(about["channels"]))
        load_weights(net, tensors, str(path))
        return net.eval()


class _Convolution(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, size: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, size, stride, size // 2, padding_mode="reflect"),
            nn.InstanceNorm2d(out_channels, affine=True),
        )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.second = _Convolution(channels, channels, 3), _Convolution(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))
