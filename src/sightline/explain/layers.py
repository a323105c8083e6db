"""The layers of a network that are worth looking at, found by running it once, and their outputs as maps with places.

Of note are convolutions, pools, other layers with weights of their own, and blocks of several of them; activations and
normalisations are not, nor are containers, whose output is that of the last layer in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from sightline.core.errors import InputError, suggest

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
_POOLS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
_SIZES = (224, 32)  # pixels a side that are tried: the usual one, and that of networks for small images
_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm)


@dataclass(frozen=True)
class Layer:
    """One layer of note, as it was in one run of the model.

    Parameters
    ----------
    name
        Its name in the model, as ``model.get_submodule`` takes it.
    kind
        Name of its class.
    shape
        What it gives for one image: (K, h, w), (K,) where nothing has a place, (N, K) for tokens.
    parameters
        Number of weights in it, those of the layers inside included.
    grid
        Rows and columns of its maps; (1, 1) where nothing has a place.
    skipped
        Tokens before those of the patches, such as the class token.
    channels_last
        Whether it gives B×h×w×K, as the blocks of a Swin transformer do.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    parameters: int
    grid: tuple[int, int] = (1, 1)
    skipped: int = field(default=0, repr=False)
    channels_last: bool = field(default=False, repr=False)

    def maps(self, output: Tensor) -> Tensor:
        """Return an output of this layer as maps B×K×h×w; tokens are laid out as the patches they come from."""
        if output.ndim == 4:
            return output.permute(0, 3, 1, 2) if self.channels_last else output
        if output.ndim == 3:
            output = output[:, self.skipped :].transpose(1, 2)  # B×N×K → B×K×N
        return output.reshape(len(output), -1, *self.grid)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "shape": list(self.shape),
            "grid": list(self.grid),
            "parameters": self.parameters,
        }


def layers_of(model: nn.Module, batch: Tensor) -> tuple[Layer, ...]:
    """Return the layers of note in the order in which they finish, each once.

    Parameters
    ----------
    model
        Any network, in evaluation mode.
    batch
        B×C×H×W that it takes; the first image is enough, and only it is run.
    """
    found: dict[str, Layer] = {}
    patches: list[tuple[int, int]] = []  # grids of convolutions so far: tokens come from one of them
    names = {module: name for name, module in model.named_modules() if _is_of_note(name, module)}

    def note(module: nn.Module, output: Tensor) -> None:
        if output.ndim > 2 and isinstance(module, nn.Linear):  # a part of a block of tokens, which is looked at whole
            return
        if len(output) != 1:  # windows, each an item of its own
            return
        last = output.ndim == 4 and _is_channels_last(module, output)
        if last:
            output = output.permute(0, 3, 1, 2)
        if output.ndim == 4 and isinstance(module, _CONVOLUTIONS):
            patches.append((output.shape[2], output.shape[3]))
        grid, skipped = _places(output, patches)
        weights = sum(parameter.numel() for parameter in module.parameters())
        found[names[module]] = Layer(
            names[module], type(module).__name__, tuple(output.shape[1:]), weights, grid, skipped, last
        )

    with watching(names, note), torch.no_grad():
        model(batch[:1])
    return tuple(found.values())


