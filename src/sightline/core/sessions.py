"""ONNX Runtime's sessions: opened one way, quiet and on the CPU."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from sightline.core.errors import FormatError, require

_ROUNDED = b"QuantizeLinear"  # a graph in eight bits


def open_session(graph: bytes, *, threads: int = 0, name: str = "the graph") -> Any:
    """Return a session that runs an ONNX graph on the CPU.

    Parameters
    ----------
    graph
        Bytes of an ``.onnx`` file.
    threads
        Of one operation, ≥ 0; 0 takes one for each core.
    name
        What errors call the graph.

    Raises
    ------
    MissingExtraError
        When the extra ``export`` is not installed.
    FormatError
        When the bytes are no graph that can be run.
    """
    runtime = require("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    if _ROUNDED in graph and not _adds_exactly():
        options.add_session_config_entry("session.x64quantprecision", "1")  # slower, and exact
    try:
        return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes of errors have no common ancestor but this
        said = str(error).splitlines()[0].partition(" : ")[2] or str(error).splitlines()[0]
        raise FormatError(f"load: {name} is not an ONNX model that can be run here: {said}") from error


@cache
def _adds_exactly() -> bool:
    """Return whether this processor adds 8-bit products as they are: those without VNNI add pairs in 16 bits."""
    helper, runtime = require("onnx.helper"), require("onnxruntime")
    largest = np.full((8, 8), 127, np.int8)
    graph = helper.make_graph(
        [helper.make_node("MatMulInteger", ["x", "w"], ["y"])],
        "products",
        [helper.make_tensor_value_info("x", 2, [1, 8])],  # uint8
        [helper.make_tensor_value_info("y", 6, [1, 8])],  # int32
        [helper.make_tensor("w", 3, largest.shape, largest.tobytes(), raw=True)],  # int8
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    options = runtime.SessionOptions()
    options.log_severity_level = 4
    session = runtime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.full((1, 8), 255, np.uint8)})
    return bool((found == 8 * 255 * 127).all())
