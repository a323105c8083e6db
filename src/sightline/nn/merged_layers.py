"""Layers that are merged into the one before or behind them, with the same result: norms, scales, pixel statistics.

Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
CVPR, section 3.2: γ·(w∗x − μ)/σ + β is one convolution with the weights γ·w/σ and the bias β − γ·μ/σ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from sightline.nn.captured_graph import add_constant, add_module, constant, replace

_aten = torch.ops.aten
CONVOLUTION, LINEAR = _aten.conv2d.default, _aten.linear.default
_NORM = _aten.batch_norm.default


@dataclass(frozen=True)
class Affine:
    """y = scale·x + shift, channel by channel, in float64.

    Parameters
    ----------
    scale, shift
        One number for each channel.
    """

    scale: Tensor
    shift: Tensor


class FramedPixels(nn.Module):
    """Images in the order of memory that convolutions read best, framed by pixels of one colour.

    Parameters
    ----------
    colour
        Of the frame, one number for each channel.
    padding
        Rows above and below, columns left and right.
    """

    colour: Tensor

    def __init__(self, colour: Tensor, padding: tuple[int, int]) -> None:
        super().__init__()
        self.register_buffer("colour", colour.reshape(1, -1, 1, 1).clone())
        self.padding = padding

    def forward(self, images: Tensor) -> Tensor:
        """Return B×C×(H+2·rows)×(W+2·columns), of the colour's type."""
        count, channels, height, width = images.shape
        rows, columns = self.padding
        size = (count, channels, height + 2 * rows, width + 2 * columns)
        framed = torch.empty(size, dtype=self.colour.dtype, memory_format=torch.channels_last)
        if rows:
            framed[:, :, :rows] = framed[:, :, rows + height :] = self.colour
        if columns:
            framed[..., :columns] = framed[..., columns + width :] = self.colour
        framed[:, :, rows : rows + height, columns : columns + width] = images
        return framed


def frame_pixels(graph: GraphModule) -> None:
    """Let images enter through :class:`FramedPixels`, and the first convolution take their statistics, in place.

    Mean and deviation of the pixels go into the weights of that convolution. A frame of zeros around normalised pixels
    is a frame of the mean around pixels as they are, so the frame is laid here and the convolution needs none.
    """
    (images,) = (node for node in graph.graph.nodes if node.op == "placeholder")
    asking = [user for user in images.users if user.target != _aten.sym_size.int]
    chain = _normalised_convolution(graph, asking[0]) if len(asking) == 1 else None
    mean, padding = torch.zeros(images.meta["val"].shape[1]), [0, 0]
    if chain is not None:
        mean, padding = _take_statistics(graph, *chain)
    with graph.graph.inserting_after(images):
        framed = add_module(graph, "framed", FramedPixels(mean, (padding[0], padding[1])), (images,))
    sides = (side + 2 * more for side, more in zip(images.meta["val"].shape[2:], padding, strict=True))
    framed.meta["val"] = torch.empty(2, len(mean), *sides, device="meta")
    for user in [chain[2]] if chain is not None else asking:
        user.replace_input_with(images, framed)


def _normalised_convolution(graph: GraphModule, less: Node) -> tuple[Node, Node, Node] | None:
    """Return the nodes of (x − mean) / std and of the convolution behind; None where there are others."""
    over = only_user(less)
    layer = None if over is None else only_user(over)
    if over is None or layer is None or (less.target, over.target) != (_aten.sub.Tensor, _aten.div.Tensor):
        return None
    known = all(constant(graph, node.args[1]) is not None for node in (less, over, layer))
    return (less, over, layer) if known and layer.target == CONVOLUTION and layer.args[0] is over else None


def _take_statistics(graph: GraphModule, less: Node, over: Node, layer: Node) -> tuple[Tensor, list[int]]:
    """Merge mean and deviation into a convolution; return the mean, and the padding that it needs no longer."""
    mean, std = (_known(graph, node) for node in (less, over))
    options, (weight, bias) = convolution_options(layer), weights_of(graph, layer)
    scaled = weight / _beside(std, layer, options["groups"])
    moved = bias - (scaled * _beside(mean, layer, options["groups"])).sum(dim=(1, 2, 3))
    put_weights(graph, layer, scaled, moved)
    layer.args = (less.args[0], *layer.args[1:3], options["stride"], [0, 0], options["dilation"], options["groups"])
    for gone in (over, less):
        graph.graph.erase_node(gone)
    return mean.reshape(-1), options["padding"]


def _known(graph: GraphModule, node: Node) -> Tensor:
    value: Any = constant(graph, node.args[1])
    return value


