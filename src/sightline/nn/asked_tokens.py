"""Of what a transformer's last layers make of each token, only that is computed which is asked for in the end.

A class token answers alone: behind the last attention, the other 196 of a ViT/16 are computed for nobody, and they are
three quarters of that layer.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch.fx import GraphModule, Node

from sightline.nn.merged_layers import LINEAR

_aten = torch.ops.aten
SELECT, _NORM = _aten.select.int, _aten.layer_norm.default
_FIRST = (LINEAR, _NORM, _aten.gelu.default, _aten.relu.default, _aten.silu.default)
_BOTH = (_aten.add.Tensor, _aten.sub.Tensor)  # of two tensors of the same shape


def compute_asked_tokens(graph: GraphModule) -> None:
    """Choose a token before the layers that change each token by itself, not behind them, in place."""
    for node in list(graph.graph.nodes):
        if _takes_all(node):
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
    while any(_moved_up(graph, node) for node in list(graph.graph.nodes) if _chooses_token(node)):
        pass


def _takes_all(node: Node) -> bool:
    """Return whether a node is a slice from the first element to the last."""
    if node.target != _aten.slice.Tensor:
        return False
    given: dict[str, Any] = dict(zip(("dim", "start", "end", "step"), node.args[1:], strict=False))
    return given.get("start") in (None, 0) and given.get("end") in (None, sys.maxsize) and given.get("step", 1) == 1


def _chooses_token(node: Node) -> bool:
    given: Any = node.args
    return bool(node.target == SELECT and given[1] == 1 and given[0].meta["val"].ndim == 3)


def _moved_up(graph: GraphModule, choice: Node) -> bool:
    """Choose from what a layer is given; return False where it needs other tokens, or they are asked for as well."""
    source: Any = choice.args[0]
    inputs = _inputs_by_token(source)
    same = [user for user in source.users if user.target == SELECT and user.args == choice.args]
    if not inputs or len(same) != len(source.users):
        return False
    chosen = {}
    with graph.graph.inserting_before(source):
        for given in inputs:
            chosen[given] = graph.graph.call_function(SELECT, (given, *choice.args[1:]))
            chosen[given].meta["val"] = given.meta["val"].select(*choice.args[1:])
        layer = graph.graph.node_copy(source, lambda node: chosen.get(node, node))
    layer.meta["val"] = choice.meta["val"]
    for user in same:
        user.replace_all_uses_with(layer)
        graph.graph.erase_node(user)
    graph.graph.erase_node(source)
    return True


def _inputs_by_token(node: Any) -> list[Node]:
    """Return the inputs B×N×D of which a layer reads token n for token n of its result; none where it reads others."""
    tensors = [given for given in node.args if isinstance(given, Node) and given.op != "get_attr"]
    shapes = [given.meta["val"].shape for given in tensors if isinstance(given.meta.get("val"), torch.Tensor)]
    alone = node.target in _FIRST and len(tensors) == 1 and (node.target != _NORM or len(node.args[1]) == 1)
    together = node.target in _BOTH and len(tensors) == 2 == len(node.args)
    fits = len(shapes) == len(tensors) and all(len(shape) == 3 and shape == shapes[0] for shape in shapes)
    return tensors if fits and (alone or together) else []
