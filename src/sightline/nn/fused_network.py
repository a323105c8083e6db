"""A network with its layers merged, and packed for the processor: oneDNN by PyTorch's own operations, on the CPU."""

from __future__ import annotations

import copy
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from sightline.core.checks import choice
from sightline.core.errors import InputError
from sightline.nn.asked_tokens import compute_asked_tokens
from sightline.nn.captured_graph import capture, tidy
from sightline.nn.join_steps import is_one_run, join_steps, shorten_weights
from sightline.nn.merged_layers import frame_pixels, merge_affine, write_norms_as_convolutions
from sightline.nn.packed_layers import all_are_light_steps, pack_layers, round_constants
from sightline.nn.weight_order import order_weights

STEP = 8  # images at a time: their activations stay in the caches, and the layers are large enough to share out
SIZES = 4  # of images, for which a network is kept merged
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
_NEEDED = (
    "_convolution_pointwise",
    "_convolution_pointwise_",
    "_linear_pointwise",
    "_reorder_convolution_weight",
    "_reorder_linear_weight",
)


def runs_fused() -> bool:
    """Return whether this build of PyTorch has the operations that merged layers need."""
    return torch.backends.mkldnn.is_available() and all(hasattr(torch.ops.mkldnn, name) for name in _NEEDED)


def runs_bfloat16() -> bool:
    """Return whether oneDNN computes in bfloat16 on this processor: on x86, it needs AVX-512 or AVX-NE-CONVERT."""
    return runs_fused() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def merge(model: nn.Module, shape: tuple[int, int, int]) -> GraphModule:
    """Return what a network does to images of one size with as few layers as possible, the weights not yet packed.

    Parameters
    ----------
    model
        From B×C×H×W float32 in 0–1 to a tensor or a tuple of them; it is not changed.
    shape
        C, H and W.

    Returns
    -------
    torch.fx.GraphModule
        The same up to rounding, for any B; merged weights are float64. It returns a tuple.

    Raises
    ------
    InputError
        When the network cannot be captured.
    """
    graph = capture(model, shape)
    frame_pixels(graph)
    merge_affine(graph)
    write_norms_as_convolutions(graph)
    compute_asked_tokens(graph)
    return tidy(graph)


class FusedNetwork(nn.Module):
    """A network whose layers are merged and packed, on the CPU, without gradients.

    In bfloat16, which keeps 8 of float32's 24 bits, weights and activations are rounded; sums, the normalisation of
    layers and the answer are float32. It costs little: of the 10,000 test images of CIFAR-10, a public ResNet-20 names
    90.64 %, as in float32, the same class for 99.81 %; no probability changes by more than 0.083. Of one image
    only weights are rounded where that is faster: where all layers are one program, as in MobileNet.

    Parameters
    ----------
    model
        The network; it is kept as it is.
    shape
        C, H and W of its images. Images of another size are welcome where the network takes them: the first ones take a
        second or so.
    precision
        ``fp32`` or ``bf16``.

    Raises
    ------
    InputError
        When the network cannot be captured, or PyTorch or the processor cannot run it so.
    """

    def __init__(self, model: nn.Module, shape: tuple[int, int, int], precision: str = "fp32") -> None:
        super().__init__()
        choice("load", "precision", precision, tuple(_TYPES))
        if not runs_fused():
            raise InputError("load: engine 'fused' needs PyTorch with oneDNN, which this build lacks; use 'torch'.")
        if precision == "bf16" and not runs_bfloat16():
            raise InputError("load: precision 'bf16' needs a processor with AVX-512 for engine 'fused'; use 'fp32'.")
        self.model, self.shape, self.precision = model, shape, precision
        self._lock = Lock()
        self._graphs: dict[tuple[int, ...], tuple[GraphModule, GraphModule]] = {}
        self._graph(shape)

    def forward(self, images: Tensor) -> Any:
        """Return what the network returns for B×C×H×W images, as float32."""
        one, several = self._graph(tuple(images.shape[1:]))
        with torch.inference_mode():
            cut = [images[first : first + STEP] for first in range(0, max(len(images), 1), STEP)]
            parts = [one(part) if len(part) == 1 else several(part) for part in cut]
            found = [(given[0] if len(given) == 1 else torch.cat(given)).float() for given in zip(*parts, strict=True)]
        return found[0] if len(found) == 1 else tuple(found)

    def _graph(self, shape: tuple[int, ...]) -> tuple[GraphModule, GraphModule]:
        """Return what runs one image, and what runs several.

        Weights laid out for one number of rows would be laid out anew, with each call, for another.
        """
        with self._lock:
            if shape not in self._graphs:
                if len(self._graphs) == SIZES:
                    del self._graphs[next(iter(self._graphs))]
                self._graphs[shape] = _packed(self.model, shape, _TYPES[self.precision])
            return self._graphs[shape]


def _packed(model: nn.Module, shape: tuple[int, ...], dtype: torch.dtype) -> tuple[GraphModule, GraphModule]:
    with torch.inference_mode(False):
        if len(shape) != 3:
            raise InputError(f"load: images must be B×C×H×W; got {len(shape) + 1} axes.")
        merged = merge(model, (shape[0], shape[1], shape[2]))
        return _laid_out_for_one(merged, dtype), _laid_out(merged, dtype, STEP)


def _laid_out_for_one(merged: GraphModule, dtype: torch.dtype) -> GraphModule:
    if dtype != torch.float32 and all_are_light_steps(merged):
        wide = _laid_out(copy.deepcopy(merged), torch.float32, 1)
        if is_one_run(wide):  # which is faster than its layers one by one in bfloat16
            shorten_weights(wide)
            return order_weights(wide)
    return _laid_out(copy.deepcopy(merged), dtype, 1)


def _laid_out(graph: GraphModule, dtype: torch.dtype, batch: int) -> GraphModule:
    pack_layers(graph, dtype, batch)
    round_constants(graph, dtype)
    join_steps(graph, dtype)
    return order_weights(tidy(graph))
