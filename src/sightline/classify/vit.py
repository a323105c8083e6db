"""Vision transformer: cut the image into patches, and let every patch attend to every other one.

Dosovitskiy et al. 2021, "An Image is Worth 16×16 Words: Transformers for Image Recognition at Scale", ICLR,
section 3.1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.catalogue import method
from sightline.core.checks import choice, integer, number, size_2d
from sightline.core.errors import InputError
from sightline.core.types import Choice, Range
from sightline.nn.normalize import Normalize
from sightline.nn.stochastic_depth import StochasticDepth

Size = int | tuple[int, int]


@dataclass(frozen=True)
class ViTConfig:
    """What makes one vision transformer differ from another.

    Parameters
    ----------
    dim
        Length D of a token.
    depth
        Number L of blocks.
    num_heads
        Attention heads; they divide ``dim``.
    size
        Height and width of the images that the position embeddings are made for, in pixels.
    patch
        Side P of a patch in pixels; it divides both.
    classes
        Number of outputs.
    in_channels
        Channels of the images.
    dropout
        Share of activations that training sets to zero.
    drop
        Share of the images for which the last block is left out in training; earlier blocks less, in proportion.
    eps
        Added to the variance in the layer normalisations; 1e-12 in transformers' checkpoints.
    mean, std
        Of the pixels in 0–1, one number for each channel; None takes 0.5 and 0.5, that is −1 to 1.
    """

    dim: int
    depth: int
    num_heads: int
    size: tuple[int, int] = (224, 224)
    patch: int = 16
    classes: int = 1000
    in_channels: int = 3
    dropout: float = 0.0
    drop: float = 0.0
    eps: float = 1e-6
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        return self.size[0] // self.patch, self.size[1] // self.patch


VARIANTS = {
    "tiny": ViTConfig(192, 12, 3),  # Touvron 2021, Table 1
    "small": ViTConfig(384, 12, 6),  # Touvron 2021, Table 1
    "base": ViTConfig(768, 12, 12),  # Dosovitskiy 2021, Table 1
    "large": ViTConfig(1024, 24, 16),  # Dosovitskiy 2021, Table 1
}


class Attention(nn.Module):
    """Multi-head self-attention, softmax(q kᵀ/√d) v (Appendix A)."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return B×N×D for tokens B×N×D."""
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.num_heads, dim // self.num_heads)  # B×N×D → B×N×3×h×d
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # → three of B×h×N×d
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, dim))  # B×h×N×d → B×N×D


class Block(nn.Module):
    """z′ = MSA(LN(z)) + z, then MLP(LN(z′)) + z′ (equations 2 and 3)."""

    def __init__(self, config: ViTConfig, drop: float = 0.0) -> None:
        super().__init__()
        dim = config.dim
        self.skip = StochasticDepth(drop)
        self.norm1 = nn.LayerNorm(dim, config.eps)
        self.attention = Attention(dim, config.num_heads)
        self.norm2 = nn.LayerNorm(dim, config.eps)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 4 * dim), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(4 * dim, dim)
        )
        self.drop = nn.Dropout(config.dropout)

    def forward(self, z: Tensor) -> Tensor:
        """Return the next B×N×D tokens."""
        z = z + self.skip(self.drop(self.attention(self.norm1(z))))
        return z + self.skip(self.drop(self.mlp(self.norm2(z))))


class ViT(nn.Module):
    """Patches, class token, positions, blocks, head: B×C×H×W images in 0–1 → B×classes logits.

    Images of another size than the configured one work too, in whole patches: the positions are then interpolated.

    Parameters
    ----------
    config
        Sizes of everything.
    """

    first = 1  # tokens that stand before those of the patches

    def __init__(self, config: ViTConfig) -> None:
        super().__init__()
        self.config = config
        half = (0.5,) * config.in_channels
        self.normalize = Normalize(config.mean or half, config.std or half)
        self.patches = nn.Conv2d(config.in_channels, config.dim, config.patch, config.patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, config.dim))
        self.positions = nn.Parameter(torch.zeros(1, 1 + math.prod(config.grid), config.dim))
        self.drop = nn.Dropout(config.dropout)
        last = max(1, config.depth - 1)
        self.blocks = nn.ModuleList(Block(config, config.drop * place / last) for place in range(config.depth))
        self.norm = nn.LayerNorm(config.dim, config.eps)
        self.head: nn.Module = nn.Linear(config.dim, config.classes)
        self._grid = config.grid  # of the images seen last, for cam_map
        self._initialise()

    def _initialise(self) -> None:
        for parameter in (self.class_token, self.positions):
            nn.init.trunc_normal_(parameter, std=0.02)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Return B×classes logits."""
        return self.head(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return the class token after the last block, normalised: y = LN(z⁰), B×D (equation 4)."""
        z = self.embed(images)
        for block in self.blocks:
            z = block(z)
        return self.norm(z)[:, 0]  # B×(1+N)×D → B×D

    def embed(self, images: Tensor) -> Tensor:
        """Return the tokens that enter the first block, B×(1+N)×D (equation 1)."""
        patch = self.config.patch
        if images.shape[-2] % patch or images.shape[-1] % patch:
            raise InputError(
                f"vit: images must be whole patches of {patch}×{patch} pixels; "
                f"got {images.shape[-2]}×{images.shape[-1]}. Use sightline.image.resize first."
            )
        x = self.patches(self.normalize(images))  # B×C×H×W → B×D×H/P×W/P
        self._grid = (x.shape[2], x.shape[3])
        x = x.flatten(2).transpose(1, 2)  # → B×N×D, row by row
        x = torch.cat([self.tokens().expand(x.shape[0], -1, -1), x], dim=1)  # → B×(1+N)×D
        return self.drop(x + resize_positions(self.positions, self.config.grid, self._grid, self.first))

    def tokens(self) -> Tensor:
        """Return the tokens that stand before those of the patches, 1×1×D."""
        return self.class_token

    @property
    def cam_layer(self) -> nn.Module:
        """What the last attention reads: behind it only the class token still counts."""
        return self.blocks[-1].norm1  # type: ignore[return-value]

    @property
    def cam_grid(self) -> tuple[int, int]:
        """Rows and columns of patches in the images that went through last."""
        return self._grid

    def cam_map(self, output: Tensor) -> Tensor:
        """Drop the class token and lay the patches out: B×(1+N)×D → B×D×H/P×W/P."""
        return output[:, self.first :].transpose(1, 2).unflatten(2, self._grid)


