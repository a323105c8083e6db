"""Weights whose normalisation was multiplied into the convolutions, as exporters write them: read back in order.

Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
CVPR, section 3.2: γ·(w∗x − μ)/σ + β is one convolution with the weights γ·w/σ and the bias β − γ·μ/σ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sightline.core.errors import MissingFileError, WeightsError, require
from sightline.core.types import PathLike
from sightline.data.sample import SAMPLES, sample
from sightline.detect.prepare import colour, frame_of
from sightline.nn.conv_norm import ConvNorm
from sightline.zoo import read_weights

Pair = tuple[str, Tensor, Tensor]  # a convolution's name in the file, its weights out×in×k×k, its biases


def fill(model: nn.Module, pairs: Sequence[Pair], source: PathLike) -> None:
    """Copy folded convolutions into a model in the order of its layers: all of them, or nothing.

    The normalisations that follow convolutions become neutral: mean 0, variance 1, the file's bias as shift.

    Parameters
    ----------
    model
        The model that is filled, in place.
    pairs
        One for each convolution, in the order in which they are computed.
    source
        What errors call the file.

    Raises
    ------
    WeightsError
        When there are too few or too many, or one has another shape; the model is as it was.
    """
    layers = list(convolutions(model))
    if len(layers) != len(pairs):
        raise WeightsError(
            f"begin: '{source}' has {len(pairs)} convolutions, {type(model).__name__} has {len(layers)}: it is "
            "another network, or the file was cut."
        )
    for (name, layer), (theirs, weight, bias) in zip(layers, pairs, strict=True):
        wanted = (layer.conv if isinstance(layer, ConvNorm) else layer).weight.shape
        if weight.shape != wanted or bias.shape != wanted[:1]:
            raise WeightsError(
                f"begin: '{theirs}' of '{source}' must be {_text(wanted)} with {wanted[0]} biases, as {name}; "
                f"got {_text(weight.shape)} with {_text(bias.shape)}. Is it for other classes or another width?"
            )
    with torch.no_grad():
        for (_, layer), (_, weight, bias) in zip(layers, pairs, strict=True):
            if isinstance(layer, ConvNorm):
                layer.conv.weight.copy_(weight)
                _neutral(layer.norm, bias)
            else:
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)  # pyrefly: ignore


def in_rgb(pairs: Sequence[Pair]) -> list[Pair]:
    """Return the convolutions of a network that reads BGR as those of one that reads RGB.

    Parameters
    ----------
    pairs
        The first of them sees the pixels.
    """
    (name, weight, bias), *others = pairs
    return [(name, weight.flip(1), bias), *others]


@torch.no_grad()
def unfold(model: nn.Module, images: Tensor) -> None:
    """Give each normalisation the mean and the deviation of its input on some images, in place.

    What the model computes in evaluation mode stays the same up to rounding. In training mode a batch then meets what
    it is divided by, so that a network with folded weights can be trained on.

    Parameters
    ----------
    model
        In either mode, which it keeps.
    images
        B×3×H×W in 0–1: real photos.
    """
    hooks = [
        layer.conv.register_forward_hook(partial(_settle, layer.norm))
        for _, layer in convolutions(model)
        if isinstance(layer, ConvNorm)
    ]
    training = model.training
    try:
        model.eval()(images)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()


def photos(side: int) -> Tensor:
    """Return 4×3×side×side of the first sample photos in 0–1, each in the middle of its frame.

    Parameters
    ----------
    side
        Pixels.
    """
    shown = [colour(sample(name)) for name in list(SAMPLES)[:4]]
    pixels = np.stack([frame_of(image.shape[:2], side, square=True).image(image) for image in shown])  # B×H×W×3
    return torch.from_numpy(pixels).permute(0, 3, 1, 2) / 255


def _settle(norm: nn.BatchNorm2d, layer: nn.Module, given: object, output: Tensor) -> None:
    scale = norm.weight / (norm.running_var + norm.eps).sqrt()  # pyrefly: ignore
    shift = norm.bias - norm.running_mean * scale  # pyrefly: ignore
    variance, mean = torch.var_mean(output, dim=(0, 2, 3), correction=0)
    norm.running_mean.copy_(mean)  # pyrefly: ignore
    norm.running_var.copy_(variance)  # pyrefly: ignore
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.bias.copy_(shift + mean * scale)


def _neutral(norm: nn.BatchNorm2d, bias: Tensor) -> None:
    norm.reset_running_stats()
    norm.weight.fill_((1 + norm.eps) ** 0.5)  # divided by √(1 + ε) again
    norm.bias.copy_(bias)


def convolutions(model: nn.Module, prefix: str = "") -> Iterator[tuple[str, ConvNorm | nn.Conv2d]]:
    """Yield the name and the layer of each convolution in the order of registration; a normalised one is one layer.

    Parameters
    ----------
    model
        A network whose layers are registered in the order in which they are computed.
    prefix
        Of the names.
    """
    for name, child in model.named_children():
        if isinstance(child, (ConvNorm, nn.Conv2d)):
            yield prefix + name, child
        else:
            yield from convolutions(child, f"{prefix}{name}.")


def read_layers(path: PathLike) -> list[Pair]:
    """Return the convolutions of a file with names like ``Conv_12/weight`` and ``Conv_12/bias``, in its order.

    Parameters
    ----------
    path
        A ``.npz`` or ``.safetensors`` file, as :func:`sightline.zoo.read_weights` reads it.
    """
    tensors = read_weights(path)
    names = [key.removesuffix("/weight") for key in tensors if key.endswith("/weight")]
    missing = [name for name in names if f"{name}/bias" not in tensors]
    if missing or 2 * len(names) != len(tensors):
        wrong = f"'{missing[0]}' has no bias" if missing else f"{len(tensors) - 2 * len(names)} tensors are neither"
        raise WeightsError(f"begin: '{path}' must hold a weight and a bias for each convolution; {wrong}.")
    return [(name, tensors[f"{name}/weight"].float(), tensors[f"{name}/bias"].float()) for name in names]


def read_graph(path: PathLike) -> list[Pair]:
    """Return the convolutions of an ONNX file in the order of its graph.

    Parameters
    ----------
    path
        An ``.onnx`` file whose weights lie in it.
    """
    onnx = require("onnx")
    if not Path(path).is_file():
        raise MissingFileError(f"begin: '{path}' does not exist.")
    try:
        graph = onnx.load(str(path)).graph
        numbers = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
        inputs = [(node.name, node.input) for node in graph.node if node.op_type == "Conv"]
        return [(name, *(torch.tensor(numbers[key]) for key in keys[1:3])) for name, keys in inputs]  # pyrefly: ignore
    except Exception as error:  # protobuf's errors have no public ancestor
        said = str(error).splitlines()[0]
        raise WeightsError(f"begin: '{path}' is no ONNX file with convolutions: {said}.") from error


def _text(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))
