"""Convolutions and linear layers as oneDNN computes them best: weights laid out once, what follows done in registers.

Georganas et al. 2018, "Anatomy of High-Performance Deep Learning Convolutions on SIMD Architectures", SC: weights in
blocks as wide as a vector register, and the activation and the sum with a shortcut applied to a block of results while
it is in registers, rather than by another pass over memory.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule, Node

from sightline.nn import captured_graph as captured
from sightline.nn.layer import NONE, Activation, Layer, activation_of
from sightline.nn.merged_layers import CONVOLUTION, LINEAR, FramedPixels, convolution_options, only_user, weights_of
from sightline.nn.step_run import StepLayer, is_light_step, kind_of_step
from sightline.nn.winograd import WinogradConv, pays

_aten, _onednn = torch.ops.aten, torch.ops.mkldnn
_ADD = _aten.add.Tensor


_TO = _aten.to.dtype
_ONLY_FLOAT32 = (_aten.avg_pool3d.default,)  # PyTorch has no others of bfloat16


class PackedConvolution(nn.Module):
    """A convolution, the sum with a shortcut and the activation, by oneDNN.

    Parameters
    ----------
    layer
        What is computed; its activation after a sum is ``relu`` or none.
    dtype
        Of weights, maps and results: float32 or bfloat16. Sums are float32.
    """

    weight: Tensor
    bias: Tensor
    overwrites = False  # whether the shortcut, which nobody reads any more, becomes the result

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        super().__init__()
        self.activation = layer.activation.arguments
        self.places = [list(layer.padding), list(layer.stride), list(layer.dilation), layer.groups]
        weight = layer.weight.to(dtype).contiguous(memory_format=torch.channels_last)
        self.weight = _onednn._reorder_convolution_weight(weight, *self.places, list(layer.size))
        self.bias = layer.bias.to(dtype if layer.adds else torch.float32)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """Return B×out×H'×W'; the shortcut has this shape."""
        if shortcut is None:
            return _onednn._convolution_pointwise(x, self.weight, self.bias, *self.places, *self.activation)
        last = None if self.activation[0] == "none" else self.activation[0]
        rest = (self.weight, self.bias, *self.places, "add", 1.0, last, [], "")
        if self.overwrites:
            return _onednn._convolution_pointwise_.binary(shortcut, x, *rest)
        return _onednn._convolution_pointwise.binary(x, shortcut, *rest)


class PackedThreeByThree(nn.Module):
    """A convolution of 3×3 places at step 1: by Winograd's way where there are tiles enough, else by oneDNN.

    Parameters
    ----------
    layer
        What is computed; :func:`suits_winograd` says of which layers it can be.
    dtype
        Of maps and results, and of oneDNN's weights: float32 or bfloat16. Winograd's weights stay float32.
    """

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        super().__init__()
        self.direct = PackedConvolution(layer, dtype)
        self.spread = WinogradConv(layer.weight.float(), layer.bias.float(), layer.padding[0], layer.activation.name)
        self.filters, self.padding = len(layer.weight), layer.padding[0]

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """Return B×out×H'×W'; the shortcut has this shape."""
        return (self.spread if pays(x.shape, self.filters, self.padding, x.dtype) else self.direct)(x, shortcut)


def suits_winograd(layer: Layer, dtype: torch.dtype) -> bool:
    """Return whether a convolution is one of 3×3 at step 1 whose usual input Winograd's way is faster for.

    Parameters
    ----------
    layer
        What is computed.
    dtype
        Of maps: float32 or bfloat16.
    """
    plain = layer.stride == layer.dilation == (1, 1) and layer.groups == 1 and layer.activation.name in ("none", "relu")
    square = tuple(layer.weight.shape[2:]) == (3, 3) and layer.padding in ((0, 0), (1, 1))
    return plain and square and pays(layer.size, len(layer.weight), layer.padding[0], dtype)


class PackedLinear(nn.Module):
    """A linear layer with its activation, or the sum with a shortcut, by oneDNN.

    Parameters
    ----------
    layer
        What is computed; without activation where it adds.
    dtype
        Of weights, tokens and results: float32 or bfloat16. Sums are float32.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, layer: Layer, dtype: torch.dtype) -> None:
        super().__init__()
        self.activation = layer.activation.arguments
        weight = layer.weight.flatten(1).to(dtype)
        self.weight = _onednn._reorder_linear_weight(weight, math.prod(layer.size[:-1]))
        self.bias = layer.bias.to(dtype if layer.adds else torch.float32)

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """Return …×out; the shortcut has this shape."""
        if shortcut is None:
            return _onednn._linear_pointwise(x, self.weight, self.bias, *self.activation)
        return _onednn._linear_pointwise.binary(x, shortcut, self.weight, self.bias, "add")


