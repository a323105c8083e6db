"""Weights in one memory, in the order in which layers read them.

A network that looks at one image reads each weight once. In one memory, large pages hold them, where the system has
such: the processor looks up where a page lies five hundred times less often.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch.fx import GraphModule

from sightline.nn.packed_layers import PackedThreeByThree
from sightline.nn.step_run import StepRun
from sightline.nn.workspace import aligned

_LINE = 64  # bytes of a line of the cache


def order_weights(graph: GraphModule) -> GraphModule:
    """Lay the weights that steps and Winograd's convolutions read one after the other, in place; return the graph.

    Parameters
    ----------
    graph
        After :func:`~sightline.nn.join_steps.join_steps`; its layers keep their weights, at another place.
    """
    readers = list(_readers(graph))
    sizes = [-(-reader.weights.nbytes // _LINE) * _LINE for reader in readers]
    memory = torch.from_numpy(aligned(sum(sizes)))
    for reader, first in zip(readers, itertools.accumulate(sizes, initial=0), strict=False):
        weights = reader.weights
        place = memory[first : first + weights.nbytes].view(weights.dtype).view(weights.shape)
        reader.weights = place.copy_(weights)
    return graph


def _readers(graph: GraphModule) -> Iterator[Any]:
    for node in graph.graph.nodes:
        module: Any = graph.get_submodule(str(node.target)) if node.op == "call_module" else None
        if isinstance(module, StepRun):
            yield from (step.layer for step in module.program.steps if step.layer is not None)
        elif isinstance(module, PackedThreeByThree):
            yield module.spread
