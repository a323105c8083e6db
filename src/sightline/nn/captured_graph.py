"""A network written down as the list of operations that it does, so that operations can be merged.

What trains only is left out: dropout, and checks of what is known once the sizes of the images are.
"""

from __future__ import annotations

import copy
import operator
import warnings
from itertools import count
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import Graph, GraphModule, Node

from sightline.core.errors import InputError

_aten = torch.ops.aten
_NEUTRAL = (
    _aten.dropout.default,
    _aten.alias.default,
    _aten.detach.default,
    _aten.detach_.default,
    _aten.contiguous.default,
    _aten.lift_fresh_copy.default,
)
_FRESH = (_aten.conv2d.default, _aten.linear.default, _aten.batch_norm.default, _aten.add.Tensor)  # no views


def capture(model: nn.Module, shape: tuple[int, int, int]) -> GraphModule:
    """Return what a network does to images of one size, in evaluation mode, for batches of any number of them.

    Parameters
    ----------
    model
        From B×C×H×W float32 in 0–1 to a tensor, or to a tuple of them; it is not changed.
    shape
        C, H and W.

    Returns
    -------
    torch.fx.GraphModule
        Operations of ATen over copies of the weights, in float32 on the CPU. It returns a tuple.

    Raises
    ------
    InputError
        When its steps depend on what the images show, or it changes tensors that it was given.
    """
    own = copy.deepcopy(model).cpu().float().eval()
    free = ({0: torch.export.Dim("batch", max=2**31)},)  # PyTorch 2.6 compares sizes with its own "no end"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # about calls of its own that PyTorch will leave
        try:
            program = torch.export.export(own, (torch.zeros(2, *shape),), dynamic_shapes=free, strict=False)
            traced: Any = program.module()
        except Exception as error:  # the exporter's errors have no common ancestor but this, those of a network neither
            raise InputError(f"fuse: {type(model).__name__} cannot be captured: {_first_line(error)}") from error
    write_anew(traced.graph)
    changed = [str(node.target) for node in traced.graph.nodes if changes(node)]
    if changed:
        raise InputError(f"fuse: {type(model).__name__} cannot be captured: it changes a tensor by {changed[0]}.")
    traced.graph.set_codegen(torch.fx.graph.CodeGen())  # arguments as they are, not as a tree that is taken apart
    graph = GraphModule(traced, traced.graph)
    leave_out_checks(graph)
    fold_constants(graph)
    return tidy(graph)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def write_anew(graph: Graph) -> None:
    """Let activations that overwrite what a layer has just made return another tensor, in place: the same values."""
    for node in graph.nodes:
        name, _, overload = str(node.target).removeprefix("aten.").partition(".")
        twin = getattr(getattr(_aten, name[:-1], None), overload, None) if name.endswith("_") else None
        source: Any = node.args[0] if node.args else None
        if changes(node) and twin is not None and source.target in _FRESH and len(source.users) == 1:
            node.target = twin


def changes(node: Node) -> bool:
    """Return whether an operation writes to a tensor that it was given."""
    schema = getattr(node.target, "_schema", None)
    return node.target not in _NEUTRAL and schema is not None and bool(schema.is_mutable)


def leave_out_checks(graph: GraphModule) -> None:
    """Remove what changes nothing in evaluation, in place: dropout, guards, assertions, conversions to what is."""
    for node in list(graph.graph.nodes):
        if node.op == "call_module" and node.target == "_guards_fn":
            graph.graph.erase_node(node)
        elif node.op == "call_function" and (node.target in _NEUTRAL or _converts_nothing(node)):
            node.replace_all_uses_with(node.args[0])
            graph.graph.erase_node(node)
        elif node.op == "call_function" and "_assert" in str(node.target):
            graph.graph.erase_node(node)


def _converts_nothing(node: Node) -> bool:
    if not str(node.target).startswith("aten.to."):
        return False
    before, after = node.args[0].meta.get("val"), node.meta.get("val")  # type: ignore[union-attr]
    return before is not None and after is not None and before.dtype == after.dtype


def fold_constants(graph: GraphModule) -> None:
    """Compute once, in place, what no image has a part in: masks, places looked up in tables, shares of weights."""
    known: dict[Node, Any] = {}
    for node in list(graph.graph.nodes):
        if node.op == "get_attr":
            known[node] = constant(graph, node)
        elif node.op == "call_function" and all(given in known for given in node.all_input_nodes):
            values = torch.fx.node.map_arg((node.args, node.kwargs), lambda given: known[given])
            known[node] = node.target(*values[0], **values[1])  # type: ignore[operator]
    for node, value in known.items():
        outside = [user for user in node.users if user not in known]
        if node.op == "call_function" and outside and isinstance(value, Tensor):
            with graph.graph.inserting_before(node):
                kept = add_constant(graph, value)
            node.replace_all_uses_with(kept, delete_user_cb=lambda user: user not in known)


def constant(graph: GraphModule, node: Any) -> Tensor | None:
    """Return the tensor that a node stands for; None where the node is none, or what it holds is computed."""
    if not isinstance(node, Node) or node.op != "get_attr":
        return None
    return operator.attrgetter(str(node.target))(graph)


def add_constant(graph: GraphModule, value: Tensor) -> Node:
    """Keep a tensor in the graph; return a node that stands for it, at the place where nodes are inserted now."""
    name = _free_name(graph, "constant")
    graph.register_buffer(name, value.detach())
    return graph.graph.get_attr(name)


def add_module(graph: GraphModule, kind: str, module: nn.Module, given: tuple[Any, ...]) -> Node:
    """Keep a module in the graph; return a node that calls it, at the place where nodes are inserted now."""
    name = _free_name(graph, kind)
    graph.add_module(name, module)
    return graph.graph.call_module(name, given)


def _free_name(graph: GraphModule, kind: str) -> str:
    return next(name for name in (f"{kind}_{number}" for number in count()) if not hasattr(graph, name))


def replace(node: Node, other: Node, *merged: Node) -> None:
    """Let ``other`` stand for ``node``, which is removed, and so are nodes that were merged into it, last first."""
    other.meta = dict(node.meta)
    node.replace_all_uses_with(other)
    for gone in (node, *merged):
        gone.graph.erase_node(gone)


def tidy(graph: GraphModule) -> GraphModule:
    """Return a graph without what nobody asks for, weights too."""
    graph.graph.eliminate_dead_code()
    return GraphModule(graph, graph.graph)  # which copies what its operations name, and no more
