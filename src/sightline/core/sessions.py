"""ONNX Runtime's sessions: opened one way, quiet and on the CPU."""

from __future__ import annotations

from typing import Any

from sightline.core.errors import FormatError, require


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
    try:
        return runtime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its own classes of errors have no common ancestor but this
        said = str(error).splitlines()[0].partition(" : ")[2] or str(error).splitlines()[0]
        raise FormatError(f"load: {name} is not an ONNX model that can be run here: {said}") from error
