"""Swin: attention inside windows of patches, which shift by half from block to block; patches merge on the way.

Liu, Lin, Cao, Hu, Wei, Zhang, Lin and Guo 2021, "Swin Transformer: Hierarchical Vision Transformer using Shifted
Windows", ICCV, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number
from sightline.core.types import Choice, Range
from sightline.nn.convolutional import Convolutional, PooledLinear, named, pixel_normalize
from sightline.nn.stochastic_depth import StochasticDepth


@dataclass(frozen=True)
class SwinConfig:
    """What makes one Swin differ from another.

    Parameters
    ----------
    dim
        Channels C of the first stage; each further stage has twice as many.
    blocks
        Number of blocks in each stage.
    heads
        Attention heads in each stage.
    drop
        Share of the images for which the last block is left out in training; earlier blocks less, in proportion.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    patch
        Side of a patch in pixels.
    window
        Side M of a window in patches.
    eps
        Added to the variance in the layer normalisations.
    """

    dim: int
    blocks: tuple[int, ...]
    heads: tuple[int, ...]
    drop: float
    classes: int = 1000
    in_channels: int = 3
    patch: int = 4
    window: int = 7
    eps: float = 1e-5


VARIANTS = {  # Liu 2021, sections 3.3 and A2.1, table 7
    "tiny": SwinConfig(96, (2, 2, 6, 2), (3, 6, 12, 24), 0.2),
    "small": SwinConfig(96, (2, 2, 18, 2), (3, 6, 12, 24), 0.3),
    "base": SwinConfig(128, (2, 2, 18, 2), (4, 8, 16, 32), 0.5),
    "large": SwinConfig(192, (2, 2, 18, 2), (6, 12, 24, 48), 0.2),
}


class WindowAttention(nn.Module):
    """softmax(q kᵀ/√d + B) v inside windows of M×M places; B depends on how two places lie to each other (equation 4).

    Parameters
    ----------
    dim
        Channels.
    heads
        Attention heads; they divide ``dim``.
    window
        M.
    shift
        By how many places the windows are moved, down and to the right; none where one window covers an axis, unless
        ``shifts_single`` is set, as the detectors built on Swin have it.
    """

    places: Tensor
    shifts_single = False

    def __init__(self, dim: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        self.bias = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        axis = torch.arange(window)
        grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij")).flatten(1)  # 2×M²
        apart = grid[:, :, None] - grid[:, None, :] + window - 1  # 2×M²×M², each 0 … 2M−2
        self.register_buffer("places", apart[0] * (2 * window - 1) + apart[1], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return B×H×W×C for B×H×W×C of any size; windows that stick out see zeros there."""
        height, width, side = x.shape[1], x.shape[2], self.window
        x = F.pad(x, (0, 0, 0, -width % side, 0, -height % side))
        padded = (x.shape[1], x.shape[2])
        shifts = tuple(self.shift if side < size or self.shifts_single else 0 for size in padded)
        x = x.roll((-shifts[0], -shifts[1]), (1, 2))
        x = to_windows(x, side)  # → B×windows×M²×C
        batch, count, places, dim = x.shape
        qkv = self.qkv(x).view(batch, count, places, 3, self.heads, dim // self.heads)
        q, k, v = qkv.permute(3, 0, 1, 4, 2, 5)  # → three of B×windows×h×M²×d
        bias = self.bias[self.places].permute(2, 0, 1)  # M²×M²×h → h×M²×M²
        if any(shifts):
            bias = bias + apart(padded, shifts, side, x)[:, None]  # → windows×h×M²×M²
        y = F.scaled_dot_product_attention(q, k, v, bias)
        y = self.out(y.transpose(2, 3).reshape(batch, count, places, dim))
        y = from_windows(y, side, padded).roll(shifts, (1, 2))
        return y[:, :height, :width]


def to_windows(x: Tensor, side: int) -> Tensor:
    """Cut B×H×W×C into windows of ``side``² places, row by row: B×windows×side²×C."""
    batch, height, width, dim = x.shape
    x = x.reshape(batch, height // side, side, width // side, side, dim)
    return x.transpose(2, 3).reshape(batch, -1, side * side, dim)


def from_windows(x: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """Lay B×windows×side²×C out as B×H×W×C again, ``size`` = (H, W)."""
    batch, _, _, dim = x.shape
    x = x.reshape(batch, size[0] // side, size[1] // side, side, side, dim)
    return x.transpose(2, 3).reshape(batch, *size, dim)


def apart(size: tuple[int, int], shifts: tuple[int, ...], side: int, like: Tensor) -> Tensor:
    """Return −100 where two places of a window were neighbours only because the map was rolled: windows×M²×M².

    Parameters
    ----------
    size
        (H, W) of the rolled map.
    shifts
        By how much it was rolled, for each axis.
    side
        M.
    like
        Gives the dtype and the device.
    """
    regions = torch.zeros((), dtype=torch.int64, device=like.device)
    for axis, (length, shift) in enumerate(zip(size, shifts, strict=True)):
        place = torch.arange(length, device=like.device)
        # Before the last window, in the last window, and what came around.
        region = (
            (place >= length - side).long() + (place >= length - shift).long() if shift else torch.zeros_like(place)
        )
        regions = 3 * regions + (region[:, None] if axis == 0 else region)
    windows = to_windows(regions[None, :, :, None], side)[0, :, :, 0]  # windows×M²
    return torch.where(windows[:, :, None] == windows[:, None, :], 0.0, -100.0).to(like.dtype)


class Block(nn.Module):
    """z′ = W-MSA(LN(z)) + z, then MLP(LN(z′)) + z′ (equation 3)."""

    def __init__(self, dim: int, heads: int, window: int, shift: int, drop: float, eps: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps)
        self.attention = WindowAttention(dim, heads, window, shift)
        self.norm2 = nn.LayerNorm(dim, eps)
        self.mlp = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))
        self.drop = StochasticDepth(drop)

    def forward(self, z: Tensor) -> Tensor:
        """Return the next B×H×W×C map."""
        z = z + self.drop(self.attention(self.norm1(z)))
        return z + self.drop(self.mlp(self.norm2(z)))


class Patches(nn.Sequential):
    """Patches of the image, each a vector: B×C×H×W → B×H/P×W/P×D; pixels that fill no patch are left out."""

    def __init__(self, in_channels: int, dim: int, patch: int, eps: float) -> None:
        super().__init__()
        self.projection = nn.Conv2d(in_channels, dim, patch, patch)
        self.channels_last = Permuted(0, 2, 3, 1)
        self.norm = nn.LayerNorm(dim, eps)


class Merge(nn.Module):
    """Four neighbours become one of twice the channels: B×H×W×C → B×⌈H/2⌉×⌈W/2⌉×2C."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim, eps)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next stage's map; an odd side gets a row or column of zeros."""
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        four = [x[:, row::2, column::2] for column in range(2) for row in range(2)]  # down first
        return self.reduction(self.norm(torch.cat(four, dim=-1)))


class Permuted(nn.Module):
    """The same tensor with its axes in another order."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        """Return a view."""
        return x.permute(self.axes)


def build(config: SwinConfig) -> tuple[nn.Sequential, nn.Module]:
    """Return the body, B×C×H×W → B×8D×H/32×W/32, and the head.

    Parameters
    ----------
    config
        Sizes of everything.
    """
    total, dim = sum(config.blocks), config.dim
    drops = iter(config.drop * place / max(1, total - 1) for place in range(total))
    layers: dict[str, nn.Module] = {"patches": Patches(config.in_channels, dim, config.patch, config.eps)}
    for stage, (count, heads) in enumerate(zip(config.blocks, config.heads, strict=True)):
        if stage:
            layers[f"merge{stage}"] = Merge(dim, config.eps)
            dim *= 2
        shifts = (0 if place % 2 == 0 else config.window // 2 for place in range(count))
        blocks = (Block(dim, heads, config.window, shift, next(drops), config.eps) for shift in shifts)
        layers[f"stage{stage}"] = nn.Sequential(*blocks)
    layers |= {"norm": nn.LayerNorm(dim, config.eps), "channels_first": Permuted(0, 3, 1, 2)}
    return named(**layers), PooledLinear(dim, config.classes)


@method(task="classification", paper="Liu 2021", lesson="w6d3")
def swin(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    variant: Annotated[str, Choice("tiny", "small", "base", "large")] = "tiny",
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    stem: Annotated[str, Choice("imagenet", "small")] = "imagenet",
    window: Annotated[int, Range(1, 256)] | None = None,
    drop: Annotated[float, Range(0, 1)] | None = None,
    eps: Annotated[float, Range(0, 1)] = 1e-5,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Convolutional:
    """Swin transformer with fresh weights, for images of any size.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        ``"tiny"`` (28.3 million weights), ``"small"`` (49.6), ``"base"`` (87.8) or ``"large"`` (196.5).
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    stem
        ``"imagenet"`` cuts patches of 4×4 pixels, for images from 32 pixels; ``"small"`` of 2×2, for 16 to 64.
    window
        Side of a window in patches; None takes 7, or 4 with the small stem. Maps that windows do not fill are padded.
    drop
        Share of the images for which the last block is left out in training, in 0–1; earlier blocks less. None takes
        the variant's, 0.2 to 0.5.
    eps
        Added to the variance in the layer normalisations.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes ImageNet's.

    Returns
    -------
    Convolutional
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or images are too small.

    References
    ----------
    Z. Liu, Y. Lin, Y. Cao, H. Hu, Y. Wei, Z. Zhang, S. Lin, B. Guo, "Swin Transformer: Hierarchical Vision Transformer
    using Shifted Windows", ICCV 2021.

    Examples
    --------
    >>> sum(p.numel() for p in swin().parameters())
    28288354
    """
    name = "swin"
    start = VARIANTS[choice(name, "variant", variant, tuple(VARIANTS))]
    small = choice(name, "stem", stem, ("imagenet", "small")) == "small"
    config = replace(
        start,
        classes=integer(name, "classes", classes, 1),
        in_channels=integer(name, "in_channels", in_channels, 1),
        patch=2 if small else 4,
        window=(4 if small else 7) if window is None else integer(name, "window", window, 1, 256),
        drop=start.drop if drop is None else number(name, "drop", drop, 0, 1),
        eps=number(name, "eps", eps, 0, 1),
    )
    body, head = build(config)
    model = Convolutional(name, pixel_normalize(name, in_channels, mean, std), body, head, smallest=16 if small else 32)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, WindowAttention):
            nn.init.trunc_normal_(module.bias, std=0.02)
    return model
