"""Layers of a captured network that follow each other become one call."""

from __future__ import annotations

import operator
from typing import Any

import torch
from torch.fx import GraphModule, Node

from sightline.nn import captured_graph as captured
from sightline.nn.matrix_panels import LANES
from sightline.nn.merged_layers import FramedPixels
from sightline.nn.packed_layers import PackedThreeByThree
from sightline.nn.step_plan import Sizes
from sightline.nn.step_run import Program, Step, StepLayer, StepRun
from sightline.nn.step_work import AVERAGE, FRAME, LARGEST, MATRIX, SCALE, WINOGRAD

_aten = torch.ops.aten
_PASSED = ("get_attr", "placeholder")
_LAYERS = (StepLayer, PackedThreeByThree)


def join_steps(graph: GraphModule, dtype: torch.dtype) -> None:
    """Replace layers that can be steps, and what lies between them, by runs of them, in place.

    What takes the largest of windows becomes a step even alone: PyTorch takes longer for it.

    Parameters
    ----------
    graph
        Whose layers :func:`~sightline.nn.packed_layers.pack_layers` has made :class:`~sightline.nn.step_run.StepLayer`
        where they can be steps.
    dtype
        Of maps: float32, or bfloat16, of which only windows and Winograd's convolutions are steps.
    """
    runs: list[list[Node]] = [[]]
    for node in graph.graph.nodes:
        if _is_step(graph, node, dtype):
            runs[-1].append(node)
        elif node.op not in _PASSED and runs[-1]:
            runs.append([])
    for run in runs:
        alone = len(run) == 1 and isinstance(_module(graph, run[0]), PackedThreeByThree)  # a call as it is
        if not alone and any(isinstance(_module(graph, node), _LAYERS) or window_of(node) is not None for node in run):
            _join(graph, run, dtype)


def is_one_run(graph: GraphModule) -> bool:
    """Return whether a graph does nothing but one run of steps."""
    done = [node for node in graph.graph.nodes if node.op.startswith("call_")]
    return len(done) == 1 and isinstance(_module(graph, done[0]), StepRun)


def shorten_weights(graph: GraphModule) -> None:
    """Round the matrices that runs of steps multiply with to bfloat16, in place."""
    for module in graph.modules():
        if isinstance(module, StepRun):
            module.shorten_weights()


def _module(graph: GraphModule, node: Node) -> Any:
    return graph.get_submodule(str(node.target)) if node.op == "call_module" else None


def _shape(node: Any) -> tuple[int, ...]:
    """Return the shape of a node's value, without the number of images."""
    return tuple(int(side) for side in node.meta["val"].shape[1:])


def _is_step(graph: GraphModule, node: Node, dtype: torch.dtype) -> bool:
    module = _module(graph, node)
    if dtype != torch.float32:
        return isinstance(module, PackedThreeByThree) or window_of(node) is not None
    if isinstance(module, FramedPixels):
        return module.padding[0] == module.padding[1]
    if module is not None:
        return isinstance(module, _LAYERS) and all(given.op != "get_attr" for given in node.all_input_nodes)
    return _averages(node) or window_of(node) is not None or _scales(node) or _flattens(node)


def _is_map(node: Any) -> bool:
    """Return whether a node's value is B×C×H×W."""
    return isinstance(node, Node) and getattr(node.meta.get("val"), "ndim", 0) == 4


def _averages(node: Node) -> bool:
    """Return whether an operation averages over all pixels."""
    if not node.args or not _is_map(node.args[0]) or _shape(node.args[0])[0] < LANES or node.kwargs:
        return False
    if node.target == _aten.adaptive_avg_pool2d.default:
        return list(node.args[1]) == [1, 1]  # type: ignore[arg-type]
    return node.target == _aten.mean.dim and sorted(axis % 4 for axis in node.args[1]) == [2, 3]  # type: ignore


def window_of(node: Node) -> tuple[int, int, int] | None:
    """Return side, stride and padding of the windows whose largest numbers an operation takes; None for others."""
    if node.target != _aten.max_pool2d.default or not _is_map(node.args[0]) or _shape(node.args[0])[0] < LANES:
        return None
    names = ("kernel_size", "stride", "padding", "dilation", "ceil_mode")
    given = {"padding": 0, "dilation": 1, "ceil_mode": False} | dict(zip(names, node.args[1:], strict=False))
    given |= node.kwargs
    sides = [set(_listed(given.get(name) or given["kernel_size"])) for name in names[:2]]
    padding, dilation = (set(_listed(given[name])) for name in names[2:4])
    if given["ceil_mode"] or dilation != {1} or any(len(numbers) > 1 for numbers in (*sides, padding)):
        return None
    return sides[0].pop(), sides[1].pop(), padding.pop()


