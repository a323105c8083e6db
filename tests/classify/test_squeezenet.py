"""SqueezeNet with its real ImageNet weights: against its published graph, executed line by line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import sightline as sl
from sightline.classify import squeezenet
from sightline.core import evidence
from sightline.zoo import export_weights, load_weights

CAFFE = {"mean": tuple(value / 255 for value in (123, 117, 104)), "std": (1 / 255,) * 3}  # as the authors publish it
WEIGHTS, GRAPH = "squeezenet_v1.1.npz", "squeezenet_v1.1.ncnn.param.txt"


def execute(graph: Path, weights: dict[str, Tensor], image: Tensor) -> Tensor:
    """Return the probabilities of B×3×227×227 BGR values minus their means, by the lines of the graph.

    The graph pads its last 1×1 convolution, so that a ring of biases is averaged in; neither torchvision nor we do.
    """
    maps = {"data": image}
    for line in graph.read_text("utf-8").splitlines()[2:]:
        kind, name, ins, outs, *rest = line.split()
        inputs, outputs = rest[: int(ins)], rest[int(ins) : int(ins) + int(outs)]
        options = {int(key): int(value) for key, value in (part.split("=") for part in rest[int(ins) + int(outs) :])}
        if kind == "Input":
            continue
        x = maps[inputs[0]]
        if kind == "Convolution":
            padding = options.get(4, 0) if options[1] > 1 else 0
            y = F.conv2d(x, weights[f"{name}/weight"], weights[f"{name}/bias"], options.get(3, 1), padding)
            y = y.relu() if options.get(9) == 1 else y
        elif kind == "Pooling":
            whole = options.get(4) == 1
            y = x.mean((2, 3)) if whole else F.max_pool2d(x, options[1], options[2], ceil_mode=True)
        elif kind == "Concat":
            y = torch.cat([maps[one] for one in inputs], dim=1)
        else:
            y = x.softmax(dim=1) if kind == "Softmax" else x
        maps.update(dict.fromkeys(outputs, y))
    return maps["prob"]


@evidence.equals(
    "classify.squeezenet",
    peer="its published ncnn graph",
    tolerance="1e-5 of a probability",
    data="public ImageNet weights, photos; the padding of the graph's last 1×1 left out",
)
def test_squeezenet_equals_its_published_graph(shared_data: Path, measured: Callable[[float], None]) -> None:
    folder = shared_data / "weights"
    with np.load(folder / WEIGHTS) as archive:
        theirs = {key: torch.from_numpy(archive[key].astype(np.float32)) for key in archive.files}
    ours = load_weights(squeezenet(**CAFFE), folder / WEIGHTS).eval()
    files = sorted((shared_data / "imagenet_samples" / "images").glob("*.jpg"))[:3]
    photos = [sl.image.resize(sl.read(file), (227, 227)) for file in files]
    images = torch.from_numpy(np.stack(photos)).permute(0, 3, 1, 2).float()
    means = torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    with torch.inference_mode():
        expected = execute(folder / GRAPH, theirs, images.flip(1) - means)
        error = (ours(images / 255).softmax(dim=1) - expected).abs().max().item()
    measured(error)
    assert error <= 1e-5


def test_caffe_names_and_colours_go_round() -> None:
    model = squeezenet(7)
    given = export_weights(model, naming="caffe")
    assert {"conv1/weight", "fire2/squeeze1x1/bias", "fire9/expand3x3/weight", "conv10/bias"} <= given.keys()
    assert torch.equal(given["conv1/weight"].flip(1), model.state_dict()["body.0.weight"])
    other = load_weights(squeezenet(7), given)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True))
