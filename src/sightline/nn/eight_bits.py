"""A graph in eight bits: products of whole numbers, their ranges taken from real images.

Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR,
section 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sightline.core.errors import require

_WEIGHTED = ("Conv", "Gemm", "MatMul")
_PRODUCTS = ("Gemm", "MatMul")  # they can give float32 at no cost


def to_int8(graph: Any, batches: Iterable[np.ndarray]) -> Any:
    """Return a graph whose weights and activations have eight bits, their ranges taken from real images.

    Activations are unsigned and weights signed, each output channel with its own scale: that is what processors
    multiply quickly. What comes before the first layer with weights and behind the last stays in float32: scores in 256
    levels would tie.

    Parameters
    ----------
    graph
        From :func:`~sightline.nn.onnx_network.to_onnx`, with one input.
    batches
        B×C×H×W float32 arrays that show what activations are usual.

    Raises
    ------
    MissingExtraError
        When the extra ``export`` is not installed.
    """
    onnx, quantization = require("onnx"), require("onnxruntime.quantization")
    pixels = graph.graph.input[0].name

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.rest = iter(batches)

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.rest, None)
            return None if batch is None else {pixels: batch}

    with TemporaryDirectory() as folder:
        given, ready, path = (Path(folder) / name for name in ("given.onnx", "ready.onnx", "int8.onnx"))
        onnx.save(graph, given)
        require("onnxruntime.quantization.shape_inference").quant_pre_process(given, ready, skip_symbolic_shape=True)
        exact = onnx.load(ready)
        inside = _inside(exact.graph)
        quantization.quantize_static(
            ready,
            path,
            Reader(),
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=[node.name for node in exact.graph.node if node.name not in inside],
        )
        rounded = onnx.load(path)
    _leave_scores_whole(rounded.graph)
    return rounded


def _inside(graph: Any) -> set[str]:
    """Return the names of the nodes with weights, and of all that lie between two of them."""
    fed = {value.name for value in graph.initializer}
    weighted = {node.name for node in graph.node if node.op_type in _WEIGHTED}
    after: dict[str, bool] = {}  # tensor: whether a node with weights comes before it
    for node in graph.node:
        behind = node.name in weighted or any(after.get(name, False) for name in node.input if name not in fed)
        after.update(dict.fromkeys(node.output, behind))
    before: set[str] = set()  # tensors that reach a node with weights
    inside = set()
    for node in reversed(graph.node):
        leads = node.name in weighted or any(name in before for name in node.output)
        if leads:
            before.update(node.input)
        if node.name in weighted or (leads and any(after.get(name, False) for name in node.input)):
            inside.add(node.name)
    return inside


def _leave_scores_whole(graph: Any) -> None:
    """Take the rounding behind a last product out, in place: its answer leaves in float32."""
    makers = {name: node for node in graph.node for name in node.output}
    users = {name: [node for node in graph.node if name in node.input] for name in makers}
    last = [node for node in graph.node if node.op_type in _WEIGHTED][-1]
    rounding = users.get(last.output[0], [])
    if last.op_type not in _PRODUCTS or [node.op_type for node in rounding] != ["QuantizeLinear"]:
        return
    (widening,) = users[rounding[0].output[0]]
    name = widening.output[0]
    graph.node.remove(rounding[0])
    graph.node.remove(widening)
    last.output[0] = name
