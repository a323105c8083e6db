"""What the parity tests share: random weights that make every layer matter, and the largest difference of outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from sightline.zoo import load_weights


def randomise(model: nn.Module, seed: int = 0) -> nn.Module:
    """Give every tensor values that matter, statistics too, so that a map that mixes them up is found."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if (value.ndim == 1 and value.is_floating_point()) or "layer_scale" in name:
                low, high = (0.5, 1.5) if "var" in name or name.endswith("weight") else (-0.2, 0.2)
                value.uniform_(low, high, generator=generator)
            elif value.ndim > 1 and ("pos" in name or "cls" in name or "class_token" in name):
                value.normal_(0, 0.5, generator=generator)
            elif value.ndim == 2 or (value.ndim == 4 and "proj" in name):  # sharp attention, patches that matter
                value.normal_(0, 2 / value[0].numel() ** 0.5, generator=generator)
    return model.eval()


class Answers(NamedTuple):
    """What the two heads of a DeiT say, in the order in which ours gives them: the teacher's first."""

    aux_logits: Tensor
    logits: Tensor


class Logits(nn.Module):
    """A classifier of transformers that answers with its logits alone."""

    def __init__(self, peer: nn.Module) -> None:
        super().__init__()
        self.peer = randomise(peer)

    def forward(self, images: Tensor) -> Tensor:
        """Return B×classes."""
        return self.peer(images).logits


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


def training_difference(ours: Any, theirs: nn.Module, images: Tensor) -> float:
    """Return the largest difference in train mode, relative, of all logits and of the running statistics.

    Both draw what they drop from the same state of the generator, and so must drop the same. Libraries disagree on how
    much a batch counts in the running statistics; ours is taken for both.
    """
    for one, other in zip(_norms(ours), _norms(theirs), strict=True):
        other.momentum = one.momentum
    ours.train()
    theirs.train()
    with torch.no_grad():
        torch.manual_seed(3)
        found = ours.all_logits(images) if hasattr(ours, "all_logits") else [ours(images)]
        torch.manual_seed(3)
        given = theirs(ours.normalize(images))
    by_name = given._asdict() if hasattr(given, "_asdict") else {"logits": given}
    expected = [by_name[name] for name in ("aux_logits1", "aux_logits2", "aux_logits", "logits") if name in by_name]
    pairs = [*zip(found, expected, strict=True), *zip(_variances(ours), _variances(theirs), strict=True)]
    return max((a - b).abs().max().item() / max(1.0, b.abs().max().item()) for a, b in pairs)


def _norms(model: nn.Module) -> list[nn.BatchNorm2d]:
    """Return the normalisations in their order, those of shortcuts last, for libraries disagree on where these stand.

    Those of classifiers on the way are left out: they stand elsewhere, too.
    """
    named = [(name.lower(), module) for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)]
    named.sort(key=lambda pair: "shortcut" in pair[0] or "downsample" in pair[0])
    return [module for name, module in named if not name.startswith("aux")]


def _variances(model: nn.Module) -> list[Tensor]:
    return [norm.running_var for norm in _norms(model) if norm.running_var is not None]


def pixels(batch: int, channels: int, height: int, width: int, seed: int = 1) -> Tensor:
    """Return B×C×H×W random pixels in 0–1."""
    return torch.rand(batch, channels, height, width, generator=torch.Generator().manual_seed(seed))
