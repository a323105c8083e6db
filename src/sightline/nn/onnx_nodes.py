"""Nodes of an ONNX graph, written one after the other around a network's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import sightline
from sightline.core.errors import InputError, require
from sightline.core.exported_file import ABOUT
from sightline.core.files import write_bytes
from sightline.core.types import PathLike


class Nodes:
    """Nodes and constants of a graph.

    Parameters
    ----------
    prefix
        Of the names that are made.
    """

    def __init__(self, prefix: str = "picture") -> None:
        self._onnx = require("onnx")
        self._prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: Any, kind: type) -> str:
        """Add a constant; return its name."""
        name = f"{self._prefix}_constant_{len(self.constants)}"
        self.constants.append(self._onnx.numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def add(self, operation: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        """Add a node with one output; return the output's name."""
        return self.several(operation, *inputs, names=(name or f"{self._prefix}_{len(self.nodes)}",), **attributes)[0]

    def several(self, operation: str, *inputs: str, names: tuple[str, ...], **attributes: Any) -> tuple[str, ...]:
        """Add a node with several outputs; return their names."""
        self.nodes.append(self._onnx.helper.make_node(operation, inputs, names, **attributes))
        return names

    def cast(self, value: str, kind: str) -> str:
        """Add a change of type, named as in ``TensorProto``."""
        return self.add("Cast", value, to=getattr(self._onnx.TensorProto, kind))


def surround(graph: Any, before: Nodes, after: Nodes, inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> None:
    """Put nodes before and behind a network's graph, in place.

    Parameters
    ----------
    graph
        An ``onnx.ModelProto``; its own inputs and outputs become values inside.
    before, after
        What stands around it.
    inputs, outputs
        By name: the ``TensorProto`` type's name and the shape, sizes that change as words.
    """
    onnx = require("onnx")
    whole, inner = graph.graph, list(graph.graph.node)
    del whole.node[:], whole.input[:], whole.output[:]
    whole.node.extend([*before.nodes, *inner, *after.nodes])
    whole.initializer.extend([*before.constants, *after.constants])
    for fields, given in ((whole.input, inputs), (whole.output, outputs)):
        for name, (kind, shape) in given.items():
            fields.append(onnx.helper.make_tensor_value_info(name, getattr(onnx.TensorProto, kind), shape))
    onnx.checker.check_model(graph)


def write_graph(graph: Any, path: PathLike, about: Mapping[str, Any]) -> Path:
    """Write a graph that says of itself what it is; return the file.

    Parameters
    ----------
    graph
        An ``onnx.ModelProto``.
    path
        File to write, ``….onnx``.
    about
        JSON values; the version is added.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise InputError(f"export: the file's name must end in .onnx; got '{path}'.")
    told = json.dumps({**about, "version": sightline.__version__}, ensure_ascii=False)
    require("onnx").helper.set_model_props(graph, {ABOUT: told})
    write_bytes(path, graph.SerializeToString())
    return path