def _listed(value: Any) -> list[int]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _scales(node: Node) -> bool:
    """Return whether an operation multiplies a map with one number for each of its channels."""
    if node.target != _aten.mul.Tensor or not all(map(_is_map, (node, *node.args))):
        return False
    if any(given.op == "get_attr" for given in node.all_input_nodes):
        return False
    x, share, product = map(_shape, (*node.args, node))
    return x == product and share == (x[0], 1, 1) and x[0] >= LANES


def _flattens(node: Node) -> bool:
    """Return whether an operation takes off the sides of a map of one pixel."""
    if node.target != _aten.flatten.using_ints or list(node.args[1:]) not in ([1], [1, -1], [1, 3]):
        return False
    return _is_map(node.args[0]) and _shape(node.args[0])[1:] == (1, 1)


def _join(graph: GraphModule, run: list[Node], dtype: torch.dtype) -> None:
    program, known, given = Program(dtype=dtype), {}, []

    def number(node: Any) -> int:
        if node not in known:
            known[node] = program.value(_shape(node))
            program.given.append(known[node])
            given.append(node)
        return known[node]

    for node in run:
        if _flattens(node):  # the same numbers
            known[node] = number(node.args[0])
        else:
            x, beside = number(node.args[0]), number(node.args[1]) if _reads_two(graph, node) else None
            framed = _framed(graph, node)
            if framed is not None:
                program.steps.append(Step(framed, x, program.value(framed.after), bias=torch.zeros(framed.after[0])))
                x = program.steps[-1].y
            known[node] = program.value(_shape(node))
            program.steps.append(_step(graph, node, x, known[node], beside))
    _replace_run(graph, run, known, program, given)


def _replace_run(graph: GraphModule, run: list[Node], known: dict[Node, int], program: Program, given: Any) -> None:
    kept = {node for node in run if _flattens(node) and any(user not in run for user in node.users)}
    gone = [node for node in run if node not in kept]
    asked = [node for node in gone if any(user not in gone for user in node.users)]
    program.answers.extend(known[node] for node in asked)
    with graph.graph.inserting_before(run[0]):  # what it reads comes before: other operations end a run
        made = captured.add_module(graph, "steps", StepRun(program), tuple(given))
        found = [made]
        if len(asked) > 1:
            found = [graph.graph.call_function(operator.getitem, (made, place)) for place in range(len(asked))]
    for node, answer in zip(asked, found, strict=True):
        answer.meta = dict(node.meta)
        node.replace_all_uses_with(answer, delete_user_cb=lambda user: user not in gone)
    for node in reversed(gone):
        graph.graph.erase_node(node)


def _reads_two(graph: GraphModule, node: Node) -> bool:
    return _scales(node) or (isinstance(_module(graph, node), _LAYERS) and len(node.args) == 2)


def _framed(graph: GraphModule, node: Node) -> Sizes | None:
    """Return how zeros are put around what a layer reads, where products of whole lines need them."""
    module = _module(graph, node)
    if not isinstance(module, StepLayer) or module.kind != MATRIX or not module.padding:
        return None
    channels, high, wide = before = _as_map(_shape(node.args[0]))
    more = 2 * module.padding
    return Sizes(FRAME, before, (channels, high + more, wide + more), padding=module.padding)


def _step(graph: GraphModule, node: Node, x: int, y: int, beside: int | None) -> Step:
    before, after = (_as_map(_shape(given)) for given in (node.args[0], node))
    module = _module(graph, node)
    if isinstance(module, StepLayer):
        framed = _framed(graph, node)
        return Step(module.sizes(before if framed is None else framed.after, after), x, y, beside, module)
    if isinstance(module, PackedThreeByThree):
        sizes = Sizes(WINOGRAD, before, after, 3, 1, module.padding)
        return Step(sizes, x, y, beside, module.spread)
    if isinstance(module, FramedPixels):
        return Step(Sizes(FRAME, before, after, padding=module.padding[0]), x, y, bias=module.colour.reshape(-1))
    if (window := window_of(node)) is not None:
        return Step(Sizes(LARGEST, before, after, *window), x, y)
    return Step(Sizes(SCALE if beside is not None else AVERAGE, before, after), x, y, beside)


def _as_map(shape: tuple[int, ...]) -> tuple[int, int, int]:
    channels, high, wide = shape if len(shape) == 3 else (*shape, 1, 1)
    return channels, high, wide
