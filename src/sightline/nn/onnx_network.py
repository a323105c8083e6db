"""A network as an ONNX graph, and the graph as a network again, run by ONNX Runtime: on a CPU often twice as fast."""

from __future__ import annotations

import contextlib
import copy
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sightline.core.errors import InputError, require
from sightline.core.sessions import open_session

OPSET = 18  # the first in which a graph can shrink pictures with antialiasing
PIXELS, SCORES = "pixels", "scores"


def to_onnx(model: nn.Module, shape: tuple[int, int, int], outputs: Sequence[str] = (SCORES,)) -> Any:
    """Return a network as an ONNX graph for batches of any number of images.

    Parameters
    ----------
    model
        From B×C×H×W float32 in 0–1 to B×n; it is not changed, and exported as it is in evaluation mode. With several
        outputs, a tuple of B×A×n, and the sides may change from batch to batch, as A does with them.
    shape
        C, H and W; with several outputs, H and W are those that it is traced with.
    outputs
        Their names.

    Returns
    -------
    onnx.ModelProto
        With the input ``pixels`` and these outputs.

    Raises
    ------
    MissingExtraError
        When the extra ``export`` is not installed.
    InputError
        When the network cannot be followed by PyTorch's tracer.
    """
    onnx = require("onnx")
    own = copy.deepcopy(model).cpu().float().eval()
    _write_pools_out(own, torch.zeros(1, *shape))
    free = {PIXELS: {0: "batch"}, **{name: {0: "batch"} for name in outputs}}
    if len(outputs) > 1:
        free = {PIXELS: {0: "batch", 2: "height", 3: "width"}, **{n: {0: "batch", 1: "places"} for n in outputs}}
    with TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the tracer says that sizes in pixels become constants: they are meant to
        path = Path(folder) / "network.onnx"
        try:
            torch.onnx.export(
                own,
                (torch.zeros(2, *shape),),
                path,
                dynamo=False,  # traced in 1–3 s of CPU time, where the exporter on top of Dynamo takes 10–30
                opset_version=OPSET,
                dynamic_axes=free,
                input_names=[PIXELS],
                output_names=list(outputs),
            )
        except (RuntimeError, torch.onnx.OnnxExporterError) as error:
            raise InputError(
                f"export: {type(model).__name__} cannot be written as an ONNX graph: {str(error).splitlines()[0]}"
            ) from error
        return onnx.load(path)


class _Means(nn.Module):
    """What ``AdaptiveAvgPool2d`` does to maps of one size, as two matrix products."""

    def __init__(self, pool: nn.AdaptiveAvgPool2d, size: tuple[int, int]) -> None:
        super().__init__()
        identity = [torch.eye(side)[None, None] for side in size]
        rows, columns = pool.output_size if isinstance(pool.output_size, tuple) else (pool.output_size,) * 2
        self.register_buffer("down", F.adaptive_avg_pool2d(identity[0], (rows, size[0]))[0, 0])  # rows×H
        self.register_buffer("across", F.adaptive_avg_pool2d(identity[1], (size[1], columns))[0, 0])  # W×columns

    def forward(self, x: Tensor) -> Tensor:
        """Return B×C×rows×columns."""
        return self.down @ x @ self.across


def _write_pools_out(model: nn.Module, images: Tensor) -> None:
    """Replace pools to several places, which the exporter writes only where they divide the map, in place."""
    sizes: dict[nn.Module, tuple[int, int]] = {}
    hooks = [
        module.register_forward_pre_hook(lambda module, given: sizes.update({module: tuple(given[0].shape[-2:])}))
        for module in model.modules()
        if isinstance(module, nn.AdaptiveAvgPool2d) and module.output_size not in (1, (1, 1))
    ]
    if not hooks:
        return
    with torch.inference_mode():
        model(images)
    for hook in hooks:
        hook.remove()
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d) and child in sizes:
                setattr(parent, name, _Means(child, sizes[child]))


def answers(session: Any, outputs: Sequence[str], images: Tensor) -> list[Tensor]:
    """Return what a graph answers for a batch, as many images at a time as there are threads.

    The activations of one image for each thread stay in the caches, those of a large batch do not: a batch of sixteen
    takes a vision transformer half as long again for each image.

    Parameters
    ----------
    session
        From :func:`~sightline.core.sessions.open_session`.
    outputs
        Names of the answers, each with an image's along the first axis.
    images
        B×C×H×W float32.
    """
    step, pixels = torch.get_num_threads(), images.numpy()
    pieces = [
        session.run(outputs, {PIXELS: pixels[first : first + step]}) for first in range(0, max(len(pixels), 1), step)
    ]
    return [torch.from_numpy(np.concatenate(parts)) for parts in zip(*pieces, strict=True)]


class OnnxNetwork(nn.Module):
    """A network that ONNX Runtime runs, on the CPU, without gradients.

    Parameters
    ----------
    model
        The network; it is kept as it is.
    shape
        C, H and W of its images.
    """

    def __init__(self, model: nn.Module, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.model, self.shape = model, shape
        self._session = open_session(to_onnx(model, shape).SerializeToString(), threads=torch.get_num_threads())

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network returns for B×C×H×W images."""
        return answers(self._session, [SCORES], images)[0]


class Bfloat16Network(nn.Module):
    """A network whose matrix products PyTorch takes in bfloat16, layer by layer: on any device, gradients included.

    Parameters
    ----------
    model
        The network; it is kept as it is.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Return what the network returns, as float32."""
        with torch.autocast(images.device.type, torch.bfloat16):
            return self.model(images).float()
