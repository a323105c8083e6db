"""Tower: the same 3×3 convolution a few times over, the same weights at every level of a pyramid.

Lin et al. 2017, "Focal Loss for Dense Object Detection", ICCV, section 4 (four of them before each answer); group
normalisation between them after Tian et al. 2019, "FCOS", ICCV, section 4.
"""

from __future__ import annotations

from torch import Tensor, nn

_GROUPS = 32


class ConvTower(nn.Sequential):
    """Convolutions that keep width and size, each with its activation: B×C×H×W → B×C×H×W.

    Parameters
    ----------
    channels
        C; a multiple of 32 where there is a normalisation.
    depth
        Number of convolutions.
    norm
        Whether groups of channels are normalised after each convolution.
    bias
        Whether the convolutions have biases.

    Examples
    --------
    >>> import torch
    >>> ConvTower(8, 2)(torch.zeros(1, 8, 5, 4)).shape
    torch.Size([1, 8, 5, 4])
    """

    def __init__(self, channels: int, depth: int, *, norm: bool = False, bias: bool = True) -> None:
        super().__init__(*(_Layer(channels, norm, bias) for _ in range(depth)))


class _Layer(nn.Module):
    def __init__(self, channels: int, norm: bool, bias: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=bias)
        self.norm = nn.GroupNorm(_GROUPS, channels) if norm else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return (y if self.norm is None else self.norm(y)).relu()


def rows(x: Tensor, columns: int) -> Tensor:
    """Return what a convolution says at each place as rows, places first, then anchors: B×(A·K)×H×W → B×(H·W·A)×K.

    Parameters
    ----------
    x
        The answers, anchors times columns as channels.
    columns
        K.
    """
    batch, _, height, width = x.shape
    return x.view(batch, -1, columns, height, width).permute(0, 3, 4, 1, 2).reshape(batch, -1, columns)