def resize_positions(positions: Tensor, grid: tuple[int, int], new_grid: tuple[int, int], before: int = 1) -> Tensor:
    """Interpolate position embeddings 1×(1+N)×D from one grid of patches to another, bicubic.

    Parameters
    ----------
    positions
        Of the tokens that stand before the patches' and of the patches, row by row.
    grid, new_grid
        (rows, columns).
    before
        How many tokens stand before; they keep theirs.
    """
    if grid == new_grid:
        return positions
    first, rest = positions[:, :before], positions[:, before:]
    rest = rest.unflatten(1, grid).permute(0, 3, 1, 2)  # 1×N×D → 1×rows×columns×D → 1×D×rows×columns
    rest = F.interpolate(rest, new_grid, mode="bicubic", align_corners=False)
    return torch.cat([first, rest.flatten(2).transpose(1, 2)], dim=1)  # → 1×N′×D → 1×(1+N′)×D


@method(task="classification", paper="Dosovitskiy 2021", lesson="w6d3")
def vit(
    classes: Annotated[int, Range(1, 10**6)] = 1000,
    *,
    variant: Annotated[str, Choice("tiny", "small", "base", "large")] = "base",
    size: Size = 224,
    patch: Annotated[int, Range(1, 1024)] | None = None,
    dim: Annotated[int, Range(1, 65536)] | None = None,
    depth: Annotated[int, Range(1, 1024)] | None = None,
    num_heads: Annotated[int, Range(1, 1024)] | None = None,
    in_channels: Annotated[int, Range(1, 4096)] = 3,
    dropout: Annotated[float, Range(0, 1)] = 0.0,
    drop: Annotated[float, Range(0, 1)] = 0.0,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> ViT:
    """Vision transformer of any size with fresh weights: a variant, changed where arguments say so.

    Parameters
    ----------
    classes
        Number of classes, ≥ 1.
    variant
        Where ``dim``, ``depth`` and ``num_heads`` come from when they are not given.
    size
        Side of the images in pixels, or (height, width).
    patch
        Side of a patch in pixels, a divisor of the size. None takes 16, or less where the image would have fewer than
        7 patches a side.
    dim
        Length of a token, a multiple of ``num_heads``.
    depth
        Number of blocks.
    num_heads
        Attention heads of each block.
    in_channels
        Channels of the images: 3 RGB, 1 grey.
    dropout
        Share of activations that training sets to zero, in 0–1.
    drop
        Share of the images for which the last block is left out in training (stochastic depth), in 0–1; earlier blocks
        less, in proportion, and the first never.
    mean, std
        Of the pixels in 0–1, one number for each channel, deviations > 0; None takes 0.5, that is −1 to 1.

    Returns
    -------
    ViT
        A model from B×C×H×W float32 images in 0–1 to B×classes logits. NaN in an image propagates to its logits.

    Raises
    ------
    InputError
        When an argument is out of its range, or patches and heads do not divide.

    References
    ----------
    A. Dosovitskiy et al., "An Image is Worth 16×16 Words: Transformers for Image Recognition at Scale", ICLR 2021.

    Examples
    --------
    >>> model = vit(10, variant="tiny", size=32, patch=4, depth=2)
    >>> model(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 10])
    >>> model(torch.zeros(1, 3, 48, 32)).shape
    torch.Size([1, 10])
    """
    start = VARIANTS[choice("vit", "variant", variant, tuple(VARIANTS))]
    height, width = size_2d("vit", "size", (size, size) if isinstance(size, int) else size)
    in_channels = integer("vit", "in_channels", in_channels, 1)
    config = replace(
        start,
        dim=start.dim if dim is None else integer("vit", "dim", dim, 1),
        depth=start.depth if depth is None else integer("vit", "depth", depth, 1),
        num_heads=start.num_heads if num_heads is None else integer("vit", "num_heads", num_heads, 1),
        size=(height, width),
        patch=suited_patch(height, width) if patch is None else integer("vit", "patch", patch, 1),
        classes=integer("vit", "classes", classes, 1),
        in_channels=in_channels,
        dropout=number("vit", "dropout", dropout, 0, 1),
        drop=number("vit", "drop", drop, 0, 1),
        mean=(0.5,) * in_channels if mean is None else tuple(mean),
        std=(0.5,) * in_channels if std is None else tuple(std),
    )
    if height % config.patch or width % config.patch:
        raise InputError(f"vit: patch must divide the size {height}×{width}; got {config.patch}.")
    if config.dim % config.num_heads:
        raise InputError(f"vit: num_heads must divide dim {config.dim}; got {config.num_heads}.")
    return ViT(config)


def suited_patch(height: int, width: int) -> int:
    """Return the largest divisor of both sides that is at most 16 and leaves 7 patches a side, where one does.

    Parameters
    ----------
    height, width
        Of the images, in pixels.
    """
    most = min(16, max(1, min(height, width) // 7))
    return next(side for side in range(most, 0, -1) if height % side == 0 and width % side == 0)