def _beside(values: Any, layer: Node, groups: int) -> Tensor:
    """Return the statistics of the channels that each filter reads: out×in÷groups×1×1."""
    parts = values.double().reshape(groups, -1)
    return parts.repeat_interleave(layer.meta["val"].shape[1] // groups, dim=0)[:, :, None, None]


def merge_affine(graph: GraphModule) -> None:
    """Multiply norms, scales and shifts of channels into the convolution or the linear layer before them, in place."""
    for node in list(graph.graph.nodes):
        if node.target not in (CONVOLUTION, LINEAR) or constant(graph, node.args[1]) is None:
            continue
        while (user := only_user(node)) is not None and (affine := affine_of(graph, user, node)) is not None:
            weight, bias = weights_of(graph, node)
            scale = affine.scale.view(-1, *[1] * (weight.ndim - 1))
            put_weights(graph, node, weight * scale, bias * affine.scale + affine.shift)
            node.meta = dict(user.meta)
            user.replace_all_uses_with(node)
            graph.graph.erase_node(user)


def write_norms_as_convolutions(graph: GraphModule) -> None:
    """Make norms of maps that stand alone depthwise convolutions of one place, which take an activation along."""
    for node in list(graph.graph.nodes):
        if node.target != _NORM or node.meta["val"].ndim != 4:
            continue
        affine = _of_norm(graph, node)
        if affine is None:
            continue
        channels = len(affine.scale)
        with graph.graph.inserting_before(node):
            weight = add_constant(graph, affine.scale.view(-1, 1, 1, 1))
            bias = add_constant(graph, affine.shift)
            given = (node.args[0], weight, bias, [1, 1], [0, 0], [1, 1], channels)
            replace(node, graph.graph.call_function(CONVOLUTION, given))


def affine_of(graph: GraphModule, node: Node, source: Node) -> Affine | None:
    """Return what a node does to each channel of ``source``; None where it does anything else.

    Parameters
    ----------
    graph
        Whose constants it reads.
    node
        A norm, or a sum, difference, product or quotient with a number, or with one for each channel.
    source
        A convolution, whose channels are along axis 1, or a linear layer, where they are along the last one.
    """
    if node.target == _NORM:
        return _of_norm(graph, node) if source.target == CONVOLUTION or source.meta["val"].ndim == 2 else None
    if node.target not in _SCALES or node.kwargs or len(node.args) != 2:
        return None
    first, second = node.args
    if second is source and node.target in (_aten.sub.Tensor, _aten.div.Tensor):
        return None
    other = constant(graph, second if first is source else first)
    if isinstance(second, (int, float)):
        other = torch.tensor(float(second))
    values = None if other is None else _for_channels(other.double(), source)
    return None if values is None else _SCALES[node.target](values)


_SCALES: dict[Any, Any] = {
    _aten.add.Tensor: lambda x: Affine(torch.ones_like(x), x),
    _aten.sub.Tensor: lambda x: Affine(torch.ones_like(x), -x),
    _aten.mul.Tensor: lambda x: Affine(x, torch.zeros_like(x)),
    _aten.div.Tensor: lambda x: Affine(1 / x, torch.zeros_like(x)),
}


def _for_channels(value: Tensor, source: Node) -> Tensor | None:
    """Return a constant as one number for each channel; None where it changes from place to place."""
    shape = source.meta["val"].shape
    axis = 1 if source.target == CONVOLUTION else len(shape) - 1
    channels = shape[axis]
    if value.numel() == 1:
        return value.reshape(1).expand(channels).clone()
    full = [1] * (len(shape) - value.ndim) + list(value.shape)
    return value.reshape(-1) if len(full) == len(shape) and full[axis] == value.numel() == channels else None


def _of_norm(graph: GraphModule, node: Node) -> Affine | None:
    """Return what batch normalisation by kept statistics does; None where it takes those of the batch."""
    weight, bias, mean, variance = (constant(graph, given) for given in node.args[1:5])
    training, eps = node.args[5], float(node.args[7])  # type: ignore[arg-type]
    if training or mean is None or variance is None:
        return None
    scale = (variance.double() + eps).rsqrt() * (1.0 if weight is None else weight.double())
    return Affine(scale, (0.0 if bias is None else bias.double()) - mean.double() * scale)


def convolution_options(node: Node) -> dict[str, Any]:
    """Return ``stride``, ``padding``, ``dilation`` (two numbers each) and ``groups`` of a convolution."""
    names, usual = ("stride", "padding", "dilation", "groups"), ([1, 1], [0, 0], [1, 1], 1)
    given = dict(zip(names, usual, strict=True)) | dict(zip(names, node.args[3:], strict=False)) | node.kwargs
    return {name: _two(given[name]) for name in names[:3]} | {"groups": given["groups"]}


def _two(value: Any) -> list[int]:
    return list(value) * (2 // len(value))


def weights_of(graph: GraphModule, node: Node) -> tuple[Tensor, Tensor]:
    """Return the weight and the bias of a layer in float64, zeros where it has none."""
    weight: Any = constant(graph, node.args[1])
    bias = constant(graph, node.args[2]) if len(node.args) > 2 else None
    zero = torch.zeros(weight.shape[0], dtype=torch.float64)
    return weight.detach().double(), zero if bias is None else bias.detach().double()


def put_weights(graph: GraphModule, node: Node, weight: Tensor, bias: Tensor) -> None:
    """Give a layer another weight and bias, in place, in float64: they are rounded once, when they are packed."""
    with graph.graph.inserting_before(node):
        kept = [add_constant(graph, value) for value in (weight, bias)]
    node.args = (node.args[0], *kept, *node.args[3:])


def only_user(node: Node) -> Node | None:
    """Return the one operation that reads a node's result; None where there are none or several."""
    return next(iter(node.users)) if len(node.users) == 1 else None
