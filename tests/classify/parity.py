"""What the parity tests share: random weights that make every layer matter, and the largest difference of outputs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sightline.zoo import load_weights


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every tensor values that matter, statistics too, so that a map that mixes them up is found."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.ndim == 1 and value.is_floating_point():
                low, high = (0.5, 1.5) if "var" in name or name.endswith("weight") else (-0.2, 0.2)
                value.uniform_(low, high, generator=generator)
            elif value.ndim > 1 and ("pos" in name or "cls" in name or "class_token" in name):
                value.normal_(0, 0.5, generator=generator)
            elif value.ndim == 2 or (value.ndim == 4 and "proj" in name):  # sharp attention, patches that matter
                value.normal_(0, 2 / value[0].numel() ** 0.5, generator=generator)
    return model.eval()


def difference(
    ours: nn.Module, theirs: nn.Module, images: Tensor, logits: Callable[[Tensor], Tensor], naming: str
) -> float:
    """Copy their weights into ours; return the largest difference of logits, relative to the largest logit.

    Their model gets the normalised images, for it has no pixel statistics inside.
    """
    load_weights(ours, theirs.state_dict(), naming=naming)
    ours.eval()
    with torch.inference_mode():
        expected = logits(ours.normalize(images))  # type: ignore[operator]
        scale = max(1.0, expected.abs().max().item())
        return (ours(images) - expected).abs().max().item() / scale


def pixels(batch: int, channels: int, height: int, width: int, seed: int = 1) -> Tensor:
    """Return B×C×H×W random pixels in 0–1."""
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(seed))