@contextmanager
def watching(modules: Any, see: Callable[[nn.Module, Tensor], None]) -> Iterator[None]:
    """Call ``see(module, output)`` whenever one of ``modules`` gives an output that is or begins with a tensor."""

    def hook(module: nn.Module, inputs: Any, output: Any) -> None:
        first = output[0] if isinstance(output, tuple) and output else output
        if isinstance(first, Tensor) and first.ndim in (2, 3, 4):
            see(module, first)

    handles = [module.register_forward_hook(hook) for module in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def outputs_of(model: nn.Module, batch: Tensor, names: tuple[str, ...]) -> dict[str, Tensor]:
    """Return what the named modules give for a batch; of one that runs several times, the last.

    Parameters
    ----------
    model
        In evaluation mode.
    batch
        B×C×H×W.
    names
        Of modules in it.
    """
    wanted = {model.get_submodule(name): name for name in names}
    seen: dict[str, Tensor] = {}

    def keep(module: nn.Module, output: Tensor) -> None:
        seen[wanted[module]] = output.detach().clone()  # a later layer may work in place

    with watching(wanted, keep), torch.no_grad():
        model(batch)
    return {name: seen[name] for name in names}


def layer_named(function: str, layers: tuple[Layer, ...], layer: str | nn.Module | None, model: nn.Module) -> Layer:
    """Return the layer that a name or a module of the model stands for; the last one with places when None.

    Parameters
    ----------
    function
        Name for the error's sentence.
    layers
        Those of note.
    layer
        As it was asked for.
    model
        Says the name of a module.
    """
    if layer is None:
        placed = [item for item in layers if math.prod(item.grid) > 1]
        if not placed:
            raise InputError(f"{function}: the model has no layer with places: nothing in it is a map of the image.")
        return placed[-1]
    wanted = layer
    if isinstance(layer, nn.Module):
        wanted = next((name for name, module in model.named_modules() if module is layer), type(layer).__name__)
    for item in layers:
        if item.name == wanted:
            return item
    known = [item.name for item in layers]
    raise InputError(
        f"{function}: layer must be one of the model's; got '{wanted}'.{suggest(str(wanted), known)} "
        f"Known: {', '.join(known[:12])}{', …' if len(known) > 12 else ''}."
    )


def layer_at(function: str, model: nn.Module, batch: Tensor, layer: str | nn.Module | None, share: float) -> Layer:
    """Return the layer that is meant, or of the layers with places the one at a share of the way, when None is.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        In evaluation mode.
    batch
        B×C×H×W that it takes.
    layer
        As it was asked for.
    share
        In 0–1, from the first to the last.
    """
    layers = layers_of(model, batch)
    placed = [item for item in layers if math.prod(item.grid) > 1]
    if layer is None and placed:
        return placed[round(share * (len(placed) - 1))]
    return layer_named(function, layers, layer, model)


def maps_of(model: nn.Module, batch: Tensor, layers: tuple[Layer, ...]) -> list[Tensor]:
    """Return the maps B×K×h×w of some layers for a batch, joined to it by the graph where it wants a gradient.

    Parameters
    ----------
    model
        In evaluation mode.
    batch
        B×C×H×W; of any size where the layers give maps, of the size that the layers were found with where they give
        tokens.
    layers
        Of this model.
    """
    names = {model.get_submodule(layer.name): layer.name for layer in layers}
    seen: dict[str, Tensor] = {}
    with watching(names, lambda module, output: seen.update({names[module]: output.clone()})):
        model(batch)
    outputs = [seen[layer.name] for layer in layers]
    return [layer.maps(out) for layer, out in zip(layers, outputs, strict=True)]


def blank_for(function: str, model: nn.Module, shape: tuple[int, int, int] | None = None) -> Tensor:
    """Return a grey image 1×C×H×W that the model takes.

    Parameters
    ----------
    function
        Name for the error's sentence.
    model
        Any network.
    shape
        Channels, height and width. None takes the channels of the first convolution, and the size that the model's
        configuration states, else 224×224, else 32×32 for a network that takes no larger ones.
    """
    first = next(model.parameters(), torch.zeros(()))
    if shape is not None:
        return torch.full((1, *_three(function, shape)), 0.5, device=first.device)
    conv = next((module for module in model.modules() if isinstance(module, nn.Conv2d)), None)
    config = getattr(model, "config", None)
    channels = conv.in_channels if conv else int(getattr(config, "in_channels", 3))
    stated = getattr(config, "size", None)
    for size in [tuple(stated)] if stated else [(side, side) for side in _SIZES]:
        blank = torch.full((1, channels, *size), 0.5, device=first.device)
        try:
            with torch.no_grad():
                model(blank)
        except (InputError, RuntimeError):  # a network for images of another size: the next one is tried
            continue
        return blank
    raise InputError(f"{function}: shape must be that of images which the model takes, like (3, 64, 64); got None.")


def _three(function: str, shape: Any) -> tuple[int, int, int]:
    numbers = list(shape) if isinstance(shape, (tuple, list)) else []
    if len(numbers) != 3 or not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in numbers):
        raise InputError(f"{function}: shape must be channels, height and width, like (3, 64, 64); got {shape!r}.")
    return numbers[0], numbers[1], numbers[2]


def _is_of_note(name: str, module: nn.Module) -> bool:
    if not name or isinstance(module, (*_CONTAINERS, *_NORMS)):
        return False
    if next(module.children(), None) is None:
        return isinstance(module, _POOLS) or any(True for _ in module.parameters(recurse=False))
    weighted = [m for m in module.modules() if isinstance(m, (*_CONVOLUTIONS, nn.Linear))]
    return len(weighted) >= 2 or isinstance(module, nn.MultiheadAttention)


def _is_channels_last(module: nn.Module, output: Tensor) -> bool:
    """Return whether B×h×w×K comes from a block that works on the last axis alone: it has no convolution."""
    parts = list(module.modules())
    if any(isinstance(part, (*_CONVOLUTIONS, *_POOLS)) for part in parts):
        return False
    widths = {part.out_features for part in parts if isinstance(part, nn.Linear)}
    widths |= {part.normalized_shape[-1] for part in parts if isinstance(part, nn.LayerNorm)}
    return output.shape[-1] in widths


def _places(output: Tensor, patches: list[tuple[int, int]]) -> tuple[tuple[int, int], int]:
    """Return rows and columns of an output's places, and how many tokens come before them."""
    if output.ndim == 4:
        return (output.shape[2], output.shape[3]), 0
    if output.ndim == 2:
        return (1, 1), 0
    tokens = output.shape[1]
    for rows, columns in reversed(patches):
        if 0 <= tokens - rows * columns <= 16:  # a class token, a distillation token, some registers
            return (rows, columns), tokens - rows * columns
    side = math.isqrt(tokens)
    return ((side, side), 0) if side * side == tokens else ((1, tokens), 0)
