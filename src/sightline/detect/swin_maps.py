"""A backbone of windows: Swin's body gives out the maps of its last three stages, each normalised.

Liu et al. 2021, "Swin Transformer", ICCV, section 4.2. The classifier is found in the catalogue by name: what
classifies and what detects do not import each other.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from sightline.core.catalogue import find

_TAPS = (1, 2, 3)  # the stages at 1/8, 1/16 and 1/32 of the side


class SwinMaps(nn.Module):
    """From normalised pixels to maps of stride 8, 16 and 32: B×3×H×W, sides multiples of 4.

    Parameters
    ----------
    body
        Of ``classify.swin``; its patches, stages and merges are taken, not copied.
    """

    def __init__(self, body: nn.Sequential) -> None:
        super().__init__()
        layers = dict(body.named_children())
        self.body = nn.ModuleDict(
            {name: layer for name, layer in layers.items() if name not in ("norm", "channels_first")}
        )
        merges: list[Any] = [layers[f"merge{stage}"] for stage in _TAPS]
        self.channels = tuple(merge.reduction.out_features for merge in merges)
        self.norms = nn.ModuleDict(
            {f"stage{stage}": nn.LayerNorm(c) for stage, c in zip(_TAPS, self.channels, strict=True)}
        )
        for stage in range(len(_TAPS) + 1):
            for block in self.body[f"stage{stage}"]:  # type: ignore[union-attr]
                block.attention.shifts_single = True

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return three maps B×C×H×W, the finest first."""
        maps = []
        for name, layer in self.body.items():
            x = layer(x)  # B×H×W×C
            if name in self.norms:
                maps.append(self.norms[name](x).permute(0, 3, 1, 2))
        return maps


def swin_maps(variant: str, window: int) -> SwinMaps:
    """Return the backbone with fresh weights.

    Parameters
    ----------
    variant
        Of ``classify.swin``.
    window
        Side of a window in patches.
    """
    return SwinMaps(find("classify.swin").function(1, variant=variant, window=window).body)
