"""LeNet-5: convolve, subsample, convolve, subsample, decide. The net that read the cheques.

LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11),
section II.B. Layers carry the paper's names (C1, S2, C3, S4, C5, F6).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import integer
from sightline.core.errors import InputError
from sightline.core.types import Range
from sightline.nn.normalize import Normalize

SIZE = 32  # pixels a side that the net sees: digits of at most 20×20, centred in a field with room for every stroke end

# Which of the six S2 maps each of the sixteen C3 maps looks at (paper, Table I): it breaks the symmetry between maps.
C3_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip


@dataclass(frozen=True)
class LeNet5Config:
    """What may vary in LeNet-5.

    Parameters
    ----------
    classes
        Number of outputs.
    in_channels
        Channels of the images; the paper's are grey.
    mean, std
        Of every channel, in 0–1. The defaults map black to −0.1 and white to 1.175 (paper, section III.A): on MNIST
        that makes the mean about 0 and the variance about 1.
    """

    classes: int = 10
    in_channels: int = 1
    mean: float = 0.1 / 1.275
    std: float = 1 / 1.275


VARIANTS = {"lenet5": LeNet5Config()}  # LeCun 1998, Fig. 2


class ScaledTanh(nn.Module):
    """f(a) = A tanh(S a) with A = 1.7159 and S = 2/3, so that f(±1) = ±1 (paper, Appendix A)."""

    def forward(self, a: Tensor) -> Tensor:
        """Return f(a), element by element."""
        return 1.7159 * torch.tanh(a * (2 / 3))


class Subsample(nn.Module):
    """Add the four pixels of each 2×2 field, multiply by a trained coefficient, add a trained bias: one pair a map.

    Parameters
    ----------
    channels
        Number of maps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.coefficient = nn.Parameter(torch.full((channels,), 0.25))  # the sum starts as the average
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return B×C×H/2×W/2."""
        rows = x[..., ::2, :] + x[..., 1::2, :]  # B×C×H×W → B×C×H/2×W; twice as fast as average pooling on a CPU
        fields = rows[..., ::2] + rows[..., 1::2]  # → B×C×H/2×W/2
        return fields * self.coefficient.view(-1, 1, 1) + self.bias.view(-1, 1, 1)


class TableConv(nn.Conv2d):
    """A 5×5 convolution in which each output map sees only the input maps that a table lists.

    Parameters
    ----------
    in_channels
        Number of input maps.
    table
        For each output map the indices of its input maps.
    """

    connected: Tensor

    def __init__(self, in_channels: int, table: tuple[tuple[int, ...], ...]) -> None:
        super().__init__(in_channels, len(table), 5)
        connected = torch.zeros(len(table), in_channels, 1, 1)
        for row, inputs in enumerate(table):
            connected[row, list(inputs)] = 1
        self.register_buffer("connected", connected, persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        """Return B×rows×H−4×W−4."""
        return F.conv2d(input, self.weight * self.connected, self.bias)


class LeNet5(nn.Module):
    """LeNet-5 with a softmax output: B×C×H×W images of at most 32×32 → B×classes logits.

    The paper's ten RBF units with drawn codes are replaced by a linear layer, whose logits go to the cross-entropy;
    all before it is the paper's, the trained subsampling and the partial connections of C3 included.

    Parameters
    ----------
    config
        What varies.
    """

    def __init__(self, config: LeNet5Config) -> None:
        super().__init__()
        self.config = config
        self.normalize = Normalize([config.mean] * config.in_channels, [config.std] * config.in_channels)
        self.squash = ScaledTanh()
        self.c1 = nn.Conv2d(config.in_channels, 6, 5)
        self.s2 = Subsample(6)
        self.c3 = TableConv(6, C3_TABLE)
        self.s4 = Subsample(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(120, 84), ScaledTanh(), nn.Linear(84, config.classes))
        self._initialise()

    def _initialise(self) -> None:
        """Draw every weight from U(−2.4/F, 2.4/F), with F the number of inputs of the unit (paper, Appendix A)."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                fan_in = torch.full((module.weight.shape[0],), float(module.weight[0].numel()))
                if isinstance(module, TableConv):
                    fan_in = module.connected.sum(dim=(1, 2, 3)) * 25
                bound = (2.4 / fan_in).reshape(-1, *[1] * (module.weight.ndim - 1))
                nn.init.uniform_(module.weight, -1, 1).data.mul_(bound)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return B×classes logits."""
        return self.head(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return the 120 maps of C5, B×120×1×1."""
        return self.squash(self.c5(self.maps(images)))  # B×16×5×5 → B×120×1×1

    def maps(self, images: Tensor) -> Tensor:
        """Return the last maps that still have a place in the image, S4: B×16×5×5."""
        x = self.normalize(_centre(images))  # B×C×H×W → B×C×32×32
        x = self.squash(self.c1(x))  # → B×6×28×28
        x = self.squash(self.s2(x))  # → B×6×14×14
        x = self.squash(self.c3(x))  # → B×16×10×10
        return self.squash(self.s4(x))  # → B×16×5×5

    @property
    def cam_layer(self) -> nn.Module:
        """C3: ten places a side; S4 keeps five."""
        return self.c3

    def cam_map(self, output: Tensor) -> Tensor:
        """Return the maps of C3 as they are, B×16×10×10."""
        return output


def _centre(images: Tensor) -> Tensor:
    """Centre the images in a black field of 32×32."""
    height, width = images.shape[-2:]
    if height > SIZE or width > SIZE:
        raise InputError(
            f"lenet5: images must be at most {SIZE}×{SIZE} pixels; got {height}×{width}. "
            "Use sightline.image.resize(image, (28, 28)) first."
        )
    top, left = (SIZE - height) // 2, (SIZE - width) // 2
    return F.pad(images, (left, SIZE - width - left, top, SIZE - height - top))


@method(task="classification", paper="LeCun 1998", lesson="w4d3")
def lenet5(classes: Annotated[int, Range(1, 10**6)] = 10, *, in_channels: Annotated[int, Range(1, 4096)] = 1) -> LeNet5:
    """LeNet-5 with fresh weights: trained subsampling, scaled tanh, C3's partial connections, softmax output.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    in_channels
        Channels of the images: 1 grey, 3 RGB.

    Returns
    -------
    LeNet5
        A model from B×C×H×W float32 images in 0–1, light on dark and at most 32×32, to B×classes logits. NaN in an
        image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are larger than 32×32.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning Applied to Document Recognition",
    Proceedings of the IEEE 86(11), 1998.

    Examples
    --------
    >>> model = lenet5()
    >>> model(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    >>> sum(p.numel() for p in model.c1.parameters())
    156
    """
    classes = integer("lenet5", "classes", classes, 1)
    in_channels = integer("lenet5", "in_channels", in_channels, 1)
    return LeNet5(replace(VARIANTS["lenet5"], classes=classes, in_channels=in_channels))