class PackedPointwise(PackedLinear):
    """A convolution of one place and step 1: a linear layer of all places, which is asked for with less ado."""

    def forward(self, x: Tensor, shortcut: Tensor | None = None) -> Tensor:
        """Return B×out×H×W; the shortcut has this shape."""
        beside = None if shortcut is None else shortcut.permute(0, 2, 3, 1)
        return super().forward(x.permute(0, 2, 3, 1), beside).permute(0, 3, 1, 2)


def packed(layer: Layer, dtype: torch.dtype, framed: bool = False) -> nn.Module:
    """Return what computes a layer on this processor.

    Parameters
    ----------
    layer
        What is computed, and of which size.
    dtype
        Float32 or bfloat16.
    framed
        Whether it reads the pixels, around which there is a frame already.
    """
    if layer.weight.ndim == 4 and suits_winograd(layer, dtype):
        return PackedThreeByThree(layer, dtype)
    kind = kind_of_step(layer, framed) if dtype == torch.float32 and layer.size[0] == 1 else None
    if kind is not None:
        return StepLayer(layer, kind)
    if layer.weight.ndim == 2:
        return PackedLinear(layer, dtype)
    single = tuple(layer.weight.shape[2:]) == layer.stride == (1, 1) and layer.padding == (0, 0)
    if single and layer.groups == 1 and not (layer.adds and layer.activation != NONE):
        batch, channels, height, width = layer.size
        return PackedPointwise(replace(layer, size=(batch, height, width, channels)), dtype)
    return PackedConvolution(layer, dtype)


def pack_layers(graph: GraphModule, dtype: torch.dtype, batch: int) -> None:
    """Replace convolutions and linear layers, with the sums and activations behind them, in place.

    Parameters
    ----------
    graph
        From :func:`~sightline.nn.captured_graph.capture`; layers whose weights are computed stay as they are.
    dtype
        Float32 or bfloat16.
    batch
        Images that it will usually get at a time.
    """
    for node in reversed(list(graph.graph.nodes)):  # of two layers that are added, the later takes the other's result
        if node.target in (CONVOLUTION, LINEAR) and captured.constant(graph, node.args[1]) is not None:
            _pack(graph, node, dtype, batch)
    overwrite_shortcuts(graph)


def _pack(graph: GraphModule, node: Node, dtype: torch.dtype, batch: int) -> None:
    ends, shortcut, activation = [node], None, NONE
    user = only_user(node)
    if user is not None and (other := _added(user, node)) is not None:
        ends, shortcut = [*ends, user], other
        user = only_user(user)
    found = activation_of(user)
    allowed = shortcut is None or (node.target == CONVOLUTION and found == Activation("relu"))
    if user is not None and found is not None and allowed:
        ends, activation = [*ends, user], found
    layer = replace(_layer(graph, node, batch), activation=activation, adds=shortcut is not None)
    given = (node.args[0],) if shortcut is None else (node.args[0], shortcut)
    framed = _is_framed(graph, node)
    with graph.graph.inserting_before(ends[-1]):
        merged = captured.add_module(graph, "packed", packed(layer, dtype, framed), given)
    captured.replace(ends[-1], merged, *reversed(ends[:-1]))


def _added(node: Node, source: Node) -> Node | None:
    """Return what is added to ``source``, where it has the same shape; None otherwise."""
    if node.target != _ADD or node.kwargs or not all(isinstance(given, Node) for given in node.args):
        return None
    if source.target == CONVOLUTION and convolution_options(source)["groups"] != 1:  # which PyTorch adds in two steps
        return None
    other: Any = node.args[1] if node.args[0] is source else node.args[0]
    if other is source or other.op == "get_attr":
        return None
    return other if other.meta["val"].shape == source.meta["val"].shape else None


def _layer(graph: GraphModule, node: Node, batch: int) -> Layer:
    weight, bias = weights_of(graph, node)
    size = (batch, *map(int, node.args[0].meta["val"].shape[1:]))  # type: ignore[union-attr]
    if node.target == LINEAR:
        return Layer(weight, bias, size)
    options = convolution_options(node)
    stride, padding, dilation = ((options[name][0], options[name][1]) for name in ("stride", "padding", "dilation"))
    return Layer(weight, bias, size, NONE, False, stride, padding, dilation, options["groups"])


def all_are_light_steps(graph: GraphModule) -> bool:
    """Return whether a graph is one run of steps, of one image, that bfloat16 would not make faster.

    Parameters
    ----------
    graph
        As :func:`pack_layers` takes it.
    """
    layers = [node for node in graph.graph.nodes if node.target in (CONVOLUTION, LINEAR)]
    known = all(captured.constant(graph, node.args[1]) is not None for node in layers)
    return known and all(is_light_step(_layer(graph, node, 1), _is_framed(graph, node)) for node in layers)


def _is_framed(graph: GraphModule, node: Node) -> bool:
    """Return whether a layer reads the pixels, with a frame around them."""
    source: Any = node.args[0]
    return source.op == "call_module" and isinstance(graph.get_submodule(str(source.target)), FramedPixels)


def overwrite_shortcuts(graph: GraphModule) -> None:
    """Let sums be written over the shortcut where it is a layer's result that no later operation reads."""
    order = {node: place for place, node in enumerate(graph.graph.nodes)}
    for node in graph.graph.nodes:
        layer = _packed_layer(graph, node)
        if not isinstance(layer, PackedConvolution) or len(node.args) != 2:
            continue
        shortcut: Any = node.args[1]
        layers = [_packed_layer(graph, one) for one in (shortcut, *shortcut.users)]  # none of which returns a view
        last = max(order[user] for user in shortcut.users)
        layer.overwrites = None not in layers and last == order[node] and node.args[0] is not shortcut


def _packed_layer(graph: GraphModule, node: Node) -> nn.Module | None:
    return graph.get_submodule(str(node.target)) if node.op == "call_module" and "packed" in str(node.target) else None


def round_constants(graph: GraphModule, dtype: torch.dtype) -> None:
    """Give what layers read besides their packed weights the type of the maps, in place; of norms, they stay float32.

    Parameters
    ----------
    graph
        After :func:`pack_layers`.
    dtype
        Float32 or bfloat16.
    """
    for node in list(graph.graph.nodes):
        value = captured.constant(graph, node)
        if value is None or not value.is_floating_point():
            continue
        kept = torch.float32 if all(user.target == _aten.layer_norm.default for user in node.users) else dtype
        with graph.graph.inserting_before(node):
            captured.replace(node, captured.add_constant(graph, value.to(kept)))
    for module in graph.modules():
        if isinstance(module, FramedPixels):
            module.to(dtype)
    for node in list(graph.graph.nodes):
        if node.target in _ONLY_FLOAT32 and dtype != torch.float32:
            with graph.graph.inserting_before(node):
                node.args = (graph.graph.call_function(_TO, (node.args[0], torch.float32)), *node.args[1:])
            with graph.graph.inserting_after(node):
                rounded = graph.graph.call_function(_TO, (node, dtype))
            node.replace_all_uses_with(rounded, delete_user_cb=lambda user, own=rounded: user is not own)
